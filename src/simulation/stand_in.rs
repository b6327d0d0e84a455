//! One stand-in service: its counters at this moment, and the text that it exposes.

use super::shape::{Level, Motion, Plan};
use crate::catalog::Service;
use crate::simulation::fault::{Fault, Kind};
use std::fmt::Write;

/// Counters, and when they were last moved.
#[derive(Debug)]
pub struct StandIn {
    plan: Plan,
    runtime: String,
    counts: Vec<Vec<f64>>,
    cpu: f64,
    last: f64,
    phase: f64,
    born: f64,
    scrapes: u64,
}

impl StandIn {
    /// All counters at zero; `born` is the process' start in seconds since 1970.
    pub fn new(service: &Service, plan: Plan, born: f64) -> StandIn {
        let counts = plan
            .motions
            .iter()
            .map(|motion| vec![0.0; motion.shape.labels.len()])
            .collect();
        let phase = f64::from(service.port) * 0.7;
        StandIn {
            plan,
            runtime: service.runtime.clone(),
            counts,
            cpu: 0.5,
            last: 0.0,
            phase,
            born,
            scrapes: 0,
        }
    }

    /// Moves everything on to `now`, in seconds since the start: events pass `speed` times as fast, CPU time does not.
    pub fn move_on(&mut self, now: f64, speed: f64, fault: Option<&Fault>) {
        let passed = (now - self.last).max(0.0);
        self.last = now;
        self.cpu += passed * at(self.plan.cpu, fault, Kind::Cpu);
        let traffic = 1.0 + 0.3 * self.wave(now * speed, 600.0);
        for (motion, counts) in self.plan.motions.iter().zip(&mut self.counts) {
            let hit = concerns(motion, fault);
            let rate = if hit {
                motion.rate.faulty
            } else {
                motion.rate.well
            };
            let failed = if hit {
                motion.failed.faulty
            } else {
                motion.failed.well
            };
            let events = rate * traffic * passed * speed;
            spread(&motion.shape.failed, counts, events, failed);
        }
    }

    fn wave(&self, now: f64, period: f64) -> f64 {
        (now * std::f64::consts::TAU / period + self.phase).sin()
    }

    /// The text of a scrape.
    pub fn expose(&mut self, fault: Option<&Fault>) -> String {
        self.scrapes += 1;
        let backwards =
            fault.is_some_and(|fault| fault.kind == Kind::Reset) && self.scrapes.is_multiple_of(2);
        let scale = if backwards { 0.5 } else { 1.0 };
        let mut out = String::new();
        for (index, motion) in self.plan.motions.iter().enumerate() {
            let missing = fault.filter(|fault| fault.kind == Kind::MetricMissing);
            if missing.is_some_and(|fault| {
                fault
                    .about
                    .as_ref()
                    .map_or(index == 0, |about| *about == motion.shape.metric.key)
            }) {
                continue;
            }
            let metric = &motion.shape.metric;
            heading(&mut out, &metric.name, &metric.r#type, &metric.help);
            for (labels, count) in motion.shape.labels.iter().zip(&self.counts[index]) {
                match metric.r#type.as_str() {
                    "counter" => series(&mut out, &metric.name, labels, (count * scale).floor()),
                    "histogram" => histogram(
                        &mut out,
                        &metric.name,
                        labels,
                        &metric.buckets,
                        (count * scale).floor(),
                    ),
                    _ => series(&mut out, &metric.name, labels, self.gauge(motion)),
                }
            }
        }
        self.process(&mut out, fault, scale);
        out
    }

    /// A gauge that says whether work is under way stands still; others swing.
    fn gauge(&self, motion: &Motion) -> f64 {
        if motion.steady {
            1.0
        } else {
            (motion.rate.well * (1.0 + 0.4 * self.wave(self.last, 300.0))).round()
        }
    }

    /// What a client library of the runtime exposes of itself.
    fn process(&self, out: &mut String, fault: Option<&Fault>, scale: f64) {
        let memory =
            at(self.plan.memory, fault, Kind::Memory) * (1.0 + 0.05 * self.wave(self.last, 300.0));
        let mut one = |name: &str, kind: &str, help: &str, value: f64| {
            heading(out, name, kind, help);
            series(out, name, "", value);
        };
        one(
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory size in bytes.",
            memory.round(),
        );
        one(
            "process_virtual_memory_bytes",
            "gauge",
            "Virtual memory size in bytes.",
            (memory * 3.0).round(),
        );
        one(
            "process_start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            self.born,
        );
        one(
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            self.cpu * scale,
        );
        one(
            "process_open_fds",
            "gauge",
            "Number of open file descriptors.",
            24.0,
        );
        one(
            "process_max_fds",
            "gauge",
            "Maximum number of open file descriptors.",
            1024.0,
        );
        if self.runtime != "go" {
            one(
                "process_cpu_user_seconds_total",
                "counter",
                "Total user CPU time spent in seconds.",
                self.cpu * 0.8 * scale,
            );
            one(
                "process_cpu_system_seconds_total",
                "counter",
                "Total system CPU time spent in seconds.",
                self.cpu * 0.2 * scale,
            );
        }
        match self.runtime.as_str() {
            "go" => one(
                "go_goroutines",
                "gauge",
                "Number of goroutines that currently exist.",
                12.0,
            ),
            "node" => one(
                "nodejs_eventloop_lag_seconds",
                "gauge",
                "Lag of event loop in seconds.",
                0.004,
            ),
            _ => one(
                "python_gc_collections_total",
                "counter",
                "Number of times this generation was collected",
                (self.last * 0.1).floor(),
            ),
        }
    }
}

fn at(level: Level, fault: Option<&Fault>, kind: Kind) -> f64 {
    if fault.is_some_and(|fault| fault.kind == kind) {
        level.faulty
    } else {
        level.well
    }
}

fn concerns(motion: &Motion, fault: Option<&Fault>) -> bool {
    let Some(fault) = fault else { return false };
    motion.concerned.iter().any(|(kind, alert)| {
        *kind == fault.kind && fault.about.as_ref().is_none_or(|about| about == alert)
    })
}

/// Hands events out to series: `share` of them to those that failed, and early series get more than late ones.
fn spread(failed: &[bool], counts: &mut [f64], events: f64, share: f64) {
    let weight = |index: usize| 1.0 / (index + 1) as f64;
    let sum = |wanted: bool| {
        (0..failed.len())
            .filter(|index| failed[*index] == wanted)
            .map(weight)
            .sum::<f64>()
    };
    let (bad, good) = (sum(true), sum(false));
    for (index, count) in counts.iter_mut().enumerate() {
        let part = match (failed[index], bad > 0.0 && good > 0.0) {
            (true, true) => share * weight(index) / bad,
            (false, true) => (1.0 - share) * weight(index) / good,
            _ => weight(index) / (bad + good),
        };
        *count += events * part;
    }
}

fn heading(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP {name} {}\n# TYPE {name} {kind}",
        help.replace('\\', "\\\\")
    );
}

fn series(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = if labels.is_empty() {
        writeln!(out, "{name} {value}")
    } else {
        writeln!(out, "{name}{{{labels}}} {value}")
    };
}

/// Observations fall off exponentially behind the third bucket.
fn histogram(out: &mut String, name: &str, labels: &str, buckets: &[f64], count: f64) {
    let mean = buckets.get(2).or(buckets.last()).copied().unwrap_or(0.1);
    let comma = if labels.is_empty() { "" } else { "," };
    for bound in buckets {
        let below = (count * (1.0 - (-bound / mean).exp())).floor();
        let _ = writeln!(
            out,
            "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {below}"
        );
    }
    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    series(out, &format!("{name}_sum"), labels, count * mean);
    series(out, &format!("{name}_count"), labels, count);
}
