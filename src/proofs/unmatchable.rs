//! Every matcher can match a series that exists.

use super::{Check, Example, Proof, Usage, place, scrape_job};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{mistyped_part, suggestion};
use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::walk::selector;
use crate::promql::{Expr, MatchOp, Matcher};
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "unmatchable",
    doc: "A matcher on a label that the metric does not have, or on a value that it never has, picks nothing: the alert can never fire and promtool says SUCCESS.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (rate(shop_requests_total{status=~\"50\"}[5m])) > 1",
        good: "sum by (job, service, component) (rate(shop_requests_total{status=~\"50.\"}[5m])) > 1",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        for node in nodes {
            if let Expr::Aggregate(ranked) = node.expr
                && let Some(count) = ranked.param.as_deref().and_then(number)
                && count < 1.0
                && ["topk", "bottomk", "limitk"].contains(&ranked.op.to_string().as_str())
            {
                let message = format!("`{}` of {count} series picks none", ranked.op);
                found.push(place::on(expression, message, "pick one at least"));
            }
            let Some(selector) = selector(node.expr) else {
                continue;
            };
            if !node.series.is_empty() {
                let matchers = selector.matchers.matchers.iter();
                let mistyped = matchers.filter_map(|matcher| mistyped(matcher, node, contract));
                found.extend(mistyped.map(|(message, help)| place::on(expression, message, help)));
                continue;
            }
            let name = selector.name.as_deref().unwrap_or_default();
            // A unit test may have more instances and other buckets than the catalog.
            let invented = |matcher: &&Matcher| {
                expression.usage == Usage::Test
                    && ["instance", "le"].contains(&matcher.name.as_str())
            };
            let matchers: Vec<Matcher> = selector
                .matchers
                .matchers
                .iter()
                .filter(|matcher| !invented(matcher))
                .cloned()
                .collect();
            if contract
                .family(name)
                .iter()
                .any(|series| contract.select(series, &matchers).is_some())
            {
                continue;
            }
            if contract.knows(name) {
                let fault = fault(name, contract.family(name), &matchers, contract);
                let (message, help) = fault.unwrap_or_else(|| {
                    (
                        format!("no series of `{name}` has all these labels at once"),
                        "the matchers exclude each other: remove one".to_string(),
                    )
                });
                let mut unmatched = place::on(expression, message, help);
                let labels = matchers.iter().map(|matcher| &matcher.name);
                unmatched
                    .follows
                    .extend(labels.map(|label| scrape_job::pushed_aside(label)));
                found.push(unmatched);
            }
        }
        found
    }),
};

/// A pattern that lists values, one of which no series has and is surely mistyped.
fn mistyped(matcher: &Matcher, node: &Node, contract: &Contract) -> Option<(String, String)> {
    let (MatchOp::Re(_) | MatchOp::NotRe(_)) = matcher.op else {
        return None;
    };
    let label = matcher.name.as_str();
    let name = metric(selector(node.expr)?)?;
    let family = contract.family(name).iter();
    let having = family.filter(|series| series.has(label));
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for series in having {
        match series.labels.get(label) {
            Some(Domain::Values(values)) => known.extend(values.iter().map(String::as_str)),
            Some(Domain::Pattern(_)) => return None,
            None => known.extend(
                contract
                    .targets
                    .values_of(&series.targets, label)
                    .into_iter()
                    .map(String::as_str),
            ),
        }
    }
    let (part, meant) = mistyped_part(&matcher.value, known.iter().copied())?;
    let message = format!("no series of `{name}` has `{part}` as its `{label}`");
    Some((message, format!("did you mean `{meant}`?")))
}

/// The first matcher that picks nothing by itself, and why.
fn fault(
    name: &str,
    family: &[SeriesSet],
    matchers: &[Matcher],
    contract: &Contract,
) -> Option<(String, String)> {
    if family.is_empty() {
        return Some((
            format!("nobody emits `{name}`"),
            "name a service that exists among the metric's `services`".to_string(),
        ));
    }
    let alone = |matcher: &&Matcher| {
        family.iter().all(|series| {
            contract
                .select(series, std::slice::from_ref(matcher))
                .is_none()
        })
    };
    let matcher = matchers.iter().find(alone)?;
    let label = matcher.name.as_str();
    let having: Vec<&SeriesSet> = family.iter().filter(|series| series.has(label)).collect();
    if having.is_empty() {
        let known: Vec<&str> = family.iter().flat_map(|series| series.names()).collect();
        return Some((
            format!("`{name}` has no label `{label}`"),
            suggestion(label, known.iter().copied()),
        ));
    }
    let message = format!(
        "`{label}{}\"{}\"` matches no series of `{name}`",
        matcher.op, matcher.value
    );
    let declared = having.iter().find_map(|series| series.labels.get(label));
    let help = match declared {
        Some(domain @ Domain::Values(_)) if label == "le" => {
            format!(
                "its buckets are {domain}: a whole number has its `.0`. `le=~\"1|1[.]0\"` finds both spellings"
            )
        }
        Some(domain) => format!("the label is declared as {domain}"),
        None => {
            let values = contract.targets.values(label).filter(|value| {
                having.iter().any(|series| {
                    !contract
                        .targets
                        .with(label, value)
                        .is_disjoint(&series.targets)
                })
            });
            suggestion(&matcher.value, values.collect::<Vec<_>>().iter().copied())
        }
    };
    Some((message, help))
}
