//! What Prometheus scrapes.

use super::{CheckContext, Checked};
use crate::catalog::{Duration, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::prometheus::{Running, Target, query, relabelled_away};
use std::collections::BTreeMap;

/// The target of a service.
pub(crate) fn target<'a>(running: &'a Running, service: &Service) -> Option<&'a Target> {
    running.target(&service.name)
}

/// Scrapes of a service in the last minutes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scrapes {
    all: f64,
    failed: f64,
    /// How often they began or ceased to fail.
    turns: f64,
    /// Whether one of the last few succeeded.
    lately: f64,
    /// How long the longest took, in seconds.
    longest: f64,
}

/// The last few.
const LAST: u64 = 6;

/// The minutes that are counted.
const LATELY: &str = "5m";

/// A service that was restarted has failed and come back once.
const OFTEN: f64 = 3.0;

impl Scrapes {
    /// By service, of those with failed ones; of one service, or of all.
    pub(crate) fn failed(context: &CheckContext, only: Option<&str>) -> BTreeMap<String, Scrapes> {
        let up = only.map_or_else(|| "up".to_string(), |job| format!("up{{job={job:?}}}"));
        let some = format!("(min_over_time({up}[{LATELY}]) == 0)");
        let slowest = context
            .catalog
            .services
            .iter()
            .map(|one| one.scrape_interval.0);
        let last = Duration(slowest.max().unwrap_or_default() * LAST).to_string();
        let ask = |function: &str, window: &str| {
            let asked = format!("sum by (job) ({function}({up}[{window}]) and {some})");
            query(&context.prometheus, &context.client, &asked).unwrap_or_default()
        };
        let mut found: BTreeMap<String, Scrapes> = BTreeMap::new();
        let mut fill = |function: &str, window: &str, put: fn(&mut Scrapes, f64)| {
            for one in ask(function, window) {
                let (job, value) = (one["metric"]["job"].as_str(), one["value"][1].as_str());
                if let (Some(job), Some(Ok(value))) = (job, value.map(str::parse)) {
                    put(found.entry(job.to_string()).or_default(), value);
                }
            }
        };
        fill("count_over_time", LATELY, |one, value| one.all = value);
        fill("sum_over_time", LATELY, |one, value| {
            one.failed = one.all - value
        });
        fill("changes", LATELY, |one, value| one.turns = value);
        fill("max_over_time", &last, |one, value| one.lately = value);
        if found.is_empty() {
            return found;
        }
        let took = up.replacen("up", "scrape_duration_seconds", 1);
        let asked = format!("max by (job) (max_over_time({took}[{LATELY}]))");
        for one in query(&context.prometheus, &context.client, &asked).unwrap_or_default() {
            let (job, value) = (one["metric"]["job"].as_str(), one["value"][1].as_str());
            let own = job.and_then(|job| found.get_mut(job));
            if let (Some(own), Some(Ok(value))) = (own, value.map(str::parse)) {
                own.longest = value;
            }
        }
        found
    }

    /// Whether it comes and goes.
    pub(crate) fn flap(&self) -> bool {
        self.turns >= OFTEN && self.lately > 0.0
    }

    /// For people.
    pub(crate) fn described(&self) -> String {
        let (failed, all) = (self.failed, self.all);
        format!("{failed} of its {all} scrapes in the last {LATELY} failed")
    }
}

/// A service that answers now, and did not again and again.
pub(crate) fn flapping(service: &Service, scrapes: &Scrapes) -> Diagnostic {
    let place = Place::Key(format!("/services/{}", service.name));
    let timeout = service.scrape_timeout;
    if scrapes.longest >= timeout.seconds() {
        let message = format!(
            "{}: it is up now, and {}: some took longer than the {timeout} of `scrape_timeout`",
            service.name,
            scrapes.described()
        );
        return Diagnostic::warning("flapping", place, message)
            .common("it is up now, and many of its scrapes in the last minutes took too long")
            .help("look what makes it slow at times, such as a collector that asks something else while it is scraped; expose less, or raise `scrape_timeout`; alerts with a `for` longer than each outage stay silent")
            .of(&service.name);
    }
    let message = format!(
        "{}: it is up now, and {}",
        service.name,
        scrapes.described()
    );
    Diagnostic::warning("flapping", place, message)
        .common("it is up now, and many of its scrapes in the last minutes failed")
        .help("it comes and goes: look for restarts, for an overload, or for several processes behind one address, some of which do not answer; alerts with a `for` longer than each outage stay silent")
        .of(&service.name)
}

/// What Prometheus says, and what to do: wherever it runs, in a container, on a machine of its own.
const CAUSES: [(&str, &str); 6] = [
    (
        "does not look like a TLS handshake",
        "its job asks over TLS, and the service answers without: correct `scheme`",
    ),
    (
        "HTTP response to HTTPS client",
        "its job asks over TLS, and the service answers without: correct `scheme`",
    ),
    (
        "context deadline exceeded",
        "the scrape takes longer than scrape_timeout, or a firewall drops the packets of Prometheus",
    ),
    (
        "limit",
        "raise or remove that limit in the job that Prometheus runs, or expose less",
    ),
    (
        "Content-Type",
        "send `text/plain; version=0.0.4; charset=utf-8`, the client library's CONTENT_TYPE_LATEST",
    ),
    (
        "HTTP status",
        "serve the metrics at metrics_path with status 200; where they want a login, say which in `auth`",
    ),
];
const IN_CONTAINER: [(&str, &str); 2] = [
    (
        "no such host",
        "Linux knows host.docker.internal only when compose says `extra_hosts: [\"host.docker.internal:host-gateway\"]`; the rendered file does",
    ),
    (
        "connection refused",
        "the service must listen on 0.0.0.0, not on 127.0.0.1: a container does not come in over the loopback interface",
    ),
];
const ON_HOST: [(&str, &str); 2] = [
    (
        "no such host",
        "the machine of Prometheus does not know that name: correct `runs_on`, or its name server",
    ),
    (
        "connection refused",
        "nothing listens there for the machine of Prometheus: the service listens on another address, or has another port",
    ),
];

fn cause(known: &[(&str, &'static str)], error: &str) -> Option<&'static str> {
    let mut known = known.iter();
    Some(known.find(|(words, _)| error.contains(words))?.1)
}

/// Why Prometheus cannot scrape a target, in its words, and what to do.
pub(crate) fn down(
    context: &CheckContext,
    service: &Service,
    target: &Target,
    scrapes: Option<&Scrapes>,
) -> Diagnostic {
    let error = &target.error;
    let help = match context.catalog.prometheus.runs_on.as_str() {
        "host" => cause(&ON_HOST, error),
        _ => cause(&IN_CONTAINER, error),
    };
    let help = help
        .or_else(|| cause(&CAUSES, error))
        .unwrap_or("this machine can read it, so it is between Prometheus and the service: its job, its network, its certificates");
    let place = Place::Key(format!("/services/{}", service.name));
    let from = &context.prometheus.name;
    let path = &service.metrics_path;
    let at = target.url.split("://").nth(1).unwrap_or_default();
    let at = at.split('/').next().unwrap_or_default();
    let why = error.replace(&target.url, path);
    // Its name, and the address that this leads to.
    let port = at.rsplit_once(':').map_or("", |(_, port)| port);
    let own = |word: &&str| {
        let word = word.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
        !port.is_empty()
            && word
                .rsplit_once(':')
                .is_some_and(|(_, other)| other == port)
    };
    let words = why.split(' ').map(|word| match own(&word) {
        true => "its address",
        false => word,
    });
    let why = words.collect::<Vec<_>>().join(" ");
    let flaps = scrapes.filter(|scrapes| scrapes.flap());
    let often = flaps.map_or_else(String::new, |scrapes| format!("; {}", scrapes.described()));
    let help = match flaps {
        Some(_) => format!("it comes and goes, so some scrapes work; when they fail: {help}"),
        None => help.to_string(),
    };
    Diagnostic::error(
        "target-down",
        place,
        format!(
            "{}: {from} cannot scrape {}: {error}{often}",
            service.name, target.url
        ),
    )
    .common(format!("{from} cannot scrape {path}: {why}"))
    .help(help)
    .of(&service.name)
}

/// Prometheus has just begun with it.
pub(crate) fn unknown(service: &Service, target: &Target) -> Diagnostic {
    let message = format!("{}: {} has not been scraped yet", service.name, target.url);
    let place = Place::Key(format!("/services/{}", service.name));
    Diagnostic::error("target-unknown", place, message)
        .common("it has not been scraped yet")
        .help("wait for one scrape interval: --wait 60s")
        .of(&service.name)
}

/// A target of another job that bears the name of a service: what it exposes is taken for the service's.
pub(crate) fn taken(
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> Option<Diagnostic> {
    let config = context.rendered.config();
    let jobs = || {
        let configs = config.into_iter();
        configs.flat_map(|config| config["scrape_configs"].items())
    };
    // What is done in the user's own jobs was proved with them.
    let rendered = |pool: &str| jobs().any(|job| job["job_name"] == pool);
    let strangers = running
        .strangers
        .iter()
        .map(|index| &running.targets[*index]);
    let mut named = strangers.filter(|target| target.job == service.name);
    let target = named.find(|target| !rendered(&target.pool))?;
    let message = format!(
        "{}: the job {} scrapes {} under its name (job={:?}): what that exposes is taken for it, and while one of them answers it does not count as down",
        service.name, target.pool, target.url, service.name
    );
    let place = Place::Key(format!("/services/{}", service.name));
    let help = format!(
        "let the job {} give its targets a label `job` of their own, or take it out of the configuration that Prometheus runs",
        target.pool
    );
    Some(Diagnostic::error("foreign-target", place, message).help(help))
}

/// Its job is loaded, and nothing is scraped by it.
pub(crate) fn dropped(context: &CheckContext, running: &Running, service: &Service) -> Diagnostic {
    let place = Place::Key(format!("/services/{}", service.name));
    let found = relabelled_away(&context.prometheus, &context.client, &service.name);
    if let Some(address) = found.first() {
        let message = format!(
            "{}: its job is loaded, and its relabelling drops all that it finds, such as {address}",
            service.name
        );
        return Diagnostic::error("target-dropped", place, message)
            .help("look at the `relabel_configs` of the job that Prometheus runs: `keep` and `drop` of `discovery` are there too");
    }
    if let Some(age) = running.settling() {
        let said = format!("its job was loaded {age} s ago and has no target yet");
        let message = format!("{}: {said}", service.name);
        return Diagnostic::error("target-unknown", place, message)
            .common(said)
            .help("wait for some seconds: --wait 60s")
            .of(&service.name);
    }
    let message = format!(
        "{}: its job is loaded, and its service discovery finds no target",
        service.name
    );
    Diagnostic::error("target-dropped", place, message)
        .help("see what it names is there and can be read: the page Status, Service Discovery, of Prometheus, and its log")
        .of(&service.name)
}

/// Whether every service is scraped; services that do not answer here either are distinguished from those that only Prometheus cannot reach.
pub(crate) fn checked(context: &CheckContext, running: &Running, answering: &[&str]) -> Checked {
    let mut findings = Vec::new();
    let (mut up, mut waiting) = (0, 0);
    let scrapes = Scrapes::failed(context, None);
    for service in &context.catalog.services {
        let own = scrapes.get(&service.name);
        findings.extend(taken(context, running, service));
        match target(running, service) {
            Some(target) if target.health == "up" => {
                up += 1;
                // Where something is wrong with it now, that is said.
                let answers = answering.contains(&service.name.as_str());
                let own = own.filter(|own| own.flap() && answers);
                findings.extend(own.map(|own| flapping(service, own)));
            }
            Some(target) if target.health == "unknown" => {
                waiting += 1;
                findings.push(unknown(service, target));
            }
            Some(target) if answering.contains(&service.name.as_str()) => {
                findings.push(down(context, service, target, own))
            }
            Some(_) => {}
            None if running.jobs().contains(&service.name.as_str()) => {
                findings.push(dropped(context, running, service));
            }
            None => {}
        }
    }
    let note = if waiting > 0 {
        format!("up; {waiting} not scraped yet")
    } else {
        "up".into()
    };
    Checked::new(
        "targets",
        format!("{up}/{}", context.catalog.services.len()),
        note,
        findings,
    )
}
