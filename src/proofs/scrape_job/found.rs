//! Targets that only Prometheus finds: some are made up as its discovery gives them, and relabeled as it will do it.

use crate::catalog::Service;
use crate::catalog::discovery::Patterns;
use crate::contract::domain::{Domain, of_all};
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::contract::targets::before_relabeling;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use std::collections::{BTreeSet, HashMap};

/// How a host is found: as a name, as an address of either version.
const HOSTS: [&str; 4] = ["10.1.2.3", "10.1.2.4", "one.example", "2001:db8::1"];

/// At a port that the catalog does not say.
const OTHER_PORT: u16 = 7007;

/// One that its discovery finds, and what shall become of it.
struct Found {
    labels: Labels,
    /// As a person would call it.
    named: String,
    /// None: `keep` or `drop` leaves it out.
    wanted: Option<Wanted>,
}

struct Wanted {
    /// What is asked,
    address: String,
    /// for whom, through an exporter.
    target: Option<String>,
    labels: Labels,
}

/// What becomes of the targets that are found for a service otherwise than the catalog says; of each service once.
pub(super) fn otherwise_taken(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let services = stack.catalog.services.iter();
    let discovered = services.filter(|service| service.discovered());
    let discovered: HashMap<&str, &Service> = discovered
        .map(|service| (service.name.as_str(), service))
        .collect();
    let mut found = Vec::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let Some(service) = discovered.get(job["job_name"].as_str().unwrap_or_default()) else {
            continue;
        };
        let looked_up = job.entries().any(|(key, _)| key.ends_with("_sd_configs"));
        let Some(rules) = Rule::read(&job["relabel_configs"])
            .ok()
            .filter(|_| looked_up)
        else {
            continue;
        };
        let mut base = before_relabeling(&config.value, job);
        // All the addresses of a name have the name that was looked up.
        let mut names = job["dns_sd_configs"].items();
        let looked_up = names.find_map(|lookup| lookup["names"].texts().next());
        base.extend(looked_up.map(|name| ("__meta_dns_name".to_string(), name.to_string())));
        if let Some((message, help)) = wrong(service, &base, rules) {
            let pointer = match job.get("relabel_configs") {
                Some(_) => format!("/scrape_configs/{index}/relabel_configs"),
                None => format!("/scrape_configs/{index}"),
            };
            found.push(place::at(&config.path, pointer, message, help));
        }
    }
    found
}

fn wrong(service: &Service, base: &Labels, mut rules: Vec<Rule>) -> Option<(String, &'static str)> {
    let name = &service.name;
    let said = service.discovery.as_ref();
    let known: BTreeSet<&String> = said
        .iter()
        .flat_map(|said| {
            said.keep
                .keys()
                .chain(said.drop.keys())
                .chain(said.labels.values())
                .chain(&said.address)
        })
        .collect();
    // What a template keeps or drops by anything else that is found is meant, and nobody knows what that is.
    rules.retain(|rule| {
        !rule.keeps_discovered() || rule.sources.iter().all(|source| known.contains(source))
    });
    // The labels of each → what it is called, and whom it is scraped for.
    let mut taken: HashMap<Labels, (String, String)> = HashMap::new();
    for one in found_by(service) {
        let mut labels = base.clone();
        labels.extend(one.labels.clone());
        let named = &one.named;
        let (mut kept, wanted) = match (relabeled(&rules, labels), one.wanted) {
            (Relabeled::Dropped, None) => continue,
            (Relabeled::Dropped, Some(_)) => {
                return Some((
                    format!("`{named}` is found for `{name}`, and is dropped"),
                    "let the rules keep what the catalog says",
                ));
            }
            (Relabeled::Kept(_), None) => {
                return Some((
                    format!(
                        "`{named}` is found for `{name}`, and is scraped: the catalog leaves it out"
                    ),
                    "render a rule for each label of `keep`, and of `drop`",
                ));
            }
            (Relabeled::Kept(kept), Some(wanted)) => (kept, wanted),
        };
        let address = kept.remove("__address__").unwrap_or_default();
        let asked_for = kept.remove("__param_target");
        let from_catalog = "render the rules from the catalog";
        if address != wanted.address {
            return Some((
                format!(
                    "`{named}` is found for `{name}`, and is asked at `{address}`: the catalog says `{}`",
                    wanted.address
                ),
                from_catalog,
            ));
        }
        let scraped = wanted.target.clone().unwrap_or(address.clone());
        if let Some(target) = wanted.target
            && asked_for.as_ref() != Some(&target)
        {
            let asked_for = asked_for.unwrap_or("nobody".to_string());
            return Some((
                format!(
                    "`{named}` is found for `{name}`, and the exporter is asked for `{asked_for}`"
                ),
                from_catalog,
            ));
        }
        for (label, said) in &wanted.labels {
            let own = kept.get(label).map_or("nothing", String::as_str);
            if own != said {
                return Some((
                    format!(
                        "`{named}` is found for `{name}`, and its {label} is `{own}`: the catalog says `{said}`"
                    ),
                    from_catalog,
                ));
            }
        }
        for (key, setting) in [
            ("__scheme__", &service.scheme),
            ("__metrics_path__", &service.path),
        ] {
            let own = &kept[key];
            if own != setting {
                return Some((
                    format!(
                        "`{named}` is found for `{name}`, and is asked with `{own}`: the catalog says `{setting}`"
                    ),
                    from_catalog,
                ));
            }
        }
        kept.retain(|label, _| !label.starts_with("__"));
        kept.entry("instance".to_string()).or_insert(address);
        let one = (named.clone(), scraped.clone());
        if let Some((other, _)) = taken
            .insert(kept, one)
            .filter(|(_, other)| *other != scraped)
        {
            return Some((
                format!(
                    "`{other}` and `{named}` are found for `{name}`, and get the same labels: their samples are one series, and most of them are dropped"
                ),
                "leave `instance` to Prometheus, or give each a label of its own",
            ));
        }
    }
    None
}

/// What the discovery of a service may find: hosts of every kind, as `keep` takes them, and one for each way to be left out.
fn found_by(service: &Service) -> Vec<Found> {
    let said = service.discovery.as_ref();
    let keep: Vec<(&String, &Patterns)> = said.iter().flat_map(|said| &said.keep).collect();
    let drops = || {
        let all = said.iter().flat_map(|said| &said.drop);
        all.flat_map(|(label, patterns)| patterns.0.iter().map(move |pattern| (label, pattern)))
    };
    // A person reads it, where there is one that a person can.
    let example = |pattern: &str, matching: bool| {
        let values = ["[a-z0-9./_-]+", ".+"].map(|values| Domain::Pattern(values.to_string()));
        values
            .iter()
            .find_map(|values| values.example(pattern, matching))
    };
    let mut kept = Labels::new();
    for (label, patterns) in &keep {
        let value = match patterns.0.as_slice() {
            [pattern] => example(pattern, true),
            patterns => of_all(patterns),
        };
        kept.extend(value.map(|value| (label.to_string(), value)));
    }
    for (label, pattern) in drops() {
        if let Some(other) = example(pattern, false) {
            kept.entry(label.clone()).or_insert(other);
        }
    }
    let mut all: Vec<Found> = Vec::new();
    let hosts = HOSTS.into_iter().enumerate();
    for (at, host, port) in hosts.flat_map(|(at, host)| [(at, host, true), (at, host, false)]) {
        let mut labels = kept.clone();
        for found in said.iter().flat_map(|said| said.labels.values()) {
            let own = format!("{}-{}", service.name, at + 1);
            labels.entry(found.clone()).or_insert(own);
        }
        let Some((address, asked)) = asked_at(service, host, port) else {
            continue;
        };
        let by_label = said.and_then(|said| said.address.as_ref());
        if let Some(label) = by_label {
            labels.insert(label.clone(), address.clone());
        }
        let first = match by_label {
            Some(_) => format!("10.9.9.9:{OTHER_PORT}"),
            None => address.clone(),
        };
        labels.insert("__address__".to_string(), first);
        let exporter = service.exporter_address.as_ref();
        let target = exporter.map(|_| asked.clone());
        let mut wanted = Labels::from([
            ("job".to_string(), service.name.clone()),
            ("service".to_string(), service.name.clone()),
            ("component".to_string(), service.group.clone()),
        ]);
        wanted.extend(
            target
                .iter()
                .map(|target| ("instance".to_string(), target.clone())),
        );
        wanted.extend(service.labels.clone());
        for (label, found) in said.iter().flat_map(|said| &said.labels) {
            wanted.extend(
                labels
                    .get(found)
                    .map(|value| (label.clone(), value.clone())),
            );
        }
        let takes = keep
            .iter()
            .all(|(label, values)| holds(values, labels.get(*label).map_or("", String::as_str)))
            && drops().all(|(label, pattern)| {
                let value = labels.get(label).map_or("", String::as_str);
                !Domain::Pattern(pattern.clone()).holds(value)
            });
        let wanted = takes.then(|| Wanted {
            address: exporter.cloned().unwrap_or(asked),
            target,
            labels: wanted,
        });
        all.push(Found {
            labels,
            named: address,
            wanted,
        });
    }
    let Some(first) = all.first().map(|first| first.labels.clone()) else {
        return all;
    };
    for (label, values) in &keep {
        // What begins, or ends, as it should is near enough for a rule that is written wrong.
        let value = first.get(*label);
        let near = value.map(|value| [format!("{value}x"), format!("x{value}")]);
        // What fits all but one of several is kept where that one is left out.
        let all_but = values.0.iter().flat_map(|pattern| {
            let others = values.0.iter().filter(move |other| *other != pattern);
            others.filter_map(|other| Domain::Pattern(other.clone()).example(pattern, false))
        });
        let unlike = values
            .0
            .iter()
            .filter_map(|pattern| example(pattern, false));
        let others = unlike
            .chain([String::new()])
            .chain(near.into_iter().flatten())
            .chain(all_but);
        for value in others.filter(|value| !holds(values, value)) {
            let mut labels = first.clone();
            let named = match value.is_empty() {
                true => format!("{} without {label}", labels["__address__"]),
                false => format!("{} with {label}=\"{value}\"", labels["__address__"]),
            };
            match value.is_empty() {
                true => drop(labels.remove(*label)),
                false => drop(labels.insert(label.to_string(), value)),
            }
            all.push(Found {
                labels,
                named,
                wanted: None,
            });
        }
    }
    for (label, pattern) in drops() {
        if let Some(value) = example(pattern, true) {
            let mut labels = first.clone();
            let named = format!("{} with {label}=\"{value}\"", labels["__address__"]);
            labels.insert(label.clone(), value);
            all.push(Found {
                labels,
                named,
                wanted: None,
            });
        }
    }
    all
}

fn holds(patterns: &Patterns, value: &str) -> bool {
    let mut patterns = patterns.0.iter();
    patterns.all(|pattern| Domain::Pattern(pattern.clone()).holds(value))
}

/// What is found of a host, at a port or at none, and at what it is asked; None: its discovery gives no such address.
fn asked_at(service: &Service, host: &str, port: bool) -> Option<(String, String)> {
    let in_url = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_string(),
    };
    let found = match port {
        true => format!("{in_url}:{OTHER_PORT}"),
        false => in_url.clone(),
    };
    let by_label = service
        .discovery
        .as_ref()
        .is_some_and(|said| said.address.is_some());
    let said = service.found.as_ref().map(|found| &found["port"]);
    let said = said.filter(|port| port.is_number()).map(plain);
    match said {
        // The label has a host alone, and Prometheus is not asked through an exporter for a port of it.
        Some(said) if by_label => (!port && service.exporter_address.is_none())
            .then(|| (host.to_string(), format!("{in_url}:{said}"))),
        Some(said) if service.exporter_address.is_none() => {
            Some((found, format!("{in_url}:{said}")))
        }
        // What DNS finds has the port of its records.
        _ if by_label || port || service.exporter_address.is_some() => Some((found.clone(), found)),
        _ => None,
    }
}
