//! A value that is another one, in words that fit any key.

use crate::catalog::Duration;
use crate::diff::Class::{self, Warning};
use crate::diff::rendered::leaves::Leaf;
use crate::diff::{listed, weight};
use crate::json::plain;
use crate::value::Value;

/// A value on one line, of a long one its beginning.
pub(crate) fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = plain(value)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('`', "'");
    if text.chars().count() > LONGEST {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    } else {
        text
    }
}

/// "`for` is 50m instead of 5m"; of lists of words, what came and went.
pub(crate) fn stated(leaf: &Leaf) -> String {
    let key = leaf.key();
    let key = if key.is_empty() {
        "it".to_string()
    } else {
        format!("`{key}`")
    };
    match (leaf.was, leaf.is) {
        (Some(Value::Array(was)), Some(Value::Array(is)))
            if was
                .iter()
                .chain(is)
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            let only = |one: &[Value], other: &[Value]| {
                one.iter()
                    .filter(|item| !other.contains(item))
                    .map(|item| format!("`{}`", short(item)))
                    .collect::<Vec<_>>()
            };
            match (only(was, is), only(is, was)) {
                (gone, new) if gone.is_empty() && new.is_empty() => {
                    format!("{key} is in another order")
                }
                (gone, new) if new.is_empty() => format!("{key} no longer has {}", listed(&gone)),
                (gone, new) if gone.is_empty() => format!("{key} also has {}", listed(&new)),
                (gone, new) => format!("{key} has {} instead of {}", listed(&new), listed(&gone)),
            }
        }
        (Some(was), Some(is)) => {
            let (was, is) = (short(was), short(is));
            if was == is {
                format!("{key} differs")
            } else {
                format!("{key} is {} instead of {}", quoted(&is), quoted(&was))
            }
        }
        (Some(was), None) => format!("{key} is removed: it was {}", quoted(&short(was))),
        (None, Some(is)) => format!("{key} is new: {}", quoted(&short(is))),
        (None, None) => key,
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        "empty".to_string()
    } else {
        format!("`{text}`")
    }
}

pub(crate) fn time(value: Option<&Value>) -> Option<Duration> {
    value.map_or(Some(Duration(0)), |value| Duration::parse(&plain(value)))
}

/// A time between two evaluations or scrapes, or until somebody is notified.
pub(crate) fn interval(leaf: &Leaf) -> (Class, String) {
    let class = match (leaf.was, leaf.is, time(leaf.was), time(leaf.is)) {
        (Some(_), Some(_), Some(was), Some(is)) => weight::longer(was, is),
        _ => Warning,
    };
    (class, stated(leaf))
}
