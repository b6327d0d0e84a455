//! The chain from the catalog to the receiver, link by link: the document's troubleshooting section as questions.

mod links;

use super::checks::{Inquiry, grafana, running};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{Change, Kind};
use crate::stack::files::Files;
use anyhow::Result;

/// The links, in order.
pub const LINKS: [&str; 13] = [
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
pub struct Link {
    /// Whether the next one is worth looking at.
    pub holds: bool,
    /// What was seen.
    pub note: String,
}

/// The links so far.
#[derive(Default)]
pub struct Walk {
    /// One for each of LINKS, as far as the walk came.
    pub links: Vec<Link>,
    /// What is wrong with the last of them.
    pub broken: Option<Diagnostic>,
}

impl Walk {
    /// Nothing is broken yet.
    pub fn whole(&self) -> bool {
        self.broken.is_none()
    }

    fn add(&mut self, seen: Result<String, Diagnostic>) -> bool {
        let (holds, note) = match seen {
            Ok(note) => (true, note),
            Err(finding) => {
                let note = finding.message.clone();
                self.broken = Some(finding);
                (false, note)
            }
        };
        self.links.push(Link { holds, note });
        holds
    }
}

/// The links that need no server: catalog and rendered.
pub fn offline(
    walk: &mut Walk,
    output: &str,
    rendered: Files,
    service: &Service,
    line: usize,
    changes: &[Change],
    mend: &str,
) {
    walk.add(Ok(format!(
        "services.toml:{line}  port {}, runs_on {}, group {}",
        service.port, service.runs_on, service.group
    )));
    let stale = changes.iter().find(|change| {
        change.kind != Kind::LineEndings
            && [".yml", ".json"]
                .iter()
                .any(|end| change.path.ends_with(end))
    });
    walk.add(match stale {
        None => Ok(format!(
            "{output}/ is what services.toml says; job {}",
            job_file(output, rendered)
        )),
        Some(change) => {
            let how = match change.kind {
                Kind::Modified | Kind::LineEndings => "is older than services.toml, or was edited",
                Kind::Missing => "is missing",
                Kind::Orphaned => "is left over",
            };
            let path = format!("{output}/{}", change.path);
            Err(
                Diagnostic::error("stale", Place::File(path.clone()), format!("{path} {how}"))
                    .help(mend),
            )
        }
    });
}

fn job_file(output: &str, rendered: Files) -> String {
    let file = rendered.prometheus().next();
    file.map(|file| format!("in {output}/{}", file.path))
        .unwrap_or_default()
}

/// The links that servers and the service itself are asked about.
pub fn online(walk: &mut Walk, inquiry: &Inquiry, service: &Service) -> Result<()> {
    let running = running(inquiry)?;
    if !walk.add(links::loaded(inquiry, &running, service))
        || !walk.add(links::discovered(&running, service))
    {
        return Ok(());
    }
    let Some(scraped) = links::way(walk, inquiry, &running, service) else {
        return Ok(());
    };
    let links: [&dyn Fn() -> Result<String, Diagnostic>; 4] = [
        &|| links::healthy(inquiry, &running, service, scraped.is_some()),
        &|| links::metrics(inquiry, service, scraped.as_ref()),
        &|| links::alerts(inquiry, &running, service),
        &|| links::route(inquiry, &running, service),
    ];
    if links.iter().all(|link| walk.add(link()))
        && let Some(endpoint) = &inquiry.grafana
    {
        let checked = grafana::checked(inquiry, endpoint);
        walk.add(links::first_error(
            checked.findings,
            format!("{} {}", checked.state, checked.note),
        ));
    }
    Ok(())
}
