//! Differences on their way to sentences: those that say the same of several items become one line.

use super::items::{Item, ItemKind};
use super::leaves::Leaf;
use crate::diagnostic::Place;
use crate::diff::{At, Change, Class, Explained, listed, plural};
use crate::render::Rendered;
use std::collections::HashMap;

/// A value of a rendered file.
pub struct Spot {
    path: String,
    pointer: String,
    before: bool,
}

impl Spot {
    /// In the rendering that is compared with: what is gone.
    pub fn before(path: &str, pointer: &str) -> Spot {
        Spot {
            path: path.to_string(),
            pointer: pointer.to_string(),
            before: true,
        }
    }

    pub fn after(path: &str, pointer: &str) -> Spot {
        Spot {
            path: path.to_string(),
            pointer: pointer.to_string(),
            before: false,
        }
    }
}

/// What is said of one item of one file.
pub struct Difference {
    class: Class,
    /// The file's, below the folder that is rendered to.
    pub path: String,
    /// Of what it is said.
    pub kind: ItemKind,
    pub name: String,
    /// The name and the values, in which those that made the difference are named.
    pub text: String,
    says: String,
    spot: Spot,
}

impl Difference {
    pub fn of(class: Class, path: &str, item: &Item, says: String, spot: Spot) -> Difference {
        let text = format!("{} {}", item.name, item.value);
        Difference {
            class,
            path: path.to_string(),
            kind: item.kind,
            name: item.name.clone(),
            text,
            says,
            spot,
        }
    }

    /// Of a value of an item that is there on both sides.
    pub fn of_leaf(
        class: Class,
        path: &str,
        (was, is): (&Item, &Item),
        leaf: &Leaf,
        says: String,
        spot: Spot,
    ) -> Difference {
        let value =
            |value: Option<&serde_json::Value>| value.map(ToString::to_string).unwrap_or_default();
        // A panel's thresholds are those of the alert that its query stands for.
        let text = match is.kind {
            ItemKind::Panel => format!("{} {} {}", is.name, was.value, is.value),
            _ => format!("{} {} {}", is.name, value(leaf.was), value(leaf.is)),
        };
        Difference {
            text,
            ..Difference::of(class, path, is, says, spot)
        }
    }

    /// Of an item that is not one of the file's own, such as an alert that goes elsewhere.
    pub fn about(
        class: Class,
        path: &str,
        kind: ItemKind,
        name: String,
        says: String,
        spot: Spot,
    ) -> Difference {
        let text = format!("{name} {says}");
        Difference {
            class,
            path: path.to_string(),
            kind,
            name,
            text,
            says,
            spot,
        }
    }

    pub fn of_file(class: Class, path: &str, says: &str, spot: Spot) -> Difference {
        Difference {
            class,
            path: path.to_string(),
            kind: ItemKind::File,
            name: String::new(),
            text: String::new(),
            says: says.to_string(),
            spot,
        }
    }
}

/// The differences found so far, in the order in which they were.
pub struct Group<'a> {
    explained: Option<&'a Explained>,
    said: Vec<(Difference, Vec<String>)>,
    known: HashMap<(String, ItemKind, String), usize>,
}

impl<'a> Group<'a> {
    /// None yet; those that are `explained` do not count.
    pub fn new(explained: Option<&'a Explained>) -> Group<'a> {
        Group {
            explained,
            said: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Adds one; where the same was said of another item of that kind, its name joins that line.
    pub fn push(&mut self, difference: Difference) {
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
    pub fn changes(self, before: &Rendered, after: &Rendered) -> Vec<Change> {
        let change = |(difference, names): (Difference, Vec<String>)| {
            let side = if difference.spot.before {
                before
            } else {
                after
            };
            let (file, line) = match side.place(&difference.spot.path, &difference.spot.pointer) {
                Place::Line { file, line, .. } => (file, line),
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
