//! What a stand-in exposes and how it moves: fixed once from the catalog, so that a thousand services share their texts.

use super::words;
use crate::catalog::{Alert, Catalog, Metric, Service};
use crate::simulation::fault::{Fault, Kind};
use std::collections::HashMap;
use std::sync::Arc;

/// Series of one metric; more label sets than this are thinned out, each value kept.
const SERIES_LIMIT: usize = 500;

/// Requests, attempts, steps: events a second of a counter that nothing says more about.
const TRAFFIC: f64 = 20.0;

/// A declared metric and its label sets, shared by every service that emits it.
#[derive(Debug)]
pub struct Shape {
    /// As declared.
    pub metric: Metric,
    /// `a="b",c="d"` of each series.
    pub labels: Vec<String>,
    /// Whether a series counts requests answered with 5xx.
    pub failed: Vec<bool>,
}

impl Shape {
    fn new(metric: &Metric) -> Shape {
        let choices: Vec<(&String, Vec<String>)> = metric
            .labels
            .iter()
            .map(|(label, declared)| (label, words::values(label, declared)))
            .collect();
        let all: usize = choices.iter().map(|(_, values)| values.len()).product();
        let longest = choices
            .iter()
            .map(|(_, values)| values.len())
            .max()
            .unwrap_or(1);
        let whole = all <= SERIES_LIMIT;
        let mut shape = Shape {
            metric: metric.clone(),
            labels: Vec::new(),
            failed: Vec::new(),
        };
        for index in 0..if whole { all } else { longest } {
            let mut rest = index;
            let mut texts = Vec::new();
            let mut failed = false;
            for (label, values) in &choices {
                let value = &values[if whole {
                    rest % values.len()
                } else {
                    index % values.len()
                }];
                rest /= values.len();
                failed |= label.as_str() == "status" && value.len() == 3 && value.starts_with('5');
                texts.push(format!(
                    "{label}=\"{}\"",
                    value
                        .replace('\\', "\\\\")
                        .replace('"', "\\\"")
                        .replace('\n', "\\n")
                ));
            }
            shape.labels.push(texts.join(","));
            shape.failed.push(failed);
        }
        shape
    }
}

/// A value while the service is well, and while the fault that concerns it is on.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// Trips nothing.
    pub well: f64,
    /// Trips every alert of its kind.
    pub faulty: f64,
}

/// How one metric of one service moves.
#[derive(Clone, Debug)]
pub struct Motion {
    /// What is printed.
    pub shape: Arc<Shape>,
    /// Events a second over all series; the value of a gauge.
    pub rate: Level,
    /// The share of events that fall to 5xx series.
    pub failed: Level,
    /// A gauge that says that work is under way.
    pub steady: bool,
    /// The kind and alerts whose fault changes the rate or the share.
    pub concerned: Vec<(Kind, String)>,
}

/// One service's metrics.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Declared metrics.
    pub motions: Vec<Motion>,
    /// Resident bytes.
    pub memory: Level,
    /// Cores in use.
    pub cpu: Level,
}

/// A plan for each service, in the same order.
pub fn plans(catalog: &Catalog, services: &[&Service]) -> Vec<Plan> {
    let shapes: HashMap<&str, Arc<Shape>> = catalog
        .metrics
        .iter()
        .map(|metric| (metric.key.as_str(), Arc::new(Shape::new(metric))))
        .collect();
    services
        .iter()
        .map(|service| plan(catalog, service, &shapes))
        .collect()
}

fn plan(catalog: &Catalog, service: &Service, shapes: &HashMap<&str, Arc<Shape>>) -> Plan {
    let emitted = catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name));
    let memory = share(
        &alerts(catalog, service, "memory_ratio"),
        service,
        0.45,
        1.5,
    );
    let cpu = share(&alerts(catalog, service, "cpu_ratio"), service, 0.25, 2.0);
    let limit = service.memory_limit.0 as f64;
    Plan {
        motions: emitted
            .map(|metric| {
                motion(
                    catalog,
                    service,
                    metric,
                    shapes[metric.key.as_str()].clone(),
                )
            })
            .collect(),
        memory: Level {
            well: memory.well * limit,
            faulty: memory.faulty * limit,
        },
        cpu: Level {
            well: cpu.well * service.cpu_limit,
            faulty: cpu.faulty * service.cpu_limit,
        },
    }
}

/// Alerts of a kind that cover a service.
fn alerts<'a>(catalog: &'a Catalog, service: &Service, kind: &str) -> Vec<&'a Alert> {
    catalog
        .alerts
        .iter()
        .filter(|alert| alert.kind.name == kind && alert.covers_service(&service.name))
        .collect()
}

/// The thresholds of these alerts for a service, lowest and highest.
fn thresholds(alerts: &[&Alert], service: &Service) -> (f64, f64) {
    let own = |alert: &&Alert| {
        alert
            .branch_of(&service.name)
            .and_then(|branch| branch.above)
    };
    let all = alerts.iter().filter_map(own);
    all.fold((0.8, 0.0), |(low, high), above| {
        (f64::min(low, above), f64::max(high, above))
    })
}

/// A part of the lowest threshold while well, a multiple of the highest while faulty.
fn share(alerts: &[&Alert], service: &Service, part: f64, multiple: f64) -> Level {
    let (low, high) = thresholds(alerts, service);
    Level {
        well: part * low,
        faulty: multiple * high.max(low),
    }
}

/// A tenth of the lowest threshold while well; while faulty, well above the highest and still a share.
fn failing(alerts: &[&Alert], service: &Service) -> Level {
    let (low, high) = thresholds(alerts, service);
    Level {
        well: 0.1 * low,
        faulty: high + 0.7 * (1.0 - high),
    }
}

fn motion(catalog: &Catalog, service: &Service, metric: &Metric, shape: Arc<Shape>) -> Motion {
    let reads = |alert: &&Alert, key: &str| {
        alert.settings.get(key).and_then(|value| value.as_str()) == Some(metric.key.as_str())
    };
    let of = |kind: &str, key: &str| -> Vec<&Alert> {
        alerts(catalog, service, kind)
            .into_iter()
            .filter(|alert| reads(alert, key))
            .collect()
    };
    let (errors, progress) = (of("ratio", "errors"), of("stalled", "progress"));
    let (requests, active) = (of("error_ratio", "requests"), of("stalled", "active"));
    let mut rate = Level {
        well: usual(metric),
        faulty: usual(metric),
    };
    if !errors.is_empty() {
        let share = failing(&errors, service);
        rate = Level {
            well: TRAFFIC * share.well,
            faulty: TRAFFIC * share.faulty,
        };
    }
    if !progress.is_empty() {
        rate.faulty = 0.0;
    }
    let concerned = [&errors, &progress, &requests]
        .into_iter()
        .flatten()
        .filter_map(|alert| Some((Fault::of(alert)?.kind, alert.name.clone())));
    Motion {
        rate,
        steady: !active.is_empty(),
        failed: failing(&requests, service),
        concerned: concerned.collect(),
        shape,
    }
}

/// Errors are rare, traffic is not.
fn usual(metric: &Metric) -> f64 {
    let rare = ["error", "exception", "fail", "timeout", "dropped", "retr"]
        .iter()
        .any(|word| metric.key.contains(word))
        && !metric.key.contains("retriev");
    if rare && metric.r#type == "counter" {
        TRAFFIC / 400.0
    } else {
        TRAFFIC
    }
}
