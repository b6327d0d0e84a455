//! What may be written at the cursor: keys of the table that it is in, and names, kinds and other words in a text. The lines say where
//! that is, because what is being typed is no TOML yet.

use super::cursor::View;
use super::hover::{described, kind_of, path, refs};
use super::text;
use crate::commands::keys;
use crate::editing::names::{TABLES, at};
use crate::source::{Source, steps};
use crate::value::Value;
use gen_lsp_types::{
    CompletionItem, CompletionItemKind, Documentation, MarkupContent, MarkupKind, Position,
};
use std::collections::BTreeMap;

/// Each word with what is said of it.
pub(super) fn offers(view: &View, position: Position) -> Vec<CompletionItem> {
    let byte = text::byte(&view.text, position);
    let (before, _) = view.text.split_at(byte);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut lines = before.lines().map(str::trim);
    let header = lines.rfind(|line| line.starts_with('[') && line.ends_with(']'));
    let mut table = header.map(inside).unwrap_or_default();
    match line.split_once('=') {
        Some((key, value)) if value.contains(['"', '\'']) => {
            table.extend(inside(&format!("{key} = 0")));
            words(view, &table)
        }
        None if !line.trim_start().starts_with(['[', '#']) => keys_of(view, &table),
        _ => Vec::new(),
    }
}

/// The steps to the only thing in a line.
fn inside(line: &str) -> Vec<String> {
    let (alone, _) = Source::parse("", line);
    let mut pointer = String::new();
    let mut value = &alone.value;
    while let Some((key, content)) = value.entries().next() {
        pointer += &format!("/{}", crate::source::step(key));
        value = content;
    }
    steps(&pointer).collect()
}

fn keys_of(view: &View, table: &[String]) -> Vec<CompletionItem> {
    let all = keys::all(&view.schema);
    let written = view.source.value.pointer(&crate::source::pointer(table));
    let kind = kind_of(view, table);
    let mut path = path(table);
    path.push(String::new());
    let mut offers = BTreeMap::new();
    for key in &all {
        let plain = key.path.split(" (kind").next().unwrap_or_default();
        let name = plain.rsplit('.').next().unwrap_or_default();
        if let Some(last) = path.last_mut() {
            *last = name.to_string();
        }
        let here = !keys::called(std::slice::from_ref(key), &refs(&path)).is_empty();
        let own = keys::of_kind(&key.path).is_none_or(|of| Some(of) == kind);
        let new = written.is_none_or(|written| written.get(name).is_none());
        if here && own && new && name != "NAME" {
            let item = item(name, CompletionItemKind::Property);
            let documentation = Documentation::MarkupContent(MarkupContent {
                kind: MarkupKind::Markdown,
                value: described(key),
            });
            let item = CompletionItem {
                detail: Some(key.takes.clone()),
                documentation: Some(documentation),
                ..item
            };
            offers.insert(name.to_string(), item);
        }
    }
    offers.into_values().collect()
}

fn words(view: &View, steps: &[String]) -> Vec<CompletionItem> {
    let nodes = at(&view.schema, steps);
    let items: Vec<&Value> = nodes.iter().filter_map(|node| node.get("items")).collect();
    let all = nodes.iter().copied().chain(items);
    let mut offers = BTreeMap::new();
    for node in all {
        for word in node["enum"].texts() {
            offers.insert(word.to_string(), item(word, CompletionItemKind::EnumMember));
        }
        let table = node["names"]
            .as_str()
            .filter(|table| TABLES.contains(table));
        for (name, _) in view.source.value[table.unwrap_or_default()].entries() {
            offers.insert(name.clone(), item(name, CompletionItemKind::Reference));
        }
    }
    offers.into_values().collect()
}

fn item(label: &str, kind: CompletionItemKind) -> CompletionItem {
    CompletionItem {
        label: label.to_string(),
        kind: Some(kind),
        ..CompletionItem::default()
    }
}
