//! Aggregations over the series that exist at an instant.

use super::window::{quantile, sum, variance};
use super::{Axis, ByLabels, Engine, Evaluated, Failure, Labels, Series, Value, native};
use crate::promql::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUM, T_TOPK,
};
use crate::promql::walk::text;
use crate::promql::{AggregateExpr, LabelModifier};
use std::collections::BTreeMap;

pub(super) fn value(engine: &Engine, aggregate: &AggregateExpr, axis: Axis) -> Evaluated<Value> {
    let series = match engine.value(&aggregate.expr, axis)? {
        Value::Vector(series) => series,
        Value::Natives(found) => {
            let groups = groups(&native::presence(&found), aggregate.modifier.as_ref());
            return native::aggregated(aggregate, &found, groups, axis);
        }
        _ => engine.series(&aggregate.expr, axis)?,
    };
    let parameter = aggregate.param.as_deref();
    let number = || {
        parameter.map_or_else(
            || Err(Failure::certain("the aggregation has no parameter")),
            |parameter| engine.scalar(parameter, axis),
        )
    };
    let groups = groups(&series, aggregate.modifier.as_ref());
    let each = |function: &dyn Fn(&[f64], usize) -> f64| {
        let groups = groups.iter();
        groups
            .map(|(labels, members)| combined(labels, &series, members, axis, function))
            .collect()
    };
    let found = match aggregate.op.id() {
        T_SUM => each(&|values, _| sum(values.iter().copied())),
        T_AVG => each(&|values, _| mean(values)),
        T_COUNT => each(&|values, _| values.len() as f64),
        T_GROUP => each(&|_, _| 1.0),
        T_MIN => each(&|values, _| extreme(values, |value, least| value < least)),
        T_MAX => each(&|values, _| extreme(values, |value, most| value > most)),
        T_STDDEV => each(&|values, _| spread(values).sqrt()),
        T_STDVAR => each(&|values, _| spread(values)),
        T_QUANTILE => {
            let wanted = number()?;
            each(&|values, index| quantile(wanted[index], values.to_vec()))
        }
        T_TOPK => ranked(&series, &groups, &number()?, |value, other| value > other),
        T_BOTTOMK => ranked(&series, &groups, &number()?, |value, other| value < other),
        T_COUNT_VALUES => {
            let label = parameter.and_then(text).unwrap_or_default();
            counted(&series, &groups, axis, label)
        }
        _ => {
            return Err(Failure::unknown(format!(
                "`{}` is not evaluated",
                aggregate.op
            )));
        }
    };
    Ok(Value::Vector(found))
}

/// The labels of each group, and which series are in it.
fn groups(series: &[Series], modifier: Option<&LabelModifier>) -> Vec<(Labels, Vec<usize>)> {
    let mut known: ByLabels<usize> = ByLabels::default();
    let mut groups: Vec<(Labels, Vec<usize>)> = Vec::new();
    for (index, one) in series.iter().enumerate() {
        let labels = match modifier {
            None => Labels::default(),
            Some(LabelModifier::Include(kept)) => {
                let kept = &kept.labels;
                one.labels
                    .filtered(|name| kept.iter().any(|label| label == name))
            }
            Some(LabelModifier::Exclude(dropped)) => {
                let dropped = &dropped.labels;
                one.labels
                    .without_name()
                    .filtered(|name| !dropped.iter().any(|label| label == name))
            }
        };
        let group = *known.entry(labels.clone()).or_insert_with(|| {
            groups.push((labels, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(index);
    }
    groups
}

/// One series from all values of a group at an instant.
fn combined(
    labels: &Labels,
    series: &[Series],
    members: &[usize],
    axis: Axis,
    function: &dyn Fn(&[f64], usize) -> f64,
) -> Series {
    let mut values = Vec::with_capacity(members.len());
    let at = |index: usize| {
        values.clear();
        values.extend(
            members
                .iter()
                .filter_map(|member| series[*member].values[index]),
        );
        (!values.is_empty()).then(|| function(&values, index))
    };
    Series {
        labels: labels.clone(),
        values: (0..axis.count).map(at).collect(),
    }
}

fn mean(values: &[f64]) -> f64 {
    let mut mean = 0.0;
    for (index, value) in values.iter().enumerate() {
        let count = (index + 1) as f64;
        if f64::is_infinite(mean) {
            let same = value.is_infinite() && (mean > 0.0) == (*value > 0.0);
            if same || value.is_finite() {
                continue;
            }
        }
        mean += value / count - mean / count;
    }
    mean
}

/// One value has no variance, even an infinite one.
fn spread(values: &[f64]) -> f64 {
    match values {
        [_] => 0.0,
        _ => variance(values.iter().copied()),
    }
}

/// The first value that is better than all before it; a NaN only when there is nothing else.
fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> f64 {
    let chosen = values.iter().copied().reduce(|known, value| {
        if better(value, known) || known.is_nan() {
            value
        } else {
            known
        }
    });
    chosen.unwrap_or(f64::NAN)
}

/// `topk` and `bottomk`: at each instant the series that come first; a NaN comes last.
fn ranked(
    series: &[Series],
    groups: &[(Labels, Vec<usize>)],
    count: &[f64],
    before: impl Fn(f64, f64) -> bool,
) -> Vec<Series> {
    let mut chosen: Vec<Series> = series
        .iter()
        .map(|one| Series {
            labels: one.labels.clone(),
            values: vec![None; one.values.len()],
        })
        .collect();
    for (_, members) in groups {
        for (index, count) in count.iter().enumerate() {
            // A number that is none counts as 0.
            let count = count.max(0.0) as usize;
            let mut ranking: Vec<(usize, f64)> = members
                .iter()
                .filter_map(|member| Some((*member, series[*member].values[index]?)))
                .collect();
            ranking.sort_by(|(_, a), (_, b)| {
                use std::cmp::Ordering::{Equal, Greater, Less};
                match (a.is_nan(), b.is_nan()) {
                    (true, true) => Equal,
                    (true, false) => Greater,
                    (false, true) => Less,
                    _ if before(*a, *b) => Less,
                    _ if before(*b, *a) => Greater,
                    _ => Equal,
                }
            });
            for (member, value) in ranking.into_iter().take(count) {
                chosen[member].values[index] = Some(value);
            }
        }
    }
    chosen.retain(|one| one.values.iter().any(Option::is_some));
    chosen
}

/// `count_values`: how many series have each value, which becomes a label.
fn counted(
    series: &[Series],
    groups: &[(Labels, Vec<usize>)],
    axis: Axis,
    label: &str,
) -> Vec<Series> {
    let mut found: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
    for (labels, members) in groups {
        for index in 0..axis.count {
            for value in members
                .iter()
                .filter_map(|member| series[*member].values[index])
            {
                let counts = found
                    .entry(labels.with(label, &written(value)))
                    .or_insert_with(|| vec![None; axis.count]);
                counts[index] = Some(counts[index].unwrap_or(0.0) + 1.0);
            }
        }
    }
    let series = |(labels, values)| Series { labels, values };
    found.into_iter().map(series).collect()
}

/// A number as Prometheus writes it without an exponent.
fn written(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_string(),
        f64::NEG_INFINITY => "-Inf".to_string(),
        _ => value.to_string(),
    }
}
