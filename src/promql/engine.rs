//! PromQL as Prometheus evaluates it, over whole columns at once: every node gives the values at each instant of an axis.
//!
//! Held equal to promtool by `tests/evaluation.rs`. What is not evaluated is an error with its reason, never an empty result.

mod aggregate;
mod binary;
mod calendar;
mod call;
mod data;
mod histogram;
mod label_functions;
mod labels;
mod native;
mod window;

use super::token::{T_BOTTOMK, T_MOD, T_TOPK};
use super::walk::children;
use super::{AtModifier, Expr, Offset, SubqueryExpr, VectorSelector};
pub use data::{Data, Memory, Recorded, RecordedNative, Sample, metric};
pub use labels::{ByLabels, Labels, NAME};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

/// Milliseconds: of a time since 1970, or of a length of time.
pub type Millis = i64;

/// Equidistant instants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub start: Millis,
    /// At least 1.
    pub step: Millis,
    pub count: usize,
}

impl Axis {
    pub(crate) fn one(at: Millis) -> Axis {
        Axis {
            start: at,
            step: 1,
            count: 1,
        }
    }

    pub(crate) fn at(&self, index: usize) -> Millis {
        self.start + self.step * index as Millis
    }

    pub(crate) fn end(&self) -> Millis {
        self.at(self.count.saturating_sub(1))
    }

    pub(crate) fn instants(self) -> impl Iterator<Item = Millis> {
        (0..self.count).map(move |index| self.at(index))
    }
}

/// Whether an answer for one instant is ordered by its values, and then whether the largest comes first: as the outermost call says.
pub fn ordered(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Paren(inside) => ordered(&inside.expr),
        Expr::Call(call) => match call.func.name {
            "sort" => Some(false),
            "sort_desc" => Some(true),
            _ => None,
        },
        Expr::Aggregate(aggregate) => match aggregate.op.id() {
            T_BOTTOMK => Some(false),
            T_TOPK => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// A line of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: Labels,
    /// As many as the axis has instants; None: there is no such series at that instant.
    pub values: Vec<Option<f64>>,
}

pub(crate) enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Series>),
    /// Native histograms.
    Natives(Vec<native::Native>),
    Text,
}

/// The releases of Prometheus that see different samples in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Release {
    /// A sample exactly as old as the window is in it.
    Two,
    /// It is not (3.0: "range selectors and the lookback are left-open").
    Three,
}

/// Why an expression has no result: as Prometheus would say it, or that it is not evaluated here.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub reason: String,
    /// Whether Prometheus would fail too.
    pub certain: bool,
}

impl Failure {
    /// Prometheus fails as well.
    fn certain(reason: impl Into<String>) -> Failure {
        Failure {
            reason: reason.into(),
            certain: true,
        }
    }

    /// This is beyond what is evaluated here.
    fn unknown(reason: impl Into<String>) -> Failure {
        Failure {
            reason: reason.into(),
            certain: false,
        }
    }
}

pub type Evaluated<T> = Result<T, Failure>;

/// What an expression is evaluated over.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    pub data: &'a dyn Data,
    pub release: Release,
    /// How long a sample is the current one: `--query.lookback-delta`, 5 minutes unless set.
    pub lookback: Millis,
    /// The step of a subquery that names none: the evaluation interval.
    pub subquery_step: Millis,
    /// What `start()` and `end()` name; None: each instant is a query of its own, and both are that instant.
    pub shown: Option<(Millis, Millis)>,
}

/// Prometheus' own, unless a flag sets another.
pub const LOOKBACK: Millis = 5 * 60 * 1000;

impl Engine<'_> {
    /// The series that an expression has at each instant; a number is one series without labels.
    pub fn series(&self, expr: &Expr, axis: Axis) -> Evaluated<Vec<Series>> {
        match self.value(expr, axis)? {
            Value::Vector(series) => Ok(series),
            Value::Scalar(values) => Ok(vec![Series {
                labels: Labels::default(),
                values: values.into_iter().map(Some).collect(),
            }]),
            Value::Natives(_) => Err(Failure::unknown(format!(
                "`{expr}` is a native histogram, which is evaluated in functions that begin with `histogram_` alone"
            ))),
            Value::Text => Err(Failure::certain("a string is not a vector")),
        }
    }

    fn value(&self, expr: &Expr, axis: Axis) -> Evaluated<Value> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; axis.count])),
            Expr::StringLiteral(_) => Ok(Value::Text),
            Expr::Paren(paren) => self.value(&paren.expr, axis),
            Expr::Unary(unary) => Ok(match self.value(&unary.expr, axis)? {
                Value::Scalar(values) => {
                    Value::Scalar(values.into_iter().map(|value| -value).collect())
                }
                Value::Vector(series) => Value::Vector(each(series, |value| -value)?),
                Value::Natives(_) => {
                    return Err(Failure::unknown(
                        "the sign of native histograms is not evaluated",
                    ));
                }
                Value::Text => return Err(Failure::certain("a string has no sign")),
            }),
            Expr::VectorSelector(selector) => match native::current(self, selector, axis)? {
                Some(found) => Ok(Value::Natives(found)),
                None => {
                    let found = self.current(selector, axis, |sample| sample.value);
                    found.map(Value::Vector)
                }
            },
            Expr::Aggregate(aggregate) => aggregate::value(self, aggregate, axis),
            Expr::Binary(binary) => binary::value(self, binary, axis),
            Expr::Call(call) => call::value(self, call, axis),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => Err(Failure::certain(
                "a range vector is only an argument of a function",
            )),
            Expr::Extension(_) => Err(Failure::unknown("this syntax is not evaluated")),
        }
    }

    fn scalar(&self, expr: &Expr, axis: Axis) -> Evaluated<Vec<f64>> {
        match self.value(expr, axis)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(Failure::certain(format!("`{expr}` is not a number"))),
        }
    }

    /// The instants at which a selector looks: moved by its offset, or all at the one that `@` names.
    fn looked_at(
        &self,
        axis: Axis,
        at: Option<&AtModifier>,
        offset: Option<&Offset>,
    ) -> Evaluated<Axis> {
        let offset = match offset {
            Some(Offset::Pos(by)) => millis(*by),
            Some(Offset::Neg(by)) => -millis(*by),
            None => 0,
        };
        let pinned = match at {
            None => None,
            Some(AtModifier::Start) => self.shown.map(|shown| shown.0),
            Some(AtModifier::End) => self.shown.map(|shown| shown.1),
            Some(AtModifier::At(time)) => Some(match time.duration_since(UNIX_EPOCH) {
                Ok(after) => millis(after),
                Err(before) => -millis(before.duration()),
            }),
        };
        Ok(match pinned {
            Some(time) => Axis {
                start: time - offset,
                step: 0,
                ..axis
            },
            None => Axis {
                start: axis.start - offset,
                ..axis
            },
        })
    }

    /// Of each series something of the sample that is current at each instant; of those that have none nothing.
    fn current(
        &self,
        selector: &VectorSelector,
        axis: Axis,
        of: impl Fn(Sample) -> f64,
    ) -> Evaluated<Vec<Series>> {
        let seen = self.looked_at(axis, selector.at.as_ref(), selector.offset.as_ref())?;
        let found = self.data.select(selector)?;
        let current = |samples: &[Sample]| {
            // What was long before the first instant is passed over at once.
            let mut next = samples.partition_point(|sample| sample.time <= seen.start);
            seen.instants()
                .map(|instant| {
                    while next < samples.len() && samples[next].time <= instant {
                        next += 1;
                    }
                    let sample = *samples[..next].last()?;
                    let oldest = instant - self.lookback;
                    let expired = match self.release {
                        Release::Two => sample.time < oldest,
                        Release::Three => sample.time <= oldest,
                    };
                    (!expired && !sample.is_stale()).then(|| of(sample))
                })
                .collect::<Vec<_>>()
        };
        Ok(existing(found.iter().map(|series| Series {
            labels: series.labels.clone(),
            values: current(&series.samples),
        })))
    }

    /// What a range vector reads: its series, the instants at which its windows end, and how long they are.
    fn range(&self, expr: &Expr, axis: Axis) -> Evaluated<Range<'_>> {
        match expr {
            Expr::Paren(paren) => self.range(&paren.expr, axis),
            Expr::MatrixSelector(matrix) => {
                let selector = &matrix.vs;
                let ends = self.looked_at(axis, selector.at.as_ref(), selector.offset.as_ref())?;
                Ok(Range {
                    series: self.data.select(selector)?,
                    ends,
                    length: millis(matrix.range),
                })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, axis),
            _ => Err(Failure::certain(format!("`{expr}` is not a range vector"))),
        }
    }

    /// The inner expression at multiples of the step, as Prometheus aligns them.
    fn subquery(&self, subquery: &SubqueryExpr, axis: Axis) -> Evaluated<Range<'_>> {
        let ends = self.looked_at(axis, subquery.at.as_ref(), subquery.offset.as_ref())?;
        let length = millis(subquery.range);
        let step = subquery.step.map_or(self.subquery_step, millis).max(1);
        let begin = ends.start - length;
        // Go rounds a quotient towards zero.
        let mut start = step * (begin / step);
        let before = match self.release {
            Release::Two => start < begin,
            Release::Three => start <= begin,
        };
        if before {
            start += step;
        }
        let inner = Axis {
            start,
            step,
            count: usize::try_from((ends.end() - start).div_euclid(step) + 1).unwrap_or(0),
        };
        let series = self.series(&subquery.expr, inner)?;
        let samples = |series: Series| Recorded {
            labels: series.labels,
            samples: inner
                .instants()
                .zip(series.values)
                .filter_map(|(time, value)| {
                    Some(Sample {
                        time,
                        value: value?,
                    })
                })
                .collect(),
        };
        Ok(Range {
            series: series.into_iter().map(samples).map(Cow::Owned).collect(),
            ends,
            length,
        })
    }
}

/// The parts of the time on which the result depends: `hour`, `year` and such, as their functions are called; `time` where what is
/// left of it by a division, or it as a vector, is asked, and not how long ago something was.
pub(crate) fn reads_of_time(expr: &Expr) -> BTreeSet<&'static str> {
    fn is_time(expr: &Expr) -> bool {
        match expr {
            Expr::Paren(paren) => is_time(&paren.expr),
            Expr::Call(call) => match call.func.name {
                "time" => true,
                "vector" => call.args.args.first().is_some_and(|arg| is_time(arg)),
                _ => false,
            },
            _ => false,
        }
    }
    let mut found: BTreeSet<&'static str> = children(expr).flat_map(reads_of_time).collect();
    match expr {
        Expr::Call(call) if calendar::part(call.func.name, 0.0).is_some() => {
            found.insert(call.func.name);
        }
        Expr::Binary(binary) if binary.op.id() == T_MOD && is_time(&binary.lhs) => {
            found.insert("time");
        }
        _ => {}
    }
    found
}

/// Windows over series.
struct Range<'a> {
    series: Vec<Cow<'a, Recorded>>,
    /// Where the windows end.
    ends: Axis,
    length: Millis,
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

/// A function of each value; the result is no longer the metric.
fn each(series: Vec<Series>, function: impl Fn(f64) -> f64) -> Evaluated<Vec<Series>> {
    each_at(series, |_, value| function(value))
}

/// The same with the index of the instant.
fn each_at(
    mut series: Vec<Series>,
    function: impl Fn(usize, f64) -> f64,
) -> Evaluated<Vec<Series>> {
    for values in series.iter_mut().map(|series| &mut series.values) {
        for (index, value) in values.iter_mut().enumerate() {
            *value = value.map(|value| function(index, value));
        }
    }
    without_names(series)
}

/// Series that are no longer the metric. Those of one metric stay as different as they were.
fn without_names(mut series: Vec<Series>) -> Evaluated<Vec<Series>> {
    let one = |two: &[Series]| two[0].labels.get(NAME) == two[1].labels.get(NAME);
    let of_one_metric = series.windows(2).all(one);
    for one in &mut series {
        one.labels = one.labels.without_name();
    }
    match of_one_metric {
        true => Ok(series),
        false => merged(series),
    }
}

/// Only series that exist at some instant.
fn existing(series: impl Iterator<Item = Series>) -> Vec<Series> {
    series
        .filter(|series| series.values.iter().any(Option::is_some))
        .collect()
}

/// Series of the same labels become one; Prometheus refuses two at the same instant.
pub(crate) fn merged(series: Vec<Series>) -> Evaluated<Vec<Series>> {
    if series.len() < 2 {
        return Ok(series);
    }
    let mut known: ByLabels<usize> = ByLabels::default();
    let mut all: Vec<Series> = Vec::with_capacity(series.len());
    for series in series {
        let Some(&index) = known.get(&series.labels) else {
            known.insert(series.labels.clone(), all.len());
            all.push(series);
            continue;
        };
        for (value, other) in all[index].values.iter_mut().zip(series.values) {
            if value.is_some() && other.is_some() {
                return Err(Failure::certain(format!(
                    "vector cannot contain metrics with the same labelset: {}",
                    series.labels
                )));
            }
            *value = value.or(other);
        }
    }
    Ok(all)
}
