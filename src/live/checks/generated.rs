//! The output folder, held against the catalog: what is not rendered is deployed by nobody.

use super::{CheckContext, Checked};
use crate::diagnostic::Severity;

/// Whether what is on disk is what the catalog renders to. Where there is nothing on disk, what runs was deployed from elsewhere.
pub(crate) fn checked(context: &CheckContext) -> Checked {
    let output = &context.catalog.platform.output;
    let Some(stale) = &context.stale else {
        let note = format!("{output}/ is what services.toml says");
        return Checked::new("generated", "ok", note, Vec::new());
    };
    let mut finding = stale.finding.clone();
    if stale.files.is_empty() {
        finding.severity = Severity::Warning;
        finding.message =
            format!("{output}/ is not there: what runs is compared with the catalog alone");
        let note = format!("{output}/ is not there");
        return Checked::new("generated", "-", note, vec![finding]);
    }
    let note = format!("{output}/ is not what services.toml says");
    Checked::new("generated", "differs", note, vec![finding])
}
