//! Units of what an expression returns: from the suffixes of metrics (https://prometheus.io/docs/practices/naming/), through
//! functions and operators. Where nothing says one, nothing is assumed.

use super::Contract;
use super::bounds::part;
use super::node::Node;
use super::series::SeriesSet;
use super::values::{Base, Unit};
use crate::promql::number::number;
use crate::promql::token::{
    T_ADD, T_COUNT, T_COUNT_VALUES, T_DIV, T_GROUP, T_LAND, T_LUNLESS, T_MUL, T_SUB,
};
use crate::promql::walk::selector;
use crate::promql::{Expr, ValueType, returns_bool};

/// Endings of the names of metrics, the longer ones first where one ends in another.
const SUFFIXES: [(&str, Base); 20] = [
    ("_cores", Base::Cores),
    ("_milliseconds", Base::Milliseconds),
    ("_millis", Base::Milliseconds),
    ("_ms", Base::Milliseconds),
    ("_microseconds", Base::Microseconds),
    ("_us", Base::Microseconds),
    ("_seconds", Base::Seconds),
    ("_minutes", Base::Minutes),
    ("_kilobytes", Base::Kilobytes),
    ("_kib", Base::Kilobytes),
    ("_megabytes", Base::Megabytes),
    ("_mib", Base::Megabytes),
    ("_mb", Base::Megabytes),
    ("_bytes", Base::Bytes),
    ("_ratio", Base::Ratio),
    ("_percent", Base::Percent),
    ("_celsius", Base::Celsius),
    ("_volts", Base::Volts),
    ("_amperes", Base::Amperes),
    ("_joules", Base::Joules),
];

/// The unit of a metric by its name.
fn of_metric(name: &str) -> Option<Unit> {
    if name.ends_with("_bucket") || name.ends_with("_count") {
        return Some(Unit::of(Base::Events));
    }
    if let Some(counted) = name.strip_suffix("_per_second") {
        let base = of_metric(counted).map_or(Base::Events, |unit| unit.base);
        return Some(Unit {
            base,
            per_second: true,
        });
    }
    let stem = name.strip_suffix("_sum").unwrap_or(name);
    let stem = stem.strip_suffix("_total").unwrap_or(stem);
    let known = SUFFIXES.iter().find(|(suffix, _)| stem.ends_with(suffix));
    match known {
        Some((_, base)) => Some(Unit::of(*base)),
        None => name.ends_with("_total").then(|| Unit::of(Base::Events)),
    }
}

/// The unit of a metric, as the catalog says, else by its name.
fn of_series(name: &str, contract: &Contract) -> Option<Unit> {
    let declared = contract.declared_unit(name).map(Unit::of);
    declared.or_else(|| of_metric(name))
}

/// Whether any operand is of native histograms.
fn native(operands: &[usize], nodes: &[Node]) -> bool {
    let mut operands = operands.iter();
    operands.any(|operand| nodes[*operand].series.iter().any(SeriesSet::native))
}

/// The unit of an expression whose operands are known.
pub(super) fn unit(
    expr: &Expr,
    operands: &[usize],
    nodes: &[Node],
    contract: &Contract,
) -> Option<Unit> {
    let operand = |index: usize| operands.get(index).map(|operand| &nodes[*operand]);
    let of = |index: usize| operand(index).and_then(|operand| operand.unit.clone());
    if let Some(selector) = selector(expr) {
        let name = selector.name.as_deref()?;
        return match contract.recorded(name) {
            Some(recorded) => {
                let said = contract.declared_unit(name).map(Unit::of);
                let said = said.or_else(|| recorded.unit.clone());
                said.or_else(|| of_recorded(name))
            }
            None => of_series(name, contract),
        };
    }
    match expr {
        // Of the observations in a native histogram, which is no number itself.
        Expr::Call(call) if native(operands, nodes) => {
            let histogram = operand(operands.len().checked_sub(1)?)?;
            match call.func.name {
                "histogram_quantile" | "histogram_avg" | "histogram_stddev" => {
                    of_series(named(histogram, nodes)?, contract)
                }
                "histogram_fraction" => Some(Unit::of(Base::Ratio)),
                _ => None,
            }
        }
        Expr::Paren(_) | Expr::Subquery(_) | Expr::Unary(_) => of(0),
        Expr::Aggregate(aggregate) => match aggregate.op.id() {
            T_COUNT | T_COUNT_VALUES | T_GROUP => None,
            _ => of(operands.len().checked_sub(1)?),
        },
        Expr::Call(call) => match call.func.name {
            "time" | "timestamp" => Some(Unit::of(Base::Seconds)),
            "rate" | "irate" | "deriv" => {
                let unit = of(0).filter(|unit| !unit.per_second)?;
                // Seconds per second are cores, or how busy something is.
                Some(match unit.base {
                    Base::Seconds => Unit::of(Base::Cores),
                    _ => Unit {
                        per_second: true,
                        ..unit
                    },
                })
            }
            "histogram_quantile" => {
                let buckets = operand(1)?;
                let named = named(buckets, nodes)?;
                of_series(named.strip_suffix("_bucket")?, contract)
            }
            "changes" | "resets" => Some(Unit::of(Base::Events)),
            "histogram_fraction" => Some(Unit::of(Base::Ratio)),
            "increase" | "delta" | "idelta" | "avg_over_time" | "min_over_time"
            | "max_over_time" | "sum_over_time" | "last_over_time" | "abs" | "ceil" | "floor"
            | "round" | "clamp" | "clamp_min" | "clamp_max" | "sort" | "sort_desc"
            | "label_replace" | "label_join" | "scalar" | "vector" | "predict_linear"
            | "stddev_over_time" => of(0),
            "quantile_over_time" => of(1),
            _ => None,
        },
        Expr::Binary(binary) => {
            let (left, right) = (operand(0)?, operand(1)?);
            let constant = number(left.expr).or(number(right.expr));
            match binary.op.id() {
                T_MUL => {
                    let unit = match number(left.expr) {
                        Some(_) => of(1),
                        None => of(0),
                    };
                    scaled(unit?, constant?)
                }
                T_DIV if number(right.expr).is_some() => scaled(of(0)?, 1.0 / constant?),
                T_DIV => match part(left, right, nodes, contract) {
                    Some(part) if part.counted.is_none() => {
                        scaled(Unit::of(Base::Ratio), part.factor)
                    }
                    Some(_) => None,
                    None => quotient(&of(0)?, &of(1)?),
                },
                T_ADD | T_SUB if number(left.expr).is_some() => of(1),
                T_ADD | T_SUB => of(0),
                _ if returns_bool(binary) => None,
                _ if binary.op.is_comparison_operator() && number(left.expr).is_some() => of(1),
                T_LAND | T_LUNLESS => of(0),
                _ if binary.op.is_comparison_operator() => of(0),
                _ => of(0).filter(|left| of(1).is_none_or(|right| right == *left)),
            }
        }
        _ => None,
    }
}

/// What a recorded series says by its name, where its expression says nothing: `level:metric:operations`.
fn of_recorded(name: &str) -> Option<Unit> {
    let mut parts = name.split(':');
    let (metric, operations) = (parts.nth(1)?, parts.next()?);
    // What is rated or divided is of another unit than its metric.
    let words = operations
        .split('_')
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    if words.clone().any(|word| word == "ratio") {
        return Some(Unit::of(Base::Ratio));
    }
    let level = ["catalog", "max", "min", "avg", "sum", "last"];
    words
        .into_iter()
        .all(|word| level.contains(&word))
        .then(|| of_metric(metric))?
}

/// A unit by another.
fn quotient(over: &Unit, under: &Unit) -> Option<Unit> {
    if over == under {
        return Some(Unit::of(Base::Ratio));
    }
    let events = under.base == Base::Events;
    // Seconds in a second by how often they are spent: how long it takes each time.
    (events && under.per_second && over.base == Base::Cores)
        .then(|| Unit::of(Base::Seconds))
        .or_else(|| (events && over.per_second == under.per_second).then(|| Unit::of(over.base)))
}

/// A unit times a number: another unit, where that is how it is converted.
fn scaled(unit: Unit, factor: f64) -> Option<Unit> {
    let near = |other: f64| (factor / other - 1.0).abs() < 1e-9;
    let base = match unit.base {
        base if near(1.0) => base,
        Base::Ratio if near(100.0) => Base::Percent,
        Base::Percent if near(0.01) => Base::Ratio,
        Base::Seconds if near(1000.0) => Base::Milliseconds,
        Base::Milliseconds if near(0.001) => Base::Seconds,
        // Anything else may be a conversion or a quota.
        _ => return None,
    };
    Some(Unit { base, ..unit })
}

/// The one metric below a node.
fn named<'a>(node: &Node<'a>, nodes: &[Node<'a>]) -> Option<&'a str> {
    if let Some(selector) = selector(node.expr) {
        return selector.name.as_deref();
    }
    let vectors = node.operands.iter().map(|operand| &nodes[*operand]);
    let mut names = vectors
        .filter(|operand| {
            matches!(
                operand.expr.value_type(),
                ValueType::Vector | ValueType::Matrix
            )
        })
        .map(|operand| named(operand, nodes));
    let first = names.next()??;
    names.all(|name| name == Some(first)).then_some(first)
}
