//! An alert's comparison can be true, and can be false.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use crate::contract::series::{MetricType, SeriesSet};
use crate::promql::number::number;
use crate::promql::token::{T_ADD, T_DIV, T_MUL, T_SUB};
use crate::promql::walk::selector;
use crate::promql::{BinaryExpr, Expr};

pub(crate) const PROOF: Proof = Proof {
    code: "impossible-threshold",
    doc: "`up` is 0 or 1, a rate is never below 0 and a quantile never above the last bucket: a comparison beyond that never fires, or always does.",
    example: Example::Condition {
        bad: "max by (job, service, component) (up{service!=\"\"}) > 1",
        good: "max by (job, service, component) (up{service!=\"\"}) < 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes.iter().filter(|_| expression.usage == Usage::Alert) {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let sides = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
            let operator = binary.op.to_string();
            // `5 < x` is `x > 5`.
            let (side, limit, operator) = match (number(sides.0.expr), number(sides.1.expr)) {
                (None, Some(limit)) => (sides.0, limit, operator.as_str()),
                (Some(limit), None) => (sides.1, limit, flipped(&operator)),
                _ => continue,
            };
            let Some((least, most)) = bounds(side, nodes) else {
                continue;
            };
            let number = limit;
            let (never, always) = match operator {
                ">" => (most <= number, least > number),
                ">=" => (most < number, least >= number),
                "<" => (least >= number, most < number),
                "<=" => (least > number, most <= number),
                "==" => (number < least || number > most, false),
                _ => continue,
            };
            let range = if most.is_finite() {
                format!("between {least} and {most}")
            } else {
                format!("never below {least}")
            };
            for (holds, what) in [(never, "never"), (always, "always")] {
                if holds {
                    let message = format!(
                        "`{}` is {range}: it is {what} {operator} {number}",
                        side.expr
                    );
                    found.push(place::on(
                        expression,
                        message,
                        "compare with a value that it can pass",
                    ));
                }
            }
        }
        found
    }),
};

fn flipped(operator: &str) -> &str {
    match operator {
        ">" => "<",
        "<" => ">",
        ">=" => "<=",
        "<=" => ">=",
        other => other,
    }
}

/// The bounds of a sum, a product or a quotient with a number.
fn arithmetic(binary: &BinaryExpr, node: &Node, nodes: &[Node]) -> Option<(f64, f64)> {
    let (left, right) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
    let constant = number(left.expr).or(number(right.expr))?;
    let first = number(left.expr).is_some();
    let (least, most) = bounds(if first { right } else { left }, nodes)?;
    let ends = match binary.op.id() {
        T_ADD => (least + constant, most + constant),
        T_SUB if first => (constant - most, constant - least),
        T_SUB => (least - constant, most - constant),
        T_MUL if constant != 0.0 => (least * constant, most * constant),
        T_DIV if !first && constant != 0.0 => (least / constant, most / constant),
        _ => return None,
    };
    Some((ends.0.min(ends.1), ends.0.max(ends.1)))
}

/// The least and the greatest value that a vector can have, where that is known.
fn bounds(node: &Node, nodes: &[Node]) -> Option<(f64, f64)> {
    let operand = || {
        node.operands
            .last()
            .and_then(|operand| bounds(&nodes[*operand], nodes))
    };
    if selector(node.expr).is_some_and(|selector| selector.name.as_deref() == Some("up")) {
        return Some((0.0, 1.0));
    }
    match node.expr {
        Expr::Paren(_) => operand(),
        Expr::Binary(binary) if !binary.op.is_comparison_operator() => {
            arithmetic(binary, node, nodes)
        }
        Expr::Aggregate(aggregate) => match aggregate.op.to_string().as_str() {
            "min" | "max" | "avg" | "topk" | "bottomk" => operand(),
            "sum" => operand()
                .filter(|(least, _)| *least >= 0.0)
                .map(|_| (0.0, f64::INFINITY)),
            "count" => Some((1.0, f64::INFINITY)),
            _ => None,
        },
        Expr::Call(call) => match call.func.name {
            "rate" | "irate" | "increase" | "changes" | "resets" => Some((0.0, f64::INFINITY)),
            // Above the last bound of the buckets it knows nothing, and says that bound.
            "histogram_quantile" => {
                let share = number(nodes[node.operands[0]].expr)
                    .filter(|share| (0.0..=1.0).contains(share));
                share
                    .and_then(|_| last_bound(&nodes[*node.operands.last()?]))
                    .map(|last| (0.0, last))
            }
            "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time" => operand(),
            _ => None,
        },
        _ if !node.series.is_empty()
            && node
                .series
                .iter()
                .all(|series| series.kind == MetricType::Counter) =>
        {
            Some((0.0, f64::INFINITY))
        }
        _ => None,
    }
}

/// The greatest finite bound of buckets, where all of them are known.
fn last_bound(buckets: &Node) -> Option<f64> {
    let bounds = |series: &SeriesSet| match series.labels.get("le") {
        Some(Domain::Values(values)) => Some(
            values
                .iter()
                .filter_map(|value| value.parse::<f64>().ok())
                .filter(|bound| bound.is_finite())
                .fold(0.0, f64::max),
        ),
        _ => None,
    };
    let last = buckets
        .series
        .iter()
        .map(bounds)
        .collect::<Option<Vec<f64>>>()?;
    last.into_iter().reduce(f64::max)
}
