//! Operators between numbers and series.

use super::{
    Axis, ByLabels, Engine, Evaluated, Failure, Labels, NAME, Release, Series, Value, each_at,
    existing, merged, native,
};
use crate::promql::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD,
    T_MUL, T_NEQ, T_POW, T_SUB,
};
use crate::promql::{BinaryExpr, LabelModifier, VectorMatchCardinality, returns_bool};

/// What an operator does with two numbers.
#[derive(Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    Comparison(fn(f64, f64) -> bool),
}

fn operator(id: u16) -> Option<Operator> {
    use Operator::{Arithmetic, Comparison};
    Some(match id {
        T_ADD => Arithmetic(|left, right| left + right),
        T_SUB => Arithmetic(|left, right| left - right),
        T_MUL => Arithmetic(|left, right| left * right),
        T_DIV => Arithmetic(|left, right| left / right),
        T_MOD => Arithmetic(|left, right| left % right),
        T_POW => Arithmetic(f64::powf),
        T_ATAN2 => Arithmetic(f64::atan2),
        T_EQLC => Comparison(|left, right| left == right),
        T_NEQ => Comparison(|left, right| left != right),
        T_GTR => Comparison(|left, right| left > right),
        T_LSS => Comparison(|left, right| left < right),
        T_GTE => Comparison(|left, right| left >= right),
        T_LTE => Comparison(|left, right| left <= right),
        _ => return None,
    })
}

impl Operator {
    /// The value of a pair of samples; None: a comparison that drops it.
    fn value(self, left: f64, right: f64, returns_bool: bool) -> Option<f64> {
        match self {
            Operator::Arithmetic(function) => Some(function(left, right)),
            Operator::Comparison(holds) if returns_bool => {
                Some(f64::from(u8::from(holds(left, right))))
            }
            Operator::Comparison(holds) => holds(left, right).then_some(left),
        }
    }
}

/// How the samples of two operands become one.
#[derive(Clone, Copy)]
struct Rules {
    operator: Operator,
    returns_bool: bool,
    /// Whether the result no longer is the metric.
    drops_name: bool,
}

pub(super) fn value(engine: &Engine, binary: &BinaryExpr, axis: Axis) -> Evaluated<Value> {
    let (left, right) = (
        engine.value(&binary.lhs, axis)?,
        engine.value(&binary.rhs, axis)?,
    );
    let returns_bool = returns_bool(binary);
    if binary.modifier.as_ref().is_some_and(|modifier| {
        modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some()
    }) {
        return Err(Failure::unknown("`fill` is not evaluated"));
    }
    let id = binary.op.id();
    if let (Value::Natives(_), _) | (_, Value::Natives(_)) = (&left, &right) {
        return native::combined(id, matching(binary).is_none(), left, right);
    }
    let Some(operator) = operator(id) else {
        return match (left, right) {
            (Value::Vector(left), Value::Vector(right)) => {
                set(binary, left, right, axis).map(Value::Vector)
            }
            _ => Err(Failure::certain("a set operator combines vectors")),
        };
    };
    let rules = Rules {
        operator,
        returns_bool,
        drops_name: match operator {
            // Prometheus 2 forgot this one.
            Operator::Arithmetic(_) => id != T_ATAN2 || engine.release == Release::Three,
            Operator::Comparison(_) => returns_bool,
        },
    };
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(
            left.into_iter()
                .zip(right)
                .map(|(left, right)| operator.value(left, right, true).unwrap_or(f64::NAN))
                .collect(),
        ),
        (Value::Vector(series), Value::Scalar(numbers)) => {
            Value::Vector(with_numbers(series, rules, |index, value| {
                (value, numbers[index])
            })?)
        }
        (Value::Scalar(numbers), Value::Vector(series)) => {
            Value::Vector(with_numbers(series, rules, |index, value| {
                (numbers[index], value)
            })?)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            Value::Vector(matched(binary, rules, left, right, axis)?)
        }
        _ => return Err(Failure::certain("a string is not an operand")),
    })
}

/// Each sample of a vector with a number; a comparison keeps the sample, on whichever side it is.
fn with_numbers(
    series: Vec<Series>,
    rules: Rules,
    pair: impl Fn(usize, f64) -> (f64, f64),
) -> Evaluated<Vec<Series>> {
    let Rules { operator, .. } = rules;
    if rules.drops_name {
        return each_at(series, |index, value| {
            let (left, right) = pair(index, value);
            operator.value(left, right, true).unwrap_or(f64::NAN)
        });
    }
    let keeps = |left: f64, right: f64, value: f64| match operator {
        Operator::Arithmetic(function) => Some(function(left, right)),
        Operator::Comparison(holds) => holds(left, right).then_some(value),
    };
    let filtered = series.into_iter().map(|series| {
        let kept = |(index, value): (usize, Option<f64>)| {
            let (left, right) = pair(index, value?);
            keeps(left, right, value?)
        };
        Series {
            values: series.values.into_iter().enumerate().map(kept).collect(),
            ..series
        }
    });
    Ok(existing(filtered))
}

/// The labels by which two vectors are matched.
fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    match matching {
        Some(LabelModifier::Include(on)) => {
            labels.filtered(|name| on.labels.iter().any(|label| label == name))
        }
        Some(LabelModifier::Exclude(ignoring)) => labels
            .filtered(|name| name != NAME && !ignoring.labels.iter().any(|label| label == name)),
        None => labels.without_name(),
    }
}

fn matching(binary: &BinaryExpr) -> Option<&LabelModifier> {
    binary.modifier.as_ref()?.matching.as_ref()
}

/// Which series have each signature.
fn by_signature(series: &[Series], matching: Option<&LabelModifier>) -> ByLabels<Vec<usize>> {
    let mut found: ByLabels<Vec<usize>> = ByLabels::default();
    for (index, one) in series.iter().enumerate() {
        found
            .entry(signature(&one.labels, matching))
            .or_default()
            .push(index);
    }
    found
}

/// `and`, `or`, `unless`.
fn set(
    binary: &BinaryExpr,
    left: Vec<Series>,
    right: Vec<Series>,
    axis: Axis,
) -> Evaluated<Vec<Series>> {
    let matching = matching(binary);
    let exists = |series: &[Series], members: Option<&Vec<usize>>, index: usize| {
        members.is_some_and(|members| {
            members
                .iter()
                .any(|member| series[*member].values[index].is_some())
        })
    };
    let filtered = |mut series: Vec<Series>, others: &[Series], with: bool| {
        let known = by_signature(others, matching);
        for one in &mut series {
            let members = known.get(&signature(&one.labels, matching));
            for (index, value) in one.values.iter_mut().enumerate() {
                *value = value.filter(|_| exists(others, members, index) == with);
            }
        }
        existing(series.into_iter())
    };
    debug_assert!(left.iter().all(|series| series.values.len() == axis.count));
    match binary.op.id() {
        T_LAND => Ok(filtered(left, &right, true)),
        T_LUNLESS => Ok(filtered(left, &right, false)),
        T_LOR => {
            let added = filtered(right, &left, false);
            merged(left.into_iter().chain(added).collect())
        }
        _ => Err(Failure::unknown(format!(
            "`{}` is not evaluated",
            binary.op
        ))),
    }
}

/// Arithmetic and comparisons between two vectors.
fn matched(
    binary: &BinaryExpr,
    rules: Rules,
    left: Vec<Series>,
    right: Vec<Series>,
    axis: Axis,
) -> Evaluated<Vec<Series>> {
    let modifier = binary.modifier.as_ref();
    let matching = matching(binary);
    let Rules {
        operator,
        returns_bool,
        drops_name,
    } = rules;
    let card = modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
    // For one-to-many the sides are exchanged, and only the values remember it.
    let swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
    let (many, one) = if swapped {
        (right, left)
    } else {
        (left, right)
    };
    let one_to_one = matches!(card, VectorMatchCardinality::OneToOne);
    let included: &[String] = card.labels().map_or(&[], |labels| &labels.labels);

    let ones = by_signature(&one, matching);
    // Prometheus looks for duplicates only where both sides have samples.
    let both = |index: usize| {
        let some = |series: &[Series]| series.iter().any(|one| one.values[index].is_some());
        some(&many) && some(&one)
    };
    for (labels, members) in ones.iter().filter(|(_, members)| members.len() > 1) {
        for index in 0..axis.count {
            let here = members.iter();
            let here = here.filter(|member| one[**member].values[index].is_some());
            if here.count() > 1 && both(index) {
                let side = if swapped { "left" } else { "right" };
                return Err(Failure::certain(format!(
                    "found duplicate series for the match group {labels} on the {side} hand-side of the operation: many-to-many matching not allowed"
                )));
            }
        }
    }

    // At which instants a signature has its match.
    let mut taken: ByLabels<Vec<bool>> = ByLabels::default();
    let mut found = Vec::new();
    for series in &many {
        let signature = signature(&series.labels, matching);
        let Some(members) = ones.get(&signature) else {
            continue;
        };
        let taken = taken
            .entry(signature)
            .or_insert_with(|| vec![false; axis.count]);
        for member in members {
            let other = &one[*member];
            let mut values = vec![None; axis.count];
            for (index, value) in values.iter_mut().enumerate() {
                let (Some(own), Some(others)) = (series.values[index], other.values[index]) else {
                    continue;
                };
                let (left, right) = if swapped {
                    (others, own)
                } else {
                    (own, others)
                };
                *value = operator.value(left, right, returns_bool);
                if one_to_one && value.is_some() && std::mem::replace(&mut taken[index], true) {
                    return Err(Failure::certain(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                    ));
                }
            }
            if values.iter().all(Option::is_none) {
                continue;
            }
            let mut labels = if drops_name {
                series.labels.without_name()
            } else {
                series.labels.clone()
            };
            if one_to_one {
                labels = match matching {
                    Some(LabelModifier::Include(on)) => {
                        labels.filtered(|name| on.labels.iter().any(|label| label == name))
                    }
                    Some(LabelModifier::Exclude(ignoring)) => {
                        labels.filtered(|name| !ignoring.labels.iter().any(|label| label == name))
                    }
                    None => labels,
                };
            }
            for label in included {
                labels = labels.with(label, other.labels.get(label));
            }
            found.push(Series { labels, values });
        }
    }
    merged(found).map_err(|failure| {
        if one_to_one {
            failure
        } else {
            Failure::certain(
                "multiple matches for labels: grouping labels must ensure unique matches",
            )
        }
    })
}
