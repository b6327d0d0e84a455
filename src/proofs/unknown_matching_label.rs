//! `on`, `ignoring` and `group_left` name labels that are there.

use super::{Check, Example, Proof, place};
use crate::contract::evaluate::Node;
use crate::diagnostic::suggestion;
use crate::promql::{Expr, LabelModifier, VectorMatchCardinality};

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-matching-label",
    doc: "A label in `on` that one side does not have counts as empty there: either nothing meets, or everything meets everything, and one idle service silences all.",
    example: Example::Condition {
        bad: "max by (job, service, component) (shop_orders_active) > 100 unless on (jbo) max by (job) (process_open_fds) > 9",
        good: "max by (job, service, component) (shop_orders_active) > 100 unless on (job) max by (job) (process_open_fds) > 9",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let Some(modifier) = &binary.modifier else {
                continue;
            };
            let sides = [&nodes[node.operands[0]], &nodes[node.operands[1]]];
            if sides.iter().any(|side| side.series.is_empty()) {
                continue;
            }
            let none = Vec::new();
            let (word, named) = match &modifier.matching {
                Some(LabelModifier::Include(labels)) => ("on", &labels.labels),
                Some(LabelModifier::Exclude(labels)) => ("ignoring", &labels.labels),
                None => ("on", &none),
            };
            let extra = match &modifier.card {
                VectorMatchCardinality::ManyToOne(labels)
                | VectorMatchCardinality::OneToMany(labels) => &labels.labels,
                _ => &none,
            };
            let lost = named
                .iter()
                .map(|label| (word, label))
                .chain(extra.iter().map(|label| ("group_left", label)));
            // An ignored label need be on one side only, and so need one that is brought along.
            for (word, label) in lost.filter(|(word, label)| {
                if *word == "on" {
                    !sides.iter().all(|side| has(side, label))
                } else {
                    !sides.iter().any(|side| has(side, label))
                }
            }) {
                let known: Vec<&str> = sides
                    .iter()
                    .flat_map(|side| &side.series)
                    .flat_map(|series| series.names())
                    .collect();
                let side = if word == "on" {
                    "a side of"
                } else {
                    "neither side of"
                };
                let message = format!(
                    "`{word}` names `{label}`, which {side} `{}` {}",
                    binary.op,
                    if word == "on" { "does not have" } else { "has" }
                );
                found.push(place::on(
                    expression,
                    message,
                    suggestion(label, known.iter().copied()),
                ));
            }
        }
        found
    }),
};

fn has(side: &Node, label: &str) -> bool {
    side.series.iter().any(|series| series.has(label))
}
