//! The containers of a compose file, and what they share.

use super::{Item, ItemKind, entries, rest, sorted};
use crate::value::{Map, Value};

/// Lists of compose whose order has no meaning.
const UNORDERED: [&str; 9] = [
    "ports",
    "volumes",
    "networks",
    "extra_hosts",
    "cap_drop",
    "cap_add",
    "security_opt",
    "secrets",
    "tmpfs",
];

pub(crate) fn compose(value: &Value) -> Vec<Item> {
    let mut containers = entries(value, "services", ItemKind::Container);
    for container in &mut containers {
        for key in UNORDERED
            .into_iter()
            .filter(|key| container.value[*key].is_array())
            .collect::<Vec<_>>()
        {
            container.value[key] = sorted(&container.value[key]);
        }
        if let Some(words) = container.value["command"].as_array().filter(|words| {
            words
                .iter()
                .all(|word| word.as_str().is_some_and(|w| w.starts_with('-')))
        }) {
            container.value["command"] = flags(words);
        }
        if let Some(pairs) = container.value["environment"].as_array() {
            container.value["environment"] = environment(pairs);
        }
    }
    let mut found = containers;
    for (key, word) in [
        ("networks", "network"),
        ("volumes", "volume"),
        ("secrets", "secret"),
        ("configs", "config"),
    ] {
        found.extend(
            entries(value, key, ItemKind::Resource)
                .into_iter()
                .map(|item| Item {
                    name: format!("{word} {}", item.name),
                    ..item
                }),
        );
    }
    found.extend(rest(
        value,
        &["services", "networks", "volumes", "secrets", "configs"],
    ));
    found
}

/// `NAME=value` by name; a name alone has no value.
fn environment(pairs: &[Value]) -> Value {
    let pair = |text: &str| {
        text.split_once('=')
            .map_or((text.to_string(), Value::Null), |(key, value)| {
                (key.to_string(), value.into())
            })
    };
    Value::Object(pairs.iter().filter_map(Value::as_str).map(pair).collect())
}

/// `--name=value` by name; a flag given several times has several values.
fn flags(words: &[Value]) -> Value {
    let mut found: Map = Map::new();
    for word in words.iter().filter_map(Value::as_str) {
        let (name, value) = word.split_once('=').unwrap_or((word, "on"));
        match found.get_mut(name) {
            Some(Value::String(known)) => *known += &format!(", {value}"),
            _ => {
                found.insert(name.to_string(), value.into());
            }
        }
    }
    Value::Object(found)
}
