//! Any document, value by value.

use crate::source::step;
use serde_json::Value;
use std::fmt::Write;

/// Visits every value of a document, at any depth, with its pointer and its key; what stands in a list has none.
pub(crate) fn walk(document: &Value, visit: &mut impl FnMut(&str, &str, &Value)) {
    fn inside(
        value: &Value,
        key: &str,
        pointer: &mut String,
        visit: &mut impl FnMut(&str, &str, &Value),
    ) {
        visit(pointer, key, value);
        let outside = pointer.len();
        let mut enter = |step: std::fmt::Arguments, key: &str, value: &Value| {
            let _ = pointer.write_fmt(step);
            inside(value, key, pointer, visit);
            pointer.truncate(outside);
        };
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| enter(format_args!("/{}", step(key)), key, value)),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(index, value)| enter(format_args!("/{index}"), "", value)),
            _ => {}
        }
    }
    inside(document, "", &mut String::new(), visit);
}
