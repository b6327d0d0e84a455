//! A service with the settings of its group and of all services filled in.

use super::access::{Auth, Instance, Tls, in_url, parted};
use super::discovery::Discovery;
use super::units::Bound;
use super::{Duration, Size};
use crate::profiles::{Profiles, Roles};
use crate::source::{Source, step};
use crate::value::{Map, Value, from_value, json};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// `[services.NAME]` over its group's settings over `[defaults]`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Service {
    /// The scrape job, and the label `service`.
    #[serde(default)]
    pub name: String,
    /// The key of its group.
    pub group: String,
    /// Whose it is; by default its group's owner.
    pub owner: Option<String>,
    /// TCP port; of one that only has `targets`, that of the first.
    #[serde(default)]
    pub port: u16,
    /// TCP port of the metrics, where it is another.
    pub metrics_port: Option<u16>,
    /// host:port of instances on other machines, as written.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The exporter that is asked for each of its targets: a service, or host:port.
    #[serde(skip_serializing)]
    pub through: Option<String>,
    /// Where that exporter is asked.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub exporter_address: Option<String>,
    /// What tells Prometheus where its instances are; `targets` are then two that are made up.
    #[serde(skip_serializing)]
    pub discovery: Option<Discovery>,
    /// The same as Prometheus reads it: its `sections`, what it shall `keep`, the `labels` that it gets.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// How many containers of it run beside each other.
    pub replicas: u32,
    /// Where each of them is; of replicas in containers one, for whom their name stands.
    #[serde(default, skip_deserializing)]
    pub instances: Vec<Instance>,
    /// Where each of them says whether it is healthy.
    #[serde(default, skip_deserializing)]
    pub health_urls: Vec<String>,
    /// What uvicorn runs, where the catalog says so.
    pub app: Option<String>,
    /// Between scrapes.
    pub scrape_interval: Duration,
    /// Of one scrape; the interval, at most 10s, unless the catalog says so.
    #[serde(default)]
    pub scrape_timeout: Duration,
    /// `http` or `https`.
    pub scheme: String,
    /// Where metrics are, with the query that the service wants, if any.
    pub metrics_path: String,
    /// The same without the query.
    #[serde(default)]
    pub path: String,
    /// What is asked with each scrape, that query too: name → values, decoded.
    #[serde(default, deserialize_with = "one_or_many")]
    pub params: BTreeMap<String, Vec<String>>,
    pub tls: Option<Tls>,
    pub auth: Option<Auth>,
    /// More labels of its targets.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Every label that tells its targets apart, or its own from others: the values as a metric's labels have them.
    #[serde(default, skip_deserializing)]
    pub target_labels: BTreeMap<String, Value>,
    /// Whether labels that it writes itself win over those of its target.
    pub honor_labels: bool,
    pub proxy_url: Option<String>,
    /// Of one scrape.
    pub sample_limit: Option<u64>,
    /// Where health is; of what is not built here and says nothing else, the metrics' path: an exporter has no other.
    #[serde(default)]
    pub health_path: String,
    pub health_probe: bool,
    /// Whether a probe needs what a scrape of it needs: a login or a certificate.
    #[serde(default, skip_deserializing)]
    pub own_probe: bool,
    /// `host`, `compose`, or an address.
    pub runs_on: String,
    /// Host name or address at which Prometheus reaches it, as a URL has it: IPv6 in brackets.
    #[serde(default)]
    pub host: String,
    /// Whether its image is built from the user's Dockerfile; unless the catalog says so, what is named as an exporter is not.
    pub build: bool,
    /// An image that somebody else has built, with its tag.
    pub image: Option<String>,
    /// Variables of its container's environment, beside those that it gets anyway.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Arguments of its container, in place of the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// SOURCE:TARGET, with `:ro` or without.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Linux capabilities that its container keeps.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Networks that are there already and that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Whether it is a container in one of them that somebody else has started.
    #[serde(
        default,
        skip_deserializing,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub foreign: bool,
    /// `host`: the machine's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// `host`: the machine's processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<String>,
    /// Whether its container may do everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub privileged: bool,
    /// SOURCE, SOURCE:TARGET or SOURCE:TARGET:rwm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// In place of the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Files of variables, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_file: Vec<String>,
    /// Services that are started before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// More ports of the machine that lead into its container.
    #[serde(
        default,
        deserialize_with = "as_ports",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub extra_ports: Vec<Port>,
    /// For other programs of Docker.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub container_labels: BTreeMap<String, String>,
    /// Whether the compose file starts it; what it does not start is only scraped.
    #[serde(default)]
    pub container: bool,
    pub runtime: String,
    /// The profiles of all that it exposes, its runtime's first, each under its first name.
    #[serde(default, skip_deserializing)]
    pub exposes: Arc<Vec<String>>,
    /// Metrics of them that alerts and panels read.
    #[serde(default, skip_deserializing)]
    pub read: Arc<Vec<String>>,
    /// Whether it is a program of the platform's own: no exporter, and nothing that a profile calls a program of its own.
    #[serde(default, skip_deserializing)]
    pub application: bool,
    /// What else it exposes, by name.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Labels of what others push to it and it hands on: whatever it exposes that is not of its runtime, nor of the profile that says so.
    #[serde(default, skip)]
    pub hands_on: Arc<Vec<String>>,
    /// The profiles of what it exposes itself; all where nothing is handed on.
    #[serde(default, skip)]
    pub(crate) own_profiles: Arc<Vec<String>>,
    /// What it says of itself to alerts (memory, cpu, start), as its runtime and its profiles call that.
    #[serde(default, skip_deserializing)]
    pub roles: Arc<Roles>,
    /// What its container's image asks to know whether it is healthy, by its runtime; empty: nothing is known that it could ask.
    #[serde(default, skip_deserializing)]
    pub health_check: Vec<String>,
    /// The names of its metrics, as a regular expression, that tell where its memory is.
    #[serde(default, skip_deserializing)]
    pub memory_metrics: String,
    /// In bytes.
    pub memory_limit: Size,
    /// In cores.
    pub cpu_limit: f64,
    /// Where it differs from an alert.
    #[serde(default, rename(deserialize = "alerts"), skip_serializing)]
    pub overrides: BTreeMap<String, Override>,
}

/// Leaves of targets with labels of their own the addresses; the labels of each.
fn parted_targets(written: &mut Map) -> Vec<BTreeMap<String, String>> {
    let targets = written.get_mut("targets").and_then(Value::as_array_mut);
    let mut all = Vec::new();
    for target in targets.into_iter().flatten() {
        let own = target["labels"].entries();
        let own =
            own.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string())));
        all.push(own.collect());
        if target.is_object() {
            *target = target["address"].take();
        }
    }
    all
}

/// A port of the machine that leads into a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// As written.
    pub written: String,
    /// That of the machine.
    pub published: u16,
    pub target: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// `9125/udp`, `8080:80`; what the schema refuses is left out.
fn as_ports<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Port>, D::Error> {
    let written: Vec<String> = Vec::deserialize(deserializer)?;
    let port = |written: String| {
        let (ports, protocol) = written.split_once('/').unwrap_or((&written, "tcp"));
        let (published, target) = ports.split_once(':').unwrap_or((ports, ports));
        Some(Port {
            published: published.parse().ok()?,
            target: target.parse().ok()?,
            protocol: protocol.to_string(),
            written,
        })
    };
    Ok(written.into_iter().filter_map(port).collect())
}

/// Runtime and profiles → what services with these say of themselves.
pub(super) type Shared = HashMap<(String, Vec<String>), Said>;

/// What is the same for all services with one runtime and the same profiles.
#[derive(Clone)]
pub(super) struct Said {
    roles: Arc<Roles>,
    exposes: Arc<Vec<String>>,
    read: Arc<Vec<String>>,
    own: Arc<Vec<String>>,
    hands_on: Arc<Vec<String>>,
}

/// What a nearer layer takes back with `false`.
const TAKEN_BACK: [&str; 4] = ["tls", "auth", "proxy_url", "sample_limit"];

/// `[services.NAME.alerts.ALERT]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Another threshold, of an alert that fires above it.
    pub above: Option<Bound>,
    /// The same of one that fires below it.
    pub below: Option<Bound>,
    /// The same of one that fires from its threshold on.
    pub at_least: Option<Bound>,
    /// The same of one that fires down from its threshold.
    pub at_most: Option<Bound>,
    /// The same of one that fires when less time than it is left.
    pub within: Option<Bound>,
    pub window: Option<Duration>,
    /// Another time before it fires.
    pub r#for: Option<Duration>,
    pub severity: Option<String>,
    /// Another owner of the alert, for this service.
    pub owner: Option<String>,
    /// False: not covered.
    pub enabled: Option<bool>,
    /// Why it differs.
    #[allow(dead_code)]
    pub reason: Option<String>,
}

impl Override {
    /// Keys that other thresholds can be written as, and what is written.
    pub(crate) fn thresholds(&self) -> impl Iterator<Item = (&'static str, Bound)> {
        let all = [
            ("above", self.above),
            ("below", self.below),
            ("at_least", self.at_least),
            ("at_most", self.at_most),
            ("within", self.within),
        ];
        all.into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
    }

    /// Another threshold, under the key that the alert's own has.
    pub(crate) fn threshold(&self, key: &str) -> Option<Bound> {
        let mut all = self.thresholds();
        all.find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

impl Service {
    /// Layers merged as JSON, so that a new setting is one line in the schema and one field here.
    pub(super) fn resolve(
        catalog: &Value,
        name: &str,
        written: &Value,
    ) -> serde_json::Result<Service> {
        let group = written["group"].as_str().unwrap_or_default();
        let mut merged = Map::new();
        for layer in [&catalog["defaults"], &catalog["groups"][group], written] {
            // In plain HTTP the certificates that a wider layer speaks of are nobody's.
            if layer["scheme"] == "http" {
                merged.remove("tls");
            }
            for (key, value) in layer.entries() {
                // Labels add up; all else is the nearest layer's.
                match (key.as_str(), merged.get_mut(key), value) {
                    (key, _, Value::Bool(false)) if TAKEN_BACK.contains(&key) => {
                        merged.remove(key);
                    }
                    ("labels", Some(Value::Object(known)), Value::Object(more)) => {
                        known.extend(more.clone());
                    }
                    _ => drop(merged.insert(key.clone(), value.clone())),
                }
            }
        }
        let own = !named_exporter(name) || merged.contains_key("app");
        let elsewhere = merged.contains_key("discovery") || merged.contains_key("through");
        merged.entry("build").or_insert((own && !elsewhere).into());
        let merged_port = merged.contains_key("port");
        let labelled = parted_targets(&mut merged);
        let port_said = merged_port || merged.contains_key("metrics_port");
        let mut service: Service = from_value(&Value::Object(merged))?;
        service.name = name.to_string();
        service.host = match service.runs_on.as_str() {
            "host" if catalog["prometheus"]["runs_on"] == "host" => "localhost".to_string(),
            "host" => "host.docker.internal".to_string(),
            "compose" => name.to_string(),
            address => in_url(address),
        };
        service.found = service.found_as_said(catalog, port_said);
        let own_targets = service.through.is_none() && service.discovery.is_none();
        if service.discovery.is_some() {
            service.targets = service.made_up(port_said);
        }
        if let Some(exporter) = service.through.clone() {
            service.asked_through(catalog, &exporter)?;
        } else if let Some(first) = service.targets.first() {
            let (host, port) = parted(first);
            service.host = host.to_string();
            service.runs_on = host.to_string();
            if service.port == 0 {
                service.port = port;
            }
        }
        service.build &= service.image.is_none();
        service.container = matches!(service.runs_on.as_str(), "host" | "compose")
            && (service.build || service.image.is_some());
        if !service.networks.is_empty() && !service.build && service.image.is_none() {
            service.foreign = true;
            if matches!(service.runs_on.as_str(), "host" | "compose") {
                service.host = name.to_string();
            }
            // Known by its name inside of a network of containers, and nowhere else.
            service.runs_on = "compose".to_string();
        }
        // Of URLs' own characters only these are not safe as they are: a shell's tools take them for patterns.
        service.metrics_path = service.metrics_path.replace('[', "%5B").replace(']', "%5D");
        let query;
        (service.path, query) = queried(&service.metrics_path);
        for (name, value) in asked(&service.params) {
            let joined = if service.metrics_path.contains('?') {
                '&'
            } else {
                '?'
            };
            service.metrics_path += &format!("{joined}{name}={value}");
        }
        for (name, values) in query {
            service.params.entry(name).or_default().extend(values);
        }
        let own_health = service.build || !service.health_path.is_empty();
        service.instances = service.placed(own_health && merged_port && own_targets);
        let own_names = service.through.is_none();
        for (instance, own) in service.instances.iter_mut().zip(labelled) {
            instance.labels.extend(own);
            // Whoever calls it otherwise than by where it is asked.
            if let Some(named) = instance.labels.get("instance").filter(|_| own_names) {
                instance.address = named.clone();
            }
        }
        service.target_labels = service.of_targets();
        if service.health_path.is_empty() {
            service.health_path = if service.build {
                "/health".to_string()
            } else {
                service.metrics_path.clone()
            };
        }
        service.own_probe = service.tls.is_some() || service.auth.is_some();
        let path = |one: &Instance| match service.through {
            Some(_) => one.path.clone(),
            None => service.health_path.clone(),
        };
        service.health_urls = service
            .instances
            .iter()
            .map(|one| format!("{}://{}{}", service.scheme, one.health, path(one)))
            .collect();
        if !own_targets {
            // What is found is not known here, and what an exporter answers is no health of its targets.
            service.health_probe = false;
        }
        if service.scrape_timeout == Duration::default() {
            service.scrape_timeout = service.scrape_interval.min(Duration(10_000));
        }
        Ok(service)
    }

    /// What its runtime and its profiles say of it.
    /// What is the same for all of one kind is kept once, in `shared`.
    pub(super) fn profiled(&mut self, profiles: &Profiles, shared: &mut Shared) {
        let kind = (self.runtime.clone(), self.profiles.clone());
        let said = shared
            .entry(kind)
            .or_insert_with(|| self.said(profiles))
            .clone();
        self.roles = said.roles;
        self.exposes = said.exposes;
        self.read = said.read;
        self.hands_on = said.hands_on;
        self.own_profiles = said.own;
        let known = self.profiles.iter();
        let mut known = known.filter_map(|name| profiles.get(name));
        self.application = (!self.exporter() || self.build)
            && self.through.is_none()
            && !known.any(|profile| profile.program);
        let Some(runtime) = profiles.runtime(&self.runtime) else {
            return;
        };
        self.memory_metrics.clone_from(&runtime.memory);
        let asks = match self.scheme.as_str() {
            "https" => &runtime.health_check_tls,
            _ => &runtime.health_check,
        };
        let address = self.instances.first().map(|one| parted(&one.health));
        let port = address.map_or(self.port, |(_, port)| port);
        let url = format!("{}://127.0.0.1:{port}{}", self.scheme, self.health_path);
        self.health_check = asks
            .iter()
            .map(|word| word.replace("{url}", &url))
            .collect();
    }

    /// Whether labels arrive from it that are not those of its target, or with names that are.
    pub(super) fn hands_its_own(&self) -> bool {
        self.honor_labels || !self.hands_on.is_empty()
    }

    /// What a service says of itself with its runtime and its profiles.
    fn said(&self, profiles: &Profiles) -> Said {
        let mut exposes: Vec<String> = Vec::new();
        let named = std::iter::once(&self.runtime).chain(&self.profiles);
        for name in named.map(|name| profiles.first_name(name)) {
            if !exposes.iter().any(|known| known == name) {
                exposes.push(name.to_string());
            }
        }
        let roles = profiles.roles(&self.runtime, &self.profiles);
        let panels = exposes.iter().filter_map(|name| profiles.get(name));
        let panels = panels.flat_map(|profile| profile.panels.iter().cloned());
        let read = roles.values().map(|role| role.metric.clone());
        let handing = |name: &&String| {
            let known = profiles.get(name);
            known.is_some_and(|profile| !profile.hands_on.is_empty())
        };
        let hands = self.profiles.iter().any(|name| handing(&name));
        let own = self.profiles.iter().filter(|name| !hands || handing(name));
        let known = self.profiles.iter().filter_map(|name| profiles.get(name));
        Said {
            read: Arc::new(read.chain(panels).collect()),
            own: Arc::new(own.chain([&self.runtime]).cloned().collect()),
            hands_on: Arc::new(known.flat_map(|profile| profile.hands_on.clone()).collect()),
            roles: Arc::new(roles),
            exposes: Arc::new(exposes),
        }
    }

    /// Where each of its instances is. `own_health`: health is asked at its port, and not where the metrics are.
    fn placed(&self, own_health: bool) -> Vec<Instance> {
        let instance = |host: &str, address: String| {
            let asked = self
                .exporter_address
                .clone()
                .unwrap_or_else(|| address.clone());
            let joined = match self.metrics_path.contains('?') {
                true => '&',
                false => '?',
            };
            Instance {
                health: if own_health {
                    format!("{host}:{}", self.port)
                } else {
                    asked.clone()
                },
                path: match self.through {
                    Some(_) => format!("{}{joined}target={}", self.metrics_path, encoded(&address)),
                    None => self.metrics_path.clone(),
                },
                address,
                asked,
                labels: self.labels.clone(),
            }
        };
        if self.targets.is_empty() {
            let port = self.metrics_port.unwrap_or(self.port);
            return vec![instance(&self.host, format!("{}:{port}", self.host))];
        }
        let placed = self.targets.iter();
        let mut placed: Vec<Instance> = placed
            .map(|target| instance(parted(target).0, target.clone()))
            .collect();
        let found = self.discovery.iter().flat_map(|said| said.labels.keys());
        for label in found {
            for (at, one) in placed.iter_mut().enumerate() {
                let made_up = format!("{}-{}", self.name, at + 1);
                match label.as_str() {
                    "instance" => one.address = made_up,
                    label => drop(one.labels.insert(label.to_string(), made_up)),
                }
            }
        }
        placed
    }

    /// Two instances that stand for those that Prometheus finds while it runs.
    fn made_up(&self, port_said: bool) -> Vec<String> {
        let by_scheme = match self.scheme.as_str() {
            "https" => 443,
            _ => 80,
        };
        let port = match port_said {
            true => self.metrics_port.unwrap_or(self.port),
            false => by_scheme,
        };
        let one = |at: usize| match self.through {
            Some(_) => format!("{}-{at}.example", self.name),
            None => format!("{}-{at}.example:{port}", self.name),
        };
        vec![one(1), one(2)]
    }

    /// What Prometheus reads of `discovery`.
    fn found_as_said(&self, catalog: &Value, port_said: bool) -> Option<Value> {
        let said = self.discovery.as_ref()?;
        let contained = catalog["prometheus"]["runs_on"] != "host";
        let output = catalog["platform"]["output"]
            .as_str()
            .unwrap_or("generated");
        let output = output.trim_start_matches("./").trim_end_matches('/');
        let folders = output.split('/').count();
        let port = port_said.then(|| self.metrics_port.unwrap_or(self.port));
        let sections = said.sections(contained, &"../".repeat(folders + 1), port);
        let platforms = sections.entries().any(|(key, _)| key != "dns_sd_configs");
        let moved: BTreeMap<&String, &String> = said
            .labels
            .iter()
            .filter(|(label, found)| label != found)
            .collect();
        Some(json!({
            "words": said.words(),
            "sections": sections,
            "folders": said.folders(),
            "keep": said.keep,
            "drop": said.drop,
            "labels": moved,
            "address": said.address,
            // DNS has been told.
            "port": port.filter(|_| platforms),
        }))
    }

    /// Asks an exporter in place of the targets: where it is, the service is.
    fn asked_through(&mut self, catalog: &Value, exporter: &str) -> serde_json::Result<()> {
        let written = catalog["services"].get(exporter);
        let other = written.filter(|other| other.get("through").is_none());
        if let Some(other) = other.filter(|_| exporter != self.name) {
            let other = Service::resolve(catalog, exporter, other)?;
            let (_, port) = parted(&other.instances[0].asked);
            self.exporter_address = Some(other.instances[0].asked.clone());
            self.host = other.host;
            self.runs_on = other.runs_on;
            self.foreign = other.foreign;
            self.port = port;
        } else {
            let (host, port) = parted(exporter);
            self.exporter_address = Some(exporter.to_string());
            self.host = host.to_string();
            self.runs_on = host.to_string();
            self.port = port;
        }
        self.build = false;
        Ok(())
    }

    /// Where its instances are, for a sentence: host:port of each, or what says so while Prometheus runs.
    pub fn addresses(&self) -> String {
        let through = match &self.exporter_address {
            Some(exporter) => format!(" through {exporter}"),
            None => String::new(),
        };
        let addresses = self.instances.iter().map(|one| one.address.as_str());
        match &self.discovery {
            Some(said) => format!("what is found {}{through}", said.words()),
            None => addresses.collect::<Vec<_>>().join(", ") + &through,
        }
    }

    /// The labels that every target has, which name a service and its group.
    pub(crate) const OF_ALL: [&str; 3] = ["job", "service", "component"];

    /// `instance`, and its own `labels`: label → its values, or a pattern where only DNS knows them.
    fn of_targets(&self) -> BTreeMap<String, Value> {
        let addresses = self.instances.iter().map(|one| one.address.as_str());
        let instance = match self.discovered() {
            true => Value::from(".+"),
            false => addresses.collect(),
        };
        let found = self.discovery.as_ref().map(|said| &said.labels);
        let all = self.instances.iter();
        let labels: BTreeSet<&String> = all.flat_map(|one| one.labels.keys()).collect();
        // What every target has is a finding where a label is called so, and is not replaced by it.
        let labels = labels
            .into_iter()
            .filter(|label| *label != "instance" && !Service::OF_ALL.contains(&label.as_str()));
        let own = labels.map(|label| {
            if found.is_some_and(|found| found.contains_key(label)) {
                return (label.clone(), Value::from(".+"));
            }
            let mut values: Vec<&str> = Vec::new();
            // Of those that do not have it the value is empty, which is no example of it.
            let having = self
                .instances
                .iter()
                .filter_map(|one| one.labels.get(label));
            let lacking = self
                .instances
                .iter()
                .any(|one| !one.labels.contains_key(label));
            for value in having.map(String::as_str).chain(lacking.then_some("")) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            (label.clone(), Value::from(values))
        });
        std::iter::once(("instance".to_string(), instance))
            .chain(own)
            .collect()
    }

    /// Whether Prometheus finds its instances while it runs.
    pub fn discovered(&self) -> bool {
        self.replicas > 1 || self.discovery.is_some()
    }

    /// Labels of its targets of which only Prometheus knows the values.
    pub(crate) fn open_labels(&self) -> impl Iterator<Item = &str> {
        let found = self.discovery.iter();
        let labels = found.clone().flat_map(|said| said.labels.keys());
        let instance = found.map(|_| "instance");
        instance.chain(labels.map(String::as_str))
    }

    /// Whether an exporter that is asked with this query is asked for one of its targets.
    pub fn asks(&self, query: &str) -> bool {
        let target = queried(&format!("?{query}")).1.remove("target");
        let target = target.unwrap_or_default();
        let mut all = self.instances.iter();
        self.through.is_some() && all.any(|one| target.contains(&one.address))
    }

    /// Whether the port is said at which what it finds is asked.
    pub(crate) fn says_port(&self) -> bool {
        let found = self.found.as_ref();
        found.is_some_and(|found| found["port"].is_number())
    }

    /// Whether it is said at which port it is asked.
    pub(crate) fn host_is_known(&self) -> bool {
        self.instances.iter().all(|one| parted(&one.asked).1 > 0)
    }

    /// Whether its name says that it is an exporter.
    pub(crate) fn exporter(&self) -> bool {
        named_exporter(&self.name)
    }
}

fn named_exporter(name: &str) -> bool {
    name == "exporter" || name.ends_with("-exporter") || name.ends_with("_exporter")
}

/// A table of parameters, each with one value or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let written = Map::deserialize(deserializer)?;
    let values = |value: &Value| match value {
        Value::Array(_) => value.texts().map(str::to_string).collect(),
        one => vec![crate::json::plain(one)],
    };
    Ok(written
        .iter()
        .map(|(name, value)| (name.clone(), values(value)))
        .collect())
}

/// A path and its query, decoded: `/a?b=c%2Fd` → `/a` and b = ["c/d"].
fn queried(path: &str) -> (String, BTreeMap<String, Vec<String>>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut params: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        params
            .entry(decoded(name))
            .or_default()
            .push(decoded(value));
    }
    (path.to_string(), params)
}

/// The pairs of a query, encoded.
fn asked(params: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = (String, String)> {
    params
        .iter()
        .flat_map(|(name, values)| values.iter().map(|value| (encoded(name), encoded(value))))
}

/// All but RFC 3986's unreserved characters in their `%` form.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out += &format!("%{other:02X}"),
        }
    }
    out
}

/// `%40` → `@`, `+` → a space, as servers read a query.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The tables whose settings a service takes over, farthest first.
fn layers(service: &str, group: &str) -> [String; 3] {
    [
        "/defaults".to_string(),
        format!("/groups/{}", step(group)),
        format!("/services/{}", step(service)),
    ]
}

/// The key that set a service's setting: in the nearest layer that says it; None: it is the schema's default.
pub fn origin(source: &Source, service: &Service, key: &str) -> Option<String> {
    let nearest = layers(&service.name, &service.group).into_iter().rev();
    let of_all = (key == "scrape_interval").then(|| INTERVAL.to_string());
    nearest
        .map(|layer| format!("{layer}/{key}"))
        .chain(of_all)
        .find(|pointer| source.contains(pointer))
}

/// How often Prometheus scrapes, where it is written: services are then scraped as often unless they say otherwise.
pub(crate) const INTERVAL: &str = "/prometheus/scrape_interval";

/// Fills in how often services are scraped, where Prometheus is told that for all.
pub(super) fn inherit_interval(value: &mut Value, source: &Source) {
    if source.contains(INTERVAL) && !source.contains("/defaults/scrape_interval") {
        value["defaults"]["scrape_interval"] = value["prometheus"]["scrape_interval"].clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_servers_read_it() {
        let (path, params) = queried("/federate?match%5B%5D=up&match%5B%5D=a%2Bb+c&debug");
        assert_eq!(path, "/federate");
        let wanted = [("debug", vec![""]), ("match[]", vec!["up", "a+b c"])];
        assert_eq!(
            params,
            wanted
                .map(|(name, values)| (
                    name.to_string(),
                    values.into_iter().map(str::to_string).collect()
                ))
                .into()
        );
        let written: Vec<String> = asked(&params)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(queried(&format!("/f?{}", written.join("&"))).1, params);
    }
}
