//! What two expressions have in common that measure the same thing.

use crate::promql::Expr;
use crate::promql::canonical::{plain, print};
use crate::promql::token::{T_AVG, T_BOTTOMK, T_MAX, T_MIN, T_TOPK};
use crate::promql::walk::{children_mut, selector_mut, taken};
use std::time::Duration;

/// The same window for all.
const WINDOW: Duration = Duration::from_secs(300);

/// An expression without what chooses services, smooths and sorts: two that have the same measure the same thing.
pub(super) fn essence(expr: &Expr) -> String {
    let mut expr = expr.clone();
    strip_choices(&mut expr);
    plain(&mut expr);
    print(&expr)
}

fn strip_choices(expr: &mut Expr) {
    loop {
        let inner = match expr {
            Expr::Paren(paren) => taken(&mut paren.expr),
            Expr::Aggregate(aggregate)
                if [T_MAX, T_MIN, T_AVG, T_TOPK, T_BOTTOMK].contains(&aggregate.op.id()) =>
            {
                taken(&mut aggregate.expr)
            }
            Expr::Call(call)
                if [
                    "sort",
                    "sort_desc",
                    "avg_over_time",
                    "last_over_time",
                    "max_over_time",
                ]
                .contains(&call.func.name) =>
            {
                match call.args.args.first_mut().map(|argument| &mut **argument) {
                    Some(Expr::MatrixSelector(matrix)) => Expr::VectorSelector(matrix.vs.clone()),
                    Some(other) => taken(other),
                    None => return,
                }
            }
            _ => break,
        };
        *expr = inner;
    }
    if let Expr::Aggregate(aggregate) = expr {
        aggregate.modifier = None;
    }
    if let Expr::MatrixSelector(matrix) = expr {
        matrix.range = WINDOW;
    }
    if let Some(selector) = selector_mut(expr) {
        let chooses = |name: &str| matches!(name, "job" | "service" | "component" | "instance");
        selector
            .matchers
            .matchers
            .retain(|matcher| !chooses(&matcher.name));
    }
    children_mut(expr).into_iter().for_each(strip_choices);
}
