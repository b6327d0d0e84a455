//! `init` writes a first services.toml: of flags, questions, a compose file, a Prometheus, or what services expose. It says
//! what it guessed, and writes nothing that does not load and prove.

mod asked;
mod compose;
mod discovered;
pub(super) mod draft;
mod images;
pub(super) mod jobs;
mod prometheus;

use super::servers::PrometheusLogin;
use super::{Cli, Report, declare, render};
use crate::diagnostic::{Diagnostic, plural};
use crate::generated::create;
use crate::pipeline::{self, CATALOG};
use crate::source::read;
use crate::value::json;
use anyhow::{Context, Result, bail, ensure};
use draft::{Draft, Found, UNKNOWN};
use std::io::IsTerminal;
use std::path::Path;

/// What the first catalog is made of.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The platform's name, which opens every title [default: that of the folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A service and the port at which it answers /metrics; again for each
    #[arg(long = "service", value_name = "NAME:PORT")]
    services: Vec<String>,
    /// A compose file: its services, with their published ports and limits
    #[arg(long, value_name = "FILE")]
    compose: Option<String>,
    /// A prometheus.yml, or the address of a running Prometheus: its jobs, with their targets
    #[arg(long, value_name = "FILE|URL")]
    prometheus: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
    /// The address of a service's metrics, as http://localhost:8001/metrics: it is read, and its metrics are declared; again for each
    #[arg(long, value_name = "URL")]
    metrics: Vec<String>,
    /// What the services are written in, where nothing else says it: python, go, node, java …
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
}

/// Compose files by the names that docker compose looks for.
const COMPOSE: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// Drafts, proves, writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "a catalog begins without environments: run this without --environment"
    );
    std::fs::read_dir(&cli.root)
        .with_context(|| format!("cannot read the folder {}", cli.root.display()))?;
    let _held = render::lock_root(&cli.root);
    ensure!(
        !cli.root.join(CATALOG).exists(),
        "there is a {CATALOG} already: `monstack add` adds a service to it, `monstack declare` its metrics"
    );
    // Of jobs nobody says what their services are written in.
    let unknown = args.prometheus.as_ref().map(|_| UNKNOWN);
    let runtime = args.runtime.as_deref().or(unknown);
    let mut draft = Draft::new(args.name.as_deref(), &cli.root, runtime);
    for given in &args.services {
        let (name, port) = given
            .rsplit_once(':')
            .with_context(|| format!("`{given}` is not NAME:PORT, as in checkout:8001"))?;
        let port: u16 = port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .with_context(|| format!("`{port}` in `{given}` is no TCP port"))?;
        draft.add(Found::at_port(name, port, "--service"));
    }
    let nothing = args.services.is_empty()
        && args.compose.is_none()
        && args.prometheus.is_none()
        && args.metrics.is_empty();
    let compose = args.compose.clone().or_else(|| {
        let here = COMPOSE.iter().filter(|name| cli.root.join(name).is_file());
        let first = here.map(ToString::to_string).next();
        first.filter(|_| nothing)
    });
    match &compose {
        Some(file) => compose::read(&mut draft, file, &text(&cli.root, file)?)?,
        None if nothing && std::io::stdin().is_terminal() => asked::ask(&mut draft)?,
        None if nothing => bail!(
            "nothing says which services there are: give --service NAME:PORT, --compose FILE, --prometheus FILE or URL, or --metrics URL"
        ),
        None => {}
    }
    if let Some(from) = &args.prometheus {
        match is_address(from) {
            true => prometheus::ask(&mut draft, from, &args.login)?,
            false => prometheus::read(&mut draft, from, &text(&cli.root, from)?)?,
        }
    }
    let mut asked = Vec::new();
    for url in &args.metrics {
        let found = prometheus::exposing(url)?;
        asked.push((draft.add(found), url));
    }
    if draft.services.is_empty() {
        bail!("no service is left to watch: {}", draft.notes.join("; "));
    }
    write(draft, &asked, cli)
}

/// Proves the draft without what cannot be proved of it, and writes it.
fn write(mut draft: Draft, asked: &[(String, &String)], cli: &Cli) -> Result<Report> {
    let outcome = loop {
        let outcome = pipeline::prove(&draft.text(), &cli.root)?;
        if !outcome.failed() {
            break outcome;
        }
        let Some((name, why)) = outcome.diagnostics.iter().find_map(|found| {
            let about = about(found).filter(|_| found.stops())?;
            Some((about, found.message.clone()))
        }) else {
            return Ok(Report::new(outcome.source, outcome.diagnostics));
        };
        let known = draft.services.len();
        draft.leave_out(&name, &why);
        if draft.services.len() == known || draft.services.is_empty() {
            return Ok(Report::new(outcome.source, outcome.diagnostics));
        }
    };
    let text = draft.text();
    create(&cli.root, CATALOG, &text)?;
    let count = draft.services.len();
    let warnings = outcome
        .diagnostics
        .into_iter()
        .filter(|found| found.severity != crate::diagnostic::Severity::Notice);
    let mut report = Report::new(outcome.source, warnings.collect()).reading();
    report.line(format!(
        "wrote {CATALOG}: {}, {}, proved",
        plural(count, "service"),
        plural(draft.alerts().len(), "alert")
    ));
    for note in &draft.notes {
        report.line(format!("  {note}"));
    }
    report.data.insert("file".into(), CATALOG.into());
    report.data.insert("services".into(), draft.names().into());
    report.data.insert("notes".into(), json!(draft.notes));
    let mut rendered = false;
    for (service, url) in asked.iter().filter(|(name, _)| draft.has(name)) {
        let declared = declare::of_address(url, service, cli);
        match declared {
            Ok(declared) => {
                rendered |= !declared.findings().iter().any(Diagnostic::stops);
                report.and(declared);
            }
            Err(error) => {
                report.line(format!(
                    "  {service}: its metrics are not declared: {error:#}"
                ));
                report.find();
            }
        }
    }
    let told = "say who is told of alerts (`receivers`)";
    report.line(match rendered {
        true => format!("next: read {CATALOG}, and {told}"),
        false => format!(
            "next: read {CATALOG}, {told}, and write the stack: {}",
            cli.command("render")
        ),
    });
    Ok(report)
}

/// The service that a finding is about.
fn about(found: &Diagnostic) -> Option<String> {
    let rest = found.place.pointer()?.strip_prefix("/services/")?;
    Some(rest.split('/').next()?.to_string())
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A file seen from where the command runs, or from the root.
fn text(root: &Path, file: &str) -> Result<String> {
    let here = Path::new(file);
    let path = match here.is_file() {
        true => here.to_path_buf(),
        false => root.join(file),
    };
    read::read(&path).map_err(|unreadable| match unreadable {
        read::Unreadable::Missing => anyhow::anyhow!("there is no file {file}"),
        read::Unreadable::Refused(reason, _) => anyhow::anyhow!("cannot read {file}: {reason}"),
        read::Unreadable::NotText { reason, .. } => {
            anyhow::anyhow!("{file} is not UTF-8: {reason}")
        }
    })
}
