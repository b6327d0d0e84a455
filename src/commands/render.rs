//! `render` writes generated/; `render --check` says in what it differs.

use super::{Cli, Report, own_tests};
use crate::diagnostic::{Diagnostic, Format, Place, plural};
use crate::generated::{Comparison, FileChange, FileStatus, MANIFEST, compare, diff, sweep, write};
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG, Outcome};
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
    /// Write into a folder that has only files of others so far; they are left alone
    #[arg(long)]
    adopt_folder: bool,
}

/// Lines of one file's diff that are worth reading in a terminal.
const DIFF_LINES: usize = 200;

/// Files of others that are named one by one.
const FOREIGN_LINES: usize = 20;

/// Renders, proves, compares, and writes or reports.
pub fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let _held = (!args.check).then(|| lock_root(&cli.root));
    let mut outcome = pipeline::run(&cli.root)?;
    own_tests::run(&mut outcome)?;
    prepare(outcome, cli, args.adopt_folder)?.finish(cli, args.check)
}

/// One run at a time writes in a root, from reading its catalog on; others wait until this is dropped.
/// Where a folder cannot be locked, as on some network file systems, nobody waits.
pub fn lock_root(root: &Path) -> Option<File> {
    let held = lock(root);
    if let Ok(catalog) = root.join(CATALOG).canonicalize() {
        // Behind a link, the catalog may be that of another root too, which has its own lock.
        let alone = held.is_some()
            && root
                .canonicalize()
                .is_ok_and(|root| catalog.parent() == Some(&*root));
        sweep(&catalog, alone);
    }
    held
}

fn lock(root: &Path) -> Option<File> {
    let folder = File::open(root).ok()?;
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        super::report::say(&format!("waiting for another run in {}", root.display()));
        folder.lock().ok()?;
    }
    Some(folder)
}

/// Proven Files held against the output folder; nothing is written yet.
pub struct Prepared {
    /// What is said so far; with an error in it, nothing may be written.
    pub report: Report,
    /// Not there when something stands against it.
    ready: Option<Ready>,
}

struct Ready {
    comparison: Comparison,
    output: String,
    proved: String,
    /// Paths of templates that the root has instead of the built-in ones.
    replaced: Vec<String>,
}

/// The second half, which `add` shares: compares, and refuses what would touch files of others.
pub fn prepare(mut outcome: Outcome, cli: &Cli, adopt: bool) -> Result<Prepared> {
    let failed = outcome.failed();
    let size = outcome.catalog.as_ref().map_or((0, 0), |catalog| {
        (catalog.services.len(), catalog.alerts.len())
    });
    let not_run = outcome
        .diagnostics
        .iter()
        .any(|found| found.code == "tests-not-run");
    let tested = outcome
        .catalog
        .iter()
        .flat_map(|catalog| &catalog.alerts)
        .filter(|alert| !alert.tests().is_empty())
        .count();
    let unproved = if not_run { tested } else { 0 };
    let rendered = outcome.rendered.take();
    let mut report = Report::new(outcome.source, outcome.diagnostics);
    let Some(rendered) = rendered.filter(|_| !failed) else {
        return Ok(Prepared {
            report,
            ready: None,
        });
    };
    let output = rendered.output;
    let comparison = compare(&cli.root, &output, &rendered.files)?;
    if comparison.of_others && !adopt {
        let what = format!(
            "{output}/ has files of others, and none that monstack wrote: {}",
            first(&comparison)
        );
        let help = format!(
            "choose another folder, as in `output = \"deploy/monitoring\"` under [platform]; or write beside them, which leaves them alone: {} --adopt-folder",
            cli.command("render")
        );
        report.push(
            Diagnostic::error("foreign-folder", Place::File(output.clone()), what).help(help),
        );
    }
    for obstacle in &comparison.obstacles {
        let path = format!("{output}/{}", obstacle.path);
        let help = "move it elsewhere, or remove it, and render again; or choose another folder with `output` under [platform]";
        report.push(
            Diagnostic::error(
                "in-the-way",
                Place::File(path.clone()),
                format!("{path} {}", obstacle.what),
            )
            .help(help),
        );
    }
    if (comparison.of_others && !adopt) || !comparison.obstacles.is_empty() {
        return Ok(Prepared {
            report,
            ready: None,
        });
    }
    let proved = if unproved == 0 {
        "all proved".to_string()
    } else {
        format!(
            "all proved but for the tests of {}, which were not run",
            plural(unproved, "alert")
        )
    };
    let proved = format!(
        "{}, {}, {}, {proved}",
        plural(size.0, "service"),
        plural(size.1, "alert"),
        plural(rendered.files.len(), "file")
    );
    let replaced = Overlay::of(&cli.root).replaced();
    report
        .data
        .insert("replaced_templates".into(), replaced.clone().into());
    Ok(Prepared {
        report,
        ready: Some(Ready {
            comparison,
            output,
            proved,
            replaced,
        }),
    })
}

/// A few of the files of others.
fn first(comparison: &Comparison) -> String {
    let names: Vec<&str> = comparison
        .foreign
        .keys()
        .map(String::as_str)
        .chain(
            comparison
                .obstacles
                .iter()
                .map(|obstacle| obstacle.path.as_str()),
        )
        .collect();
    let more = if names.len() > 3 {
        format!(" and {} more", names.len() - 3)
    } else {
        String::new()
    };
    names.iter().take(3).copied().collect::<Vec<_>>().join(", ") + &more
}

impl Prepared {
    /// Whether something stands against writing.
    pub fn refused(&self) -> bool {
        self.ready.is_none()
    }

    /// Writes, or says what would be written.
    pub fn finish(self, cli: &Cli, check: bool) -> Result<Report> {
        let mut report = self.report;
        let Some(Ready {
            comparison,
            output,
            proved,
            replaced,
        }) = self.ready
        else {
            return Ok(report);
        };
        let entries = comparison.changes.iter().map(|change| json!({"path": format!("{output}/{}", change.path), "kind": word(change.kind)}));
        let modes = comparison.modes.iter().map(|mode| json!({"path": format!("{output}/{}", mode.path), "kind": "mode", "mode": octal(mode.mode)}));
        report.data.insert(
            "changes".into(),
            entries.chain(modes).collect::<Vec<Value>>().into(),
        );
        report.data.insert(
            "foreign".into(),
            comparison
                .foreign
                .keys()
                .map(|path| format!("{output}/{path}"))
                .collect::<Vec<_>>()
                .into(),
        );
        if comparison.is_current() {
            report.line(format!(
                "nothing changed: {output}/ is what services.toml says ({proved})"
            ));
            beside(&mut report, &comparison, &output, cli);
            own_templates(&mut report, &replaced);
            return Ok(report);
        }
        if check {
            return Ok(stale(report, &comparison, &output, cli));
        }
        write(&cli.root, &output, &comparison)?;
        report.line(format!(
            "changed {} in {output}/ ({proved})",
            plural(comparison.changes.len() + comparison.modes.len(), "file")
        ));
        list(
            &mut report,
            &comparison,
            &output,
            ["changed", "", "new", "removed"],
        );
        beside(&mut report, &comparison, &output, cli);
        own_templates(&mut report, &replaced);
        report.line(format!("next: commit services.toml and {output}/ together"));
        Ok(report)
    }
}

/// Templates of the root, which a newer monstack does not change.
fn own_templates(report: &mut Report, replaced: &[String]) {
    for path in replaced {
        report.line(format!(
            "  template  templates/{path} replaces the built-in one"
        ));
    }
}

fn word(kind: FileStatus) -> &'static str {
    match kind {
        FileStatus::Modified => "modified",
        FileStatus::LineEndings => "line-endings",
        FileStatus::Missing => "missing",
        FileStatus::Orphaned => "orphaned",
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// What is not ours: named, and left alone.
fn beside(report: &mut Report, comparison: &Comparison, output: &str, cli: &Cli) {
    for (path, count) in comparison.foreign.iter().take(FOREIGN_LINES) {
        let many = if *count > 1 {
            format!(", {count} files")
        } else {
            String::new()
        };
        report.line(format!("  not ours  {output}/{path}{many}: left alone"));
    }
    if comparison.foreign.len() > FOREIGN_LINES {
        report.line(format!(
            "  not ours  {} more",
            comparison.foreign.len() - FOREIGN_LINES
        ));
    }
    let before = "generated";
    if output != before && cli.root.join(before).join(MANIFEST).is_file() {
        report.line(format!(
            "{before}/ is from before `output` was {output}: nothing keeps it current; remove it"
        ));
    }
}

/// The changes, a line for each; line endings and their cause in one.
fn list(report: &mut Report, comparison: &Comparison, output: &str, words: [&str; 4]) {
    for change in comparison
        .changes
        .iter()
        .filter(|change| change.kind != FileStatus::LineEndings)
    {
        report.line(listed(change, output, words));
    }
    for mode in &comparison.modes {
        let (was, wanted) = (octal(mode.mode), octal(mode.wanted));
        report.line(format!(
            "  mode      {output}/{}  {was} instead of {wanted}: the containers cannot read it",
            mode.path
        ));
    }
    let ends: Vec<&str> = comparison
        .changes
        .iter()
        .filter(|change| change.kind == FileStatus::LineEndings)
        .map(|change| change.path.as_str())
        .collect();
    if !ends.is_empty() {
        report.line(format!("  {}", line_endings(&ends, output)));
        report.line(format!("            {}", advice(output)));
    }
}

fn line_endings(paths: &[&str], output: &str) -> String {
    match paths {
        [one] => format!(
            "line endings: {output}/{one} has CRLF instead of LF, and differs in nothing else"
        ),
        many => format!(
            "line endings: {} in {output}/ have CRLF instead of LF, and differ in nothing else",
            plural(many.len(), "file")
        ),
    }
}

fn advice(output: &str) -> String {
    format!(
        "so that git keeps them as they are, put this line into the .gitattributes beside services.toml: {output}/** text eol=lf"
    )
}

/// One line of the list of changes: what happened, the path, lines more and less.
fn listed(change: &FileChange, output: &str, words: [&str; 4]) -> String {
    let (more, less) = match change.kind {
        FileStatus::Missing => (change.after.lines().count(), 0),
        FileStatus::Orphaned => (0, change.before.lines().count()),
        FileStatus::Modified | FileStatus::LineEndings => {
            let text = similar::TextDiff::from_lines(change.before.as_str(), change.after.as_str());
            let count = |tag| {
                text.iter_all_changes()
                    .filter(|line| line.tag() == tag)
                    .count()
            };
            (
                count(similar::ChangeTag::Insert),
                count(similar::ChangeTag::Delete),
            )
        }
    };
    format!(
        "  {:<9} {output}/{}  +{more} -{less}",
        words[change.kind as usize], change.path
    )
}

fn stale(mut report: Report, comparison: &Comparison, output: &str, cli: &Cli) -> Report {
    let fix = cli.command("render");
    let changes = &comparison.changes;
    let number = changes.len() + comparison.modes.len();
    let differ = if number == 1 {
        "1 file differs".into()
    } else {
        format!("{number} files differ")
    };
    report.line(format!(
        "{output}/ is not what services.toml says: {differ}"
    ));
    list(
        &mut report,
        comparison,
        output,
        ["modified", "", "missing", "orphaned"],
    );
    beside(&mut report, comparison, output, cli);
    for change in changes
        .iter()
        .filter(|change| change.kind != FileStatus::LineEndings)
    {
        report.line("");
        report.block(&diff(output, change, DIFF_LINES));
    }
    report.line("");
    report.line(format!("nothing was written; fix it with: {fix}"));
    report.data.insert("fix".into(), fix.clone().into());
    let ends: Vec<&str> = changes
        .iter()
        .filter(|change| change.kind == FileStatus::LineEndings)
        .map(|change| change.path.as_str())
        .collect();
    if !ends.is_empty() {
        report.data.insert(
            "line_endings".into(),
            json!({"message": line_endings(&ends, output), "help": advice(output)}),
        );
    }
    if cli.format == Format::Github {
        annotate(&mut report, comparison, output, &fix);
        if !ends.is_empty() {
            let help = format!("{}; then: {fix}", advice(output));
            report.push(
                Diagnostic::error(
                    "stale",
                    Place::File(format!("{output}/{}", ends[0])),
                    line_endings(&ends, output),
                )
                .help(help),
            );
        }
    }
    report.found()
}

/// An annotation for each file.
fn annotate(report: &mut Report, comparison: &Comparison, output: &str, fix: &str) {
    let changes = comparison
        .changes
        .iter()
        .filter(|change| change.kind != FileStatus::LineEndings)
        .map(|change| (&change.path, word(change.kind).to_string()));
    let modes = comparison.modes.iter().map(|mode| {
        (
            &mode.path,
            format!(
                "unreadable for the containers: its mode is {}",
                octal(mode.mode)
            ),
        )
    });
    for (path, what) in changes.chain(modes) {
        let path = format!("{output}/{path}");
        report.push(
            Diagnostic::error(
                "stale",
                Place::File(path.clone()),
                format!("{path} is {what}"),
            )
            .help(format!("fix it with: {fix}")),
        );
    }
}
