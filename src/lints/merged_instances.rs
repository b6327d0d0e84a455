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

/// Last words of labels that many targets have alike.
const SHARED: [&str; 29] = [
    "account",
    "app",
    "application",
    "az",
    "class",
    "cluster",
    "datacenter",
    "dc",
    "env",
    "environment",
    "group",
    "job",
    "namespace",
    "network",
    "project",
    "rack",
    "region",
    "role",
    "room",
    "service",
    "site",
    "state",
    "status",
    "subnet",
    "team",
    "tier",
    "type",
    "vpc",
    "zone",
];

/// What is called so is the name of something that targets share, and not a target's own.
const NAMES_OF: [&str; 5] = ["cluster", "controller", "namespace", "service", "zone"];

fn tells_apart(label: &str) -> bool {
    let words: Vec<&str> = label.trim_matches('_').split('_').collect();
    match words.as_slice() {
        [.., "pod", "container", "name"] => false,
        [.., of, "name"] => !NAMES_OF.contains(of),
        [.., last] => !SHARED.contains(last),
        [] => true,
    }
}
