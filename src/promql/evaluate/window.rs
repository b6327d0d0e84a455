//! Functions of the samples in a window: `rate`, `increase`, `avg_over_time` and the like.

use super::{Evaluation, Series, coalesced, unnamed};
use crate::promql::Expr;

/// One window of one series: its samples, how far apart they are, how long it is.
struct Window<'a> {
    values: &'a [f64],
    step: f64,
    length: f64,
    /// Samples that Prometheus would have for each of these.
    weight: f64,
}

/// Evaluates a function of a range at every instant that is asked for.
pub(crate) fn over(
    evaluation: &Evaluation,
    name: &str,
    argument: &Expr,
    parameter: f64,
) -> Result<Vec<Series>, String> {
    let everything = Evaluation {
        from: 0,
        ..*evaluation
    };
    let (series, range, at) = match argument {
        Expr::MatrixSelector(matrix) => (
            evaluation.moved((evaluation.select)(&matrix.vs)?, matrix.vs.offset.as_ref()),
            matrix.range,
            matrix.vs.at.as_ref(),
        ),
        Expr::Subquery(subquery) => (
            evaluation.moved(everything.vector(&subquery.expr)?, subquery.offset.as_ref()),
            subquery.range,
            subquery.at.as_ref(),
        ),
        Expr::Paren(paren) => return over(evaluation, name, &paren.expr, parameter),
        _ => return Err(format!("`{name}` reads a range")),
    };
    let steps = (range.as_secs() as usize / evaluation.axis.step as usize).max(2);
    let weight = (evaluation.axis.step as f64 / evaluation.interval as f64).max(1.0);
    let value = |values: &[f64], index: usize| {
        let window = Window {
            values: &values[(index + 1).saturating_sub(steps)..=index],
            step: evaluation.axis.step as f64,
            length: range.as_secs_f64(),
            weight,
        };
        reduced(name, &window, parameter)
    };
    let mut results = Vec::new();
    for series in series {
        let values = match at {
            Some(at) => vec![value(&series.values, evaluation.pin(at)?)?; evaluation.axis.count],
            None => (0..evaluation.axis.count)
                .map(|index| {
                    if index < evaluation.from {
                        Ok(f64::NAN)
                    } else {
                        value(&series.values, index)
                    }
                })
                .collect::<Result<Vec<f64>, String>>()?,
        };
        let result = Series {
            values,
            labels: series.labels,
        };
        results.push(if name == "last_over_time" {
            result
        } else {
            unnamed(result)
        });
    }
    Ok(coalesced(results))
}

fn reduced(name: &str, window: &Window, parameter: f64) -> Result<f64, String> {
    let samples = || {
        window
            .values
            .iter()
            .copied()
            .filter(|value| !value.is_nan())
    };
    let count = samples().count() as f64;
    if count == 0.0 {
        return Ok(f64::NAN);
    }
    let sum = || samples().sum::<f64>();
    let mean = sum() / count;
    let variance = || {
        samples()
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>()
            / count
    };
    Ok(match name {
        "rate" => slope(window),
        "increase" | "delta" => slope(window) * window.length,
        "irate" | "idelta" | "deriv" => {
            recent(window) * if name == "idelta" { window.step } else { 1.0 }
        }
        "changes" => steps(samples(), |a, b| a != b),
        "resets" => steps(samples(), |a, b| b < a),
        "avg_over_time" => mean,
        "min_over_time" => samples().fold(f64::INFINITY, f64::min),
        "max_over_time" => samples().fold(f64::NEG_INFINITY, f64::max),
        "sum_over_time" => sum() * window.weight,
        "count_over_time" => count * window.weight,
        "last_over_time" => samples().next_back().unwrap_or(f64::NAN),
        "present_over_time" => 1.0,
        "stddev_over_time" => variance().sqrt(),
        "stdvar_over_time" => variance(),
        "quantile_over_time" => quantile(parameter, &mut samples().collect::<Vec<f64>>()),
        _ => return Err(format!("`{name}` is not simulated")),
    })
}

/// From the first sample to the last, a second; simulated counters never start anew.
fn slope(window: &Window) -> f64 {
    let first = window.values.iter().position(|value| !value.is_nan());
    let last = window.values.iter().rposition(|value| !value.is_nan());
    match (first, last) {
        (Some(first), Some(last)) if last > first => {
            (window.values[last] - window.values[first]) / ((last - first) as f64 * window.step)
        }
        _ => f64::NAN,
    }
}

/// Between the last two samples, a second.
fn recent(window: &Window) -> f64 {
    match window.values {
        [.., before, last] => (last - before) / window.step,
        _ => f64::NAN,
    }
}

fn steps(samples: impl Iterator<Item = f64>, counts: impl Fn(f64, f64) -> bool) -> f64 {
    let samples: Vec<f64> = samples.collect();
    samples
        .windows(2)
        .filter(|pair| counts(pair[0], pair[1]))
        .count() as f64
}

/// As Prometheus: between the two nearest ranks.
pub(crate) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let rank = quantile.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
    values[below] + (values[above] - values[below]) * (rank - rank.floor())
}
