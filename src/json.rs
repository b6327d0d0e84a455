//! JSON as people review it: lines are filled, so that a changed panel is one or two changed lines, and files stay small.

use serde_json::Value;

/// Longer lines are broken up.
const WIDTH: usize = 160;

/// What is in a value of which it is not known whether it is a list or an object; of anything else, nothing.
pub trait Parts {
    fn items(&self) -> std::slice::Iter<'_, Value>;
    /// The items that are texts.
    fn texts(&self) -> impl Iterator<Item = &str> + Clone;
    fn entries(&self) -> impl Iterator<Item = (&String, &Value)> + Clone;
}

impl Parts for Value {
    fn items(&self) -> std::slice::Iter<'_, Value> {
        self.as_array().map_or(&[][..], Vec::as_slice).iter()
    }

    fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.items().filter_map(Value::as_str)
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Value)> + Clone {
        self.as_object().into_iter().flatten()
    }
}

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
    let mut out = String::new();
    Sized::of(String::new(), value).write(&mut out, 0);
    out.push('\n');
    out
}

/// A value with the columns that it takes on one line, key and all; counted once, from the inside out.
struct Sized {
    /// `"key": `, empty in a list.
    key: String,
    text: Text,
    width: usize,
}

enum Text {
    Scalar(String),
    Nested {
        open: char,
        close: char,
        items: Vec<Sized>,
    },
}

impl Sized {
    fn of(key: String, value: &Value) -> Sized {
        let text = match value {
            Value::Object(map) => {
                let items = map
                    .iter()
                    .map(|(key, value)| {
                        Sized::of(format!("{}: ", Value::from(key.as_str())), value)
                    })
                    .collect();
                Text::Nested {
                    open: '{',
                    close: '}',
                    items,
                }
            }
            Value::Array(list) => Text::Nested {
                open: '[',
                close: ']',
                items: list
                    .iter()
                    .map(|value| Sized::of(String::new(), value))
                    .collect(),
            },
            scalar => Text::Scalar(scalar.to_string()),
        };
        let width = match &text {
            Text::Scalar(text) => text.chars().count(),
            Text::Nested { items, .. } => {
                2 + items.iter().map(|item| item.width).sum::<usize>()
                    + 2 * items.len().saturating_sub(1)
            }
        };
        Sized {
            width: key.chars().count() + width,
            key,
            text,
        }
    }

    /// On the line under way when it fits there, else over several.
    fn write(&self, out: &mut String, depth: usize) {
        out.push_str(&self.key);
        let (open, close, items) = match &self.text {
            Text::Scalar(text) => return out.push_str(text),
            Text::Nested { open, close, items } => (*open, *close, items),
        };
        let whole = depth + self.width <= WIDTH;
        let mut column = if whole { 0 } else { WIDTH }; // of the line under way; full: the next item starts a line
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            if whole {
                out.push_str(if index > 0 { " " } else { "" });
            } else if column + item.width + 2 <= WIDTH {
                out.push(' ');
                column += item.width + 2;
            } else {
                break_line(out, depth + 1);
                column = depth + 1 + item.width + 2;
            }
            item.write(out, if whole { 0 } else { depth + 1 });
            column = column.min(WIDTH);
        }
        if !whole {
            break_line(out, depth);
        }
        out.push(close);
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&" ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
