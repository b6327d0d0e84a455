//! `completions` prints a shell's completion script.

use super::{Cli, Report};
use clap::CommandFactory;
use clap_complete::{Shell, generate};

/// The shell.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// As in: monstack completions bash > /etc/bash_completion.d/monstack
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Report {
    let mut script = Vec::new();
    generate(
        args.shell,
        &mut <Cli as CommandFactory>::command(),
        "monstack",
        &mut script,
    );
    let script = String::from_utf8_lossy(&script);
    let mut report = Report::text(&script);
    report.data.insert("script".into(), script.as_ref().into());
    report
}
