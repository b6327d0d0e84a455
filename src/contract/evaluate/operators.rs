//! What aggregations and binary operators return.

use super::{counted, derived};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{MetricType, SeriesSet};
use crate::promql::token::{
    T_ADD, T_AVG, T_BOTTOMK, T_COUNT_VALUES, T_DIV, T_LAND, T_LIMITK, T_LOR, T_LUNLESS, T_MAX,
    T_MIN, T_MUL, T_SUB, T_SUM, T_TOPK,
};
use crate::promql::{
    AggregateExpr, BinaryExpr, Expr, VectorMatchCardinality, compared, grouped, returns_bool,
};

pub(super) fn aggregated(aggregate: &AggregateExpr, input: Vec<SeriesSet>) -> Vec<SeriesSet> {
    let operator = aggregate.op.id();
    if [T_TOPK, T_BOTTOMK, T_LIMITK].contains(&operator) {
        return input;
    }
    let keep = grouped(aggregate.modifier.as_ref());
    // A sum of counters still says how long something has run.
    let value = [T_SUM, T_AVG, T_MIN, T_MAX].contains(&operator);
    let adds = [T_SUM, T_AVG].contains(&operator);
    let grouped = input.into_iter().map(|series| {
        // Of native histograms none is the greatest.
        if value && (adds || !series.native()) {
            SeriesSet {
                kind: series.kind,
                ..series.keep_labels(&keep)
            }
        } else {
            series.keep_labels(&keep)
        }
    });
    match (operator == T_COUNT_VALUES, aggregate.param.as_deref()) {
        (true, Some(Expr::StringLiteral(label))) => grouped
            .map(|series| series.with(&label.val, Domain::any()))
            .collect(),
        _ => grouped.collect(),
    }
}

pub(super) fn combined(
    binary: &BinaryExpr,
    left: &[SeriesSet],
    right: &[SeriesSet],
    left_vector: bool,
    right_vector: bool,
    contract: &Contract,
) -> Vec<SeriesSet> {
    let comparison = binary.op.is_comparison_operator() && !returns_bool(binary);
    let scales = [T_MUL, T_DIV].contains(&binary.op.id());
    let one = |series: &[SeriesSet]| {
        if comparison {
            series.to_vec()
        } else if scales {
            counted(series.to_vec())
        } else {
            derived(series.to_vec())
        }
    };
    match (left_vector, right_vector) {
        (true, false) => return one(left),
        (false, true) => return one(right),
        (false, false) => return Vec::new(),
        (true, true) => {}
    }
    match binary.op.id() {
        T_LOR => return left.iter().chain(right).cloned().collect(),
        T_LUNLESS => return left.to_vec(),
        _ => {}
    }
    let many_right = matches!(
        binary.modifier.as_ref().map(|modifier| &modifier.card),
        Some(VectorMatchCardinality::OneToMany(_))
    );
    let (many, others) = if many_right {
        (right, left)
    } else {
        (left, right)
    };
    let pairs = many
        .iter()
        .flat_map(|own| others.iter().map(move |other| (own, other)));
    pairs
        .filter_map(|(own, other)| {
            Some(join_labels(
                binary,
                own.meeting(other, compared(binary), &contract.targets)?,
                other,
                comparison,
            ))
        })
        .collect()
}

/// The labels of a result: all for set operators and grouped sides, else those compared.
fn join_labels(
    binary: &BinaryExpr,
    met: SeriesSet,
    other: &SeriesSet,
    comparison: bool,
) -> SeriesSet {
    let arithmetic = [T_ADD, T_SUB, T_MUL, T_DIV].contains(&binary.op.id());
    let kind = if comparison || binary.op.id() == T_LAND {
        met.kind
    } else if arithmetic && met.native() {
        MetricType::Histogram
    } else {
        MetricType::Derived
    };
    let card = binary.modifier.as_ref().map(|modifier| &modifier.card);
    let mut result = match card {
        _ if binary.op.id() == T_LAND => met,
        Some(
            VectorMatchCardinality::ManyToOne(extra) | VectorMatchCardinality::OneToMany(extra),
        ) => {
            let mut result = met;
            for label in &extra.labels {
                match other.labels.get(label) {
                    Some(domain) => result = result.with(label, domain.clone()),
                    None if other.carried.contains(label) => {
                        result.carried.insert(label.clone());
                    }
                    None => {}
                }
            }
            result
        }
        _ => met.keep_labels(compared(binary)),
    };
    result.kind = kind;
    result
}
