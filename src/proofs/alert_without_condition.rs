//! An alert compares something.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::evaluate::Node;
use crate::promql::token::{T_LOR, T_LUNLESS};
use crate::promql::walk::selector;
use crate::promql::{Expr, returns_bool};

pub(crate) const PROOF: Proof = Proof {
    code: "alert-without-condition",
    doc: "Without a comparison an alert fires whenever its series exist; with `bool` it fires also for 0.",
    example: Example::Condition {
        bad: "max by (job, service, component) (shop_orders_active) > bool 100",
        good: "max by (job, service, component) (shop_orders_active) > 100",
    },
    check: Check::Expression(|expression, nodes, _| {
        let Some(whole) = nodes.last().filter(|_| expression.usage == Usage::Alert) else {
            return Vec::new();
        };
        // What depends on nothing is meant to fire always, as a watchdog is.
        let depends = |node: &Node| match node.expr {
            Expr::Call(call) => call.func.name != "vector",
            expr => selector(expr).is_some(),
        };
        match !nodes.iter().any(depends) || conditional(whole, nodes) {
            true => Vec::new(),
            false => {
                vec![place::on(
                    expression,
                    "the alert has no condition: it fires whenever its series exist",
                    "compare with a threshold, without `bool`",
                )]
            }
        }
    }),
};

fn conditional(node: &Node, nodes: &[Node]) -> bool {
    let below = |index: usize| {
        node.operands
            .get(index)
            .is_some_and(|operand| conditional(&nodes[*operand], nodes))
    };
    match node.expr {
        Expr::Binary(binary) if binary.op.is_comparison_operator() => !returns_bool(binary),
        Expr::Binary(binary) if binary.op.id() == T_LUNLESS => true,
        Expr::Binary(binary) if binary.op.id() == T_LOR => below(0) && below(1),
        Expr::Binary(_) => below(0) || below(1),
        Expr::Call(call) if call.func.name.starts_with("absent") => true,
        // They are there while an alert is.
        Expr::VectorSelector(selector) => {
            let name = selector.name.as_deref().unwrap_or_default();
            name.starts_with("ALERTS")
        }
        Expr::Aggregate(_) => node
            .operands
            .last()
            .is_some_and(|operand| conditional(&nodes[*operand], nodes)),
        _ => below(0),
    }
}
