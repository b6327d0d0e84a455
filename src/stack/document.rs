//! Any document, value by value.

use crate::source::step;
use serde_json::Value;
use std::fmt::{self, Write};

/// Where a value stands in a document. It is put together on the way down, and written as a JSON pointer only where
/// something is wrong.
pub(crate) enum Pointer<'a> {
    /// A pointer.
    Root(&'a str),
    Key(&'a Pointer<'a>, &'a str),
    Item(&'a Pointer<'a>, usize),
    /// Several steps, as a pointer without its first slash.
    Steps(&'a Pointer<'a>, &'a str),
}

impl<'a> Pointer<'a> {
    pub(crate) fn key(&'a self, key: &'a str) -> Pointer<'a> {
        Pointer::Key(self, key)
    }

    pub(crate) fn item(&'a self, index: usize) -> Pointer<'a> {
        Pointer::Item(self, index)
    }

    pub(crate) fn steps(&'a self, steps: &'a str) -> Pointer<'a> {
        Pointer::Steps(self, steps)
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Pointer::Root(pointer) => f.write_str(pointer),
            Pointer::Key(outer, key) => write!(f, "{outer}/{}", step(key)),
            Pointer::Item(outer, index) => write!(f, "{outer}/{index}"),
            Pointer::Steps(outer, steps) => write!(f, "{outer}/{steps}"),
        }
    }
}

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
