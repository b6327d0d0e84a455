//! What own jobs ask, once their targets are relabeled: the address that Prometheus connects to, and the labels that come of it.

use super::scrape::JOBS;
use super::{Merged, Own, OwnFile, Sort};
use crate::catalog::Catalog;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::diagnostic::Diagnostic;
use crate::overlay::glob;
use crate::value::Value;
use std::collections::{BTreeSet, HashMap};

/// Labels that Prometheus or the rule of an alert writes over.
pub(super) const OF_ALERTS: [&str; 3] = ["alertname", "alertstate", "severity"];

/// Ports of the servers beside the services.
const SERVERS: [(u64, &str); 3] = [
    (9090, "Prometheus"),
    (9093, "the Alertmanager"),
    (3000, "Grafana"),
];

/// One target as it is written.
struct Written<'a> {
    file: &'a OwnFile,
    pointer: String,
    address: &'a str,
    labels: &'a Value,
}

pub(super) fn flaws(own: &Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let jobs = own.parts.iter().filter(|part| part.list == JOBS);
    for part in jobs {
        let file = &own.files[part.file];
        found.extend(of_rules(file, part));
        found.extend(of_targets(own, part, catalog));
    }
    found
}

/// Rules that write a group of a pattern which has none.
fn of_rules(file: &OwnFile, part: &Merged) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for key in ["relabel_configs", "metric_relabel_configs"] {
        for (index, written) in part.value[key].items().enumerate() {
            let Ok(rule) = Rule::one(written) else {
                continue;
            };
            if let Some(group) = rule.missing_group() {
                let pointer = format!("{}/{key}/{index}/replacement", part.pointer);
                let message = format!(
                    "`{}` has no group for {group}: nothing is written in its place",
                    rule.pattern
                );
                found.push(file.error(
                    &pointer,
                    message,
                    "put what it stands for in brackets, or ask for a group that is there",
                ));
            }
        }
    }
    found
}

fn of_targets(own: &Own, part: &Merged, catalog: &Catalog) -> Vec<Diagnostic> {
    let job = &part.value;
    let name = job["job_name"].as_str().unwrap_or_default();
    let written = written(own, part);
    let mut found = Vec::new();
    let mut groups = BTreeSet::new();
    for target in &written {
        for label in OF_ALERTS {
            let group = target.pointer.split("/targets/").next().unwrap_or_default();
            if target.labels.get(label).is_none() || !groups.insert((group.to_string(), label)) {
                continue;
            }
            let message = format!(
                "targets of `{name}` have the label `{label}`, which alerts have of their own"
            );
            let pointer = format!("{group}/labels/{label}");
            found.push(target.file.error(&pointer, message, "give it another name"));
        }
    }
    let Ok(rules) = Rule::read(&job["relabel_configs"]) else {
        return found;
    };
    let said = catalog.extra.jobs.get(name);
    let said = said.iter().flat_map(|own| &own.profiles);
    let profiles: Vec<&str> = said.map(String::as_str).collect();
    let ports = Ports::of(catalog, &profiles);
    let mut known: HashMap<Labels, &Written> = HashMap::new();
    let mut told = BTreeSet::new();
    for target in &written {
        let Relabeled::Kept(labels) = relabeled(&rules, before(job, target)) else {
            continue;
        };
        let address = labels.get("__address__").map_or("", String::as_str);
        let error = |message: String, help: &str| target.file.error(&target.pointer, message, help);
        match port(address) {
            None if port(target.address).is_some() => {
                // Once for all that the rules do it to.
                if told.insert("relabeled") {
                    let message = format!(
                        "`{}` becomes `{address}` behind relabel_configs: Prometheus asks its port 80, or 443",
                        target.address
                    );
                    found.push(error(message, "let __address__ keep its port"));
                }
            }
            None => {
                if let Some((port, profile)) = ports.own.first() {
                    let message = format!(
                        "`{address}` has no port: Prometheus asks port 80, or 443, and {profile} listens on {port}"
                    );
                    found.push(error(message, "write host:port"));
                }
            }
            Some(port) => {
                if let Some(other) = ports.of_another(port) {
                    let message = format!(
                        "`{address}` is the port of {other}, and `{name}` is {}",
                        ports.words()
                    );
                    found.push(error(message, "write the port of the exporter, or in [extra.jobs] the profile of what listens there"));
                }
            }
        }
        if let Some(first) = known.insert(labels, target) {
            let message = format!(
                "`{}` is listed twice in the targets of `{name}`",
                target.address
            );
            let place = first.file.place(&first.pointer);
            found.push(
                error(message, "write the one that is meant, or remove it")
                    .also(place, "it is here first"),
            );
        }
    }
    found
}

/// Every target of a job that stands in a file of the user's own.
fn written<'a>(own: &'a Own, part: &'a Merged) -> Vec<Written<'a>> {
    let mut found = Vec::new();
    let file = &own.files[part.file];
    let mut take = |file: &'a OwnFile, at: String, group: &'a Value| {
        for (index, address) in group["targets"].texts().enumerate() {
            found.push(Written {
                file,
                pointer: format!("{at}/targets/{index}"),
                address,
                labels: &group["labels"],
            });
        }
    };
    for (index, group) in part.value["static_configs"].items().enumerate() {
        take(
            file,
            format!("{}/static_configs/{index}", part.pointer),
            group,
        );
    }
    let lists = part.value["file_sd_configs"].items();
    let mut read = BTreeSet::new();
    for pattern in lists.flat_map(|list| list["files"].texts()) {
        let Some(pattern) = pattern.strip_prefix("extra/") else {
            continue;
        };
        for (at, file) in own.of(Sort::Targets) {
            if glob(pattern, &file.source) && read.insert(at) {
                for (index, group) in file.value.items().enumerate() {
                    take(file, format!("/{index}"), group);
                }
            }
        }
    }
    found
}

/// The labels of a target before its rules are run.
fn before(job: &Value, target: &Written) -> Labels {
    let text = |key: &str, default: &str| job[key].as_str().unwrap_or(default).to_string();
    let mut labels = Labels::from([
        ("job".to_string(), text("job_name", "")),
        ("__scheme__".to_string(), text("scheme", "http")),
        (
            "__metrics_path__".to_string(),
            text("metrics_path", "/metrics"),
        ),
        ("__address__".to_string(), target.address.to_string()),
    ]);
    let own = target.labels.entries();
    labels.extend(
        own.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string()))),
    );
    labels
}

/// The port of host:port.
pub(super) fn port(address: &str) -> Option<u64> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// Where programs listen unless they are told otherwise.
pub(super) struct Ports<'a> {
    /// Of the profiles of the job,
    own: Vec<(u64, &'a str)>,
    /// and of others.
    others: Vec<(u64, &'a str)>,
}

impl<'a> Ports<'a> {
    pub(super) fn of(catalog: &'a Catalog, profiles: &[&'a str]) -> Ports<'a> {
        let listens = |name: &'a str| -> Option<(u64, &'a str)> {
            let exporter = catalog.profiles.get(name)?.exporter.as_ref()?;
            Some((exporter.port.into(), name))
        };
        let own: Option<Vec<_>> = profiles.iter().map(|name| listens(name)).collect();
        let names = catalog.profiles.names().into_iter();
        Ports {
            // One whose port nobody knows may listen anywhere.
            own: own.unwrap_or_default(),
            others: names.filter_map(listens).chain(SERVERS).collect(),
        }
    }

    /// Whose port it is, where that is not one of the job's own.
    pub(super) fn of_another(&self, port: u64) -> Option<&str> {
        if self.own.is_empty() || self.own.iter().any(|(own, _)| *own == port) {
            return None;
        }
        let other = self.others.iter().find(|(other, _)| *other == port);
        other.map(|(_, name)| *name)
    }

    pub(super) fn words(&self) -> String {
        let all: Vec<String> = self
            .own
            .iter()
            .map(|(port, name)| format!("{name}, which listens on {port}"))
            .collect();
        all.join(" and ")
    }
}
