//! How a job finds its targets, and what it makes of their labels, as a service says that.

use crate::json::plain;
use crate::value::{Map, Value, json};
use std::collections::BTreeMap;

/// What the rules of a job make of its targets.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Relabelled {
    /// Labels with a value of their own.
    pub(super) labels: Map,
    /// Label → the label that it is a copy of.
    pub(super) copied: BTreeMap<String, String>,
    /// Label that is found → what it must match.
    pub(super) keep: BTreeMap<String, Vec<String>>,
    /// Label that is found → what it must not match.
    pub(super) drop: BTreeMap<String, Vec<String>>,
    /// The label that is found and is asked in place of the address, and the port behind it.
    pub(super) address: Option<(String, Option<u16>)>,
    /// The exporter that is asked for each of the targets.
    pub(super) through: Option<String>,
}

impl Relabelled {
    /// Whether it asks for nothing that only targets have that are found.
    pub(super) fn is_said_of_targets(&self) -> bool {
        let asked = self.keep.is_empty() && self.drop.is_empty();
        asked && self.copied.is_empty() && self.address.is_none()
    }
}

/// Reads the rules of a job; or why a service does not say them.
pub(super) fn relabelled<'a>(rules: impl Iterator<Item = &'a Value>) -> Result<Relabelled, String> {
    let mut read = Relabelled::default();
    let (mut asked, mut named) = (false, false);
    for rule in rules {
        let odd = || format!("it relabels: {}", shown(rule));
        let sources: Vec<&str> = rule["source_labels"].texts().collect();
        let target = rule["target_label"].as_str().unwrap_or_default();
        let action = rule["action"].as_str().unwrap_or("replace");
        let (pattern, replacement) = (&rule["regex"], &rule["replacement"]);
        let keys = [
            "source_labels",
            "target_label",
            "action",
            "regex",
            "replacement",
            "separator",
        ];
        if rule.entries().any(|(key, _)| !keys.contains(&key.as_str())) {
            return Err(odd());
        }
        // Of one label every value but none, as it is.
        let whole = pattern.is_null() || pattern == "(.*)" || pattern == "(.+)";
        let copies =
            whole && (replacement.is_null() || replacement == "$1" || replacement == "${1}");
        match (action, sources.as_slice(), target) {
            ("keep" | "drop", [source], "")
                if source.starts_with("__meta_") && !pattern.is_null() =>
            {
                let rules = match action {
                    "keep" => &mut read.keep,
                    _ => &mut read.drop,
                };
                let patterns = rules.entry(source.to_string()).or_default();
                patterns.push(plain(pattern));
            }
            ("replace", ["__address__"], "__param_target") if copies => asked = true,
            ("replace", ["__param_target" | "__address__"], "instance") if copies && asked => {
                named = true;
            }
            ("replace", [], "__address__") if whole => {
                read.through = Some(replacement.as_str().ok_or_else(odd)?.to_string());
            }
            ("replace", [], label) if whole && !label.starts_with("__") => {
                match replacement.as_str().filter(|value| !value.contains('$')) {
                    Some(value) => drop(read.labels.insert(label.to_string(), value.into())),
                    None => return Err(odd()),
                }
            }
            ("replace", [source], "__address__") if whole && source.starts_with("__meta_") => {
                let written = replacement.as_str().unwrap_or("$1");
                let written = written.replace(['{', '}', '[', ']'], "");
                let port = written
                    .strip_prefix("$1")
                    .map(|rest| rest.trim_start_matches(':'));
                let port = match port.ok_or_else(odd)? {
                    "" => None,
                    port => Some(port.parse().map_err(|_| odd())?),
                };
                read.address = Some((source.to_string(), port));
            }
            ("replace", [_], label @ ("job" | "service")) if copies => {
                return Err(format!("what is found says which `{label}` it is"));
            }
            ("replace", [source], label)
                if copies && source.starts_with("__meta_") && !label.starts_with("__") =>
            {
                read.copied.insert(label.to_string(), source.to_string());
            }
            _ => return Err(odd()),
        }
    }
    match (asked, named, &read.through) {
        (false, false, None) | (true, true, Some(_)) => Ok(read),
        (true, false, Some(_)) => {
            Err("its targets all have one `instance`, the exporter's".to_string())
        }
        _ => Err("it is asked at another address than its targets have".to_string()),
    }
}

/// Patterns as a catalog has them: one alone is no list.
pub(super) fn written(patterns: &BTreeMap<String, Vec<String>>) -> Value {
    let all = patterns.iter().map(|(label, patterns)| {
        let said = match patterns.as_slice() {
            [pattern] => json!(pattern),
            patterns => json!(patterns),
        };
        (label.clone(), said)
    });
    Value::Object(all.collect())
}

/// A rule in a few words.
fn shown(rule: &Value) -> String {
    let sources: Vec<&str> = rule["source_labels"].texts().collect();
    let target = rule["target_label"].as_str().unwrap_or_default();
    match (
        rule["action"].as_str(),
        sources.is_empty(),
        target.is_empty(),
    ) {
        (Some(action), true, _) if action != "replace" => action.to_string(),
        (Some(action), false, true) => format!("{action} by {}", sources.join(", ")),
        (_, true, _) => target.to_string(),
        (_, false, _) => format!("{target} from {}", sources.join(", ")),
    }
}

/// Where a job looks for its targets.
pub(super) struct Sought {
    /// The table `discovery`.
    pub(super) table: Map,
    /// The port that it names for what DNS finds.
    pub(super) port: Option<u64>,
}

/// Where a job looks for its targets; None: it names its targets itself. `list`: where
/// a file with targets is, seen from the folder of the catalog; `secrets` does the same for files of logins.
pub(super) fn discovery(
    job: &Map,
    list: &mut impl FnMut(&str) -> Result<String, String>,
    secrets: &mut impl FnMut(Value) -> Value,
) -> Result<Option<Sought>, String> {
    let (mut table, mut port) = (Map::new(), None);
    for (key, configs) in job {
        let Some(name) = key.strip_suffix("_sd_configs") else {
            continue;
        };
        if name == "file" {
            let mut files = Vec::new();
            for config in configs.items() {
                for file in config["files"].texts() {
                    files.push(list(file)?);
                }
            }
            table.insert("file".to_string(), json!(files));
            continue;
        }
        let [config] = configs.items().as_slice() else {
            return Err(format!("it looks in several places of {name}"));
        };
        let mut config = secrets(config.clone());
        let said = match name {
            "http" if config.entries().count() == 1 => config["url"].take(),
            "dns" => {
                port = config["port"].as_u64();
                if let Some(config) = config.as_object_mut() {
                    config.remove("port");
                    config.entry("type").or_insert("SRV".into());
                }
                config
            }
            _ => config,
        };
        table.insert(name.to_string(), said);
    }
    Ok((!table.is_empty()).then_some(Sought { table, port }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rules: Value) -> Result<Relabelled, String> {
        relabelled(rules.items())
    }

    #[test]
    fn an_exporter_that_is_asked_for_others_is_seen() {
        let asks = |instance: &str| {
            json!([
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": [instance], "target_label": "instance"},
                {"target_label": "__address__", "replacement": "snmp:9116"},
            ])
        };
        for instance in ["__param_target", "__address__"] {
            let read = read(asks(instance)).expect("understood");
            assert_eq!(read.through.as_deref(), Some("snmp:9116"));
        }
        let mut nameless = asks("__address__");
        nameless.as_array_mut().expect("a list").remove(1);
        assert!(read(nameless).is_err());
    }

    #[test]
    fn what_is_found_is_kept_and_labelled() {
        let read = read(json!([
            {"source_labels": ["__meta_consul_service"], "regex": "web|api", "action": "keep"},
            {"source_labels": ["__meta_consul_tags"], "regex": ".*,prod,.*", "action": "keep"},
            {"source_labels": ["__meta_consul_tags"], "regex": ".*,http,.*", "action": "keep"},
            {"source_labels": ["__meta_consul_tags"], "regex": ".*,canary,.*", "action": "drop"},
            {"source_labels": ["__meta_consul_dc"], "target_label": "dc"},
            {"target_label": "env", "replacement": "prod"},
        ]))
        .expect("understood");
        assert_eq!(read.keep["__meta_consul_service"], ["web|api"]);
        assert_eq!(
            read.keep["__meta_consul_tags"],
            [".*,prod,.*", ".*,http,.*"]
        );
        assert_eq!(read.drop["__meta_consul_tags"], [".*,canary,.*"]);
        assert_eq!(read.copied["dc"], "__meta_consul_dc");
        assert_eq!(read.labels["env"], "prod");
    }

    #[test]
    fn other_rules_are_said_to_be_none_of_a_service() {
        for (rule, wanted) in [
            (
                json!({"action": "labelmap", "regex": "x_(.+)"}),
                "it relabels: labelmap",
            ),
            (
                json!({"source_labels": ["__address__"], "regex": "(.*):.*", "target_label": "host"}),
                "it relabels: host from __address__",
            ),
            (
                json!({"source_labels": ["a"], "action": "drop"}),
                "it relabels: drop by a",
            ),
        ] {
            assert_eq!(read(json!([rule])), Err(wanted.to_string()));
        }
    }
}
