//! A file as its places are compared: text line by line, JSON with one value on each line, however it is laid out.

use crate::source::step;
use crate::value::Value;

/// A text to be compared, and which value each of its lines holds.
pub(crate) struct Shape {
    pub(crate) text: String,
    /// Of JSON: a JSON pointer for each line.
    pointers: Option<Vec<String>>,
}

impl Shape {
    /// Of a file; JSON that cannot be read is text.
    pub(crate) fn of(path: &str, text: &str) -> Shape {
        let value = path.ends_with(".json").then(|| serde_json::from_str(text));
        let Some(Ok(value)) = value else {
            return Shape::plain(text);
        };
        let mut pointers = Vec::new();
        walk(&value, "", &mut pointers);
        Shape {
            text: format!("{value:#}\n"),
            pointers: Some(pointers),
        }
    }

    /// A text, whatever it is.
    pub(crate) fn plain(text: &str) -> Shape {
        Shape {
            text: text.to_string(),
            pointers: None,
        }
    }

    /// Whether it is JSON that could be read.
    pub(crate) fn is_json(&self) -> bool {
        self.pointers.is_some()
    }

    /// The line that a byte is in, from 1.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.text[..byte.min(self.text.len())].matches('\n').count() + 1
    }

    /// The value on a line, of JSON.
    pub(crate) fn pointer(&self, line: usize) -> Option<&str> {
        let pointers = self.pointers.as_ref()?;
        let last = pointers.last()?;
        Some(pointers.get(line - 1).unwrap_or(last))
    }

    /// A text in this shape as the file has it.
    pub(crate) fn written(&self, text: String) -> Option<String> {
        match self.pointers {
            None => Some(text),
            Some(_) => serde_json::from_str::<Value>(&text)
                .ok()
                .map(|value| crate::json::print(&value)),
        }
    }
}

/// A pointer for each line that a value takes.
fn walk(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (step(key).into_owned(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    found.push(pointer.to_string());
    if children.is_empty() {
        return;
    }
    for (step, child) in children {
        walk(child, &format!("{pointer}/{step}"), found);
    }
    found.push(pointer.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_json_has_its_value() {
        let shape = Shape::of("a.json", r#"{"a": [1, {"b": []}], "c": "d"}"#);
        let of = |line: &str| {
            let line = shape.text.lines().position(|text| text.contains(line));
            shape.pointer(line.unwrap() + 1).unwrap()
        };
        assert_eq!(
            shape.text.lines().count(),
            shape.pointers.as_ref().unwrap().len()
        );
        assert_eq!(
            [of("1"), of("\"b\""), of("\"c\"")],
            ["/a/0", "/a/1/b", "/c"]
        );
        assert_eq!(
            shape.written(shape.text.clone()).unwrap(),
            "{\"a\": [1, {\"b\": []}], \"c\": \"d\"}\n"
        );
    }
}
