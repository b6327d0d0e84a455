//! Holds a source against `catalog.schema.json`: every mistake with its place, and the defaults filled in.

mod defaults;
mod mistakes;

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
        .with_format("duration-of-prometheus", |text: &str| Duration::parse(text).is_some())
        .with_format("host", |text: &str| !text.contains(':') || super::ipv6(text).is_some())
        .with_format("size", |text: &str| Size::parse(text).is_some())
        .with_format("re2", |text: &str| regex_automata::meta::Regex::new(text).is_ok())
        .build(&SCHEMA)
        .expect("catalog.schema.json is a schema")
});

/// Everything that the schema has against the source.
pub fn check(source: &Source) -> Vec<Diagnostic> {
    VALIDATOR.iter_errors(&source.value).flat_map(|error| mistakes::diagnose(&error)).collect()
}

/// Of a `oneOf`, the alternative that the value means: by its `kind`, else by its type.
fn alternative<'a>(node: &'a Value, value: &Value) -> &'a Value {
    match node.get("oneOf").and_then(Value::as_array) {
        Some(alternatives) => &alternatives[meant(alternatives, value).unwrap_or(0)],
        None => node,
    }
}

fn meant(alternatives: &[Value], value: &Value) -> Option<usize> {
    alternatives.iter().position(|alternative| match alternative.pointer("/properties/kind/const") {
        Some(kind) => value.get("kind") == Some(kind),
        None => matches!((alternative["type"].as_str(), value), (Some("array"), Value::Array(_)) | (Some("string"), Value::String(_))),
    })
}

/// A node and what its `$ref` leads to, nearest first.
fn referred(node: &Value) -> impl Iterator<Item = &Value> {
    std::iter::successors(Some(node), |node| node.get("$ref").and_then(Value::as_str).and_then(|target| SCHEMA.pointer(&target[1..])))
}

/// The properties a node names, its own before those of its `$ref`.
pub fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    referred(node).flat_map(|node| node.get("properties").and_then(Value::as_object).into_iter().flatten())
}

/// The schema of an alert kind: its entry in the `oneOf` of alerts.
pub fn kind(name: &str) -> Option<&'static Value> {
    kinds().find(|entry| entry["properties"]["kind"]["const"] == name)
}

fn kinds() -> impl Iterator<Item = &'static Value> + Clone {
    SCHEMA["properties"]["alerts"]["additionalProperties"]["oneOf"].as_array().into_iter().flatten()
}

fn kind_names() -> impl Iterator<Item = &'static str> + Clone {
    kinds().filter_map(|entry| entry["properties"]["kind"]["const"].as_str())
}
