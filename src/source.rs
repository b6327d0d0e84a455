//! A TOML file as text: key path → bytes → line and column.
//!
//! Paths are JSON pointers (`/services/search/port`), because that is what schema errors speak.

pub(crate) mod read;

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A catalog file: its text, its content as JSON, and where each key and value stands.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would write it; it opens every diagnostic.
    pub name: String,
    pub text: String,
    /// The content, tables in file order.
    pub value: Value,
    spans: HashMap<String, Span>,
    /// The byte at which each line starts.
    lines: Vec<usize>,
}

#[derive(Debug)]
struct Span {
    key: Range<usize>,
    value: Range<usize>,
}

/// Where the text is not TOML, and why.
#[derive(Debug)]
pub struct SyntaxError {
    /// The bytes at fault.
    pub span: Range<usize>,
    pub reason: String,
}

impl Source {
    /// Reads `text`; syntax errors come all at once, and the content is then only what could be recovered.
    pub fn parse(name: &str, text: &str) -> (Source, Vec<SyntaxError>) {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut spans = HashMap::new();
        let value = table(root.get_ref(), "", &mut spans);
        let errors = errors
            .into_iter()
            .map(|error| SyntaxError {
                span: error.span().unwrap_or(0..0),
                reason: error.message().to_string(),
            })
            .collect();
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        (
            Source {
                name: name.into(),
                text: text.into(),
                value,
                spans,
                lines,
            },
            errors,
        )
    }

    /// Whether the file itself says this key.
    pub(crate) fn contains(&self, pointer: &str) -> bool {
        self.spans.contains_key(pointer)
    }

    /// The bytes of a key, or of its nearest parent that is there: a missing `port` is shown at its table.
    pub(crate) fn key(&self, pointer: &str) -> Range<usize> {
        self.nearest(pointer)
            .map_or(0..0, |(_, span)| span.key.clone())
    }

    /// The bytes of a key's value; for a key that is not there, its nearest parent's name.
    pub(crate) fn value(&self, pointer: &str) -> Range<usize> {
        match self.nearest(pointer) {
            Some((found, span)) if found == pointer => span.value.clone(),
            Some((_, span)) => span.key.clone(),
            None => 0..0,
        }
    }

    fn nearest<'a>(&'a self, pointer: &'a str) -> Option<(&'a str, &'a Span)> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return Some((pointer, span));
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(crate) fn line_column(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= byte);
        (
            line,
            self.text[self.lines[line - 1]..byte].chars().count() + 1,
        )
    }

    /// The line of a key, from 1.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        self.line_column(self.key(pointer).start).0
    }
}

/// One step of a JSON pointer, escaped.
pub(crate) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn table(table: &DeTable, pointer: &str, spans: &mut HashMap<String, Span>) -> Value {
    let mut map = Map::new();
    for (key, value) in table {
        let pointer = format!("{pointer}/{}", step(key.get_ref()));
        let content = content(value, &pointer, spans);
        spans.insert(
            pointer,
            Span {
                key: key.span(),
                value: value.span(),
            },
        );
        map.insert(key.get_ref().to_string(), content);
    }
    Value::Object(map)
}

fn content(value: &Spanned<DeValue>, pointer: &str, spans: &mut HashMap<String, Span>) -> Value {
    match value.get_ref() {
        // A text over several lines is the same text in a checkout with other line ends.
        DeValue::String(text) => Value::String(text.replace("\r\n", "\n")),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(digits) => digits.as_str().parse().map_or(Value::Null, number),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
        DeValue::Table(inner) => table(inner, pointer, spans),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let pointer = format!("{pointer}/{index}");
                let content = content(item, &pointer, spans);
                spans.insert(
                    pointer,
                    Span {
                        key: item.span(),
                        value: item.span(),
                    },
                );
                content
            })
            .collect(),
    }
}

/// JSON knows one kind of number: 80.0 is the integer 80.
fn number(float: f64) -> Value {
    if float.fract() == 0.0 && float.abs() < 9e15 {
        Value::from(float as i64)
    } else {
        Value::from(float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_shown_at_its_table() {
        let (source, errors) = Source::parse(
            "services.toml",
            "[services.search]\ngroup = \"é\"\nport = 80\n",
        );
        assert!(errors.is_empty());
        assert_eq!(&source.text[source.value("/services/search/port")], "80");
        assert_eq!(
            &source.text[source.value("/services/search/runtime")],
            "search"
        );
        assert_eq!(
            source.line_column(source.value("/services/search/port").start),
            (3, 8)
        );
        assert_eq!(
            source.line_column(source.text.find("\"\n").unwrap()),
            (2, 11)
        );
    }

    #[test]
    fn all_syntax_errors_come_at_once() {
        let (_, errors) = Source::parse("services.toml", "a = \nb = 1\nb = 2\n[c\n");
        assert!(errors.len() >= 3, "{errors:?}");
    }
}
