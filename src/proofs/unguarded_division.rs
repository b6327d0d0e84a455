//! A share of traffic is empty, not NaN, when there is none.

use super::{Check, Example, Finding, Proof};
use crate::contract::evaluate::Node;
use promql_parser::parser::Expr;
use promql_parser::parser::token::T_DIV;

pub const PROOF: Proof = Proof {
    code: "unguarded-division",
    doc: "Without traffic the divisor is 0 and the share NaN, which compares as false and poisons every average it gets into.",
    example: Example::Condition {
        bad: "(sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) or 0 * sum by (job, service, component) (rate(shop_requests_total[5m]))) / sum by (job, service, component) (rate(shop_requests_total[5m])) > 0.1",
        good: "(sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) or 0 * sum by (job, service, component) (rate(shop_requests_total[5m]))) / (sum by (job, service, component) (rate(shop_requests_total[5m])) > 0) > 0.1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let divisions = nodes.iter().filter(|node| matches!(node.expr, Expr::Binary(binary) if binary.op.id() == T_DIV));
        let divisors = divisions.map(|node| &nodes[node.operands[1]]).filter(|divisor| divisor.vector());
        divisors
            .filter(|divisor| traffic(divisor, nodes) && !compared(divisor, nodes))
            .map(|divisor| Finding::on(expression, format!("`{}` is 0 without traffic, and the share NaN", divisor.expr), "write the divisor as `(… > 0)`"))
            .collect()
    }),
};

/// Whether the rate of something is in it.
pub fn traffic(node: &Node, nodes: &[Node]) -> bool {
    let rate = matches!(node.expr, Expr::Call(call) if ["rate", "irate", "increase"].contains(&call.func.name));
    rate || node.operands.iter().any(|operand| traffic(&nodes[*operand], nodes))
}

fn compared(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::Paren(_) => compared(&nodes[node.operands[0]], nodes),
        Expr::Binary(binary) => binary.op.is_comparison_operator(),
        _ => false,
    }
}
