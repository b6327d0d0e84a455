//! The metric contract: what the services declare to emit.

use super::{Platform, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `[metrics.KEY]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Metric {
    /// The name without the prefix.
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub r#type: String,
    pub help: String,
    /// Label → its values or a pattern, as written.
    #[serde(default)]
    pub labels: Map<String, Value>,
    #[serde(default)]
    pub services: Vec<String>,
    /// Upper bounds of a histogram.
    #[serde(default)]
    pub buckets: Vec<f64>,
}

impl Metric {
    pub(super) fn resolve(
        platform: &Platform,
        services: &[Service],
        key: &str,
        written: &Value,
    ) -> serde_json::Result<Metric> {
        let mut metric: Metric = serde_json::from_value(written.clone())?;
        metric.key = key.to_string();
        metric.name = format!("{}_{key}", platform.metric_prefix);
        if metric.services.is_empty() {
            metric.services = services
                .iter()
                .map(|service| service.name.clone())
                .collect();
        }
        Ok(metric)
    }
}
