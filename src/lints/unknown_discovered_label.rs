//! What is found is kept, dropped and labelled by labels that its discovery gives.

use super::Lint;
use crate::catalog::discovery::Discovery;
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::re2::anchored;
use crate::source::step;
use crate::value::Value;
use regex_automata::meta::Regex;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-discovered-label",
    doc: "A target has the labels of the discovery by which it is found: of Kubernetes, those of the role that is asked for. `keep` by a label of another one matches no target, and nothing of the service is scraped.",
    bad: "[services.pods]\ngroup = \"web\"\nbuild = false\n\n[services.pods.discovery]\nkubernetes = { role = \"pod\", api_server = \"https://k8s.example.org\" }\nkeep = { __meta_kubernetes_service_name = \"web\" }\n",
    good: "[services.pods]\ngroup = \"web\"\nbuild = false\n\n[services.pods.discovery]\nkubernetes = { role = \"pod\", api_server = \"https://k8s.example.org\" }\nkeep = { __meta_kubernetes_pod_label_app = \"web\" }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for service in &catalog.services {
            let Some(said) = &service.discovery else {
                continue;
            };
            let table = format!("/services/{}/discovery", step(&service.name));
            for (label, patterns) in &said.keep {
                let pairs = patterns.0.iter().enumerate();
                let mut pairs = pairs.flat_map(|(at, one)| {
                    let others = patterns.0[..at].iter();
                    others.map(move |other| (at, one, other))
                });
                let apart = |(_, one, other): &(usize, &String, &String)| {
                    let both = Domain::Pattern(other.to_string()).example(one, true);
                    both.is_none()
                };
                if let Some((at, one, other)) = pairs.find(apart) {
                    let message = format!(
                        "no value of `{label}` is both `{other}` and `{one}`: no target is kept"
                    );
                    let at = Place::Value(format!("{table}/keep/{}/{at}", step(label)));
                    let help = "all patterns of a list must fit; for one or the other write one, apart by `|`";
                    found.push(
                        Diagnostic::error("unknown-discovered-label", at, message).help(help),
                    );
                }
            }
            // Lists and addresses answer with any labels.
            if !said.file.is_empty() || said.others.contains_key("http") || said.others.is_empty() {
                continue;
            }
            let of = |key: &'static str, name: &String, label: &String| {
                (format!("{table}/{key}/{}", step(name)), label.clone())
            };
            let keep = said.keep.keys().map(|label| of("keep", label, label));
            let dropped = said.drop.keys().map(|label| of("drop", label, label));
            let labels = said
                .labels
                .iter()
                .map(|(name, label)| of("labels", name, label));
            let address = said.address.iter();
            let address = address.map(|label| (format!("{table}/address"), label.clone()));
            let all = keep.chain(dropped).chain(labels).chain(address);
            for (at, label) in all.filter(|(_, label)| !gives(said, label)) {
                let message = format!(
                    "no target of `{}` has the label `{label}`: it is found {}",
                    service.name,
                    said.words()
                );
                found.push(
                    Diagnostic::error("unknown-discovered-label", Place::Value(at), message).help(
                        "https://prometheus.io/docs/prometheus/latest/configuration/configuration/ lists the labels of each discovery",
                    ),
                );
            }
            for (key, filter) in [("keep", &said.keep), ("drop", &said.drop)] {
                let all = filter.iter().flat_map(|(label, patterns)| {
                    let several = patterns.0.len() > 1;
                    let patterns = patterns.0.iter().enumerate();
                    patterns.map(move |(at, pattern)| (label, several.then_some(at), pattern))
                });
                for (label, at, pattern) in all {
                    let mut known = VALUES.iter();
                    let Some((_, values)) = known.find(|(known, _)| known == label) else {
                        continue;
                    };
                    let regex = anchored(pattern)
                        .ok()
                        .and_then(|regex| Regex::new(&regex).ok());
                    let Some(regex) = regex.filter(|_| !pattern.contains('$')) else {
                        continue;
                    };
                    if !values.iter().any(|value| regex.is_match(value)) {
                        let effect = match key {
                            "keep" => "no target is kept",
                            _ => "no target is dropped",
                        };
                        let message = format!("`{label}` is never `{pattern}`: {effect}");
                        let at = at.map_or(String::new(), |at| format!("/{at}"));
                        let at = Place::Value(format!("{table}/{key}/{}{at}", step(label)));
                        let help = format!(
                            "it is one of {}; several are apart by `|`",
                            values.join(", ")
                        );
                        found.push(
                            Diagnostic::error("unknown-discovered-label", at, message).help(help),
                        );
                    }
                }
            }
        }
        found
    },
};

/// Labels of which every value is known: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config,
/// `PodPhase` and `NodeConditionType` of Kubernetes, the states that the APIs of EC2, Google
/// Compute Engine, Hetzner Cloud and Docker Swarm document.
const VALUES: [(&str, &[&str]); 10] = [
    (
        "__meta_kubernetes_pod_phase",
        &["Pending", "Running", "Succeeded", "Failed", "Unknown"],
    ),
    ("__meta_kubernetes_pod_ready", &["true", "false", "unknown"]),
    ("__meta_kubernetes_pod_container_init", &["true", "false"]),
    ("__meta_kubernetes_endpoint_ready", &["true", "false"]),
    (
        "__meta_kubernetes_service_type",
        &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
    ),
    (
        "__meta_dockerswarm_node_status",
        &["unknown", "down", "ready", "disconnected"],
    ),
    (
        "__meta_dockerswarm_node_availability",
        &["active", "pause", "drain"],
    ),
    (
        "__meta_gce_instance_status",
        &[
            "PROVISIONING",
            "STAGING",
            "RUNNING",
            "STOPPING",
            "SUSPENDING",
            "SUSPENDED",
            "REPAIRING",
            "TERMINATED",
        ],
    ),
    (
        "__meta_hetzner_server_status",
        &[
            "running",
            "initializing",
            "starting",
            "stopping",
            "off",
            "deleting",
            "migrating",
            "rebuilding",
            "unknown",
        ],
    ),
    (
        "__meta_ec2_instance_state",
        &[
            "pending",
            "running",
            "shutting-down",
            "terminated",
            "stopping",
            "stopped",
        ],
    ),
];

/// What every target has before it is relabeled.
const OF_ALL: [&str; 5] = [
    "__address__",
    "__metrics_path__",
    "__scheme__",
    "__scrape_interval__",
    "__scrape_timeout__",
];

/// What a target of Kubernetes has beside its namespace, by the role that is asked for.
const OF_ROLES: [(&str, &[&str]); 6] = [
    ("pod", &["pod_"]),
    ("service", &["service_"]),
    (
        "endpoints",
        &["endpoints_", "endpoint_", "service_", "pod_"],
    ),
    (
        "endpointslice",
        &["endpointslice_", "endpoint_", "service_", "pod_"],
    ),
    ("ingress", &["ingress_"]),
    ("node", &["node_"]),
];

/// Whether some discovery of a service gives its targets a label.
fn gives(said: &Discovery, label: &str) -> bool {
    let Some(rest) = label.strip_prefix("__meta_") else {
        return OF_ALL.contains(&label) || label.starts_with("__param_");
    };
    said.others.iter().any(|(name, said)| {
        let own = rest
            .strip_prefix(name.as_str())
            .and_then(|own| own.strip_prefix('_'));
        match (own, name.as_str()) {
            (Some(own), "kubernetes") => of_kubernetes(said, own),
            (own, _) => own.is_some(),
        }
    })
}

fn of_kubernetes(said: &Value, label: &str) -> bool {
    let attached = |what: &str| said["attach_metadata"][what] == Value::Bool(true);
    let role = said["role"].as_str().unwrap_or_default();
    let mut roles = OF_ROLES.iter();
    let own = roles.find(|(known, _)| *known == role);
    label == "namespace"
        || own.is_none_or(|(_, starts)| starts.iter().any(|start| label.starts_with(start)))
        || (attached("node") && label.starts_with("node_"))
        || (attached("namespace") && label.starts_with("namespace_"))
}
