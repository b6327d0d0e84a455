//! Every name that a container looks up is one that it can find.

use super::{Check, Example, Proof, place};
use crate::diagnostic::nearest;
use crate::json::Parts;
use crate::stack::Stack;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What Docker on Linux knows only when told.
const GATEWAY: &str = "host.docker.internal";

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-host",
    doc: "A name that resolves nowhere is a target that is down permanently, or a data source that is a Bad Gateway. Docker on Linux knows host.docker.internal only with `extra_hosts`.",
    example: Example::Catalog {
        bad: "[prometheus]\nalertmanagers = [\"alertmanger:9093\"]\n",
        good: "[prometheus]\nalertmanagers = [\"alertmanager:9093\"]\n",
    },
    check: Check::Stack(|stack| {
        let containers: Vec<(&str, &str, &Value)> = stack
            .files
            .containers()
            .map(|(file, name, container)| (file.path.as_str(), name, container))
            .collect();
        let named: HashMap<&str, (&str, &Value)> = containers
            .iter()
            .map(|(path, name, container)| (*name, (*path, *container)))
            .collect();
        let mut told_of = HashSet::new();
        let mut apart = HashSet::new();
        let mut meant: HashMap<&str, Option<&str>> = HashMap::new();
        let mut found = Vec::new();
        for (path, pointer, address, asker) in addresses(stack) {
            let authority = address
                .rsplit("://")
                .next()
                .unwrap_or_default()
                .split('/')
                .next()
                .unwrap_or_default();
            // An IPv6 address needs no look-up.
            let host = if authority.starts_with('[') {
                authority
            } else {
                authority.split(':').next().unwrap_or_default()
            };
            let known = || containers.iter().map(|(_, name, _)| *name);
            // A name without dots that is almost a container's is meant to be it; others are the network's.
            if !host.contains(['.', '['])
                && !named.contains_key(host)
                && let Some(near) = *meant.entry(host).or_insert_with(|| nearest(host, known()))
            {
                found.push(place::at(
                    path,
                    pointer,
                    format!("no container is called `{host}`"),
                    format!("did you mean `{near}`?"),
                ));
            } else if let Some((_, wanted)) = named.get(host)
                && let Some((compose, container)) = named.get(asker)
                && !meet(container, wanted)
                && apart.insert((asker, host))
            {
                let message =
                    format!("`{asker}` looks for `{host}`, and the two are in no network together");
                found.push(place::at(
                    compose,
                    format!("/services/{asker}/networks"),
                    message,
                    "give both the same entry of `networks`",
                ));
            } else if host == GATEWAY
                && let Some((compose, container)) = named.get(asker)
                && !told(container)
                && told_of.insert(asker)
            {
                let message =
                    format!("`{asker}` looks for {GATEWAY}, which Docker on Linux does not know");
                let help = format!("add `{GATEWAY}:host-gateway` to its `extra_hosts`");
                found.push(place::at(
                    compose,
                    format!("/services/{asker}"),
                    message,
                    help,
                ));
            }
        }
        found
    }),
};

/// File, pointer, address, and the container that looks it up.
fn addresses<'a>(stack: &Stack<'a>) -> Vec<(&'a str, String, &'a str, &'static str)> {
    let mut all = Vec::new();
    for config in stack.files.prometheus() {
        let lists = [
            ("/scrape_configs", &config.value["scrape_configs"]),
            (
                "/alerting/alertmanagers",
                &config.value["alerting"]["alertmanagers"],
            ),
        ];
        for (pointer, list) in lists {
            for (index, entry) in list.items().enumerate() {
                let groups = entry["static_configs"].items();
                let targets = groups
                    .flat_map(|group| group["targets"].items())
                    .filter_map(Value::as_str);
                // Where an exporter is asked instead of the targets, it looks the targets up, and Prometheus the exporter.
                let exporter = entry["relabel_configs"]
                    .items()
                    .find(|rule| rule["target_label"] == "__address__");
                let exporter = exporter.and_then(|rule| rule["replacement"].as_str());
                let asker = if exporter.is_some() {
                    "blackbox-exporter"
                } else {
                    "prometheus"
                };
                all.extend(targets.map(|target| {
                    (
                        config.path.as_str(),
                        format!("{pointer}/{index}"),
                        target,
                        asker,
                    )
                }));
                all.extend(exporter.map(|exporter| {
                    (
                        config.path.as_str(),
                        format!("{pointer}/{index}"),
                        exporter,
                        "prometheus",
                    )
                }));
            }
        }
    }
    if let Some(routing) = stack.files.alertmanager() {
        for (index, receiver) in routing.value["receivers"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let webhooks = receiver["webhook_configs"]
                .items()
                .filter_map(|webhook| webhook["url"].as_str());
            all.extend(webhooks.map(|url| {
                (
                    routing.path.as_str(),
                    format!("/receivers/{index}"),
                    url,
                    "alertmanager",
                )
            }));
        }
    }
    all.extend(stack.files.datasources().map(|(file, pointer, source)| {
        let url = source["url"].as_str().unwrap_or_default();
        (file.path.as_str(), format!("{pointer}/url"), url, "grafana")
    }));
    all
}

/// Whether two containers are in a network together: a name is known only there. Without `networks`, a container is in the
/// one called `default`.
fn meet(one: &Value, other: &Value) -> bool {
    let networks = |container: &Value| -> Vec<String> {
        match &container["networks"] {
            Value::Array(list) => list
                .iter()
                .filter_map(|name| name.as_str().map(str::to_string))
                .collect(),
            Value::Object(map) => map.keys().cloned().collect(),
            _ => vec!["default".to_string()],
        }
    };
    let known = networks(other);
    networks(one).iter().any(|name| known.contains(name))
}

fn told(container: &Value) -> bool {
    match &container["extra_hosts"] {
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .any(|host| host.split([':', '=']).next() == Some(GATEWAY)),
        hosts => hosts.get(GATEWAY).is_some(),
    }
}
