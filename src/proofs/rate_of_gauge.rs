//! `rate`, `irate` and `increase` read counters only.

use super::{Check, Example, Proof, place};
use crate::contract::series::MetricType;
use crate::promql::Expr;

/// What such a function may read: each bucket of a native histogram counts too.
fn counts(kind: MetricType) -> bool {
    matches!(
        kind,
        MetricType::Counter | MetricType::Untyped | MetricType::Histogram
    )
}

pub(crate) const PROOF: Proof = Proof {
    code: "rate-of-gauge",
    doc: "These functions take every decrease for a restart of the service, so a gauge, or a sum of counters, becomes plausible nonsense.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_orders_active[5m])) > 1",
        good: "sum by (job, service, component) (rate(shop_requests_total[5m])) > 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Call(call) = node.expr else {
                continue;
            };
            let operand = &nodes[*node.operands.first().unwrap_or(&0)];
            if !["rate", "irate", "increase", "resets"].contains(&call.func.name) {
                continue;
            }
            if let Expr::Subquery(subquery) = operand.expr {
                let message = format!(
                    "`{}` over `{}` sees restarts of single services as decreases of the whole",
                    call.func.name, subquery.expr
                );
                found.push(place::on(
                    expression,
                    message,
                    "take the rate of the counter first, then the sum",
                ));
                continue;
            }
            // A gauge of how long something has run goes back to 0 with it: how often it falls is what is asked.
            let falls = |kind| call.func.name == "resets" && kind == MetricType::Gauge;
            let wrong = |kind| !counts(kind) && !falls(kind);
            if operand.series.iter().any(|series| wrong(series.kind)) {
                let message = format!(
                    "`{}` reads `{}`, which is not a counter",
                    call.func.name, operand.expr
                );
                found.push(place::on(
                    expression,
                    message,
                    "read a counter, or use `delta`, `deriv` or `avg_over_time` for a gauge",
                ));
            }
        }
        found
    }),
};
