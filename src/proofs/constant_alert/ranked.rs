//! `topk`, `bottomk` and `limitk` in a condition: of several that it holds for only some fire, each time others.

use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::evaluate::nodes;
use crate::contract::series::SeriesSet;
use crate::evaluation::rules::Rule;
use crate::promql::engine::Series;
use crate::promql::number::number;
use crate::promql::token::{T_BOTTOMK, T_LIMITK, T_TOPK};
use crate::promql::walk::{children, children_mut};
use crate::promql::{AggregateExpr, Expr};
use crate::proofs::expression_of_the_catalog::worlds::Worlds;
use std::collections::BTreeSet;

/// The operator that takes something away of what the condition holds for, where there can be more than it keeps.
pub(super) fn taken_away(
    contract: &Contract,
    worlds: &Worlds,
    (expr, rules): (&Expr, &[&Rule]),
) -> Option<String> {
    let ranked = narrow(expr, contract)?;
    // One of several shows what so many of more do.
    let (mut one, mut all) = (expr.clone(), expr.clone());
    replaced(&mut one, &|aggregate| {
        aggregate.param = Some(Box::new(Expr::from(1.0)));
        None
    });
    replaced(&mut all, &|aggregate| Some((*aggregate.expr).clone()));
    let mut made = worlds.made();
    let loses = made.any(|world| {
        let played = worlds.play(&world, (&one, rules));
        played.is_some_and(|played| {
            let whole = worlds.also(&played, &all).unwrap_or_default();
            (0..worlds.count()).any(|at| {
                let holding = |series: &[Series]| -> BTreeSet<String> {
                    let holds = series.iter().filter(|one| one.values[at].is_some());
                    holds.map(|one| format!("{:?}", one.labels)).collect()
                };
                let (kept, meant) = (holding(&played.meant), holding(&whole));
                !kept.is_empty() && kept.len() < meant.len() && kept.is_subset(&meant)
            })
        })
    });
    loses.then_some(ranked)
}

/// An operator that keeps fewer series than there can be.
fn narrow(expr: &Expr, contract: &Contract) -> Option<String> {
    if let Some(aggregate) = rank(expr) {
        let kept = aggregate.param.as_deref().and_then(number)?;
        let of = nodes(&aggregate.expr, contract);
        let of: f64 = of.last()?.series.iter().map(most).sum();
        if of > kept {
            return Some(aggregate.op.to_string());
        }
    }
    let mut inside = children(expr);
    inside.find_map(|inside| narrow(inside, contract))
}

/// How many series there can be of a set.
fn most(set: &SeriesSet) -> f64 {
    let values = set.labels.values().map(|domain| match domain {
        Domain::Values(values) => values.len() as f64,
        Domain::Pattern(_) => f64::INFINITY,
    });
    values.product::<f64>() * set.targets.count_ones(..).max(1) as f64
}

fn rank(expr: &Expr) -> Option<&AggregateExpr> {
    match expr {
        Expr::Aggregate(aggregate)
            if [T_TOPK, T_BOTTOMK, T_LIMITK].contains(&aggregate.op.id()) =>
        {
            Some(aggregate)
        }
        _ => None,
    }
}

/// Each such operator changed, or with something else in its place.
fn replaced(expr: &mut Expr, change: &dyn Fn(&mut AggregateExpr) -> Option<Expr>) {
    let other = match (rank(expr).is_some(), &mut *expr) {
        (true, Expr::Aggregate(aggregate)) => change(aggregate),
        _ => None,
    };
    if let Some(other) = other {
        *expr = other;
    }
    for inside in children_mut(expr) {
        replaced(inside, change);
    }
}
