//! Both sides of an operator can meet.

use super::{Check, Example, Proof, place};
use crate::contract::series::SeriesSet;
use crate::promql::Expr;
use crate::promql::token::T_LOR;

pub(crate) const PROOF: Proof = Proof {
    code: "labels-do-not-fit",
    doc: "An operator pairs series whose labels are equal; when one side has a label more, or both come from different services, the result is empty without an error.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) > 0 and sum by (job) (shop_orders_active) > 5",
        good: "sum by (job, service, component) (rate(shop_requests_total{status=~\"5..\"}[5m])) > 0 and on (job) sum by (job) (shop_orders_active) > 5",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let (left, right) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
            if !left.vector()
                || !right.vector()
                || left.empty()
                || right.empty()
                || binary.op.id() == T_LOR
            {
                continue;
            }
            let compared = crate::promql::compared(binary);
            let fits = left.series.iter().any(|own| {
                right
                    .series
                    .iter()
                    .any(|other| own.meeting(other, &compared, &contract.targets).is_some())
            });
            if !fits {
                let names = |node: &crate::contract::evaluate::Node| {
                    node.series[0]
                        .names()
                        .into_iter()
                        .filter(|name| compared(name))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let (own, others) = (names(left), names(right));
                let why = if own == others {
                    format!("both have {own}, but never with the same values")
                } else {
                    format!("({own}) on the left, ({others}) on the right")
                };
                found.push(place::on(
                    expression,
                    format!("the two sides of `{}` never meet: {why}", binary.op),
                    match common(&left.series[0], &right.series[0]) {
                        Some(label) => {
                            format!("compare by the labels that both have: `on ({label})`")
                        }
                        None => "one side has no label of the other: compare by none, with `on ()`"
                            .to_string(),
                    },
                ));
            }
        }
        found
    }),
};

/// A label that both have: the job, where that is one.
fn common(one: &SeriesSet, other: &SeriesSet) -> Option<String> {
    let others = other.names();
    let both: Vec<&str> = one
        .names()
        .into_iter()
        .filter(|name| others.contains(name))
        .collect();
    let job = both.iter().find(|name| **name == "job");
    job.or(both.first()).map(|name| name.to_string())
}
