//! What an objective counts: events, and those of them that fail.

use crate::catalog::Metric;
use crate::catalog::filters::{Filter, matchers};
use crate::catalog::units::Duration;
use crate::value::{Map, Value, json};
use serde::Serialize;
use std::collections::BTreeMap;

/// The metrics of an objective, and how their failures are told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// The counter of failures, or the one that counts them too, by its key.
    pub errors: Option<String>,
    /// The counter of all events, by its key.
    pub total: Option<String>,
    /// Of one counter, the failures: label → its values, or a pattern, as written.
    pub r#where: Map,
    /// The same as matchers of PromQL.
    pub matchers: String,
    /// Which series of `errors`, `total` and `latency` are counted at all, where not all are.
    pub filters: BTreeMap<String, Filter>,
    /// The matchers of all events,
    pub events: String,
    /// and of those that fail.
    pub failures: String,
    /// The histogram of durations, by its key.
    pub latency: Option<String>,
    /// Whether that is a native histogram and nothing else.
    pub native: bool,
    /// How long an event may take.
    pub below: Option<Duration>,
    /// The same in the unit of the histogram.
    pub bound: Option<f64>,
}

/// A metric that is named alone, or in a table with which of its series.
pub fn named(written: &Value) -> Option<&str> {
    written.as_str().or_else(|| written["metric"].as_str())
}

/// Whether failures are some events of one counter; they may have a counter of their own, of which some series count.
pub fn one_counter(written: &Value) -> bool {
    let (errors, total) = (&written["errors"], named(&written["total"]));
    errors.is_object() && total.is_none_or(|total| named(errors) == Some(total))
}

impl Counts {
    /// What is written, as far as it says anything: `slo-counts` reports the rest.
    pub(super) fn of(written: &Value, metrics: &[Metric]) -> Counts {
        let text = |value: &Value| named(value).map(str::to_string);
        let (errors, total, latency) = (&written["errors"], &written["total"], &written["latency"]);
        let below = latency["below"].as_str().and_then(Duration::parse);
        let timed = &latency["metric"];
        let known = named(timed).and_then(|name| metrics.iter().find(|one| one.key == name));
        let scale = known.map_or(1.0, |metric| metric.per_second);
        // Of whole milliseconds exactly.
        let in_unit = |below: Duration| below.0 as f64 * scale / 1000.0;
        let (of_total, of_latency) = (Filter::of(total), Filter::of(timed));
        let mut failing = Map::new();
        let one = one_counter(written);
        if one {
            let asked = errors["where"].entries();
            // What all events have tells no failures.
            let own = asked.filter(|(label, values)| of_total.r#where.get(label) != Some(values));
            failing.extend(own.map(|(label, values)| (label.clone(), values.clone())));
        }
        let matchers = matchers(&failing, "=", "=~");
        let of_errors = match one {
            true if of_total.matchers.is_empty() => Filter::default(),
            true => {
                let mut both = of_total.r#where.clone();
                both.extend(failing.clone());
                Filter::of(&json!({"where": both, "except": of_total.except}))
            }
            false => Filter::of(errors),
        };
        let failures = match of_errors.matchers.as_str() {
            "" => matchers.clone(),
            some => some.to_string(),
        };
        let events = match latency.is_object() {
            true => of_latency.matchers.clone(),
            false => of_total.matchers.clone(),
        };
        let filters = [
            ("errors", of_errors),
            ("total", of_total),
            ("latency", of_latency),
        ];
        let filters = filters
            .into_iter()
            .filter(|(_, filter)| !filter.matchers.is_empty());
        Counts {
            errors: text(errors),
            total: text(total).or_else(|| one_counter(written).then(|| text(errors)).flatten()),
            r#where: failing,
            matchers,
            filters: filters
                .map(|(key, filter)| (key.to_string(), filter))
                .collect(),
            events,
            failures,
            latency: text(timed),
            native: known.is_some_and(|metric| metric.whole),
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

    /// The metric of `errors`, `total` or `latency`.
    pub fn metric(&self, key: &str) -> Option<&str> {
        let metric = match key {
            "errors" => &self.errors,
            "total" => &self.total,
            _ => &self.latency,
        };
        metric.as_deref()
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
    pub fn settings(&self) -> impl Iterator<Item = (String, String)> {
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
