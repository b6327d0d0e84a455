//! An operator that pairs one series with one finds at most one on each side.

use super::{Check, Example, Proof, place};
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::promql::token::{T_LAND, T_LOR, T_LUNLESS};
use crate::promql::{Expr, VectorMatchCardinality};

pub(crate) const PROOF: Proof = Proof {
    code: "ambiguous-match",
    doc: "When several series of one side share the labels that are compared, Prometheus fails at run time with many-to-many matching, and the rule is silent.",
    example: Example::Condition {
        bad: "rate(shop_requests_total[5m]) / on (job) max by (job) (shop_orders_active) > 1",
        good: "sum by (job, service, component) (rate(shop_requests_total[5m])) / max by (job, service, component) (shop_orders_active) > 1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let (left, right) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
            let explicit = !matches!(
                binary.modifier.as_ref().map(|modifier| &modifier.card),
                None | Some(VectorMatchCardinality::OneToOne)
            );
            if !left.vector()
                || !right.vector()
                || explicit
                || [T_LAND, T_LOR, T_LUNLESS].contains(&binary.op.id())
            {
                continue;
            }
            let compared = crate::promql::compared(binary);
            let several = |series: &SeriesSet| -> Option<String> {
                // What a matcher fixes has one value.
                let apart =
                    |domain: &Domain| !matches!(domain, Domain::Values(values) if values.len() < 2);
                let mut labels = series.labels.iter();
                let label = labels
                    .find(|(label, domain)| !compared(label) && apart(domain))
                    .map(|(label, _)| label);
                let told_apart = ["job", "instance", "service"]
                    .iter()
                    .any(|label| series.carried.contains(*label) && compared(label));
                let targets = series.targets.count_ones(..) > 1
                    && !told_apart
                    && series.carried.iter().any(|label| !compared(label));
                label
                    .cloned()
                    .or_else(|| targets.then(|| "job".to_string()))
            };
            if let Some(label) = left.series.iter().chain(&right.series).find_map(several) {
                found.push(place::on(
                    expression,
                    format!(
                        "`{}` compares without `{label}`, of which one side has several",
                        binary.op
                    ),
                    "sum that label away first, or say `group_left` or `group_right`",
                ));
            }
        }
        found
    }),
};
