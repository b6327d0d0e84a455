//! An alert's comparison can be true, and can be false.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use crate::contract::series::{MetricType, SeriesSet};
use crate::promql::Expr;
use crate::promql::number::number;
use crate::promql::walk::selector;

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
            let (Some((least, most)), Some(number)) =
                (bounds(sides.0, nodes), number(sides.1.expr))
            else {
                continue;
            };
            let (never, always) = match binary.op.to_string().as_str() {
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
                        "`{}` is {range}: it is {what} {} {number}",
                        sides.0.expr, binary.op
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
