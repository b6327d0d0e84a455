//! `render` writes generated/; `render --check` says in what it differs.

mod differences;

use super::watch::watch;
use super::{Cli, Report};
use crate::diagnostic::{Diagnostic, Place, location, plural};
use crate::generated::{Comparison, compare, sweep, write};
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG, Outcome, environments};
use crate::render::Rendered;
use crate::source::Source;
use crate::value::{Value, json};
use anyhow::Result;
use differences::{beside, list, octal, stale, word};
use std::collections::{BTreeMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::Path;

/// `render` and its flags.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; report modified, missing and orphaned files with a diff, and exit 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write into a folder that has only files of others so far; they are left alone
    #[arg(long)]
    adopt_folder: bool,
    /// Run again after every save, until it is interrupted; what is wrong stays on the screen
    #[arg(long)]
    watch: bool,
}

/// Renders, proves, compares, and writes or reports.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    match args.watch {
        true => watch(cli, || once(args, cli)),
        false => once(args, cli),
    }
}

fn once(args: &Args, cli: &Cli) -> Result<Report> {
    let _held = (!args.check).then(|| lock_root(&cli.root));
    let outcome = pipeline::run(cli.place())?;
    if !args.check || cli.environment.is_some() {
        return prepare(outcome, cli, args.adopt_folder)?.finish(cli, args.check);
    }
    let known = known(&outcome);
    let mut report = prepare(outcome, cli, args.adopt_folder)?.finish(cli, true)?;
    for environment in environments(&cli.root) {
        let cli = cli.within(&environment);
        if let Some(outcome) = added(pipeline::run(cli.place())?, &known) {
            report.and(prepare(outcome, &cli, args.adopt_folder)?.finish(&cli, true)?);
        }
    }
    Ok(report)
}

/// A finding by its code, its sentence and its place.
pub(super) type Said = (&'static str, String, (String, usize, usize));

fn said(found: &Diagnostic, source: &Source) -> Said {
    let place = location(&found.place, source);
    (found.code, found.message.clone(), place)
}

/// What is wrong with the catalog itself is wrong in every environment, and is said once.
pub(super) fn known(outcome: &Outcome) -> HashSet<Said> {
    let findings = outcome.diagnostics.iter();
    findings.map(|found| said(found, &outcome.source)).collect()
}

/// An environment with what is found in it alone; None: it fails by the catalog's own mistakes, and has nothing more to say.
pub(super) fn added(mut outcome: Outcome, known: &HashSet<Said>) -> Option<Outcome> {
    let failed = outcome.failed();
    let source = &outcome.source;
    let new = |found: &Diagnostic| !known.contains(&said(found, source));
    outcome.diagnostics.retain(new);
    (!failed || outcome.failed()).then_some(outcome)
}

/// One run at a time writes in a root, from reading its catalog on; others wait until this is dropped.
/// Where a folder cannot be locked, as on some network file systems, nobody waits.
pub(crate) fn lock_root(root: &Path) -> Option<File> {
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
pub(crate) struct Prepared {
    /// What is said so far; with an error in it, nothing may be written.
    pub report: Report,
    /// None when something prevents it.
    ready: Option<Ready>,
}

struct Ready {
    comparison: Comparison,
    output: String,
    proved: String,
    /// Paths of templates that the root has instead of the built-in ones.
    replaced: Vec<String>,
    /// Files with edits that stay.
    left: Vec<String>,
}

/// The second half, which `add` shares: compares, and refuses what would touch files of others.
pub(crate) fn prepare(mut outcome: Outcome, cli: &Cli, adopt: bool) -> Result<Prepared> {
    let rendered = if outcome.failed() {
        None
    } else {
        outcome.rendered.take()
    };
    let mut report = Report::new(outcome.source, outcome.diagnostics);
    let Some(rendered) = rendered else {
        return Ok(Prepared {
            report,
            ready: None,
        });
    };
    let (comparison, against) = against(&rendered, cli, adopt)?;
    let output = rendered.output;
    if !against.is_empty() {
        against.into_iter().for_each(|found| report.push(found));
        return Ok(Prepared {
            report,
            ready: None,
        });
    }
    let size = outcome.catalog.as_ref().map_or((0, 0), |catalog| {
        (catalog.services.len(), catalog.alerts.len())
    });
    let proved = format!(
        "{}, {}, {}, all proved",
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
            left: Vec::new(),
        }),
    })
}

/// The files held against the output folder, and what there prevents writing them.
pub(super) fn against(
    rendered: &Rendered,
    cli: &Cli,
    adopt: bool,
) -> Result<(Comparison, Vec<Diagnostic>)> {
    let output = &rendered.output;
    let comparison = compare(&cli.root, output, &rendered.files)?;
    let against = in_the_way(&comparison, output, cli, adopt);
    Ok((comparison, against))
}

/// What must be moved, or allowed, before anything may be written.
fn in_the_way(comparison: &Comparison, output: &str, cli: &Cli, adopt: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if comparison.of_others && !adopt {
        let what = format!(
            "{output}/ has files of others, and none that monstack wrote: {}",
            first(comparison)
        );
        let help = format!(
            "choose another folder, as in `output = \"deploy/monitoring\"` under [platform]; or write beside them, which leaves them alone: {} --adopt-folder",
            cli.command("render")
        );
        let place = Place::File(output.to_string());
        found.push(Diagnostic::error("foreign-folder", place, what).help(help));
    }
    for obstacle in &comparison.obstacles {
        let path = format!("{output}/{}", obstacle.path);
        let what = format!("{path} {}", obstacle.what);
        let help = "move it elsewhere, or remove it, and render again; or choose another folder with `output` under [platform]";
        found.push(Diagnostic::error("in-the-way", Place::File(path), what).help(help));
    }
    found
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
    /// Whether something prevents writing.
    pub(crate) fn refused(&self) -> bool {
        self.ready.is_none()
    }

    /// Of edited files, by path, what is written instead of what is rendered.
    pub(crate) fn keep(&mut self, texts: &BTreeMap<String, String>) {
        let Some(ready) = &mut self.ready else { return };
        let changes = &mut ready.comparison.changes;
        for change in changes.iter_mut() {
            if let Some(text) = texts
                .get(&change.path)
                .filter(|text| **text != change.after)
            {
                ready.left.push(change.path.clone());
                change.after.clone_from(text);
            }
        }
        changes
            .retain(|change| change.before != change.after || !ready.left.contains(&change.path));
    }

    /// Writes, or says what would be written.
    pub(crate) fn finish(self, cli: &Cli, check: bool) -> Result<Report> {
        let mut report = self.report;
        let Some(Ready {
            comparison,
            output,
            proved,
            replaced,
            left,
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
            report.line(match left.is_empty() {
                true => format!("nothing changed: {output}/ is what services.toml says ({proved})"),
                false => format!("nothing else changed in {output}/ ({proved})"),
            });
            with_edits(&mut report, &left, &output);
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
        with_edits(&mut report, &left, &output);
        beside(&mut report, &comparison, &output, cli);
        own_templates(&mut report, &replaced);
        report.line(format!("next: commit services.toml and {output}/ together"));
        Ok(report)
    }
}

/// Files in which something stays that the catalog does not say.
fn with_edits(report: &mut Report, left: &[String], output: &str) {
    for path in left {
        report.line(format!(
            "  edited    {output}/{path}: what nothing says is left in it"
        ));
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
