//! The stack in which the examples of the proofs are tried and explained, and the place in it that one of them is about.

use super::Role;
use crate::json::Parts;
use crate::lints::EXAMPLE;
use crate::render::{File, Rendered};
use crate::source::step;
use serde_json::Value;

/// Two alerts, of which one silences the other.
const ALERTS: &str = r#"[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"

[alerts.Errors]
kind = "error_ratio"
above = 0.05
window = "5m"
for = "5m"
severity = "warning"
"#;

/// The catalog whose rendered files the examples change.
pub fn catalog() -> String {
    format!("{EXAMPLE}{ALERTS}")
}

/// The first place in the files of a role that a pattern leads to: the index of the file, and the place as a JSON pointer.
///
/// A pattern is a JSON pointer. Its step `*` is any part, `key=text` any with that text under that key, and `-` is behind the
/// end of a list. What the last step names need not be there, so that an example can add it.
pub fn place(rendered: &Rendered, role: Role, pattern: &str) -> Option<(usize, String)> {
    let steps: Vec<&str> = pattern.split('/').skip(1).collect();
    let of_role = |(_, file): &(usize, &File)| file.role == role;
    let mut files = rendered.files.iter().enumerate().filter(of_role);
    files.find_map(|(index, file)| Some((index, inside(&file.value, &steps)?)))
}

/// The rest of the pointer, below a value.
fn inside(value: &Value, steps: &[&str]) -> Option<String> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(String::new());
    };
    let below = |key: &str, part: &Value| Some(format!("/{}{}", step(key), inside(part, rest)?));
    match (value, *first) {
        (Value::Object(map), "*") => map.iter().find_map(|(key, part)| below(key, part)),
        (Value::Object(map), key) => match map.get(key) {
            Some(part) => below(key, part),
            None => rest.is_empty().then(|| format!("/{}", step(key))),
        },
        (Value::Array(list), "-") => rest.is_empty().then(|| format!("/{}", list.len())),
        (Value::Array(_), wanted) => {
            let mut parts = value.items().enumerate().filter(|(index, part)| {
                let number = || index.to_string() == wanted;
                let named = || {
                    wanted
                        .split_once('=')
                        .is_some_and(|(key, text)| part[key] == text)
                };
                wanted == "*" || number() || named()
            });
            parts.find_map(|(index, part)| below(&index.to_string(), part))
        }
        _ => None,
    }
}
