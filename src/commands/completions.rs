//! `completions` prints what a shell needs to ask monstack itself: it completes verbs, flags, and the names of the catalog around it.

use super::{Cli, Report, explain};
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::profiles::Profiles;
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use std::path::PathBuf;

/// The variable with which a shell's script asks.
const VARIABLE: &str = "COMPLETE";

/// The shell.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// As in: monstack completions bash > /etc/bash_completion.d/monstack
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Report> {
    let shells = Shells::builtins();
    let shell = args.shell.to_string();
    let mut script = Vec::new();
    shells
        .completer(&shell)
        .with_context(|| format!("no script is known for {shell}"))?
        .write_registration(VARIABLE, "monstack", "monstack", "monstack", &mut script)?;
    let script = String::from_utf8_lossy(&script);
    let mut report = Report::text(&script);
    report.data.insert("script".into(), script.as_ref().into());
    Ok(report)
}

/// Answers a shell, and ends the process; without a question it does nothing.
pub(super) fn answer() {
    CompleteEnv::with_factory(<Cli as CommandFactory>::command)
        .var(VARIABLE)
        .bin("monstack")
        .complete();
}

/// What `explain --list` calls such: services, alerts, codes of findings.
pub(super) fn names(sorts: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || candidates(sorts))
}

/// Of the catalog here, or the nearest around it; one that does not load has the names that can be understood.
fn candidates(sorts: &[&str]) -> Vec<CompletionCandidate> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let root = here
        .ancestors()
        .find(|folder| folder.join(CATALOG).is_file());
    let root = root.unwrap_or(&here);
    let overlay = Overlay::of(root);
    let kinds = Kinds::of(&overlay).unwrap_or_else(|_| Kinds::built_in());
    let profiles = Profiles::of(&overlay).unwrap_or_else(|_| Profiles::built_in());
    let texts = pipeline::read(root);
    let catalog = texts
        .ok()
        .and_then(|texts| pipeline::understood(&texts, &overlay).1);
    let all = explain::names(catalog.as_ref(), &kinds, &profiles);
    all.into_iter()
        .filter(|(sort, _, _)| sorts.contains(sort))
        .map(|(_, name, doc)| {
            CompletionCandidate::new(name).help((!doc.is_empty()).then(|| doc.into()))
        })
        .collect()
}
