//! What holds other alerts back ends with its cause.

use super::Lint;
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "held-back-too-long",
    doc: "While an alert fires that explains the others, nobody is told of those. Kept firing for hours after its cause has gone, it holds back what has nothing to do with it.",
    bad: "[prometheus]\nminimum_version = \"2.42\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"1m\"\nkeep_firing_for = \"6h\"\nseverity = \"critical\"\n",
    good: "[prometheus]\nminimum_version = \"2.42\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"1m\"\nkeep_firing_for = \"5m\"\nseverity = \"critical\"\n",
    check: |catalog, _| {
        let alerts = catalog.written_alerts();
        let holding = alerts.filter(|alert| alert.kind.holds_back_others);
        let long = holding.filter_map(|alert| {
            let kept = alert.keep_firing_for.filter(|kept| *kept > LONGEST)?;
            let message = format!(
                "`{}` holds the other alerts of a service back for {kept} after it is well again",
                alert.written_name()
            );
            let at = Place::Value(format!("{}/keep_firing_for", alert.table()));
            let error = Diagnostic::error("held-back-too-long", at, message);
            Some(error.help("write minutes: as long as it takes to be sure that it stays well"))
        });
        long.collect()
    },
};

/// What flaps is seen to be stable by then.
const LONGEST: Duration = Duration(30 * 60_000);
