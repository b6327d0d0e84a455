//! The values in which two items differ.

use crate::catalog::Duration;
use crate::promql::canonical;
use crate::source::pointer;
use crate::value::Value;

/// A value that is another one, or on one side only.
pub(crate) struct Leaf<'a> {
    /// Keys and indexes from the item on.
    pub path: Vec<String>,
    /// On the side that is compared with.
    pub was: Option<&'a Value>,
    pub is: Option<&'a Value>,
}

impl<'a> Leaf<'a> {
    /// Its JSON pointer from the item on.
    pub(crate) fn pointer(&self) -> String {
        pointer(&self.path)
    }

    /// The path as people write it; `targets.A.expr`.
    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }

    /// The nearest key around it.
    pub(crate) fn last(&self) -> &str {
        self.path
            .iter()
            .rev()
            .find(|key| key.parse::<usize>().is_err())
            .map_or("", String::as_str)
    }

    /// Both sides as lists; what is not a list has no items.
    pub(crate) fn lists(&self) -> (&'a [Value], &'a [Value]) {
        let list = |side: Option<&'a Value>| {
            side.and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        (list(self.was), list(self.is))
    }

    /// Both sides as texts; what is not a text is empty.
    pub(crate) fn texts(&self) -> (&'a str, &'a str) {
        let text = |side: Option<&'a Value>| side.and_then(Value::as_str).unwrap_or_default();
        (text(self.was), text(self.is))
    }

    /// Whether a key is on the way to it.
    pub(crate) fn under(&self, key: &str) -> bool {
        self.path.iter().any(|known| known == key)
    }
}

/// Every difference, from the outside in; a value on one side only is one difference, however much it holds.
pub(crate) fn of<'a>(was: &'a Value, is: &'a Value) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    walk(&mut Vec::new(), Some(was), Some(is), &mut found);
    found
}

fn walk<'a>(
    path: &mut Vec<String>,
    was: Option<&'a Value>,
    is: Option<&'a Value>,
    found: &mut Vec<Leaf<'a>>,
) {
    if was == is {
        return;
    }
    match (was, is) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys = old
                .keys()
                .chain(new.keys().filter(|key| !old.contains_key(key)));
            for key in keys {
                path.push(key.clone());
                walk(path, old.get(key), new.get(key), found);
                path.pop();
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new)))
            if old.len() == new.len()
                && new.iter().any(|item| item.is_object() || item.is_array()) =>
        {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                path.push(index.to_string());
                walk(path, Some(old), Some(new), found);
                path.pop();
            }
        }
        _ if same(path.last().map_or("", String::as_str), was, is) => {}
        _ => found.push(Leaf {
            path: path.clone(),
            was,
            is,
        }),
    }
}

/// Whether two words for one thing: PromQL that is parsed to the same, 300s and 5m.
fn same(key: &str, was: Option<&Value>, is: Option<&Value>) -> bool {
    let (Some(was), Some(is)) = (was.and_then(Value::as_str), is.and_then(Value::as_str)) else {
        return false;
    };
    let duration = |text: &str| Duration::parse(text);
    match key {
        "expr" | "query" | "definition" => canonical::same(was, is),
        _ => duration(was).is_some_and(|was| duration(is) == Some(was)),
    }
}
