//! What a change of a receiver or of an inhibition means.

use super::stated::{short, stated};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::listed;
use crate::diff::rendered::items::Item;
use crate::diff::rendered::leaves::Leaf;
use crate::diff::rendered::routing::Routing;
use crate::value::Value;

pub(crate) fn receiver(item: &Item, leaf: &Leaf, routes: &Routing) -> (Class, String) {
    let used = routes.used(&item.name);
    let whole = leaf.path.len() == 1;
    let (was, is) = leaf.lists();
    match (
        whole && leaf.path[0].ends_with("_configs"),
        is.len() < was.len(),
    ) {
        (true, true) => {
            let kind = leaf.path[0].trim_end_matches("_configs");
            let left = if is.is_empty() {
                format!("no longer sends to {kind}")
            } else {
                format!("sends to fewer {kind}s: {}", stated(leaf))
            };
            (if used { Dangerous } else { Notice }, left)
        }
        (true, false) if leaf.was.is_none() => (
            Safe,
            format!(
                "also sends to {}",
                leaf.path[0].trim_end_matches("_configs")
            ),
        ),
        _ => (if used { Warning } else { Notice }, stated(leaf)),
    }
}

/// A rule that asks for more holds back less.
pub(crate) fn inhibition(leaf: &Leaf) -> (Class, String) {
    let (was, is) = leaf.lists();
    let says = stated(leaf);
    if !is.is_empty() && was.iter().all(|item| is.contains(item)) {
        (Notice, format!("{says}; it holds less back"))
    } else {
        (
            Dangerous,
            format!("{says}; alerts that were sent may be held back"),
        )
    }
}

/// What a rule of inhibition does, in words; in the old spelling as it is written.
pub(crate) fn held_back(rule: &Value) -> String {
    let texts = |key: &str| {
        rule[key]
            .texts()
            .map(|text| text.replace('`', "'"))
            .collect::<Vec<_>>()
    };
    let (targets, equal) = (texts("target_matchers"), texts("equal"));
    if targets.is_empty() {
        return format!("alerts that were sent may be held back ({})", short(rule));
    }
    let same = if equal.is_empty() {
        String::new()
    } else {
        format!(" with the same {}", listed(&equal))
    };
    format!(
        "while such an alert fires, those{same} that match {} are held back",
        listed(&targets)
    )
}
