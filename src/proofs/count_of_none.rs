//! How many of something are left is 0, not nothing, when none is.

use super::division::{at_zero, factors, filled, mirrored, parents};
use super::{Check, Example, Proof, Usage, place};
use crate::contract::evaluate::Node;
use crate::promql::number::number;
use crate::promql::token::{T_COUNT, T_EQLC, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_SUM};
use crate::promql::{Expr, returns_bool};

pub(crate) const PROOF: Proof = Proof {
    code: "count-of-none",
    doc: "`count(up == 1)` is not 0 where nothing is up: there is nothing to count and no result, so an alert on too few of them is silent when the last is gone.",
    example: Example::Condition {
        bad: "count by (job, service, component) (up{service!=\"\"} == 1) < 1",
        good: "sum by (job, service, component) (up{service!=\"\"} == bool 1) < 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        if expression.usage != Usage::Alert {
            return found;
        }
        let parents = parents(nodes);
        for (index, node) in nodes.iter().enumerate() {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let [left, right] = [node.operands[0], node.operands[1]];
            let (counted, operator, bound) =
                match (number(nodes[left].expr), number(nodes[right].expr)) {
                    (None, Some(bound)) => (left, binary.op.id(), bound),
                    (Some(bound), None) => (right, mirrored(binary.op.id()), bound),
                    _ => continue,
                };
            let few = [T_LSS, T_LTE, T_EQLC].contains(&operator)
                && at_zero(operator, bound) == Some(true);
            // What stands beside it in an `or` says what is to be then.
            if !few || beside_another(index, nodes, &parents) {
                continue;
            }
            let (over, _) = factors(counted, nodes);
            let of_some = over.into_iter().map(|part| &nodes[part]);
            found.extend(of_some.filter(|part| of_some_left(part, nodes)).map(|part| {
                place::on(
                    expression,
                    format!("`{}` is missing, and not 0, where none is left: then the alert is silent", part.expr),
                    "count with `sum(… == bool 1)`, or write it as `(… or 0 * count(…))` of all",
                )
            }));
        }
        found
    }),
};

/// Whether something is said for where it is missing.
fn beside_another(index: usize, nodes: &[Node], parents: &[Option<usize>]) -> bool {
    let mut around = parents[index];
    while let Some(outer) = around {
        if matches!(nodes[outer].expr, Expr::Binary(binary) if binary.op.id() == T_LOR) {
            return true;
        }
        around = parents[outer];
    }
    false
}

/// Whether it counts, or adds up, what a condition has left.
fn of_some_left(node: &Node, nodes: &[Node]) -> bool {
    let Expr::Aggregate(aggregate) = node.expr else {
        return false;
    };
    let counts = [T_COUNT, T_SUM].contains(&aggregate.op.id());
    counts
        && node
            .operands
            .last()
            .is_some_and(|of| left(&nodes[*of], nodes))
        && !filled(node, nodes)
}

/// Whether a condition takes some of it away.
fn left(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::Paren(_) => left(&nodes[node.operands[0]], nodes),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => !returns_bool(binary),
        Expr::Binary(binary) => [T_LAND, T_LUNLESS].contains(&binary.op.id()),
        _ => false,
    }
}
