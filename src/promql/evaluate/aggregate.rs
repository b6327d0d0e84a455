//! `sum by`, `topk` and the other aggregations.

use super::{Evaluation, Labels, Series, coalesced, unnamed};
use crate::promql::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUM, T_TOPK, TokenId,
};
use crate::promql::{AggregateExpr, Expr, LabelModifier};
use std::collections::BTreeMap;

pub(crate) fn aggregated(
    evaluation: &Evaluation,
    aggregate: &AggregateExpr,
) -> Result<Vec<Series>, String> {
    let input = evaluation.vector(&aggregate.expr)?;
    let operator = aggregate.op.id();
    let groups = grouped(&input, aggregate.modifier.as_ref());
    if [T_TOPK, T_BOTTOMK].contains(&operator) {
        let most = parameter(evaluation, aggregate)?;
        return Ok(ranked(
            input,
            &groups.into_values().collect::<Vec<_>>(),
            &most,
            evaluation.from,
            operator == T_BOTTOMK,
        ));
    }
    if operator == T_COUNT_VALUES {
        let Some(Expr::StringLiteral(label)) = aggregate.param.as_deref() else {
            return Err("`count_values` names no label".to_string());
        };
        return Ok(counted(&input, groups, &label.val));
    }
    let quantile = if operator == T_QUANTILE {
        parameter(evaluation, aggregate)?
    } else {
        Vec::new()
    };
    let mut result = Vec::new();
    for (labels, members) in groups {
        let mut values = vec![f64::NAN; evaluation.axis.count];
        for (index, value) in values.iter_mut().enumerate().skip(evaluation.from) {
            let column = members
                .iter()
                .map(|member| input[*member].values[index])
                .filter(|value| !value.is_nan());
            *value = reduced(operator, column, quantile.get(index).copied())?;
        }
        result.push(Series { labels, values });
    }
    result.retain(|series| series.values.iter().any(|value| !value.is_nan()));
    Ok(result)
}

fn parameter(evaluation: &Evaluation, aggregate: &AggregateExpr) -> Result<Vec<f64>, String> {
    evaluation.scalar(
        aggregate
            .param
            .as_deref()
            .ok_or("the aggregation lacks its parameter")?,
    )
}

/// Indices of the series of each group, in the order in which the groups appear.
fn grouped(input: &[Series], modifier: Option<&LabelModifier>) -> BTreeMap<Labels, Vec<usize>> {
    let keep = crate::promql::grouped(modifier);
    let mut groups: BTreeMap<Labels, Vec<usize>> = BTreeMap::new();
    for (index, series) in input.iter().enumerate() {
        let labels = series
            .labels
            .iter()
            .filter(|(label, _)| *label != "__name__" && keep(label))
            .map(|(label, value)| (label.clone(), value.clone()))
            .collect();
        groups.entry(labels).or_default().push(index);
    }
    groups
}

fn reduced(
    operator: TokenId,
    column: impl Iterator<Item = f64>,
    quantile: Option<f64>,
) -> Result<f64, String> {
    let (mut count, mut sum, mut square, mut low, mut high, mut all) =
        (0.0, 0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, Vec::new());
    for value in column {
        (count, sum, square, low, high) = (
            count + 1.0,
            sum + value,
            square + value * value,
            f64::min(low, value),
            f64::max(high, value),
        );
        if quantile.is_some() {
            all.push(value);
        }
    }
    if count == 0.0 {
        return Ok(f64::NAN);
    }
    let variance = f64::max(square / count - (sum / count) * (sum / count), 0.0);
    Ok(match operator {
        T_SUM => sum,
        T_AVG => sum / count,
        T_MIN => low,
        T_MAX => high,
        T_COUNT => count,
        T_GROUP => 1.0,
        T_STDVAR => variance,
        T_STDDEV => variance.sqrt(),
        T_QUANTILE => super::window::quantile(quantile.unwrap_or(0.5), &mut all),
        _ => return Err("this aggregation is not simulated".to_string()),
    })
}

/// The largest (or smallest) of each group at each instant; the series keep their labels.
fn ranked(
    input: Vec<Series>,
    groups: &[Vec<usize>],
    most: &[f64],
    from: usize,
    smallest: bool,
) -> Vec<Series> {
    let mut kept: Vec<Series> = input
        .iter()
        .map(|series| Series {
            labels: series.labels.clone(),
            values: vec![f64::NAN; series.values.len()],
        })
        .collect();
    for (index, most) in most.iter().enumerate().skip(from) {
        for members in groups {
            let mut column: Vec<(f64, usize)> = members
                .iter()
                .map(|member| (input[*member].values[index], *member))
                .filter(|(value, _)| !value.is_nan())
                .collect();
            column.sort_by(|a, b| {
                if smallest {
                    a.0.total_cmp(&b.0)
                } else {
                    b.0.total_cmp(&a.0)
                }
            });
            for (value, member) in column.into_iter().take(most.max(0.0) as usize) {
                kept[member].values[index] = value;
            }
        }
    }
    // At one instant the order is that of the values.
    kept.retain(|series| series.values.iter().any(|value| !value.is_nan()));
    let last = |series: &Series| series.values.last().copied().unwrap_or(f64::NAN);
    kept.sort_by(|a, b| {
        if smallest {
            last(a).total_cmp(&last(b))
        } else {
            last(b).total_cmp(&last(a))
        }
    });
    kept
}

fn counted(input: &[Series], groups: BTreeMap<Labels, Vec<usize>>, label: &str) -> Vec<Series> {
    let mut found = Vec::new();
    for (labels, members) in groups {
        let mut by_value: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for member in members {
            for (index, value) in input[member]
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| !value.is_nan())
            {
                let column = by_value
                    .entry(value.to_string())
                    .or_insert_with(|| vec![f64::NAN; input[member].values.len()]);
                column[index] = if column[index].is_nan() {
                    1.0
                } else {
                    column[index] + 1.0
                };
            }
        }
        for (value, values) in by_value {
            let mut labels = labels.clone();
            labels.insert(label.to_string(), value);
            found.push(unnamed(Series { labels, values }));
        }
    }
    coalesced(found)
}
