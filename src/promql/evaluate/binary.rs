//! Arithmetic, comparison and set operators.

use super::{Evaluation, Labels, Outcome, Series, coalesced, unnamed};
use crate::promql::compared;
use crate::promql::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD,
    T_MUL, T_NEQ, T_POW, T_SUB, TokenId,
};
use crate::promql::{BinaryExpr, VectorMatchCardinality};
use std::collections::HashMap;

pub(crate) fn combined(evaluation: &Evaluation, binary: &BinaryExpr) -> Result<Outcome, String> {
    let operator = binary.op.id();
    let truth = binary
        .modifier
        .as_ref()
        .is_some_and(|modifier| modifier.return_bool);
    let one = |a: f64, b: f64, kept: f64| applied(operator, truth, a, b, kept);
    Ok(
        match (
            evaluation.outcome(&binary.lhs)?,
            evaluation.outcome(&binary.rhs)?,
        ) {
            (Outcome::Scalar(left), Outcome::Scalar(right)) => Outcome::Scalar(
                left.iter()
                    .zip(&right)
                    .map(|(a, b)| one(*a, *b, *a))
                    .collect(),
            ),
            (Outcome::Vector(left), Outcome::Scalar(right)) => Outcome::Vector(
                left.into_iter()
                    .map(|series| paired(binary, series, &right, |own, b| one(own, b, own)))
                    .collect(),
            ),
            (Outcome::Scalar(left), Outcome::Vector(right)) => Outcome::Vector(
                right
                    .into_iter()
                    .map(|series| paired(binary, series, &left, |own, a| one(a, own, own)))
                    .collect(),
            ),
            (Outcome::Vector(left), Outcome::Vector(right)) => Outcome::Vector(match operator {
                T_LAND | T_LUNLESS => filtered(binary, left, &right, operator == T_LAND),
                T_LOR => {
                    let missing = filtered(binary, right, &left, false);
                    coalesced(left.into_iter().chain(missing).collect())
                }
                _ => matched(binary, left, right, one),
            }),
            _ => return Err("an operator on a string".to_string()),
        },
    )
}

/// A comparison without `bool` keeps a value or drops it.
fn applied(operator: TokenId, truth: bool, a: f64, b: f64, kept: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let holds = match operator {
        T_ADD => return a + b,
        T_SUB => return a - b,
        T_MUL => return a * b,
        T_DIV => return a / b,
        T_MOD => return a % b,
        T_POW => return a.powf(b),
        T_ATAN2 => return a.atan2(b),
        T_EQLC => a == b,
        T_NEQ => a != b,
        T_GTR => a > b,
        T_GTE => a >= b,
        T_LSS => a < b,
        T_LTE => a <= b,
        _ => false,
    };
    match (truth, holds) {
        (true, holds) => f64::from(u8::from(holds)),
        (false, true) => kept,
        (false, false) => f64::NAN,
    }
}

fn paired(
    binary: &BinaryExpr,
    series: Series,
    numbers: &[f64],
    function: impl Fn(f64, f64) -> f64,
) -> Series {
    let values = series
        .values
        .iter()
        .zip(numbers)
        .map(|(own, number)| function(*own, *number))
        .collect();
    let result = Series {
        values,
        labels: series.labels,
    };
    if binary.op.is_comparison_operator() {
        result
    } else {
        unnamed(result)
    }
}

/// The labels that both sides are matched by.
fn key(binary: &BinaryExpr, labels: &Labels) -> Vec<(String, String)> {
    let compared = compared(binary);
    labels
        .iter()
        .filter(|(label, _)| label.as_str() != "__name__" && compared(label))
        .map(|(label, value)| (label.clone(), value.clone()))
        .collect()
}

fn indexed(binary: &BinaryExpr, series: &[Series]) -> HashMap<Vec<(String, String)>, Vec<usize>> {
    let mut index: HashMap<_, Vec<usize>> = HashMap::new();
    for (place, series) in series.iter().enumerate() {
        index
            .entry(key(binary, &series.labels))
            .or_default()
            .push(place);
    }
    index
}

/// The values at instants at which the other side has (or lacks) a partner.
fn filtered(binary: &BinaryExpr, own: Vec<Series>, others: &[Series], wanted: bool) -> Vec<Series> {
    let index = indexed(binary, others);
    let mut kept = own;
    for series in &mut kept {
        let partners = index
            .get(&key(binary, &series.labels))
            .map_or(&[][..], Vec::as_slice);
        for (instant, value) in series.values.iter_mut().enumerate() {
            let met = partners
                .iter()
                .any(|partner| !others[*partner].values[instant].is_nan());
            if met != wanted {
                *value = f64::NAN;
            }
        }
    }
    kept.retain(|series| series.values.iter().any(|value| !value.is_nan()));
    kept
}

fn matched(
    binary: &BinaryExpr,
    left: Vec<Series>,
    right: Vec<Series>,
    function: impl Fn(f64, f64, f64) -> f64,
) -> Vec<Series> {
    let card = binary.modifier.as_ref().map(|modifier| &modifier.card);
    let many_right = matches!(card, Some(VectorMatchCardinality::OneToMany(_)));
    let (many, others) = if many_right {
        (&right, &left)
    } else {
        (&left, &right)
    };
    let index = indexed(binary, others);
    let mut results = Vec::new();
    for own in many {
        for partner in index.get(&key(binary, &own.labels)).into_iter().flatten() {
            let other = &others[*partner];
            let values = own.values.iter().zip(&other.values).map(|(own, other)| {
                if many_right {
                    function(*other, *own, *other)
                } else {
                    function(*own, *other, *own)
                }
            });
            results.push(Series {
                values: values.collect(),
                labels: merge_labels(binary, card, own, other),
            });
        }
    }
    coalesced(results)
}

/// The labels of a result: those of the many side with the included ones, else those compared.
fn merge_labels(
    binary: &BinaryExpr,
    card: Option<&VectorMatchCardinality>,
    own: &Series,
    other: &Series,
) -> Labels {
    match card.and_then(VectorMatchCardinality::labels) {
        Some(included) => {
            let mut labels = own.labels.clone();
            labels.remove("__name__");
            for label in &included.labels {
                match other.labels.get(label) {
                    Some(value) => labels.insert(label.clone(), value.clone()),
                    None => labels.remove(label),
                };
            }
            labels
        }
        None => key(binary, &own.labels).into_iter().collect(),
    }
}
