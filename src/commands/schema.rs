//! `schema` prints what services.toml may say, for editors and other tools.

use super::Report;
use crate::catalog::schema::{SCHEMA, TEXT};

/// The schema's text.
pub fn run() -> Report {
    let mut report = Report::text(TEXT);
    report.data.insert("schema".into(), SCHEMA.clone());
    report
}
