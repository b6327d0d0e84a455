//! The values of a label: those that were seen, and what they say of the others.

use crate::value::Value;
use std::collections::BTreeSet;

/// So many values make a list; more are a pattern.
const LISTED: usize = 8;

/// Labels whose values are as many as there are users, addresses and releases, however few were seen.
const OPEN: [&str; 28] = [
    "address",
    "client",
    "container",
    "device",
    "endpoint",
    "error",
    "exception",
    "handler",
    "host",
    "id",
    "interface",
    "ip",
    "key",
    "mountpoint",
    "name",
    "node",
    "path",
    "pod",
    "queue",
    "route",
    "table",
    "tenant",
    "topic",
    "uri",
    "url",
    "user",
    "version",
    "view",
];

/// Labels that say how something ended: what fails has often not happened yet when a service is read.
const ENDED: [&str; 6] = ["cause", "code", "outcome", "reason", "result", "status"];

/// What was seen of a label.
#[derive(Default)]
pub(super) struct Seen {
    values: BTreeSet<String>,
    /// Samples that have it.
    pub(super) samples: usize,
}

/// What the values do not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doubt {
    /// There is one.
    Single,
    /// There are too many for a list.
    Many,
}

impl Seen {
    pub(super) fn add(&mut self, value: &str) {
        self.samples += 1;
        if !self.values.contains(value) {
            self.values.insert(value.to_string());
        }
    }
}

/// A list of values or a pattern. A list that lacks a value refuses a sound rule, so only what looks like a closed choice is one:
/// several words, all of them seen. `always`: every series has the label.
pub(super) fn domain(label: &str, seen: &Seen, always: bool) -> (Value, Option<Doubt>) {
    let values = &seen.values;
    let all =
        |is: &dyn Fn(&str) -> bool| !values.is_empty() && values.iter().all(|value| is(value));
    if !always || values.contains("") {
        return (".*".into(), None);
    }
    if all(&|value| matches!(value, "true" | "false")) {
        return (Value::from(vec!["false", "true"]), None);
    }
    if all(&status) {
        return ("[1-5][0-9]{2}".into(), None);
    }
    if all(&class_of_statuses) {
        return ("[1-5]xx".into(), None);
    }
    if label == "method" && all(&|value| value.chars().all(|c| c.is_ascii_uppercase())) {
        return ("[A-Z]+".into(), None);
    }
    if values.len() == 1 {
        return (".+".into(), Some(Doubt::Single));
    }
    let pattern = || {
        let numbers = all(&|value| value.chars().all(|c| c.is_ascii_digit()));
        Value::from(if numbers { "[0-9]+" } else { ".+" })
    };
    if values.len() > LISTED {
        return (pattern(), Some(Doubt::Many));
    }
    let name = label.to_lowercase();
    let open = OPEN.contains(&name.as_str()) || ENDED.contains(&name.as_str());
    if !open && all(&word) {
        return (values.iter().cloned().collect::<Vec<_>>().into(), None);
    }
    (pattern(), None)
}

/// 200, 404.
fn status(value: &str) -> bool {
    value.len() == 3
        && value.starts_with(|c| ('1'..='5').contains(&c))
        && value.chars().all(|c| c.is_ascii_digit())
}

/// 2xx.
fn class_of_statuses(value: &str) -> bool {
    value.len() == 3 && value.starts_with(|c| ('1'..='5').contains(&c)) && value.ends_with("xx")
}

/// One of a few choices as programs write them: letters, dashes and underscores.
fn word(value: &str) -> bool {
    value.len() <= 40
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value
            .chars()
            .all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-'))
}
