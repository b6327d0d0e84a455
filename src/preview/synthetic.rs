//! Series that nobody measured: every series of the metric contract, moving as its kind and name suggest.
//! The same on every machine: seeded by the labels, with nothing but addition, multiplication and division.

use super::answers::{Axis, Labels, Series};
use super::story::{Part, Story};
use crate::catalog::{Catalog, Metric};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{Kind, Series as Declared};
use crate::live::simulation::shape::{Motion, Plan, plans};
use crate::live::simulation::words;
use promql_parser::parser::VectorSelector;
use serde_json::Value;
use std::collections::HashMap;

/// Values of one label that are played; each more multiplies the series. A status needs one of each sort.
const VALUES: usize = 2;
const STATUSES: usize = 3;

/// Labels whose values say how a request ended.
const STATUS: [&str; 3] = ["status", "code", "status_code"];

/// Where the series of a catalog's services come from.
pub struct Synthetic<'a> {
    contract: &'a Contract,
    catalog: &'a Catalog,
    plans: HashMap<&'a str, Plan>,
    story: Story,
    axis: Axis,
}

/// One series to be drawn: its metric, its labels, and what happens to the target that it comes from.
struct Source<'a> {
    name: &'a str,
    labels: &'a Labels,
    kind: Kind,
    metric: Option<&'a Metric>,
    plan: Option<&'a Plan>,
    motion: Option<&'a Motion>,
    /// Of all labels, and of the job alone.
    seeds: (u64, u64),
    /// The job's own place between 0 and 1.
    own: f64,
    /// Its part of the metric's events while the service is well, and while it fails.
    shares: (f64, f64),
}

impl<'a> Synthetic<'a> {
    /// The services of a catalog, seen along an axis.
    pub fn new(catalog: &'a Catalog, contract: &'a Contract, axis: Axis) -> Synthetic<'a> {
        let services: Vec<&crate::catalog::Service> = catalog.services.iter().collect();
        let plans = catalog.services.iter().map(|service| service.name.as_str()).zip(plans(catalog, &services)).collect();
        Synthetic { contract, catalog, plans, story: Story::of(catalog), axis }
    }

    /// The series that a selector picks.
    pub fn select(&self, selector: &VectorSelector) -> Vec<Series> {
        let Some(name) = selector.name.as_deref() else { return Vec::new() };
        let matchers = &selector.matchers.matchers;
        let mut found = Vec::new();
        for declared in self.contract.family(name).iter().filter_map(|declared| self.contract.picked(declared, matchers)) {
            for own in self.choices(name, &declared) {
                for target in declared.targets.ones() {
                    let mut labels = own.clone();
                    labels.extend(self.contract.targets.list[target].labels.clone());
                    labels.insert("__name__".to_string(), name.to_string());
                    let picked =
                        matchers.iter().all(|matcher| matcher.name == "__name__" || matcher.is_match(labels.get(&matcher.name).map_or("", String::as_str)));
                    if picked {
                        let values = self.values(name, &labels, declared.kind);
                        found.push(Series { labels, values });
                    }
                }
            }
        }
        found
    }

    /// Label sets of a metric's own labels.
    fn choices(&self, name: &str, declared: &Declared) -> Vec<Labels> {
        declared.labels.iter().fold(vec![Labels::new()], |sets, (label, domain)| {
            let values = if label == "le" { self.bounds(name) } else { played(label, domain) };
            sets.iter()
                .flat_map(|set| values.iter().map(|value| [set.clone(), Labels::from([(label.clone(), value.clone())])].into_iter().flatten().collect()))
                .collect()
        })
    }

    fn metric(&self, name: &str) -> Option<&'a Metric> {
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        self.catalog.metrics.iter().find(|metric| metric.name == name || (metric.r#type == "histogram" && metric.name == stem))
    }

    fn bounds(&self, name: &str) -> Vec<String> {
        let bounds = self.metric(name).map_or(&[][..], |metric| metric.buckets.as_slice());
        bounds.iter().map(f64::to_string).chain(["+Inf".to_string()]).collect()
    }

    fn values(&self, name: &str, labels: &Labels, kind: Kind) -> Vec<f64> {
        let job = labels.get("job").map_or("", String::as_str);
        let plan = self.plans.get(job);
        let motion = plan.and_then(|plan| plan.motions.iter().find(|motion| motion.shape.metric.name == name));
        let seeds = (seed(labels), hash(job));
        let shares = (share(labels, motion, seeds.1, Part::Well), share(labels, motion, seeds.1, Part::Failing));
        let source = Source { name, labels, kind, metric: self.metric(name), plan, motion, seeds, own: fraction(seeds.1), shares };
        let counts = kind == Kind::Counter;
        let mut total = 1000.0 * fraction(seeds.0);
        let step = self.axis.step as f64;
        let column = (0..self.axis.count).map(|index| {
            let time = self.axis.at(index);
            let part = self.story.part(job, time - self.axis.end);
            let level = self.level(&source, time, part);
            total += step * level;
            let scraped = part != Part::Down || name == "up" || name.starts_with("scrape_");
            if !scraped {
                f64::NAN
            } else if counts {
                total
            } else {
                level
            }
        });
        column.collect()
    }

    /// Events a second of a counter, the value of a gauge.
    fn level(&self, source: &Source, time: i64, part: Part) -> f64 {
        let wave = wave(source.seeds.0, time);
        match (source.kind, source.metric) {
            (_, Some(metric)) if metric.r#type == "histogram" => self.distribution(source, metric, time, part),
            (Kind::Counter, Some(_)) => self.events(source, time, part),
            (Kind::Counter, None) => self.process(source, wave).unwrap_or(0.0),
            (_, Some(_)) => gauge(source, wave),
            (_, None) => built_in(source, wave, time, self.axis.end, part),
        }
    }

    fn process(&self, source: &Source, wave: f64) -> Option<f64> {
        let share = match source.name {
            "process_cpu_seconds_total" => 1.0,
            "process_cpu_user_seconds_total" => 0.8,
            "process_cpu_system_seconds_total" => 0.2,
            _ => return (!fails(source.name)).then_some(wave),
        };
        Some(share * source.plan.map_or(0.1, |plan| plan.cpu.well) * (0.4 + 1.4 * source.own + 0.4 * wave))
    }

    fn events(&self, source: &Source, time: i64, part: Part) -> f64 {
        let failing = part == Part::Failing;
        let rate =
            source.motion.map_or(1.0, |motion| if failing && !motion.concerned.is_empty() && !stalls(motion) { motion.rate.faulty } else { motion.rate.well });
        rate * busy(source, time) * if failing { source.shares.1 } else { source.shares.0 }
    }

    /// The part of the events that took no longer than `le`: half of them twice as long as the median or less.
    fn distribution(&self, source: &Source, metric: &Metric, time: i64, part: Part) -> f64 {
        let rate = 20.0 * busy(source, time) * source.shares.0;
        let typical = metric.buckets.get(metric.buckets.len() / 3).copied().unwrap_or(1.0);
        let slow = if part == Part::Failing { 3.0 } else { 1.0 };
        let median = typical * slow * (0.4 + source.own + 0.3 * wave(source.seeds.1, time));
        match source.labels.get("le").map(|bound| bound.parse::<f64>().unwrap_or(f64::INFINITY)) {
            Some(bound) if bound.is_finite() => rate * (bound * bound * bound) / (bound * bound * bound + median * median * median),
            None if source.name.ends_with("_sum") => rate * median * 1.3,
            _ => rate,
        }
    }
}

/// Values of a label that are played: those that people expect under its name, else some that its pattern allows.
fn played(label: &str, domain: &Domain) -> Vec<String> {
    let declared = match domain {
        Domain::Values(values) => Value::from(values.clone()),
        Domain::Pattern(pattern) => Value::from(pattern.clone()),
    };
    let mut values = words::values(label, &declared);
    values.truncate(if STATUS.contains(&label) { STATUSES } else { VALUES });
    values
}

/// How much of a metric's events one label set has: little of what failed, unequal parts of the rest.
fn share(labels: &Labels, motion: Option<&Motion>, job: u64, part: Part) -> f64 {
    let own = labels.iter().filter(|(label, _)| !["__name__", "job", "instance", "service", "component", "le"].contains(&label.as_str()));
    own.fold(1.0, |share, (label, value)| {
        share
            * match (label.as_str(), value.as_bytes().first()) {
                (label, Some(b'5')) if STATUS.contains(&label) => motion.map_or(0.002, |motion| failed(motion, job, part)),
                (label, Some(b'4')) if STATUS.contains(&label) => 0.02,
                (label, _) if STATUS.contains(&label) => 0.95,
                _ => 0.15 + 0.5 * fraction(hash(value)),
            }
    })
}

/// Answers with 5xx beside the others: far below the lowest threshold, or nearly twice the highest.
fn failed(motion: &Motion, job: u64, part: Part) -> f64 {
    // The plan's faulty level lies 0.7 of the way from the threshold to everything.
    let threshold = f64::max((motion.failed.faulty - 0.7) / 0.3, 0.02);
    let wanted = if part == Part::Failing { f64::min(1.8 * threshold, 0.9) } else { motion.failed.well * (0.1 + 0.7 * fraction(job ^ 3)) };
    0.97 * wanted / (1.0 - wanted)
}

/// A counter that an alert wants to see growing: it is left alone, so that one thing goes wrong at a time.
fn stalls(motion: &Motion) -> bool {
    motion.rate.faulty == 0.0
}

fn fails(name: &str) -> bool {
    ["error", "fail", "drop", "dead", "corrupt", "discard", "missed", "uncollectable"].iter().any(|word| name.contains(word))
}

/// A declared gauge.
fn gauge(source: &Source, wave: f64) -> f64 {
    let steady = source.plan.is_some_and(|plan| plan.motions.iter().any(|motion| motion.shape.metric.name == source.name && motion.steady));
    let large = 10.0 + 40.0 * fraction(hash(source.name));
    match () {
        () if steady => 2.0,
        () if source.name.ends_with("_ratio") => 0.2 + 0.3 * wave,
        () if source.name.ends_with("_bytes") => 4e6 * (large + 10.0 * wave),
        () if source.name.ends_with("_timestamp_seconds") => 0.0,
        () => (large * (0.7 + 0.6 * wave)).floor(),
    }
}

/// A gauge that nobody declares: of a scrape, of a process, of a server.
fn built_in(source: &Source, wave: f64, time: i64, now: i64, part: Part) -> f64 {
    let own = source.own;
    match source.name {
        "up" => f64::from(u8::from(part != Part::Down)),
        "scrape_duration_seconds" => {
            if part == Part::Down {
                0.001
            } else {
                0.006 + 0.02 * own + 0.004 * wave
            }
        }
        name if name.starts_with("scrape_") => {
            if part == Part::Down {
                0.0
            } else {
                (90.0 + 200.0 * own).floor()
            }
        }
        "process_resident_memory_bytes" => resident(source, own, wave, part),
        "process_virtual_memory_bytes" => 2.1e9 + 1e9 * own,
        "process_open_fds" => (14.0 + 50.0 * own + 8.0 * wave).floor(),
        "process_max_fds" => 1024.0,
        name if name.ends_with("_start_time_seconds") => (now - 3600 * (7 + (own * 90.0) as i64)) as f64,
        name if name.ends_with("_timestamp_seconds") => (time - 60) as f64,
        name if name.ends_with("_info") || name.contains("success") || name.contains("discovered") => 1.0,
        name if name.ends_with("_capacity") => 10_000.0,
        name if name.ends_with("_bytes") => 1e8 * (1.0 + own + 0.2 * wave),
        name if name.ends_with("_seconds") => 0.05 + 0.1 * wave,
        name if fails(name) => 0.0,
        _ => (4.0 + 6.0 * own + 3.0 * wave).floor(),
    }
}

/// Resident memory: well under the limit, or growing past the alert's threshold without reaching it.
fn resident(source: &Source, own: f64, wave: f64, part: Part) -> f64 {
    let Some(plan) = source.plan else { return 1.5e8 + 1e7 * wave };
    let usual = plan.memory.well * (0.6 + 0.7 * own + 0.15 * wave);
    match part {
        // The plan's faulty level is half as much again as the threshold.
        Part::Filling(progress) => usual + progress * (plan.memory.faulty / 1.5 * 1.05 - usual),
        _ => usual,
    }
}

/// How busy a service is, around one.
fn busy(source: &Source, time: i64) -> f64 {
    (0.3 + 1.6 * source.own) * (0.75 + 0.5 * wave(source.seeds.1 ^ 7, time))
}

fn seed(labels: &Labels) -> u64 {
    labels.iter().fold(17, |seed, (label, value)| seed ^ hash(label).wrapping_mul(31) ^ hash(value).rotate_left(9))
}

/// FNV-1a, with its bits mixed once more.
fn hash(text: &str) -> u64 {
    let folded = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mixed(folded)
}

fn mixed(seed: u64) -> u64 {
    let once = (seed ^ (seed >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    twice ^ (twice >> 33)
}

/// 0 to 1.
fn fraction(seed: u64) -> f64 {
    (mixed(seed) >> 40) as f64 / (1u64 << 24) as f64
}

/// 0 to 1, moving smoothly: random heights every few minutes with a little noise on top.
fn wave(seed: u64, time: i64) -> f64 {
    let height = |period: i64| {
        let (cell, within) = (time.div_euclid(period), time.rem_euclid(period) as f64 / period as f64);
        let eased = within * within * (3.0 - 2.0 * within);
        let at = |cell: i64| fraction(seed ^ mixed(cell as u64 ^ period as u64));
        at(cell) + (at(cell + 1) - at(cell)) * eased
    };
    0.65 * height(1080) + 0.25 * height(360) + 0.1 * height(90)
}
