//! A share is 0, not empty, before the first failure.

use super::unguarded_division::traffic;
use super::{Check, Example, Finding, Proof};
use crate::contract::evaluate::Node;
use promql_parser::parser::Expr;
use promql_parser::parser::token::{T_DIV, T_LOR};
use std::collections::BTreeSet;

pub const PROOF: Proof = Proof {
    code: "late-numerator",
    doc: "The series that counts failures often appears with the first of them; until then the share is empty, so a panel says No data when all is well and a recorded signal has gaps.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) / (sum by (job, service, component) (rate(shop_requests_total[5m])) > 0) > 0.1",
        good: "(sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) or 0 * sum by (job, service, component) (rate(shop_requests_total[5m]))) / (sum by (job, service, component) (rate(shop_requests_total[5m])) > 0) > 0.1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let divisions = nodes.iter().filter(|node| matches!(node.expr, Expr::Binary(binary) if binary.op.id() == T_DIV));
        divisions
            .filter(|node| {
                let (part, whole) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
                let late = selectors(part, nodes).difference(&selectors(whole, nodes)).next().is_some();
                whole.vector() && traffic(part, nodes) && traffic(whole, nodes) && late && !alternative(part, nodes)
            })
            .map(|node| {
                Finding::on(
                    expression,
                    format!("`{}` is missing until it first counts, and the share with it", nodes[node.operands[0]].expr),
                    "write it as `(… or 0 * total)`",
                )
            })
            .collect()
    }),
};

/// What is read; a histogram's `_sum` and `_count` appear together.
fn selectors(node: &Node, nodes: &[Node]) -> BTreeSet<String> {
    match node.expr {
        Expr::VectorSelector(selector) => BTreeSet::from([selector.to_string().replacen("_sum", "", 1).replacen("_count", "", 1)]),
        Expr::MatrixSelector(matrix) => BTreeSet::from([matrix.vs.to_string().replacen("_sum", "", 1).replacen("_count", "", 1)]),
        _ => node.operands.iter().flat_map(|operand| selectors(&nodes[*operand], nodes)).collect(),
    }
}

fn alternative(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::Paren(_) => alternative(&nodes[node.operands[0]], nodes),
        Expr::Binary(binary) => binary.op.id() == T_LOR,
        Expr::Aggregate(_) => node.operands.last().is_some_and(|operand| alternative(&nodes[*operand], nodes)),
        _ => false,
    }
}
