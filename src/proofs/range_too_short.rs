//! Every range holds four scrapes of every service that it reads.

use super::{Check, Example, Expression, Proof, Usage, place};
use crate::catalog::Duration;
use crate::contract::Contract;
use crate::contract::evaluate::Node;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::number::number;

pub(crate) const PROOF: Proof = Proof {
    code: "range-too-short",
    doc: "A rate needs two samples: with fewer than four scrapes in the range one failed scrape makes it empty, with fewer than two it always is. What is predicted lies further ahead than the next sample.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_requests_total[30s])) > 1",
        good: "sum by (job, service, component) (rate(shop_requests_total[5m])) > 1",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        for node in nodes.iter().filter(|_| expression.usage != Usage::Test) {
            if let Expr::Subquery(subquery) = node.expr
                && let Some(step) = subquery.step.filter(|step| *step > subquery.range)
            {
                let [range, step] =
                    [subquery.range, step].map(|length| Duration(length.as_millis() as u64));
                found.push(place::on(
                    expression,
                    format!("a step of {step} does not fit into {range}: most of the time there is no sample"),
                    "exchange the two numbers, or make the step shorter",
                ));
            }
            if let Some(found_ahead) = ahead(expression, node, nodes, contract) {
                found.push(found_ahead);
            }
            let Expr::MatrixSelector(matrix) = node.expr else {
                continue;
            };
            let targets = node.series.iter().flat_map(|series| series.targets.ones());
            let Some(slowest) = targets
                .map(|index| &contract.targets.list[index])
                .max_by_key(|target| target.interval)
            else {
                continue;
            };
            // Recorded series have a sample per evaluation, whatever their targets' interval.
            let recorded = matrix
                .vs
                .name
                .as_deref()
                .is_some_and(|name| contract.recorded(name).is_some());
            if !recorded && (matrix.range.as_millis() as u64) < slowest.interval.0 * 4 {
                let message = format!(
                    "the range of `{matrix}` holds fewer than four scrapes of `{}`, which come every {}",
                    slowest.labels["job"], slowest.interval
                );
                found.push(place::on(
                    expression,
                    message,
                    format!("make it at least {}", Duration(slowest.interval.0 * 4)),
                ));
            }
        }
        found
    }),
};

/// A prediction of what is there before the next sample: seconds are meant, and hours are written.
fn ahead(
    expression: &Expression,
    node: &Node,
    nodes: &[Node],
    contract: &Contract,
) -> Option<Diagnostic> {
    let Expr::Call(call) = node.expr else {
        return None;
    };
    if call.func.name != "predict_linear" {
        return None;
    }
    let seconds = number(call.args.args.get(1)?).filter(|seconds| *seconds > 0.0)?;
    let read = &nodes[*node.operands.first()?];
    let targets = read.series.iter().flat_map(|series| series.targets.ones());
    let intervals = targets.map(|index| contract.targets.list[index].interval);
    let interval = intervals.max()?;
    (seconds < interval.seconds()).then(|| {
        place::on(
            expression,
            format!(
                "`predict_linear` looks {seconds} seconds ahead, and the next sample comes in {interval}: it says what is there now"
            ),
            format!("write seconds, as in `{seconds} * 3600` for hours"),
        )
    })
}
