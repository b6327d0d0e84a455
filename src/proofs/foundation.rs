//! What follows from one file that others rest on: the findings that are gone as soon as that file is as monstack writes it.

use super::{Found, against};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::render::{File, Rendered};
use crate::source::step;
use crate::stack::Stack;
use serde_json::Value;
use std::collections::HashSet;

/// What a subject of a finding begins with that others follow from because of its file.
const FILE: &str = "file ";

/// A longer value is not said.
const LONG: usize = 80;

/// From so many findings on that are gone with one other file it is that file which is wrong: fewer are read as they are.
const MANY: usize = 4;

/// Names what follows from a file: the findings elsewhere that are gone with monstack's own in its place, or without it.
pub(super) fn name(catalog: &Catalog, rendered: &Rendered, found: &mut [Found]) {
    let elsewhere = |found: &[Found], path: &str| {
        let open = found.iter().filter(|(_, found)| open(found, path));
        open.count() >= MANY
    };
    let mut files: Vec<&File> = rendered.files.iter().collect();
    files.retain(|file| rank(file).is_some());
    if !elsewhere(found, "") || files.is_empty() {
        return;
    }
    let Some(mut with) = rendered.all_built_in(catalog) else {
        return;
    };
    let built_in = std::mem::take(&mut with.files);
    files.sort_by_key(|file| rank(file));
    for file in files {
        let own = built_in.iter().find(|own| own.path == file.path);
        let own = own.filter(|_| !file.is_own());
        let changed = own.is_none_or(|own| own.value != file.value);
        if !changed || !elsewhere(found, &file.path) {
            continue;
        }
        let mut files = rendered.files.clone();
        match own {
            Some(own) => files
                .iter_mut()
                .filter(|one| one.path == own.path)
                .for_each(|one| one.clone_from(own)),
            None => files.retain(|one| one.path != file.path),
        }
        rendered.holding(files, &mut with);
        let left = against(&Stack::read(catalog, &with), &with);
        let of_file = |found: &Diagnostic| {
            let mut files = rendered.files.iter();
            rank(files.find(|file| stands_in(found, &file.path))?)
        };
        follow(file, own.map(|own| &*own.value), of_file, found, &left);
    }
}

/// How low a file is below those that rest on it; None: nothing does.
fn rank(file: &File) -> Option<usize> {
    match file.role {
        Role::Prometheus => Some(0),
        Role::Datasources => Some(1),
        Role::Compose => Some(2),
        Role::Alertmanager => Some(3),
        Role::Rules { .. } => Some(4),
        Role::Dashboard => Some(5),
        _ => None,
    }
}

/// Whether it is an error elsewhere of which nobody has said yet what it follows from.
fn open(found: &Diagnostic, path: &str) -> bool {
    let follows = found.follows.iter().any(|cause| cause.starts_with(FILE));
    found.stops() && !follows && !is_one(found) && !stands_in(found, path)
}

fn stands_in(found: &Diagnostic, path: &str) -> bool {
    matches!(&found.place, Place::Rendered { file, .. } if file == path)
}

/// Whether others follow from it because of the file that it is in.
pub(super) fn is_one(found: &Diagnostic) -> bool {
    found
        .subjects
        .iter()
        .any(|subject| subject.starts_with(FILE))
}

/// Has what is gone follow from the first that is gone and stands in the file; without one from the first of them, which is
/// then said of what differs in the file.
fn follow(
    file: &File,
    own: Option<&Value>,
    rank: impl Fn(&Diagnostic) -> Option<usize>,
    found: &mut [Found],
    left: &[Found],
) {
    let known =
        |(code, found): &Found| (*code, found.message.clone(), format!("{:?}", found.place));
    let left: HashSet<_> = left.iter().map(known).collect();
    let is_gone = |found: &Found| found.1.stops() && !left.contains(&known(found));
    let gone: Vec<usize> = (0..found.len())
        .filter(|at| open(&found[*at].1, &file.path) && is_gone(&found[*at]))
        .collect();
    if gone.len() < MANY {
        return;
    }
    let cause = format!("{FILE}{}", file.path);
    let mut all = found.iter();
    let first = all.position(|found| stands_in(&found.1, &file.path) && is_gone(found));
    let first = first.unwrap_or_else(|| {
        // What is wrong with an alert comes before what is with a panel.
        let nearest = gone
            .iter()
            .min_by_key(|at| rank(&found[**at].1).unwrap_or(usize::MAX));
        let nearest = *nearest.expect("there are several");
        let first = &mut found[nearest].1;
        let (pointer, help) = match own {
            Some(own) => difference(&file.value, own, String::new()),
            None => (
                String::new(),
                "without this file the error is gone".to_string(),
            ),
        };
        let place = Place::Rendered {
            file: file.path.clone(),
            pointer,
        };
        let asked = std::mem::replace(&mut first.place, place);
        first.others.insert(0, (asked, String::new()));
        first.help = help;
        nearest
    });
    found[first].1.subjects.push(cause.clone());
    for at in gone.into_iter().filter(|at| *at != first) {
        found[at].1.follows.push(cause.clone());
    }
}

/// Where two values differ first, and what to do about it.
fn difference(is: &Value, meant: &Value, pointer: String) -> (String, String) {
    let inside = match (is, meant) {
        (Value::Object(is), Value::Object(meant)) => {
            let mut values = is.iter();
            let differs = values.find(|(key, value)| meant.get(*key) != Some(*value));
            differs.map(|(key, value)| (step(key).to_string(), value, meant.get(key)))
        }
        (Value::Array(is), Value::Array(meant)) => {
            let mut values = is.iter().enumerate();
            let differs = values.find(|(index, value)| meant.get(*index) != Some(*value));
            differs.map(|(index, value)| (index.to_string(), value, meant.get(index)))
        }
        _ => None,
    };
    match inside {
        Some((key, is, Some(meant))) => difference(is, meant, format!("{pointer}/{key}")),
        Some((key, _, None)) => (
            format!("{pointer}/{key}"),
            "monstack does not write this, and without it the error is gone".to_string(),
        ),
        None => {
            let meant = match meant.to_string() {
                text if text.len() <= LONG => format!("`{text}`"),
                _ => "something else".to_string(),
            };
            let help = format!("monstack writes {meant} here, and with it this error is gone");
            (pointer, help)
        }
    }
}
