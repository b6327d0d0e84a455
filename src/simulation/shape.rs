//! What a stand-in exposes and how it moves: fixed once from the catalog, so that a thousand services share their texts.

use super::behaviour::Behaviours;
pub(crate) use super::behaviour::TRAFFIC;
use super::fault::Fault;
use super::words;
use crate::cases::phases::Moves;
use crate::cases::{Like, Moving};
use crate::catalog::filters::Filter;
use crate::catalog::{Catalog, Metric, Service};
use crate::contract::domain::Domain;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Series of one metric; more label sets than this are thinned out, each value kept.
const SERIES_LIMIT: usize = 500;

/// A declared metric and its label sets, shared by every service that emits it.
#[derive(Debug)]
pub(crate) struct Shape {
    /// As declared.
    pub metric: Metric,
    /// `a="b",c="d"` of each series.
    pub labels: Vec<String>,
    /// The same as values, in the order of the metric's labels.
    values: Vec<Vec<String>>,
}

impl Shape {
    /// `asked`: what alerts ask of its labels, of which there are series that match and others that do not.
    fn new(metric: &Metric, asked: &[Like]) -> Shape {
        let choices = metric.labels.iter().map(|(label, declared)| {
            let mut values = words::values(label, declared);
            let domain = Domain::declared(declared);
            for like in asked.iter().filter(|like| like.label == *label) {
                for side in [like.is, !like.is] {
                    let has = Domain::Values(values.clone()).example(&like.pattern, side);
                    values.extend(match has {
                        Some(_) => None,
                        None => domain.example(&like.pattern, side),
                    });
                }
            }
            // What one alert asks and another leaves out may be in one filter.
            let own = || asked.iter().filter(|like| like.label == *label);
            for (wanted, other) in own().flat_map(|one| own().map(move |other| (one, other))) {
                let fits = |value: &str| {
                    let alone = Domain::Values(vec![value.to_string()]);
                    let picks = |like: &Like| alone.example(&like.pattern, like.is).is_some();
                    picks(wanted) && picks(other) && domain.holds(value)
                };
                if wanted.is && !other.is && !values.iter().any(|value| fits(value)) {
                    let wanted = Domain::Pattern(wanted.pattern.clone());
                    let both = wanted.example(&other.pattern, false);
                    values.extend(both.filter(|value| fits(value)));
                }
            }
            (label, values)
        });
        let choices: Vec<(&String, Vec<String>)> = choices.collect();
        let all: usize = choices.iter().map(|(_, values)| values.len()).product();
        let longest = choices.iter().map(|(_, values)| values.len()).max();
        let whole = all <= SERIES_LIMIT;
        let mut shape = Shape {
            metric: metric.clone(),
            labels: Vec::new(),
            values: Vec::new(),
        };
        for index in 0..if whole { all } else { longest.unwrap_or(1) } {
            let mut rest = index;
            let (mut texts, mut own) = (Vec::new(), Vec::new());
            for (label, values) in &choices {
                let at = if whole { rest } else { index } % values.len();
                rest /= values.len();
                let value = values[at].replace('\\', "\\\\");
                let value = value.replace('"', "\\\"").replace('\n', "\\n");
                texts.push(format!("{label}=\"{value}\""));
                own.push(values[at].clone());
            }
            shape.labels.push(texts.join(","));
            shape.values.push(own);
        }
        shape
    }

    /// Which series have labels like these.
    fn like(&self, like: &BTreeSet<Like>) -> Vec<bool> {
        let matches = |values: &Vec<String>| {
            let own = self.metric.labels.keys().zip(values);
            like.iter().all(|like| {
                let mut own = own.clone().filter(|(label, _)| **label == like.label);
                own.all(|(_, value)| {
                    let alone = Domain::Values(vec![value.clone()]);
                    alone.example(&like.pattern, like.is).is_some()
                })
            })
        };
        self.values.iter().map(matches).collect()
    }
}

/// A value while the service is healthy, and under each fault that concerns it; None: there is no such series then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// While nothing is wrong.
    pub healthy: Option<f64>,
    /// The fault's name, the alert that it is about, the value.
    pub faulty: Vec<(String, String, Option<f64>)>,
    /// The highest threshold of the alerts that compare its ratio to something; 0: there is none.
    pub above: f64,
    /// Whether it counts seconds of real time, however fast the simulation goes.
    pub real_time: bool,
    /// Whether its values are Unix times, so many seconds from now.
    pub clock: bool,
    /// Whether it moves on from its healthy value under a fault, by so much a second, instead of going to another one.
    pub slope: bool,
}

impl Level {
    /// What it moves by under a fault, a second; None: it does not move.
    pub(crate) fn slope(&self, fault: Option<&Fault>) -> Option<f64> {
        self.faulty_under(fault).filter(|_| self.slope)?
    }

    /// The value of a gauge at a Unix time, under a fault or without one.
    pub(crate) fn shown(&self, fault: Option<&Fault>, now: f64) -> Option<f64> {
        let value = match self.slope {
            true => self.healthy,
            false => self.under(fault),
        };
        Some(value? + if self.clock { now } else { 0.0 })
    }

    fn faulty_under(&self, fault: Option<&Fault>) -> Option<Option<f64>> {
        let fault = fault?;
        let about = |alert: &String| fault.about.as_ref().is_none_or(|about| about == alert);
        let mut faulty = self.faulty.iter();
        let own = faulty.find(|(name, alert, _)| *name == fault.name && about(alert));
        own.map(|(.., value)| *value)
    }

    /// The same of one of so many series that are added up.
    fn shared(mut self, series: f64) -> Level {
        let values = self.faulty.iter_mut().map(|(.., value)| value);
        for value in values.chain([&mut self.healthy]).flatten() {
            *value /= series;
        }
        self
    }

    /// The value under a fault, if there is one.
    pub(crate) fn under(&self, fault: Option<&Fault>) -> Option<f64> {
        self.faulty_under(fault).unwrap_or(self.healthy)
    }
}

/// How much of a histogram's events stay within a bound: of so many events so many.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    /// The upper bound of a bucket.
    pub bound: f64,
    events: Level,
    inside: Level,
}

impl Within {
    /// The share that stays within it under a fault.
    pub(crate) fn share(&self, fault: Option<&Fault>) -> f64 {
        let [events, inside] = [&self.events, &self.inside].map(|level| level.under(fault));
        match (events, inside) {
            (Some(events), Some(inside)) if events > 0.0 => (inside / events).clamp(0.0, 1.0),
            _ => 1.0,
        }
    }
}

/// How one metric of one service moves.
#[derive(Clone, Debug)]
pub(crate) struct MetricPlan {
    /// What is printed.
    pub shape: Arc<Shape>,
    /// For each part of its series: which they are, and their events a second, or the value of a gauge. The last part is
    /// the rest.
    pub parts: Vec<(Vec<bool>, Level)>,
    /// A gauge of which a kind says the value.
    pub steady: bool,
    /// Of a histogram, the bounds of which a kind says how much stays within, the smallest first.
    pub within: Vec<Within>,
    /// Of a summary, the quantiles of which a kind says the value.
    quantiles: Vec<(f64, Level)>,
    /// Of a histogram or summary, where a kind says it: how many events, and what they add up to.
    pub adds_up: Option<Box<(Level, Level)>>,
}

impl MetricPlan {
    pub(crate) fn of(&self, series: usize) -> &Level {
        let part = self.parts.iter().find(|(part, _)| part[series]);
        part.map_or(self.rest(), |(_, level)| level)
    }

    /// The value of one of a summary's quantiles, if a kind says it: under a fault, else the lowest that any calls healthy.
    pub(crate) fn quantile(&self, quantile: f64, fault: Option<&Fault>) -> Option<f64> {
        let known = self.quantiles.iter();
        let known = known.filter(|(known, _)| *known == quantile);
        let mut faulty = known.clone();
        let faulty = faulty.find_map(|(_, level)| level.faulty_under(fault)?);
        let healthy = known.filter_map(|(_, level)| level.healthy);
        faulty.or_else(|| healthy.reduce(f64::min))
    }

    /// What an event is on average, if a kind says it of a histogram or summary.
    pub(crate) fn average(&self, fault: Option<&Fault>) -> Option<f64> {
        let (events, sum) = self.adds_up.as_deref()?;
        let (events, sum) = (events.under(fault)?, sum.under(fault)?);
        (events > 0.0).then(|| sum / events)
    }

    /// What its events add up to a second of real time, however many there are, if a kind says that.
    pub(crate) fn added(&self, fault: Option<&Fault>) -> Option<f64> {
        let (_, sum) = self.adds_up.as_deref()?;
        sum.under(fault).filter(|_| sum.real_time)
    }

    /// Of the series that no kind distinguishes.
    pub(crate) fn rest(&self) -> &Level {
        &self.parts[self.parts.len() - 1].1
    }

    /// Of the series that a kind distinguishes, if one does: requests that fail.
    pub(crate) fn apart(&self) -> Option<&Level> {
        self.parts
            .first()
            .filter(|_| self.parts.len() > 1)
            .map(|(_, level)| level)
    }
}

/// One service's metrics.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Declared metrics.
    pub motions: Vec<MetricPlan>,
    /// What no catalog declares, by name: metrics of the process, `up`, `probe_success`.
    pub own: BTreeMap<String, Level>,
    /// What those of the process are (memory, cpu, start) → the name.
    pub roles: BTreeMap<&'static str, String>,
    /// The fault's name, the alert that it is about, and how many instances do not have it; without those that all have.
    pub spared: Vec<(String, String, usize)>,
}

impl Plan {
    /// How many of the service's instances do not have a fault.
    pub(crate) fn spares(&self, fault: &Fault) -> usize {
        let own = self.spared.iter().find(|(name, alert, _)| {
            *name == fault.name && fault.about.as_ref().is_none_or(|about| about == alert)
        });
        own.map_or(0, |(.., spared)| *spared)
    }

    /// The value of a metric that no catalog declares; None: nothing is said of it, or there is none under this fault.
    pub(crate) fn own(&self, metric: &str, fault: Option<&Fault>) -> Option<f64> {
        self.own.get(metric)?.under(fault)
    }

    /// The value of the metric that has a role; None: the service has none, or there is none under this fault.
    pub(crate) fn role(&self, role: &str, fault: Option<&Fault>) -> Option<f64> {
        self.own(self.roles.get(role)?, fault)
    }

    /// The role of a metric.
    pub(crate) fn role_of(&self, metric: &str) -> Option<&'static str> {
        let mut roles = self.roles.iter();
        roles.find_map(|(role, name)| (name == metric).then_some(*role))
    }
}

/// A plan for each service, in the same order.
pub(crate) fn plans(catalog: &Catalog, services: &[&Service]) -> Result<Vec<Plan>> {
    // Of whichever metric: what has a queue in one has the same in another.
    let filters = catalog
        .alerts
        .iter()
        .flat_map(|alert| alert.filters.values());
    let asked: Vec<Like> = filters.flat_map(Filter::asks).map(Like::from).collect();
    let metrics = catalog.exposed();
    let shapes: HashMap<&str, Arc<Shape>> = metrics
        .map(|metric| {
            let key = metric.key.as_str();
            (key, Arc::new(Shape::new(metric, &asked)))
        })
        .collect();
    let behaviours = Behaviours::of(catalog)?;
    let plan = |service: &&Service| plan(catalog, service, &shapes, &behaviours);
    services.iter().map(plan).collect()
}

/// What the kinds say of one series of a service.
#[derive(Default)]
struct Said {
    /// Each with whether it is healthy all the more when it is higher.
    healthy: Vec<(Option<f64>, bool)>,
    faulty: Vec<(String, String, Option<f64>)>,
    /// Above so much some alert fires, the lowest such threshold; and below so much, the highest.
    band: (Option<f64>, Option<f64>),
    above: f64,
    real_time: bool,
    clock: bool,
    slope: bool,
    summed: bool,
}

impl Said {
    /// A threshold between what is healthy and what is not: such a one is compared with the series itself.
    fn bound(&mut self, limit: f64, healthy: f64, faulty: f64) {
        let (above, below) = &mut self.band;
        if healthy < limit && limit <= faulty {
            *above = Some(above.map_or(limit, |known| known.min(limit)));
        } else if faulty <= limit && limit < healthy {
            *below = Some(below.map_or(limit, |known| known.max(limit)));
        }
    }
}

/// A metric's full name, and the labels of the series that are distinguished.
type Key = (String, BTreeSet<Like>);

fn said(behaviours: &Behaviours, service: &Service) -> Result<BTreeMap<Key, Said>> {
    let mut said: BTreeMap<Key, Said> = BTreeMap::new();
    for alert in behaviours.alerts_of(&service.name) {
        let behaviour = behaviours.one(alert, service)?;
        for moving in &behaviour.healthy {
            let said = said
                .entry((moving.metric.clone(), moving.like.clone()))
                .or_default();
            said.healthy.push((value(moving), behaviour.below));
            said.real_time |= behaviour.real_time;
            said.clock |= matches!(moving.moves, Moves::Clock(_));
            said.summed |= moving.summed;
        }
        for fault in &behaviour.faults {
            for moving in &fault.series {
                let said = said
                    .entry((moving.metric.clone(), moving.like.clone()))
                    .or_default();
                let same =
                    |one: &&Moving| (&one.metric, &one.like) == (&moving.metric, &moving.like);
                let healthy = behaviour.healthy.iter().find(same).and_then(value);
                if let (Some(limit), Some(healthy), Some(faulty)) =
                    (behaviour.limit, healthy, value(moving))
                {
                    said.bound(limit, healthy, faulty);
                }
                let (fault, alert) = (fault.name.clone(), alert.name.clone());
                said.faulty.push((fault, alert, value(moving)));
                said.clock |= matches!(moving.moves, Moves::Clock(_));
                said.slope |= matches!(moving.moves, Moves::Rate(..));
                said.above = said.above.max(behaviour.above.unwrap_or(0.0));
            }
        }
    }
    Ok(said)
}

/// Events a second, or the value of a gauge.
fn value(moving: &Moving) -> Option<f64> {
    match moving.moves {
        Moves::Rate(value, _) | Moves::Level(value) | Moves::Clock(value) => Some(value),
        Moves::Stale | Moves::Absent => None,
    }
}

/// What was said of a series, taken out of it; else its usual value.
fn level(said: &mut BTreeMap<Key, Said>, key: &Key, usual: f64) -> (Level, bool) {
    let said = said.remove(key).unwrap_or_default();
    // Of what several call healthy the lowest, or of alerts that fire below a threshold the highest: it is healthy for all of them.
    let of = |below: bool| {
        let healthy = said.healthy.iter().filter(move |known| known.1 == below);
        healthy.filter_map(|known| known.0)
    };
    let lowest = of(false).reduce(f64::min);
    let healthiest = lowest.or_else(|| of(true).reduce(f64::max));
    // Between an alert on too much and one on too little there is room for what is right for both.
    let healthiest = match said.band {
        (Some(above), Some(below)) if below < above => Some((above + below) / 2.0),
        _ => healthiest,
    };
    let spoken = !said.healthy.is_empty();
    let level = Level {
        healthy: if spoken { healthiest } else { Some(usual) },
        faulty: said.faulty,
        above: said.above,
        real_time: said.real_time,
        clock: said.clock,
        slope: said.slope,
    };
    (level, spoken)
}

fn plan(
    catalog: &Catalog,
    service: &Service,
    shapes: &HashMap<&str, Arc<Shape>>,
    behaviours: &Behaviours,
) -> Result<Plan> {
    let mut said = said(behaviours, service)?;
    let mut motions = Vec::new();
    let emits = |metric: &&Metric| metric.services.contains(&service.name);
    let emitted = catalog.exposed().filter(emits);
    let own: BTreeSet<&str> = emitted.clone().map(|metric| metric.name.as_str()).collect();
    // A part is written with the whole.
    let is_part = |metric: &&Metric| {
        let whole = metric.counted_of.as_deref();
        whole.is_some_and(|whole| own.contains(whole))
    };
    for metric in emitted.filter(|metric| !is_part(metric)) {
        let shape = shapes[metric.key.as_str()].clone();
        let parted = ["histogram", "summary"].contains(&metric.r#type.as_str());
        let count = (format!("{}_count", metric.name), BTreeSet::new());
        let of = |(name, like): &&Key| {
            (*name == metric.name || parted && *name == count.0) && !like.is_empty()
        };
        let summary = metric.r#type == "summary";
        let all = said.keys().filter(of).cloned();
        let (of_quantiles, apart): (Vec<Key>, Vec<Key>) =
            all.partition(|(name, _)| summary && *name == metric.name);
        let quantiles = quantiles(&mut said, of_quantiles);
        let whole = (metric.name.clone(), BTreeSet::new());
        // What is said of all values is said of some of them; of events it would be said of their sum.
        if let Some(of_all) = said.get(&whole).filter(|_| metric.r#type == "gauge") {
            let healthy = of_all.healthy.clone();
            for key in &apart {
                let said = said.entry(key.clone()).or_default();
                said.healthy.extend(&healthy);
            }
        }
        let mut parts = Vec::new();
        for key in apart {
            parts.push((shape.like(&key.1), level(&mut said, &key, 0.0).0));
        }
        // What belongs to several is the rarest of them: a request that fails is one of those to its path too.
        parts.sort_by(|(_, one), (_, other)| {
            let healthy = |level: &Level| level.healthy.unwrap_or(0.0);
            healthy(one).total_cmp(&healthy(other))
        });
        let mut others = vec![false; shape.labels.len()];
        for (part, _) in &mut parts {
            for (own, other) in part.iter_mut().zip(&mut others) {
                *own &= !*other;
                *other |= *own;
            }
        }
        let taken = |index: usize| {
            parts
                .iter()
                .any(|(part, _): &(Vec<bool>, Level)| part[index])
        };
        let rest = (0..shape.labels.len()).map(|index| !taken(index)).collect();
        let events = parted.then(|| level(&mut said, &count, TRAFFIC).0);
        let sum = (format!("{}_sum", metric.name), BTreeSet::new());
        let counted = events.clone();
        let adds_up = events.clone().filter(|_| said.contains_key(&sum));
        let adds_up = adds_up.map(|events| Box::new((events, level(&mut said, &sum, TRAFFIC).0)));
        let of_histogram = events.filter(|_| metric.r#type == "histogram");
        // What silences alerts is 0 at rest: otherwise none would ever be seen to fire.
        let usual = if catalog.silences(metric) {
            0.0
        } else {
            usual(metric)
        };
        let summed = metric.r#type == "gauge" && said.get(&whole).is_some_and(|said| said.summed);
        // What an alert reads as a metric of its own moves the whole.
        let mut parts_of = catalog.exposed().filter(emits).filter(is_part);
        let read = parts_of.any(|part| part.name == count.0);
        let (level, spoken) = match counted.filter(|_| read) {
            Some(events) => (events, false),
            None => level(&mut said, &whole, usual),
        };
        let spoken = spoken || catalog.silences(metric);
        let series = shape.labels.len() * service.instances.len().max(1);
        let level = match summed && parts.is_empty() {
            true => level.shared(series as f64),
            false => level,
        };
        parts.push((rest, level));
        let steady = spoken && metric.r#type == "gauge";
        motions.push(MetricPlan {
            within: of_histogram.map_or(Vec::new(), |events| within(&mut said, metric, &events)),
            quantiles,
            adds_up,
            shape,
            parts,
            steady,
        });
    }
    let limit = service.memory_limit.0 as f64;
    let (mut own, mut roles) = (BTreeMap::new(), BTreeMap::new());
    for (role, usual) in [
        ("memory", 0.36 * limit),
        ("cpu", 0.2 * service.cpu_limit),
        // How much later it started, a second: that of a process that runs on stays.
        ("start", 0.0),
    ] {
        let Some(known) = service.roles.get(role) else {
            continue;
        };
        let key = (known.metric.clone(), BTreeSet::new());
        let (mut level, _) = level(&mut said, &key, usual * known.divisor);
        level.real_time = true;
        own.insert(known.metric.clone(), level);
        roles.insert(role, known.metric.clone());
    }
    for metric in ["up", "probe_success"] {
        let key = (metric.to_string(), BTreeSet::new());
        own.insert(metric.to_string(), level(&mut said, &key, 1.0).0);
    }
    let mut spared = Vec::new();
    for alert in behaviours.alerts_of(&service.name) {
        let behaviour = behaviours.one(alert, service)?;
        let some = behaviour.faults.iter().filter(|fault| fault.spares > 0);
        spared.extend(some.map(|fault| (fault.name.clone(), alert.name.clone(), fault.spares)));
    }
    Ok(Plan {
        motions,
        own,
        roles,
        spared,
    })
}

/// The bounds of a histogram of which something was said, taken out of it.
fn within(said: &mut BTreeMap<Key, Said>, metric: &Metric, events: &Level) -> Vec<Within> {
    let buckets = format!("{}_bucket", metric.name);
    let keys: Vec<Key> = said
        .keys()
        .filter(|(name, _)| *name == buckets)
        .cloned()
        .collect();
    let mut all = Vec::new();
    for key in keys {
        let bound = key.1.iter().find(|like| like.label == "le");
        let bound = bound.and_then(|like| like.pattern.parse().ok());
        let (inside, _) = level(said, &key, TRAFFIC);
        all.extend(bound.map(|bound| Within {
            bound,
            events: events.clone(),
            inside,
        }));
    }
    all.sort_by(|one, other| one.bound.total_cmp(&other.bound));
    all
}

/// The quantiles of a summary of which something was said, taken out of it.
fn quantiles(said: &mut BTreeMap<Key, Said>, keys: Vec<Key>) -> Vec<(f64, Level)> {
    let known = keys.into_iter().filter_map(|key| {
        let quantile = key.1.iter().find(|like| like.label == "quantile")?;
        let quantile = quantile.pattern.parse().ok()?;
        Some((quantile, level(said, &key, 0.0).0))
    });
    known.collect()
}

/// Errors are rare, traffic is not.
fn usual(metric: &Metric) -> f64 {
    let rare = ["error", "exception", "fail", "timeout", "dropped", "retr"];
    let rare = rare.iter().any(|word| metric.key.contains(word)) && !metric.key.contains("retriev");
    if rare && metric.r#type == "counter" {
        TRAFFIC / 400.0
    } else {
        TRAFFIC
    }
}
