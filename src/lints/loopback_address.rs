//! Inside a container, localhost is the container.

use super::{ADDRESSES, Lint, set_at};
use crate::catalog::ipv6;
use crate::diagnostic::{Diagnostic, Place};

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
            let authority = address
                .rsplit("://")
                .next()
                .unwrap_or_default()
                .split('/')
                .next()
                .unwrap_or_default();
            let host = if authority.starts_with('[') {
                authority
                    .rsplit_once(']')
                    .map_or(authority, |(host, _)| host)
            } else {
                authority.split(':').next().unwrap_or_default()
            };
            if loopback(host.trim_start_matches('[')) {
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
        found
    },
};

/// Whether a server that runs so has a localhost of its own.
fn contained(runs_on: &str) -> bool {
    runs_on == "compose"
}

fn loopback(host: &str) -> bool {
    host == "localhost"
        || host.starts_with("127.")
        || ipv6(host).is_some_and(|address| address.is_loopback())
}
