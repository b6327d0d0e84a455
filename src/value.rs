//! Values as JSON has them. serde_json's own take twice the room, because each has room for a table of hashes, and hash a key whenever
//! it is looked up; nearly all maps of a stack have a few keys.

mod literals;
mod map;
mod serial;

pub use super::json_value as json;
pub use map::Map;
pub use serde_json::Number;
pub use serial::{from_value, to_value};

use std::fmt;

/// What a TOML, YAML or JSON text says.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(Map),
}

const NULL: &Value = &Value::Null;

/// A value as it is written in JSON, with values of Rust in it.
#[macro_export]
macro_rules! json_value {
    ($($written:tt)+) => {
        $crate::value::Value::from(::serde_json::json!($($written)+))
    };
}

/// A key of a map, or the number of an item.
pub trait Step {
    /// What is there.
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    /// The same, to be changed.
    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
    /// The same; a key that is missing is added with null.
    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value;
}

impl Step for str {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(map) => map.entry(self).or_insert(Value::Null),
            _ => panic!("only a map has the key `{self}`"),
        }
    }
}

impl Step for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        match value {
            Value::Array(list) => &mut list[*self],
            _ => panic!("only a list has items"),
        }
    }
}

impl Step for String {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.as_str().of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.as_str().of_mut(value)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        self.as_str().made(value)
    }
}

impl<S: Step + ?Sized> Step for &S {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).of_mut(value)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        (**self).made(value)
    }
}

impl<S: Step> std::ops::Index<S> for Value {
    type Output = Value;

    /// Null, where nothing is.
    fn index(&self, step: S) -> &Value {
        step.of(self).unwrap_or(NULL)
    }
}

impl<S: Step> std::ops::IndexMut<S> for Value {
    fn index_mut(&mut self, step: S) -> &mut Value {
        step.made(self)
    }
}

impl Value {
    /// What a key or the number of an item leads to.
    pub fn get(&self, step: impl Step) -> Option<&Value> {
        step.of(self)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, step: impl Step) -> Option<&mut Value> {
        step.of_mut(self)
    }

    /// What a JSON pointer leads to.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let mut found = self;
        for step in steps(pointer)? {
            found = match found {
                Value::Object(map) => map.get(&step),
                Value::Array(list) => list.get(number(&step)?),
                _ => None,
            }?;
        }
        Some(found)
    }

    /// The same, to be changed.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Value> {
        let mut found = self;
        for step in steps(pointer)? {
            found = match found {
                Value::Object(map) => map.get_mut(&step),
                Value::Array(list) => list.get_mut(number(&step)?),
                _ => None,
            }?;
        }
        Some(found)
    }

    /// Itself; null stays behind.
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn is_boolean(&self) -> bool {
        matches!(self, Value::Bool(_))
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Value::Number(_))
    }

    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    pub fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    pub fn is_string(&self) -> bool {
        matches!(self, Value::String(_))
    }

    pub fn is_array(&self) -> bool {
        matches!(self, Value::Array(_))
    }

    pub fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Value::Array(list) => Some(list),
            _ => None,
        }
    }

    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Value::Array(list) => Some(list),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// Its items; of what is no list, none.
    pub fn items(&self) -> std::slice::Iter<'_, Value> {
        self.as_array().map_or(&[][..], Vec::as_slice).iter()
    }

    /// The items that are texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.items().filter_map(Value::as_str)
    }

    /// Its keys with their values; of what is no map, none.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Value)> + Clone {
        self.as_object().into_iter().flatten()
    }
}

/// The steps of a JSON pointer; None: it is none.
fn steps(pointer: &str) -> Option<impl Iterator<Item = String>> {
    let rest = match pointer {
        "" => None,
        _ => Some(pointer.strip_prefix('/')?),
    };
    let steps = rest.into_iter().flat_map(|rest| rest.split('/'));
    Some(steps.map(|step| step.replace("~1", "/").replace("~0", "~")))
}

/// The number of an item, as a pointer has it.
fn number(step: &str) -> Option<usize> {
    let padded = step.len() > 1 && step.starts_with('0');
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    step.parse().ok().filter(|_| digits && !padded)
}

/// As JSON, on one line; with `{:#}` over several.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = match f.alternate() {
            true => serde_json::to_string_pretty(self),
            false => serde_json::to_string(self),
        };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_where_serde_json_has_them_lead() {
        let written = serde_json::json!({"a/b": {"m~n": [1, {"": null}]}, "0": [true]});
        let value = Value::from(written.clone());
        for pointer in [
            "",
            "/",
            "/a~1b",
            "/a~1b/m~0n/0",
            "/a~1b/m~0n/00",
            "/a~1b/m~0n/+0",
            "/a~1b/m~0n/1/",
            "/0/0",
            "/0/1",
            "0",
            "/a~1b/m~0n/1/x",
        ] {
            let found = value.pointer(pointer).map(Value::to_string);
            let meant = written.pointer(pointer).map(ToString::to_string);
            assert_eq!(found, meant, "{pointer}");
            let found = value.clone().pointer_mut(pointer).map(|found| found.take());
            assert_eq!(found.map(|found| found.to_string()), meant, "{pointer}");
        }
    }

    #[test]
    fn a_value_takes_half_the_room() {
        assert!(2 * size_of::<Value>() <= size_of::<serde_json::Value>());
    }
}
