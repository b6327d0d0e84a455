//! In what the output folder differs, line by line: the changes, and what is not ours.

use crate::artifacts::ARTIFACTS;
use crate::commands::edits::{can_be_said, data, edited, look, not_rendered, said};
use crate::commands::{Cli, Report};
use crate::diagnostic::{Diagnostic, Format, Place, plural};
use crate::generated::{Comparison, FileChange, FileStatus, MANIFEST, diff, texts};
use crate::hand_edits::Stand;
use crate::overlay::Overlay;
use crate::pipeline;
use crate::value::json;
use std::collections::{BTreeMap, BTreeSet};

/// Lines of one file's diff that are worth reading in a terminal.
const DIFF_LINES: usize = 200;

/// Files of others that are named one by one.
const FOREIGN_LINES: usize = 20;

pub(crate) fn stale(
    mut report: Report,
    comparison: &Comparison,
    output: &str,
    cli: &Cli,
) -> Report {
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
    let keep = explained(&mut report, comparison, output, cli);
    let broken = broken_proofs(output, cli);
    if !broken.is_empty() {
        report.line(format!(
            "as it is, {output}/ breaks: {} (`{}` says where)",
            broken.join(", "),
            cli.command("prove")
        ));
        report.data.insert("breaks".into(), broken.into());
    }
    report.line(match keep {
        true => format!(
            "nothing was written; fix it with: {fix}, or keep what was edited: {}",
            cli.command("absorb")
        ),
        false => format!("nothing was written; fix it with: {fix}"),
    });
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
    // Where findings are all that is read, each file is one.
    if matches!(cli.format, Format::Github | Format::Sarif | Format::Junit) {
        let fix = match keep {
            true => format!("{fix}, or keep what was edited: {}", cli.command("absorb")),
            false => fix.clone(),
        };
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

/// Files that somebody edits by hand at once; when more differ, it was the catalog that was edited.
const EDITED: usize = 3;

/// Edits that are explained one by one.
const EXPLAINED: usize = 12;

/// So many changes are rendered to see which of them says an edit.
const TRIALS: usize = 80;

/// What says the edits of few files, a line for each; whether a key, or a template of the root, can say one of them.
fn explained(report: &mut Report, comparison: &Comparison, output: &str, cli: &Cli) -> bool {
    let edited = edited(comparison, |_| true);
    if edited.is_empty() || edited.len() > EDITED {
        return false;
    }
    let Ok(texts) = pipeline::read(cli.place()) else {
        return false;
    };
    let Ok(Ok(stand)) = Stand::of(texts, Overlay::of(&cli.root), ARTIFACTS) else {
        return false;
    };
    let found = match look(&stand, &edited, cli, TRIALS) {
        Ok(found) if not_rendered(&found, &stand, &edited, cli).is_empty() => found,
        _ => return false,
    };
    for told in found.told.iter().take(EXPLAINED) {
        report.line(format!(
            "{output}/{}:{} is said by: {}",
            told.path,
            told.line,
            said(told, &found, &stand.source)
        ));
    }
    if let more @ 1.. = found.told.len().saturating_sub(EXPLAINED) {
        report.line(format!("and {}", plural(more, "edit")));
    }
    let edits: Vec<_> = found
        .told
        .iter()
        .map(|told| data(told, &found, output, &stand.source))
        .collect();
    report.data.insert("edits".into(), edits.into());
    found.told.iter().any(can_be_said)
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

/// The changes, a line for each; line endings and their cause in one.
pub(crate) fn list(report: &mut Report, comparison: &Comparison, output: &str, words: [&str; 4]) {
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

/// What is not ours: named, and left alone.
pub(crate) fn beside(report: &mut Report, comparison: &Comparison, output: &str, cli: &Cli) {
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
    if cli.environment.is_none()
        && output != before
        && cli.root.join(before).join(MANIFEST).is_file()
    {
        report.line(format!(
            "{before}/ is from before `output` was {output}: nothing keeps it current; remove it"
        ));
    }
}

pub(crate) fn word(kind: FileStatus) -> &'static str {
    match kind {
        FileStatus::Modified => "modified",
        FileStatus::LineEndings => "line-endings",
        FileStatus::Missing => "missing",
        FileStatus::Orphaned => "orphaned",
    }
}

pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// The codes of the proofs that the files on disk do not pass; none, where they cannot be read.
fn broken_proofs(output: &str, cli: &Cli) -> Vec<&'static str> {
    let Ok(catalog) = pipeline::read(cli.place()) else {
        return Vec::new();
    };
    let proved = texts(&cli.root.join(output)).and_then(|texts| {
        let roles = BTreeMap::new();
        pipeline::prove_files(&catalog, &cli.root, output, texts, &roles)
    });
    let Ok((outcome, _)) = proved else {
        return Vec::new();
    };
    let stopping = outcome.diagnostics.iter().filter(|found| found.stops());
    let codes: BTreeSet<&str> = stopping.map(|found| found.code).collect();
    codes.into_iter().collect()
}
