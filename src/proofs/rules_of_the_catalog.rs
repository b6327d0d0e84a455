//! The rules are those of the catalog: each alert once, with its time and severity, and no other.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::Duration;
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "rules-of-the-catalog",
    doc: "An alert that a template forgets is missing without an error; one that it adds stands in no catalog and in no review.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Down/for",
        bad: r#""1d""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut of_catalog = None;
        for (file, pointer, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            *seen.entry(name).or_default() += 1;
            let Some(alert) = stack.catalog.alert(name) else {
                continue;
            };
            of_catalog = Some(file);
            let written = Duration::parse(rule["for"].as_str().unwrap_or("0s"));
            if written != Some(alert.shortest_for) {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/for"),
                    format!(
                        "`{name}` waits for {}, the catalog says {}",
                        written.unwrap_or_default(),
                        alert.shortest_for
                    ),
                    "render `alert.shortest_for`",
                ));
            }
            let severity = rule["labels"]["severity"].as_str();
            if !alert.mixed_severity
                && severity != Some(alert.severity.as_str())
                && !alert.branches.is_empty()
            {
                found.push(place::at(
                    &file.path,
                    pointer,
                    format!(
                        "`{name}` has the severity {}, the catalog says {}",
                        severity.unwrap_or("none"),
                        alert.severity
                    ),
                    "render the alert's severity",
                ));
            }
        }
        let (path, groups) =
            of_catalog
                .or(stack.files.rule_files().next())
                .map_or(("", ""), |file| {
                    (
                        file.path.as_str(),
                        file.groups_pointer().unwrap_or_default(),
                    )
                });
        for alert in &stack.catalog.alerts {
            let times = seen.get(alert.name.as_str()).copied().unwrap_or(0);
            if times != 1 {
                found.push(place::at(
                    path,
                    groups,
                    format!("`{}` is rendered {times} times", alert.name),
                    "render every alert of the catalog once",
                ));
            }
        }
        if let Some(file) = of_catalog {
            for (pointer, rule) in file.rules().filter(|(_, rule)| {
                rule["alert"]
                    .as_str()
                    .is_none_or(|name| stack.catalog.alert(name).is_none())
            }) {
                let name = rule["alert"]
                    .as_str()
                    .or(rule["record"].as_str())
                    .unwrap_or_default();
                found.push(place::at(
                    &file.path,
                    pointer,
                    format!("`{name}` is not an alert of the catalog"),
                    "put it under [alerts], or in a rule file of its own",
                ));
            }
        }
        found
    }),
};
