//! `histogram_quantile` needs the label `le`, and all that was counted.

use super::{Check, Example, Proof, place};
use crate::contract::domain::Domain;
use crate::contract::evaluate::{Node, picked};
use crate::contract::series::SeriesSet;
use crate::promql::Expr;
use crate::promql::walk::selectors;
use std::collections::HashSet;

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
            // Without the last bucket nobody knows how many there were: the quantile is NaN.
            let all = |series: &SeriesSet| match series.labels.get("le") {
                Some(Domain::Values(bounds)) => bounds.iter().any(|bound| bound == "+Inf"),
                _ => true,
            };
            if !buckets.series.iter().all(all) {
                return Some((
                    "`histogram_quantile` gets no bucket `+Inf`, and is NaN without".to_string(),
                    "read all buckets",
                ));
            }
            let taken = picked(buckets, nodes, contract)?;
            Some((
                format!("`histogram_quantile` gets the `{taken}` of each bucket, which is of no histogram"),
                "add the buckets up: `sum by (le, …)`",
            ))
        });
        wrong
            .chain(nodes.iter().filter_map(|node| added_up(node, nodes)))
            .map(|(message, help)| place::on(expression, message, help))
            .collect()
    }),
};

/// A sum of buckets, each of which counts what those below it count.
fn added_up(node: &Node, nodes: &[Node]) -> Option<(String, &'static str)> {
    let Expr::Aggregate(aggregate) = node.expr else {
        return None;
    };
    let of = &nodes[*node.operands.last()?];
    // One bucket may be asked for as 1 and as 1.0.
    let several = |series: &SeriesSet| match series.labels.get("le") {
        Some(Domain::Values(all)) => {
            let bounds: HashSet<Option<u64>> = all
                .iter()
                .map(|bound| Some(bound.parse::<f64>().ok()?.to_bits()))
                .collect();
            bounds.len() > 1
        }
        Some(Domain::Pattern(_)) => true,
        None => false,
    };
    let buckets = selectors(of.expr).into_iter().all(|read| {
        let name = read.name.as_deref();
        name.is_some_and(|name| name.ends_with("_bucket"))
    });
    let sums = aggregate.op.to_string() == "sum" && buckets && of.series.iter().any(several);
    let lost = !node.series.is_empty() && !node.series.iter().any(|series| series.has("le"));
    (sums && lost).then(|| {
        (
            format!(
                "`{}` adds up buckets, and each counts again what is in those below it",
                node.expr
            ),
            "keep `le` for a quantile, take the one bucket that is meant, or read `_count`",
        )
    })
}
