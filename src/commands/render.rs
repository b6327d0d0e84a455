//! `render` writes generated/; `render --check` says in what it differs.

use super::{Cli, Report, own_tests};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::generated::{Change, Kind, compare, diff, write};
use crate::pipeline::{self, Outcome};
use anyhow::Result;
use serde_json::{Value, json};
use std::fs::{File, TryLockError};
use std::path::Path;

/// `render` and its flags.
#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; report modified, missing and orphaned files with a diff, and exit 1 if there are any
    #[arg(long)]
    check: bool,
}

/// Lines of one file's diff that are worth reading in a terminal.
const DIFF_LINES: usize = 200;

/// Renders, proves, compares, and writes or reports.
pub fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let _held = (!args.check).then(|| hold(&cli.root));
    let mut outcome = pipeline::run(&cli.root)?;
    own_tests::run(&mut outcome)?;
    finish(outcome, cli, args.check)
}

/// One run at a time writes in a root, from reading its catalog on; others wait until this is dropped.
/// Where a folder cannot be locked, as on some network file systems, nobody waits.
pub fn hold(root: &Path) -> Option<File> {
    let folder = File::open(root).ok()?;
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        super::report::say(&format!("waiting for another run in {}", root.display()));
        folder.lock().ok()?;
    }
    Some(folder)
}

/// The second half, which `add` shares: from proven Files to generated/.
pub fn finish(mut outcome: Outcome, cli: &Cli, check: bool) -> Result<Report> {
    let failed = outcome.failed();
    let size = outcome.catalog.as_ref().map_or((0, 0), |catalog| (catalog.services.len(), catalog.alerts.len()));
    let not_run = outcome.diagnostics.iter().any(|found| found.code == "tests-not-run");
    let tested = outcome.catalog.iter().flat_map(|catalog| &catalog.alerts).filter(|alert| !alert.tests().is_empty()).count();
    let unproved = if not_run { tested } else { 0 };
    let rendered = outcome.rendered.take();
    let mut report = Report::new(outcome.source, outcome.diagnostics);
    let Some(rendered) = rendered.filter(|_| !failed) else { return Ok(report) };
    let folder = cli.root.join("generated");
    let changes = compare(&folder, &rendered.files)?;
    let entries = changes.iter().map(|change| json!({"path": format!("generated/{}", change.path), "kind": word(change.kind)}));
    report.data.insert("changes".into(), entries.collect::<Vec<Value>>().into());
    let proved =
        if unproved == 0 { "all proved".to_string() } else { format!("all proved but for the tests of {}, which were not run", plural(unproved, "alert")) };
    let proved = format!("{}, {}, {}, {proved}", plural(size.0, "service"), plural(size.1, "alert"), plural(rendered.files.len(), "file"));
    if changes.is_empty() {
        report.line(format!("nothing changed: generated/ is what services.toml says ({proved})"));
        return Ok(report);
    }
    if check {
        return Ok(stale(report, &changes, cli));
    }
    write(&folder, &changes)?;
    report.line(format!("changed {} in generated/ ({proved})", plural(changes.len(), "file")));
    for change in &changes {
        report.line(listed(change, ["changed", "new", "removed"]));
    }
    report.line("next: commit services.toml and generated/ together");
    Ok(report)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Modified => "modified",
        Kind::Missing => "missing",
        Kind::Orphaned => "orphaned",
    }
}

/// One line of the list of changes: what happened, the path, lines more and less.
fn listed(change: &Change, words: [&str; 3]) -> String {
    let (more, less) = match change.kind {
        Kind::Missing => (change.after.lines().count(), 0),
        Kind::Orphaned => (0, change.before.lines().count()),
        Kind::Modified => {
            let text = similar::TextDiff::from_lines(change.before.as_str(), change.after.as_str());
            let count = |tag| text.iter_all_changes().filter(|line| line.tag() == tag).count();
            (count(similar::ChangeTag::Insert), count(similar::ChangeTag::Delete))
        }
    };
    format!("  {:<9} generated/{}  +{more} -{less}", words[change.kind as usize], change.path)
}

fn stale(mut report: Report, changes: &[Change], cli: &Cli) -> Report {
    let mend = cli.command("render");
    let differ = if changes.len() == 1 { "1 file differs".into() } else { format!("{} files differ", changes.len()) };
    report.line(format!("generated/ is not what services.toml says: {differ}"));
    for change in changes {
        report.line(listed(change, ["modified", "missing", "orphaned"]));
    }
    for change in changes {
        report.line("");
        report.block(&diff(change, DIFF_LINES));
    }
    report.line("");
    report.line(format!("nothing was written; mend it with: {mend}"));
    report.data.insert("mend".into(), mend.clone().into());
    if cli.format == crate::diagnostic::Format::Github {
        for change in changes {
            let what = format!("generated/{} is {}", change.path, word(change.kind));
            report.push(Diagnostic::error("stale", Place::File(format!("generated/{}", change.path)), what).help(format!("mend it with: {mend}")));
        }
    }
    report.found()
}
