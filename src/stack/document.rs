//! Any document, value by value.

use crate::source::step;
use crate::value::Value;
use std::fmt;

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

    /// Whether it stands in what has such a key, however far inside.
    pub(crate) fn is_inside(&self, name: &str) -> bool {
        match self {
            Pointer::Root(_) => false,
            Pointer::Key(outer, _) | Pointer::Item(outer, _) | Pointer::Steps(outer, _) => {
                matches!(outer, Pointer::Key(_, key) if *key == name) || outer.is_inside(name)
            }
        }
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
pub(crate) fn walk(document: &Value, visit: &mut impl FnMut(&Pointer, &str, &Value)) {
    fn inside(
        value: &Value,
        key: &str,
        at: &Pointer,
        visit: &mut impl FnMut(&Pointer, &str, &Value),
    ) {
        visit(at, key, value);
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| inside(value, key, &at.key(key), visit)),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(index, value)| inside(value, "", &at.item(index), visit)),
            _ => {}
        }
    }
    inside(document, "", &Pointer::Root(""), visit);
}
