//! One difference between two renderings, of one item of one file.

use super::items::{Item, ItemKind};
use super::leaves::Leaf;
use crate::diff::Class;
use crate::value::Value;

/// A value of a rendered file.
pub(crate) struct Spot {
    pub(super) path: String,
    pub(super) pointer: String,
    pub(super) before: bool,
}

impl Spot {
    /// In the rendering that is compared with: what is gone.
    pub(crate) fn before(path: &str, pointer: &str) -> Spot {
        Spot {
            path: path.to_string(),
            pointer: pointer.to_string(),
            before: true,
        }
    }

    /// In the new rendering.
    pub(crate) fn after(path: &str, pointer: &str) -> Spot {
        Spot {
            path: path.to_string(),
            pointer: pointer.to_string(),
            before: false,
        }
    }
}

/// What is said of one item of one file.
pub(crate) struct Difference {
    pub(super) class: Class,
    /// The file's, below the folder that is rendered to.
    pub path: String,
    /// Of what it is said.
    pub kind: ItemKind,
    /// Of which one.
    pub name: String,
    /// The name and the values, in which those that made the difference are named.
    pub text: String,
    pub(super) says: String,
    pub(super) spot: Spot,
}

impl Difference {
    /// Of an item.
    pub(crate) fn of(
        class: Class,
        path: &str,
        item: &Item,
        says: String,
        spot: Spot,
    ) -> Difference {
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
    pub(crate) fn of_leaf(
        class: Class,
        path: &str,
        (was, is): (&Item, &Item),
        leaf: &Leaf,
        says: String,
        spot: Spot,
    ) -> Difference {
        let value = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
        // A panel's thresholds are those of the alert that its query shows.
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
    pub(crate) fn about(
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

    /// Of a whole file.
    pub(crate) fn of_file(class: Class, path: &str, says: &str, spot: Spot) -> Difference {
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
