//! A service with the settings of its group and of all services filled in.

use super::{Duration, Size};
use crate::json::Parts;
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
    /// `http` or `https`.
    pub scheme: String,
    /// Where metrics are, with the query that the service wants, if any.
    pub metrics_path: String,
    /// The same without the query.
    #[serde(default)]
    pub path: String,
    /// The query: name → values, decoded.
    #[serde(default)]
    pub params: BTreeMap<String, Vec<String>>,
    /// Where health is; of what is not built here and says nothing else, the metrics' path: an exporter has no other.
    #[serde(default)]
    pub health_path: String,
    pub health_probe: bool,
    /// `host`, `compose`, or an address.
    pub runs_on: String,
    /// Host name or address at which Prometheus reaches it, as a URL has it: IPv6 in brackets.
    #[serde(default)]
    pub host: String,
    /// Whether its image is built from the user's Dockerfile; unless the catalog says so, what is named as an exporter is not.
    pub build: bool,
    /// An image that somebody else has built, with its tag.
    pub image: Option<String>,
    /// Whether the compose file starts it; what it does not start is only scraped.
    #[serde(default)]
    pub container: bool,
    pub runtime: String,
    /// In bytes.
    pub memory_limit: Size,
    /// In cores.
    pub cpu_limit: f64,
    /// Where it differs from an alert.
    #[serde(default, rename(deserialize = "alerts"), skip_serializing)]
    pub overrides: BTreeMap<String, Override>,
}

/// `[services.NAME.alerts.ALERT]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Another threshold.
    pub above: Option<f64>,
    pub window: Option<Duration>,
    /// Another time before it fires.
    pub r#for: Option<Duration>,
    pub severity: Option<String>,
    /// False: not covered.
    pub enabled: Option<bool>,
    /// Why it differs.
    #[allow(dead_code)]
    pub reason: Option<String>,
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
        for layer in layers(name, group) {
            for (key, value) in catalog.pointer(&layer).into_iter().flat_map(Parts::entries) {
                merged.insert(key.clone(), value.clone());
            }
        }
        let own = !named_exporter(name) || merged.contains_key("app");
        merged.entry("build").or_insert(own.into());
        let mut service: Service = serde_json::from_value(Value::Object(merged))?;
        service.name = name.to_string();
        service.host = match service.runs_on.as_str() {
            "host" => "host.docker.internal".to_string(),
            "compose" => name.to_string(),
            address => in_url(address),
        };
        service.build &= service.image.is_none();
        service.container = matches!(service.runs_on.as_str(), "host" | "compose")
            && (service.build || service.image.is_some());
        // Of URLs' own characters only these are not safe as they are: a shell's tools take them for patterns.
        service.metrics_path = service.metrics_path.replace('[', "%5B").replace(']', "%5D");
        (service.path, service.params) = queried(&service.metrics_path);
        if service.health_path.is_empty() {
            service.health_path = if service.build {
                "/health".to_string()
            } else {
                service.metrics_path.clone()
            };
        }
        if service.scrape_timeout == Duration::default() {
            service.scrape_timeout = service.scrape_interval.min(Duration(10_000));
        }
        Ok(service)
    }

    /// Whether its name says that it is an exporter.
    pub(crate) fn exporter(&self) -> bool {
        named_exporter(&self.name)
    }
}

fn named_exporter(name: &str) -> bool {
    name == "exporter" || name.ends_with("-exporter") || name.ends_with("_exporter")
}

/// An IPv6 address, with or without brackets, in the one way that everybody writes it; None: it is something else.
pub fn ipv6(address: &str) -> Option<std::net::Ipv6Addr> {
    address
        .strip_prefix('[')
        .map_or(Some(address), |rest| rest.strip_suffix(']'))?
        .parse()
        .ok()
}

/// A host as URLs and `host:port` have it.
fn in_url(address: &str) -> String {
    ipv6(address).map_or_else(|| address.to_string(), |address| format!("[{address}]"))
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

/// `%40` → `@`, `+` → a space, as servers read a query.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The tables whose settings a service takes over, farthest first.
pub fn layers(service: &str, group: &str) -> [String; 3] {
    [
        "/defaults".to_string(),
        format!("/groups/{}", step(group)),
        format!("/services/{}", step(service)),
    ]
}

/// The key that set a service's setting: in the nearest layer that says it; None: it is the schema's default.
pub fn origin(source: &Source, service: &Service, key: &str) -> Option<String> {
    let nearest = layers(&service.name, &service.group).into_iter().rev();
    nearest
        .map(|layer| format!("{layer}/{key}"))
        .find(|pointer| source.contains(pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_in_one_way() {
        for written in ["fd00::1", "[fd00::1]", "FD00:0:0::1", "[fd00:0000::0001]"] {
            assert_eq!(in_url(written), "[fd00::1]", "{written}");
        }
        for other in ["10.0.0.5", "db.example.org", "fe80::1%eth0"] {
            assert_eq!(in_url(other), other);
        }
    }

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
    }
}
