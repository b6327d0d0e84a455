//! A ratio is 0, not empty, before the first failure.

use super::division::traffic;
use super::division::{dropped_around, factors, filled, filled_around, parents, products};
use super::{Check, Example, Proof, Usage, place};
use crate::contract::Contract;
use crate::contract::evaluate::Node;
use crate::promql::VectorSelector;
use crate::promql::walk::selectors;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "late-numerator",
    doc: "The series that counts failures often appears with the first of them; until then the ratio is empty, so a panel says No data when all is healthy, a recorded signal has gaps, and an alert on too few successes is silent when there are none. Where an alert fires above a number, nothing is as good as 0.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_requests_total{status=~\"2..\"}[5m])) / (sum by (job, service, component) (rate(shop_requests_total[5m])) > 0) < 0.9",
        good: "(sum by (job, service, component) (rate(shop_requests_total{status=~\"2..\"}[5m])) or 0 * sum by (job, service, component) (rate(shop_requests_total[5m]))) / (sum by (job, service, component) (rate(shop_requests_total[5m])) > 0) < 0.9",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        // Whoever pastes a query sees NaN, or no result, and the text beside it.
        if expression.usage == Usage::Document {
            return found;
        }
        let parents = parents(nodes);
        for product in products(nodes, &parents) {
            let (over, under) = factors(product, nodes);
            let divided = under
                .into_iter()
                .filter(|divisor| traffic(&nodes[*divisor], nodes))
                .collect::<Vec<_>>();
            if divided.is_empty() || filled_around(product, nodes, &parents) {
                continue;
            }
            if expression.usage == Usage::Alert && dropped_around(product, true, nodes, &parents) {
                continue;
            }
            let whole: BTreeSet<String> = divided
                .iter()
                .flat_map(|divisor| read_by(&nodes[*divisor]))
                .collect();
            let late = over.into_iter().map(|part| &nodes[part]).filter(|part| {
                traffic(part, nodes)
                    && !there_from_the_start(part, contract)
                    && read_by(part).difference(&whole).next().is_some()
                    && !filled(part, nodes)
            });
            found.extend(late.map(|part| {
                place::on(
                    expression,
                    format!(
                        "`{}` is missing until it first counts, and the ratio with it",
                        part.expr
                    ),
                    "write it as `(… or 0 * total)`",
                )
            }));
        }
        found
    }),
};

/// Whether all of it is of counters without labels of their own, which clients expose as 0 before anything happens.
fn there_from_the_start(part: &Node, contract: &Contract) -> bool {
    selectors(part.expr).into_iter().all(|selector| {
        let family = contract.family(selector.name.as_deref().unwrap_or_default());
        !family.is_empty() && family.iter().all(|series| series.labels.is_empty())
    })
}

/// What is read; a histogram's `_sum`, `_count` and all of its buckets appear together.
fn read_by(node: &Node) -> BTreeSet<String> {
    selectors(node.expr).into_iter().map(read).collect()
}

fn read(selector: &VectorSelector) -> String {
    let name = selector.name.as_deref().unwrap_or_default();
    let stem = ["_sum", "_count", "_bucket"]
        .into_iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    let bucket = |label: &str| name.ends_with("_bucket") && label == "le";
    let matchers = selector
        .matchers
        .matchers
        .iter()
        .filter(|matcher| !bucket(&matcher.name));
    let mut matchers: Vec<String> = matchers
        .map(|matcher| format!("{}{}{:?}", matcher.name, matcher.op, matcher.value))
        .collect();
    matchers.sort_unstable();
    format!("{stem}{{{}}}", matchers.join(","))
}
