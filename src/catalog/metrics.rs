//! The metric contract: what the services declare to emit.

use super::{Platform, Service};
use crate::profiles::of_scrapes;
use crate::source::step;
use crate::value::{Map, Value, from_value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that every target has: a metric's own of that name arrives under another.
pub const TAKEN: [&str; 4] = ["job", "instance", "service", "component"];

/// Labels that an alert has from its rule: a target's own of that name would be lost.
pub const OF_ALERTS: [&str; 3] = ["alertname", "alertstate", "severity"];

/// `[metrics.KEY]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Metric {
    /// The name without the prefix.
    #[serde(default)]
    pub key: String,
    /// As Prometheus knows it: with the prefix, or as the catalog spells it out.
    #[serde(default)]
    pub name: String,
    /// Whether the catalog spells it out.
    #[serde(default, skip)]
    pub spelled_out: bool,
    /// `counter`, `gauge`, `histogram` or `summary`.
    pub r#type: String,
    pub help: String,
    /// Label → its values or a pattern, as written.
    #[serde(default)]
    pub labels: Map,
    /// Those of them that the code which counts it writes: what hands it on adds the others.
    #[serde(default, skip_deserializing)]
    pub written: Map,
    /// Who emits it, those of its groups too.
    #[serde(default)]
    pub services: Vec<String>,
    /// As written.
    #[serde(default, skip_serializing)]
    pub groups: Vec<String>,
    /// Upper bounds of a histogram.
    #[serde(default)]
    pub buckets: Vec<f64>,
    /// Whether all buckets of a histogram stand in one sample; with `buckets` beside the series of those.
    #[serde(default)]
    pub native: bool,
    /// Whether it is native and nothing else: its only series has the metric's own name.
    #[serde(default, skip_deserializing)]
    pub whole: bool,
    /// What its values are in, where its name does not say so.
    #[serde(default)]
    pub unit: Option<String>,
    /// How many of what its values are in a second is: 1000 milliseconds; of what is no time, 1.
    #[serde(default, skip_deserializing)]
    pub per_second: f64,
    /// Those that a summary works out itself.
    #[serde(default)]
    pub quantiles: Vec<f64>,
    /// Of requests, the label that says how each was answered → the pattern of errors, where its profile says so.
    #[serde(default, skip_deserializing)]
    pub errors: BTreeMap<String, String>,
    /// The profile that lists it, where the catalog does not declare it.
    #[serde(default, skip_deserializing)]
    pub profile: Option<String>,
    /// The histogram or summary whose events it counts.
    #[serde(default, skip_deserializing)]
    pub counted_of: Option<String>,
    /// Of what a rule of the catalog's own records: which labels of targets its series still have. None: services expose it.
    #[serde(default, skip_deserializing)]
    pub keeps: Option<BTreeSet<String>>,
    /// What services expose of which it is recorded.
    #[serde(default, skip_deserializing)]
    pub recorded_of: Vec<String>,
}

impl Metric {
    pub(super) fn resolve(
        platform: &Platform,
        services: &[Service],
        key: &str,
        written: &Value,
    ) -> serde_json::Result<Metric> {
        let mut metric: Metric = from_value(written)?;
        metric.key = key.to_string();
        metric.spelled_out = !metric.name.is_empty();
        metric.whole = metric.native && metric.buckets.is_empty();
        if !metric.spelled_out {
            metric.name = platform.metric_name(key);
        }
        let everyone = metric.services.is_empty() && metric.groups.is_empty();
        // Where nothing is an application, it is nobody else's.
        let whoever = !services.iter().any(|service| service.application);
        let written = metric.services.len();
        let named = !everyone && metric.groups.is_empty();
        for service in services.iter().filter(|_| !named) {
            let of_group = || {
                metric.groups.contains(&service.group)
                    && !metric.services[..written].contains(&service.name)
            };
            if (everyone && (service.application || whoever)) || of_group() {
                metric.services.push(service.name.clone());
            }
        }
        Ok(metric)
    }

    /// The table that says what it is; of a metric of a profile there is none.
    pub(crate) fn table(&self) -> String {
        let table = match self.keeps {
            Some(_) => "rules",
            None => "metrics",
        };
        format!("/{table}/{}", step(&self.key))
    }

    /// Labels that it has because a service hands it on; of one of the service's own none.
    pub(crate) fn handed_by<'a>(&self, service: &'a Service) -> &'a [String] {
        let own = |profile: &str| {
            of_scrapes(&self.name) || service.own_profiles.iter().any(|own| own == profile)
        };
        match self.profile.as_deref().is_some_and(own) {
            true => &[],
            false => &service.hands_on,
        }
    }

    /// Prometheus' own unit is the second; some client libraries have histograms of milliseconds all the same.
    fn in_a_second(&self) -> f64 {
        let stem = self.name.strip_suffix("_total").unwrap_or(&self.name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| stem.ends_with(ending));
        match self.unit.as_deref() {
            Some("milliseconds") => 1e3,
            Some("microseconds") => 1e6,
            Some("minutes") => 1.0 / 60.0,
            None if ends(&["_milliseconds", "_millis", "_ms"]) => 1e3,
            None if ends(&["_microseconds", "_us"]) => 1e6,
            None if ends(&["_minutes"]) => 1.0 / 60.0,
            _ => 1.0,
        }
    }

    /// Gives it the labels that its series have once they are scraped: those of what is handed on too, and one of a profile
    /// that a target has as well under the name that Prometheus gives it, unless the target's give way.
    /// `handing`: the services of which that is not the target's matter alone.
    pub(super) fn arrive(&mut self, handing: &[&Service]) {
        self.per_second = self.in_a_second();
        if self.keeps.is_some() {
            return;
        }
        let emits = |service: &&&Service| self.services.contains(&service.name);
        let emitters: Vec<&Service> = handing.iter().filter(emits).copied().collect();
        let honored = emitters.iter().any(|service| service.honor_labels);
        let arriving = |label: &str| match TAKEN.contains(&label) && !honored {
            true => format!("exported_{label}"),
            false => label.to_string(),
        };
        if self.profile.is_some() {
            let labels = std::mem::take(&mut self.labels).into_iter();
            let labels = labels.map(|(label, values)| (arriving(&label), values));
            self.labels = labels.collect();
        }
        let all = emitters.len() == self.services.len();
        let of_all = |label: &&String| {
            let mut emitters = emitters.iter();
            all && emitters.all(|service| self.handed_by(service).contains(label))
        };
        let handed = emitters.iter().flat_map(|service| self.handed_by(service));
        let handed: Vec<String> = handed.filter(of_all).map(|label| arriving(label)).collect();
        if self.profile.is_none() {
            self.written = self.labels.clone();
            self.written.retain(|label, _| !handed.contains(label));
        }
        for label in handed {
            self.labels.entry(label).or_insert_with(|| ".+".into());
        }
    }
}
