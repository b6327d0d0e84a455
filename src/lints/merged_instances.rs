//! Each of the instances that are found has series of its own.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "merged-instances",
    doc: "`instance` tells the targets of a service apart. Made from what several of them have in common, such as a namespace or a rack, their series become one: Prometheus drops the samples of all but the first, and nobody is told of the others.",
    bad: "[services.pods]\ngroup = \"web\"\nbuild = false\ndiscovery = { file = [\"targets/*.json\"], labels = { instance = \"rack\" } }\n",
    good: "[services.pods]\ngroup = \"web\"\nbuild = false\ndiscovery = { file = [\"targets/*.json\"], labels = { instance = \"hostname\" } }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for service in &catalog.services {
            let said = service.discovery.as_ref();
            let Some(label) = said.and_then(|said| said.labels.get(INSTANCE)) else {
                continue;
            };
            if tells_apart(label) {
                continue;
            }
            let at = format!(
                "/services/{}/discovery/labels/{INSTANCE}",
                step(&service.name)
            );
            let message = format!(
                "targets of `{}` with the same `{label}` become one: their series differ in nothing",
                service.name
            );
            found.push(
                Diagnostic::error("merged-instances", Place::Value(at), message)
                    .help("leave `instance` out, which is the address then, and give the label a name of its own; accept it if no two targets share its value"),
            );
        }
        found
    },
};

/// The label that every target has.
const INSTANCE: &str = "instance";

/// Last words of labels that are another for each target.
const OWN: [&str; 17] = [
    "address", "addr", "dns", "fqdn", "host", "hostname", "id", "instance", "ip", "ipv4", "ipv6",
    "machine", "name", "node", "server", "uid", "vm",
];

/// Whose name a label has is not always the target's.
const SHARED: [&str; 6] = [
    "cluster_name",
    "container_name",
    "controller_name",
    "namespace_name",
    "service_name",
    "zone_name",
];

fn tells_apart(label: &str) -> bool {
    let label = label.trim_matches('_');
    let last = label.rsplit('_').next().unwrap_or_default();
    OWN.contains(&last) && !SHARED.iter().any(|shared| label.ends_with(shared))
}
