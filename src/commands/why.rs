//! `why` walks from a service's line in the catalog to the receiver of its alerts and stops at the first broken link; how its
//! alerts are told is looked at in any case.

use super::explain::candidates::names;
use super::report::Waiting;
use super::servers::{Servers, drawn};
use super::{Cli, Report};
use crate::catalog::{Catalog, Service};
use crate::diagnostic::{Diagnostic, Format, Severity, plural};
use crate::live::walk::{LINKS, Link, Walk, offline, online};
use crate::render::File;
use crate::value::{Value, json};
use anyhow::{Result, bail};

/// `why` and its flags.
#[derive(Clone, clap::Args)]
#[command(
    after_help = "The links, in order: catalog, rendered, loaded, discovered, reachable, http, parsed, scraped, health, metrics, alerts, route, and dashboards with --grafana-url."
)]
pub(crate) struct Args {
    /// The service that is missing, silent or wrong; ALERT@SERVICE is that service too
    #[arg(add = names(&["service"]))]
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
    // As alerts are named elsewhere: Down@checkout.
    let name = args.service.rsplit('@').next().unwrap_or_default();
    if catalog.alert(name).is_some() && catalog.service(name).is_none() {
        bail!(
            "{name} is an alert: name the service that it is about, as in `monstack why {name}@SERVICE`"
        );
    }
    let service = super::service(&catalog.services, name)?;
    let written = outcome.source.at(&format!("/services/{}", service.name));
    let walk = walk(args, &catalog, &rendered, service, &written, cli)?;
    let mut report = Report::new(outcome.source, outcome.diagnostics)
        .reading()
        .without_notices();
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
    cli: &Cli,
) -> Result<Walk> {
    let context = args.servers.context(cli, catalog, rendered)?;
    let mut walk = Walk {
        all: args.all_links,
        ..Walk::default()
    };
    offline(&mut walk, &context, service, written);
    if walk.goes_on() && !args.offline {
        let _waiting = Waiting::begin(&format!("walking from {} to its receiver", service.name));
        match online(&mut walk, &context, service) {
            Err(error) if walk.broken().is_some() => walk.unasked(&format!("{error:#}")),
            asked => asked?,
        }
    }
    Ok(walk)
}

/// Errors of one link that are shown beside its first one.
const SHOWN: usize = 4;

fn tell(report: &mut Report, walk: Walk, format: Format) {
    let mut links = Vec::new();
    let first = walk.broken().map(|link| link.name);
    for (index, name) in LINKS.iter().enumerate() {
        let link = walk.links.iter().find(|link| link.name == *name);
        let broken = link.and_then(Link::broken);
        let (state, note) = match link {
            Some(link) if broken.is_none() => ("ok", link.note.as_str()),
            Some(link) => ("FAIL", link.note.as_str()),
            None if *name == "dashboards" => continue,
            None => ("-", "not checked"),
        };
        report.line(format!("{:>2} {name:<11} {state:<5} {note}", index + 1));
        links.push(json!({"link": name, "state": state.to_lowercase(), "note": note}));
        let errors: Vec<&Diagnostic> = link
            .into_iter()
            .flat_map(|link| &link.findings)
            .filter(|finding| finding.stops())
            .collect();
        for (index, error) in errors.iter().take(SHOWN).enumerate() {
            if index > 0 {
                report.line(format!("{:>21}and: {}", "", error.message));
            }
            report.line(format!("{:>21}fix: {}", "", error.help));
        }
        let more = errors.len().saturating_sub(SHOWN);
        if more > 0 {
            report.line(format!(
                "{:>21}and {more} more at this link; --format json has all",
                ""
            ));
        }
    }
    report.data.insert("links".into(), Value::Array(links));
    let all = walk.links.iter().flat_map(|link| &link.findings);
    let warned = all.filter(|one| one.severity == Severity::Warning).count();
    let findings = walk.links.into_iter().flat_map(|link| link.findings);
    for finding in findings {
        // In text, the link itself has said it.
        match finding.stops() && format == Format::Text {
            true => report.find(),
            false => report.push(finding),
        }
    }
    match first {
        Some(first) => drop(report.data.insert("broken".into(), first.into())),
        None if warned > 0 => report.line(format!(
            "every link that was checked holds; {} below",
            plural(warned, "warning")
        )),
        None => report.line("every link that was checked holds"),
    }
}
