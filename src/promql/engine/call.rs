//! Functions of numbers and instant vectors.

use super::{
    Axis, Engine, Evaluated, Failure, Labels, Series, Value, calendar, each, each_at, histogram,
    label_functions, native, window, without_names,
};
use crate::promql::walk::text;
use crate::promql::{Call, Expr, ValueType};

pub(super) fn value(engine: &Engine, call: &Call, axis: Axis) -> Evaluated<Value> {
    let name = call.func.name;
    let arguments: Vec<&Expr> = call.args.args.iter().map(|argument| &**argument).collect();
    let missing = || Failure::certain(format!("`{name}` lacks an argument"));
    let argument = |index: usize| arguments.get(index).copied().ok_or_else(missing);
    let vector = |index: usize| engine.series(argument(index)?, axis);
    let numbers = |index: usize| engine.scalar(argument(index)?, axis);
    let texts = || -> Vec<&str> {
        arguments
            .iter()
            .filter_map(|argument| text(argument))
            .collect()
    };
    let seconds = |time: i64| time as f64 / 1000.0;
    let always = |value: f64| Value::Scalar(vec![value; axis.count]);

    if let Some(found) = native::call(engine, name, &arguments, axis)? {
        return Ok(found);
    }
    Ok(Value::Vector(match name {
        "time" => return Ok(Value::Scalar(axis.instants().map(seconds).collect())),
        "pi" => return Ok(always(std::f64::consts::PI)),
        "scalar" => return Ok(Value::Scalar(only(&vector(0)?, axis))),
        "vector" => vec![Series {
            labels: Labels::default(),
            values: numbers(0)?.into_iter().map(Some).collect(),
        }],
        "absent" => absent(argument(0)?, &vector(0)?, axis),
        "absent_over_time" => {
            let found = window::over(engine, argument(0)?, axis, true, &|_, _| Some(1.0))?;
            absent(argument(0)?, &found, axis)
        }
        "timestamp" => match unwrapped(argument(0)?) {
            Expr::VectorSelector(selector) => {
                let times = engine.current(selector, axis, |sample| seconds(sample.time))?;
                without_names(times)?
            }
            _ => each_at(vector(0)?, |index, _| seconds(axis.at(index)))?,
        },
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => vector(0)?,
        "label_replace" => label_functions::replaced(vector(0)?, &texts())?,
        "label_join" => label_functions::joined(vector(0)?, &texts())?,
        "histogram_quantile" => histogram::quantiles(&numbers(0)?, &vector(1)?, axis),
        // Of numbers they have no result.
        "histogram_count" | "histogram_sum" | "histogram_avg" | "histogram_stddev"
        | "histogram_stdvar" | "histogram_fraction" => Vec::new(),
        "clamp" => {
            let (least, most) = (numbers(1)?, numbers(2)?);
            let clamped = each_at(vector(0)?, |index, value| {
                clamped(value, least[index], most[index])
            })?;
            // A range that is empty has no result.
            clamped
                .into_iter()
                .map(|series| Series {
                    values: series
                        .values
                        .into_iter()
                        .enumerate()
                        .map(|(index, value)| value.filter(|_| most[index] >= least[index]))
                        .collect(),
                    ..series
                })
                .collect()
        }
        "clamp_min" => {
            let least = numbers(1)?;
            each_at(vector(0)?, |index, value| {
                clamped(value, least[index], f64::INFINITY)
            })?
        }
        "clamp_max" => {
            let most = numbers(1)?;
            each_at(vector(0)?, |index, value| {
                clamped(value, f64::NEG_INFINITY, most[index])
            })?
        }
        "round" => {
            let nearest = match arguments.len() {
                0 | 1 => vec![1.0; axis.count],
                _ => numbers(1)?,
            };
            // Prometheus multiplies by the inverse, so that 0.1 is 0.1.
            each_at(vector(0)?, |index, value| {
                let inverse = 1.0 / nearest[index];
                (value * inverse + 0.5).floor() / inverse
            })?
        }
        _ if arguments.is_empty() && calendar::part(name, 0.0).is_some() => vec![Series {
            labels: Labels::default(),
            values: axis
                .instants()
                .map(|time| calendar::part(name, seconds(time)))
                .collect(),
        }],
        _ if calendar::part(name, 0.0).is_some() => {
            let times = vector(0)?;
            let mut all = times.iter().flat_map(|series| &series.values).flatten();
            if !all.all(|time| calendar::has_date(*time)) {
                return Err(Failure::unknown(format!(
                    "`{name}` of a number that is no date is not evaluated"
                )));
            }
            each(times, |value| calendar::part(name, value).unwrap_or(value))?
        }
        _ => match elementary(name) {
            Some(function) => each(vector(0)?, function)?,
            None => return over_windows(engine, name, &arguments, axis),
        },
    }))
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        _ => expr,
    }
}

/// A function with one range vector among its arguments.
fn over_windows(engine: &Engine, name: &str, arguments: &[&Expr], axis: Axis) -> Evaluated<Value> {
    let (ranges, others): (Vec<&Expr>, Vec<&Expr>) = arguments
        .iter()
        .partition(|argument| argument.value_type() == ValueType::Matrix);
    let numbers = others
        .into_iter()
        .map(|argument| engine.scalar(argument, axis))
        .collect::<Evaluated<Vec<_>>>();
    let (Some(range), Ok(numbers)) = (ranges.first(), numbers) else {
        return Err(window::unknown(name));
    };
    let Some(function) = window::function(name, &numbers) else {
        return Err(window::unknown(name));
    };
    let keeps_name = window::keeps_name(name);
    window::over(engine, range, axis, keeps_name, &*function).map(Value::Vector)
}

/// The value where there is exactly one series; NaN elsewhere.
fn only(series: &[Series], axis: Axis) -> Vec<f64> {
    let at = |index: usize| {
        let mut here = series.iter().filter_map(|one| one.values[index]);
        match (here.next(), here.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    (0..axis.count).map(at).collect()
}

/// 1 where there is no series.
fn absent(expr: &Expr, series: &[Series], axis: Axis) -> Vec<Series> {
    let at = |index: usize| {
        series
            .iter()
            .all(|one| one.values[index].is_none())
            .then_some(1.0)
    };
    vec![Series {
        labels: label_functions::of_absent(expr),
        values: (0..axis.count).map(at).collect(),
    }]
}

/// As Go's `math.Max` and `math.Min` have it: a NaN stays one.
fn clamped(value: f64, least: f64, most: f64) -> f64 {
    if value.is_nan() || least.is_nan() || most.is_nan() {
        f64::NAN
    } else {
        value.min(most).max(least)
    }
}

/// Functions of one number.
fn elementary(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sqrt" => f64::sqrt,
        "sgn" => |value| {
            if value == 0.0 || value.is_nan() {
                value
            } else {
                value.signum()
            }
        },
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        "deg" => f64::to_degrees,
        "rad" => f64::to_radians,
        _ => return None,
    })
}
