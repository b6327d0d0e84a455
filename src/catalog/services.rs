//! A service with the settings of its group and of all services filled in.

use super::{Duration, Override, Size};
use crate::source::{Source, step};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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

impl Service {
    /// Layers merged as JSON, so that a new setting is one line in the schema and one field here.
    pub(super) fn resolve(catalog: &Value, name: &str, written: &Value) -> serde_json::Result<Service> {
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
