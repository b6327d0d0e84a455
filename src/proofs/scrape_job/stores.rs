//! Other stores that samples are written to (`remote_write`): each as the catalog says, and with all that it is to have.

use super::connection::{connects_as_said, encryption_and_login};
use super::promised::Promised;
use crate::catalog::{Duration, Kept};
use crate::contract::domain::Domain;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::network::loopback;
use crate::stack::containers::parts;
use crate::value::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// A store that is started anew, or a network that is away, lets samples wait for longer than this.
const PATIENT: Duration = Duration(10 * 60_000);

/// A store of the catalog that is not written to as the catalog says.
pub(super) fn otherwise_than_said(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let contained = stack.catalog.prometheus.runs_on == "compose";
    let up = format!("../{}/", stack.catalog.platform.root);
    let reads = (contained, up.as_str());
    let mut found = Vec::new();
    for said in &stack.catalog.prometheus.remote_write {
        let mut stores = config.value["remote_write"].items().enumerate();
        let store = stores.find(|(_, store)| store["url"] == said.url.as_str());
        let Some((index, store)) = store else {
            found.push(place::at(
                &config.path,
                "/remote_write",
                format!(
                    "nothing is written to {}, which the catalog names",
                    said.url
                ),
                "render it from `[prometheus]`",
            ));
            continue;
        };
        let queue = "/queue_config/sample_age_limit";
        let oldest = store.pointer(queue).and_then(Value::as_str);
        if let Some(oldest) = oldest
            .and_then(Duration::parse)
            .filter(|age| age.0 > 0 && *age < PATIENT)
        {
            found.push(place::at(
                &config.path,
                format!("/remote_write/{index}{queue}"),
                format!(
                    "samples older than {oldest} are not written to {}: whatever waits for the store is lost",
                    said.url
                ),
                "leave it out, or let it be hours: so long may the store be away",
            ));
        }
        let settings = encryption_and_login(said.tls.as_ref(), said.auth.as_ref(), reads);
        for (key, wanted) in &settings {
            let written = store.get(key).unwrap_or(&Value::Null);
            if !connects_as_said(written, wanted) {
                found.push(place::at(
                    &config.path,
                    format!("/remote_write/{index}"),
                    format!(
                        "samples are written to {} with {key} `{}`, the catalog says `{}`",
                        said.url,
                        plain(written),
                        plain(wanted)
                    ),
                    "render it from the catalog: the store refuses what does not log in",
                ));
            }
        }
    }
    found
}

/// A store that is the Prometheus which writes to it.
pub(super) fn to_itself(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, store) in config.value["remote_write"].items().enumerate() {
        let url = store["url"].as_str().unwrap_or_default();
        let Some((host, port, _)) = parts(url) else {
            continue;
        };
        let mut readers = stack.containers.readers(&config.path);
        let itself = readers.any(|container| {
            let listens = container.listens().unwrap_or_default();
            let called = host == container.name || loopback(&host);
            called && listens.iter().any(|one| one.port == port)
        });
        if itself {
            found.push(place::at(
                &config.path,
                format!("/remote_write/{index}/url"),
                format!("samples are written to {url}, which is this Prometheus"),
                "write the address of the other store, or take it away",
            ));
        }
    }
    found
}

/// What rules on the way to another store take from what it is to have, or make of it. Series of one name whose labels become
/// the same are one series there, with the samples of each in turn.
pub(super) fn lost_on_the_way(
    stack: &Stack,
    config: &File,
    promised: &Promised,
) -> Vec<Diagnostic> {
    /// The most targets whose series are looked at, for each name.
    const MOST: usize = 200;
    let mut found = Vec::new();
    let outside: Labels = config.value["global"]["external_labels"]
        .entries()
        .map(|(label, value)| (label.clone(), plain(value)))
        .collect();
    for (index, store) in config.value["remote_write"].items().enumerate() {
        let pointer = format!("/remote_write/{index}/write_relabel_configs");
        let rules = match Rule::read(&store["write_relabel_configs"]) {
            Ok(rules) if rules.is_empty() => continue,
            Ok(rules) => rules,
            // Every server of several may write its part.
            Err(_) => continue,
        };
        // What a store that the catalog does not name is to have, only its owner knows.
        let mut named = stack.catalog.prometheus.remote_write.iter();
        let promises = named.any(|said| store["url"] == said.url.as_str());
        let recorded = stack.files.rules();
        let recorded = recorded.filter_map(|(_, _, rule)| rule["record"].as_str());
        let wanted = promised.names().iter();
        let wanted: BTreeSet<&str> = wanted
            .map(String::as_str)
            .chain(recorded)
            .chain(["up"])
            .chain(alerts_of(stack, store))
            .collect();
        'names: for name in wanted {
            let mut after: HashMap<Labels, String> = HashMap::new();
            for series in stack.contract.family(name) {
                let own = series.labels.iter().map(|(label, domain)| {
                    let value = match domain {
                        Domain::Values(values) => values.first().cloned(),
                        Domain::Pattern(_) => domain.example(".+", true),
                    };
                    (label.clone(), value.unwrap_or_default())
                });
                let mut own: Labels = own.collect();
                own.insert("__name__".to_string(), name.to_string());
                let mut targets: Vec<Option<&Target>> = series
                    .targets
                    .ones()
                    .take(MOST)
                    .map(|target| Some(&stack.contract.targets.list[target]))
                    .collect();
                if targets.is_empty() {
                    targets.push(None);
                }
                for target in targets {
                    let mut labels = outside.clone();
                    for (label, value) in target.into_iter().flat_map(|it| series.labels_of(it)) {
                        labels.insert(label.to_string(), value.to_string());
                    }
                    labels.extend(own.clone());
                    let whose = labels.get("job").cloned().unwrap_or_default();
                    let of = match whose.is_empty() {
                        true => String::new(),
                        false => format!(" of `{whose}`"),
                    };
                    let before = json!(labels).to_string();
                    let was = labels.clone();
                    let message = match relabeled(&rules, labels) {
                        Relabeled::Dropped if !promises => continue,
                        Relabeled::Dropped => {
                            format!("`{name}`{of} is not written to {}", plain(&store["url"]))
                        }
                        Relabeled::Kept(labels)
                            if let Some(label) = outside.keys().find(|label| {
                                !tells_replicas(label) && labels.get(*label) != was.get(*label)
                            }) =>
                        {
                            let store = plain(&store["url"]);
                            format!("`{name}`{of} is written to {store} without its `{label}`")
                        }
                        Relabeled::Kept(labels) => match after.insert(labels, before.clone()) {
                            Some(other) if other != before => format!(
                                "`{name}`{of} is one series with another of that name once it is written to {}",
                                plain(&store["url"])
                            ),
                            _ => continue,
                        },
                    };
                    found.push(place::at(
                        &config.path,
                        &pointer,
                        message,
                        "let the rules keep what the catalog declares and what rules and dashboards read, with its labels",
                    ));
                    break 'names;
                }
            }
        }
    }
    found
}

/// What Prometheus writes of alerts, for a store that is to have whatever the catalog is about.
fn alerts_of<'n>(stack: &Stack, store: &Value) -> Vec<&'n str> {
    let mut stores = stack.catalog.prometheus.remote_write.iter();
    let said = stores.find(|said| store["url"] == said.url.as_str());
    let kept = said.is_some_and(|said| said.keep == Kept::Catalog);
    match kept {
        true => vec!["ALERTS", "ALERTS_FOR_STATE"],
        false => Vec::new(),
    }
}

/// Whether a label tells a pair of Prometheus servers apart: what is the same of both is sent without it.
pub(in crate::proofs) fn tells_replicas(label: &str) -> bool {
    label.contains("replica")
}
