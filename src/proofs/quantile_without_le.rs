//! `histogram_quantile` needs the label `le`, and all that was counted.

use super::{Check, Example, Proof, place};
use crate::contract::evaluate::{Node, picked};
use crate::contract::series::SeriesSet;
use crate::promql::Expr;

pub(crate) const PROOF: Proof = Proof {
    code: "quantile-without-le",
    doc: "Without `le` the buckets are gone and the quantile is empty, without an error. The greatest of each bucket, or how many there are, is of no histogram.",
    example: Example::Condition {
        bad: "histogram_quantile(0.99, sum by (job, service, component) (rate(shop_answer_seconds_bucket[5m]))) > 1",
        good: "histogram_quantile(0.99, sum by (job, service, component, le) (rate(shop_answer_seconds_bucket[5m]))) > 1",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let quantiles = nodes.iter().filter(
            |node| matches!(node.expr, Expr::Call(call) if call.func.name == "histogram_quantile"),
        );
        let native = |node: &Node| node.series.iter().any(SeriesSet::native);
        let natives = nodes.iter().any(native);
        let buckets =
            quantiles.filter_map(|node| node.operands.last().map(|operand| &nodes[*operand]));
        let wrong = buckets.filter_map(|buckets| {
            // Of native histograms, or what was made of them, `histogram-as-number` knows more.
            let bare = |series: &SeriesSet| !series.has("le") && !natives;
            if buckets.series.iter().any(bare) {
                return Some((
                    "`histogram_quantile` gets no label `le`".to_string(),
                    "read a histogram's `_bucket` and keep `le`: `sum by (le, …)`",
                ));
            }
            let taken = picked(buckets, nodes, contract)?;
            Some((
                format!("`histogram_quantile` gets the `{taken}` of each bucket, which is of no histogram"),
                "add the buckets up: `sum by (le, …)`",
            ))
        });
        wrong
            .map(|(message, help)| place::on(expression, message, help))
            .collect()
    }),
};
