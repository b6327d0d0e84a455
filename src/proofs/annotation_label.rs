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
        let name = expression.owner["alert"].as_str().unwrap_or_default();
        let texts = ["annotations", "labels"].into_iter().flat_map(|of| {
            let entries = expression.owner[of].entries();
            entries.map(move |(key, text)| (of, key, text.as_str().unwrap_or_default()))
        });
        for (of, key, text) in texts {
            let place = format!("{rule}/{of}/{key}");
            if of == "annotations"
                && let Some(name) = one_of_many(text, whole, contract)
            {
                found.push(place::at(
                    expression.path,
                    place.clone(),
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
                            place.clone(),
                            format!("there is no variable `${variable}`"),
                            "use `$labels.NAME` or `$value`",
                        ));
                    }
                    continue;
                };
                if whole.series.iter().any(|series| !series.has(label)) {
                    let own = expression.owner["labels"][label].as_str();
                    let own = own.filter(|own| !own.contains("{{"));
                    let own = own.or((label == "alertname").then_some(name));
                    if let Some(own) = own {
                        // rules/alerting.go of Prometheus: templates see the sample, and not what the rule gives to its alert.
                        found.push(place::at(
                            expression.path,
                            place.clone(),
                            format!("`$labels` has what the condition returns: `{label}`, which the rule gives, is empty here"),
                            format!("write it out: `{own}`"),
                        ));
                        continue;
                    }
                    let has = whole
                        .series
                        .first()
                        .map(|series| series.names().into_iter().collect::<Vec<_>>().join(", "))
                        .unwrap_or_default();
                    let mut wrong = place::at(
                        expression.path,
                        place.clone(),
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

/// The variables of a Go template that it does not declare itself, without the dollar sign.
fn variables(text: &str) -> Vec<String> {
    let inside = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let mut declared: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for action in inside {
        let action = without_strings(action);
        for word in action.split('$').skip(1) {
            let end = word.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'));
            let (name, rest) = word.split_at(end.unwrap_or(word.len()));
            let rest = rest.trim_start();
            if rest.starts_with(":=") || rest.starts_with(',') {
                declared.insert(name.to_string());
            }
            // `$` alone is all that the template is given.
            let name = match name.strip_prefix(".Labels.") {
                Some(label) => format!("labels.{label}"),
                None => name.to_string(),
            };
            let first = name.split('.').next().unwrap_or_default();
            if !first.is_empty() && !declared.contains(first) {
                found.push(name);
            }
        }
    }
    found
}

/// What a text says outside of quotes.
fn without_strings(action: &str) -> String {
    let mut rest = action.chars();
    let mut out = String::new();
    while let Some(c) = rest.next() {
        if !matches!(c, '"' | '`') {
            out.push(c);
            continue;
        }
        while let Some(inside) = rest.next() {
            match inside {
                '\\' if c == '"' => drop(rest.next()),
                end if end == c => break,
                _ => {}
            }
        }
    }
    out
}
