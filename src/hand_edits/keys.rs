//! The keys of a catalog that can say a text: those that are written, those whose default holds, and those that a service may
//! have of its own.

use super::trial::{KeyChange, SINGLE, Stand};
use crate::catalog::schema::settings;
use crate::source::{pointer, step, steps};
use crate::value::Value;
use std::collections::{BTreeSet, HashMap};

/// A key with one value.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) steps: Vec<String>,
    /// What holds now.
    pub(crate) value: Value,
    /// Whether the catalog says it, or only its default or another table does.
    pub(crate) written: bool,
}

/// What a service may have otherwise of an alert.
const DIFFERS: [&str; 8] = [
    "above", "below", "at_least", "at_most", "within", "window", "for", "severity",
];

impl Key {
    /// The key that a change is of.
    pub(crate) fn of(change: &KeyChange) -> Key {
        Key {
            steps: change.steps.clone(),
            value: change.before.clone(),
            written: change.written,
        }
    }

    /// The names of entries that it belongs to: a service, an alert, a group; none of a key of `[prometheus]`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let entry = !SINGLE.contains(&self.steps[0].as_str());
        let own = self.steps.get(1).filter(|_| entry);
        let alert = match self.steps.as_slice() {
            [table, _, alerts, alert, ..] if table == "services" && alerts == "alerts" => {
                Some(alert)
            }
            _ => None,
        };
        own.into_iter().chain(alert).map(String::as_str)
    }

    /// How many services it is about, as far as the table says: a smaller number is of fewer.
    pub(crate) fn reach(&self) -> usize {
        match self.steps[0].as_str() {
            "services" => 0,
            "groups" => 1,
            "alerts" | "slos" | "rules" | "metrics" => 2,
            "defaults" => 3,
            _ => 4,
        }
    }
}

/// The keys that are written, and those whose default holds.
pub(crate) fn of_catalog(stand: &Stand) -> Vec<Key> {
    let mut found = Vec::new();
    leaves(&stand.filled, "", &mut |at, value| {
        found.push(Key {
            steps: steps(at).collect(),
            value: value.clone(),
            written: stand.source.contains(at) && stand.source.derived_from(at).is_none(),
        });
    });
    found
}

/// The keys that these services do not have, and take over from elsewhere; those of their groups too.
pub(crate) fn inherited(stand: &Stand, names: &BTreeSet<&str>) -> Vec<Key> {
    let filled = &stand.filled;
    let mut found = Vec::new();
    let mut groups = BTreeSet::new();
    let mut take_over = |table: &str, name: &str, from: &[&Value]| {
        let own = &filled[table][name];
        for (key, _) in settings().filter(|(key, _)| own.get(key.as_str()).is_none()) {
            let Some(value) = from.iter().find_map(|from| from.get(key.as_str())) else {
                continue;
            };
            add(&mut found, &[table, name, key], value);
        }
    };
    for name in names {
        let Some(group) = filled["services"][name]["group"].as_str() else {
            continue;
        };
        take_over(
            "services",
            name,
            &[&filled["groups"][group], &filled["defaults"]],
        );
        groups.insert(group);
    }
    for group in groups {
        take_over("groups", group, &[&filled["defaults"]]);
    }
    for name in names {
        let own = &filled["services"][name]["alerts"];
        for (alert, said) in filled["alerts"].entries() {
            for key in DIFFERS {
                if let (Some(value), None) = (said.get(key), own[alert].get(key)) {
                    add(&mut found, &["services", name, "alerts", alert, key], value);
                }
            }
        }
    }
    found
}

fn add(found: &mut Vec<Key>, path: &[&str], value: &Value) {
    let at = pointer(path);
    leaves(value, "", &mut |inside, value| {
        found.push(Key {
            steps: steps(&at).chain(steps(inside)).collect(),
            value: value.clone(),
            written: false,
        });
    });
}

/// Every text, number and flag below a value.
pub(super) fn leaves(value: &Value, at: &str, found: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| leaves(value, &format!("{at}/{}", step(key)), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| leaves(value, &format!("{at}/{index}"), found)),
        Value::Null => {}
        _ => found(at, value),
    }
}

/// Words of a text that may be names, with how many lines above a line each stands last; on the line itself: 0.
pub(crate) fn distances(text: &str, line: usize) -> HashMap<&str, usize> {
    let mut found = HashMap::new();
    let lines: Vec<&str> = text.lines().take(line).collect();
    for (distance, text) in lines.iter().rev().enumerate() {
        let outside = |letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-';
        for word in text.split(outside).filter(|word| !word.is_empty()) {
            found.entry(word).or_insert(distance);
        }
    }
    found
}
