//! A label that an annotation names is one that the alert has.

use super::alert_labels::lost;
use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::RULES;
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "annotation-label",
    doc: "A label that the expression has summed away renders as nothing: the notification says that ` is down`, and promtool says SUCCESS.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/*/annotations/summary",
        bad: r#""{{ $labels.instance }} is down""#,
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        let Some(whole) = nodes.last().filter(|_| expression.usage == Usage::Alert) else {
            return found;
        };
        let rule = expression.pointer.trim_end_matches("/expr");
        for (key, text) in expression.owner["annotations"].entries() {
            let text = text.as_str().unwrap_or_default();
            if let Some(name) = one_of_many(text, whole, contract) {
                found.push(place::at(
                    expression.path,
                    format!("{rule}/annotations/{key}"),
                    format!("it names `{name}`, whichever service the alert fires for"),
                    "write `{{ $labels.service }}`",
                ));
            }
            for variable in variables(text) {
                let Some(label) = variable.strip_prefix("labels.") else {
                    if !["value", "labels", "externalLabels", "externalURL"]
                        .contains(&variable.split('.').next().unwrap_or_default())
                    {
                        found.push(place::at(
                            expression.path,
                            format!("{rule}/annotations/{key}"),
                            format!("there is no variable `${variable}`"),
                            "use `$labels.NAME` or `$value`",
                        ));
                    }
                    continue;
                };
                let own = expression.owner["labels"].get(label).is_some() || label == "alertname";
                if !own && whole.series.iter().any(|series| !series.has(label)) {
                    let has = whole
                        .series
                        .first()
                        .map(|series| series.names().into_iter().collect::<Vec<_>>().join(", "))
                        .unwrap_or_default();
                    let mut wrong = place::at(
                        expression.path,
                        format!("{rule}/annotations/{key}"),
                        format!("the alert has no label `{label}`"),
                        match has.as_str() {
                            "" => "it has none".to_string(),
                            has => format!("it has {has}"),
                        },
                    );
                    wrong.follows.push(lost(expression, label));
                    found.push(wrong);
                }
            }
        }
        found
    }),
};

/// A service that a text names although the alert is about others too. A name of one word may be a word.
fn one_of_many(text: &str, alert: &Node, contract: &Contract) -> Option<String> {
    let services: BTreeSet<String> = contract
        .domains(&alert.series, "service")
        .into_iter()
        .flat_map(|domain| match domain {
            Domain::Values(values) => values,
            Domain::Pattern(_) => Vec::new(),
        })
        .filter(|name| !name.is_empty())
        .collect();
    // What a text says under a condition is its own business.
    if services.len() < 2 || text.contains("{{ if") || text.contains("{{if") {
        return None;
    }
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let words = text
        .split("{{")
        .flat_map(|part| part.rsplit("}}").next())
        .flat_map(|part| part.split(|c: char| !of_name(c)));
    let mut named = words.filter(|word| word.contains(['-', '_']) && services.contains(*word));
    named.next().map(str::to_string)
}

/// The variables of a Go template, without the dollar sign.
fn variables(text: &str) -> Vec<String> {
    let inside = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let words = inside.flat_map(|action| action.split('$').skip(1));
    // What a pattern has found is a number, or in braces: `$1`.
    let words = words.filter(|word| !word.starts_with(|c: char| c.is_ascii_digit() || c == '{'));
    words
        .map(|word| {
            word.chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
                .collect()
        })
        .collect()
}
