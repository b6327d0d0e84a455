//! Grafana's model of a classic dashboard and of provisioning, versions 9 to 13: what their keys are and which values they take. The
//! facts are data, in grafana.toml; here they are read, and what is rendered is held against them.

mod check;
pub(crate) mod filled;
pub(crate) mod shown;

pub(crate) use check::{flaws, misread};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a panel of one type knows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PanelType {
    /// The type of its `options`; None: they are not judged.
    options: Option<String>,
    /// The type of `fieldConfig.defaults.custom`; None: they are not judged.
    custom: Option<String>,
    /// What it makes of queries; None: it asks none of Prometheus.
    pub(crate) draws: Option<Draws>,
}

/// What a panel shows of a series.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Draws {
    /// Its course.
    Range,
    /// One value, that of now.
    Now,
    /// One or the other.
    Either,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    panels: BTreeMap<String, PanelType>,
    plain_panels: Words,
    gone_panels: BTreeMap<String, String>,
    units: Units,
    colours: Colours,
    matchers: Words,
    reducers: Words,
    transformations: Transformations,
    types: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Words {
    known: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Units {
    forms: Vec<String>,
    known: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Colours {
    hues: Vec<String>,
    shades: Vec<String>,
    others: Vec<String>,
    css: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Transformations {
    known: Vec<String>,
    options: BTreeMap<String, BTreeMap<String, String>>,
}

/// Everything in grafana.toml.
pub(crate) struct Grafana {
    facts: Facts,
    types: BTreeMap<String, Keys>,
    transformations: BTreeMap<String, Keys>,
}

/// Key → what its value may be.
type Keys = BTreeMap<String, Vec<Type>>;

/// One thing that a value may be.
#[derive(Debug, PartialEq)]
enum Type {
    Any,
    Text,
    Number,
    Bool,
    /// This text or this number.
    Is(String),
    List(Vec<Type>),
    /// Any keys, each with such a value.
    Map(Vec<Type>),
    /// One of the types of the file.
    Named(String),
}

/// Read once.
pub(crate) static GRAFANA: LazyLock<Grafana> = LazyLock::new(|| {
    let facts = include_str!(concat!(env!("OUT_DIR"), "/grafana.json"));
    let facts: Facts = serde_json::from_str(facts).expect("grafana.toml is TOML of this form");
    let keys = |written: &BTreeMap<String, String>| -> Keys {
        written
            .iter()
            .map(|(key, text)| (key.clone(), types(text)))
            .collect()
    };
    let all = |tables: &BTreeMap<String, BTreeMap<String, String>>| {
        tables
            .iter()
            .map(|(name, table)| (name.clone(), keys(table)))
            .collect()
    };
    Grafana {
        types: all(&facts.types),
        transformations: all(&facts.transformations.options),
        facts,
    }
});

/// `"a" | [text] | Name`.
fn types(text: &str) -> Vec<Type> {
    let mut depth = 0;
    let apart = |c: char| {
        depth += i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}'));
        c == '|' && depth == 0
    };
    text.split(apart).map(|part| one(part.trim())).collect()
}

fn one(text: &str) -> Type {
    let inside = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    match text {
        "any" => Type::Any,
        "text" => Type::Text,
        "number" => Type::Number,
        "bool" => Type::Bool,
        _ => {
            if let Some(word) = inside('"', '"') {
                Type::Is(word.to_string())
            } else if let Some(items) = inside('[', ']') {
                Type::List(types(items))
            } else if let Some(values) = inside('{', '}') {
                Type::Map(types(values))
            } else if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                Type::Is(text.to_string())
            } else {
                Type::Named(text.to_string())
            }
        }
    }
}

impl Grafana {
    /// What is known of a type of panel; None for one that Grafana does not bring, and for those whose insides are not known.
    pub(crate) fn panel(&self, kind: &str) -> Option<&PanelType> {
        self.facts.panels.get(kind)
    }

    /// A colour without its shade.
    fn hue<'c>(&self, colour: &'c str) -> &'c str {
        let mut shades = self.facts.colours.shades.iter();
        shades
            .find_map(|shade| colour.strip_prefix(shade.as_str()))
            .unwrap_or(colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type that is named is there: a misspelt one would accept nothing.
    #[test]
    fn every_name_is_that_of_a_type() {
        fn named<'a>(list: &'a [Type], found: &mut Vec<&'a str>) {
            for one in list {
                match one {
                    Type::Named(name) => found.push(name),
                    Type::List(items) | Type::Map(items) => named(items, found),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        let all = GRAFANA
            .types
            .values()
            .chain(GRAFANA.transformations.values());
        all.flat_map(|keys| keys.values())
            .for_each(|list| named(list, &mut found));
        for panel in GRAFANA.facts.panels.values() {
            found.extend(
                panel
                    .options
                    .iter()
                    .chain(&panel.custom)
                    .map(String::as_str),
            );
        }
        found.retain(|name| !GRAFANA.types.contains_key(*name));
        assert!(found.is_empty(), "{found:?}");
    }
}
