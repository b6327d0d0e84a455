//! services.toml as typed data, every default and override applied.

pub mod alerts;
mod limits;
mod metrics;
pub mod schema;
mod services;
pub mod units;

use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
pub use alerts::{Alert, Branch, Override};
pub use limits::{Limit, Limits};
pub use metrics::Metric;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub use services::{Service, layers, origin};
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
    /// The folder of everything generated, under the root.
    pub output: String,
    /// The way back from that folder to the root: `..`, or more of them.
    #[serde(skip_deserializing)]
    pub root: String,
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
        let mut platform: Platform = serde_json::from_value(part("platform"))?;
        platform.output = platform.output.trim_start_matches("./").trim_end_matches('/').to_string();
        platform.root = vec![".."; platform.output.split('/').count()].join("/");
        let services = entries(value, "services").map(|(name, written)| Service::resolve(value, name, written)).collect::<Result<Vec<_>, _>>()?;
        let metrics = entries(value, "metrics").map(|(key, written)| Metric::resolve(&platform, &services, key, written)).collect::<Result<Vec<_>, _>>()?;
        let groups = entries(value, "groups")
            .map(|(key, written)| Group {
                key: key.clone(),
                title: written["title"].as_str().unwrap_or_default().into(),
                services: services.iter().filter(|service| service.group == *key).map(|service| service.name.clone()).collect(),
            })
            .collect();
        let alerts =
            entries(value, "alerts").map(|(name, written)| Alert::resolve(value, name, written, &services, &metrics)).collect::<Result<Vec<_>, _>>()?;
        let mut compose: Map<String, Value> = serde_json::from_value(part("compose"))?;
        compose.entry("build_context").or_insert_with(|| platform.root.clone().into());
        Ok(Catalog {
            limits: Limits::of(&services),
            platform,
            prometheus: serde_json::from_value(part("prometheus"))?,
            alertmanager: serde_json::from_value(part("alertmanager"))?,
            receivers: serde_json::from_value(part("receivers"))?,
            blackbox: serde_json::from_value(part("blackbox"))?,
            grafana: serde_json::from_value(part("grafana"))?,
            compose,
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
