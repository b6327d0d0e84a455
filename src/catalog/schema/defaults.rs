//! The schema's defaults where the catalog is silent, and something harmless where it was refused.

use super::{Schema, applicable, referred};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, steps};
use crate::value::{Map, Value};

/// The source's content with the schema's defaults where it is silent, and with something harmless where it was refused.
pub fn with_defaults(source: &Source, refused: &[Diagnostic], schema: &Schema) -> Value {
    let schema = &schema.value;
    let mut value = source.value.clone();
    for pointer in refused
        .iter()
        .filter(|refused| refused.code != "invalid-name")
        .filter_map(|refused| match &refused.place {
            Place::Key(pointer) if refused.code == "unknown-key" => Some(pointer),
            Place::Value(pointer) => Some(pointer),
            _ => None,
        })
    {
        remove(&mut value, pointer);
    }
    fill(schema, &mut value);
    if !refused.is_empty() {
        complete(schema, &mut value);
        fill(schema, &mut value);
    }
    value
}

fn remove(value: &mut Value, pointer: &str) {
    let (Some((parent, _)), Some(key)) = (pointer.rsplit_once('/'), steps(pointer).last()) else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(&key)),
        Some(Value::Array(list)) => list.clear(),
        _ => {}
    }
}

/// Gives every required key that is missing a value of its type.
fn complete(node: &Value, value: &mut Value) {
    let nodes = applicable(node, value);
    let Value::Object(map) = value else { return };
    for key in nodes
        .iter()
        .flat_map(|node| node["required"].items())
        .filter_map(Value::as_str)
    {
        if !map.contains_key(key) {
            let harmless = property(&nodes, key)
                .next()
                .map_or(Value::from(""), harmless);
            map.insert(key.to_string(), harmless);
        }
    }
    inside(&nodes, map, complete);
}

/// What the nodes say of a key.
fn property<'a>(nodes: &[&'a Value], key: &str) -> impl Iterator<Item = &'a Value> {
    nodes
        .iter()
        .filter_map(move |node| node.get("properties")?.get(key))
        .filter(|property| property.is_object())
}

/// Goes on with each entry of a table.
fn inside(nodes: &[&Value], map: &mut Map, go_on: fn(&Value, &mut Value)) {
    for (key, value) in map.iter_mut() {
        for property in property(nodes, key) {
            go_on(property, value);
        }
        for rest in nodes
            .iter()
            .filter_map(|node| node.get("additionalProperties"))
        {
            go_on(rest, value);
        }
    }
}

fn harmless(property: &Value) -> Value {
    let first = |key: &str| {
        referred(property)
            .into_iter()
            .find_map(|node| node.get(key))
    };
    match first("type").and_then(Value::as_str) {
        Some("integer" | "number") => Value::from(0),
        Some("object") => Value::Object(Map::new()),
        Some("array") => Value::Array(Vec::new()),
        _ => first("examples").map_or(Value::from(""), |examples| examples[0].clone()),
    }
}

fn fill(node: &Value, value: &mut Value) {
    // Most values of a catalog are no tables: nothing need be looked up for them.
    if !value.is_object() {
        return;
    }
    let nodes = applicable(node, value);
    let Value::Object(map) = value else { return };
    for (key, property) in nodes.iter().flat_map(|node| node["properties"].entries()) {
        if let Some(default) = property.get("default")
            && !map.contains_key(key)
        {
            map.insert(key.clone(), default.clone());
        }
    }
    inside(&nodes, map, fill);
}
