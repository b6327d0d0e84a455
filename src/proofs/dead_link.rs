//! Links between dashboards, alerts and the runbook lead somewhere.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::json::Parts;
use crate::render::File;
use crate::stack::document::walk;
use std::collections::{HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "dead-link",
    doc: "A link to a dashboard or a section that does not exist is noticed at three in the morning, by whoever follows it.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/*/annotations/runbook_url",
        bad: r#""docs/RUNBOOK.md#down""#,
    },
    check: Check::Stack(|stack| {
        let dashboards: HashMap<&str, HashSet<&str>> = stack
            .files
            .dashboards()
            .map(|file| {
                (
                    file.value["uid"].as_str().unwrap_or_default(),
                    variables(file),
                )
            })
            .collect();
        let sections: HashSet<String> = stack
            .files
            .documents()
            .flat_map(|file| file.text.lines())
            .filter_map(anchor)
            .collect();
        let mut found = Vec::new();
        for file in stack.files.dashboards().chain(stack.files.rule_files()) {
            let mut seen = HashSet::new();
            walk(&file.value, &mut |pointer, key, value| {
                let Some(text) = value.as_str() else { return };
                let known =
                    Some(stack.catalog.platform.runbook_url.as_str()).filter(|url| !url.is_empty());
                let section = known
                    .and_then(|url| text.strip_prefix(url))
                    .and_then(|rest| rest.strip_prefix('#'));
                let wrong = match section {
                    // From a notification or from Grafana, a path is relative to the Alertmanager or to Grafana.
                    None if key == "runbook_url" && !text.starts_with("http") => {
                        Some(format!("`{text}` leads nowhere from a notification"))
                    }
                    Some(section) if !section.contains('$') && !sections.contains(section) => {
                        Some(format!("the runbook has no section `#{section}`"))
                    }
                    _ => dashboard(text, &dashboards, &stack.catalog.grafana.external_url),
                };
                found.extend(
                    wrong
                        .filter(|wrong| seen.insert(wrong.clone()))
                        .map(|wrong| {
                            place::at(&file.path, pointer, wrong, "link to what is rendered")
                        }),
                );
            });
        }
        found
    }),
};

/// What is wrong with a link to a dashboard; None for every other text.
fn dashboard(
    text: &str,
    dashboards: &HashMap<&str, HashSet<&str>>,
    grafana: &str,
) -> Option<String> {
    let rest = text
        .strip_prefix(grafana.trim_end_matches('/'))
        .unwrap_or(text)
        .strip_prefix("/d/")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let uid = path.split('/').next().unwrap_or_default();
    let Some(variables) = dashboards.get(uid) else {
        return Some(format!("there is no dashboard `{uid}`"));
    };
    let set = query
        .split('&')
        .filter_map(|part| part.strip_prefix("var-")?.split('=').next());
    set.into_iter()
        .find(|name| !variables.contains(name))
        .map(|name| format!("the dashboard `{uid}` has no variable `{name}`"))
}

fn variables(file: &File) -> HashSet<&str> {
    file.value["templating"]["list"]
        .items()
        .filter_map(|variable| variable["name"].as_str())
        .collect()
}

/// The anchor of a heading, as GitHub and GitLab make it.
fn anchor(line: &str) -> Option<String> {
    let title = line
        .strip_prefix('#')?
        .trim_start_matches('#')
        .strip_prefix(' ')?;
    let kept = title
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(
        kept.map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
            .to_lowercase(),
    )
}
