//! What a file of a stack that is kept by hand is, told by what it says.

use crate::diagnostic::plural;
use crate::value::Value;
use std::collections::BTreeSet;

/// What becomes of a file.
pub(super) enum Sort {
    /// A configuration of Prometheus, whose jobs are taken apart.
    Jobs,
    /// Kept as it is under this key of [extra].
    Kept(&'static str),
    /// Left where it is, for a reason.
    Left(&'static str),
}

/// Told by its keys; `listed`: a job reads its targets from it.
pub(super) fn sort(value: &Value, listed: bool) -> Sort {
    let has = |key: &str| value.get(key).is_some();
    if has("scrape_configs") && has("clients") {
        Sort::Left("what a shipper of logs reads: it goes on as before")
    } else if has("scrape_configs") {
        Sort::Jobs
    } else if has("groups") && rules(value).any(is_of_loki) {
        Sort::Left("rules of Loki, written in LogQL: its ruler evaluates them as before")
    } else if has("groups") {
        Sort::Kept("rules")
    } else if has("tests") && has("rule_files") {
        Sort::Kept("tests")
    } else if has("receivers") || has("route") {
        Sort::Kept("alertmanager")
    } else if has("panels") || has("rows") {
        Sort::Kept("dashboards")
    } else if listed || value.items().any(|group| group.get("targets").is_some()) {
        Sort::Kept("files")
    } else if value["services"].is_object() {
        Sort::Left(
            "a compose file: what it starts goes on as before; the containers of monstack have to be in a network with it, or reach its ports",
        )
    } else if has("datasources") || has("providers") {
        Sort::Left("a provisioning of Grafana: monstack writes its own")
    } else if has("modules") {
        Sort::Left(
            "modules of a blackbox exporter: that exporter goes on as before; monstack has one of its own for `health_probe`",
        )
    } else {
        Sort::Left("nothing of it is recognised")
    }
}

/// The rules of a rule file.
pub(super) fn rules(file: &Value) -> impl Iterator<Item = &Value> {
    let groups = file["groups"].items();
    groups.flat_map(|group| group["rules"].items())
}

/// Whether a rule is written in Loki's language: what a selector picks is filtered as text, which no PromQL does.
fn is_of_loki(rule: &Value) -> bool {
    let mut selected = rule["expr"].as_str().unwrap_or_default().split('}').skip(1);
    selected.any(|behind| {
        let behind = behind.trim_start();
        let compared = ["!=", "!~"]
            .iter()
            .find_map(|sign| behind.strip_prefix(sign));
        let text = compared.map(str::trim_start);
        behind.starts_with('|') || text.is_some_and(|text| text.starts_with(['"', '`']))
    })
}

/// A rule file without the alerts of these names, and without groups that are empty then.
pub(super) fn without(file: &Value, names: &BTreeSet<&str>) -> Value {
    let mut file = file.clone();
    if let Some(groups) = file.get_mut("groups").and_then(Value::as_array_mut) {
        for group in groups.iter_mut() {
            if let Some(rules) = group.get_mut("rules").and_then(Value::as_array_mut) {
                rules.retain(|rule| {
                    let name = rule["alert"].as_str();
                    name.is_none_or(|name| !names.contains(name))
                });
            }
        }
        groups.retain(|group| group["rules"].items().next().is_some());
    }
    file
}

/// What is in a file that is kept, in a few words.
pub(super) fn content(key: &str, value: &Value) -> String {
    match key {
        "rules" => {
            let rules: Vec<&Value> = rules(value).collect();
            let alerts = rules.iter().filter(|rule| rule.get("alert").is_some());
            let alerts = alerts.count();
            format!(
                "{}, {}",
                plural(alerts, "alert"),
                plural(rules.len() - alerts, "recording rule")
            )
        }
        "tests" => plural(value["tests"].items().len(), "unit test"),
        "alertmanager" => format!(
            "{}, and their routes",
            plural(value["receivers"].items().len(), "receiver")
        ),
        "dashboards" => format!("a dashboard of {}", plural(panels(value), "panel")),
        _ => "a list of targets".to_string(),
    }
}

/// The panels of a dashboard; those of an older one stand in its rows.
fn panels(dashboard: &Value) -> usize {
    let rows = dashboard["rows"].items();
    let inside = rows.map(|row| row["panels"].items().len());
    dashboard["panels"].items().len() + inside.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn rules_of_loki_are_told_from_those_of_prometheus() {
        let loki = |expr: &str| is_of_loki(&json!({"expr": expr}));
        assert!(loki("sum(rate({job=\"x\"} |= \"error\" [5m])) > 1"));
        assert!(loki("count_over_time({job=\"x\"} != `ok` | json [5m]) > 0"));
        assert!(!loki("rate({job=\"x\"}[5m]) != 3"));
        assert!(!loki("{job=\"x\"} != on (job) {job=\"y\"}"));
        assert!(!loki("up{job=~\"a|b\"} == 0"));
    }
}
