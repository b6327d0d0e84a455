//! Links of an environment lead to its own servers.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use serde_json::Value;

pub(crate) const LINT: Lint = Lint {
    code: "address-of-another",
    doc: "At one address is one server. Alerts of an environment whose Prometheus and Alertmanager are opened at those of another lead whoever is called to the graphs, and to the silences, of that other one.",
    bad: "[prometheus]\nexternal_url = \"https://monitoring.example.org\"\n\n[alertmanager]\nexternal_url = \"https://monitoring.example.org\"\n",
    good: "[prometheus]\nexternal_url = \"https://prometheus.example.org\"\n\n[alertmanager]\nexternal_url = \"https://alerts.example.org\"\n",
    check,
};

/// Servers of which each has an address of its own.
const SERVERS: [&str; 3] = ["prometheus", "alertmanager", "grafana"];

fn check(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let at = |server: &str| format!("/{server}/external_url");
    let written = |server: &str| {
        let url = source.value.pointer(&at(server)).and_then(Value::as_str);
        url.map(|url| url.trim_end_matches('/'))
    };
    let mut found = Vec::new();
    for (index, server) in SERVERS.iter().enumerate() {
        let Some(url) = written(server) else { continue };
        let mut others = SERVERS[..index].iter();
        if let Some(other) = others.find(|other| written(other) == Some(url)) {
            let message = format!("{url} is the address of `[{other}]` too");
            found.push(
                Diagnostic::error("address-of-another", Place::Value(at(server)), message)
                    .also(Place::Value(at(other)), "the other")
                    .help("write the address that people open each of them at"),
            );
        }
    }
    // An environment that says where its Prometheus is has one, and sends its alerts to an Alertmanager of its own unless it
    // says otherwise.
    let own = |server: &str| source.differs(&at(server));
    let shared = !catalog.prometheus.alertmanagers.is_empty();
    let pairs = [
        ("prometheus", "alertmanager"),
        ("alertmanager", "prometheus"),
    ];
    if let Some(environment) = source.environment.as_deref().filter(|_| !shared) {
        let forgotten = pairs
            .iter()
            .find(|(said, other)| own(said) && written(other).is_some() && !own(other));
        found.extend(forgotten.map(|(said, other)| {
            let message = format!(
                "alerts of `{environment}` lead to {}, the `[{other}]` of all other environments",
                written(other).unwrap_or_default()
            );
            Diagnostic::error("address-of-another", Place::Value(at(other)), message)
                .also(Place::Value(at(said)), "this one has an address of its own")
                .help(format!(
                    "write its `external_url` under `[{other}]` in services.{environment}.toml, or name the Alertmanager that they share with `alertmanagers` of [prometheus]"
                ))
        }));
    }
    found
}
