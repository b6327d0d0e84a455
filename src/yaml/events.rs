//! YAML as nearly everybody writes it, read straight from the parser's events: a third of what the whole reader costs.

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// One document that needs nothing but maps, lists, texts and simple numbers. None: there is more in it, such as a tag, an
/// anchor or a number that readers disagree about, or a mistake; the whole reader says what it is.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut reader = Reader(Parser::new_from_str(text));
    reader.expect(|event| *event == Event::StreamStart)?;
    reader.expect(|event| matches!(event, Event::DocumentStart(_, None)))?;
    let first = reader.next()?;
    let value = reader.value(first, DEEPEST)?;
    reader.expect(|event| *event == Event::DocumentEnd)?;
    reader.expect(|event| *event == Event::StreamEnd)?;
    Some(value)
}

/// How deep lists and maps stand in each other: what is deeper would need a stack of its own, and the whole reader has a limit.
const DEEPEST: usize = 64;

struct Reader<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Event<'a>> {
        Some(self.0.next_event()?.ok()?.0)
    }

    fn expect(&mut self, wanted: impl Fn(&Event) -> bool) -> Option<()> {
        wanted(&self.next()?).then_some(())
    }

    fn value(&mut self, event: Event<'a>, deeper: usize) -> Option<Value> {
        let deeper = deeper.checked_sub(1)?;
        match event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => plain(text),
            Event::Scalar(text, _, 0, None) => Some(Value::String(text.into_owned())),
            Event::SequenceStart(_, 0, None) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Some(Value::Array(items)),
                        item => items.push(self.value(item, deeper)?),
                    }
                }
            }
            Event::MappingStart(_, 0, None) => {
                let mut entries = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Some(Value::Object(entries)),
                        key => key_of(key)?,
                    };
                    let value = self.next()?;
                    let value = self.value(value, deeper)?;
                    if entries.insert(key, value).is_some() {
                        return None;
                    }
                }
            }
            _ => None,
        }
    }
}

/// A key that is a text for every reader.
fn key_of(event: Event) -> Option<String> {
    let Event::Scalar(text, style, 0, None) = event else {
        return None;
    };
    let word = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && constant(text).is_none()
    };
    (word(&text) || style != ScalarStyle::Plain && text != MERGE).then(|| text.into_owned())
}

/// The key that takes in other maps.
const MERGE: &str = "<<";

/// What a word means that is no text.
fn constant(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A scalar without quotes.
fn plain(text: Cow<str>) -> Option<Value> {
    if let Some(value) = constant(&text) {
        return Some(value);
    }
    let bytes = text.as_bytes();
    let begins = |first: &u8| first.is_ascii_digit() || b"+-.".contains(first);
    if bytes.first().is_some_and(begins) {
        let number = |byte: &u8| byte.is_ascii_digit() || b"+-._eE".contains(byte);
        if bytes.iter().all(number) && bytes.iter().any(u8::is_ascii_digit) {
            return decimal(&text);
        }
        if radix_or_special(bytes) {
            return None;
        }
    }
    Some(Value::String(text.into_owned()))
}

/// A number as everybody reads it: digits without a zero before them, and digits behind a point.
fn decimal(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !count(whole) || !count(part) || (whole != "0" && whole.starts_with('0')) {
        return None;
    }
    if digits.contains('.') {
        return Number::from_f64(text.parse().ok()?).map(Value::Number);
    }
    match text.parse::<u64>() {
        Ok(number) => Some(number.into()),
        Err(_) => text.parse::<i64>().ok().map(Value::from),
    }
}

/// Whether a scalar may be a number of another base, an infinity or no number at all.
fn radix_or_special(bytes: &[u8]) -> bool {
    let digits = match bytes {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    match digits {
        [b'0', base, ..] => b"xXoObB".contains(base),
        [b'.', letter, ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}
