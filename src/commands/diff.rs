//! `diff` says what changes in behaviour between another catalog and this one.

mod base;

use super::{Cli, Report};
use crate::diagnostic::{Diagnostic, Format, Place};
use crate::diff::print::Printer;
use crate::diff::{At, Change, Class, Side, compare};
use crate::pipeline::{self, CATALOG};
use anyhow::Result;

/// What to compare with.
#[derive(clap::Args)]
pub struct Args {
    /// A catalog, a folder with one, or a git revision
    #[arg(default_value = "HEAD")]
    base: String,
}

/// Reads both, compares, prints.
pub fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let own = match pipeline::read(&cli.root) {
        Ok(source) => source.text,
        Err((source, diagnostic)) => return Ok(Report::new(source, vec![diagnostic])),
    };
    let after = match pipeline::load(CATALOG, &own) {
        Ok(after) => after,
        Err(refused) => return Ok(Report::new(refused.source, refused.diagnostics)),
    };
    let (name, text) = base::read(&args.base, &cli.root)?;
    let before = match pipeline::load(&name, &text) {
        Ok(before) => before,
        Err(refused) => return Ok(Report::new(refused.source, refused.diagnostics)),
    };
    let sides = [&before, &after].map(|(source, catalog)| Side { source, catalog });
    let changes = compare(sides[0], sides[1]);
    Ok(report(&Printer { changes: &changes, before: sides[0], after: sides[1], base: &args.base }, cli.format))
}

fn report(printer: &Printer, format: Format) -> Report {
    let mut report = Report::text(&if format == Format::Markdown { printer.markdown() } else { String::new() });
    if format != Format::Markdown {
        printer.lines().iter().for_each(|(style, line)| report.styled(*style, line));
    }
    report.data.extend(printer.json());
    if format == Format::Github {
        // One annotation each for what a reviewer must look at; the text that follows has all.
        let annotations = printer.changes.iter().filter_map(|change| annotation(printer, change));
        annotations.for_each(|annotation| report.push(annotation));
    }
    let dangerous = printer.changes.iter().any(|change| change.class == Class::Dangerous);
    if dangerous { report.found() } else { report }
}

/// What is gone has no line in the catalog as it is, so it is shown at its top.
fn annotation(printer: &Printer, change: &Change) -> Option<Diagnostic> {
    let line = if matches!(change.at, At::After(_)) { printer.place(change).1 } else { 1 };
    let place = Place::Line { file: CATALOG.into(), line, text: String::new() };
    let message = printer.message(change);
    match change.class {
        Class::Dangerous => {
            Some(Diagnostic::error("dangerous-change", place, message).help("make sure that this is meant, and that those who rely on it know"))
        }
        Class::Notice => Some(Diagnostic::warning("changed-behaviour", place, message).help("tell those whom it concerns")),
        Class::Safe => None,
    }
}
