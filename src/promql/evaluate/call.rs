//! Functions of series, labels and numbers.

use super::{Evaluation, Labels, Outcome, Series, coalesced, each, unnamed, window};
use crate::promql::MatchOp;
use crate::promql::re2::anchored;
use crate::promql::walk::{selector, text};
use crate::promql::{Call, Expr};
use regex_automata::meta::Regex;
use std::collections::BTreeMap;

pub(crate) fn evaluate_call(evaluation: &Evaluation, call: &Call) -> Result<Outcome, String> {
    let arguments: Vec<&Expr> = call.args.args.iter().map(|argument| &**argument).collect();
    let series = |index: usize| {
        arguments.get(index).map_or_else(
            || Err("an argument is missing".to_string()),
            |argument| evaluation.vector(argument),
        )
    };
    let number = |index: usize| {
        arguments.get(index).map_or_else(
            || Err("an argument is missing".to_string()),
            |argument| evaluation.scalar(argument),
        )
    };
    let name = call.func.name;
    Ok(Outcome::Vector(match name {
        "time" => {
            return Ok(Outcome::Scalar(
                (0..evaluation.axis.count)
                    .map(|index| evaluation.axis.at(index) as f64)
                    .collect(),
            ));
        }
        "pi" => {
            return Ok(Outcome::Scalar(vec![
                std::f64::consts::PI;
                evaluation.axis.count
            ]));
        }
        "scalar" => return Ok(Outcome::Scalar(single(series(0)?, evaluation.axis.count))),
        "vector" => vec![Series {
            labels: Labels::new(),
            values: number(0)?,
        }],
        "absent" => absent(evaluation, &arguments, series(0)?),
        "absent_over_time" => absent(
            evaluation,
            &arguments,
            window::over(evaluation, "present_over_time", arguments[0], 0.0)?,
        ),
        "label_replace" => replaced(series(0)?, &texts(&arguments)?)?,
        "label_join" => label_join(series(0)?, &texts(&arguments)?)?,
        "histogram_quantile" => quantiles(&number(0)?, series(1)?),
        "quantile_over_time" => window::over(
            evaluation,
            name,
            arguments[1],
            number(0)?.last().copied().unwrap_or(0.5),
        )?,
        "sort" | "sort_desc" => sorted(series(0)?, name == "sort_desc"),
        "timestamp" => series(0)?
            .into_iter()
            .map(|series| stamped(evaluation, series))
            .collect(),
        "clamp" => bounded(series(0)?, Some(&number(1)?), Some(&number(2)?)),
        "clamp_min" => bounded(series(0)?, Some(&number(1)?), None),
        "clamp_max" => bounded(series(0)?, None, Some(&number(1)?)),
        "round" => {
            let to = if arguments.len() > 1 {
                number(1)?.first().copied().unwrap_or(1.0)
            } else {
                1.0
            };
            each(series(0)?, |value| (value / to + 0.5).floor() * to)
        }
        _ => match simple(name) {
            Some(function) => each(series(0)?, function),
            None => window::over(
                evaluation,
                name,
                arguments
                    .first()
                    .ok_or_else(|| format!("`{name}` is not simulated"))?,
                0.0,
            )?,
        },
    }))
}

fn simple(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |value| if value == 0.0 { 0.0 } else { value.signum() },
        _ => return None,
    })
}

/// The values of the one series that there is.
fn single(series: Vec<Series>, count: usize) -> Vec<f64> {
    match <[Series; 1]>::try_from(series) {
        Ok([only]) => only.values,
        Err(_) => vec![f64::NAN; count],
    }
}

/// 1 while nothing is there, with the labels that the selector names with `=`.
fn absent(evaluation: &Evaluation, arguments: &[&Expr], series: Vec<Series>) -> Vec<Series> {
    let matchers = arguments
        .first()
        .and_then(|argument| selector(argument))
        .map_or(&[][..], |selector| &selector.matchers.matchers);
    let equal = matchers
        .iter()
        .filter(|matcher| matches!(matcher.op, MatchOp::Equal) && matcher.name != "__name__");
    let labels = equal
        .map(|matcher| (matcher.name.clone(), matcher.value.clone()))
        .collect();
    let there = |index: usize| series.iter().any(|series| !series.values[index].is_nan());
    let values = (0..evaluation.axis.count)
        .map(|index| if there(index) { f64::NAN } else { 1.0 })
        .collect();
    coalesced(vec![Series { labels, values }])
}

fn texts(arguments: &[&Expr]) -> Result<Vec<String>, String> {
    let text = |argument: &&Expr| match text(argument) {
        Some(text) => Ok(text.to_string()),
        None => Err(format!("`{argument}` is not a string")),
    };
    arguments.iter().skip(1).map(text).collect()
}

/// `label_replace(series, destination, replacement, source, pattern)`.
fn replaced(series: Vec<Series>, texts: &[String]) -> Result<Vec<Series>, String> {
    let [destination, replacement, source, pattern] = texts else {
        return Err("`label_replace` has five arguments".to_string());
    };
    let regex = Regex::new(&anchored(pattern)?).map_err(|error| error.to_string())?;
    let mut captures = regex.create_captures();
    let mut result = series;
    for series in &mut result {
        let value = series.labels.get(source).cloned().unwrap_or_default();
        regex.captures(&value, &mut captures);
        if !captures.is_match() {
            continue;
        }
        let mut written = String::new();
        captures.interpolate_string_into(&value, replacement, &mut written);
        if written.is_empty() {
            series.labels.remove(destination)
        } else {
            series.labels.insert(destination.clone(), written)
        };
    }
    Ok(coalesced(result))
}

/// `label_join(series, destination, separator, source …)`.
fn label_join(series: Vec<Series>, texts: &[String]) -> Result<Vec<Series>, String> {
    let [destination, separator, sources @ ..] = texts else {
        return Err("`label_join` has at least three arguments".to_string());
    };
    let mut result = series;
    for series in &mut result {
        let parts: Vec<&str> = sources
            .iter()
            .map(|source| series.labels.get(source).map_or("", String::as_str))
            .collect();
        series
            .labels
            .insert(destination.clone(), parts.join(separator));
    }
    Ok(result)
}

fn sorted(mut series: Vec<Series>, descending: bool) -> Vec<Series> {
    let last = |series: &Series| series.values.last().copied().unwrap_or(f64::NAN);
    series.sort_by(|a, b| {
        if descending {
            last(b).total_cmp(&last(a))
        } else {
            last(a).total_cmp(&last(b))
        }
    });
    series
}

fn stamped(evaluation: &Evaluation, series: Series) -> Series {
    let stamp = |(index, value): (usize, &f64)| {
        if value.is_nan() {
            f64::NAN
        } else {
            evaluation.axis.at(index) as f64
        }
    };
    let values = series.values.iter().enumerate().map(stamp).collect();
    unnamed(Series {
        values,
        labels: series.labels,
    })
}

fn bounded(series: Vec<Series>, low: Option<&[f64]>, high: Option<&[f64]>) -> Vec<Series> {
    let mut result = series;
    for series in &mut result {
        for (index, value) in series
            .values
            .iter_mut()
            .enumerate()
            .filter(|(_, value)| !value.is_nan())
        {
            *value = low.map_or(*value, |low| value.max(low[index]));
            *value = high.map_or(*value, |high| value.min(high[index]));
        }
    }
    result.into_iter().map(unnamed).collect()
}

/// As Prometheus: linear within the bucket that holds the rank, the last finite bound above it.
fn quantiles(quantile: &[f64], series: Vec<Series>) -> Vec<Series> {
    let mut groups: BTreeMap<Labels, Vec<(f64, Vec<f64>)>> = BTreeMap::new();
    for series in series {
        let mut labels = unnamed(series.clone()).labels;
        let Some(bound) = labels
            .remove("le")
            .and_then(|bound| bound.parse::<f64>().ok())
        else {
            continue;
        };
        groups
            .entry(labels)
            .or_default()
            .push((bound, series.values));
    }
    let mut results = Vec::new();
    for (labels, mut buckets) in groups {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let values = quantile
            .iter()
            .enumerate()
            .map(|(index, quantile)| rank(*quantile, &buckets, index))
            .collect();
        results.push(Series { labels, values });
    }
    coalesced(results)
}

fn rank(quantile: f64, buckets: &[(f64, Vec<f64>)], index: usize) -> f64 {
    let total = buckets.last().map_or(f64::NAN, |(_, values)| values[index]);
    if total.is_nan() || total <= 0.0 {
        return f64::NAN;
    }
    let wanted = quantile * total;
    let place = buckets
        .iter()
        .position(|(_, values)| values[index] >= wanted)
        .unwrap_or(buckets.len() - 1);
    let (below, under) = if place == 0 {
        (0.0, 0.0)
    } else {
        (buckets[place - 1].0, buckets[place - 1].1[index])
    };
    let (bound, here) = (buckets[place].0, buckets[place].1[index]);
    if bound.is_infinite() || here <= under {
        return below;
    }
    below + (bound - below) * (wanted - under) / (here - under)
}
