//! An aggregation groups by labels that are there.

use super::{Check, Example, Proof, place};
use crate::diagnostic::suggestion;
use crate::promql::{Expr, LabelModifier};

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-grouping",
    doc: "Grouping by a label that is not there is not an error: everything falls into one group, and the label is missing from whatever is joined or routed by it.",
    example: Example::Condition {
        bad: "max by (job, service, component) (sum by (job, service, component, stauts) (rate(shop_requests_total[5m]))) > 1",
        good: "max by (job, service, component) (sum by (job, service, component, status) (rate(shop_requests_total[5m]))) > 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Aggregate(aggregate) = node.expr else {
                continue;
            };
            let Some(LabelModifier::Include(labels)) = &aggregate.modifier else {
                continue;
            };
            let Some(operand) = node
                .operands
                .last()
                .map(|operand| &nodes[*operand])
                .filter(|operand| !operand.series.is_empty())
            else {
                continue;
            };
            for label in labels
                .labels
                .iter()
                .filter(|label| !operand.series.iter().any(|series| series.has(label)))
            {
                let known: Vec<&str> = operand
                    .series
                    .iter()
                    .flat_map(|series| series.names())
                    .collect();
                found.push(place::on(
                    expression,
                    format!("`{}` has no label `{label}` to group by", operand.expr),
                    suggestion(label, known.iter().copied()),
                ));
            }
        }
        found
    }),
};
