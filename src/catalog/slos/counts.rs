//! What an objective counts: events, and those of them that fail.

use crate::catalog::Metric;
use crate::catalog::filters::matchers;
use crate::catalog::units::Duration;
use serde::Serialize;
use serde_json::{Map, Value};

/// The metrics of an objective, and how their failures are told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// The counter of failures, or the one that counts them too, by its key.
    pub errors: Option<String>,
    /// The counter of all events, by its key.
    pub total: Option<String>,
    /// Of one counter, the failures: label → its values, or a pattern, as written.
    pub r#where: Map<String, Value>,
    /// The same as matchers of PromQL.
    pub matchers: String,
    /// The histogram of durations, by its key.
    pub latency: Option<String>,
    /// How long an event may take.
    pub below: Option<Duration>,
    /// The same in the unit of the histogram.
    pub bound: Option<f64>,
}

impl Counts {
    /// What is written, as far as it says anything: `slo-counts` reports the rest.
    pub(super) fn of(written: &Value, metrics: &[Metric]) -> Counts {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let (errors, latency) = (&written["errors"], &written["latency"]);
        let filter = errors["where"].as_object().cloned().unwrap_or_default();
        let below = latency["below"].as_str().and_then(Duration::parse);
        let name = latency["metric"].as_str().unwrap_or_default();
        let known = metrics.iter().find(|metric| metric.key == name);
        let scale = known.map_or(1.0, |metric| metric.per_second);
        // Of whole milliseconds exactly.
        let in_unit = |below: Duration| below.0 as f64 * scale / 1000.0;
        Counts {
            errors: text(errors).or_else(|| text(&errors["metric"])),
            total: text(&errors["metric"]).or_else(|| text(&written["total"])),
            matchers: matchers(&filter, "=", "=~"),
            r#where: filter,
            latency: text(&latency["metric"]),
            bound: below.map(in_unit),
            below,
        }
    }

    /// Whether they say what fails, and of how many.
    pub(in crate::catalog) fn are_whole(&self) -> bool {
        let told = self.errors != self.total || !self.r#where.is_empty();
        let of_total = self.errors.is_some() && self.total.is_some() && told;
        of_total || (self.latency.is_some() && self.bound.is_some())
    }

    /// The metrics by their keys, each once.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &str> {
        let second = self
            .total
            .as_ref()
            .filter(|total| self.errors.as_ref() != Some(total));
        let all = [self.errors.as_ref(), second, self.latency.as_ref()];
        all.into_iter().flatten().map(String::as_str)
    }

    /// What the alerts of the kind say of them.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (String, String)> {
        let filter = (!self.matchers.is_empty()).then(|| self.matchers.clone());
        let all = [
            ("errors", self.errors.clone()),
            ("total", self.total.clone()),
            ("where", filter),
            ("latency", self.latency.clone()),
            ("below", self.below.map(|below| below.to_string())),
        ];
        all.into_iter()
            .filter_map(|(key, said)| Some((key.to_string(), said?)))
    }
}
