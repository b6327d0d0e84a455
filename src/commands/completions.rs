//! `completions` prints what a shell needs to ask monstack itself: it completes verbs, flags, and the names of the catalog around it.

use super::{Cli, Report};
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

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
