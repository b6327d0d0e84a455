//! What Prometheus scrapes.

use super::{CheckContext, Checked};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::prometheus::{Running, Target};

/// The target of a service.
pub(crate) fn target<'a>(running: &'a Running, service: &Service) -> Option<&'a Target> {
    let own = || {
        running
            .targets
            .iter()
            .filter(|target| target.job == service.name)
    };
    own()
        .find(|target| target.health != "up")
        .or_else(|| own().next())
}

/// What Prometheus says, and what to do: wherever it runs, in a container, on a machine of its own.
const CAUSES: [(&str, &str); 4] = [
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
pub(crate) fn down(context: &CheckContext, service: &Service, target: &Target) -> Diagnostic {
    let error = &target.error;
    let help = match context.catalog.prometheus.runs_on.as_str() {
        "host" => cause(&ON_HOST, error),
        _ => cause(&IN_CONTAINER, error),
    };
    let help = help
        .or_else(|| cause(&CAUSES, error))
        .unwrap_or("its words are all that is known of it: this machine sees nothing wrong");
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
    Diagnostic::error(
        "target-down",
        place,
        format!(
            "{}: {from} cannot scrape {}: {error}",
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

/// Its job is loaded, and nothing is scraped by it.
pub(crate) fn dropped(service: &Service) -> Diagnostic {
    let message = format!("{}: its job is loaded but has no target", service.name);
    let place = Place::Key(format!("/services/{}", service.name));
    Diagnostic::error("target-dropped", place, message)
        .help("just after its start Prometheus takes some seconds; later, relabelling drops the target or its service discovery is empty")
        .of(&service.name)
}

/// Whether every service is scraped; services that do not answer here either are distinguished from those that only Prometheus cannot reach.
pub(crate) fn checked(context: &CheckContext, running: &Running, answering: &[&str]) -> Checked {
    let mut findings = Vec::new();
    let (mut up, mut waiting) = (0, 0);
    for service in &context.catalog.services {
        match target(running, service) {
            Some(target) if target.health == "up" => up += 1,
            Some(target) if target.health == "unknown" => {
                waiting += 1;
                findings.push(unknown(service, target));
            }
            Some(target) if answering.contains(&service.name.as_str()) => {
                findings.push(down(context, service, target))
            }
            Some(_) => {}
            None if running.jobs().contains(&service.name.as_str()) => {
                findings.push(dropped(service));
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
