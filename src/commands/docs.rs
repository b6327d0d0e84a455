//! `docs` prints the reference: every key, every kind of alert, every finding.

use super::Report;

/// Written by tests/reference.rs from the schema, the kinds and the findings.
const REFERENCE: &str = include_str!("../../docs/REFERENCE.md");

/// The whole of it; a pager and `grep` do the rest.
pub(crate) fn run() -> Report {
    let mut report = Report::text(REFERENCE);
    report.data.insert("reference".into(), REFERENCE.into());
    report
}
