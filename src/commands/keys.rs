//! The keys that a catalog may say, as the schema has them: path, type, default, examples, description.

use crate::value::{Value, json};

/// One key.
pub(crate) struct Key {
    /// As it is written: `prometheus.retention`, `services.NAME.port`, `alerts.NAME.above`.
    pub(crate) path: String,
    /// What it takes, in words.
    pub(crate) takes: String,
    pub(crate) default: Option<Value>,
    pub(crate) examples: Vec<Value>,
    pub(crate) description: String,
    pub(crate) required: bool,
}

impl Key {
    /// As JSON, with stable keys.
    pub(crate) fn json(&self) -> Value {
        json!({
            "takes": self.takes, "default": self.default,
            "examples": self.examples, "required": self.required,
        })
    }
}

/// Every key of a schema, tables before what is in them.
pub(crate) fn all(schema: &Value) -> Vec<Key> {
    let mut found = Vec::new();
    below(schema, schema, "", &mut found);
    found
}

/// The keys that are meant by the steps to one: `services.checkout.port` is `services.NAME.port`, and of an alert's key there is one
/// for each kind that has it.
pub(crate) fn called<'a>(keys: &'a [Key], steps: &[&str]) -> Vec<&'a Key> {
    let same = |path: &str| {
        let path = path.split(" (kind").next().unwrap_or(path);
        let wanted: Vec<&str> = path.split('.').collect();
        let fits = |(wanted, given): (&&str, &&str)| *wanted == "NAME" || wanted == given;
        wanted.len() == steps.len() && wanted.iter().zip(steps).all(fits)
    };
    keys.iter().filter(|key| same(&key.path)).collect()
}

/// The kind of alert that a key is of, by its path.
pub(crate) fn of_kind(path: &str) -> Option<&str> {
    path.split_once(" (kind ")?.1.strip_suffix(')')
}

/// Tables have tables: none of the schema's goes deeper than this.
const DEPTH: usize = 6;

fn below(schema: &Value, node: &Value, path: &str, found: &mut Vec<Key>) {
    if path.split('.').count() > DEPTH {
        return;
    }
    let required: Vec<&str> = node["required"].texts().collect();
    for (name, property) in node["properties"].entries() {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let is_required = required.contains(&name.as_str());
        one(schema, property, path, is_required, found);
    }
    // What is said of one kind of alert is a key of alerts of that kind.
    for kind in node["allOf"].items() {
        let named = &kind["if"]["properties"]["kind"]["const"];
        let Some(named) = named.as_str() else {
            continue;
        };
        let required: Vec<&str> = kind["then"]["required"].texts().collect();
        for (name, property) in kind["then"]["properties"].entries() {
            if property == &Value::Bool(true) || property == &json!({}) {
                continue;
            }
            let is_required = required.contains(&name.as_str());
            let path = format!("{path}.{name} (kind {named})");
            one(schema, property, path, is_required, found);
        }
    }
}

fn one(schema: &Value, property: &Value, path: String, required: bool, found: &mut Vec<Key>) {
    let nodes = meant(schema, property);
    let first = |key: &str| nodes.iter().find_map(|node| node.get(key)).cloned();
    let examples = first("examples").and_then(|examples| examples.as_array().cloned());
    found.push(Key {
        takes: takes(&nodes),
        default: first("default"),
        examples: examples.unwrap_or_default(),
        description: first("description")
            .and_then(|text| text.as_str().map(str::to_string))
            .unwrap_or_default(),
        required,
        path: path.clone(),
    });
    for node in nodes {
        if node.get("properties").is_some() {
            below(schema, node, &path, found);
        }
        let entries = &node["additionalProperties"];
        if entries.is_object() {
            let nodes = meant(schema, entries);
            for entry in nodes
                .iter()
                .filter(|entry| entry.get("properties").is_some())
            {
                below(schema, entry, &format!("{path}.NAME"), found);
            }
        }
        for item in meant(schema, &node["items"]) {
            if item.get("properties").is_some() {
                below(schema, item, &format!("{path}[]"), found);
            }
        }
    }
}

/// A node and what it refers to, nearest first.
fn meant<'a>(schema: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![node];
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        let all = node["allOf"].items().filter_map(|one| one["$ref"].as_str());
        for reference in node["$ref"].as_str().into_iter().chain(all) {
            let pointer = reference.trim_start_matches('#');
            if let Some(next) = schema.pointer(pointer)
                && found.len() < 8
            {
                found.push(next);
                open.push(next);
            }
        }
    }
    found
}

/// What a value may be, in words.
fn takes(nodes: &[&Value]) -> String {
    for node in nodes {
        let either = ["oneOf", "anyOf"]
            .iter()
            .find_map(|key| node[key].as_array());
        if let Some(either) = either {
            let all: Vec<String> = either
                .iter()
                .map(|one| takes(&[one]))
                .filter(|takes| !takes.is_empty())
                .collect();
            if !all.is_empty() {
                return all.join(", or ");
            }
        }
        // A threshold: of one level, or of several.
        if node.get("if").is_some() && node["else"].is_object() {
            return format!(
                "{}, or a table of them by severity",
                takes(&[&node["else"]])
            );
        }
        if let Some(values) = node["enum"].as_array() {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            return format!("one of {}", values.join(", "));
        }
        if let Some(title) = node["title"].as_str() {
            return title.to_string();
        }
        if let Some(reference) = node["$ref"].as_str()
            && nodes.len() == 1
        {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return name.replace('_', " ");
        }
        match node["type"].as_str() {
            Some("array") => return "a list".to_string(),
            Some("object") => return "a table".to_string(),
            Some("integer") => return "a whole number".to_string(),
            Some("number") => return "a number".to_string(),
            Some("boolean") => return "true or false".to_string(),
            Some("string") => return "text".to_string(),
            _ => {}
        }
    }
    String::new()
}
