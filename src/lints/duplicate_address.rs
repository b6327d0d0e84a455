//! Two services on one address: the second one's metrics would be the first one's.

use super::Lint;
use crate::catalog::access::parted;
use crate::catalog::{Service, origin};
use crate::diagnostic::{Diagnostic, Place};
use std::collections::HashMap;

pub(crate) const LINT: Lint = Lint {
    code: "duplicate-address",
    doc: "Prometheus scrapes both jobs happily and gets the same service twice; promtool says SUCCESS. Behind one address, services with different metrics paths are different; containers of one machine still need ports of their own.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8001\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\n",
    check: |catalog, source| {
        let (mut first, mut published) = (HashMap::new(), HashMap::new());
        let mut found = Vec::new();
        for service in &catalog.services {
            let placed = |service: &Service| {
                let key = if service.through.is_some() {
                    "through"
                } else if service.targets.is_empty() {
                    "port"
                } else {
                    "targets"
                };
                Place::Value(format!("/services/{}/{key}", service.name))
            };
            let mut scraped = None;
            let mut address = format!("port {} on `{}`", service.port, service.host);
            // What is found has no address yet, and an exporter that nobody knows is told of already.
            let known = service.discovery.is_none() && service.host_is_known();
            for instance in service.instances.iter().filter(|_| known) {
                let asked = (&instance.asked, &instance.path, &service.params);
                let other = first.insert(asked, service);
                if scraped.is_none() && other.is_some_and(|other| other.name != service.name) {
                    scraped = other;
                    let (host, port) = parted(&instance.asked);
                    address = format!("port {port} on `{host}`");
                }
            }
            let started = (service.container && service.runs_on == "host")
                .then(|| published.insert(service.port, service))
                .flatten();
            let (other, message, help) = match (scraped, started) {
                (Some(other), _) => (
                    other,
                    format!("{address} is already taken by `{}`", other.name),
                    "give each service on one machine a port or a `metrics_path` of its own, or say where it runs with `runs_on`",
                ),
                (None, Some(other)) => (
                    other,
                    format!(
                        "{address} is published by `{}` already, and two containers cannot share it",
                        other.name
                    ),
                    "give each container a port of its own; or write `build = false` for a service that is not a container, such as one behind a proxy",
                ),
                (None, None) => continue,
            };
            let mut diagnostic = Diagnostic::error("duplicate-address", placed(service), message)
                .label("taken again here")
                .also(placed(other), "first taken here")
                .help(help);
            if let Some(runs_on) = origin(source, service, "runs_on") {
                diagnostic = diagnostic.also(Place::Value(runs_on), "both run here");
            }
            found.push(diagnostic);
        }
        found
    },
};
