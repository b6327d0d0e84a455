//! While what an alert is silent: maintenance, a deployment, a test of its load.

use super::{Alert, Scope};
use crate::catalog::filters::Filter;
use crate::catalog::profiled::Profiled;
use crate::catalog::{Catalog, Metric, Service};
use crate::value::Value;
use serde::Serialize;

/// `[alerts.NAME] unless`: while a series of a gauge is not 0, the alert is silent for whom that is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unless {
    /// The metric's key.
    pub(crate) metric: String,
    /// Which of its series.
    pub(crate) filter: Filter,
    /// The label by which it names whom it is about; without one that is whoever emits it.
    pub(crate) names: Option<String>,
    /// The labels of the alert that must be the same: of whom it is about, and those of `per` that the metric has too.
    pub(crate) on: Vec<String>,
}

impl Unless {
    /// As `expand` leaves it.
    pub(super) fn of(
        catalog: &Value,
        alert: &Value,
        services: &[Service],
        profiled: &Profiled,
    ) -> Option<Unless> {
        let written = &alert["unless"];
        let metric = written["metric"].as_str()?;
        let names = written["names"].as_str().map(str::to_string);
        let about: Scope = serde::Deserialize::deserialize(&alert["about"]).unwrap_or_default();
        let mut on: Vec<String> = match about {
            Scope::Service => vec!["job".to_string()],
            Scope::Group => vec!["component".to_string()],
            Scope::Platform => Vec::new(),
        };
        let declared = catalog["metrics"][metric]["labels"].as_object();
        let labels = declared.or_else(|| profiled.labels(metric));
        let per = alert["per"].as_array().into_iter().flatten();
        // What something else exposes has the labels of that one's targets.
        let of_target = |label: &str| match profiled.kept(metric) {
            _ if names.is_some() => false,
            Some(kept) => kept.contains(label),
            None => {
                let mut all = services.iter();
                label == "instance" || all.any(|one| one.target_labels.contains_key(label))
            }
        };
        let shared = per.filter_map(Value::as_str);
        let shared = shared.filter(|label| {
            labels.is_some_and(|labels| labels.contains_key(label)) || of_target(label)
        });
        on.extend(shared.map(str::to_string));
        Some(Unless {
            metric: metric.to_string(),
            filter: Filter::of(written),
            names,
            on,
        })
    }

    /// Its metric, its label and its series as one sentence says them.
    pub fn words(&self) -> String {
        let matchers = &self.filter.matchers;
        let picked = match matchers.is_empty() {
            true => String::new(),
            false => format!("{{{matchers}}}"),
        };
        let metric = &self.metric;
        match &self.names {
            None => format!("its `{metric}{picked}` is not 0"),
            Some(label) => format!("`{metric}{picked}` is not 0 for whom its `{label}` names"),
        }
    }
}

impl Alert {
    /// Every metric that the catalog names here: those of its kind, and the one while which it is silent.
    pub(crate) fn named_metrics(&self) -> Vec<(&str, &str, &str)> {
        let silent = self.unless.iter();
        let silent = silent.map(|unless| ("unless", unless.metric.as_str(), "gauge"));
        self.metrics().into_iter().chain(silent).collect()
    }
}

impl Alert {
    /// Whether a part of its rule asks for the metric while which it is silent, and not as its own expression does.
    pub(crate) fn silenced_by(&self, part: &str) -> bool {
        let unless = self.unless.as_ref();
        unless.is_some_and(|unless| {
            let expression = self.expression().unwrap_or_default();
            part.contains(&unless.metric) && !expression.contains(&unless.metric)
        })
    }
}

impl Catalog {
    /// Whether a metric is there to silence alerts, itself or by what a rule records of it: at rest it is 0.
    pub fn silences(&self, metric: &Metric) -> bool {
        let mut silent = self.alerts.iter().filter_map(|alert| alert.unless.as_ref());
        silent.any(|unless| {
            let recorded = self.metric(&unless.metric).map(|known| &known.recorded_of);
            unless.metric == metric.key || recorded.is_some_and(|of| of.contains(&metric.name))
        })
    }

    /// Whether an alert that the metric silences can be silent for a service.
    pub(crate) fn can_silence(&self, unless: &Unless, service: &Service) -> bool {
        let metric = self.metric(&unless.metric);
        metric.is_some_and(|metric| match &unless.names {
            Some(_) => !metric.services.is_empty(),
            None => metric.services.contains(&service.name),
        })
    }
}
