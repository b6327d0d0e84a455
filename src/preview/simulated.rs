//! Answers without a server: synthetic series, the rendered rules evaluated over them, and the alerts that follow.

use super::answers::{Answers, Axis, Labels, Series};
use super::synthetic::{Parted, SCHEMA, Synthetic};
use crate::catalog::{Catalog, Duration};
use crate::json::plain;
use crate::promql::engine::{
    self, Data, Engine, Evaluated, Failure, LOOKBACK, Millis, Recorded, RecordedNative, Release,
    Sample,
};
use crate::promql::matchers::pick;
use crate::promql::native::Histogram;
use crate::promql::{Expr, VectorSelector};
use crate::stack::Stack;
use crate::value::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// Noon of 5 January 2026, UTC: the page is the same whenever it is made.
const NOW: i64 = 1_767_614_400;

/// Finer than this nothing is simulated.
const STEP: i64 = 15;

/// Instants of the time shown, at most.
const INSTANTS: i64 = 240;

/// Windows reach back this far before the time shown and once more as far as it.
const HISTORY: i64 = 30 * 60;

/// A stack that nobody runs.
pub(crate) struct Simulated<'a> {
    stack: &'a Stack<'a>,
    rules: Vec<&'a Value>,
    synthetic: Synthetic<'a>,
    axis: Axis,
    shown: i64,
    families: RefCell<HashMap<String, Rc<Vec<Series>>>>,
}

impl<'a> Simulated<'a> {
    /// A stack seen for so many seconds.
    pub(crate) fn new(catalog: &'a Catalog, stack: &'a Stack<'a>, shown: i64) -> Simulated<'a> {
        let step = i64::max(STEP, shown / INSTANTS / STEP * STEP);
        let axis = Axis {
            end: NOW,
            step,
            count: ((2 * shown + HISTORY) / step + 1) as usize,
        };
        let rules = stack.files.rules().map(|(_, _, rule)| rule).collect();
        Simulated {
            stack,
            rules,
            synthetic: Synthetic::new(catalog, &stack.contract, axis),
            axis,
            shown,
            families: RefCell::default(),
        }
    }

    /// An expression at every instant from the one of this index on; before it there is nothing.
    fn evaluate(&self, expr: &Expr, from: usize) -> Result<Vec<Series>, String> {
        let (begin, end) = (self.axis.at(from), self.axis.end);
        let step = 1000 * self.axis.step;
        let interval = self
            .stack
            .catalog
            .prometheus
            .evaluation_interval
            .0
            .max(1000);
        let engine = Engine {
            data: self,
            release: Release::Two,
            // An axis that is coarser than the lookback has no gaps between its instants.
            lookback: LOOKBACK.max(step),
            subquery_step: Millis::try_from(interval).unwrap_or(step),
            shown: Some((1000 * (end - self.shown), 1000 * end)),
        };
        let axis = engine::Axis {
            start: 1000 * begin,
            step,
            count: self.axis.count - from,
        };
        let found = engine
            .series(expr, axis)
            .map_err(|failure| failure.reason)?;
        let filled = |series: engine::Series| {
            let labels = series.labels.iter();
            let before = std::iter::repeat_n(f64::NAN, from);
            let values = series
                .values
                .into_iter()
                .map(|value| value.unwrap_or(f64::NAN));
            Series {
                labels: labels
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect(),
                values: before.chain(values).collect(),
            }
        };
        Ok(found.into_iter().map(filled).collect())
    }

    /// A column as Prometheus would have stored it: a second sample a scrape before each instant, so that windows shorter than
    /// the step hold two, and the end of a series where its column ends.
    fn stored(&self, series: &Series) -> Recorded {
        let mut samples = Vec::with_capacity(2 * series.values.len());
        let mut before = f64::NAN;
        for (index, value) in series.values.iter().enumerate() {
            let time = 1000 * self.axis.at(index);
            match (value.is_nan(), before.is_nan()) {
                (true, false) => samples.push(Sample::stale(time)),
                (true, true) => {}
                (false, gone) => {
                    if !gone && self.axis.step > STEP {
                        let part = STEP as f64 / self.axis.step as f64;
                        samples.push(Sample {
                            time: time - 1000 * STEP,
                            value: value - part * (value - before),
                        });
                    }
                    samples.push(Sample {
                        time,
                        value: *value,
                    });
                }
            }
            before = *value;
        }
        Recorded {
            labels: series.labels.iter().collect(),
            samples,
        }
    }

    /// The same of a native histogram: what its parts hold at the same times.
    fn stored_native(&self, parted: &Parted) -> RecordedNative {
        let sums = self.stored(&parted.sum).samples;
        let within = parted.within.iter();
        let within: Vec<(i32, Vec<Sample>)> = within
            .map(|(index, series)| (*index, self.stored(series).samples))
            .collect();
        let at = |(place, sum): (usize, &Sample)| {
            let mut before = 0.0;
            let buckets = within.iter().map(|(index, samples)| {
                let is = samples[place].value;
                let own = is - before;
                before = is;
                (*index, own)
            });
            let histogram = Histogram::of_buckets(SCHEMA, buckets, sum.value);
            (sum.time, (!sum.is_stale()).then(|| Arc::new(histogram)))
        };
        let samples = sums.iter().enumerate().map(at).collect();
        (parted.labels.iter().collect(), samples)
    }

    fn select(&self, selector: &VectorSelector) -> Result<Vec<Series>, String> {
        let name = selector.name.as_deref().unwrap_or_default();
        let written =
            name.starts_with("ALERTS") || self.rules.iter().any(|rule| rule["record"] == name);
        if !written {
            return Ok(self.synthetic.select(selector));
        }
        Ok(self
            .family(name)?
            .iter()
            .filter(|series| pick(&selector.matchers, &series.labels))
            .cloned()
            .collect())
    }

    /// All series that the rules write under a name, worked out once.
    fn family(&self, name: &str) -> Result<Rc<Vec<Series>>, String> {
        if let Some(known) = self.families.borrow().get(name) {
            return Ok(known.clone());
        }
        let mut all = Vec::new();
        for rule in &self.rules {
            match name {
                "ALERTS" | "ALERTS_FOR_STATE" if rule["alert"].is_string() => {
                    all.extend(self.alert(rule, name)?)
                }
                _ if rule["record"] == name => {
                    let series = self.evaluate(&*self.expression(rule)?, 0)?;
                    all.extend(series.into_iter().map(|series| Series {
                        labels: labeled(&series.labels, rule, "record", name),
                        values: series.values,
                    }));
                }
                _ => {}
            }
        }
        let family = Rc::new(coalesced(all));
        self.families
            .borrow_mut()
            .insert(name.to_string(), family.clone());
        Ok(family)
    }

    fn expression(&self, rule: &Value) -> Result<Rc<Expr>, String> {
        self.stack.contract.parse(&plain(&rule["expr"]))
    }

    /// What Prometheus writes while an alert's condition holds: pending, firing once it has held for long enough.
    fn alert(&self, rule: &Value, name: &str) -> Result<Vec<Series>, String> {
        let wait = rule["for"]
            .as_str()
            .and_then(Duration::parse)
            .map_or(0, |wait| (wait.0 / 1000) as i64);
        let mut all = Vec::new();
        for series in self.evaluate(&*self.expression(rule)?, 0)? {
            let labels = labeled(&series.labels, rule, "alert", name);
            let (since, [pending, firing]) = self.states(&series.values, wait);
            if name == "ALERTS_FOR_STATE" {
                all.push(Series {
                    labels,
                    values: since,
                });
                continue;
            }
            for (state, values) in [("pending", pending), ("firing", firing)] {
                let mut labels = labels.clone();
                labels.insert("alertstate".to_string(), state.to_string());
                all.push(Series { labels, values });
            }
        }
        Ok(all)
    }

    fn states(&self, condition: &[f64], wait: i64) -> (Vec<f64>, [Vec<f64>; 2]) {
        let mut since = vec![f64::NAN; condition.len()];
        let mut states = [since.clone(), since.clone()];
        let mut begin = None;
        for (index, value) in condition.iter().enumerate() {
            begin = if value.is_nan() {
                None
            } else {
                begin.or(Some(self.axis.at(index)))
            };
            if let Some(begin) = begin {
                since[index] = begin as f64;
                states[usize::from(self.axis.at(index) - begin >= wait)][index] = 1.0;
            }
        }
        (since, states)
    }
}

/// The labels of what a rule writes: those of its expression, then its own.
fn labeled(labels: &Labels, rule: &Value, kind: &str, name: &str) -> Labels {
    let mut labels = labels.clone();
    labels.insert("__name__".to_string(), name.to_string());
    if kind == "alert" {
        labels.insert(
            "alertname".to_string(),
            rule["alert"].as_str().unwrap_or_default().to_string(),
        );
    }
    labels.extend(
        rule["labels"]
            .entries()
            .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string()))),
    );
    labels
}

impl Data for Simulated<'_> {
    fn select(&self, selector: &VectorSelector) -> Evaluated<Vec<Cow<'_, Recorded>>> {
        let found = Simulated::select(self, selector).map_err(|reason| Failure {
            reason,
            certain: true,
        })?;
        let stored = found.iter().map(|series| self.stored(series));
        Ok(stored.map(Cow::Owned).collect())
    }

    fn holds_natives(&self) -> bool {
        let mut metrics = self.stack.catalog.exposed();
        metrics.any(|metric| metric.whole)
    }

    fn natives(&self, selector: &VectorSelector) -> Evaluated<Vec<RecordedNative>> {
        let parted = self.synthetic.natives(selector).into_iter();
        Ok(parted.map(|parted| self.stored_native(&parted)).collect())
    }
}

/// One series for each set of labels, sorted by them as Prometheus does: where several have a value at one instant, the first wins.
fn coalesced(all: Vec<Series>) -> Vec<Series> {
    let mut merged: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for series in all {
        match merged.get_mut(&series.labels) {
            Some(known) => {
                let missing = known.iter_mut().zip(series.values);
                missing
                    .filter(|(own, _)| own.is_nan())
                    .for_each(|(own, value)| *own = value);
            }
            None => drop(merged.insert(series.labels, series.values)),
        }
    }
    let series = merged.into_iter();
    series
        .map(|(labels, values)| Series { labels, values })
        .filter(|series| series.values.iter().any(|value| !value.is_nan()))
        .collect()
}

impl Answers for Simulated<'_> {
    fn now(&self) -> i64 {
        NOW
    }

    fn range(&self, expression: &str, axis: &Axis) -> Result<Vec<Series>, String> {
        let stride = (axis.step / self.axis.step).max(1) as usize;
        let last = self.axis.count - 1;
        let from = last.saturating_sub((axis.count - 1) * stride);
        let series = self.evaluate(&*self.stack.contract.parse(expression)?, from)?;
        Ok(coalesced(
            series
                .into_iter()
                .map(|series| Series {
                    values: (from..=last)
                        .step_by(stride)
                        .map(|index| series.values[index])
                        .collect(),
                    ..series
                })
                .collect(),
        ))
    }

    fn instant(&self, expression: &str) -> Result<Vec<Series>, String> {
        let last = self.axis.count - 1;
        let expr = &*self.stack.contract.parse(expression)?;
        let series = self.evaluate(expr, last)?.into_iter();
        let now = series.map(|series| Series {
            values: vec![series.values[last]],
            ..series
        });
        let mut now: Vec<Series> = now.filter(|series| !series.values[0].is_nan()).collect();
        if let Some(largest_first) = engine::ordered(expr) {
            now.sort_by(|one, other| one.values[0].total_cmp(&other.values[0]));
            if largest_first {
                now.reverse();
            }
        }
        Ok(now)
    }
}
