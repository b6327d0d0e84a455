//! What `explain` says of the name or the key under the cursor, as Markdown.

use super::super::explain::{Row, alert_at, doc, entry};
use super::super::keys::{self, Key};
use super::cursor::{Cursor, Name, View};
use crate::json::plain;
use std::ops::Range;

/// The text, and what it is about.
pub(super) fn hover(view: &View, cursor: &Cursor) -> Option<(String, Range<usize>)> {
    if let Some(name) = view.name(cursor)
        && let Some((title, rows)) = named(view, cursor, &name)
    {
        return Some((listed(&title, &rows), name.bytes));
    }
    let mut steps = cursor.steps();
    // Objectives and recording rules have names that nothing else refers to.
    if let [table, name] = steps.as_slice()
        && let Some(catalog) = &view.catalog
        && let Some(rows) = entry(table, name, catalog, &view.source)
    {
        return Some((listed(&code(name), &rows), cursor.bytes.clone()));
    }
    // What an `allow` accepts.
    if steps.last().is_some_and(|last| last == "check")
        && let Some(found) = cursor.text().filter(|_| !cursor.key)
        && let Some(doc) = doc(found)
    {
        let text = format!("**finding {}**\n\n{doc}", code(found));
        return Some((text, cursor.bytes.clone()));
    }
    let all = keys::all(&view.schema);
    // What is in a list, or called as somebody likes, is said where that begins.
    while !steps.is_empty() {
        let found = keys::called(&all, &refs(&path(&steps)));
        if !found.is_empty() {
            let kind = kind_of(view, &steps);
            let own = |key: &&&Key| keys::of_kind(&key.path).is_none_or(|of| Some(of) == kind);
            let key = found.iter().find(own).unwrap_or(&found[0]);
            let mut text = described(key);
            if let (Some(kind), [table, _, last]) = (kind, steps.as_slice())
                && (table.as_str(), last.as_str()) == ("alerts", "kind")
                && let Some(kind) = view.kinds.get(kind)
            {
                text += &format!("\n\n{}: {}", code(&kind.name), kind.description);
            }
            return Some((text, cursor.bytes.clone()));
        }
        steps.pop();
    }
    None
}

/// What is known of a name; where a service differs from an alert, what holds for the two.
fn named(view: &View, cursor: &Cursor, name: &Name) -> Option<(String, Vec<Row>)> {
    let catalog = view.catalog.as_ref()?;
    if let [table, service, _, alert] = cursor.steps().as_slice()
        && table == "services"
        && cursor.key
        && let (Some(alert), Some(service)) = (catalog.alert(alert), catalog.service(service))
    {
        let title = code(&format!("{}@{}", alert.name, service.name));
        return Some((title, alert_at(alert, service, catalog, &view.source)));
    }
    let rows = entry(name.what.table(), &name.name, catalog, &view.source)?;
    Some((format!("{} {}", name.what.word(), code(&name.name)), rows))
}

/// The kind of the alert that a key is of.
pub(super) fn kind_of<'v>(view: &'v View, steps: &[String]) -> Option<&'v str> {
    match steps {
        [table, alert, ..] if table == "alerts" => {
            view.source.value["alerts"].get(alert)?["kind"].as_str()
        }
        _ => None,
    }
}

/// The steps to a key as the list of keys has them: what is in a list is called as the list is.
pub(super) fn path(steps: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for step in steps {
        match (step.parse::<usize>(), found.last_mut()) {
            (Ok(_), Some(list)) => list.push_str("[]"),
            _ => found.push(step.clone()),
        }
    }
    found
}

pub(super) fn refs(steps: &[String]) -> Vec<&str> {
    steps.iter().map(String::as_str).collect()
}

/// What a key takes, its default, examples, and what it is for.
pub(super) fn described(key: &Key) -> String {
    let mut text = format!("**{}**: {}", code(&key.path), key.takes);
    if key.required {
        text += ", required";
    }
    text += &format!("\n\n{}", key.description);
    if let Some(default) = &key.default {
        text += &format!("\n\nby default {}", code(&plain(default)));
    }
    if let Some(example) = key.examples.first() {
        text += &format!("\n\nas in {}", code(&example.to_string()));
    }
    text
}

fn listed(title: &str, rows: &[Row]) -> String {
    let mut text = format!("**{title}**\n");
    for (key, value, set) in rows {
        let set = set
            .as_ref()
            .map(|(file, line)| format!("  *{file}:{line}*"));
        text += &format!("\n- {key}: {}{}", code(value), set.unwrap_or_default());
    }
    text
}

/// Text as Markdown shows it word by word: between more backticks than it has itself.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match (text.is_empty(), longest) {
        (true, _) => String::new(),
        (false, 0) => format!("`{text}`"),
        (false, _) => format!("{fence} {text} {fence}"),
    }
}
