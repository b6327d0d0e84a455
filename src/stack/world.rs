//! A small world to look at panels in: a few series that hold a value, and what the rules record of them.

pub(crate) mod busy;

use super::Stack;
use crate::catalog::Duration;
use crate::contract::series::SeriesSet;
use crate::evaluation::rules::{Library, Rule, Rules};
use crate::promql::Expr;
use crate::promql::engine::{
    Axis, Engine, LOOKBACK, Labels, Memory, Millis, NAME, Recorded, Release, Sample, metric,
};
use crate::promql::native::Histogram;
use crate::promql::walk::selectors;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// When it is looked at, and how long it has been so.
const NOW: Millis = 3_600_000;

/// Between samples.
const STEP: Millis = 60_000;

/// Between samples of series that rise, for the windows of panels.
const SHORT_STEP: Millis = 5_000;

/// Between their samples of long ago, which only windows of hours and days reach.
const LONG_STEP: Millis = 900_000;

/// The recording rules of a stack.
pub(crate) struct Recordings<'s> {
    library: Library<'s>,
    /// Name → what its rules read.
    reads: HashMap<&'s str, BTreeSet<&'s str>>,
    /// The metrics whose samples are native histograms.
    natives: BTreeSet<&'s str>,
}

impl<'s> Recordings<'s> {
    /// Those of all rule files.
    pub(crate) fn of(stack: &'s Stack) -> Recordings<'s> {
        let rules = stack.rules.iter().map(|loaded| &loaded.rule);
        let rules: Vec<&Rule> = rules.filter(|rule| rule.alert.is_none()).collect();
        let mut reads: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for rule in &rules {
            reads
                .entry(&rule.name)
                .or_default()
                .extend(names(&rule.expr));
        }
        let contract = &stack.contract;
        let native = |name: &&str| contract.family(name).iter().any(SeriesSet::native);
        Recordings {
            library: Library::of(rules),
            reads,
            natives: contract.names().filter(native).collect(),
        }
    }

    /// The metrics that an expression reads in the end, through everything that is recorded.
    pub(crate) fn sources(&self, expr: &Expr) -> BTreeSet<String> {
        self.ends(expr).0
    }

    /// What it reads that is recorded of nothing: numbers of the catalog.
    pub(crate) fn constants(&self, expr: &Expr) -> BTreeSet<String> {
        self.ends(expr).1
    }

    fn ends(&self, expr: &Expr) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut sources, mut constants) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<&str> = names(expr).collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                match self.reads.get(name) {
                    Some(read) if read.is_empty() => drop(constants.insert(name.to_string())),
                    Some(read) => open.extend(read),
                    None => drop(sources.insert(name.to_string())),
                }
            }
        }
        (sources, constants)
    }

    /// What records for some of the services what some expressions read. What the catalog says of a service is a rule of its own
    /// for each: others are left out.
    pub(crate) fn behind<'e>(
        &self,
        asked: impl IntoIterator<Item = &'e Expr>,
        jobs: &BTreeSet<&str>,
    ) -> Behind<'_> {
        let mut rules = self.library.needed(std::iter::empty(), asked.into_iter());
        rules.retain(|rule| {
            let mut labels = rule.labels.iter();
            let job = labels.find_map(|(name, text)| text.constant().filter(|_| name == "job"));
            job.is_none_or(|job| jobs.contains(job))
        });
        Behind {
            rules,
            natives: &self.natives,
        }
    }
}

/// The rules behind some expressions.
pub(crate) struct Behind<'r> {
    rules: Vec<&'r Rule>,
    natives: &'r BTreeSet<&'r str>,
}

/// The metrics that an expression reads.
fn names(expr: &Expr) -> impl Iterator<Item = &str> {
    selectors(expr).into_iter().filter_map(metric)
}

/// Series, each with its value.
pub(crate) type Samples = Vec<(Labels, f64)>;

pub(crate) struct World(Memory);

impl World {
    /// These series and no others.
    pub(crate) fn plain(series: &Samples) -> World {
        let mut memory = Memory::default();
        for (labels, value) in series {
            let samples = (0..=NOW / STEP)
                .map(|index| Sample {
                    time: index * STEP,
                    value: *value,
                })
                .collect();
            memory.add(Recorded {
                labels: labels.clone(),
                samples,
            });
        }
        World(memory)
    }

    /// These series, and what is recorded of them.
    pub(crate) fn recorded(series: &Samples, behind: &Behind) -> World {
        World::plain(series).record(behind, Axis::one(NOW))
    }

    /// Series that rise by so much a second, for as long as a window looks back, with what is recorded of them; one that rises by
    /// nothing has the value.
    pub(crate) fn rising(
        series: &[(Labels, f64, f64)],
        window: Duration,
        behind: &Behind,
    ) -> World {
        let now = |_: &Labels| Duration(0);
        World::ending(series, window, behind.natives, &now).record(behind, Axis::one(NOW))
    }

    /// The same, each with its last sample so long ago.
    pub(crate) fn gone(
        series: &[(Labels, f64, f64)],
        window: Duration,
        behind: &Behind,
        ago: &dyn Fn(&Labels) -> Duration,
        recorded: Axis,
    ) -> World {
        World::ending(series, window, behind.natives, ago).record(behind, recorded)
    }

    /// When rules are evaluated of which all of a time is looked at: now and then, and not only at its end.
    pub(crate) fn throughout(window: Duration) -> Axis {
        let window = Millis::try_from(window.0).unwrap_or(NOW);
        let count = usize::try_from(window / LONG_STEP).unwrap_or(0) + 1;
        Axis {
            start: NOW - LONG_STEP * (count as Millis - 1),
            step: LONG_STEP,
            count,
        }
    }

    /// The same of their end alone.
    pub(crate) fn at_the_end() -> Axis {
        Axis::one(NOW)
    }

    fn ending(
        series: &[(Labels, f64, f64)],
        window: Duration,
        natives: &BTreeSet<&str>,
        ago: &dyn Fn(&Labels) -> Duration,
    ) -> World {
        let mut memory = Memory::default();
        for (labels, value, slope) in series {
            let before = (Millis::try_from(window.0).unwrap_or(NOW) - NOW) / LONG_STEP;
            let first = -before.max(0) * LONG_STEP;
            let last = NOW - Millis::try_from(ago(labels).0).unwrap_or(0);
            let before = (1..=before).rev().map(|index| -index * LONG_STEP);
            let times = before.chain((0..=NOW / SHORT_STEP).map(|index| index * SHORT_STEP));
            let times = times.filter(|time| *time <= last);
            let at = |time: Millis| value + slope * (time - first) as f64 / 1000.0;
            if natives.contains(labels.get(NAME)) {
                let observed = |time| (time, Some(Arc::new(Histogram::spread(at(time)))));
                memory.add_native((labels.clone(), times.map(observed).collect()));
                continue;
            }
            let samples = times.map(|time| {
                let value = at(time);
                Sample { time, value }
            });
            memory.add(Recorded {
                labels: labels.clone(),
                samples: samples.collect(),
            });
        }
        World(memory)
    }

    fn record(self, behind: &Behind, axis: Axis) -> World {
        let World(mut memory) = self;
        let rules = Rules {
            rules: behind.rules.clone(),
            axis,
            release: Release::Two,
        };
        rules.run(&mut memory);
        World(memory)
    }

    /// What an expression gives now; None: it is not evaluated here.
    pub(crate) fn asked(&self, expr: &Expr) -> Option<Samples> {
        let engine = Engine {
            data: &self.0,
            release: Release::Two,
            lookback: LOOKBACK,
            subquery_step: STEP,
            shown: Some((0, NOW)),
        };
        let series = engine.series(expr, Axis::one(NOW)).ok()?;
        let valued = series.into_iter().filter_map(|series| {
            let value = series.values.last().copied().flatten()?;
            Some((series.labels, value))
        });
        Some(valued.collect())
    }
}

/// Labels with the name of a metric.
pub(crate) fn series<'l>(
    name: &str,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> Labels {
    let labels: Labels = labels.into_iter().collect();
    labels.with(NAME, name)
}
