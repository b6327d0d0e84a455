//! The command line: flags, dispatch, and the one way in which every verb reports.

mod absorb;
mod add;
mod adopt;
mod completions;
mod declare;
mod diff;
mod docs;
mod drill;
mod edited;
mod edits;
mod explain;
mod init;
mod keys;
mod lsp;
mod man;
mod preview;
mod prove;
mod remove;
mod rename;
mod render;
mod report;
mod results;
mod schema;
mod servers;
mod set;
mod simulate;
mod templates;
mod verify;
mod watch;
mod why;

use crate::catalog::Service;
use crate::diagnostic::{Format, suggestion};
use crate::pipeline::{CATALOG, Root};
use crate::source::Unsaved;
use anyhow::{Context, Result, anyhow, ensure};
use clap::{ColorChoice, Parser, Subcommand};
pub(crate) use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One service catalog becomes a complete, proven monitoring stack.
#[derive(Clone, Parser)]
#[command(name = "monstack", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// The folder with services.toml, templates/ and the output folder, or that file [default: this folder, or the nearest around it]
    #[arg(
        long,
        global = true,
        default_value = ".",
        hide_default_value = true,
        value_name = "DIR"
    )]
    root: PathBuf,
    /// How findings and results are written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    format: Format,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,
    /// The environment of services.NAME.toml instead of the catalog itself
    #[arg(long, global = true, value_name = "NAME")]
    environment: Option<String>,
    /// What an editor has of the files, and the disk has not: only `lsp` knows of any.
    #[arg(skip)]
    unsaved: Unsaved,
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  monstack init --service checkout:8001        a first services.toml
  monstack render                              write generated/
  monstack render --check                      is it what the catalog says?
  monstack add billing-api --group workflow --port 8013
  monstack set alerts.TooManyErrors.for 10m    one key of the catalog
  monstack absorb                              hand edits of generated/, as keys
  monstack rename service checkout till        wherever it is named
  monstack declare http://localhost:8001/metrics --service checkout
  monstack explain TooManyErrors@checkout      every value, and who set it
  monstack diff main --format markdown         what a pull request changes
  monstack explain window-too-short            what a finding means
  monstack simulate                            services, before they exist
  monstack verify --wait 60s                   is what runs what it should be?
  monstack drill                               does every alert fire?
  monstack why checkout                        where the way to an alert breaks

Exit codes: 0 fine, 1 it found something, 2 it could not run.";

#[derive(Clone, Subcommand)]
enum Verb {
    /// Write a first services.toml: of flags, questions, a compose file, a Prometheus, or what services expose
    Init(init::Args),
    /// Write a first services.toml of a stack that is kept by hand, and keep the rest of it in [extra]
    Adopt(adopt::Args),
    /// Write generated/, or with --check say in what it differs
    Render(render::Args),
    /// Take hand edits of generated files over into the catalog, where a key says them, and render
    Absorb(absorb::Args),
    /// Run the proofs over files as they are on disk, such as a hand edit of generated/
    Prove(prove::Args),
    /// Add a service, an alert, a metric, a group, an owner or a receiver to services.toml and render
    Add(add::Args),
    /// Give a service, an alert, a receiver or whatever else is declared by name another one wherever the catalog names it, and render
    Rename(rename::Args),
    /// Take a service, an alert, a receiver or whatever else is declared by name out of the catalog, and render
    Remove(remove::Args),
    /// Write one key of the catalog, and render
    Set(set::Args),
    /// Read what a service exposes, and write it into services.toml as its metrics
    Declare(declare::Args),
    /// Say what changes in behaviour against another catalog; exit 1 if something dangerous does
    Diff(diff::Args),
    /// Show a service, an alert, ALERT@SERVICE or a finding's code
    Explain(explain::Args),
    /// Ask the running Prometheus, Alertmanager, Grafana and every service whether they match the catalog
    Verify(verify::Args),
    /// Walk from a service in the catalog to the receiver of its alerts; stop at the first broken link
    Why(why::Args),
    /// Stand in for the services: /health and every declared metric, with faults on demand
    Simulate(simulate::Args),
    /// See every alert fire, under a Prometheus and an Alertmanager started for it
    Drill(drill::Args),
    /// Draw the dashboards as one HTML page, with live or simulated data
    Preview(preview::Args),
    /// List, print or write the built-in templates
    Templates(templates::Args),
    /// Print the pages of the documentation: the tutorial, how-tos, the reference
    Docs(docs::Args),
    /// Print the JSON Schema of services.toml
    Schema,
    /// Serve an editor: findings while typing, hovers, names, and the way to what is rendered
    Lsp,
    /// Print a shell's completion script
    Completions(completions::Args),
    /// Print the manual page of monstack, or of a verb
    Man(man::Args),
}

/// Parses the arguments, runs the verb, prints its report.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report::on_panic));
    completions::answer();
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error),
    };
    let choice = match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    outlive_limits();
    if let Some(error) = unwritten(&cli) {
        return report::failure(&error, Format::Text);
    }
    match cli.find_root().and_then(|()| run(&cli)) {
        Ok(report) => report.print(cli.format, explain::doc),
        Err(error) => report::failure(&error, cli.format),
    }
}

/// A limit on the size of files then fails the write, which says so and leaves every file whole, instead of ending the process.
fn outlive_limits() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
    else {
        return;
    };
    let _entered = runtime.enter();
    // The handler stays when this is dropped.
    drop(tokio::signal::unix::signal(
        tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()),
    ));
}

/// Why a verb does not write in the format that is asked for.
fn unwritten(cli: &Cli) -> Option<anyhow::Error> {
    let (verb, format) = match (cli.format, &cli.verb) {
        (Format::Markdown, Verb::Diff(_)) | (Format::Html, Verb::Verify(_)) => return None,
        (Format::Markdown, _) => ("diff", "Markdown"),
        (Format::Html, _) => ("verify", "HTML"),
        _ => return None,
    };
    Some(anyhow!(
        "only `{verb}` writes {format}; choose text, json, github, sarif or junit"
    ))
}

fn run(cli: &Cli) -> Result<Report> {
    let report = of_verb(cli)?;
    Ok(match cli.verb {
        Verb::Explain(_)
        | Verb::Simulate(_)
        | Verb::Verify(_)
        | Verb::Why(_)
        | Verb::Diff(_)
        | Verb::Drill(_)
        | Verb::Prove(_) => report.reading(),
        _ => report,
    })
}

fn of_verb(cli: &Cli) -> Result<Report> {
    match &cli.verb {
        Verb::Init(args) => init::run(args, cli),
        Verb::Adopt(args) => adopt::run(args, cli),
        Verb::Render(args) => render::run(args, cli),
        Verb::Absorb(args) => absorb::run(args, cli),
        Verb::Prove(args) => prove::run(args, cli),
        Verb::Add(args) => add::run(args, cli),
        Verb::Rename(args) => rename::run(args, cli),
        Verb::Remove(args) => remove::run(args, cli),
        Verb::Set(args) => set::run(args, cli),
        Verb::Declare(args) => declare::run(args, cli),
        Verb::Diff(args) => diff::run(args, cli),
        Verb::Explain(args) => explain::run(args, cli),
        Verb::Verify(args) => verify::run(args, cli),
        Verb::Why(args) => why::run(args, cli),
        Verb::Simulate(args) => simulate::run(args, cli),
        Verb::Drill(args) => drill::run(args, cli),
        Verb::Preview(args) => preview::run(args, cli),
        Verb::Templates(args) => templates::run(args, cli),
        Verb::Docs(args) => docs::run(args),
        Verb::Schema => schema::run(cli),
        Verb::Lsp => lsp::run(cli),
        Verb::Completions(args) => completions::run(args),
        Verb::Man(args) => man::run(args),
    }
}

/// How many folders above one the nearest catalog is; None: there is none.
fn upwards(here: &Path) -> Option<usize> {
    here.ancestors()
        .position(|folder| folder.join(CATALOG).is_file())
}

impl Cli {
    /// Takes the folder of a services.toml that is named as a file, and without any the nearest folder around this one that has
    /// one; a first catalog is written here.
    fn find_root(&mut self) -> Result<()> {
        if self.root.is_file() {
            ensure!(
                self.root.file_name().is_some_and(|name| name == CATALOG),
                "--root names {}: the catalog is called {CATALOG}",
                self.root.display()
            );
            let folder = self.root.parent().map(Path::to_path_buf);
            self.root = folder
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or_else(|| PathBuf::from("."));
        }
        // An editor opens files of any catalog.
        let none = matches!(self.verb, Verb::Init(_) | Verb::Adopt(_) | Verb::Lsp);
        if self.root.as_os_str() != "." || none {
            return Ok(());
        }
        let Ok(here) = std::env::current_dir() else {
            return Ok(());
        };
        if let Some(steps) = upwards(&here).filter(|steps| *steps > 0) {
            self.root = vec![".."; steps].join("/").into();
        }
        Ok(())
    }

    /// The command line that runs a verb as this one was run: through cargo or not, with the same root.
    fn command(&self, verb: &str) -> String {
        let program = if std::env::var_os("CARGO").is_some() {
            "cargo run --"
        } else {
            "monstack"
        };
        let mut command = format!("{program} {verb}");
        if self.root.as_os_str() != "." {
            command += &format!(" --root {}", shell(&self.root.to_string_lossy()));
        }
        if let Some(environment) = &self.environment {
            command += &format!(" --environment {}", shell(environment));
        }
        command
    }

    /// The same command line for an environment.
    fn within(&self, environment: &str) -> Cli {
        Cli {
            environment: Some(environment.to_string()),
            ..self.clone()
        }
    }

    /// Where the catalog is, and for which environment it is read.
    fn place(&self) -> Root<'_> {
        Root {
            path: &self.root,
            environment: self.environment.as_deref(),
            unsaved: Some(&self.unsaved),
        }
    }
}

/// A word that a shell reads back as it is.
fn shell(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "/._-+:,@%=".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A service of the catalog by name, or what could be meant.
fn service<'a>(services: &'a [Service], name: &str) -> Result<&'a Service> {
    let known = services.iter().map(|service| service.name.as_str());
    let mut all = services.iter();
    all.find(|service| service.name == name)
        .with_context(|| format!("there is no service `{name}`: {}", suggestion(name, known)))
}

/// Waits for SIGINT, SIGTERM, or SIGHUP, which a terminal sends when it is closed.
async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("cannot listen for signals"),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}
