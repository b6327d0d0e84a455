//! Series that nobody measured: every series of the metric contract, moving as its kind and name suggest.
//! The same on every machine: seeded by the labels, with nothing but addition, multiplication and division.

mod gauges;
mod levels;
mod noise;
mod shares;

use super::answers::{Axis, Labels, Series};
use super::story::{Part, Story};
use crate::catalog::{Catalog, Metric};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{MetricType as Kind, SeriesSet as Declared};
use crate::promql::matchers::{pattern, pick, picks};
use crate::promql::{Matcher, VectorSelector};
use crate::simulation::shape::{MetricPlan, Plan, plans};
use crate::simulation::words;
use crate::value::Value;
use noise::{fraction, hash, seed, wave};
use shares::share;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Values of one label that are played; each more multiplies the series. A status needs one of each sort.
const VALUES: usize = 2;
const STATUSES: usize = 3;

/// Labels whose values say how a request ended.
const STATUS: [&str; 7] = crate::contract::status::LABELS;

/// Where the series of a catalog's services come from.
pub(crate) struct Synthetic<'a> {
    contract: &'a Contract,
    catalog: &'a Catalog,
    plans: HashMap<&'a str, Plan>,
    story: Story,
    axis: Axis,
    waves: RefCell<HashMap<String, Rc<Vec<f64>>>>,
}

/// One series to be drawn: its metric, its labels, and what happens to the target that it comes from.
struct Source<'a> {
    name: &'a str,
    kind: Kind,
    metric: Option<&'a Metric>,
    plan: Option<&'a Plan>,
    motion: Option<&'a MetricPlan>,
    /// Of all labels, and of the job alone.
    seeds: (u64, u64),
    /// The job's own place between 0 and 1.
    own: f64,
    /// How busy the job is at each instant, 0 to 1.
    waves: Rc<Vec<f64>>,
    /// The upper bound of a histogram's bucket.
    bound: Option<f64>,
    /// Its part of the metric's events while the service is healthy, and while it fails.
    shares: (f64, f64),
}

/// A native histogram over time.
pub(crate) struct Parted {
    pub(crate) labels: Labels,
    /// Index of a bucket → what is within its upper bound, since the series began.
    pub(crate) within: Vec<(i32, Series)>,
    pub(crate) sum: Series,
}

/// The resolution of native histograms: two buckets from a number to its double.
pub(crate) const SCHEMA: i32 = 1;

/// From a thousandth to some thousands.
const BUCKETS: std::ops::RangeInclusive<i32> = -20..=24;

/// The upper bound of a bucket, by its index.
fn bound(index: i32) -> f64 {
    (f64::from(index) / 2.0).exp2()
}

impl<'a> Synthetic<'a> {
    /// The services of a catalog, seen along an axis.
    pub(crate) fn new(catalog: &'a Catalog, contract: &'a Contract, axis: Axis) -> Synthetic<'a> {
        let services: Vec<&crate::catalog::Service> = catalog.services.iter().collect();
        // What a kind says was played when the tests were rendered; without, services move as nothing is said.
        let plans = plans(catalog, &services).unwrap_or_default();
        let plans = catalog
            .services
            .iter()
            .map(|service| service.name.as_str())
            .zip(plans)
            .collect();
        Synthetic {
            contract,
            catalog,
            plans,
            story: Story::of(catalog),
            axis,
            waves: RefCell::default(),
        }
    }

    /// The series that a selector picks.
    pub(crate) fn select(&self, selector: &VectorSelector) -> Vec<Series> {
        let found = self
            .picked(selector, |kind| kind != Kind::Histogram)
            .into_iter();
        let drawn = found.map(|(name, labels, kind)| {
            let values = self.values(name, &labels, kind);
            Series { labels, values }
        });
        drawn.collect()
    }

    /// The native histograms that a selector picks, each in parts that only grow.
    pub(crate) fn natives(&self, selector: &VectorSelector) -> Vec<Parted> {
        let found = self
            .picked(selector, |kind| kind == Kind::Histogram)
            .into_iter();
        let parted = found.map(|(name, labels, _)| {
            let grown = |name: &str, labels: &Labels| {
                let values = self.values(name, labels, Kind::Counter);
                let first = values.iter().copied().find(|value| !value.is_nan());
                let begin = first.unwrap_or_default();
                let values = values.into_iter().map(|value| value - begin);
                Series {
                    labels: labels.clone(),
                    values: values.collect(),
                }
            };
            let within = |index: i32| {
                let mut labels = labels.clone();
                labels.insert("le".to_string(), bound(index).to_string());
                (index, grown(name, &labels))
            };
            Parted {
                within: BUCKETS.map(within).collect(),
                sum: grown(&format!("{name}_sum"), &labels),
                labels,
            }
        });
        parted.collect()
    }

    /// Name, labels and type of the series of some types that a selector picks.
    fn picked<'s>(
        &self,
        selector: &'s VectorSelector,
        such: impl Fn(Kind) -> bool,
    ) -> Vec<(&'s str, Labels, Kind)> {
        let Some(name) = selector.name.as_deref() else {
            return Vec::new();
        };
        let matchers = &selector.matchers.matchers;
        let mut found = Vec::new();
        for declared in self
            .contract
            .family(name)
            .iter()
            .filter(|declared| such(declared.kind))
            .filter_map(|declared| self.contract.select(declared, matchers))
        {
            for own in self.choices(name, &declared, matchers) {
                for target in declared.targets.ones() {
                    let mut labels = own.clone();
                    labels.extend(self.contract.targets.list[target].labels.clone());
                    labels.insert("__name__".to_string(), name.to_string());
                    if pick(&selector.matchers, &labels) {
                        found.push((name, labels, declared.kind));
                    }
                }
            }
        }
        found
    }

    /// Label sets of a metric's own labels.
    fn choices(&self, name: &str, declared: &Declared, matchers: &[Matcher]) -> Vec<Labels> {
        declared
            .labels
            .iter()
            .fold(vec![Labels::new()], |sets, (label, domain)| {
                let values = if label == "le" {
                    self.bounds(name)
                } else {
                    played(label, domain, matchers)
                };
                sets.iter()
                    .flat_map(|set| {
                        values.iter().map(|value| {
                            [set.clone(), Labels::from([(label.clone(), value.clone())])]
                                .into_iter()
                                .flatten()
                                .collect()
                        })
                    })
                    .collect()
            })
    }

    fn metric(&self, name: &str) -> Option<&'a Metric> {
        let stem = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        self.catalog.metrics.iter().find(|metric| {
            let parted = ["histogram", "summary"].contains(&metric.r#type.as_str());
            metric.name == name || (parted && metric.name == stem)
        })
    }

    fn bounds(&self, name: &str) -> Vec<String> {
        let bounds = self
            .metric(name)
            .map_or(&[][..], |metric| metric.buckets.as_slice());
        bounds
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_string()])
            .collect()
    }

    fn values(&self, name: &str, labels: &Labels, kind: Kind) -> Vec<f64> {
        let job = labels.get("job").map_or("", String::as_str);
        let plan = self.plans.get(job);
        let motion = plan.and_then(|plan| {
            plan.motions
                .iter()
                .find(|motion| motion.shape.metric.name == name)
        });
        let seeds = (seed(labels), hash(job));
        let shares = (
            share(labels, motion, seeds.1, Part::Healthy),
            share(labels, motion, seeds.1, Part::Failing),
        );
        let bound = labels
            .get("le")
            .map(|bound| bound.parse().unwrap_or(f64::INFINITY));
        let source = Source {
            name,
            kind,
            metric: self.metric(name),
            plan,
            motion,
            seeds,
            own: fraction(seeds.1),
            waves: self.waves(job, seeds.1),
            bound,
            shares,
        };
        // What a probe finds out is about the service that it asks.
        let probe = name.starts_with("probe_");
        let concerned = if probe {
            labels.get("service").map_or(job, String::as_str)
        } else {
            job
        };
        let counts = kind == Kind::Counter;
        let mut total = 1000.0 * fraction(seeds.0);
        let step = self.axis.step as f64;
        let role = self.story.role(concerned);
        let column = (0..self.axis.count).map(|index| {
            let time = self.axis.at(index);
            let part = Story::part(role, time - self.axis.end);
            let level = self.level(&source, index, part);
            total += step * level;
            let scraped =
                part != Part::Down || probe || name == "up" || name.starts_with("scrape_");
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

    /// Worked out once for a job: most series move with it.
    fn waves(&self, job: &str, seed: u64) -> Rc<Vec<f64>> {
        let waves = || {
            Rc::new(
                (0..self.axis.count)
                    .map(|index| wave(seed, self.axis.at(index)))
                    .collect(),
            )
        };
        self.waves
            .borrow_mut()
            .entry(job.to_string())
            .or_insert_with(waves)
            .clone()
    }
}

/// Values of a label that are played: those that people expect under its name, else some that its pattern allows; and of what a
/// selector asks for that is none of them, an example.
fn played(label: &str, domain: &Domain, matchers: &[Matcher]) -> Vec<String> {
    let declared = match domain {
        Domain::Values(values) => Value::from(values.clone()),
        Domain::Pattern(pattern) => Value::from(pattern.clone()),
    };
    let mut values = words::values(label, &declared);
    values.truncate(if STATUS.contains(&label) {
        STATUSES
    } else {
        VALUES
    });
    let asked = || matchers.iter().filter(|matcher| matcher.name == label);
    let suits = |value: &String| asked().all(|matcher| picks(matcher, value));
    if !values.iter().any(suits) {
        let examples = asked().filter_map(|matcher| domain.example(&pattern(matcher), true));
        values.extend(examples.filter(suits).take(1));
    }
    values
}
