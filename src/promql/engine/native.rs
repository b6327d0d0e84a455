//! Native histograms: what is read of them, added up, and made into numbers. What Prometheus does with them beyond that is
//! refused, never left out.

use super::{
    Axis, ByLabels, Engine, Evaluated, Failure, Labels, Millis, RecordedNative, Release, Series,
    Value,
};
use crate::promql::native::{Histogram, Within};
use crate::promql::token::{T_ADD, T_AVG, T_COUNT, T_DIV, T_GROUP, T_MUL, T_SUB, T_SUM};
use crate::promql::{AggregateExpr, Expr, VectorSelector};
use std::sync::Arc;

/// A line of native histograms.
pub(crate) struct Native {
    pub(super) labels: Labels,
    values: Vec<Option<Arc<Histogram>>>,
}

fn unknown(what: &str) -> Failure {
    Failure::unknown(format!("{what} of native histograms is not evaluated"))
}

fn wide() -> Failure {
    Failure::unknown("native histograms with buckets of several widths at 0 are not evaluated")
}

/// 1 wherever there is one.
pub(super) fn presence(found: &[Native]) -> Vec<Series> {
    let one = |native: &Native| Series {
        labels: native.labels.clone(),
        values: (native.values.iter())
            .map(|value| value.as_ref().map(|_| 1.0))
            .collect(),
    };
    found.iter().map(one).collect()
}

/// What a selector picks, where that is native histograms.
fn selected(engine: &Engine, selector: &VectorSelector) -> Evaluated<Option<Vec<RecordedNative>>> {
    if !engine.data.holds_natives() {
        return Ok(None);
    }
    let found = engine.data.natives(selector)?;
    if found.is_empty() {
        return Ok(None);
    }
    if !engine.data.select(selector)?.is_empty() {
        let reason =
            format!("`{selector}` reads numbers and native histograms, which is not evaluated");
        return Err(Failure::unknown(reason));
    }
    Ok(Some(found))
}

/// The native histograms that are current at each instant; None: the selector reads none.
pub(super) fn current(
    engine: &Engine,
    selector: &VectorSelector,
    axis: Axis,
) -> Evaluated<Option<Vec<Native>>> {
    let Some(found) = selected(engine, selector)? else {
        return Ok(None);
    };
    let seen = engine.looked_at(axis, selector.at.as_ref(), selector.offset.as_ref())?;
    let series = found.into_iter().map(|(labels, samples)| {
        let at = |instant: Millis| {
            let (time, value) = samples.iter().rfind(|(time, _)| *time <= instant)?;
            let oldest = instant - engine.lookback;
            let expired = match engine.release {
                Release::Two => *time < oldest,
                Release::Three => *time <= oldest,
            };
            value.clone().filter(|_| !expired)
        };
        let values = seen.instants().map(at).collect();
        Native { labels, values }
    });
    Ok(Some(series.collect()))
}

/// A function of native histograms; None: its arguments are none.
pub(super) fn call(
    engine: &Engine,
    name: &str,
    arguments: &[&Expr],
    axis: Axis,
) -> Evaluated<Option<Value>> {
    let Some(last) = arguments.last().filter(|_| engine.data.holds_natives()) else {
        return Ok(None);
    };
    if let Some(range) = arguments.iter().find_map(|argument| ranged(argument)) {
        return over(engine, name, range, axis);
    }
    if !name.starts_with("histogram_") {
        return Ok(None);
    }
    let Value::Natives(found) = engine.value(last, axis)? else {
        return Ok(None);
    };
    let within = match engine.release {
        Release::Two => Within::Evenly,
        Release::Three => Within::Exponentially,
    };
    let numbers = |index: usize| match arguments.get(index).filter(|_| index + 1 < arguments.len())
    {
        Some(argument) => engine.scalar(argument, axis),
        None => Err(Failure::certain(format!("`{name}` lacks an argument"))),
    };
    let each = |number: &dyn Fn(&Histogram, usize) -> f64| {
        let series = found.iter().map(|native| {
            let values = native.values.iter().enumerate();
            let values = values.map(|(index, value)| Some(number(value.as_deref()?, index)));
            Series {
                labels: native.labels.without_name(),
                values: values.collect(),
            }
        });
        super::merged(series.collect()).map(|series| Some(Value::Vector(series)))
    };
    match name {
        "histogram_quantile" => {
            let wanted = numbers(0)?;
            each(&|histogram, index| histogram.quantile(wanted[index], within))
        }
        "histogram_fraction" => {
            let (lower, upper) = (numbers(0)?, numbers(1)?);
            each(&|histogram, index| histogram.fraction(lower[index], upper[index], within))
        }
        "histogram_count" => each(&|histogram, _| histogram.count),
        "histogram_sum" => each(&|histogram, _| histogram.sum),
        "histogram_avg" => each(&|histogram, _| histogram.sum / histogram.count),
        name => Err(unknown(&format!("`{name}`"))),
    }
}

fn ranged(expr: &Expr) -> Option<(&VectorSelector, Millis)> {
    match expr {
        Expr::Paren(paren) => ranged(&paren.expr),
        Expr::MatrixSelector(matrix) => Some((&matrix.vs, super::millis(matrix.range))),
        _ => None,
    }
}

/// A function of the native histograms in a window.
fn over(
    engine: &Engine,
    name: &str,
    (selector, length): (&VectorSelector, Millis),
    axis: Axis,
) -> Evaluated<Option<Value>> {
    let Some(found) = selected(engine, selector)? else {
        return Ok(None);
    };
    if name == "absent_over_time" || !FUNCTIONS.contains(&name) {
        return Err(unknown(&format!("`{name}`")));
    }
    let ends = engine.looked_at(axis, selector.at.as_ref(), selector.offset.as_ref())?;
    let mut natives = Vec::new();
    for (labels, samples) in found {
        let mut values = Vec::new();
        for end in ends.instants() {
            let start = end - length;
            let inside = |time: Millis| match engine.release {
                Release::Two => time >= start && time <= end,
                Release::Three => time > start && time <= end,
            };
            let window: Vec<(Millis, &Histogram)> = samples
                .iter()
                .filter(|(time, _)| inside(*time))
                .filter_map(|(time, value)| Some((*time, value.as_deref()?)))
                .collect();
            let value = of_window(name, &window, (start, end), engine.release)?;
            values.push(value.map(Arc::new));
        }
        let labels = match name == "last_over_time" {
            true => labels,
            false => labels.without_name(),
        };
        natives.push(Native { labels, values });
    }
    natives.retain(|native| native.values.iter().any(Option::is_some));
    Ok(Some(match name {
        "count_over_time" => {
            let counts = natives.iter().map(|native| Series {
                labels: native.labels.clone(),
                values: (native.values.iter())
                    .map(|value| value.as_ref().map(|value| value.count))
                    .collect(),
            });
            Value::Vector(super::merged(counts.collect())?)
        }
        "present_over_time" => Value::Vector(super::merged(presence(&natives))?),
        _ => Value::Natives(natives),
    }))
}

/// What is evaluated over windows of them.
const FUNCTIONS: [&str; 7] = [
    "rate",
    "increase",
    "last_over_time",
    "sum_over_time",
    "avg_over_time",
    "count_over_time",
    "present_over_time",
];

/// What a function gives for one window, from `start` to `end`; `count_over_time` as the count of a histogram.
fn of_window(
    name: &str,
    window: &[(Millis, &Histogram)],
    (start, end): (Millis, Millis),
    release: Release,
) -> Evaluated<Option<Histogram>> {
    let (Some((first, oldest)), Some((last, newest))) = (window.first(), window.last()) else {
        return Ok(None);
    };
    let total = || {
        let mut rest = window[1..].iter();
        rest.try_fold((*oldest).clone(), |sum, (_, one)| sum.plus(one, 1.0))
            .ok_or_else(wide)
    };
    let many = window.len() as f64;
    match name {
        "last_over_time" => return Ok(Some((*newest).clone())),
        "sum_over_time" => return total().map(Some),
        "avg_over_time" => return Ok(Some(total()?.times(1.0 / many))),
        "count_over_time" | "present_over_time" => {
            return Ok(Some(Histogram::counting(many)));
        }
        _ => {}
    }
    if window.len() < 2 {
        return Ok(None);
    }
    let mut result = newest.plus(oldest, -1.0).ok_or_else(wide)?;
    for pair in window.windows(2) {
        if pair[1].1.restarted(pair[0].1) {
            result = result.plus(pair[0].1, 1.0).ok_or_else(wide)?;
        }
    }
    let seconds = |from: Millis, to: Millis| (to - from) as f64 / 1000.0;
    let sampled = seconds(*first, *last);
    let between = sampled / (many - 1.0);
    let near = |distance: f64| match distance >= between * 1.1 {
        true => between / 2.0,
        false => distance,
    };
    let mut to_start = near(seconds(start, *first));
    // Before 3.6 a native histogram was carried on below 0 (prometheus/prometheus#16828).
    if release == Release::Three && result.count > 0.0 && oldest.count >= 0.0 {
        to_start = to_start.min(sampled * (oldest.count / result.count));
    }
    let mut factor = (sampled + to_start + near(seconds(*last, end))) / sampled;
    if name == "rate" {
        factor /= seconds(start, end);
    }
    Ok(Some(result.times(factor)))
}

/// An aggregation of native histograms; `groups`: the labels of each group, and which of them are in it.
pub(super) fn aggregated(
    aggregate: &AggregateExpr,
    found: &[Native],
    groups: Vec<(Labels, Vec<usize>)>,
    axis: Axis,
) -> Evaluated<Value> {
    let operator = aggregate.op.id();
    if ![T_SUM, T_AVG, T_COUNT, T_GROUP].contains(&operator) {
        return Err(unknown(&format!("`{}`", aggregate.op)));
    }
    let (mut natives, mut counts) = (Vec::new(), Vec::new());
    for (labels, members) in groups {
        let (mut values, mut many) = (Vec::new(), Vec::new());
        for index in 0..axis.count {
            let here = members
                .iter()
                .filter_map(|member| found[*member].values[index].as_ref());
            let mut count = 0.0;
            let mut sum: Option<Histogram> = None;
            for one in here {
                count += 1.0;
                sum = Some(match sum {
                    None => (**one).clone(),
                    Some(sum) => sum.plus(one, 1.0).ok_or_else(wide)?,
                });
            }
            let share = if operator == T_AVG { 1.0 / count } else { 1.0 };
            values.push(sum.map(|sum| Arc::new(sum.times(share))));
            let shown = if operator == T_GROUP { 1.0 } else { count };
            many.push((count > 0.0).then_some(shown));
        }
        natives.push(Native {
            labels: labels.clone(),
            values,
        });
        counts.push(Series {
            labels,
            values: many,
        });
    }
    Ok(match operator {
        T_SUM | T_AVG => Value::Natives(natives),
        _ => Value::Vector(counts),
    })
}

/// An arithmetic operator between native histograms of the same labels, or one and a number.
pub(super) fn combined(id: u16, plain: bool, left: Value, right: Value) -> Evaluated<Value> {
    let scaled = |found: Vec<Native>, by: &dyn Fn(usize) -> f64| {
        let scaled = found.into_iter().map(|native| Native {
            labels: native.labels.without_name(),
            values: (native.values.into_iter().enumerate())
                .map(|(index, value)| Some(Arc::new(value?.times(by(index)))))
                .collect(),
        });
        Value::Natives(scaled.collect())
    };
    Ok(match (left, right) {
        (Value::Natives(found), Value::Scalar(by)) if id == T_MUL => {
            scaled(found, &|index| by[index])
        }
        (Value::Scalar(by), Value::Natives(found)) if id == T_MUL => {
            scaled(found, &|index| by[index])
        }
        (Value::Natives(found), Value::Scalar(by)) if id == T_DIV => {
            scaled(found, &|index| 1.0 / by[index])
        }
        (Value::Natives(left), Value::Natives(right)) if plain && [T_ADD, T_SUB].contains(&id) => {
            let sign = if id == T_ADD { 1.0 } else { -1.0 };
            let known: ByLabels<&Native> = (right.iter())
                .map(|native| (native.labels.without_name(), native))
                .collect();
            if known.len() < right.len() {
                return Err(unknown("an operator between several"));
            }
            let mut found = Vec::new();
            for native in left {
                let labels = native.labels.without_name();
                let Some(other) = known.get(&labels) else {
                    continue;
                };
                let pairs = native.values.iter().zip(&other.values);
                let values = pairs.map(|pair| match pair {
                    (Some(one), Some(other)) => one
                        .plus(other, sign)
                        .map(|sum| Some(Arc::new(sum)))
                        .ok_or_else(wide),
                    _ => Ok(None),
                });
                let values = values.collect::<Evaluated<_>>()?;
                found.push(Native { labels, values });
            }
            Value::Natives(found)
        }
        _ => return Err(unknown("this operator")),
    })
}
