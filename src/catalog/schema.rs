//! Holds a source against `catalog.schema.json`: every mistake with its place, and the defaults filled in.

mod defaults;
mod mistakes;

use crate::catalog::pattern;
use crate::catalog::units::{Duration, Quantity, Size};
use crate::diagnostic::Diagnostic;
use crate::kinds::Kinds;
use crate::source::Source;
use crate::value::Value;
pub use defaults::with_defaults;
use jsonschema::Validator;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// The schema's text, with the built-in kinds of alerts, as editors read it.
pub const TEXT: &str = include_str!("../catalog.schema.json");

/// The same as JSON; what a kind of a root refers to is here too.
pub static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(TEXT).expect("catalog.schema.json is JSON"));

/// What a catalog may say, given the kinds of alerts that there are.
pub struct Schema {
    /// As JSON.
    pub value: Cow<'static, Value>,
}

impl Schema {
    /// With these kinds.
    pub fn of(kinds: &Kinds) -> Schema {
        let value = match *kinds == *Kinds::built_in() {
            true => Cow::Borrowed(&*SCHEMA),
            false => Cow::Owned(with(kinds)),
        };
        Schema { value }
    }

    /// Everything that the schema has against the source.
    pub fn check(&self, source: &Source) -> Vec<Diagnostic> {
        let validator = validator(&of_what_is_said(&self.value, &source.value));
        let said = serde_json::Value::from(&source.value);
        let errors = validator.iter_errors(&said);
        let mut found: Vec<Diagnostic> = errors
            .flat_map(|error| mistakes::diagnose(&error, &self.value))
            .collect();
        let subjects = found.iter().flat_map(|found| found.subjects.clone());
        let subjects: HashSet<String> = subjects.collect();
        found.retain(|found| !found.follows.iter().any(|one| subjects.contains(one)));
        found
    }
}

/// The schema's JSON with these kinds of alerts.
pub fn with(kinds: &Kinds) -> Value {
    let mut value = SCHEMA.clone();
    let alert = &mut value["properties"]["alerts"]["additionalProperties"];
    let common: Vec<String> = alert["properties"]
        .entries()
        .map(|(key, _)| key.clone())
        .collect();
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    let written = || kinds.iter().filter(|kind| !kind.slos);
    alert["properties"]["kind"]["enum"] = written()
        .map(|kind| Value::from(kind.name.as_str()))
        .collect();
    alert["allOf"] = written().map(|kind| kind.schema(&common)).collect();
    value
}

/// The schema without what nothing of a catalog is held against, keys that it nowhere has and kinds that it does not use: everything
/// stays in its place. To build a validator costs more than the rest of reading a catalog.
pub fn of_what_is_said(schema: &Value, said: &Value) -> Value {
    let mut schema = held_against(schema, &[said]);
    if let Some(alert) = schema.pointer_mut("/properties/alerts/additionalProperties/allOf") {
        of_kinds(alert, &said["alerts"]);
    }
    schema
}

/// A node without the properties that none of the values has, nor has anything in them.
fn held_against(node: &Value, values: &[&Value]) -> Value {
    let Value::Object(node) = node else {
        return node.clone();
    };
    let mut said: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (key, value) in values.iter().flat_map(|value| value.entries()) {
        said.entry(key).or_default().push(value);
    }
    let named = node.get("properties");
    let told = |(key, node): (&String, &Value)| {
        let node = match said.get(key.as_str()) {
            Some(values) => held_against(node, values),
            None => Value::Bool(true),
        };
        (key.clone(), node)
    };
    let part = |(key, node): (&String, &Value)| {
        let node = match key.as_str() {
            "properties" => node.entries().map(told).collect(),
            "additionalProperties" => {
                let others = said
                    .iter()
                    .filter(|(key, _)| named.is_none_or(|named| named.get(key).is_none()));
                let others: Vec<&Value> = others.flat_map(|(_, values)| values).copied().collect();
                held_against(node, &others)
            }
            _ => node.clone(),
        };
        (key.clone(), node)
    };
    node.iter().map(part).collect()
}

/// The kinds that no alert is of, left out.
fn of_kinds(kinds: &mut Value, alerts: &Value) {
    let used: HashSet<&str> = (alerts.entries())
        .filter_map(|(_, alert)| alert["kind"].as_str())
        .collect();
    for kind in kinds.as_array_mut().into_iter().flatten() {
        let name = kind["if"]["properties"]["kind"]["const"].as_str();
        if name.is_some_and(|name| !used.contains(name)) {
            *kind = Value::Bool(true);
        }
    }
}

/// Holds values against a schema, with the formats that ours has.
pub fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("prometheus_duration", |text: &str| {
            Duration::parse(text).is_some()
        })
        .with_format("host", |text: &str| match text.contains(':') {
            true => super::ipv6(text).is_some(),
            false => super::access::no_ipv4(text).is_none(),
        })
        .with_format("host_port", |text: &str| {
            super::access::no_ipv4(text).is_none()
        })
        .with_format("size", |text: &str| Size::parse(text).is_some())
        .with_format("quantity", |text: &str| Quantity::of(text).is_some())
        .with_format("re2", |text: &str| pattern::parse(text).is_ok())
        .build(&schema.into())
        .expect("catalog.schema.json is a schema, and kinds add only properties to it")
}

/// Everything that the schema says of a value: the node itself, what it refers to, of its `if`s those that hold, and of a
/// `oneOf` the alternative that the value means. Nearest first.
fn applicable<'a>(node: &'a Value, value: &Value) -> Vec<&'a Value> {
    let holds = |condition: &Value| {
        condition["properties"]
            .entries()
            .all(|(key, wanted)| value.get(key) == wanted.get("const"))
    };
    let mut found: Vec<&Value> = referred(node)
        .into_iter()
        .map(|node| alternative(node, value))
        .collect();
    for entry in node["allOf"].items() {
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
    alternatives.iter().position(|alternative| {
        let kinds = referred(alternative).into_iter();
        matches!(
            (kinds.filter_map(|node| node["type"].as_str()).next(), value),
            (Some("array"), Value::Array(_))
                | (Some("string"), Value::String(_))
                | (Some("object"), Value::Object(_))
                | (Some("boolean"), Value::Bool(_))
                | (Some("integer" | "number"), Value::Number(_))
        )
    })
}

/// A node and what it refers to, nearest first; of what may be a table or not, what it is when it is none. Older readers of schemas, taplo's among them, look at nothing beside a
/// `$ref`: so it is alone, in an `allOf` where there is more to say.
fn referred(node: &Value) -> Vec<&Value> {
    let entries = node["allOf"].items().chain(node.get("else"));
    let targets = std::iter::once(node)
        .chain(entries)
        .filter_map(|node| SCHEMA.pointer(&node.get("$ref")?.as_str()?[1..]));
    std::iter::once(node)
        .chain(targets.flat_map(referred))
        .collect()
}

/// The properties a node names, its own before those of what it refers to.
pub(crate) fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    referred(node)
        .into_iter()
        .flat_map(|node| node["properties"].entries())
}

/// The settings that a service takes over from its group and from `[defaults]`.
pub fn settings() -> impl Iterator<Item = (&'static String, &'static Value)> {
    properties(&SCHEMA["$defs"]["settings"])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of schemas that knows no `unevaluatedProperties` refuses an unknown key only by a list of all known ones.
    #[test]
    fn every_table_of_settings_lists_all_of_them() {
        for table in ["defaults", "groups", "services"] {
            let table = &SCHEMA["properties"][table];
            let listed = if table.get("properties").is_some() {
                table
            } else {
                &table["additionalProperties"]
            };
            assert_eq!(listed["additionalProperties"], false);
            for (key, _) in settings() {
                let target = format!("#/$defs/settings/properties/{key}");
                assert!(
                    referred(&listed["properties"][key])
                        .into_iter()
                        .any(|node| node["$ref"] == target || node["allOf"][0]["$ref"] == target),
                    "{key}"
                );
            }
        }
    }

    /// Beside a `$ref` nothing is read before draft 2019-09.
    #[test]
    fn a_reference_has_nothing_beside_it() {
        fn walk(node: &Value, path: &str) {
            if let Some(map) = node.as_object() {
                assert!(
                    map.get("$ref").is_none_or(|target| !target.is_string()) || map.len() == 1,
                    "{path} says more beside its $ref"
                );
                map.iter()
                    .for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
            }
            node.items().for_each(|value| walk(value, path));
        }
        walk(&SCHEMA, "");
    }
}
