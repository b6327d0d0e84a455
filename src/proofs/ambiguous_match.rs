//! An operator that pairs one series with one finds at most one on each side.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use crate::contract::series::SeriesSet;
use crate::contract::targets::Targets;
use crate::diagnostic::Diagnostic;
use crate::promql::token::{T_LAND, T_LOR, T_LUNLESS};
use crate::promql::{Expr, VectorMatchCardinality};
use crate::stack::expressions::Expression;
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "ambiguous-match",
    doc: "When several series of one side share the labels that are compared, Prometheus fails at run time with many-to-many matching, and the rule is silent.",
    example: Example::Condition {
        bad: "rate(shop_requests_total[5m]) / on (job) max by (job) (shop_orders_active) > 1",
        good: "sum by (job, service, component) (rate(shop_requests_total[5m])) / max by (job, service, component) (shop_orders_active) > 1",
    },
    check: Check::Expression(|expression, nodes, contract| {
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
            let mut sides = left.series.iter().chain(&right.series);
            let several = sides.find_map(|series| several(series, &compared, &contract.targets));
            if let Some(label) = several {
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
        found.extend(relabelled(expression, nodes, &contract.targets));
        found
    }),
};

/// A rule that gives all of several series the one value of a label by which they differ: Prometheus refuses its result.
fn relabelled(expression: &Expression, nodes: &[Node], targets: &Targets) -> Option<Diagnostic> {
    let given = |label: &str| {
        let given = expression.owner["labels"][label].as_str();
        given.is_some_and(|given| !given.contains("{{"))
    };
    let ruled = [Usage::Alert, Usage::Record].contains(&expression.usage);
    let is_ranked = |node: &Node| match node.expr {
        Expr::Aggregate(aggregate) => {
            ["topk", "bottomk", "limitk"].contains(&&*aggregate.op.to_string())
        }
        _ => false,
    };
    let whole = nodes
        .last()
        .filter(|_| ruled && !nodes.iter().any(is_ranked))?;
    let mut series = whole.series.iter();
    let label = series.find_map(|series| several(series, &|label: &str| !given(label), targets))?;
    let message = format!(
        "the rule gives all its series one `{label}`, by which they differ: Prometheus refuses them once there are two"
    );
    let help = format!("remove the label `{label}` of the rule, or aggregate it away");
    Some(place::on(expression, message, help))
}

/// A label by which several series differ that are the same but for labels which do not count.
fn several(
    series: &SeriesSet,
    compared: &impl Fn(&str) -> bool,
    targets: &Targets,
) -> Option<String> {
    // What a matcher fixes has one value.
    let apart = |domain: &Domain| !matches!(domain, Domain::Values(values) if values.len() < 2);
    let mut labels = series.labels.iter();
    let label = labels
        .find(|(label, domain)| !compared(label) && apart(domain))
        .map(|(label, _)| label);
    label
        .cloned()
        .or_else(|| same_target(series, compared, targets))
}

/// A label by which two targets differ whose series the comparison takes for one.
fn same_target(
    series: &SeriesSet,
    compared: &impl Fn(&str) -> bool,
    targets: &Targets,
) -> Option<String> {
    let lost = series.carried.iter().find(|label| !compared(label))?;
    let kept = |label: &str| series.carried.contains(label) && compared(label);
    // No two targets share both, and only services of several instances share one.
    let apart = kept("instance") && kept("job")
        || kept("job") && series.targets.is_disjoint(targets.sharing_a_job());
    if apart {
        return None;
    }
    let several = |label: &str| series.carried.contains(label) && !compared(label);
    let mut seen: HashMap<Vec<&str>, Vec<&str>> = HashMap::new();
    series.targets.ones().find_map(|index| {
        let target = &targets.list[index];
        if several("instance") && target.several() {
            return Some("instance".to_string());
        }
        let labels = || series.labels_of(target);
        let part = |wanted: bool| -> Vec<&str> {
            let some = labels().filter(|(label, _)| compared(label) == wanted);
            some.flat_map(|(label, value)| [label, value]).collect()
        };
        let other = seen.entry(part(true)).or_insert_with(|| part(false));
        let differs = *other != part(false);
        differs.then(|| {
            let told = ["instance", "job"].into_iter().find(|label| several(label));
            told.map_or_else(|| lost.clone(), str::to_string)
        })
    })
}
