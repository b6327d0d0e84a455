//! Differences on their way to sentences: those that say the same of several items become one line.

use super::difference::Difference;
use super::explained::Explained;
use super::items::ItemKind;
use crate::diagnostic::Place;
use crate::diff::{At, Change, listed, plural};
use crate::render::Rendered;
use std::collections::HashMap;

/// The differences found so far, in the order in which they were.
pub(crate) struct Group<'a> {
    explained: Option<&'a Explained>,
    said: Vec<(Difference, Vec<String>)>,
    known: HashMap<(String, ItemKind, String), usize>,
}

impl<'a> Group<'a> {
    /// None yet; those that are `explained` do not count.
    pub(crate) fn new(explained: Option<&'a Explained>) -> Group<'a> {
        Group {
            explained,
            said: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Adds one; where the same was said of another item of that kind, its name joins that line.
    pub(crate) fn push(&mut self, difference: Difference) {
        if self
            .explained
            .is_some_and(|explained| explained.covers(&difference))
        {
            return;
        }
        let key = (
            difference.path.clone(),
            difference.kind,
            difference.says.clone(),
        );
        let name = difference.name.clone();
        match self.known.get(&key) {
            Some(index) if !self.said[*index].1.contains(&name) => self.said[*index].1.push(name),
            Some(_) => {}
            None => {
                self.known.insert(key, self.said.len());
                self.said.push((difference, vec![name]));
            }
        }
    }

    /// As sentences, each with the line of the template that wrote it.
    pub(crate) fn changes(self, before: &Rendered, after: &Rendered) -> Vec<Change> {
        let change = |(difference, names): (Difference, Vec<String>)| {
            let side = if difference.spot.before {
                before
            } else {
                after
            };
            let (file, line) = match side.place(&difference.spot.path, &difference.spot.pointer) {
                Place::Line { file, line, .. } => (file, line),
                Place::File(file) if !file.starts_with(&side.output) => (file, 1),
                // Text has no values with lines of their own.
                _ => (
                    format!(
                        "templates/{}",
                        side.file(&difference.spot.path)
                            .map_or(difference.path.as_str(), |file| file.template)
                    ),
                    1,
                ),
            };
            let at = At::Line {
                file,
                line,
                before: difference.spot.before,
            };
            let kind = difference.kind.word();
            let lead = match (kind, names.as_slice()) {
                ("", [name]) if name.is_empty() => {
                    format!("{} {}", difference.path, difference.says)
                }
                (_, names) => {
                    let says = if names.len() > 1 {
                        of_several(&difference.says)
                    } else {
                        difference.says.clone()
                    };
                    format!("{}: {}: {says}", difference.path, counted(kind, names))
                }
            };
            Change {
                class: difference.class,
                lead,
                services: Vec::new(),
                rest: String::new(),
                at,
            }
        };
        self.said.into_iter().map(change).collect()
    }
}

/// "is new" of one, "are new" of several.
fn of_several(says: &str) -> String {
    const VERBS: [(&str, &str); 10] = [
        ("is ", "are "),
        ("asks ", "ask "),
        ("fires ", "fire "),
        ("goes ", "go "),
        ("has ", "have "),
        ("records ", "record "),
        ("runs ", "run "),
        ("gives up ", "give up "),
        ("takes ", "take "),
        ("no longer runs", "no longer run"),
    ];
    let verb = VERBS
        .iter()
        .find_map(|(one, several)| Some(format!("{several}{}", says.strip_prefix(one)?)));
    verb.unwrap_or_else(|| says.to_string())
}

/// "alert A", "alerts A and B"; of many "7 panels (A, B, C and 4 more)".
fn counted(kind: &str, names: &[String]) -> String {
    const LISTED: usize = 5;
    match (kind, names) {
        ("", names) => listed(names),
        (kind, [name]) => format!("{kind} {name}"),
        (kind, names) if names.len() > LISTED => {
            format!(
                "{} ({} and {} more)",
                plural(names.len(), kind),
                names[..3].join(", "),
                names.len() - 3
            )
        }
        (kind, names) => format!("{kind}s {}", listed(names)),
    }
}
