//! `why` walks from a service's line in the catalog to the receiver of its alerts and stops at the first broken link.

use super::servers::{Servers, drawn};
use super::{Cli, Report};
use crate::catalog::{Catalog, Service};
use crate::diagnostic::Format;
use crate::generated::{FileChange, compare};
use crate::live::walk::{LINKS, Walk, offline, online};
use crate::render::File;
use crate::stack::files::Files;
use anyhow::Result;
use serde_json::{Value, json};

/// `why` and its flags.
#[derive(Clone, clap::Args)]
#[command(
    after_help = "The links, in order: catalog, rendered, loaded, discovered, reachable, http, parsed, scraped, health, metrics, alerts, route, and dashboards with --grafana-url."
)]
pub(crate) struct Args {
    /// The service that is missing, silent or wrong
    service: String,
    #[command(flatten)]
    servers: Servers,
    /// Ask no server: only the catalog and generated/
    #[arg(long)]
    offline: bool,
    /// Look at every link, also behind a broken one
    #[arg(long)]
    all_links: bool,
}

/// Walks as far as the chain holds.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let (outcome, drawn) = drawn(cli)?;
    let Some((catalog, rendered)) = drawn else {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    };
    let service = super::service(&catalog, &args.service)?;
    let written = outcome.source.at(&format!("/services/{}", service.name));
    let changes = compare(&cli.root, &catalog.platform.output, &rendered)?.changes;
    let walk = walk(args, &catalog, &rendered, service, &written, &changes, cli)?;
    let mut report = Report::new(outcome.source, outcome.diagnostics).reading();
    args.servers
        .warnings()
        .into_iter()
        .for_each(|warning| report.push(warning));
    tell(&mut report, walk, cli.format);
    Ok(report)
}

fn walk(
    args: &Args,
    catalog: &Catalog,
    rendered: &[File],
    service: &Service,
    written: &(String, usize),
    changes: &[FileChange],
    cli: &Cli,
) -> Result<Walk> {
    let mut walk = Walk {
        all: args.all_links,
        ..Walk::default()
    };
    offline(
        &mut walk,
        &catalog.platform.output,
        Files::of(rendered),
        service,
        written,
        changes,
        &cli.command("render"),
    );
    if walk.goes_on() && !args.offline {
        online(
            &mut walk,
            &args.servers.context(&cli.root, catalog, rendered)?,
            service,
        )?;
    }
    Ok(walk)
}

fn tell(report: &mut Report, walk: Walk, format: Format) {
    let mut links = Vec::new();
    let first = walk.broken().map(|link| link.name);
    for (index, name) in LINKS.iter().enumerate() {
        let link = walk.links.iter().find(|link| link.name == *name);
        let broken = link.and_then(|link| link.broken.as_ref());
        let (state, note) = match link {
            Some(link) if broken.is_none() => ("ok", link.note.as_str()),
            Some(link) => ("FAIL", link.note.as_str()),
            None if *name == "dashboards" => continue,
            None => ("-", "not checked"),
        };
        report.line(format!("{:>2} {name:<11} {state:<5} {note}", index + 1));
        links.push(json!({"link": name, "state": state.to_lowercase(), "note": note}));
        if let Some(broken) = broken {
            report.line(format!("{:>21}fix: {}", "", broken.help));
        }
    }
    report.data.insert("links".into(), Value::Array(links));
    if let Some(first) = first {
        report.data.insert("broken".into(), first.into());
        // In text, the link itself has said it.
        if format == Format::Text {
            report.find()
        } else {
            let broken = walk.links.into_iter().filter_map(|link| link.broken);
            broken.for_each(|broken| report.push(broken));
        }
    } else {
        report.line("every link that was checked holds");
    }
}
