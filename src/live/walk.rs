//! The chain from the catalog to the receiver, link by link: the document's troubleshooting section as questions.

mod lately;
mod links;
mod service;

use super::checks::services::visit;
use super::checks::{CheckContext, clocks, generated, grafana, prometheus, running, silent};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::stack::files::Files;
use anyhow::Result;

/// The links, in order.
pub(crate) const LINKS: [&str; 13] = [
    "catalog",
    "rendered",
    "loaded",
    "discovered",
    "reachable",
    "http",
    "parsed",
    "scraped",
    "health",
    "metrics",
    "alerts",
    "route",
    "dashboards",
];

/// Links at which files are compared, and nothing is asked of the service.
const FILES: [&str; 2] = ["rendered", "loaded"];

/// A link that was looked at.
pub(crate) struct Link {
    /// One of LINKS.
    pub name: &'static str,
    /// What was seen.
    pub note: String,
    /// Everything that was found at it; an error breaks it.
    pub findings: Vec<Diagnostic>,
}

impl Link {
    /// What is wrong with it.
    pub(crate) fn broken(&self) -> Option<&Diagnostic> {
        self.findings.iter().find(|finding| finding.stops())
    }
}

/// The links so far.
#[derive(Default)]
pub(crate) struct Walk {
    pub links: Vec<Link>,
    /// Whether links behind a broken one are looked at too.
    pub all: bool,
}

impl Walk {
    /// The first link that does not hold.
    pub(crate) fn broken(&self) -> Option<&Link> {
        self.links.iter().find(|link| link.broken().is_some())
    }

    /// Whether the next link is worth looking at: behind files that differ it is, because that may not be what is looked for.
    pub(crate) fn goes_on(&self) -> bool {
        let mut way = self.links.iter().filter(|link| !FILES.contains(&link.name));
        self.all || way.all(|link| link.broken().is_none())
    }

    /// No server could be asked.
    pub(crate) fn unasked(&mut self, why: &str) {
        let found = Diagnostic::error("server-silent", Place::Key("/prometheus".into()), why);
        self.add(
            "loaded",
            Err(found.help("the links behind it were not looked at")),
        );
    }

    /// What was seen of a link later on.
    fn also(&mut self, name: &str, findings: Vec<Diagnostic>) {
        let Some(link) = self.links.iter_mut().find(|link| link.name == name) else {
            return;
        };
        link.findings.extend(findings);
        if let Some(finding) = link.broken() {
            link.note = finding.message.clone();
        }
    }

    fn add(&mut self, name: &'static str, seen: Result<String, Diagnostic>) -> bool {
        match seen {
            Ok(note) => self.found(name, Vec::new(), note),
            Err(finding) => self.found(name, vec![finding], String::new()),
        }
    }

    /// A link with everything that was found at it, and what is fine when no error is among it.
    fn found(&mut self, name: &'static str, findings: Vec<Diagnostic>, fine: String) -> bool {
        let mut link = Link {
            name,
            note: String::new(),
            findings,
        };
        link.note = match link.broken() {
            Some(finding) => finding.message.clone(),
            None => fine,
        };
        self.links.push(link);
        self.goes_on()
    }
}

/// The links that need no server: catalog and rendered.
pub(crate) fn offline(
    walk: &mut Walk,
    context: &CheckContext,
    service: &Service,
    written: &(String, usize),
) {
    let output = &context.catalog.platform.output;
    let place = match service.discovery.is_some() || service.through.is_some() {
        true => service.addresses(),
        false => format!("port {}, runs_on {}", service.port, service.runs_on),
    };
    let place = format!(
        "{}:{}  {place}, group {}",
        written.0, written.1, service.group
    );
    walk.add("catalog", Ok(place));
    let stale = generated::about(context, &service.name);
    let says = match &stale {
        None => "is what services.toml says",
        Some(_) => "is what services.toml says of it",
    };
    let fine = format!(
        "{output}/ {says}; job {}",
        job_file(output, context.rendered)
    );
    walk.found("rendered", stale.into_iter().collect(), fine);
}

fn job_file(output: &str, rendered: Files) -> String {
    let file = rendered.prometheus().next();
    file.map(|file| format!("in {output}/{}", file.path))
        .unwrap_or_default()
}

/// The links that servers and the service itself are asked about.
pub(crate) fn online(walk: &mut Walk, context: &CheckContext, service: &Service) -> Result<()> {
    let running = running(context)?;
    let clock = clocks::of_prometheus(context, &running);
    let (mut findings, fine) = match links::loaded(context, &running, service) {
        Ok(fine) => (Vec::new(), fine),
        Err(finding) => (vec![finding], String::new()),
    };
    findings.extend(prometheus::full_disk(context, &running));
    findings.extend(clock);
    findings.extend(prometheus::restarts(context, &running));
    // What they make blind is not one service, and what is behind them may be what is looked for.
    let flags = prometheus::flags(context, &running).into_iter();
    findings.extend(flags.map(|finding| Diagnostic {
        severity: Severity::Warning,
        ..finding
    }));
    walk.found("loaded", findings, fine);
    // Without a job there is nothing to discover.
    let scraped = running.jobs().contains(&service.name.as_str());
    let goes_on = !scraped || walk.add("discovered", links::discovered(context, &running, service));
    let visits = match goes_on {
        true => visit(context, &running, &[service]),
        false => Vec::new(),
    };
    for mut visit in visits {
        let _ = service::way(walk, context, &running, &mut visit)
            && service::healthy(walk, context, &running, &mut visit)
            && service::metrics(walk, context, &mut visit);
    }
    // A service that is down is when somebody must have been told: these links do not depend on it.
    let (findings, fine) = links::alerts(context, &running, service);
    walk.found("alerts", findings, fine);
    let (findings, fine) = links::route(context, &running, service);
    walk.found("route", findings, fine);
    let whole = walk.goes_on();
    if let Some(endpoint) = context.grafana.as_ref().filter(|_| whole) {
        let checked = grafana::checked(context, endpoint);
        let state = format!("{} {}", checked.state, checked.note);
        walk.found("dashboards", checked.findings, state);
    }
    walk.also("loaded", silent(context));
    Ok(())
}
