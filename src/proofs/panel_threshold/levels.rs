//! Panels of one level among several that compare the same.

use super::colours::wrong_at;
use super::limits::{Key, Limits};
use super::signals::Signals;
use crate::promql::Expr;
use crate::promql::token::T_DIV;
use crate::promql::walk::children;
use crate::stack::expressions::Expression;
use std::collections::BTreeSet;

impl Signals<'_, '_> {
    /// Whether it shows how far what several levels compare is from the threshold of one of them: then it is of that one alone.
    pub(super) fn of_one_level(&self, expression: &Expression, limits: &Limits) -> bool {
        let names: BTreeSet<&str> = limits.values().flatten().copied().collect();
        let alerts = names
            .iter()
            .filter_map(|name| self.stack.catalog.alert(name));
        let levels = alerts.filter(|alert| alert.levels.is_some());
        levels.into_iter().any(|alert| {
            let own = limits
                .iter()
                .filter(|(_, names)| names.contains(&*alert.name));
            let own: Limits = own
                .map(|(limit, _)| (*limit, BTreeSet::from([&*alert.name])))
                .collect();
            // As it is compared, it is shown with the thresholds of all.
            let as_it_is = own.keys().all(|Key(value)| {
                let mut branches = alert.branches.iter();
                branches.any(|branch| branch.above == Some(*value))
            });
            let near = !as_it_is || divided_by_number(&expression.ast);
            near && wrong_at(self.stack, expression, &own).is_none()
        })
    }
}

/// Whether something is divided by a number, which may be 1.
fn divided_by_number(expr: &Expr) -> bool {
    let by_number = matches!(expr, Expr::Binary(binary) if
        binary.op.id() == T_DIV && matches!(*binary.rhs, Expr::NumberLiteral(_)));
    by_number || children(expr).any(divided_by_number)
}
