//! JSON as people review it: lines are filled, so that a changed panel is one or two changed lines, and files stay small.

use crate::value::Value;
use serde::Serialize;

/// Longer lines are broken up.
const WIDTH: usize = 160;

/// One name, or a list of them.
pub(crate) fn names(written: &Value) -> Vec<String> {
    match written {
        Value::String(one) => vec![one.clone()],
        many => many.texts().map(str::to_string).collect(),
    }
}

/// A value as it is written: a text without its quotes.
pub fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
}

/// The value with a line break at its end; keys keep their order.
pub fn print(value: &Value) -> String {
    let mut widths = Vec::new();
    measure(value, &mut widths);
    let mut printed = Printed {
        widths: widths.iter(),
        text: Vec::new(),
    };
    printed.value(value, 0, 0);
    printed.text.push(b'\n');
    String::from_utf8(printed.text).unwrap_or_default()
}

/// The columns that a value takes on one line; it is counted once, and stands in the list before those of what is in it.
fn measure(value: &Value, widths: &mut Vec<usize>) -> usize {
    let place = widths.len();
    widths.push(0);
    let around = |items: usize| 2 + 2 * items.saturating_sub(1);
    let width = match value {
        Value::Object(map) => {
            let items = map.iter();
            let items = items.map(|(key, value)| keyed(key) + measure(value, widths));
            items.sum::<usize>() + around(map.len())
        }
        Value::Array(list) => {
            let items = list.iter().map(|value| measure(value, widths));
            items.sum::<usize>() + around(list.len())
        }
        Value::String(text) => quoted(text),
        scalar => scalar.to_string().len(),
    };
    widths[place] = width;
    width
}

/// The columns of a key with its colon.
fn keyed(key: &str) -> usize {
    quoted(key) + 2
}

/// The columns of a text in its quotes.
fn quoted(text: &str) -> usize {
    let columns = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=31 => 6,
        // Of a character the first byte counts.
        128..=191 => 0,
        _ => 1,
    });
    columns.sum::<usize>() + 2
}

struct Printed<'w> {
    /// Of all values that are still to come, in their order.
    widths: std::slice::Iter<'w, usize>,
    text: Vec<u8>,
}

impl Printed<'_> {
    /// On the line under way when it fits there, behind a key of so many columns, else over several.
    fn value(&mut self, value: &Value, key: usize, depth: usize) {
        let width = key + self.widths.next().copied().unwrap_or(0);
        let (open, close) = match value {
            Value::Object(_) => (b'{', b'}'),
            Value::Array(_) => (b'[', b']'),
            scalar => return self.scalar(scalar),
        };
        let whole = depth + width <= WIDTH;
        let mut column = if whole { 0 } else { WIDTH }; // of the line under way; full: the next item starts a line
        self.text.push(open);
        let keys = value.entries().map(|(key, value)| (Some(key), value));
        let items = keys.chain(value.items().map(|value| (None, value)));
        for (index, (key, item)) in items.enumerate() {
            if index > 0 {
                self.text.push(b',');
            }
            let before = key.map_or(0, |key| keyed(key));
            let width = before + self.widths.as_slice().first().copied().unwrap_or(0);
            if whole {
                self.text.extend((index > 0).then_some(b' '));
            } else if column + width + 2 <= WIDTH {
                self.text.push(b' ');
                column += width + 2;
            } else {
                self.break_line(depth + 1);
                column = depth + 1 + width + 2;
            }
            if let Some(key) = key {
                self.scalar(key);
                self.text.extend(b": ");
            }
            self.value(item, before, if whole { 0 } else { depth + 1 });
            column = column.min(WIDTH);
        }
        if !whole {
            self.break_line(depth);
        }
        self.text.push(close);
    }

    fn scalar(&mut self, scalar: &(impl Serialize + ?Sized)) {
        serde_json::to_writer(&mut self.text, scalar)
            .expect("a text, a number or a word is written");
    }

    fn break_line(&mut self, depth: usize) {
        self.text.push(b'\n');
        self.text.resize(self.text.len() + depth, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn what_fits_stays_on_one_line_and_all_of_it_comes_back() {
        let value = json!({"gridPos": {"h": 7, "w": 8}, "empty": [], "long": ["a".repeat(100), {"b\n": "c".repeat(100)}]});
        let text = print(&value);
        assert!(
            text.contains("\n \"gridPos\": {\"h\": 7, \"w\": 8}, \"empty\": [],\n"),
            "{text}"
        );
        assert!(
            text.ends_with("}\n") && text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
