//! What changes in behaviour between two renderings of one catalog: what other templates make of it.
//!
//! A file is known by its template and read into items (an alert, a job, a panel) that have a name on both sides; the order of
//! items has no meaning. What no room has words for is still said, with its key and both values.

mod difference;
mod explained;
pub(crate) mod expression;
mod items;
mod leaves;
mod places;
mod readers;
mod routing;
mod wording;

use super::{Change, Class};
use crate::artifacts::{ARTIFACTS, Role};
use crate::catalog::Catalog;
use crate::render::{File, Rendered};
use crate::value::Value;
use difference::{Difference, Spot};
pub use explained::Explained;
use items::{Item, ItemKind};
use places::Group;
use readers::Readers;
use std::collections::{BTreeMap, HashMap};

/// Every difference in meaning between the files of two renderings, by file. `catalog` is the one that the second was made of.
/// What is `explained` already is left out.
pub fn compare(
    before: &Rendered,
    after: &Rendered,
    catalog: &Catalog,
    explained: Option<&Explained>,
) -> Vec<Change> {
    let mut found = Group::new(explained);
    let readers = Readers::of(after);
    let routes = routing::Routing::of(before, after, catalog);
    let scene = wording::Scene {
        readers: &readers,
        routes: &routes,
    };
    for artifact in ARTIFACTS {
        let of = |side: &'_ Rendered| {
            side.files
                .iter()
                .position(|file| file.template == artifact.template)
        };
        match (
            of(before).map(|index| &before.files[index]),
            of(after).map(|index| &after.files[index]),
        ) {
            (Some(was), Some(is)) if was.text != is.text => file(&mut found, was, is, &scene),
            (Some(was), None) => found.push(Difference::of_file(
                Class::Warning,
                &was.path,
                "is no longer rendered",
                Spot::before(&was.path, ""),
            )),
            (None, Some(is)) => found.push(Difference::of_file(
                Class::Notice,
                &is.path,
                "is rendered too",
                Spot::after(&is.path, ""),
            )),
            _ => {}
        }
    }
    routes.inspect(&mut found);
    let mut changes = found.changes(before, after);
    changes.extend(own(before, after, &scene));
    changes
}

/// Every difference between the user's own files, by path: the catalog's sentences say nothing of what is in them.
fn own(before: &Rendered, after: &Rendered, scene: &wording::Scene) -> Vec<Change> {
    let mut found = Group::new(None);
    let placed = |side: &'_ Rendered| {
        let files = side.files.iter().enumerate();
        let own = files.filter(|(_, file)| file.is_own());
        own.map(|(index, file)| (file.path.clone(), index))
            .collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (placed(before), placed(after));
    for (path, index) in &old {
        let was = &before.files[*index];
        match new.get(path).map(|index| &after.files[*index]) {
            Some(is) if was.text == is.text => {}
            Some(is) if is.role == Role::RuleTests => found.push(Difference::of_file(
                Class::Safe,
                path,
                "has different tests",
                Spot::after(path, ""),
            )),
            Some(is) if is.value.is_null() => text(&mut found, was, is),
            Some(is) => items_of(&mut found, was, is, scene),
            None => found.push(Difference::of_file(
                match was.role {
                    Role::Rules { .. } => Class::Dangerous,
                    _ => Class::Warning,
                },
                path,
                "is no longer there",
                Spot::before(path, ""),
            )),
        }
    }
    for path in new.keys().filter(|path| !old.contains_key(*path)) {
        found.push(Difference::of_file(
            Class::Notice,
            path,
            "is there too",
            Spot::after(path, ""),
        ));
    }
    found.changes(before, after)
}

/// What is made from the rules differs with them, and says nothing new.
fn is_derived(file: &File) -> bool {
    matches!(file.role, Role::RuleTests | Role::Markdown)
}

/// Everything in which one file differs, by what it is read as.
fn file(found: &mut Group<'_>, was: &File, is: &File, scene: &wording::Scene) {
    if is_derived(is) {
        derived(found, was, is, scene.routes);
    } else if is.value.is_null() {
        text(found, was, is);
    } else {
        items_of(found, was, is, scene);
    }
}

/// What follows from the rules, where those are the same.
fn derived(found: &mut Group<'_>, was: &File, is: &File, routes: &routing::Routing) {
    if routes.rules_differ || lines(&was.text, is) == lines(&is.text, is) {
        return;
    }
    let what = if is.role == Role::Markdown {
        "is worded differently"
    } else {
        "has different tests"
    };
    found.push(Difference::of_file(
        Class::Safe,
        &is.path,
        what,
        Spot::after(&is.path, ""),
    ));
}

/// A file that is not read into items: how many of its lines changed.
fn text(found: &mut Group<'_>, was: &File, is: &File) {
    let (old, new) = (lines(&was.text, is), lines(&is.text, is));
    if old == new {
        return;
    }
    let diff = similar::TextDiff::from_lines(old.as_str(), new.as_str());
    let changed = diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal);
    let changed = crate::diff::plural(changed.count(), "line");
    found.push(Difference::of_file(
        Class::Warning,
        &is.path,
        &format!("behaves differently: {changed} changed"),
        Spot::after(&is.path, ""),
    ));
}

/// Items that came, went, or have other values.
fn items_of(found: &mut Group<'_>, was: &File, is: &File, scene: &wording::Scene) {
    let (old, new) = (items::of(was), items::of(is));
    let (old_names, new_names) = (by_name(&old), by_name(&new));
    let rearranged = has_own_panel(&old_names, &new_names) || has_own_panel(&new_names, &old_names);
    for item in old
        .iter()
        .filter(|item| !new_names.contains_key(&key(item)))
    {
        if let Some((class, says)) = wording::gone(item, scene) {
            found.push(Difference::of(
                class,
                &is.path,
                item,
                says,
                Spot::before(&was.path, &item.pointer),
            ));
        }
    }
    for item in &new {
        match old_names.get(&key(item)) {
            None => {
                if let Some((class, says)) = wording::new(item) {
                    found.push(Difference::of(
                        class,
                        &is.path,
                        item,
                        says,
                        Spot::after(&is.path, &item.pointer),
                    ));
                }
            }
            // Where a panel comes or goes, those behind it move.
            Some(_) if item.kind == ItemKind::Layout && rearranged => {}
            Some(index) => values(found, (was, &old[*index]), (is, item), scene),
        }
    }
}

type Key = (ItemKind, String);

fn key(item: &Item) -> Key {
    (item.kind, item.name.clone())
}

fn by_name(items: &[Item]) -> HashMap<Key, usize> {
    let numbered = items.iter().enumerate();
    numbered.map(|(index, item)| (key(item), index)).collect()
}

/// Whether there is a panel or a row that the other side does not have.
fn has_own_panel(names: &HashMap<Key, usize>, other: &HashMap<Key, usize>) -> bool {
    let mut panels = names
        .keys()
        .filter(|(kind, _)| matches!(kind, ItemKind::Panel | ItemKind::Row));
    panels.any(|key| !other.contains_key(key))
}

/// Every value in which an item differs.
fn values(
    found: &mut Group<'_>,
    (was, old): (&File, &Item),
    (is, new): (&File, &Item),
    scene: &wording::Scene,
) {
    for leaf in leaves::of(&old.value, &new.value) {
        let spot = if leaf.is.is_some() {
            Spot::after(&is.path, &format!("{}{}", new.pointer, leaf.pointer()))
        } else {
            Spot::before(&was.path, &format!("{}{}", old.pointer, leaf.pointer()))
        };
        let (class, says) = wording::changed(new, &leaf, scene);
        found.push(Difference::of_leaf(
            class,
            &is.path,
            (old, new),
            &leaf,
            says,
            spot,
        ));
    }
}

/// The lines that count: without comments, which begin with # in Python, and without what a checkout does to their ends.
fn lines(text: &str, file: &File) -> String {
    let comment = |line: &&str| file.role == Role::Python && line.trim_start().starts_with('#');
    if !file.value.is_null() {
        // Comments and the order of keys have no meaning.
        return crate::yaml::parse(text)
            .map_or_else(|_| text.to_string(), |value| sorted(&value).to_string());
    }
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !comment(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The value with its keys in order, so that two texts of it are the same.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, Value)> = map
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), value))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}
