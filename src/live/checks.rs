//! What is held against what: each server and service, and the findings about it.

pub(crate) mod alertmanager;
pub(crate) mod clocks;
pub(crate) mod counters;
pub(crate) mod delivery;
pub(crate) mod generated;
pub(crate) mod grafana;
pub(crate) mod panels;
pub(crate) mod probes;
pub(crate) mod prometheus;
mod reads;
pub(crate) mod rules;
pub(crate) mod schedule;
pub(crate) mod services;
pub(crate) mod stored;
pub(crate) mod targets;
pub(crate) mod told;
pub(crate) mod traffic;

use super::endpoint::{Endpoint, Refusal};
use super::http::{Client, Failure, SELF_SIGNED, Untrusted};
use super::probe::{Door, Instance, Reach};
use super::prometheus::{Running, found, query};
use crate::catalog::{Catalog, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::render::File;
use crate::stack::files::Files;
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};

/// Who is asked, and about which catalog.
pub(crate) struct CheckContext<'a> {
    pub catalog: &'a Catalog,
    /// What should be loaded.
    pub rendered: Files<'a>,
    /// When those files were written here; None: they are not there.
    pub written: Option<DateTime<Utc>>,
    /// What is on disk, where that is something else.
    pub stale: Option<Stale>,
    /// With what it is asked.
    pub client: Client,
    pub reach: Reach,
    /// It must be the right one.
    pub prometheus: Endpoint,
    pub alertmanager: Endpoint,
    /// Asked when its address is given.
    pub grafana: Option<Endpoint>,
}

impl<'a> CheckContext<'a> {
    /// The instances of a service, as this machine asks them.
    pub(crate) fn instances(
        &self,
        service: &'a Service,
    ) -> std::result::Result<Vec<Instance<'a>>, Diagnostic> {
        if service.discovery.is_none() {
            return self.reach.instances(&self.client, service);
        }
        // Who is silent here is told of already, and so is who finds nothing.
        let found = found(&self.prometheus, &self.client, &service.name).unwrap_or_default();
        let doors = found.into_iter().map(|url| Door {
            metrics: url.clone(),
            health: url,
        });
        self.reach.behind(&self.client, service, doors.collect())
    }
}

/// The output folder is not what the catalog renders to.
pub(crate) struct Stale {
    /// What is said of it.
    pub finding: Diagnostic,
    /// The configuration of Prometheus and the rules that are on disk instead.
    pub files: Vec<File>,
}

/// One line of the summary, and what was found.
pub(crate) struct Checked {
    pub what: &'static str,
    /// How much of it is right: `11/12`, or `ok`.
    pub state: String,
    /// The rest of the line.
    pub note: String,
    pub findings: Vec<Diagnostic>,
}

impl Checked {
    fn new(
        what: &'static str,
        state: impl Into<String>,
        note: impl Into<String>,
        findings: Vec<Diagnostic>,
    ) -> Checked {
        Checked {
            what,
            state: state.into(),
            note: note.into(),
            findings,
        }
    }
}

/// Prometheus, if it is the one that this catalog is for; otherwise everything would be missing, which says nothing.
pub(crate) fn running(context: &CheckContext) -> Result<Running> {
    let endpoint = &context.prometheus;
    let servers = [
        Some(endpoint),
        Some(&context.alertmanager),
        context.grafana.as_ref(),
    ];
    servers.into_iter().flatten().for_each(Endpoint::begin);
    let running = match Running::ask(endpoint, &context.client) {
        Ok(running) => running,
        Err(refusal) => bail!(
            "cannot judge: {}; {}",
            endpoint.sentence(&refusal),
            remedy(&refusal, "--prometheus-url")
        ),
    };
    let jobs = running.jobs();
    if !context
        .catalog
        .services
        .iter()
        .any(|service| jobs.contains(&service.name.as_str()))
    {
        let shown = if jobs.is_empty() {
            "none".into()
        } else {
            jobs.iter().take(5).copied().collect::<Vec<_>>().join(", ")
        };
        let kept = query(endpoint, &context.client, "count by (job) (up)").unwrap_or_default();
        let mut kept = kept.iter().filter_map(|one| one["metric"]["job"].as_str());
        if let Some(job) = kept.find(|job| context.catalog.service(job).is_some()) {
            bail!(
                "cannot judge: the Prometheus at {} does not scrape the services of this catalog itself: it has samples of {job} from another one, by remote write or federation; give the one that scrapes them with --prometheus-url",
                endpoint.url
            );
        }
        bail!(
            "cannot judge: the Prometheus at {} is another one: it scrapes none of the {} services of this catalog, its jobs are {shown}; give the right --prometheus-url",
            endpoint.url,
            context.catalog.services.len()
        );
    }
    Ok(running)
}

/// Servers that were asked until it made no sense any more: what is not found may be there.
pub(crate) fn silent(context: &CheckContext) -> Vec<Diagnostic> {
    let servers = [
        (Some(&context.prometheus), "/prometheus"),
        (Some(&context.alertmanager), "/alertmanager"),
        (context.grafana.as_ref(), "/grafana"),
    ];
    let found = servers.into_iter().filter_map(|(server, key)| {
        let message = server?.given_up()?;
        let finding = Diagnostic::error("server-silent", Place::Key(key.into()), message);
        Some(finding.help(OVERLOADED))
    });
    found.collect()
}

/// What to do about a server that takes connections and does not answer.
const OVERLOADED: &str = "it may be overloaded, or hang in a reload: look at its log, and restart it if it stays so; or give it more time with --timeout";

/// What to do about a server that refuses.
pub(crate) fn remedy(refusal: &Refusal, flag: &str) -> String {
    match refusal {
        Refusal::Unauthorized(_) => {
            let file = |what: &str| flag.replace("-url", what);
            format!(
                "give the right token or password in a file: {}, or {} with {}",
                file("-token-file"),
                file("-user"),
                file("-password-file")
            )
        }
        Refusal::Redirect(_) | Refusal::Stranger(_) => format!("give its own address with {flag}"),
        Refusal::Status(404, _) => format!(
            "give its own address with {flag}, without the path of a page, and with its route prefix if it has one"
        ),
        Refusal::Status(422, reason) if reason.contains("Agent") => {
            "it is an agent, which evaluates no rule and keeps no samples: give the address of a Prometheus that scrapes the services and evaluates the rules itself".to_string()
        }
        Refusal::Status(400, reason) if reason.contains("HTTPS server") => {
            format!("it speaks TLS: give its address with https:// in {flag}")
        }
        Refusal::Failed(Failure::Tls(reason)) => untrusted(reason, flag),
        Refusal::Status(503, _) => {
            "wait if it has just been started: it reads what it has stored; else look at its log"
                .to_string()
        }
        Refusal::Status(..) => "look at its log".to_string(),
        Refusal::Failed(Failure::NoAnswer(_) | Failure::Unfinished(_)) => OVERLOADED.to_string(),
        Refusal::Failed(_) => {
            let server = flag.trim_start_matches("--").trim_end_matches("-url");
            format!("start {server}, or give its address with {flag}")
        }
    }
}

/// What to do about a server with which no encrypted connection can be made.
fn untrusted(reason: &str, flag: &str) -> String {
    match Untrusted::of(reason) {
        Some(Untrusted::Stranger) => {
            "give the certificate of the authority that signed its own with --ca-file".to_string()
        }
        Some(Untrusted::Authority) => SELF_SIGNED.to_string(),
        Some(Untrusted::Name) => {
            format!("give it in {flag} under the name that its certificate bears")
        }
        Some(Untrusted::Expired) => "renew its certificate".to_string(),
        Some(Untrusted::Anonymous) => {
            "it wants a certificate of whoever asks, which is asked for with none: ask it where it wants none, or through a proxy that has one".to_string()
        }
        None => format!(
            "what listens there may speak HTTP without TLS: then give its address with http:// in {flag}"
        ),
    }
}

/// The first few of many.
fn first(items: &[String], count: usize) -> String {
    let more = items.len().saturating_sub(count);
    let tail = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    items
        .iter()
        .take(count)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ")
        + &tail
}
