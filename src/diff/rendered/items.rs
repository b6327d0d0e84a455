//! A rendered file as items that have a name: what people speak of, whatever its place in the file.

use crate::artifacts::Role;
use crate::json::Parts;
use crate::json::plain;
use crate::render::File;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A key at the top of a file.
    Key,
    File,
    Alert,
    /// A recording rule.
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
    pub fn word(self) -> &'static str {
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

/// A part of a file that stands for itself.
pub struct Item {
    pub kind: ItemKind,
    /// Its name, once in its file.
    pub name: String,
    pub pointer: String,
    /// What is compared; lists without an order are sorted.
    pub value: Value,
}

/// The items of a file, by what it is for.
pub fn of(file: &File) -> Vec<Item> {
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

/// Every key at the top but those that are read otherwise.
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

/// Rules by name, in whichever group they are; a rule in a group that is evaluated otherwise is told at the group.
fn rules(file: &File, groups: &str) -> Vec<Item> {
    let mut found = around(&file.value, groups);
    for (pointer, group) in file.groups() {
        let name = group["name"].as_str().unwrap_or_default().to_string();
        found.push(Item {
            kind: ItemKind::Rules,
            name,
            pointer: pointer.clone(),
            value: without(group, &["name", "rules"]),
        });
        for (index, rule) in group["rules"].items().enumerate() {
            let (kind, name) = match rule["alert"].as_str() {
                Some(alert) => (ItemKind::Alert, alert),
                None => (
                    ItemKind::Recording,
                    rule["record"].as_str().unwrap_or_default(),
                ),
            };
            // One series is recorded for each service by a rule of its own.
            let of = rule["labels"]["job"]
                .as_str()
                .filter(|_| kind == ItemKind::Recording)
                .map(|job| format!(" of {job}"))
                .unwrap_or_default();
            found.push(Item {
                kind,
                name: format!("{name}{of}"),
                pointer: format!("{pointer}/rules/{index}"),
                value: without(rule, &["alert", "record"]),
            });
        }
    }
    found
}

fn prometheus(value: &Value) -> Vec<Item> {
    let mut jobs = list(value, "scrape_configs", "job_name", ItemKind::Job);
    for job in &mut jobs {
        // Of one group of targets the addresses and the labels are compared, and not where they stand.
        if let Some([only]) = job.value["static_configs"].as_array().map(Vec::as_slice) {
            let (targets, labels) = (
                sorted(&only["targets"]),
                only.get("labels").cloned().unwrap_or_else(|| json!({})),
            );
            job.value["static_configs"] = json!({"targets": targets, "labels": labels});
        }
    }
    let mut keys = rest(value, &["scrape_configs"]);
    keys.iter_mut()
        .filter(|item| item.name == "rule_files")
        .for_each(|item| item.value = sorted(&item.value));
    [jobs, keys].concat_items()
}

/// The routes are followed and not compared as text.
fn alertmanager(value: &Value) -> Vec<Item> {
    let mut inhibitions = Vec::new();
    for (index, rule) in value["inhibit_rules"].items().enumerate() {
        let mut value = rule.clone();
        for key in ["source_matchers", "target_matchers", "equal"]
            .into_iter()
            .filter(|key| rule.get(*key).is_some())
        {
            value[key] = sorted(&rule[key]);
        }
        // What it is about; a rule whose target is another one is another rule.
        let matchers = |kind: &str| {
            let old = ["", "_re"]
                .map(|suffix| rule.get(format!("{kind}_match{suffix}")))
                .into_iter()
                .flatten()
                .map(Value::to_string);
            let new = value[format!("{kind}_matchers")]
                .texts()
                .map(str::to_string);
            new.chain(old).collect::<Vec<_>>().join(", ")
        };
        let name = format!("inhibition by {}", matchers("source"));
        inhibitions.push(Item {
            kind: ItemKind::Inhibition,
            name,
            pointer: format!("/inhibit_rules/{index}"),
            value,
        });
    }
    // Rules with one source are told apart by what they hold back, whatever their order.
    inhibitions.sort_by_cached_key(|item| item.value.to_string());
    let times = [
        list(value, "time_intervals", "name", ItemKind::Times),
        list(value, "mute_time_intervals", "name", ItemKind::Times),
    ]
    .concat_items();
    let mut receivers = list(value, "receivers", "name", ItemKind::Receiver);
    receivers
        .iter_mut()
        .for_each(|receiver| receiver.value = without(&receiver.value, &["name"]));
    let keys = rest(
        value,
        &[
            "route",
            "inhibit_rules",
            "receivers",
            "time_intervals",
            "mute_time_intervals",
        ],
    );
    [receivers, inhibitions, times, keys].concat_items()
}

fn dashboard(value: &Value) -> Vec<Item> {
    let mut found = Vec::new();
    let mut layout = Map::new();
    let panels = crate::stack::dashboards::panels(value);
    let title = |panel: &Value| panel["title"].as_str().unwrap_or_default().to_string();
    let mut titles: HashMap<String, usize> = HashMap::new();
    let is_row = |panel: &Value| panel["type"] == "row";
    panels
        .iter()
        .filter(|(_, panel)| !is_row(panel))
        .for_each(|(_, panel)| *titles.entry(title(panel)).or_default() += 1);
    let mut row = String::new();
    for (pointer, panel) in panels {
        let mut name = format!("\"{}\"", title(panel));
        let kind = if is_row(panel) {
            ItemKind::Row
        } else {
            ItemKind::Panel
        };
        match kind {
            ItemKind::Row => row = title(panel),
            // Of those with one title, each has its row; two in one row are numbered.
            _ if titles[&title(panel)] > 1 && !row.is_empty() => name += &format!(" in \"{row}\""),
            _ => {}
        }
        layout.insert(
            format!("{name} {}", layout.len()),
            json!([panel["gridPos"], panel["id"]]),
        );
        let mut kept = without(panel, &["title", "gridPos", "id", "panels"]);
        if let Some(targets) = panel["targets"].as_array() {
            kept["targets"] = named_targets(panel, targets);
        }
        thresholds(&mut kept);
        found.push(Item {
            kind,
            name,
            pointer,
            value: kept,
        });
    }
    let pointer = "/panels".to_string();
    found.push(Item {
        kind: ItemKind::Layout,
        name: "panels".to_string(),
        pointer,
        value: Value::Object(layout),
    });
    let variables = list(&value["templating"], "list", "name", ItemKind::Variable);
    found.extend(variables.into_iter().map(|item| Item {
        pointer: format!("/templating{}", item.pointer),
        ..item
    }));
    found.extend(rest(value, &["panels", "templating"]));
    found
}

/// Queries by what their lines are called, whatever their order; by their letters where the panel speaks of those.
fn named_targets(panel: &Value, targets: &[Value]) -> Value {
    let around = format!(
        "{} {}",
        panel["fieldConfig"]["overrides"], panel["transformations"]
    );
    let legends = targets
        .iter()
        .all(|target| target["legendFormat"].is_string())
        && !around.contains("RefID")
        && !around.contains('#');
    let mut named = Map::new();
    for (index, target) in targets.iter().enumerate() {
        let name = target[if legends { "legendFormat" } else { "refId" }]
            .as_str()
            .map_or_else(|| index.to_string(), str::to_string);
        // Lines of one name stay in their order.
        let count = (2..).map(|count| format!("{name} ({count})"));
        let free = std::iter::once(name.clone())
            .chain(count)
            .find(|name| !named.contains_key(name));
        named.insert(free.unwrap_or(name), without(target, &["refId"]));
    }
    Value::Object(named)
}

/// Thresholds as one text, "green, red from 0.1"; that the axis reaches them is no difference of its own.
fn thresholds(panel: &mut Value) {
    let Some(defaults) = panel["fieldConfig"]["defaults"].as_object_mut() else {
        return;
    };
    let Some(steps) = defaults
        .get("thresholds")
        .and_then(|thresholds| thresholds["steps"].as_array())
    else {
        return;
    };
    let from = |step: &Value| {
        step["value"]
            .as_f64()
            .map(|value| format!(" from {value}"))
            .unwrap_or_default()
    };
    let text = steps
        .iter()
        .map(|step| format!("{}{}", plain(&step["color"]), from(step)))
        .collect::<Vec<_>>()
        .join(", ");
    let highest = steps
        .iter()
        .filter_map(|step| step["value"].as_f64())
        .fold(f64::MIN, f64::max);
    defaults["thresholds"]["steps"] = text.into();
    if let Some(custom) = defaults.get_mut("custom").and_then(Value::as_object_mut)
        && custom.get("axisSoftMax").and_then(Value::as_f64) == Some(highest)
    {
        custom.remove("axisSoftMax");
    }
}

/// Lists of compose whose order has no meaning.
const UNORDERED: [&str; 9] = [
    "ports",
    "volumes",
    "networks",
    "extra_hosts",
    "cap_drop",
    "cap_add",
    "security_opt",
    "secrets",
    "tmpfs",
];

fn compose(value: &Value) -> Vec<Item> {
    let mut containers = entries(value, "services", ItemKind::Container);
    for container in &mut containers {
        for key in UNORDERED
            .into_iter()
            .filter(|key| container.value[*key].is_array())
            .collect::<Vec<_>>()
        {
            container.value[key] = sorted(&container.value[key]);
        }
        if let Some(words) = container.value["command"].as_array().filter(|words| {
            words
                .iter()
                .all(|word| word.as_str().is_some_and(|w| w.starts_with('-')))
        }) {
            container.value["command"] = flags(words);
        }
        if let Some(pairs) = container.value["environment"].as_array() {
            let pair = |text: &str| {
                text.split_once('=')
                    .map_or((text.to_string(), Value::Null), |(key, value)| {
                        (key.to_string(), value.into())
                    })
            };
            container.value["environment"] =
                Value::Object(pairs.iter().filter_map(Value::as_str).map(pair).collect());
        }
    }
    let mut found = containers;
    for (key, word) in [
        ("networks", "network"),
        ("volumes", "volume"),
        ("secrets", "secret"),
        ("configs", "config"),
    ] {
        found.extend(
            entries(value, key, ItemKind::Resource)
                .into_iter()
                .map(|item| Item {
                    name: format!("{word} {}", item.name),
                    ..item
                }),
        );
    }
    found.extend(rest(
        value,
        &["services", "networks", "volumes", "secrets", "configs"],
    ));
    found
}

/// `--name=value` by name; a flag given several times has several values.
fn flags(words: &[Value]) -> Value {
    let mut found: Map<String, Value> = Map::new();
    for word in words.iter().filter_map(Value::as_str) {
        let (name, value) = word.split_once('=').unwrap_or((word, "on"));
        match found.get_mut(name) {
            Some(Value::String(known)) => *known += &format!(", {value}"),
            _ => {
                found.insert(name.to_string(), value.into());
            }
        }
    }
    Value::Object(found)
}
