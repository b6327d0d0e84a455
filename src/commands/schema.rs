//! `schema` prints what services.toml may say, for editors and other tools.

use super::{Cli, Report};
use crate::catalog::schema::{self, TEXT};
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::source::Source;
use anyhow::Result;

/// The schema's text; with kinds of the root's own, the same as they extend it.
pub(crate) fn run(cli: &Cli) -> Result<Report> {
    let kinds = match Kinds::of(&Overlay::of(&cli.root)) {
        Ok(kinds) => kinds,
        Err(findings) => return Ok(Report::new(Source::parse("", "").0, findings).reading()),
    };
    let value = schema::with(&kinds);
    let mut report = if kinds == Kinds::built_in() {
        Report::text(TEXT)
    } else {
        Report::text(&serde_json::to_string_pretty(&value)?)
    };
    report.data.insert("schema".into(), value);
    Ok(report)
}
