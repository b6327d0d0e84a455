//! `histogram_quantile` needs the label `le`.

use super::{Check, Example, Proof, place};
use crate::promql::Expr;

pub(crate) const PROOF: Proof = Proof {
    code: "quantile-without-le",
    doc: "Without `le` the buckets are gone and the quantile is empty, without an error.",
    example: Example::Condition {
        bad: "histogram_quantile(0.99, sum by (job, service, component) (rate(shop_answer_seconds_bucket[5m]))) > 1",
        good: "histogram_quantile(0.99, sum by (job, service, component, le) (rate(shop_answer_seconds_bucket[5m]))) > 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let quantiles = nodes.iter().filter(
            |node| matches!(node.expr, Expr::Call(call) if call.func.name == "histogram_quantile"),
        );
        let buckets =
            quantiles.filter_map(|node| node.operands.last().map(|operand| &nodes[*operand]));
        let lost = buckets.filter(|buckets| buckets.series.iter().any(|series| !series.has("le")));
        lost.map(|_| {
            place::on(
                expression,
                "`histogram_quantile` gets no label `le`",
                "read a histogram's `_bucket` and keep `le`: `sum by (le, …)`",
            )
        })
        .collect()
    }),
};
