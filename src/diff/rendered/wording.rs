//! What a difference means to those who are notified, and how much it weighs.

mod alertmanager;
mod container;
mod module;
mod panel;
mod prometheus;
mod rules;
mod stated;

use super::items::{Item, ItemKind};
use super::leaves::Leaf;
use super::readers::Readers;
use super::routing::Routing;
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use alertmanager::{held_back, inhibition, receiver};
use container::container;
use module::module;
use panel::panel;
use prometheus::{job, key};
use rules::{alert, recording};
use stated::{interval, short, stated};

pub(crate) struct Scene<'a> {
    /// Who reads a recorded series.
    pub readers: &'a Readers,
    pub routes: &'a Routing,
}

/// An item that is no longer there; None: it is reported elsewhere.
pub(crate) fn gone(item: &Item, scene: &Scene) -> Option<(Class, String)> {
    let (class, says) = match item.kind {
        ItemKind::Layout | ItemKind::File => return None,
        ItemKind::Alert => (Dangerous, "is removed: no one is notified of it any more"),
        ItemKind::Recording => (
            Warning,
            "is no longer recorded: queries of it find nothing new",
        ),
        ItemKind::Rules => (Notice, "is no longer there"),
        ItemKind::Job => (Dangerous, "is no longer scraped"),
        ItemKind::Receiver if scene.routes.used(&item.name) => {
            (Dangerous, "is removed, and was in use")
        }
        ItemKind::Receiver => (Notice, "is removed"),
        ItemKind::Inhibition => (Notice, "is removed: what it held back is notified"),
        ItemKind::Times => (Warning, "is removed"),
        ItemKind::Module => (Warning, "is removed"),
        ItemKind::Panel | ItemKind::Row => (Notice, "is removed"),
        ItemKind::Variable => (Notice, "is removed: links that set it have no effect"),
        ItemKind::Datasource => (Dangerous, "is removed: what asks it shows nothing"),
        ItemKind::Provider => (Dangerous, "is removed: its dashboards are no longer read"),
        ItemKind::Container => (Dangerous, "no longer runs"),
        ItemKind::Resource => (Warning, "is removed"),
        ItemKind::Key => {
            let class = if item.name == "rule_files" || item.name == "alerting" {
                Dangerous
            } else {
                Warning
            };
            return Some((class, format!("is removed: {}", short(&item.value))));
        }
    };
    Some((class, says.to_string()))
}

/// An item that was not there.
pub(crate) fn new(item: &Item) -> Option<(Class, String)> {
    let (class, says) = match item.kind {
        ItemKind::Layout | ItemKind::File => return None,
        ItemKind::Inhibition => {
            return Some((Dangerous, format!("is new: {}", held_back(&item.value))));
        }
        ItemKind::Times | ItemKind::Module | ItemKind::Container | ItemKind::Resource => {
            (Notice, "is new")
        }
        ItemKind::Key => return Some((Warning, format!("is new: {}", short(&item.value)))),
        _ => (Safe, "is new"),
    };
    Some((class, says.to_string()))
}

/// A value of an item that is another one.
pub(crate) fn changed(item: &Item, leaf: &Leaf, scene: &Scene) -> (Class, String) {
    let known = match item.kind {
        ItemKind::Alert => alert(leaf, scene),
        ItemKind::Recording => recording(item, leaf, scene.readers),
        ItemKind::Rules => (leaf.key() == "interval").then(|| interval(leaf)),
        ItemKind::Job => job(leaf),
        ItemKind::Key => key(item, leaf),
        ItemKind::Receiver => Some(receiver(item, leaf, scene.routes)),
        ItemKind::Inhibition => Some(inhibition(leaf)),
        ItemKind::Panel | ItemKind::Row => Some(panel(leaf)),
        ItemKind::Layout => Some((Safe, "are arranged differently".to_string())),
        ItemKind::Variable => Some((Notice, stated(leaf))),
        ItemKind::Datasource => Some((
            match leaf.key().as_str() {
                "uid" => Dangerous,
                "url" | "type" | "access" => Warning,
                _ => Notice,
            },
            stated(leaf),
        )),
        ItemKind::Provider => Some((
            if leaf.under("options") {
                Warning
            } else {
                Notice
            },
            stated(leaf),
        )),
        ItemKind::Container => Some(container(leaf)),
        ItemKind::Module => module(leaf),
        _ => None,
    };
    known.unwrap_or_else(|| (Warning, stated(leaf)))
}
