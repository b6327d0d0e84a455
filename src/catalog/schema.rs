//! Holds a source against `catalog.schema.json`: every mistake with its place, and the defaults filled in.

mod defaults;
mod mistakes;

use crate::catalog::pattern;
use crate::catalog::units::{Duration, Size};
use crate::diagnostic::Diagnostic;
use crate::source::Source;
pub use defaults::with_defaults;
use jsonschema::Validator;
use serde_json::Value;
use std::sync::LazyLock;

/// The schema's text, as `monstack schema` prints it and editors read it.
pub const TEXT: &str = include_str!("../catalog.schema.json");

/// The schema as JSON.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).expect("catalog.schema.json is JSON"));

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("prometheus_duration", |text: &str| Duration::parse(text).is_some())
        .with_format("host", |text: &str| !text.contains(':') || super::ipv6(text).is_some())
        .with_format("size", |text: &str| Size::parse(text).is_some())
        .with_format("re2", |text: &str| pattern::parse(text).is_ok())
        .build(&SCHEMA)
        .expect("catalog.schema.json is a schema")
});

/// Everything that the schema has against the source.
pub fn check(source: &Source) -> Vec<Diagnostic> {
    VALIDATOR.iter_errors(&source.value).flat_map(|error| mistakes::diagnose(&error)).collect()
}

/// Everything that the schema says of a value: the node itself, what it refers to, of its `if`s those that hold, and of a
/// `oneOf` the alternative that the value means. Nearest first.
fn applicable<'a>(node: &'a Value, value: &Value) -> Vec<&'a Value> {
    let holds = |condition: &Value| condition["properties"].as_object().into_iter().flatten().all(|(key, wanted)| value.get(key) == wanted.get("const"));
    let mut found: Vec<&Value> = referred(node).into_iter().map(|node| alternative(node, value)).collect();
    for entry in node["allOf"].as_array().into_iter().flatten() {
        if let (Some(condition), Some(then)) = (entry.get("if"), entry.get("then"))
            && holds(condition)
        {
            found.push(then);
        }
    }
    found
}

/// Of a `oneOf`, the alternative that the value means by its type.
fn alternative<'a>(node: &'a Value, value: &Value) -> &'a Value {
    match node.get("oneOf").and_then(Value::as_array) {
        Some(alternatives) => &alternatives[meant(alternatives, value).unwrap_or(0)],
        None => node,
    }
}

fn meant(alternatives: &[Value], value: &Value) -> Option<usize> {
    alternatives
        .iter()
        .position(|alternative| matches!((alternative["type"].as_str(), value), (Some("array"), Value::Array(_)) | (Some("string"), Value::String(_))))
}

/// A node and what it refers to, nearest first. Older readers of schemas, taplo's among them, look at nothing beside a
/// `$ref`: so it stands alone, in an `allOf` where there is more to say.
fn referred(node: &Value) -> Vec<&Value> {
    let entries = node["allOf"].as_array().into_iter().flatten();
    let targets = std::iter::once(node).chain(entries).filter_map(|node| SCHEMA.pointer(&node.get("$ref")?.as_str()?[1..]));
    std::iter::once(node).chain(targets.flat_map(referred)).collect()
}

/// The properties a node names, its own before those of what it refers to.
pub fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    referred(node).into_iter().flat_map(|node| node.get("properties").and_then(Value::as_object).into_iter().flatten())
}

/// The settings that a service takes over from its group and from `[defaults]`.
pub fn settings() -> impl Iterator<Item = (&'static String, &'static Value)> {
    properties(&SCHEMA["$defs"]["settings"])
}

/// What the schema says of the alerts of one kind.
pub fn kind(name: &str) -> Option<&'static Value> {
    alert()["allOf"].as_array()?.iter().find(|entry| entry["if"]["properties"]["kind"]["const"] == name).map(|entry| &entry["then"])
}

fn alert() -> &'static Value {
    &SCHEMA["properties"]["alerts"]["additionalProperties"]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of schemas that knows no `unevaluatedProperties` refuses an unknown key only by a list of all known ones.
    #[test]
    fn every_table_of_settings_lists_all_of_them() {
        for table in ["defaults", "groups", "services"] {
            let table = &SCHEMA["properties"][table];
            let listed = if table.get("properties").is_some() { table } else { &table["additionalProperties"] };
            assert_eq!(listed["additionalProperties"], false);
            for (key, _) in settings() {
                let target = format!("#/$defs/settings/properties/{key}");
                assert!(referred(&listed["properties"][key]).into_iter().any(|node| node["$ref"] == target || node["allOf"][0]["$ref"] == target), "{key}");
            }
        }
    }

    #[test]
    fn every_kind_lists_what_every_alert_has() {
        let kinds: Vec<&str> = alert()["properties"]["kind"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(kinds.len(), alert()["allOf"].as_array().unwrap().len());
        for name in kinds {
            let kind = kind(name).unwrap();
            assert_eq!(kind["additionalProperties"], false, "{name}");
            for key in alert()["properties"].as_object().unwrap().keys() {
                assert!(kind["properties"].get(key).is_some(), "{name} does not list {key}");
            }
        }
    }

    /// Beside a `$ref` nothing is read before draft 2019-09.
    #[test]
    fn a_reference_stands_alone() {
        fn walk(node: &Value, path: &str) {
            if let Some(map) = node.as_object() {
                assert!(map.get("$ref").is_none_or(|target| !target.is_string()) || map.len() == 1, "{path} says more beside its $ref");
                map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
            }
            node.as_array().into_iter().flatten().for_each(|value| walk(value, path));
        }
        walk(&SCHEMA, "");
    }
}
