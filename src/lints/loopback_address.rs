//! Inside a container, localhost is the container.

use super::{ADDRESSES, Lint, set_at};
use crate::catalog::{Catalog, ipv6};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;

pub(crate) const LINT: Lint = Lint {
    code: "loopback-address",
    doc: "Prometheus, the Alertmanager and Grafana run in containers, where localhost is the container itself: what they look for there would be refused permanently.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"localhost\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"host\"\n",
    check: |catalog, source| {
        let services = catalog
            .services
            .iter()
            .filter(|service| contained(&catalog.prometheus.runs_on) && loopback(&service.host));
        let mut found: Vec<Diagnostic> = services
            .map(|service| {
                Diagnostic::error("loopback-address", set_at(source, service, "runs_on"), format!("`{}` is Prometheus' own container", service.host))
                    .help("write `runs_on = \"host\"` for a service on this machine, `\"compose\"` for one beside Prometheus; when Prometheus runs without a container, write `runs_on = \"host\"` in `[prometheus]`")
            })
            .collect();
        let mut elsewhere = |(table, server): (&str, &str), pointer: String, address: &str| {
            let host = host(address);
            if loopback(host) {
                found.push(
                    Diagnostic::error("loopback-address", Place::Value(pointer), format!("`{host}` is the container of {server} itself")).help(format!(
                        "write host.docker.internal for this machine, or the name of a container; when {server} runs without a container, write `runs_on = \"host\"` in `[{table}]`"
                    )),
                );
            }
        };
        if contained(&catalog.prometheus.runs_on) {
            for (index, address) in catalog.prometheus.alertmanagers.iter().enumerate() {
                let pointer = format!("/prometheus/alertmanagers/{index}");
                elsewhere(("prometheus", "Prometheus"), pointer, address);
            }
        }
        if contained(&catalog.grafana.runs_on) {
            let pointer = "/grafana/datasource_url".to_string();
            elsewhere(
                ("grafana", "Grafana"),
                pointer,
                &catalog.grafana.datasource_url,
            );
        }
        let told = catalog.receivers.iter();
        for (receiver, integrations) in told.filter(|_| contained(&catalog.alertmanager.runs_on)) {
            for (integration, key) in ADDRESSES {
                let address = integrations[integration][key].as_str().unwrap_or_default();
                let pointer = format!("/receivers/{receiver}/{integration}/{key}");
                elsewhere(("alertmanager", "the Alertmanager"), pointer, address);
            }
        }
        found.extend(links(catalog, source));
        found
    },
};

/// Links of a stack that people open at other addresses: whoever is called follows them to his own machine.
fn links(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let (prometheus, grafana) = (&catalog.prometheus, &catalog.grafana);
    let opened = [
        &prometheus.external_url,
        &catalog.alertmanager.external_url,
        &grafana.external_url,
    ];
    // Where all of it is tried out on one machine, that is where its links lead.
    if opened.iter().all(|url| loopback(host(url))) {
        return Vec::new();
    }
    let alerts = catalog.written_alerts().filter_map(|alert| {
        let url = alert.runbook_url.as_deref()?;
        Some((format!("{}/runbook_url", alert.written_table()), url))
    });
    let platform = (
        "/platform/runbook_url".to_string(),
        catalog.platform.runbook_url.as_str(),
    );
    let servers = [
        ("/prometheus/external_url", &prometheus.external_url),
        (
            "/alertmanager/external_url",
            &catalog.alertmanager.external_url,
        ),
        ("/grafana/external_url", &grafana.external_url),
    ];
    let servers = servers.map(|(pointer, url)| (pointer.to_string(), url.as_str()));
    let mut all = std::iter::once(platform)
        .chain(alerts)
        .chain(servers)
        .collect::<Vec<_>>();
    all.dedup();
    all.into_iter()
        // What nobody has written is where the port is published.
        .filter(|(pointer, url)| loopback(host(url)) && source.contains(pointer))
        .map(|(pointer, url)| {
            let message = format!("`{}` is the machine of whoever follows the link", host(url));
            Diagnostic::error("loopback-address", Place::Value(pointer), message)
                .help("write the address at which people open it, as the other links have one")
        })
        .collect()
}

/// The host of an address with or without its scheme.
fn host(address: &str) -> &str {
    let authority = address.rsplit("://").next().unwrap_or_default();
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether a server that runs so has a localhost of its own.
fn contained(runs_on: &str) -> bool {
    runs_on == "compose"
}

fn loopback(host: &str) -> bool {
    host == "localhost"
        || host.starts_with("127.")
        || ipv6(host).is_some_and(|address| address.is_loopback())
}
