//! The chain from the catalog to the receiver, link by link: the document's troubleshooting section as questions.

mod links;
mod service;

use super::checks::{CheckContext, grafana, running};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{FileChange, FileStatus};
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

/// A link that was looked at.
pub(crate) struct Link {
    /// One of LINKS.
    pub name: &'static str,
    /// What was seen.
    pub note: String,
    /// What is wrong with it.
    pub broken: Option<Diagnostic>,
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
        self.links.iter().find(|link| link.broken.is_some())
    }

    /// Whether the next link is worth looking at.
    pub(crate) fn goes_on(&self) -> bool {
        self.all || self.broken().is_none()
    }

    fn add(&mut self, name: &'static str, seen: Result<String, Diagnostic>) -> bool {
        let (note, broken) = match seen {
            Ok(note) => (note, None),
            Err(finding) => (finding.message.clone(), Some(finding)),
        };
        self.links.push(Link { name, note, broken });
        self.goes_on()
    }
}

/// The links that need no server: catalog and rendered.
pub(crate) fn offline(
    walk: &mut Walk,
    output: &str,
    rendered: Files,
    service: &Service,
    written: &(String, usize),
    changes: &[FileChange],
    fix: &str,
) {
    let place = format!(
        "{}:{}  port {}, runs_on {}, group {}",
        written.0, written.1, service.port, service.runs_on, service.group
    );
    walk.add("catalog", Ok(place));
    let stale = changes.iter().find(|change| {
        change.kind != FileStatus::LineEndings
            && [".yml", ".json"]
                .iter()
                .any(|end| change.path.ends_with(end))
    });
    let rendered = match stale {
        None => Ok(format!(
            "{output}/ is what services.toml says; job {}",
            job_file(output, rendered)
        )),
        Some(change) => {
            let how = match change.kind {
                FileStatus::Modified | FileStatus::LineEndings => {
                    "is older than services.toml, or was edited"
                }
                FileStatus::Missing => "is missing",
                FileStatus::Orphaned => "is left over",
            };
            let path = format!("{output}/{}", change.path);
            Err(
                Diagnostic::error("stale", Place::File(path.clone()), format!("{path} {how}"))
                    .help(fix),
            )
        }
    };
    walk.add("rendered", rendered);
}

fn job_file(output: &str, rendered: Files) -> String {
    let file = rendered.prometheus().next();
    file.map(|file| format!("in {output}/{}", file.path))
        .unwrap_or_default()
}

/// The links that servers and the service itself are asked about.
pub(crate) fn online(walk: &mut Walk, context: &CheckContext, service: &Service) -> Result<()> {
    let running = running(context)?;
    if !walk.add("loaded", links::loaded(context, &running, service))
        || !walk.add("discovered", links::discovered(&running, service))
    {
        return Ok(());
    }
    let scraped = service::way(walk, context, &running, service);
    if !walk.goes_on() {
        return Ok(());
    }
    let health = service::healthy(context, &running, service, scraped.is_some());
    if walk.add("health", health)
        && walk.add(
            "metrics",
            service::metrics(context, service, scraped.as_ref()),
        )
        && walk.add("alerts", links::alerts(context, &running, service))
    {
        walk.add("route", links::route(context, &running, service));
    }
    let whole = walk.goes_on();
    if let Some(endpoint) = context.grafana.as_ref().filter(|_| whole) {
        let checked = grafana::checked(context, endpoint);
        let state = format!("{} {}", checked.state, checked.note);
        walk.add("dashboards", links::first_error(checked.findings, state));
    }
    Ok(())
}
