//! Functions for gauges do not read counters.

use super::{Check, Example, Proof, place};
use crate::contract::series::MetricType;
use crate::promql::Expr;

const GAUGE_FUNCTIONS: [&str; 5] = ["delta", "idelta", "deriv", "predict_linear", "holt_winters"];

pub(crate) const PROOF: Proof = Proof {
    code: "gauge-function-on-counter",
    doc: "These functions do not know of restarts: a counter that starts anew is a large decrease to them.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (delta(shop_requests_total[5m])) > 1",
        good: "sum by (job, service, component) (increase(shop_requests_total[5m])) > 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let calls = nodes.iter().filter_map(|node| match node.expr {
            Expr::Call(call) if GAUGE_FUNCTIONS.contains(&call.func.name) => {
                Some((call, &nodes[*node.operands.first()?]))
            }
            _ => None,
        });
        calls
            .filter(|(_, operand)| {
                operand
                    .series
                    .iter()
                    .any(|series| series.kind == MetricType::Counter)
            })
            .map(|(call, operand)| {
                place::on(
                    expression,
                    format!("`{}` reads the counter `{}`", call.func.name, operand.expr),
                    "use `rate` or `increase`",
                )
            })
            .collect()
    }),
};
