//! Jobs of a configuration: those that a service of a catalog can say, and those that are kept as they are.

use super::discovered::{Relabelled, Sought, discovery, relabelled, written};
use super::draft::{Found, RESERVED, UNKNOWN, exporter_of, is_target};
use crate::catalog::Duration;
use crate::contract::targets::{Lists, Targets};
use crate::json::plain;
use crate::value::{Map, Value, json};
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
const UNDERSTOOD: [&str; 10] = [
    "job_name",
    "static_configs",
    "metrics_path",
    "scheme",
    "scrape_interval",
    "relabel_configs",
    "tls_config",
    "basic_auth",
    "authorization",
    "bearer_token_file",
];

/// What a service's `tls` has of a job's `tls_config`.
const TLS: [&str; 5] = [
    "ca_file",
    "server_name",
    "cert_file",
    "key_file",
    "insecure_skip_verify",
];

/// Labels that every service has of itself.
const OF_SERVICES: [&str; 2] = ["service", "component"];

/// Where containers find the secrets of a compose file.
const SECRETS: &str = "/run/secrets/";

/// Where the container of Prometheus finds its configuration, and what stands beside it.
const CONFIGURED: &str = "/etc/prometheus/";

/// Names of this machine.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Where the Prometheus of the catalog is, seen from the jobs of another.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::commands) enum Reach {
    /// On this machine without a container, as the other is.
    OnHost,
    /// In a container, as the other is: this machine is not meant by `localhost`.
    Kept,
    /// In a container, where the other is not: `localhost` is this machine.
    FromContainers,
}

/// A job with what it has of the configuration that it stands in.
pub(in crate::commands) struct Job {
    pub(in crate::commands) name: String,
    pub(in crate::commands) value: Map,
    /// The configuration.
    pub(in crate::commands) path: String,
    /// Labels that its lists of targets give, as far as they are known.
    pub(in crate::commands) listed: BTreeSet<String>,
}

impl Job {
    pub(in crate::commands) fn of(config: &Value, job: &Value, path: &str) -> Option<Job> {
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
            listed: BTreeSet::new(),
        })
    }

    /// The targets that it names itself.
    pub(in crate::commands) fn targets(&self) -> Vec<String> {
        let groups = self.value.get("static_configs").into_iter();
        groups
            .flat_map(Value::items)
            .flat_map(|group| group["targets"].items())
            .map(plain)
            .collect()
    }

    /// Whether it looks for targets while Prometheus runs.
    pub(in crate::commands) fn looks(&self) -> bool {
        self.value.keys().any(|key| key.ends_with("_sd_configs"))
    }

    /// As a service under the same name with the same targets, or why it is none.
    pub(in crate::commands) fn service(&self, reach: Reach) -> Result<Found, String> {
        let on_host = reach == Reach::OnHost;
        let name = &self.name;
        let letters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(letters) {
            return Err(
                "the name of a service has letters, digits, dashes and underscores, a letter first"
                    .to_string(),
            );
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("monstack has a {name} of its own"));
        }
        let other = self.value.keys().find(|key| {
            let key = key.as_str();
            !UNDERSTOOD.contains(&key) && !SAME.contains(&key) && !key.ends_with("_sd_configs")
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
        let rules = self.value.get("relabel_configs").into_iter();
        let read = relabelled(rules.flat_map(Value::items));
        let played = match &read {
            Ok(read) if self.looks() || read.is_said_of_targets() => None,
            _ => self.played(),
        };
        let rules = match played {
            Some(_) => Relabelled::default(),
            None => read?,
        };
        let odd = targets.iter().find(|target| !is_target(target));
        if let (Some(odd), None) = (odd, &rules.through) {
            return Err(format!("`{odd}` is not host:port"));
        }
        let mut guessed = Vec::new();
        let found_by = discovery(
            &self.value,
            &mut |file| self.list(file, on_host),
            &mut |value| self.with_all_files(value, on_host, &mut guessed),
        )?;
        if found_by.is_some() && !targets.is_empty() {
            return Err("it names some targets and looks for others".to_string());
        }
        if found_by.is_none() && (targets.is_empty() || distinct.len() < targets.len()) {
            return Err("its targets are not a list without repetition".to_string());
        }
        if found_by.is_none() && !rules.is_said_of_targets() {
            return Err("it relabels by what its targets do not have".to_string());
        }
        let mut found = Found {
            name: name.to_string(),
            from: self.path.clone(),
            https: self.value.get("scheme").is_some_and(|it| it == "https"),
            metrics_path: self.text("metrics_path").filter(|path| path != "/metrics"),
            scrape_interval: Some(interval.to_string()),
            profile: match &rules.through {
                Some(exporter) => prober_of(exporter),
                None => exporter_of(name, &targets),
            },
            guessed,
            ..Found::default()
        };
        found.runtime = match (found.profile, &found.metrics_path) {
            // Whom it asks runs on something else.
            _ if rules.through.is_some() => Some(UNKNOWN),
            (Some(_), _) => Some("go"),
            (None, Some(path)) if path.starts_with("/actuator/") => Some("java"),
            (None, _) => None,
        };
        let (mut labels, own) = self.labels(played);
        labels.extend(rules.labels);
        for same in ["service", "job"] {
            if labels
                .get(same)
                .is_some_and(|value| *value == self.name.as_str())
            {
                labels.remove(same);
            }
        }
        if !labels.is_empty() {
            let labels = toml(&Value::Object(labels.clone()));
            let labels = labels.ok_or("it has labels without a value")?;
            found.more.push(format!("labels = {labels}"));
        }
        for (key, value) in self.access()? {
            let value = self.with_files(value, on_host, &mut found.guessed);
            let value = toml(&value).ok_or(format!("its {key} has no value"))?;
            found.more.push(format!("{key} = {value}"));
        }
        for key in SAME {
            if let Some(value) = self.value.get(key) {
                let value = toml(value).ok_or(format!("its {key} has no value"))?;
                found.more.push(format!("{key} = {value}"));
            }
        }
        if let Some(exporter) = &rules.through {
            if !is_target(exporter) {
                return Err(format!("`{exporter}` is not host:port"));
            }
            let there = here(exporter);
            let exporter = match there {
                Some(port) if reach == Reach::FromContainers => {
                    format!("host.docker.internal:{port}")
                }
                Some(_) if reach == Reach::Kept => {
                    return Err("its exporter is on the machine of Prometheus".to_string());
                }
                _ => exporter.clone(),
            };
            found.through = Some(exporter);
        }
        if let Some(Sought { mut table, port }) = found_by {
            let (address, behind) = rules.address.unzip();
            let port = port.or(behind.flatten().map(u64::from));
            found.more.extend(port.map(|port| format!("port = {port}")));
            if let Some(address) = address {
                table.insert("address".to_string(), address.into());
            }
            if self.listed.contains("job") {
                return Err("its lists say which `job` a target is of".to_string());
            }
            let set =
                |label: &String| labels.contains_key(label) || OF_SERVICES.contains(&&**label);
            let listed = self.listed.iter().filter(|label| !set(label));
            let mut copied = rules.copied;
            for label in listed.filter(|label| !label.starts_with("__")) {
                copied.entry(label.clone()).or_insert(label.clone());
            }
            if !rules.keep.is_empty() {
                table.insert("keep".to_string(), written(&rules.keep));
            }
            if !rules.drop.is_empty() {
                table.insert("drop".to_string(), written(&rules.drop));
            }
            if !copied.is_empty() {
                table.insert("labels".to_string(), json!(copied));
            }
            let table = toml(&Value::Object(table)).ok_or("it has a key without a value")?;
            found.more.push(format!("discovery = {table}"));
            return Ok(found);
        }
        if own.iter().any(|labels| !labels.is_empty()) {
            let one = |(target, labels): (&String, &Map)| match labels.is_empty() {
                true => json!(target),
                false => json!({ "address": target, "labels": labels }),
            };
            let all: Vec<Value> = targets.iter().zip(&own).map(one).collect();
            let all = toml(&Value::Array(all)).ok_or("it has labels without a value")?;
            let local = targets.iter().any(|target| here(target).is_some());
            if rules.through.is_none() && local && reach != Reach::OnHost {
                return Err("its targets are on the machine of Prometheus".to_string());
            }
            found.more.push(format!("targets = {all}"));
            return Ok(found);
        }
        if rules.through.is_some() {
            found.targets = targets;
            return Ok(found);
        }
        match (targets.as_slice(), here(&targets[0])) {
            ([only], Some(port)) if reach != Reach::Kept && only.starts_with("localhost") => {
                found.port = Some(port);
            }
            _ if targets.iter().any(|target| here(target).is_some()) => {
                return Err("its targets are on the machine of Prometheus".to_string());
            }
            _ => found.targets = targets,
        }
        Ok(found)
    }

    /// Its encryption and its login, as a service says them; its files as the job names them.
    fn access(&self) -> Result<Vec<(&'static str, Value)>, String> {
        let mut all = Vec::new();
        if let Some(tls) = self.value.get("tls_config") {
            if let Some((key, _)) = tls.entries().find(|(key, _)| !TLS.contains(&key.as_str())) {
                return Err(format!("`tls` has no `{key}`"));
            }
            all.push(("tls", tls.clone()));
        }
        let inline =
            "its password or token stands in the configuration, and a catalog reads it from a file";
        let login = |written: &str, keys: &[(&str, &'static str)]| {
            let Some(written) = self.value.get(written) else {
                return Ok(None);
            };
            let named = |key: &str| keys.iter().find(|(known, _)| *known == key);
            let mut login = Map::new();
            for (key, value) in written.entries() {
                match named(key) {
                    Some((_, own)) => login.insert(own.to_string(), value.clone()),
                    // It is what a service's token is anyway.
                    None if key == "type" && value == "Bearer" => None,
                    None if ["password", "credentials"].contains(&key.as_str()) => {
                        return Err(inline.to_string());
                    }
                    None => return Err(format!("`auth` has no `{key}`")),
                };
            }
            Ok(Some(Value::Object(login)))
        };
        let name_and_password = [("username", "username"), ("password_file", "password_file")];
        let basic = login("basic_auth", &name_and_password)?;
        let token = login("authorization", &[("credentials_file", "bearer_file")])?;
        let file = self.value.get("bearer_token_file");
        let file = file.map(|file| json!({ "bearer_file": file }));
        all.extend(
            basic
                .or(token)
                .or(file)
                .into_iter()
                .map(|login| ("auth", login)),
        );
        Ok(all)
    }

    /// With files of this machine, from the folder of the catalog on, where the job names those that Prometheus sees.
    fn with_files(&self, mut value: Value, on_host: bool, guessed: &mut Vec<String>) -> Value {
        secrets(&mut value, self.folder());
        let files = value.as_object_mut().into_iter().flatten();
        for (_, file) in files.filter(|(key, _)| key.ends_with("_file")) {
            *file = self.own_file(file, on_host, guessed);
        }
        value
    }

    /// Where a file of this machine is that a container sees elsewhere.
    fn own_file(&self, file: &Value, on_host: bool, guessed: &mut Vec<String>) -> Value {
        let seen = file.as_str().unwrap_or_default();
        if on_host || !seen.starts_with('/') {
            return file.clone();
        }
        let own = seen.strip_prefix(SECRETS).unwrap_or(&seen[1..]);
        let own = format!("secrets/{own}");
        guessed.push(format!(
            "what its Prometheus reads as {seen} is read from {own} here"
        ));
        own.into()
    }

    /// Labels that all its targets get, and those that each has beside them, in their order.
    fn labels(&self, played: Option<Vec<Map>>) -> (Map, Vec<Map>) {
        let relabelled = played.is_some();
        let mut own = played.unwrap_or_default();
        for group in self
            .value
            .get("static_configs")
            .into_iter()
            .flat_map(Value::items)
        {
            if relabelled {
                break;
            }
            let labels = group["labels"].as_object().cloned().unwrap_or_default();
            own.extend(group["targets"].items().map(|_| labels.clone()));
        }
        let mut shared = own.first().cloned().unwrap_or_default();
        shared.retain(|label, value| {
            // What a target is called is its own, though it is the only one.
            label != "instance" && own.iter().all(|labels| labels.get(label) == Some(value))
        });
        for labels in &mut own {
            labels.retain(|label, _| !shared.contains_key(label));
        }
        (shared, own)
    }

    /// The labels that its rules leave to each of its targets, found by running them; None where they change more than labels.
    fn played(&self) -> Option<Vec<Map>> {
        let rules = self.value.get("relabel_configs").into_iter();
        let mut rules = rules.flat_map(Value::items);
        let inner = |rule: &Value| {
            let target = rule["target_label"].as_str().unwrap_or_default();
            target.starts_with("__") || rule["action"].as_str().is_some_and(|it| it != "replace")
        };
        if self.looks() || rules.any(inner) {
            return None;
        }
        let config = json!({ "scrape_configs": [self.value.clone()] });
        let targets = Targets::read(&config, &[], &Lists::new());
        let asked = self.targets();
        let all = targets.list.iter().zip(&asked).map(|(target, asked)| {
            let named = target.labels.get("job") == Some(&self.name);
            if target.address != *asked || !named || !target.open.is_empty() {
                return None;
            }
            let own = target
                .labels
                .iter()
                .filter(|(label, value)| match label.as_str() {
                    "job" => false,
                    "instance" => *value != asked,
                    _ => true,
                });
            let own = own.map(|(label, value)| (label.clone(), json!(value)));
            Some(own.collect())
        });
        let whole = targets.unread.is_empty() && targets.list.len() == asked.len();
        all.collect::<Option<Vec<_>>>().filter(|_| whole)
    }

    /// A file with targets, from the folder of the catalog on, where that is known.
    fn list(&self, file: &str, on_host: bool) -> Result<String, String> {
        let seen = match file.strip_prefix(CONFIGURED) {
            // Its configuration stands there too.
            Some(rest) if !on_host => rest,
            _ if file.starts_with('/') && !on_host => {
                return Err(format!(
                    "only its container knows where {file} is: `discovery` takes where that is on the machine"
                ));
            }
            _ => file,
        };
        let found = match seen.starts_with('/') {
            true => seen.to_string(),
            false => below(self.folder(), seen),
        };
        match found.contains('/') {
            true => Ok(found),
            false => Err(format!(
                "{found} stands beside the catalog: move it into a folder, which `discovery` takes"
            )),
        }
    }

    /// The same as `with_files` of files at any depth.
    fn with_all_files(&self, value: Value, on_host: bool, guessed: &mut Vec<String>) -> Value {
        let mut value = self.with_files(value, on_host, guessed);
        for inside in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if inside.is_object() {
                let seen = inside.take();
                *inside = self.inner_files(seen, on_host, guessed);
            }
        }
        value
    }

    fn inner_files(&self, mut value: Value, on_host: bool, guessed: &mut Vec<String>) -> Value {
        let files = value.as_object_mut().into_iter().flatten();
        for (_, file) in files.filter(|(key, _)| key.ends_with("_file")) {
            *file = self.own_file(file, on_host, guessed);
        }
        value
    }

    /// The folder of the configuration, from that of the catalog on.
    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn text(&self, key: &str) -> Option<String> {
        Some(self.value.get(key)?.as_str()?.to_string())
    }

    /// As a job of a file in another folder: lists of targets are named from that file on, and secrets from the folder of the
    /// catalog on.
    pub(in crate::commands) fn moved(&self) -> Value {
        let folder = self.folder();
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
    pub(in crate::commands) fn lists(&self) -> Vec<String> {
        let folder = self.folder();
        let mut job = self.value.clone();
        let named = lists(&mut job).into_iter();
        named
            .filter_map(|file| Some(below(folder, file.as_str()?)))
            .collect()
    }
}

/// How a store is written to, where a catalog has no key for it and none is needed to reach it.
const TUNING: [&str; 5] = [
    "name",
    "queue_config",
    "remote_timeout",
    "metadata_config",
    "send_exemplars",
];

/// A store of `remote_write` as a catalog says it, in TOML, with what of it is left out; or why it says none.
pub(in crate::commands) fn store(
    path: &str,
    store: &Value,
    on_host: bool,
    guessed: &mut Vec<String>,
) -> Result<(String, Vec<String>), String> {
    let said = [
        "url",
        "tls_config",
        "basic_auth",
        "authorization",
        "bearer_token_file",
    ];
    let others: Vec<&String> = store
        .entries()
        .map(|(key, _)| key)
        .filter(|key| !said.contains(&key.as_str()))
        .collect();
    if let Some(key) = others.iter().find(|key| !TUNING.contains(&key.as_str())) {
        return Err(format!("a store has no `{key}`"));
    }
    // What opens a store is what opens a target.
    let job = Job {
        name: plain(&store["url"]),
        value: store.as_object().cloned().unwrap_or_default(),
        path: path.to_string(),
        listed: BTreeSet::new(),
    };
    let mut table = Map::new();
    table.insert("url".to_string(), store["url"].clone());
    for (key, value) in job.access()? {
        let value = job.with_files(value, on_host, guessed);
        table.insert(key.to_string(), value);
    }
    let value = toml(&Value::Object(table)).ok_or("it has no address")?;
    Ok((value, others.into_iter().cloned().collect()))
}

/// The profile of what is said of those whom an exporter is asked for.
fn prober_of(exporter: &str) -> Option<&'static str> {
    (exporter.contains("blackbox") || exporter.ends_with(":9115")).then_some("probe")
}

/// Whether Prometheus itself must be on the machine: jobs are here that it could not reach from a container.
pub(in crate::commands) fn on_host(jobs: &[Job]) -> bool {
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
pub(in crate::commands) fn profiles(kept: &[&Job]) -> BTreeMap<String, &'static str> {
    let named = |job: &&Job| Some((job.name.clone(), exporter_of(&job.name, &job.targets())?));
    kept.iter().filter_map(named).collect()
}

fn lists(job: &mut Map) -> Vec<&mut Value> {
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
pub(in crate::commands) fn toml(value: &Value) -> Option<String> {
    toml::Value::try_from(value)
        .ok()
        .map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(rules: Value) -> Result<Vec<String>, String> {
        let job = json!({
            "job_name": "node",
            "static_configs": [{"targets": ["n1.example.org:9100", "n2.example.org:9100"], "labels": {"rack": "a"}}],
            "relabel_configs": rules,
        });
        let job = Job::of(&json!({}), &job, "prometheus.yml").unwrap();
        job.service(Reach::Kept).map(|found| found.more)
    }

    #[test]
    fn labels_that_targets_are_relabelled_to_are_those_of_the_service() {
        let instance = json!({"source_labels": ["__address__"], "regex": "(.*):.*", "target_label": "instance"});
        let found = more(json!([instance])).unwrap();
        assert_eq!(found[0], r#"labels = { rack = "a" }"#);
        let named =
            r#"{ address = "n2.example.org:9100", labels = { instance = "n2.example.org" } }"#;
        assert!(found[1].contains(named), "{found:?}");
        // Another address, and a target that is dropped, are no labels.
        let elsewhere = json!({"source_labels": ["rack"], "regex": "(.*)", "replacement": "$1:1", "target_label": "__address__"});
        assert!(more(json!([elsewhere])).is_err());
        let dropped = json!({"source_labels": ["__address__"], "regex": "n1.*", "action": "drop"});
        assert!(more(json!([dropped])).is_err());
    }
}
