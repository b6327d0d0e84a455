//! A condition that the runbook lets people paste holds when that of the rule does.

use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::token::{T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_NEQ, TokenId};
use crate::promql::walk::{ranges, selectors};
use crate::promql::{Expr, returns_bool};
use crate::stack::Stack;
use std::collections::BTreeSet;
use std::time::Duration;

/// Something that is compared with a number.
pub(super) struct Condition<'e> {
    pub(super) inside: &'e Expr,
    compares: TokenId,
    limit: f64,
}

impl<'e> Condition<'e> {
    pub(super) fn of(expr: &'e Expr) -> Option<Condition<'e>> {
        match expr {
            Expr::Paren(paren) => Condition::of(&paren.expr),
            Expr::Binary(binary) if binary.op.is_comparison_operator() && !returns_bool(binary) => {
                Some(Condition {
                    inside: &binary.lhs,
                    compares: binary.op.id(),
                    limit: number(&binary.rhs)?,
                })
            }
            _ => None,
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.compares {
            T_EQLC => value == self.limit,
            T_NEQ => value != self.limit,
            T_GTR => value > self.limit,
            T_GTE => value >= self.limit,
            T_LSS => value < self.limit,
            T_LTE => value <= self.limit,
            _ => true,
        }
    }

    /// Whether it holds at a value at which the other does not. What is equal to something is a state.
    pub(super) fn differs(&self, other: &Condition) -> bool {
        let states = [self, other]
            .iter()
            .any(|one| [T_EQLC, T_NEQ].contains(&one.compares));
        let values = match states {
            true => vec![0.0, 1.0],
            false => {
                let (one, two) = (self.limit, other.limit);
                let beyond = one.abs().max(two.abs()) + 1.0;
                vec![one, two, (one + two) / 2.0, beyond, -beyond]
            }
        };
        values
            .into_iter()
            .any(|value| self.holds(value) != other.holds(value))
    }
}

/// The windows over which an expression looks back, those of what it reads recorded too.
pub(super) fn windows(stack: &Stack, expr: &Expr, depth: usize) -> BTreeSet<Duration> {
    let mut found: BTreeSet<Duration> = ranges(expr).into_iter().collect();
    let read = selectors(expr).into_iter().filter_map(metric);
    let names: BTreeSet<&str> = read.filter(|_| depth > 0).collect();
    for loaded in names.into_iter().flat_map(|name| stack.recording(name)) {
        found.extend(windows(stack, &loaded.rule.expr, depth - 1));
    }
    found
}
