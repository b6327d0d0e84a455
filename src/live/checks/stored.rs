//! What Prometheus has of what the services expose: a scrape can succeed and its samples be dropped.

use super::{CheckContext, first};
use crate::catalog::{Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::endpoint::Refusal;
use crate::live::exposed::{Series, cannot_fire, readers, sample_names};
use crate::live::prometheus::query;
use crate::value::Value;
use std::cell::OnceCell;
use std::collections::HashMap;

/// Of each declared metric what a service exposes.
pub(crate) type Exposed<'a> = Vec<Series<'a>>;

/// Job and name → series that Prometheus has of it now.
pub(crate) struct Stored {
    series: HashMap<(String, String), f64>,
    /// Why samples were dropped lately, asked for when some are lost.
    causes: OnceCell<Vec<&'static str>>,
}

/// Prometheus' counters of samples that it dropped, with what was wrong with them.
/// https://github.com/prometheus/prometheus/blob/main/scrape/metrics.go
const DROPPED: [(&str, &str); 5] = [
    (
        "prometheus_target_scrapes_sample_out_of_order_total",
        "out of order: the service writes timestamps, or two targets expose the same series",
    ),
    (
        "prometheus_target_scrapes_sample_out_of_bounds_total",
        "too old or too new: the service writes timestamps, or its clock is wrong",
    ),
    (
        "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        "a second value at the same time: a series is exposed twice",
    ),
    (
        "prometheus_target_scrapes_exceeded_sample_limit_total",
        "more than `sample_limit` allows",
    ),
    (
        "prometheus_target_scrape_pool_exceeded_label_limits_total",
        "labels beyond a limit",
    ),
];

/// Beside the names of series, and none that a service may have: whether the last scrape of any instance succeeded.
const SCRAPED: &str = ":scraped";

impl Stored {
    /// Of one service, or of all.
    pub(crate) fn ask(context: &CheckContext, service: Option<&str>) -> Result<Stored, Refusal> {
        let emitted = |metric: &&Metric| {
            service.is_none_or(|service| metric.services.iter().any(|name| name == service))
        };
        let metrics = context.catalog.exposed().filter(emitted);
        let names: Vec<String> = metrics.flat_map(stored_names).collect();
        if names.is_empty() {
            return Ok(Stored::of(HashMap::new()));
        }
        // What is pushed keeps its own job where its service lets it.
        let mut services = context.catalog.services.iter();
        let tells = match services.any(|service| service.honor_labels) {
            true => "service",
            false => "job",
        };
        let job = service.map_or(String::new(), |service| format!("{tells}={service:?}"));
        // In one question: between two a scrape can fail, and its series are gone.
        let asked = format!(
            "count by ({tells}, __name__) ({{__name__=~\"{}\",{job}}}) or label_replace(max by ({tells}) (up{{{job}}}), \"__name__\", \"{SCRAPED}\", \"\", \"\")",
            names.join("|")
        );
        let series = query(&context.prometheus, &context.client, &asked)?;
        let label =
            |one: &Value, name: &str| one["metric"][name].as_str().unwrap_or_default().to_string();
        let count = |one: &Value| one["value"][1].as_str()?.parse().ok();
        let found = series
            .iter()
            .filter_map(|one| Some(((label(one, tells), label(one, "__name__")), count(one)?)));
        Ok(Stored::of(found.collect()))
    }

    fn of(series: HashMap<(String, String), f64>) -> Stored {
        Stored {
            series,
            causes: OnceCell::new(),
        }
    }

    /// Declared metrics of which Prometheus has nothing from the service.
    pub(crate) fn missing<'a>(
        &self,
        context: &CheckContext<'a>,
        service: &Service,
    ) -> Vec<&'a Metric> {
        let there = |name: String| self.series.contains_key(&(service.name.clone(), name));
        let metrics = context.catalog.exposed();
        metrics
            .filter(|metric| metric.services.contains(&service.name))
            .filter(|metric| !stored_names(metric).into_iter().any(there))
            .collect()
    }

    /// What the service exposes and Prometheus has not stored, or only in part; where the last scrape failed, that is not why.
    pub(crate) fn lost(
        &self,
        context: &CheckContext,
        service: &Service,
        exposed: &Exposed,
    ) -> Vec<Diagnostic> {
        let scraped = self
            .series
            .get(&(service.name.clone(), SCRAPED.to_string()));
        if scraped == Some(&0.0) {
            return Vec::new();
        }
        let mut lost = Vec::new();
        let mut blind: Vec<&str> = Vec::new();
        let mut found = Vec::new();
        for Series {
            metric,
            name,
            count,
            ..
        } in exposed
        {
            let key = (service.name.clone(), name.clone());
            let there = self.series.get(&key).copied().unwrap_or(0.0);
            // Some series more or less come and go between the two looks; half of them do not.
            if there * 2.0 >= *count as f64 {
                continue;
            }
            let whole = (service.name.clone(), metric.name.clone());
            if metric.whole {
                // As text each part of it is a series; Prometheus is given it otherwise.
                if name.ends_with("_count") && !self.series.contains_key(&whole) {
                    found.push(in_parts(service, metric));
                }
                continue;
            }
            if metric.r#type == "histogram" && self.series.contains_key(&whole) {
                found.push(native(service, metric));
                continue;
            }
            lost.push(format!("{there} of {count} series of {name}"));
            for alert in readers(context.catalog, service, metric) {
                if !blind.contains(&alert) {
                    blind.push(alert);
                }
            }
        }
        if lost.is_empty() {
            return found;
        }
        let message = format!(
            "{}: it exposes more than Prometheus has: {}{}",
            service.name,
            first(&lost, 3),
            cannot_fire(blind)
        );
        let causes = self.causes.get_or_init(|| causes(context));
        let help = match causes.is_empty() {
            true => format!(
                "if it was exposed just now, wait {}; else look at what the job's `metric_relabel_configs` drop, and at Prometheus' log",
                service.scrape_interval
            ),
            false => format!(
                "Prometheus has dropped samples lately: {}",
                causes.join("; ")
            ),
        };
        let place = Place::Key(format!("/services/{}", service.name));
        found.push(Diagnostic::error("samples-dropped", place, message).help(help));
        found
    }
}

/// Names under which Prometheus can have a metric: a native histogram has that of the metric itself.
fn stored_names(metric: &Metric) -> Vec<String> {
    if metric.whole {
        return vec![metric.name.clone()];
    }
    let mut names = sample_names(metric);
    if metric.r#type == "histogram" {
        names.push(metric.name.clone());
    }
    names
}

/// A native histogram that Prometheus has not as such.
fn in_parts(service: &Service, metric: &Metric) -> Diagnostic {
    let message = format!(
        "{}: Prometheus does not store {} as the native histogram that rules and panels read",
        service.name, metric.name
    );
    let place = Place::Key(format!("/metrics/{}/native", metric.key));
    Diagnostic::error("histogram-buckets", place, message).help("does Prometheus run with the configuration of this catalog (before 3.8 with the flag `--enable-feature=native-histograms`), and does the service write the histogram so when it is asked for Prometheus' protobuf? If it writes buckets alone, declare those in place of `native`")
}

/// A histogram that Prometheus has, and not as the rules read it.
fn native(service: &Service, metric: &Metric) -> Diagnostic {
    let message = format!(
        "{}: Prometheus stores {} as a native histogram, without the buckets that rules and panels read",
        service.name, metric.name
    );
    let place = Place::Key(format!("/metrics/{}", metric.key));
    Diagnostic::error("histogram-buckets", place, message).help("let Prometheus keep the classic buckets too, `always_scrape_classic_histograms: true` in its job (before version 3 `scrape_classic_histograms`), or run it without native histograms")
}

/// Why samples were dropped in the last minutes, of whichever target.
fn causes(context: &CheckContext) -> Vec<&'static str> {
    let grew = |counter: &str| {
        let asked = format!("sum(increase({counter}[10m])) > 0");
        query(&context.prometheus, &context.client, &asked).is_ok_and(|found| !found.is_empty())
    };
    let found = DROPPED.iter().filter(|(counter, _)| grew(counter));
    found.map(|(_, why)| *why).collect()
}
