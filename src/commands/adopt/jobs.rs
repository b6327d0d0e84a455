//! Jobs of a configuration: those that a service of a catalog can say, and those that are kept as they are.

use crate::catalog::Duration;
use crate::commands::init::draft::{Found, RESERVED, exporter_of, is_target};
use crate::json::{Parts, plain};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a job may say beside where its targets are, and a service says under the same name.
const SAME: [&str; 5] = [
    "scrape_timeout",
    "params",
    "honor_labels",
    "sample_limit",
    "proxy_url",
];

/// What else of a job is understood.
const UNDERSTOOD: [&str; 6] = [
    "job_name",
    "static_configs",
    "metrics_path",
    "scheme",
    "scrape_interval",
    "relabel_configs",
];

/// Names of this machine.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// A job with what it has of the configuration that it stands in.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) value: Map<String, Value>,
    /// The configuration.
    pub(super) path: String,
}

impl Job {
    pub(super) fn of(config: &Value, job: &Value, path: &str) -> Option<Job> {
        let mut value = job.as_object()?.clone();
        for key in ["scrape_interval", "scrape_timeout"] {
            if let (false, Some(global)) = (value.contains_key(key), config["global"].get(key)) {
                value.insert(key.to_string(), global.clone());
            }
        }
        value.entry("scrape_interval").or_insert("1m".into());
        Some(Job {
            name: job["job_name"].as_str()?.to_string(),
            value,
            path: path.to_string(),
        })
    }

    /// The targets that it names itself.
    pub(super) fn targets(&self) -> Vec<String> {
        let groups = self.value.get("static_configs").into_iter();
        groups
            .flat_map(Parts::items)
            .flat_map(|group| group["targets"].items())
            .map(plain)
            .collect()
    }

    /// As a service under the same name with the same targets, or why it is none. `on_host`: Prometheus is not in a container.
    pub(super) fn service(&self, on_host: bool) -> Result<Found, String> {
        let name = &self.name;
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
            return Err(
                "the name of a service has lower-case letters, digits, dashes and underscores"
                    .to_string(),
            );
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("monstack has a {name} of its own"));
        }
        let other = self.value.keys().find(|key| {
            let key = key.as_str();
            !UNDERSTOOD.contains(&key) && !SAME.contains(&key)
        });
        if let Some(key) = other {
            return Err(format!("a service has no `{key}`"));
        }
        let interval = self.value["scrape_interval"].as_str().unwrap_or_default();
        if Duration::parse(interval).is_none() {
            return Err(format!("`{interval}` is not an interval"));
        }
        let targets = self.targets();
        let distinct: BTreeSet<&String> = targets.iter().collect();
        if let Some(odd) = targets.iter().find(|target| !is_target(target)) {
            return Err(format!("`{odd}` is not host:port"));
        }
        if targets.is_empty() || distinct.len() < targets.len() {
            return Err("its targets are not a list without repetition".to_string());
        }
        let mut found = Found {
            name: name.to_string(),
            from: self.path.clone(),
            https: self.value.get("scheme").is_some_and(|it| it == "https"),
            metrics_path: self.text("metrics_path").filter(|path| path != "/metrics"),
            scrape_interval: Some(interval.to_string()),
            profile: exporter_of(name, &targets),
            ..Found::default()
        };
        found.runtime = match (found.profile, &found.metrics_path) {
            (Some(_), _) => Some("go"),
            (None, Some(path)) if path.starts_with("/actuator/") => Some("java"),
            (None, _) => None,
        };
        let labels = self.labels()?;
        if !labels.is_empty() {
            let labels = toml(&Value::Object(labels)).ok_or("it has labels without a value")?;
            found.more.push(format!("labels = {labels}"));
        }
        for key in SAME {
            if let Some(value) = self.value.get(key) {
                let value = toml(value).ok_or(format!("its {key} has no value"))?;
                found.more.push(format!("{key} = {value}"));
            }
        }
        match (targets.as_slice(), here(&targets[0])) {
            ([only], Some(port)) if on_host && only.starts_with("localhost") => {
                found.port = Some(port);
            }
            _ if targets.iter().any(|target| here(target).is_some()) => {
                return Err("its targets are on the machine of Prometheus".to_string());
            }
            _ => found.targets = targets,
        }
        Ok(found)
    }

    /// Labels that all its targets get; without those that every service has with the same value.
    fn labels(&self) -> Result<Map<String, Value>, String> {
        let groups = self.value["static_configs"].items();
        let mut all: Vec<Map<String, Value>> = groups
            .map(|group| group["labels"].as_object().cloned().unwrap_or_default())
            .collect();
        all.dedup();
        let [labels] = all.as_slice() else {
            return Err("its targets have different labels".to_string());
        };
        let mut labels = labels.clone();
        let rules = self.value.get("relabel_configs").into_iter();
        for rule in rules.flat_map(Parts::items) {
            let known = rule
                .entries()
                .all(|(key, _)| ["target_label", "replacement", "action"].contains(&key.as_str()));
            let replaces = rule.get("action").is_none_or(|action| action == "replace");
            let (label, value) = (&rule["target_label"], &rule["replacement"]);
            match (label.as_str(), value.as_str()) {
                (Some(label), Some(value))
                    if known && replaces && !value.contains('$') && !label.starts_with("__") =>
                {
                    labels.insert(label.to_string(), value.into());
                }
                _ => return Err("it relabels".to_string()),
            }
        }
        for same in ["service", "job"] {
            if labels
                .get(same)
                .is_some_and(|value| *value == self.name.as_str())
            {
                labels.remove(same);
            }
        }
        Ok(labels)
    }

    fn text(&self, key: &str) -> Option<String> {
        Some(self.value.get(key)?.as_str()?.to_string())
    }

    /// As a job of a file in another folder: lists of targets are named from that file on, and secrets from the folder of the
    /// catalog on.
    pub(super) fn moved(&self) -> Value {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut job = self.value.clone();
        for value in job.values_mut() {
            secrets(value, folder);
        }
        for file in lists(&mut job) {
            if let Some(text) = file.as_str().filter(|text| !text.starts_with('/')) {
                *file = format!("../{}", below(folder, text)).into();
            }
        }
        Value::Object(job)
    }

    /// The files from which it reads targets, as patterns from the folder of the catalog on.
    pub(super) fn lists(&self) -> Vec<String> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut job = self.value.clone();
        let named = lists(&mut job).into_iter();
        named
            .filter_map(|file| Some(below(folder, file.as_str()?)))
            .collect()
    }
}

/// Whether Prometheus itself must be on the machine: jobs are here that it could not reach from a container.
pub(super) fn on_host(jobs: &[Job]) -> bool {
    let targets: Vec<String> = jobs.iter().flat_map(Job::targets).collect();
    let far = |target: &String| {
        // A name without a dot is a container's, or one that this machine knows.
        let host = target.rsplit_once(':').map_or(&**target, |(host, _)| host);
        here(target).is_some() || host.contains('.') || host.starts_with('[')
    };
    targets.iter().any(|target| here(target).is_some()) && targets.iter().all(far)
}

/// The port of a target on this machine.
fn here(target: &str) -> Option<u16> {
    let (host, port) = target.rsplit_once(':')?;
    port.parse().ok().filter(|_| HERE.contains(&host))
}

/// A profile for each job that is kept and called after an exporter.
pub(super) fn profiles(kept: &[&Job]) -> BTreeMap<String, &'static str> {
    let named = |job: &&Job| Some((job.name.clone(), exporter_of(&job.name, &job.targets())?));
    kept.iter().filter_map(named).collect()
}

fn lists(job: &mut Map<String, Value>) -> Vec<&mut Value> {
    let configs = job.get_mut("file_sd_configs").and_then(Value::as_array_mut);
    let files = configs.into_iter().flatten();
    files
        .filter_map(|list| list.get_mut("files")?.as_array_mut())
        .flatten()
        .collect()
}

fn below(folder: &str, path: &str) -> String {
    let path = path.trim_start_matches("./");
    match folder {
        "" => path.to_string(),
        folder => format!("{folder}/{path}"),
    }
}

fn secrets(value: &mut Value, folder: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_str().filter(|_| key.ends_with("_file")) {
                    Some(text) if !text.starts_with('/') => *value = below(folder, text).into(),
                    Some(_) => {}
                    None => secrets(value, folder),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| secrets(value, folder)),
        _ => {}
    }
}

/// A value in one line of TOML; None: it holds null.
pub(super) fn toml(value: &Value) -> Option<String> {
    toml::Value::try_from(value)
        .ok()
        .map(|value| value.to_string())
}
