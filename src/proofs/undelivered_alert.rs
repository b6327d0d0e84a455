//! Every alert leaves Prometheus as its rule made it, and arrives at every Alertmanager of the catalog.

use super::scrape_job::tells_replicas;
use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::notifications::alerts::Way;
use crate::stack::notifications::delivery::{API, Endpoint, endpoints};
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::receivers::host;
use crate::stack::notifications::relabeling::Relabeling;
use crate::stack::notifications::server::Server;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What routes, inhibition and people rely on.
const CARRIED: [&str; 5] = ["alertname", "severity", "job", "service", "component"];

pub(crate) const PROOF: Proof = Proof {
    code: "undelivered-alert",
    doc: "Alerts are sent as Prometheus sends them, relabeled, to the address, scheme and path of each Alertmanager: what does not arrive, or arrives with other labels, fires on Prometheus' own page and nowhere else.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/alerting/alertmanagers/*/static_configs/*/targets",
        bad: "[]",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let servers = Server::all(&stack.containers);
        for config in stack.files.prometheus() {
            let (endpoints, others) = endpoints(&config.value);
            for (index, address) in stack.catalog.prometheus.alertmanagers.iter().enumerate() {
                let to = endpoints.iter().find(|to| to.address == *address);
                match to {
                    Some(to) => {
                        let server = servers.iter().find(|server| server.name == host(address));
                        found.extend(refused(stack, config, to, index, server));
                    }
                    // Where others may be found too, nobody here can say that it is not among them.
                    None if others => {}
                    None => found.push(place::at(
                        &config.path,
                        "/alerting",
                        format!("alerts are not sent to `{address}`"),
                        "render every address of `prometheus.alertmanagers`",
                    )),
                }
            }
            found.extend(changed(stack, config, &endpoints));
            let catalog = &stack.catalog.prometheus.external_labels;
            for (label, _) in config.value["global"]["external_labels"].entries() {
                if !CARRIED.contains(&label.as_str()) {
                    continue;
                }
                let message = format!(
                    "alerts without a `{label}` of their own become those of another: each that is sent gets this one"
                );
                let help = "call it otherwise, such as `cluster` or `region`";
                found.push(match catalog.contains_key(label) {
                    true => place::in_catalog(
                        format!("/prometheus/external_labels/{label}"),
                        message,
                        help,
                    ),
                    false => place::at(
                        &config.path,
                        format!("/global/external_labels/{}", step(label)),
                        message,
                        help,
                    ),
                });
            }
        }
        found
    }),
};

/// How an Alertmanager is addressed otherwise than it answers.
fn refused(
    stack: &Stack,
    config: &File,
    to: &Endpoint,
    index: usize,
    server: Option<&Server>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        let pointer = format!("{}/{key}", to.pointer);
        found.push(place::at(&config.path, pointer, message, help));
    };
    if to.group["api_version"] == "v1" {
        say(
            "api_version",
            "alerts are sent by version 1 of the API, which the Alertmanager lacks since 0.27 and Prometheus since 3.0".to_string(),
            "leave `api_version` out",
        );
    }
    let Some(server) = server else {
        // Only its owner knows where else it may answer.
        return found;
    };
    if to.scheme != "http" {
        say(
            "scheme",
            format!(
                "alerts are sent by `{}`, and `{}` speaks http",
                to.scheme, server.name
            ),
            "leave `scheme` out",
        );
    }
    let path = format!("{}{API}", server.prefix());
    if to.path != path {
        say(
            "path_prefix",
            format!(
                "alerts are posted to `{}`, and `{}` takes them at `{path}`",
                to.path, server.name
            ),
            "let `path_prefix` be what the Alertmanager's `--web.route-prefix` is",
        );
    }
    let lets_in = ["basic_auth", "authorization", "oauth2"];
    if stack.catalog.alertmanager.basic_auth_user.is_some()
        && !lets_in.iter().any(|key| to.group.get(key).is_some())
    {
        say(
            "basic_auth",
            format!(
                "`{}` asks for a password, and Prometheus has none for it",
                server.name
            ),
            "render `basic_auth` with the user and the password's file",
        );
    }
    let port = to.address.rsplit(':').next().unwrap_or_default();
    if port != server.port() {
        found.push(place::in_catalog(
            format!("/prometheus/alertmanagers/{index}"),
            format!(
                "alerts are sent to port {port}, and `{}` listens at {}",
                server.name,
                server.port()
            ),
            format!("write `{}:{}`", server.name, server.port()),
        ));
    }
    found
}

/// Alerts that are dropped on the way, or lose a label that they are routed by; each mistake once.
fn changed(stack: &Stack, config: &File, endpoints: &[Endpoint]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some(notifications) = stack.notifications() else {
        return found;
    };
    let mut seen = HashSet::new();
    let mut arrived: HashMap<(String, Labels), &Labels> = HashMap::new();
    let way = Way::of(&config.value);
    let to: Vec<(&Endpoint, Relabeling)> = endpoints
        .iter()
        .map(|to| (to, Relabeling::of(&to.group["alert_relabel_configs"])))
        .collect();
    for firing in &notifications.alerts.real {
        let all = way.sent(&firing.made);
        let to_each = to.iter().map(|(to, relabeling)| {
            let labels = all.clone().and_then(|labels| relabeling.after(labels));
            let own = relabeling.written && all.is_some();
            let pointer = match own {
                true => format!("{}/alert_relabel_configs", to.pointer),
                false => "/alerting/alert_relabel_configs".to_string(),
            };
            (labels, pointer)
        });
        for (labels, pointer) in to_each {
            let external = &stack.catalog.prometheus.external_labels;
            let Some((what, how)) = lost(&firing.made, external, labels.as_ref()) else {
                let merged = labels.and_then(|labels| {
                    let key = (pointer.clone(), labels);
                    let first = *arrived.entry(key).or_insert(&firing.made);
                    differing(first, &firing.made)
                });
                if let Some((label, values)) = merged
                    && seen.insert((pointer.clone(), label.to_string()))
                {
                    found.push(place::at(
                        &config.path,
                        pointer,
                        format!(
                            "{} with {label}=\"{}\" and with {label}=\"{}\" become one alert on their way to the Alertmanager",
                            firing.called(),
                            values[0],
                            values[1]
                        ),
                        "remove it, or let it leave alone what alerts are told apart by",
                    ));
                }
                continue;
            };
            if seen.insert((pointer.clone(), what.to_string())) {
                found.push(place::at(
                    &config.path,
                    pointer,
                    format!("{} {how} on its way to the Alertmanager", firing.called()),
                    "remove it, or let it leave alone what alerts are routed by",
                ));
            }
        }
    }
    found
}

/// A label by which two alerts differ, with both of its values.
fn differing<'l>(one: &'l Labels, other: &'l Labels) -> Option<(&'l str, [&'l str; 2])> {
    let value = |labels: &'l Labels, label: &str| labels.get(label).map_or("", String::as_str);
    let mut names = one.keys().chain(other.keys());
    let label = names.find(|label| value(one, label) != value(other, label))?;
    Some((label, [value(one, label), value(other, label)]))
}

/// What an alert lost, of its own labels or of those that the catalog gives everything that leaves this Prometheus.
fn lost<'l>(
    made: &'l Labels,
    external: &'l BTreeMap<String, String>,
    labels: Option<&Labels>,
) -> Option<(&'l str, String)> {
    let Some(labels) = labels else {
        return Some(("", "is dropped".to_string()));
    };
    let own = made.iter();
    let own = own.filter(|(label, _)| CARRIED.contains(&label.as_str()));
    let given = external
        .iter()
        .filter(|(label, _)| !made.contains_key(*label) && !tells_replicas(label));
    let (label, _) = own
        .chain(given)
        .find(|(label, value)| labels.get(*label) != Some(*value))?;
    let how = match labels.get(label) {
        Some(value) => format!("gets `{value}` for its label `{label}`"),
        None => format!("loses its label `{label}`"),
    };
    Some((label, how))
}
