//! Services that come, go, move or change their name, and what is scraped of them.

use super::Class::{self, Dangerous, Notice, Safe, Warning};
use super::{At, Comparison, listed, plural, weight};
use crate::catalog::access::Instance;
use crate::catalog::{Service, origin as origin_of};
use crate::source::Source;
use crate::value::{Value, to_value};
use std::collections::BTreeMap;

/// Every change of the services.
pub(crate) fn inspect(comparison: &mut Comparison) {
    for service in comparison.services.gone.clone() {
        let alerts = comparison
            .before
            .catalog
            .alerts
            .iter()
            .filter(|alert| alert.covers.contains(&service.name))
            .count();
        let watched = if alerts == 0 {
            String::new()
        } else {
            format!("; {} covered it", plural(alerts, "alert"))
        };
        let message = format!(
            "service {} is removed: no one is notified about {} any more{watched}",
            service.name,
            service.addresses()
        );
        comparison.say(Dangerous, message, At::Before(key(service)));
    }
    for service in comparison.services.new.clone() {
        let alerts = comparison
            .after
            .catalog
            .alerts
            .iter()
            .filter(|alert| alert.covers.contains(&service.name))
            .count();
        let covered = if alerts == 0 {
            "no alert covers it".to_string()
        } else {
            format!("{} it", covers(alerts))
        };
        let message = format!(
            "service {} is new in {}, scraped at {}: {covered}",
            service.name,
            service.group,
            target(service)
        );
        comparison.say(
            if alerts == 0 { Notice } else { Safe },
            message,
            At::After(key(service)),
        );
    }
    for (old, new) in comparison.services.both.clone() {
        if old.name != new.name {
            let message = format!(
                "service {} is now called {}: its labels `job` and `service` change, so silences, links and history by the old name end, and alerts that fire start again",
                old.name, new.name
            );
            comparison.say(Dangerous, message, At::After(key(new)));
        }
        address(comparison, old, new);
        probe(comparison, old, new);
        settings(comparison, old, new);
    }
    groups(comparison);
}

fn covers(alerts: usize) -> String {
    format!(
        "{} {}",
        plural(alerts, "alert"),
        if alerts == 1 { "covers" } else { "cover" }
    )
}

fn key(service: &Service) -> String {
    format!("/services/{}", service.name)
}

fn target(service: &Service) -> String {
    if service.discovery.is_some() || service.through.is_some() {
        return service.addresses();
    }
    let instances = service.instances.iter();
    let scraped = instances.map(|one| format!("{}{}", one.address, service.metrics_path));
    scraped.collect::<Vec<_>>().join(", ")
}

/// The key that set a setting; where a default took its place, the key that set it before.
fn origin(comparison: &Comparison, old: &Service, new: &Service, setting: &str) -> At {
    let now = origin_of(comparison.after.source, new, setting).map(At::After);
    now.or_else(|| origin_of(comparison.before.source, old, setting).map(At::Before))
        .unwrap_or_else(|| At::After(key(new)))
}

/// Where Prometheus reaches it, and the group that is its label `component`.
fn address(comparison: &mut Comparison, old: &Service, new: &Service) {
    let container = |service: &Service| service.runs_on == "compose" && !service.foreign;
    let ports = |service: &Service| {
        let ports = service.instances.iter().flat_map(Instance::ports);
        ports.collect::<Vec<_>>()
    };
    let renamed = container(old) && container(new) && ports(old) == ports(new);
    let places = |service: &Service| {
        if service.discovery.is_some() {
            return vec![(service.addresses(), String::new())];
        }
        let all = service.instances.iter();
        all.map(|one| (format!("{} {}", one.address, one.asked), one.health.clone()))
            .collect::<Vec<_>>()
    };
    if places(old) == places(new) {
        of_each(comparison, old, new);
    }
    if places(old) != places(new) && !renamed {
        let setting = match () {
            () if old.discovery != new.discovery => "discovery",
            () if old.through != new.through => "through",
            () if old.targets != new.targets => "targets",
            () if old.metrics_port != new.metrics_port => "metrics_port",
            () if old.port == new.port => "runs_on",
            () => "port",
        };
        let at = origin(comparison, old, new, setting);
        let rest = format!(
            ": {} instead of {}; the label `instance` changes with it",
            new.addresses(),
            old.addresses()
        );
        // An instance that is asked no longer is one that nobody hears of.
        let known = old.discovery.is_none() && new.discovery.is_none();
        let fewer = known && new.instances.len() < old.instances.len();
        let lost = fewer || new.replicas < old.replicas;
        let class = if lost { Dangerous } else { Warning };
        comparison.say_of(class, "the address of ", &new.name, rest, at);
    }
    if old.group != new.group {
        let at = origin(comparison, old, new, "group");
        let rest = format!(
            ": {} instead of {}; silences and links by the label `component` end",
            new.group, old.group
        );
        comparison.say_of(Dangerous, "the group of ", &new.name, rest, at);
    }
}

/// Labels of single targets; those of all of them are a setting of the service.
fn of_each(comparison: &mut Comparison, old: &Service, new: &Service) {
    let own = |labels: &BTreeMap<String, String>, shared: &BTreeMap<String, String>| {
        let own = labels
            .iter()
            .filter(|(label, value)| shared.get(*label) != Some(*value));
        let own = own.map(|(label, value)| format!("{label}={value}"));
        own.collect::<Vec<_>>().join(", ")
    };
    if old.discovery.is_some() || new.discovery.is_some() {
        return;
    }
    for (was, is) in old.instances.iter().zip(&new.instances) {
        let (before, after) = (own(&was.labels, &old.labels), own(&is.labels, &new.labels));
        if before == after {
            continue;
        }
        let said = |labels: String| match labels.is_empty() {
            true => "none".to_string(),
            false => labels,
        };
        let rest = format!(
            ": at {} {} instead of {}; silences and links by them end",
            is.address,
            said(after),
            said(before)
        );
        let at = origin(comparison, old, new, "targets");
        let lead = "the labels of a target of ";
        comparison.say_of(Warning, lead, &new.name, rest, at);
    }
}

/// A service that answers scrapes and fails its own health check is reported only while it is probed.
fn probe(comparison: &mut Comparison, old: &Service, new: &Service) {
    if old.health_probe == new.health_probe {
        return;
    }
    let at = origin(comparison, old, new, "health_probe");
    match new.health_probe {
        true => comparison.say_of(
            Safe,
            "health is now probed for ",
            &new.name,
            format!(", at {}", new.health_path),
            at,
        ),
        false => comparison.say_of(
            Dangerous,
            "health is no longer probed for ",
            &new.name,
            ": only a failing scrape says that it is down".to_string(),
            at,
        ),
    }
}

/// Each setting, and what it is to the reader. A different address has been reported already.
const SETTINGS: [(&str, &str); 35] = [
    ("scrape_interval", "the scrape interval of "),
    ("scrape_timeout", "the scrape timeout of "),
    ("scheme", "the scheme of "),
    ("metrics_path", "the metrics path of "),
    ("health_path", "the health path of "),
    (
        "runtime",
        "the runtime, which decides the process metrics, of ",
    ),
    ("profiles", "what else is exposed by "),
    ("memory_limit", "what 100 % of memory means for "),
    ("cpu_limit", "what 100 % of CPU means for "),
    ("app", "what uvicorn runs for "),
    ("build", "whether the Dockerfile has a stage for "),
    ("image", "the image of "),
    ("environment", "the environment of "),
    ("command", "what the container is started with of "),
    ("volumes", "what the container sees of its machine of "),
    ("capabilities", "the capabilities of the container of "),
    ("networks", "the networks that are there already, of "),
    ("network_mode", "the network of the container of "),
    ("pid", "whose processes are seen by the container of "),
    (
        "privileged",
        "whether everything is allowed to the container of ",
    ),
    ("devices", "the devices of the container of "),
    ("user", "as whom the program runs of "),
    ("env_file", "the files of variables of "),
    ("depends_on", "what is started before "),
    ("extra_ports", "what else is published of "),
    ("container_labels", "the labels of the container of "),
    ("replicas", "the number of containers of "),
    (
        "found",
        "which of what is found are instances, and with which labels, of ",
    ),
    ("params", "what is asked with each scrape of "),
    ("tls", "how the certificate is checked of "),
    ("auth", "the login for scrapes of "),
    ("labels", "the own labels of the targets of "),
    ("honor_labels", "whether its own labels win of "),
    ("proxy_url", "the proxy for scrapes of "),
    ("sample_limit", "the limit of samples in a scrape of "),
];

fn settings(comparison: &mut Comparison, old: &Service, new: &Service) {
    // Nearly all of them are as they were.
    if old == new {
        return;
    }
    let (before, after) = (
        to_value(old).unwrap_or_default(),
        to_value(new).unwrap_or_default(),
    );
    for (setting, lead) in SETTINGS
        .iter()
        .filter(|(setting, _)| before[setting] != after[setting])
    {
        // A timeout that nobody wrote follows the interval, which is reported already.
        if *setting == "scrape_timeout" && !says_timeout(comparison, old, new) {
            continue;
        }
        // Where that is has been told as an address.
        let changed = old.discovery.is_some() != new.discovery.is_some();
        if *setting == "found" && (changed || keeps(old) == keeps(new)) {
            continue;
        }
        let rest = format!(
            ": {} instead of {}",
            shown(setting, new, &after),
            shown(setting, old, &before)
        );
        let key = match *setting {
            "found" => "discovery",
            other => other,
        };
        let at = origin(comparison, old, new, key);
        comparison.say_of(class(setting, old, new), lead, &new.name, rest, at);
    }
}

/// What else is asked, or asked elsewhere, is a warning; a larger limit has its alerts fire later.
fn class(setting: &str, old: &Service, new: &Service) -> Class {
    match setting {
        "scrape_interval" if new.scrape_interval < old.scrape_interval => Safe,
        "scrape_interval" => weight::longer(old.scrape_interval, new.scrape_interval),
        "memory_limit" => weight::larger(old.memory_limit.0 as f64, new.memory_limit.0 as f64),
        "cpu_limit" => weight::larger(old.cpu_limit, new.cpu_limit),
        "metrics_path" | "health_path" | "runtime" | "profiles" | "scheme" | "params" | "tls"
        | "found" | "auth" | "labels" | "honor_labels" | "proxy_url" | "sample_limit" => Warning,
        // What measures a machine measures its own container then.
        "network_mode" | "pid" => Warning,
        _ => Notice,
    }
}

/// Which of what is found are its instances, and with which labels.
fn keeps(service: &Service) -> String {
    let Some(said) = &service.discovery else {
        return "none is looked for".to_string();
    };
    let keep = said
        .keep
        .iter()
        .flat_map(|(label, all)| all.0.iter().map(move |value| format!("{label}=~{value}")));
    let drop = said
        .drop
        .iter()
        .flat_map(|(label, all)| all.0.iter().map(move |value| format!("{label}!~{value}")));
    let labels = said
        .labels
        .iter()
        .map(|(label, from)| format!("{label} from {from}"));
    let address = said.address.iter();
    let address = address.map(|label| format!("asked at {label}"));
    let all: Vec<String> = keep.chain(drop).chain(labels).chain(address).collect();
    match all.is_empty() {
        true => "all of them".to_string(),
        false => all.join(", "),
    }
}

fn says_timeout(comparison: &Comparison, old: &Service, new: &Service) -> bool {
    let says =
        |source: &Source, service: &Service| origin_of(source, service, "scrape_timeout").is_some();
    says(comparison.before.source, old) || says(comparison.after.source, new)
}

fn shown(setting: &str, service: &Service, values: &Value) -> String {
    match (setting, &values[setting]) {
        ("memory_limit", _) => service.memory_limit.to_string(),
        ("found", _) => keeps(service),
        ("cpu_limit", cores) => format!("{cores} cores"),
        ("extra_ports", _) => match service.extra_ports.as_slice() {
            [] => "none".to_string(),
            ports => listed(&ports.iter().map(|port| &port.written).collect::<Vec<_>>()),
        },
        ("app", Value::Null) => "what the package says".to_string(),
        (_, Value::Null) => "none".to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn groups(comparison: &mut Comparison) {
    let (before, after) = (comparison.before.catalog, comparison.after.catalog);
    for group in &after.groups {
        let at = At::After(format!("/groups/{}", group.key));
        match before.groups.iter().find(|old| old.key == group.key) {
            None => comparison.say(
                Safe,
                format!(
                    "group {} is new: a row \"{}\" in the overview",
                    group.key, group.title
                ),
                at,
            ),
            Some(old) if old.title != group.title => {
                comparison.say(
                    Safe,
                    format!(
                        "the row of group {} is titled \"{}\" instead of \"{}\"",
                        group.key, group.title, old.title
                    ),
                    at,
                );
            }
            Some(_) => {}
        }
    }
    for group in before
        .groups
        .iter()
        .filter(|group| !after.groups.iter().any(|new| new.key == group.key))
    {
        comparison.say(
            Notice,
            format!(
                "group {} is removed: the overview loses the row \"{}\"",
                group.key, group.title
            ),
            At::Before(format!("/groups/{}", group.key)),
        );
    }
}
