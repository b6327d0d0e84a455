//! Keys that may say an edit though the place, as it is rendered, does not spell their value: the catalog is silent about them, or
//! says the same under another key, or no longer has what was taken out of the file. The schema knows which keys there are.

use super::keys::{distances, leaves};
use super::spelling::spellings;
use super::trial::{KeyChange, SINGLE, Stand};
use crate::catalog::placeholders::written_back;
use crate::editing::names::{self, at, said};
use crate::pipeline::overlay_name;
use crate::source::{pointer, steps};
use crate::value::Value;
use std::collections::BTreeSet;

/// An edited place, as it is read here.
pub(super) struct Place<'a> {
    /// The whole file as it is rendered, and the line of the place in it.
    pub(super) base: &'a str,
    pub(super) line: usize,
    /// The words that differ, and the lines that they are in; before and after.
    pub(super) words: (&'a str, &'a str),
    pub(super) lines: (&'a str, &'a str),
}

/// A text that no file says by itself: where it turns up in a rendering, a key is read.
const PROBE: &str = "qzxprobexzq";

impl Place<'_> {
    fn is_gone(&self) -> bool {
        self.words.1.trim().is_empty() && !self.words.0.trim().is_empty()
    }

    /// The tables that the place may be about, the nearest first.
    fn entities(&self, stand: &Stand) -> Vec<Vec<String>> {
        // What is added stands before the line that it was added at.
        let line = match self.words.0.is_empty() && self.lines.0.is_empty() {
            true => self.line.saturating_sub(1),
            false => self.line,
        };
        let distances = distances(self.base, line);
        let mut found: Vec<(usize, Vec<String>)> = Vec::new();
        for table in ["alerts", "services", "slos", "receivers", "groups"] {
            let entries = stand.filled[table].entries().map(|(name, _)| name);
            let named: Vec<(usize, &String)> = entries
                .filter_map(|name| Some((*distances.get(name.as_str())?, name)))
                .collect();
            let nearest = named.iter().map(|(distance, _)| *distance).min();
            let near = named
                .into_iter()
                .filter(|(distance, _)| Some(*distance) == nearest);
            found.extend(near.map(|(far, name)| (far, vec![table.to_string(), name.clone()])));
        }
        found.sort();
        let mut paths: Vec<Vec<String>> = found.into_iter().map(|(_, path)| path).collect();
        for path in paths.clone() {
            let group = match path[0].as_str() {
                "services" => stand.filled["services"][&path[1]]["group"].as_str(),
                _ => None,
            };
            let group = group.map(|group| vec!["groups".to_string(), group.to_string()]);
            paths.extend(group.filter(|group| !paths.contains(group)));
        }
        paths.extend(SINGLE.map(|table| vec![table.to_string()]));
        paths
    }

    /// Values that a key may be given for the place: the words that are there now, the whole value of the line, each value that
    /// was added.
    fn values(&self) -> BTreeSet<String> {
        let (old, new) = self.words;
        let mut found = BTreeSet::new();
        let mut add = |text: &str| {
            let text = unquoted(text);
            // Of whole sentences, a probe says where they stand.
            if !text.is_empty() && !text.contains([' ', '\n', '$', '{']) {
                found.insert(text.to_string());
            }
        };
        add(new.trim());
        for line in self.lines.1.lines() {
            add(line.trim());
            if let Some((_, value)) = line.split_once(": ") {
                add(value.trim());
            }
        }
        if !old.is_empty() && !new.is_empty() {
            add(new);
        }
        found
    }

    /// Each `name: value` that was added, in lines of its own or between braces.
    fn pairs(&self) -> Vec<(String, String)> {
        let text = match self.words.0.is_empty() {
            true => self.words.1,
            false => self.lines.1,
        };
        let mut found = Vec::new();
        for part in text.split(['\n', ',', '{', '}']) {
            let Some((key, value)) = part.split_once(':') else {
                continue;
            };
            let key = unquoted(key.trim().trim_start_matches("- ").trim());
            let value = unquoted(value.trim());
            if !key.is_empty() && !value.is_empty() {
                found.push((key.to_string(), value.to_string()));
            }
        }
        found
    }
}

fn unquoted(text: &str) -> &str {
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    quoted.unwrap_or(text)
}

/// Keys to be tried for a place; of several together, none says it without the others. Nearest first.
pub(super) fn keys(stand: &Stand, place: &Place) -> Vec<Vec<KeyChange>> {
    if place.is_gone() {
        return gone(stand, place);
    }
    let mut found: Vec<Vec<KeyChange>> = Vec::new();
    for entity in place.entities(stand) {
        let schema = &stand.schema.value;
        let nodes = at(schema, &entity);
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for (key, node) in nodes.iter().flat_map(|node| node["properties"].entries()) {
            if node.is_object() && known.insert(key) {
                let mut steps = entity.clone();
                steps.push(key.clone());
                found.extend(
                    set(stand, place, &steps, node)
                        .into_iter()
                        .map(|one| vec![one]),
                );
            }
        }
        found.extend(instead(stand, &entity, &nodes));
    }
    found
}

/// A key with each value that it may be given for the place.
fn set(stand: &Stand, place: &Place, steps: &[String], node: &Value) -> Vec<KeyChange> {
    let schema = &stand.schema.value;
    let said = said(schema, node);
    let mut found = Vec::new();
    // Names of the user's own, with texts: labels.
    let maps = said.iter().filter(|node| node["type"] == "object");
    let mut texts = maps.filter_map(|node| node.get("additionalProperties"));
    if texts.any(|node| types(&names::said(schema, node)).contains("string")) {
        for (key, value) in place.pairs() {
            let mut steps = steps.to_vec();
            steps.push(key);
            found.push(change(stand, &steps, Some(value)));
        }
    }
    let choices: Vec<&Value> = said.iter().flat_map(|node| node["enum"].items()).collect();
    let types = types(&said);
    for value in place.values() {
        let fits = match choices.is_empty() {
            false => choices.iter().any(|choice| **choice == value.as_str()),
            true => {
                types.contains("string")
                    || types.contains("boolean") && value.parse::<bool>().is_ok()
                    || (types.contains("number") || types.contains("integer"))
                        && value.parse::<f64>().is_ok()
            }
        };
        if fits {
            found.push(change(stand, steps, Some(value)));
        }
    }
    found
}

/// The types that a key may have, as the schema calls them.
fn types<'a>(said: &[&'a Value]) -> BTreeSet<&'a str> {
    said.iter()
        .filter_map(|node| node["type"].as_str())
        .collect()
}

/// The same value under another key: of some, an entry has exactly one, as `above` or `at_least`.
fn instead(stand: &Stand, entity: &[String], nodes: &[&Value]) -> Vec<Vec<KeyChange>> {
    let mut found = Vec::new();
    let Some(entry) = stand.source.value.pointer(&pointer(entity)) else {
        return found;
    };
    for choices in nodes.iter().map(|node| &node["oneOf"]) {
        let keys: BTreeSet<&str> = choices
            .items()
            .flat_map(|choice| choice["required"].texts())
            .collect();
        let written: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| entry.get(*key).is_some())
            .collect();
        let [own] = written[..] else { continue };
        let value = match &entry[own] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        for other in keys.into_iter().filter(|key| *key != own) {
            let path = |key: &str| [entity, &[key.to_string()]].concat();
            let both = vec![
                change(stand, &path(own), None),
                change(stand, &path(other), Some(value.clone())),
            ];
            if !found.contains(&both) {
                found.push(both);
            }
        }
    }
    found
}

/// What is written and was taken out of the file: an entry that it names, a key whose value it spells.
fn gone(stand: &Stand, place: &Place) -> Vec<Vec<KeyChange>> {
    let mut found = Vec::new();
    let outside = |letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-';
    let words: BTreeSet<&str> = place.lines.0.split(outside).collect();
    if place.lines.0.lines().count() > 1 && stand.texts.environment.is_none() {
        for table in ["alerts", "services"] {
            let entries = stand.filled[table].entries().map(|(name, _)| name);
            let named: Vec<KeyChange> = entries
                .filter(|name| words.contains(name.as_str()))
                .map(|name| change(stand, &[table.to_string(), name.clone()], None))
                .collect();
            found.extend(named.iter().map(|one| vec![one.clone()]));
            if named.len() > 1 {
                found.push(named);
            }
        }
    }
    for entity in place.entities(stand) {
        let own = pointer(&entity);
        let Some(entry) = stand.source.value.pointer(&own) else {
            continue;
        };
        leaves(entry, "", &mut |inside, value| {
            let spelled = spellings(value);
            if spelled
                .iter()
                .any(|spelling| place.words.0.contains(&spelling.text))
            {
                let steps: Vec<String> = entity.iter().cloned().chain(steps(inside)).collect();
                found.push(vec![change(stand, &steps, None)]);
            }
        });
    }
    found
}

/// Texts of entries near a place, each with a probe: where it turns up, the key is read.
pub(super) fn probes(stand: &Stand, place: &Place) -> Vec<KeyChange> {
    let mut found = Vec::new();
    let schema = &stand.schema.value;
    for entity in place
        .entities(stand)
        .into_iter()
        .filter(|path| path.len() > 1)
    {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let nodes = at(schema, &entity);
        for (key, node) in nodes.iter().flat_map(|node| node["properties"].entries()) {
            let said = said(schema, node);
            let free = types(&said).contains("string")
                && said.iter().all(|node| {
                    node.get("enum").is_none()
                        && node.get("names").is_none()
                        && node.get("format").is_none()
                });
            if node.is_object() && free && known.insert(key) {
                let steps = [&entity[..], std::slice::from_ref(key)].concat();
                found.push(change(stand, &steps, Some(PROBE.to_string())));
            }
        }
    }
    found
}

/// What the value of a probed key would be for a place: the text that stands on disk where the probe is rendered.
pub(super) fn probed(rendered: &str, place: &Place) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in rendered.lines() {
        let Some((before, behind)) = line.split_once(PROBE) else {
            continue;
        };
        for now in place.lines.1.lines() {
            let inside = now
                .strip_prefix(before)
                .and_then(|text| text.strip_suffix(behind));
            let text =
                inside.and_then(|text| serde_json::from_str::<String>(&format!("\"{text}\"")).ok());
            found.extend(text.as_deref().and_then(written_back));
        }
    }
    found
}

fn change(stand: &Stand, steps: &[String], word: Option<String>) -> KeyChange {
    let at = pointer(steps);
    let file = match &stand.texts.environment {
        Some(environment) => overlay_name(environment),
        None => stand.source.at(&at).0,
    };
    let written = stand.source.contains(&at) && stand.source.derived_from(&at).is_none();
    KeyChange {
        steps: steps.to_vec(),
        file,
        before: stand.filled.pointer(&at).cloned().unwrap_or_default(),
        written,
        word,
    }
}
