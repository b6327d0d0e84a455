//! A ratio of bytes or seconds is divided by something.

use super::{Check, Example, Proof, place};
use crate::contract::evaluate::Node;
use crate::promql::number::number;
use crate::promql::token::{T_DIV, T_LAND, T_LUNLESS};
use crate::promql::walk::{selector, selectors};
use crate::promql::{Expr, returns_bool};

pub(crate) const PROOF: Proof = Proof {
    code: "missing-denominator",
    doc: "90 % of what? Bytes above 0.9 are every process that runs; a panel in percent over bytes shows billions.",
    example: Example::Condition {
        bad: "max by (job, service, component) (process_resident_memory_bytes) > 0.9",
        good: "max by (job, service, component) (process_resident_memory_bytes) / job:shop_memory_limit_bytes:catalog > 0.9",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let sides = [
                (node.operands[0], node.operands[1]),
                (node.operands[1], node.operands[0]),
            ];
            for (vector, other) in sides {
                let ratio =
                    matches!(number(nodes[other].expr), Some(value) if value > 0.0 && value <= 1.0);
                if binary.op.is_comparison_operator()
                    && ratio
                    && amount(&nodes[vector], nodes, Use::Compared)
                {
                    found.push(place::on(
                        expression,
                        format!(
                            "`{}` is not a ratio, but is compared with one",
                            nodes[vector].expr
                        ),
                        "divide it by its limit",
                    ));
                }
            }
        }
        let percent = matches!(
            expression.owner["fieldConfig"]["defaults"]["unit"].as_str(),
            Some("percent" | "percentunit")
        );
        if percent
            && nodes
                .last()
                .is_some_and(|whole| amount(whole, nodes, Use::Percent))
        {
            found.push(place::on(
                expression,
                "the panel shows percent of what is not a ratio",
                "divide it by its limit, or give the panel its own unit",
            ));
        }
        found
    }),
};

/// What becomes of a value.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// A condition compares it with a number up to 1.
    Compared,
    /// A panel shows it in percent.
    Percent,
}

/// Whether it is an amount of bytes or seconds: such a metric is read, and nothing divides it. How fast an amount grows is compared
/// with small numbers for good reasons (0.9 seconds of CPU a second are 0.9 of a core), and seconds a second are a ratio.
fn amount(node: &Node, nodes: &[Node], to: Use) -> bool {
    let of = |index: usize| amount(&nodes[node.operands[index]], nodes, to);
    let any = || {
        node.operands
            .iter()
            .any(|operand| amount(&nodes[*operand], nodes, to))
    };
    if let Some(selector) = selector(node.expr) {
        return selector.name.as_deref().is_some_and(in_unit);
    }
    match node.expr {
        Expr::Binary(binary) if binary.op.id() == T_DIV || returns_bool(binary) => false,
        // What stands on the right only decides whether the left is there.
        Expr::Binary(binary) if [T_LAND, T_LUNLESS].contains(&binary.op.id()) => of(0),
        Expr::Binary(binary)
            if binary.op.is_comparison_operator() && nodes[node.operands[0]].vector() =>
        {
            of(0)
        }
        Expr::Aggregate(aggregate)
            if ["count", "count_values", "group"].contains(&aggregate.op.to_string().as_str()) =>
        {
            false
        }
        Expr::Call(call) => match call.func.name {
            "rate" | "irate" if to == Use::Percent => any() && !seconds(node.expr),
            "rate" | "irate" | "increase" | "delta" | "idelta" | "deriv" if to == Use::Compared => {
                false
            }
            "changes" | "resets" | "count_over_time" | "present_over_time" | "absent"
            | "absent_over_time" | "timestamp" | "sgn" | "ln" | "log2" | "log10" => false,
            _ => any(),
        },
        _ => any(),
    }
}

/// Whether what a rate is of counts seconds.
fn seconds(expr: &Expr) -> bool {
    let mut names = selectors(expr).into_iter();
    names.any(|selector| {
        let name = selector.name.as_deref();
        name.is_some_and(|name| name.ends_with("_seconds_total"))
    })
}

fn in_unit(name: &str) -> bool {
    !name.contains(':')
        && ["_bytes", "_bytes_total", "_seconds_total"]
            .iter()
            .any(|unit| name.ends_with(unit))
}
