//! The schema's defaults where the catalog is silent, and something harmless where it was refused.

use super::{SCHEMA, alternative, properties, referred};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use serde_json::Value;

/// The source's content with the schema's defaults where it is silent, and with something harmless where it was refused.
pub fn with_defaults(source: &Source, refused: &[Diagnostic]) -> Value {
    let mut value = source.value.clone();
    for pointer in refused.iter().filter(|refused| refused.code != "invalid-name").filter_map(|refused| match &refused.place {
        Place::Key(pointer) if refused.code == "unknown-key" => Some(pointer),
        Place::Value(pointer) => Some(pointer),
        _ => None,
    }) {
        remove(&mut value, pointer);
    }
    fill(&SCHEMA, &mut value);
    if !refused.is_empty() {
        complete(&SCHEMA, &mut value);
        fill(&SCHEMA, &mut value);
    }
    value
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.shift_remove(&key.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(list)) => list.clear(),
        _ => {}
    }
}

/// Gives every required key that is missing a value of its type.
fn complete(node: &Value, value: &mut Value) {
    let node = alternative(node, value);
    let Value::Object(map) = value else { return };
    for key in referred(node).flat_map(|node| node["required"].as_array().into_iter().flatten()).filter_map(Value::as_str) {
        if !map.contains_key(key) {
            let harmless = properties(node).find(|(name, _)| *name == key).map_or(Value::from(""), |(_, property)| harmless(property));
            map.insert(key.to_string(), harmless);
        }
    }
    for (key, value) in map.iter_mut() {
        for (_, property) in properties(node).filter(|(name, _)| *name == key) {
            complete(property, value);
        }
        if let Some(rest) = node.get("additionalProperties") {
            complete(rest, value);
        }
    }
}

fn harmless(property: &Value) -> Value {
    let first = |key: &str| referred(property).find_map(|node| node.get(key));
    match first("type").and_then(Value::as_str) {
        Some("integer" | "number") => Value::from(0),
        Some("object") => Value::Object(serde_json::Map::new()),
        Some("array") => Value::Array(Vec::new()),
        _ => first("examples").map_or(Value::from(""), |examples| examples[0].clone()),
    }
}

fn fill(node: &Value, value: &mut Value) {
    let node = alternative(node, value);
    let Value::Object(map) = value else { return };
    for (key, property) in properties(node) {
        if let (false, Some(default)) = (map.contains_key(key), property.get("default")) {
            map.insert(key.clone(), default.clone());
        }
    }
    for (key, value) in map.iter_mut() {
        for (_, property) in properties(node).filter(|(name, _)| *name == key) {
            fill(property, value);
        }
        if let Some(rest) = node.get("additionalProperties") {
            fill(rest, value);
        }
    }
}
