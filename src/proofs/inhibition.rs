//! Every inhibition can apply, to what it means and to nothing else.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::evaluate::nodes;
use crate::json::Parts;
use crate::promql::Matcher;
use crate::promql::matchers;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "inhibition",
    doc: "A label of `equal` that both sides lack counts as equal, so one alert silences all; a source that no alert matches silences nothing. amtool accepts both.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/inhibit_rules/*/equal",
        bad: r#"["instance"]"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(routing) = stack.files.alertmanager() else {
            return found;
        };
        let alerts: Vec<(String, BTreeSet<String>)> = stack
            .used(Usage::Alert)
            .map(|expression| {
                let series = nodes(&expression.ast, &stack.contract)
                    .pop()
                    .map_or(Vec::new(), |whole| whole.series);
                let labeled = series
                    .into_iter()
                    .map(|series| stack.contract.labeled(series, &expression.owner["labels"]));
                let names = labeled
                    .map(|series| {
                        series
                            .names()
                            .into_iter()
                            .map(str::to_string)
                            .collect::<BTreeSet<_>>()
                    })
                    .reduce(|a, b| a.intersection(&b).cloned().collect());
                (
                    expression.owner["alert"]
                        .as_str()
                        .unwrap_or_default()
                        .to_string(),
                    names.unwrap_or_default(),
                )
            })
            .collect();
        for (index, rule) in routing.value["inhibit_rules"].items().enumerate() {
            let pointer = format!("/inhibit_rules/{index}");
            let side = |key: &str| -> Vec<&(String, BTreeSet<String>)> {
                let matchers = matchers(&rule[key]);
                alerts
                    .iter()
                    .filter(|(name, labels)| {
                        matchers.iter().all(|matcher| picks(matcher, name, labels))
                    })
                    .collect()
            };
            let (sources, targets) = (side("source_matchers"), side("target_matchers"));
            for (key, none) in [
                ("source_matchers", sources.is_empty()),
                (
                    "target_matchers",
                    targets.is_empty() && alerts.len() > sources.len(),
                ),
            ] {
                if none {
                    found.push(place::at(
                        &routing.path,
                        format!("{pointer}/{key}"),
                        "no alert matches this side of the inhibition",
                        "name an alert that exists",
                    ));
                }
            }
            if let Some((name, _)) = sources
                .iter()
                .find(|source| targets.iter().any(|target| target.0 == source.0))
            {
                found.push(place::at(
                    &routing.path,
                    pointer.clone(),
                    format!("`{name}` inhibits itself"),
                    "keep it out of `target_matchers`",
                ));
            }
            if rule["equal"].as_array().is_none_or(Vec::is_empty) {
                found.push(place::at(
                    &routing.path,
                    pointer.clone(),
                    "without `equal` one alert silences those of every service",
                    "compare by a label that tells services apart: `equal: [job]`",
                ));
            }
            for label in rule["equal"].texts() {
                if let Some((name, _)) = sources
                    .iter()
                    .chain(&targets)
                    .find(|(_, labels)| !labels.contains(label))
                {
                    found.push(place::at(
                        &routing.path,
                        format!("{pointer}/equal"),
                        format!("`{name}` has no label `{label}`"),
                        "compare by a label that every alert of both sides has",
                    ));
                }
            }
        }
        found
    }),
};

fn matchers(list: &Value) -> Vec<Matcher> {
    let texts = list.texts();
    texts.filter_map(matchers::read).flatten().collect()
}

/// Whether an alert can match: its name is known, other labels only by being there.
fn picks(matcher: &Matcher, name: &str, labels: &BTreeSet<String>) -> bool {
    match matcher.name.as_str() {
        "alertname" => matchers::picks(matcher, name),
        label => labels.contains(label) || matchers::picks(matcher, ""),
    }
}
