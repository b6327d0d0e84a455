//! A rendered file as items that have a name: what people speak of, whatever its place in the file.

mod alertmanager;
mod compose;
mod dashboard;
mod prometheus;
mod rules;

use crate::artifacts::Role;
use crate::render::File;
use crate::value::Value;
use alertmanager::alertmanager;
use compose::compose;
use dashboard::dashboard;
use prometheus::prometheus;
use rules::rules;
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ItemKind {
    /// A key at the top of a file.
    Key,
    File,
    Alert,
    Recording,
    Rules,
    Job,
    Receiver,
    /// What holds an alert back.
    Inhibition,
    /// When a route is silent.
    Times,
    /// A module of the blackbox exporter.
    Module,
    /// A panel of a dashboard.
    Panel,
    /// A row of a dashboard.
    Row,
    Layout,
    /// A variable of a dashboard.
    Variable,
    /// A data source of Grafana.
    Datasource,
    /// A folder from which Grafana reads dashboards.
    Provider,
    Container,
    /// A network, volume, secret or config of compose.
    Resource,
}

impl ItemKind {
    /// The word before its name; what has none is named alone.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ItemKind::Key
            | ItemKind::File
            | ItemKind::Layout
            | ItemKind::Inhibition
            | ItemKind::Resource => "",
            ItemKind::Alert => "alert",
            ItemKind::Recording => "recording rule",
            ItemKind::Rules => "group",
            ItemKind::Job => "job",
            ItemKind::Receiver => "receiver",
            ItemKind::Times => "time interval",
            ItemKind::Module => "module",
            ItemKind::Panel => "panel",
            ItemKind::Row => "row",
            ItemKind::Variable => "variable",
            ItemKind::Datasource => "data source",
            ItemKind::Provider => "provider",
            ItemKind::Container => "container",
        }
    }
}

/// A part of a file that has a name of its own.
pub(crate) struct Item {
    pub kind: ItemKind,
    /// Its name, once in its file.
    pub name: String,
    pub pointer: String,
    /// What is compared; lists without an order are sorted.
    pub value: Value,
}

/// The items of a file, by what it is for.
pub(crate) fn of(file: &File) -> Vec<Item> {
    let value = &file.value;
    let mut items = match file.role {
        Role::Rules { groups } => rules(file, groups),
        Role::Prometheus => prometheus(value),
        Role::Alertmanager => alertmanager(value),
        Role::Blackbox => [
            entries(value, "modules", ItemKind::Module),
            rest(value, &["modules"]),
        ]
        .concat_items(),
        Role::Dashboard => dashboard(value),
        Role::Datasources => [
            list(value, "datasources", "name", ItemKind::Datasource),
            rest(value, &["datasources"]),
        ]
        .concat_items(),
        Role::DashboardProvider => [
            list(value, "providers", "name", ItemKind::Provider),
            rest(value, &["providers"]),
        ]
        .concat_items(),
        Role::Compose => compose(value),
        Role::RuleTests | Role::Python | Role::Markdown | Role::Plain => rest(value, &[]),
    };
    let mut seen: HashMap<(ItemKind, String), usize> = HashMap::new();
    for item in &mut items {
        let count = seen.entry((item.kind, item.name.clone())).or_default();
        *count += 1;
        if *count > 1 {
            item.name = format!("{} ({count})", item.name);
        }
    }
    items
}

trait Concat {
    fn concat_items(self) -> Vec<Item>;
}

impl<const N: usize> Concat for [Vec<Item>; N] {
    fn concat_items(self) -> Vec<Item> {
        self.into_iter().flatten().collect()
    }
}

/// Every key at the top except these, which are read as items of their own.
fn rest(value: &Value, but: &[&str]) -> Vec<Item> {
    let keys = value
        .entries()
        .filter(|(key, _)| !but.contains(&key.as_str()));
    keys.map(|(key, value)| Item {
        kind: ItemKind::Key,
        name: key.clone(),
        pointer: format!("/{key}"),
        value: value.clone(),
    })
    .collect()
}

/// The entries of a list, each named by one of its keys.
fn list(value: &Value, key: &str, name: &str, kind: ItemKind) -> Vec<Item> {
    let entries = value[key].items().enumerate();
    entries
        .map(|(index, entry)| Item {
            kind,
            name: entry[name].as_str().unwrap_or_default().to_string(),
            pointer: format!("/{key}/{index}"),
            value: without(entry, &[name]),
        })
        .collect()
}

/// The entries of a mapping.
fn entries(value: &Value, key: &str, kind: ItemKind) -> Vec<Item> {
    let entries = value[key].entries();
    entries
        .map(|(name, entry)| Item {
            kind,
            name: name.clone(),
            pointer: format!("/{key}/{name}"),
            value: entry.clone(),
        })
        .collect()
}

/// Every key beside the one at a pointer, and beside those that it is inside of.
fn around(value: &Value, pointer: &str) -> Vec<Item> {
    let mut found = Vec::new();
    let (mut value, mut outside) = (value, String::new());
    for step in pointer.split('/').skip(1) {
        found.extend(rest(value, &[step]).into_iter().map(|item| Item {
            pointer: format!("{outside}{}", item.pointer),
            ..item
        }));
        value = &value[step];
        outside = format!("{outside}/{step}");
    }
    found
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let kept = value
        .entries()
        .filter(|(key, _)| !keys.contains(&key.as_str()));
    Value::Object(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

/// The list in order, where its own has no meaning.
fn sorted(value: &Value) -> Value {
    let mut list = value.as_array().cloned().unwrap_or_default();
    list.sort_by_cached_key(Value::to_string);
    Value::Array(list)
}
