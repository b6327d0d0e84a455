//! How the files of a catalog are put together: parts beside each other, an environment over them.

use super::{Contradiction, Source, Span, step};
use crate::value::{Map, Value};
use std::collections::{HashMap, HashSet};

/// What says where a service is; an environment that gives one of a side takes the other side away.
const WHERE: [(&str, &[&str]); 2] = [
    ("targets", &["runs_on", "replicas"]),
    ("runs_on", &["targets"]),
];

/// Keys of alerts and objectives whose text is no metric's name, whatever it says.
const NAME_NO_METRIC: [&str; 8] = [
    "kind",
    "severity",
    "owner",
    "summary",
    "description",
    "page",
    "ticket",
    // What silences it is not what it reads.
    "unless",
];

/// How the environment is called that matters most.
const LIVE: [&str; 2] = ["prod", "live"];

/// The key of an environment's table that lists keys which it does not have.
const UNSET: &str = "unset";

impl Source {
    /// A part: its tables get further entries, and no entry stands in two files.
    pub(super) fn join(&mut self, part: Value, spans: HashMap<String, Span>) {
        let mut refused = HashSet::new();
        for (table, content) in object(part) {
            let pointer = format!("/{}", step(&table));
            let Some(known) = self.value.get_mut(&table) else {
                self.value[table] = content;
                continue;
            };
            let (Value::Object(known), Value::Object(content)) = (known, content) else {
                self.twice(&table, &pointer, &spans);
                refused.insert(pointer);
                continue;
            };
            let mut again = Vec::new();
            for (key, value) in content {
                match known.contains_key(&key) {
                    true => again.push(key),
                    false => drop(known.insert(key, value)),
                }
            }
            for key in again {
                let pointer = format!("{pointer}/{}", step(&key));
                self.twice(&format!("{table}.{key}"), &pointer, &spans);
                refused.insert(pointer);
            }
        }
        for (pointer, span) in spans {
            let ends = pointer.match_indices('/').skip(1).map(|(end, _)| end);
            let around = |end: usize| refused.contains(&pointer[..end]);
            if !ends.chain([pointer.len()]).take(2).any(around) {
                // What a table is called is said where it begins.
                self.spans.entry(pointer).or_insert(span);
            }
        }
    }

    fn twice(&mut self, name: &str, pointer: &str, spans: &HashMap<String, Span>) {
        let Some(again) = spans.get(pointer) else {
            return;
        };
        self.contradictions.push(Contradiction::Twice {
            name: name.to_string(),
            first: self.key(pointer),
            again: again.key.clone(),
        });
    }

    /// An environment: tables key by key, everything else as a whole; `enabled = false` takes an entry away.
    pub(super) fn cover(&mut self, overlay: Value, mut spans: HashMap<String, Span>) {
        let mut value = std::mem::take(&mut self.value);
        // By default the catalog's own is `generated`, and an environment's another one.
        let folder = |value: &Value| {
            let written = value["platform"]["output"].as_str();
            written.map(|folder| folder.trim_end_matches('/').to_string())
        };
        let own = folder(&value).unwrap_or_else(|| "generated".to_string());
        if folder(&overlay) == Some(own) {
            let at = spans.get("/platform/output");
            self.contradictions.push(Contradiction::SameFolder {
                at: at.map_or(0..0, |span| span.value.clone()),
            });
        }
        let label = |value: &Value| {
            let written = value["prometheus"]["external_labels"]["environment"].as_str();
            written.map(str::to_string)
        };
        let own = self.environment.clone().unwrap_or_default();
        let live = |name: &str| LIVE.iter().any(|live| name.starts_with(live));
        if let Some(other) = label(&overlay).filter(|other| *other != own) {
            let same = label(&value).as_ref() == Some(&other) || (live(&other) && !live(&own));
            let at = spans.get("/prometheus/external_labels/environment");
            let at = at.or_else(|| spans.get("/prometheus/external_labels"));
            if same {
                self.contradictions.push(Contradiction::SameLabel {
                    at: at.map_or(0..0, |span| span.value.clone()),
                    label: other,
                });
            }
        }
        let mut gone = Vec::new();
        for (table, content) in object(overlay) {
            let pointer = format!("/{}", step(&table));
            let Some(whole) = value.as_object_mut() else {
                return;
            };
            let Value::Object(mut entries) = content else {
                self.replace(whole, &table, content, &pointer, &mut spans);
                continue;
            };
            entries.retain(|name, entry| {
                let Some(flag) = entry
                    .as_object_mut()
                    .and_then(|entry| entry.remove("enabled"))
                else {
                    return true;
                };
                let at = format!("{pointer}/{}/enabled", step(name));
                let at = spans.remove(&at).map_or(0..0, |span| span.value);
                // An entry that says nothing else is left as it is.
                let more = entry.as_object().is_some_and(|entry| !entry.is_empty());
                match flag {
                    Value::Bool(true) => more,
                    Value::Bool(false) => {
                        let known = whole.get_mut(&table).and_then(Value::as_object_mut);
                        match known.and_then(|known| known.remove(name)) {
                            Some(_) => gone.push((table.clone(), name.clone())),
                            None => self.contradictions.push(Contradiction::NothingToDisable {
                                table: table.clone(),
                                name: name.clone(),
                                at,
                                known: whole
                                    .get(&table)
                                    .and_then(Value::as_object)
                                    .map_or(Vec::new(), |known| known.keys().cloned().collect()),
                            }),
                        }
                        false
                    }
                    _ => {
                        self.contradictions.push(Contradiction::NotAFlag { at });
                        more
                    }
                }
            });
            for (name, entry) in &entries {
                let pointer = format!("{pointer}/{}", step(name));
                let known = whole
                    .get_mut(&table)
                    .and_then(|known| known.get_mut(name))
                    .and_then(Value::as_object_mut);
                let Some(known) = known else { continue };
                // A receiver is where it leads: one that leads elsewhere has nothing left of before.
                let others: Vec<String> = match table.as_str() {
                    "receivers" => known.keys().cloned().collect(),
                    "services" => WHERE
                        .iter()
                        .filter(|(key, _)| entry.get(key).is_some())
                        .flat_map(|(_, others)| others.iter().map(|other| other.to_string()))
                        .filter(|other| entry.get(other).is_none())
                        .collect(),
                    _ => Vec::new(),
                };
                for other in others {
                    known.remove(&other);
                    below(&mut self.spans, &format!("{pointer}/{}", step(&other)));
                }
            }
            match whole.get_mut(&table) {
                Some(Value::Object(known)) => self.over(known, entries, &pointer, &mut spans),
                // A table that only takes away what is not there says nothing else.
                None if entries.is_empty() => {}
                _ => self.replace(whole, &table, Value::Object(entries), &pointer, &mut spans),
            }
        }
        for (table, name) in &gone {
            below(&mut self.spans, &format!("/{}/{}", step(table), step(name)));
        }
        self.value = value;
        self.forget(&gone);
    }

    fn over(
        &mut self,
        known: &mut Map,
        new: Map,
        pointer: &str,
        spans: &mut HashMap<String, Span>,
    ) {
        for (key, value) in new {
            if key == UNSET {
                self.unset(known, &value, pointer, spans);
                continue;
            }
            let pointer = format!("{pointer}/{}", step(&key));
            match (known.get_mut(&key), value) {
                (Some(Value::Object(known)), Value::Object(new)) if !new.is_empty() => {
                    self.over(known, new, &pointer, spans);
                }
                (_, value) => self.replace(known, &key, value, &pointer, spans),
            }
        }
    }

    /// Keys of a table that an environment does not have.
    fn unset(
        &mut self,
        known: &mut Map,
        names: &Value,
        pointer: &str,
        spans: &mut HashMap<String, Span>,
    ) {
        let list = format!("{pointer}/{UNSET}");
        let inside = below(spans, &list);
        let at = |pointer: &str| inside.get(pointer).map_or(0..0, |span| span.value.clone());
        let all = names
            .as_array()
            .filter(|all| all.iter().all(Value::is_string));
        let Some(all) = all else {
            self.contradictions
                .push(Contradiction::NoList { at: at(&list) });
            return;
        };
        for (index, name) in all.iter().filter_map(Value::as_str).enumerate() {
            match known.remove(name) {
                Some(_) => drop(below(&mut self.spans, &format!("{pointer}/{}", step(name)))),
                None => self.contradictions.push(Contradiction::NothingToDisable {
                    table: pointer.trim_start_matches('/').replace('/', "."),
                    name: name.to_string(),
                    at: at(&format!("{list}/{index}")),
                    known: known.keys().cloned().collect(),
                }),
            }
        }
    }

    fn replace(
        &mut self,
        known: &mut Map,
        key: &str,
        value: Value,
        pointer: &str,
        spans: &mut HashMap<String, Span>,
    ) {
        // A plain value is found by its own key: only of others there are more.
        let plain = |value: &Value| !value.is_object() && !value.is_array();
        let new = plain(&value);
        let old = known.insert(key.to_string(), value);
        if !old.as_ref().is_none_or(plain) {
            below(&mut self.spans, pointer);
        }
        if new {
            self.spans.extend(spans.remove_entry(pointer));
        } else {
            self.spans.extend(below(spans, pointer));
        }
    }

    /// A service that an environment does not have emits nothing there: neither is there a metric that nobody emits, nor a group that
    /// nobody is in, nor an alert or an objective about these alone.
    fn forget(&mut self, gone: &[(String, String)]) {
        let named = |table: &str| -> HashSet<String> {
            let all = gone.iter().filter(|(of, _)| of == table);
            all.map(|(_, name)| name.clone()).collect()
        };
        let services = named("services");
        if services.is_empty() {
            return;
        }
        let entries = |value: &Value, table: &str| -> Vec<(String, Value)> {
            let all = value[table].as_object().into_iter().flatten();
            all.map(|(name, entry)| (name.clone(), entry.clone()))
                .collect()
        };
        let left = entries(&self.value, "services");
        let in_it = |group: &str| left.iter().any(|(_, one)| one["group"] == group);
        let groups = entries(&self.value, "groups").into_iter();
        let groups: HashSet<String> = groups
            .map(|(name, _)| name)
            .filter(|name| !in_it(name))
            .chain(named("groups"))
            .collect();
        let mut metrics = named("metrics");
        self.leave_out("groups", |name, _| groups.contains(name));
        self.leave_out("metrics", |name, metric| {
            let silent = about_nobody(metric, &services, &groups);
            if silent {
                metrics.insert(name.to_string());
            }
            silent
        });
        for table in ["alerts", "slos"] {
            self.leave_out(table, |_, entry| {
                about_nobody(entry, &services, &groups) || reads_one_of(entry, &metrics)
            });
        }
        self.silent = metrics;
    }

    /// Takes entries out of a table.
    fn leave_out(&mut self, table: &str, mut is_gone: impl FnMut(&str, &mut Value) -> bool) {
        let entries = self.value.get_mut(table).and_then(Value::as_object_mut);
        let Some(entries) = entries else { return };
        let all = entries.iter_mut();
        let gone: Vec<String> = all
            .filter_map(|(name, entry)| is_gone(name, entry).then(|| name.clone()))
            .collect();
        for name in gone {
            entries.remove(&name);
            below(&mut self.spans, &format!("/{table}/{}", step(&name)));
        }
    }
}

/// Takes services and groups that are gone out of the lists of an entry; whether it named some, and none is left.
fn about_nobody(entry: &mut Value, services: &HashSet<String>, groups: &HashSet<String>) -> bool {
    let (mut lost, mut kept) = (false, false);
    for (key, gone) in [
        ("services", services),
        ("groups", groups),
        ("service", services),
        ("group", groups),
    ] {
        let is_gone = |name: &Value| name.as_str().is_some_and(|name| gone.contains(name));
        match entry.get_mut(key) {
            Some(Value::Array(all)) => {
                let before = all.len();
                all.retain(|name| !is_gone(name));
                lost |= all.len() < before;
                kept |= !all.is_empty();
            }
            Some(name) => match is_gone(name) {
                true => lost = true,
                false => kept = true,
            },
            None => (),
        }
    }
    lost && !kept
}

/// Whether a key of an entry names one of these metrics, alone or as `{ metric = … }`.
fn reads_one_of(entry: &Value, metrics: &HashSet<String>) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|name| metrics.contains(name));
    let keys = entry.as_object().into_iter().flatten();
    let mut keys = keys.filter(|(key, _)| !NAME_NO_METRIC.contains(&key.as_str()));
    keys.any(|(_, value)| {
        is_one(value) || is_one(&value["metric"]) || is_one(&value["metric"]["metric"])
    })
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(table) => table,
        _ => Map::new(),
    }
}

/// Takes the spans of a key and of all that is in it out of others.
fn below(spans: &mut HashMap<String, Span>, pointer: &str) -> HashMap<String, Span> {
    let inside = format!("{pointer}/");
    spans
        .extract_if(|key, _| key == pointer || key.starts_with(&inside))
        .collect()
}
