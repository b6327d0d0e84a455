//! One stand-in service: its counters at this moment, and the text that it exposes.

use super::replay::Replay;
use super::shape::Plan;
use super::words;
use crate::catalog::Service;
use crate::profiles::{Profiles, Type};
use crate::simulation::fault::{Fault, Transport};
use std::fmt::Write;
use std::sync::Arc;

/// Counters, and when they were last moved.
#[derive(Debug)]
pub(crate) struct StandIn {
    plan: Arc<Plan>,
    /// Of its runtime and its profiles.
    others: Vec<Other>,
    counts: Vec<Vec<f64>>,
    /// Of a histogram: for each series the events within each of the bounds that a kind says something of.
    within: Vec<Vec<Vec<f64>>>,
    /// Of a histogram or summary: for each series what its events add up to, where a kind says what one is on average.
    sums: Vec<Vec<f64>>,
    cpu: f64,
    last: f64,
    phase: f64,
    born: f64,
    /// When it was made, in seconds since 1970.
    started: f64,
    /// Scrapes since its counters go backwards; 0: they do not.
    turns: u32,
}

/// A series that no catalog declares: as much of what its profile says as is written.
#[derive(Debug)]
struct Other {
    name: String,
    r#type: Type,
    help: String,
    /// What a gauge is.
    usual: f64,
    labels: String,
}

/// So many workers take turns while counters go backwards, each with half of what the one before it has counted. Of any two
/// reads the second is smaller more often than not, however many others read between them: the number is prime.
const WORKERS: u32 = 5;

impl StandIn {
    /// All counters at zero; `born` is the process' start in seconds since 1970.
    pub(crate) fn new(
        service: &Service,
        profiles: &Profiles,
        plan: Arc<Plan>,
        born: f64,
    ) -> StandIn {
        let none = plan.motions.iter();
        let none = none.map(|motion| vec![0.0; motion.shape.labels.len()]);
        let counts: Vec<Vec<f64>> = none.collect();
        // Of most metrics no kind says what their events add up to, or how many are within a bound: a thousand services would keep
        // millions of zeros.
        let sums = plan.motions.iter().zip(&counts);
        let sums = sums.map(|(motion, counts)| match motion.adds_up {
            Some(_) => counts.clone(),
            None => Vec::new(),
        });
        let sums: Vec<Vec<f64>> = sums.collect();
        let within = plan
            .motions
            .iter()
            .map(|motion| match motion.within.len() {
                0 => Vec::new(),
                bounds => vec![vec![0.0; bounds]; motion.shape.labels.len()],
            })
            .collect();
        let mut others: Vec<Other> = Vec::new();
        // Python's is exposed by the generated collector, which adds to it.
        let collector = (service.runtime == "python").then_some("collector");
        let runtime = std::iter::once(service.runtime.as_str()).chain(collector);
        let named = runtime.chain(service.profiles.iter().map(String::as_str));
        let known = named.filter_map(|name| profiles.get(name));
        for (name, about) in known.flat_map(|profile| &profile.metrics) {
            let mut declared = plan.motions.iter().map(|motion| &motion.shape.metric);
            // What is declared, or read as if it were, is moved by its own plan.
            if declared
                .any(|metric| metric.name == *name || metric.counted_of.as_ref() == Some(name))
                || others.iter().any(|known| known.name == *name)
            {
                continue;
            }
            let mut roles = service.roles.values();
            let role = roles.find(|role| role.metric == *name);
            let labels: Vec<String> = about
                .labels
                .iter()
                .filter_map(|(label, domain)| {
                    let chosen = role.and_then(|role| role.r#where.get(label).cloned());
                    let value =
                        chosen.or_else(|| words::values(label, domain).into_iter().next())?;
                    Some(format!("{label}={value:?}"))
                })
                .collect();
            others.push(Other {
                name: name.clone(),
                r#type: about.r#type,
                help: about.help.clone(),
                usual: about.usual.unwrap_or(1.0),
                labels: labels.join(","),
            });
        }
        let phase = f64::from(service.port) * 0.7;
        StandIn {
            plan,
            others,
            sums,
            counts,
            within,
            cpu: 0.5,
            last: 0.0,
            phase,
            born,
            started: born,
            turns: 0,
        }
    }

    /// Moves everything on to `now`, in seconds since the start: events pass `speed` times as fast, what counts seconds does not.
    pub(crate) fn move_on(&mut self, now: f64, speed: f64, fault: Option<&Fault>) {
        let passed = (now - self.last).max(0.0);
        self.last = now;
        self.cpu += passed * self.plan.role("cpu", fault).unwrap_or(0.0);
        self.born += passed * self.plan.role("start", fault).unwrap_or(0.0);
        let traffic = 1.0 + 0.3 * self.wave(now * speed, 600.0);
        let moved = self.counts.iter_mut().zip(&mut self.within);
        let moved = moved.zip(&mut self.sums);
        for (motion, ((counts, within), sums)) in self.plan.motions.iter().zip(moved) {
            let before = counts.clone();
            for (part, level) in &motion.parts {
                if motion.steady {
                    // What a fault has taken is there again when it is over.
                    let by = level.slope(fault);
                    let taken = (0..part.len()).filter(|index| part[*index]);
                    for index in taken {
                        counts[index] = by.map_or(0.0, |by| counts[index] + by * passed);
                    }
                    continue;
                }
                let rate = level.under(fault).unwrap_or(0.0);
                let pace = if level.real_time {
                    1.0
                } else {
                    traffic * speed
                };
                spread(part, counts, rate * pace * passed);
            }
            if let Some(added) = motion.added(fault) {
                spread(&vec![true; sums.len()], sums, added * passed);
            } else {
                let average = motion.average(fault).unwrap_or(0.0);
                for (series, sum) in sums.iter_mut().enumerate() {
                    *sum += average * (counts[series] - before[series]);
                }
            }
            // What is within a bound is within every larger one.
            let mut share = 1.0;
            for (bound, inside) in motion.within.iter().enumerate().rev() {
                share = inside.share(fault).min(share);
                for (series, within) in within.iter_mut().enumerate() {
                    within[bound] += share * (counts[series] - before[series]);
                }
            }
        }
    }

    /// How many of the service's instances do not have a fault.
    pub(crate) fn spares(&self, fault: Option<&Fault>) -> usize {
        fault.map_or(0, |fault| self.plan.spares(fault))
    }

    /// Whether a connection is accepted at all.
    pub(crate) fn up(&self, fault: Option<&Fault>) -> bool {
        !is(fault, Transport::Down) && self.plan.own("up", fault) != Some(0.0)
    }

    /// What the health path says.
    pub(crate) fn healthy(&self, fault: Option<&Fault>) -> bool {
        !is(fault, Transport::HealthFails) && self.plan.own("probe_success", fault) != Some(0.0)
    }

    fn wave(&self, now: f64, period: f64) -> f64 {
        (now * std::f64::consts::TAU / period + self.phase).sin()
    }

    /// Counters begin at zero, as after a restart: what they counted before is no jump then.
    pub(crate) fn begin_anew(&mut self) {
        let counts = self.counts.iter_mut().chain(&mut self.sums);
        counts.flatten().for_each(|count| *count = 0.0);
        let within = self.within.iter_mut().flatten().flatten();
        within.for_each(|count| *count = 0.0);
    }

    /// The text of a scrape, without what a test that is played says otherwise.
    pub(crate) fn expose(&mut self, fault: Option<&Fault>, played: Option<&Replay>) -> String {
        let transport = fault.and_then(Fault::transport);
        let backwards = transport == Some(Transport::Reset);
        let worker = self.turns % WORKERS;
        let scale = if backwards {
            0.5_f64.powi(worker as i32)
        } else {
            1.0
        };
        self.turns = if backwards { self.turns + 1 } else { 0 };
        let now = self.started + self.last;
        let mut out = String::new();
        for (index, motion) in self.plan.motions.iter().enumerate() {
            let missing = fault.filter(|_| transport == Some(Transport::MetricMissing));
            if missing.is_some_and(|fault| {
                fault
                    .about
                    .as_ref()
                    .map_or(index == 0, |about| *about == motion.shape.metric.key)
            }) {
                continue;
            }
            let metric = &motion.shape.metric;
            if played.is_some_and(|replay| replay.replaces(&metric.name)) {
                continue;
            }
            heading(&mut out, &metric.name, &metric.r#type, &metric.help);
            for (series_index, labels) in motion.shape.labels.iter().enumerate() {
                let level = motion.of(series_index).under(fault);
                let Some(level) = level else { continue };
                let count = (self.counts[index][series_index] * scale).floor();
                let sum = self.sums[index].get(series_index);
                let sum = sum.filter(|_| motion.average(None).is_some());
                let sum = sum.map(|sum| sum * scale);
                match metric.r#type.as_str() {
                    "counter" => series(&mut out, &metric.name, labels, count),
                    // As text it has its parts, as any client library writes it; so that it is there at all, a number too.
                    "histogram" => {
                        if metric.whole {
                            series(&mut out, &metric.name, labels, count);
                        }
                        let bounds = motion.within.iter().map(|within| within.bound);
                        let within = self.within[index].get(series_index);
                        let within = within.into_iter().flatten();
                        let known: Vec<(f64, f64)> =
                            bounds.zip(within.map(|within| within * scale)).collect();
                        histogram(
                            &mut out,
                            &metric.name,
                            labels,
                            (&metric.buckets, &known),
                            (count, sum),
                        );
                    }
                    "summary" => {
                        let of = |quantile: &f64| {
                            let said = motion.quantile(*quantile, fault);
                            (*quantile, said.unwrap_or(0.2 * quantile))
                        };
                        let values: Vec<(f64, f64)> = metric.quantiles.iter().map(of).collect();
                        summary(&mut out, &metric.name, labels, &values, (count, sum));
                    }
                    _ if motion.steady => {
                        let value = motion.of(series_index).shown(fault, now);
                        let moved = self.counts[index][series_index];
                        series(
                            &mut out,
                            &metric.name,
                            labels,
                            value.unwrap_or(level) + moved,
                        )
                    }
                    _ => {
                        let swings = 1.0 + 0.4 * self.wave(self.last, 300.0);
                        series(&mut out, &metric.name, labels, (level * swings).round());
                    }
                }
            }
        }
        let others = self.others.iter();
        let others =
            others.filter(|other| !played.is_some_and(|replay| replay.replaces(&other.name)));
        for other in others {
            let (name, labels) = (other.name.as_str(), other.labels.as_str());
            let count = (self.last * 0.1 * scale).floor();
            let of_process = match self.plan.role_of(name) {
                // Under this fault there is none.
                Some(_) if self.plan.own(name, fault).is_none() => continue,
                Some("memory") => self
                    .plan
                    .own(name, fault)
                    .map(|memory| (memory * (1.0 + 0.05 * self.wave(self.last, 300.0))).round()),
                Some("cpu") => Some(self.cpu * scale),
                Some("start") => Some(self.born),
                _ => None,
            };
            if let Some(value) = of_process {
                heading(&mut out, name, other.r#type.word(), &other.help);
                series(&mut out, name, labels, value);
                continue;
            }
            heading(&mut out, name, other.r#type.word(), &other.help);
            match other.r#type {
                Type::Counter => series(&mut out, name, labels, count),
                Type::Gauge | Type::Untyped => series(&mut out, name, labels, other.usual),
                Type::Histogram => {
                    let bounds = (&[0.1, 1.0, 10.0][..], &[][..]);
                    histogram(&mut out, name, labels, bounds, (count, None));
                }
                Type::Summary => {
                    summary(&mut out, name, labels, &[(0.5, 0.1)], (count, None));
                }
            }
        }
        out
    }
}

fn is(fault: Option<&Fault>, transport: Transport) -> bool {
    fault.and_then(Fault::transport) == Some(transport)
}

/// Hands events out to the series of a part: early ones get more than late ones.
fn spread(part: &[bool], counts: &mut [f64], events: f64) {
    let weight = |index: usize| 1.0 / (index + 1) as f64;
    let taken = || (0..part.len()).filter(|index| part[*index]);
    let sum: f64 = taken().map(weight).sum();
    for index in taken() {
        counts[index] += events * weight(index) / sum;
    }
}

fn heading(out: &mut String, name: &str, kind: &str, help: &str) {
    // Profiles say what a metric is, and not always in words; client libraries always do.
    let words = name.replace('_', " ");
    let help = if help.is_empty() { &words } else { help };
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

/// How many observations, and what they add up to, if that is known.
type Observed = (f64, Option<f64>);

/// Observations, and the quantiles that the service works out of them: each with its value.
fn summary(
    out: &mut String,
    name: &str,
    labels: &str,
    quantiles: &[(f64, f64)],
    (count, sum): Observed,
) {
    let comma = if labels.is_empty() { "" } else { "," };
    for (quantile, value) in quantiles {
        let labels = format!("{labels}{comma}quantile=\"{quantile}\"");
        series(out, name, &labels, *value);
    }
    let sum = sum.unwrap_or(count * 0.1);
    series(out, &format!("{name}_sum"), labels, sum);
    series(out, &format!("{name}_count"), labels, count);
}

/// Observations fall off exponentially behind the third bucket; of some bounds it is known how many are within.
fn histogram(
    out: &mut String,
    name: &str,
    labels: &str,
    (buckets, known): (&[f64], &[(f64, f64)]),
    (count, sum): Observed,
) {
    let mean = buckets.get(2).or(buckets.last()).copied().unwrap_or(0.1);
    let share = |bound: f64| 1.0 - (-bound / mean).exp();
    let comma = if labels.is_empty() { "" } else { "," };
    for bound in buckets {
        let lower = known.iter().rfind(|(known, _)| known <= bound);
        let upper = known.iter().find(|(known, _)| known > bound);
        let (from, least) = lower.map_or((0.0, 0.0), |(from, least)| (share(*from), *least));
        let (to, most) = upper.map_or((1.0, count), |(to, most)| (share(*to), *most));
        let part = if to > from {
            (share(*bound) - from) / (to - from)
        } else {
            0.0
        };
        let below = (least + (most - least) * part).floor();
        let _ = writeln!(
            out,
            "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {below}"
        );
    }
    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}");
    let sum = sum.unwrap_or(count * mean);
    series(out, &format!("{name}_sum"), labels, sum);
    series(out, &format!("{name}_count"), labels, count);
}
