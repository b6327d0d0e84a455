//! Holds a source against `catalog.schema.json`: every mistake with its place, and the defaults filled in.

use crate::catalog::units::{Duration, Size};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::{Source, step};
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
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
        .with_format("size", |text: &str| Size::parse(text).is_some())
        .with_format("re2", |text: &str| regex_automata::meta::Regex::new(text).is_ok())
        .build(&SCHEMA)
        .expect("catalog.schema.json is a schema")
});

/// Everything that the schema has against the source.
pub fn check(source: &Source) -> Vec<Diagnostic> {
    VALIDATOR.iter_errors(&source.value).flat_map(|error| diagnose(&error)).collect()
}

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
    let referred = node.get("$ref").and_then(Value::as_str).and_then(|target| SCHEMA.pointer(&target[1..]));
    for key in [Some(node), referred].into_iter().flatten().flat_map(|node| node["required"].as_array().into_iter().flatten()).filter_map(Value::as_str) {
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
    let target = property.get("$ref").and_then(Value::as_str).and_then(|target| SCHEMA.pointer(&target[1..]));
    let all = [Some(property), target, target.and_then(|node| node.get("$ref")).and_then(Value::as_str).and_then(|target| SCHEMA.pointer(&target[1..]))];
    let first = |key: &str| all.iter().flatten().find_map(|node| node.get(key));
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

/// The properties a node names, its own before those of its `$ref`.
pub fn properties(node: &Value) -> Box<dyn Iterator<Item = (&String, &Value)> + '_> {
    let own = node.get("properties").and_then(Value::as_object).into_iter().flatten();
    match node.get("$ref").and_then(Value::as_str).and_then(|target| SCHEMA.pointer(&target[1..])) {
        Some(target) => Box::new(own.chain(properties(target))),
        None => Box::new(own),
    }
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

fn diagnose(error: &ValidationError) -> Vec<Diagnostic> {
    let path = error.instance_path().to_string();
    let schema_path = error.schema_path().to_string();
    let parent = schema_path.rfind('/').map_or("", |slash| &schema_path[..slash]);
    let node = SCHEMA.pointer(parent).unwrap_or(&Value::Null);
    let name = path.rsplit('/').next().unwrap_or_default();
    let value = || Place::Value(path.clone());
    let shown = shown(error.instance());
    let one = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            return unexpected.iter().map(|key| unknown_key(&path, key, node)).collect();
        }
        Kind::OneOfNotValid { context } => return inside(error, context, node),
        Kind::PropertyNames { error: inner } => {
            let key = inner.instance().as_str().unwrap_or_default();
            let mut found = not_a(&Place::Key(format!("{path}/{}", step(key))), key, inner);
            found.code = "invalid-name";
            found
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let what = properties(node).find(|(name, _)| *name == key).and_then(|(_, property)| property["description"].as_str());
            let owner = if path.is_empty() { "the catalog".to_string() } else { format!("`{name}`") };
            Diagnostic::error("missing-key", Place::Key(format!("{path}/{key}")), format!("{owner} has no `{key}`"))
                .help(format!("add `{key}`. {}", what.unwrap_or_default()).trim_end().to_string())
        }
        Kind::Enum { options } => {
            let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let word = error.instance().as_str().unwrap_or_default();
            Diagnostic::error("invalid-value", value(), format!("`{name}` cannot be {shown}")).help(suggestion(word, options.iter().copied()))
        }
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(many) => many.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or "),
            };
            Diagnostic::error("wrong-type", value(), format!("`{name}` is {}", sort_of(error.instance()))).help(format!("it must be {}", article(&wanted)))
        }
        Kind::Pattern { .. } | Kind::Format { .. } | Kind::MinLength { .. } | Kind::Not { .. } => not_a(&value(), name, error),
        Kind::Minimum { limit } => out_of_range(value(), name, &shown, format!("at least {limit}")),
        Kind::Maximum { limit } => out_of_range(value(), name, &shown, format!("at most {limit}")),
        Kind::ExclusiveMinimum { limit } => out_of_range(value(), name, &shown, format!("above {limit}")),
        Kind::ExclusiveMaximum { limit } => out_of_range(value(), name, &shown, format!("below {limit}")),
        Kind::MinItems { .. } | Kind::MinProperties { .. } => {
            Diagnostic::error("empty", value(), format!("`{name}` is empty")).help("give it at least one entry, or take it out")
        }
        Kind::UniqueItems => Diagnostic::error("twice", value(), format!("`{name}` names something twice")).help("take one of them out"),
        _ => Diagnostic::error("invalid-value", value(), error.to_string()).help("see `monstack schema`"),
    };
    vec![one]
}

/// The errors of the one alternative that was meant.
fn inside(error: &ValidationError, context: &[Vec<ValidationError<'static>>], node: &Value) -> Vec<Diagnostic> {
    let value = error.instance();
    let path = error.instance_path().to_string();
    let alternatives = node["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
    match (meant(alternatives, value), value.get("kind")) {
        (Some(index), _) => context[index].iter().flat_map(diagnose).collect(),
        (None, Some(kind)) => {
            let word = kind.as_str().unwrap_or_default();
            let others = context[0].iter().filter(|error| !matches!(error.kind(), Kind::Constant { .. } | Kind::UnevaluatedProperties { .. }));
            let mut found: Vec<Diagnostic> = others.flat_map(diagnose).collect();
            found.push(
                Diagnostic::error("unknown-kind", Place::Value(format!("{path}/kind")), format!("there is no alert kind {}", shown(kind)))
                    .help(suggestion(word, kind_names())),
            );
            found
        }
        (None, None) if value.is_object() => Vec::new(),
        (None, None) => {
            let name = path.rsplit('/').next().unwrap_or_default();
            let wanted: Vec<String> = alternatives.iter().filter_map(|one| one["type"].as_str()).map(article).collect();
            vec![
                Diagnostic::error("wrong-type", Place::Value(path.clone()), format!("`{name}` is {}", sort_of(value)))
                    .help(format!("it must be {}", wanted.join(" or "))),
            ]
        }
    }
}

fn unknown_key(path: &str, key: &str, node: &Value) -> Diagnostic {
    let mut known: Vec<&str> = Vec::new();
    for (name, _) in properties(node) {
        if !known.contains(&name.as_str()) {
            known.push(name);
        }
    }
    Diagnostic::error("unknown-key", Place::Key(format!("{path}/{}", step(key))), format!("unknown key `{key}`"))
        .label("nothing reads this")
        .help(suggestion(key, known.iter().copied()))
}

/// "`10 secs` is not a duration", in the words of the schema that refused it.
fn not_a(place: &Place, name: &str, error: &ValidationError) -> Diagnostic {
    let schema_path = error.schema_path().to_string();
    let mut parent = schema_path.rfind('/').map_or("", |slash| &schema_path[..slash]);
    if SCHEMA.pointer(parent).is_some_and(|node| node.get("title").is_none()) {
        parent = "/$defs/duration";
    }
    let node = SCHEMA.pointer(parent).unwrap_or(&Value::Null);
    let shown = shown(error.instance());
    let example = node["examples"][0].as_str().map(|example| format!(" As in `{example}`.")).unwrap_or_default();
    let message = match error.kind() {
        Kind::Not { .. } if name == "null" => {
            return Diagnostic::error("invalid-name", place.clone(), "`null` is the receiver that every catalog has").help("choose another name");
        }
        Kind::Not { .. } => format!("`{name}` is zero: {shown}"),
        _ => format!("{shown} is not {}", node["title"].as_str().unwrap_or("what is wanted here")),
    };
    Diagnostic::error("invalid-value", place.clone(), message).help(format!("{}{example}", node["description"].as_str().unwrap_or_default()))
}

fn out_of_range(place: Place, name: &str, shown: &str, wanted: String) -> Diagnostic {
    Diagnostic::error("out-of-range", place, format!("`{name}` is {shown}")).help(format!("it must be {wanted}"))
}

/// A value in a message: never longer than a line.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("`{}`", text.escape_debug()),
        other => other.to_string(),
    };
    if text.chars().count() > 60 { text.chars().take(60).collect::<String>() + "…" } else { text }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "a number that does not fit",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn article(sort: &str) -> String {
    match sort {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text in quotes",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
    .to_string()
}
