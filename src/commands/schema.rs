//! `schema` prints what services.toml may say, for editors and other tools.

use super::Report;
use crate::catalog::schema::TEXT;

/// The schema's text.
pub fn run() -> Report {
    Report::text(TEXT)
}
