//! A panel's percent is of the size that its unit means.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::evaluate::Node;
use crate::promql::Expr;
use crate::promql::token::{T_DIV, T_MUL};

pub(crate) const PROOF: Proof = Proof {
    code: "percent-unit",
    doc: "Grafana's `percentunit` reads 1 as 100 %, `percent` reads it as 1 %: with the wrong one the panel is out by a factor of a hundred, and looks plausible.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/-",
        bad: r#"{"type": "stat", "title": "Services up", "description": "Share of the services that answer scrapes.", "targets": [{"refId": "A", "expr": "100 * avg(up)"}], "fieldConfig": {"defaults": {"unit": "percentunit"}}}"#,
    },
    check: Check::Expression(|expression, nodes, _| {
        let unit = expression.owner["fieldConfig"]["defaults"]["unit"]
            .as_str()
            .filter(|_| expression.usage == Usage::Panel);
        let Some(whole) = nodes.last() else {
            return Vec::new();
        };
        let hundredfold = hundredfold(whole, nodes);
        let (wrong, help) = match unit {
            Some("percentunit") if hundredfold => (
                "the panel multiplies by 100, and so does its unit",
                "remove `100 *`, or use the unit `percent`",
            ),
            Some("percent") if !hundredfold && share(whole, nodes) => (
                "the panel shows a ratio as that many percent",
                "use the unit `percentunit`",
            ),
            _ => return Vec::new(),
        };
        vec![place::on(expression, wrong, help)]
    }),
};

fn hundredfold(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::NumberLiteral(number) => number.val == 100.0,
        Expr::Binary(binary) if binary.op.id() == T_DIV => {
            hundredfold(&nodes[node.operands[0]], nodes)
        }
        Expr::Binary(binary) if binary.op.id() != T_MUL && !binary.op.is_comparison_operator() => {
            false
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            hundredfold(&nodes[node.operands[0]], nodes)
        }
        Expr::Aggregate(_) => node
            .operands
            .last()
            .is_some_and(|operand| hundredfold(&nodes[*operand], nodes)),
        Expr::Binary(_) | Expr::Paren(_) | Expr::Call(_) => node
            .operands
            .iter()
            .any(|operand| hundredfold(&nodes[*operand], nodes)),
        _ => false,
    }
}

fn share(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::Binary(binary) if binary.op.id() == T_DIV => nodes[node.operands[1]].vector(),
        Expr::Paren(_) | Expr::Aggregate(_) => node
            .operands
            .last()
            .is_some_and(|operand| share(&nodes[*operand], nodes)),
        _ => false,
    }
}
