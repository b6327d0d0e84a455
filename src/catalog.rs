//! services.toml as typed data, every default and override applied.

pub mod alerts;
pub mod schema;
pub mod units;

use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
pub use alerts::{Alert, Branch, Override};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
pub use units::{Duration, Size};

/// Everything that the catalog says, in its order.
#[derive(Clone, Debug, Serialize)]
pub struct Catalog {
    /// What the catalog is about.
    pub platform: Platform,
    /// The Prometheus server.
    pub prometheus: Prometheus,
    /// The Alertmanager and its routes.
    pub alertmanager: Alertmanager,
    /// Receiver → its integrations, as written.
    pub receivers: Map<String, Value>,
    /// The blackbox exporter.
    pub blackbox: Map<String, Value>,
    /// The Grafana server.
    pub grafana: Map<String, Value>,
    /// The containers of the services.
    pub compose: Map<String, Value>,
    /// Rows of the overview.
    pub groups: Vec<Group>,
    /// Scrape jobs.
    pub services: Vec<Service>,
    /// The metric contract.
    pub metrics: Vec<Metric>,
    /// Rules.
    pub alerts: Vec<Alert>,
    /// What the services may use.
    pub limits: Limits,
}

/// Every distinct limit, with the services that have it.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// In bytes.
    pub memory: Vec<Limit>,
    /// In cores.
    pub cpu: Vec<Limit>,
}

/// One limit; that of the most services selects all but the others, so that adding one more changes nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// In the unit of its list.
    pub value: f64,
    /// Select only these jobs; empty: all but `except`.
    pub only: Vec<String>,
    /// Select all jobs but these.
    pub except: Vec<String>,
}

/// `[platform]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Platform {
    /// Opens titles.
    pub name: String,
    /// Opens file names and uids.
    pub slug: String,
    /// Every declared metric starts with it and an underscore.
    pub metric_prefix: String,
    /// Where the runbook is read.
    pub runbook_url: String,
}

/// `[prometheus]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Prometheus {
    /// Of jobs without one of their own.
    pub scrape_interval: Duration,
    /// Of rules.
    pub evaluation_interval: Duration,
    /// host:port of each.
    pub alertmanagers: Vec<String>,
    /// host:port at which it scrapes itself.
    pub address: String,
    /// How long samples are kept.
    pub retention: Duration,
    /// Output loads from this version on.
    pub minimum_version: String,
    /// Alerts link there.
    pub external_url: String,
    /// Container image with its tag.
    pub image: String,
}

/// `[alertmanager]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Alertmanager {
    /// Wait of a new group.
    pub group_wait: Duration,
    /// Wait between notifications of a group.
    pub group_interval: Duration,
    /// Wait before a notification is repeated.
    pub repeat_interval: Duration,
    /// Notifications link there.
    pub external_url: String,
    /// Container image with its tag.
    pub image: String,
    /// Severity → receiver.
    pub routes: BTreeMap<String, String>,
}

/// `[groups.KEY]`.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The value of the label `component`.
    pub key: String,
    /// Title of its row.
    pub title: String,
    /// Names of its services.
    pub services: Vec<String>,
}

/// `[services.NAME]` over its group's settings over `[defaults]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Service {
    /// The scrape job, and the label `service`.
    #[serde(default)]
    pub name: String,
    /// The key of its group.
    pub group: String,
    /// TCP port.
    pub port: u16,
    /// What uvicorn runs, where the catalog says so.
    pub app: Option<String>,
    /// Between scrapes.
    pub scrape_interval: Duration,
    /// Of one scrape; the interval, at most 10s, unless the catalog says so.
    #[serde(default)]
    pub scrape_timeout: Duration,
    /// Where metrics are.
    pub metrics_path: String,
    /// Where health is.
    pub health_path: String,
    /// Whether health is probed.
    pub health_probe: bool,
    /// `host`, `compose`, or an address.
    pub runs_on: String,
    /// Host name or address at which Prometheus reaches it.
    #[serde(default)]
    pub host: String,
    /// Which process metrics exist.
    pub runtime: String,
    /// In bytes.
    pub memory_limit: Size,
    /// In cores.
    pub cpu_limit: f64,
    /// Where it differs from an alert.
    #[serde(default, rename(deserialize = "alerts"), skip_serializing)]
    pub overrides: BTreeMap<String, Override>,
}

/// `[metrics.KEY]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Metric {
    /// The name without the prefix.
    #[serde(default)]
    pub key: String,
    /// The whole name.
    #[serde(default)]
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub r#type: String,
    /// What it measures.
    pub help: String,
    /// Label → its values or a pattern, as written.
    #[serde(default)]
    pub labels: Map<String, Value>,
    /// Who emits it.
    #[serde(default)]
    pub services: Vec<String>,
    /// Upper bounds of a histogram.
    #[serde(default)]
    pub buckets: Vec<f64>,
}

/// The tables whose settings a service takes over, farthest first.
pub fn layers(service: &str, group: &str) -> [String; 3] {
    ["/defaults".to_string(), format!("/groups/{}", step(group)), format!("/services/{}", step(service))]
}

/// The key that set a service's setting: in the nearest layer that says it; None: it is the schema's default.
pub fn origin(source: &Source, service: &Service, key: &str) -> Option<String> {
    let nearest = layers(&service.name, &service.group).into_iter().rev();
    nearest.map(|layer| format!("{layer}/{key}")).find(|pointer| source.contains(pointer))
}

impl Catalog {
    /// Reads a source that the schema has looked at. What it refused is left out, so that one mistake does not hide another;
    /// such a catalog is good for lints only.
    pub fn load(source: &Source, refused: &[Diagnostic]) -> Result<Catalog, Box<Diagnostic>> {
        let value = schema::with_defaults(source, refused);
        Catalog::resolve(&value)
            .map_err(|error| Box::new(Diagnostic::error("invalid-value", Place::Key(String::new()), error.to_string()).help("see `monstack schema`")))
    }

    fn resolve(value: &Value) -> serde_json::Result<Catalog> {
        let part = |key: &str| value[key].clone();
        let platform: Platform = serde_json::from_value(part("platform"))?;
        let services = entries(value, "services").map(|(name, written)| service(value, name, written)).collect::<Result<Vec<_>, _>>()?;
        let metrics = entries(value, "metrics").map(|(key, written)| metric(&platform, &services, key, written)).collect::<Result<Vec<_>, _>>()?;
        let groups = entries(value, "groups")
            .map(|(key, written)| Group {
                key: key.clone(),
                title: written["title"].as_str().unwrap_or_default().into(),
                services: services.iter().filter(|service| service.group == *key).map(|service| service.name.clone()).collect(),
            })
            .collect();
        let alerts =
            entries(value, "alerts").map(|(name, written)| Alert::resolve(value, name, written, &services, &metrics)).collect::<Result<Vec<_>, _>>()?;
        let limits = Limits { memory: limits(&services, |service| service.memory_limit.0 as f64), cpu: limits(&services, |service| service.cpu_limit) };
        Ok(Catalog {
            limits,
            platform,
            prometheus: serde_json::from_value(part("prometheus"))?,
            alertmanager: serde_json::from_value(part("alertmanager"))?,
            receivers: serde_json::from_value(part("receivers"))?,
            blackbox: serde_json::from_value(part("blackbox"))?,
            grafana: serde_json::from_value(part("grafana"))?,
            compose: serde_json::from_value(part("compose"))?,
            groups,
            services,
            metrics,
            alerts,
        })
    }

    /// A service by name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// A declared metric by its name without the prefix.
    pub fn metric(&self, key: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.key == key)
    }
}

/// `TooManyErrors` → `too_many_errors`, `TLSCertificateExpired` → `tls_certificate_expired`.
pub fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        let after_lower = index > 0 && !chars[index - 1].is_uppercase();
        let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && index > 0 && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out.replace('-', "_")
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value[key].as_object().into_iter().flatten()
}

/// Layers merged as JSON, so that a new setting is one line in the schema and one field here.
fn service(catalog: &Value, name: &str, written: &Value) -> serde_json::Result<Service> {
    let group = written["group"].as_str().unwrap_or_default();
    let mut merged = Map::new();
    for layer in layers(name, group) {
        for (key, value) in catalog.pointer(&layer).and_then(Value::as_object).into_iter().flatten() {
            merged.insert(key.clone(), value.clone());
        }
    }
    let mut service: Service = serde_json::from_value(Value::Object(merged))?;
    service.name = name.to_string();
    service.host = match service.runs_on.as_str() {
        "host" => "host.docker.internal".to_string(),
        "compose" => name.to_string(),
        address => address.to_string(),
    };
    if service.scrape_timeout == Duration::default() {
        service.scrape_timeout = service.scrape_interval.min(Duration(10_000));
    }
    Ok(service)
}

fn limits(services: &[Service], of: impl Fn(&Service) -> f64) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    for service in services {
        let (value, name) = (of(service), service.name.clone());
        match limits.iter_mut().find(|limit| limit.value == value) {
            Some(limit) => limit.only.push(name),
            None => limits.push(Limit { value, only: vec![name], except: Vec::new() }),
        }
    }
    limits.sort_by_key(|limit| std::cmp::Reverse(limit.only.len()));
    let except = limits.iter().skip(1).flat_map(|limit| limit.only.clone()).collect();
    if let Some(commonest) = limits.first_mut() {
        *commonest = Limit { only: Vec::new(), except, ..commonest.clone() };
    }
    limits
}

fn metric(platform: &Platform, services: &[Service], key: &str, written: &Value) -> serde_json::Result<Metric> {
    let mut metric: Metric = serde_json::from_value(written.clone())?;
    metric.key = key.to_string();
    metric.name = format!("{}_{key}", platform.metric_prefix);
    if metric.services.is_empty() {
        metric.services = services.iter().map(|service| service.name.clone()).collect();
    }
    Ok(metric)
}
