//! A share of bytes or seconds is divided by something.

use super::{Check, Example, Finding, Proof};
use crate::contract::evaluate::Node;
use promql_parser::parser::Expr;
use promql_parser::parser::token::T_DIV;

pub const PROOF: Proof = Proof {
    code: "missing-denominator",
    doc: "90 % of what? Bytes above 0.9 are every process that runs; a panel in percent over bytes shows billions.",
    example: Example::Condition {
        bad: "max by (job, service, component) (process_resident_memory_bytes) > 0.9",
        good: "max by (job, service, component) (process_resident_memory_bytes) / job:shop_memory_limit_bytes:catalog > 0.9",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else { continue };
            let sides = [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])];
            for (vector, number) in sides {
                let share = matches!(number_of(&nodes[number], nodes), Some(value) if value > 0.0 && value <= 1.0);
                if binary.op.is_comparison_operator() && share && whole_unit(&nodes[vector], nodes) {
                    found.push(Finding::on(expression, format!("`{}` is no share, but is compared with one", nodes[vector].expr), "divide it by its limit"));
                }
            }
        }
        let percent = matches!(expression.owner["fieldConfig"]["defaults"]["unit"].as_str(), Some("percent" | "percentunit"));
        if percent && nodes.last().is_some_and(|whole| whole_unit(whole, nodes)) {
            found.push(Finding::on(expression, "the panel shows percent of what is no share", "divide it by its limit, or give the panel its own unit"));
        }
        found
    }),
};

fn number_of(node: &Node, nodes: &[Node]) -> Option<f64> {
    match node.expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(_) => number_of(&nodes[node.operands[0]], nodes),
        _ => None,
    }
}

/// Whether it is in bytes or seconds: such a metric is read, and nothing divides it.
fn whole_unit(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::VectorSelector(selector) => selector.name.as_deref().is_some_and(in_unit),
        Expr::MatrixSelector(matrix) => matrix.vs.name.as_deref().is_some_and(in_unit),
        Expr::Binary(binary) if binary.op.id() == T_DIV => false,
        Expr::Aggregate(aggregate) if aggregate.op.to_string().starts_with("count") => false,
        _ => node.operands.iter().any(|operand| whole_unit(&nodes[*operand], nodes)),
    }
}

fn in_unit(name: &str) -> bool {
    !name.contains(':') && ["_bytes", "_bytes_total", "_seconds_total"].iter().any(|unit| name.ends_with(unit))
}
