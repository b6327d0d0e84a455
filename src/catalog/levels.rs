//! Several levels of one alert: `above = { warning = 0.8, critical = 0.95 }` is one alert for each of them, by the severity's name.
//! How long each waits may stand beside that: `for = { warning = "15m", critical = "5m" }`.

use super::{Service, Severities, pascal};
use crate::json::names;
use crate::kinds::Kinds;
use crate::source::{Derived, Source, step};
use crate::value::{Map, Value};
use serde::Serialize;
use std::collections::HashSet;

/// The key beside the threshold that may be a table too.
pub(crate) const WAIT: &str = "for";

/// `[alerts.NAME]` whose threshold is a table.
#[derive(Clone, Debug, Serialize)]
pub struct Levels {
    /// As written.
    pub name: String,
    /// The key of the table.
    pub key: String,
    /// The most urgent first; of equals, as written.
    pub all: Vec<Level>,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    /// The name of its alert.
    pub alert: String,
    pub(crate) severity: String,
}

/// Writes each alert with levels, and what services say of it, as one alert for each of them.
pub(super) fn expand(catalog: &mut Value, kinds: &Kinds) -> Vec<Levels> {
    let severities = Severities::of(&catalog["severities"]);
    let mut found = Vec::new();
    if let Some(alerts) = catalog["alerts"].as_object_mut() {
        let written = std::mem::take(alerts);
        let names: HashSet<String> = written.keys().cloned().collect();
        for (name, alert) in written {
            let Some(levels) = Levels::of(&name, &alert, kinds, &severities) else {
                let mut alert = alert;
                // A wait for each of no levels is a finding.
                if let Some(alert) = alert.as_object_mut() {
                    alert.retain(|key, value| key != WAIT || !value.is_object());
                }
                alerts.insert(name, alert);
                continue;
            };
            // What has such a name of its own is a finding, and stays what it is.
            for level in levels
                .all
                .iter()
                .filter(|level| !names.contains(&level.alert))
            {
                let mut one = alert.clone();
                one["severity"] = level.severity.as_str().into();
                if let Some(one) = one.as_object_mut() {
                    levels.choose(level, one);
                }
                alerts.insert(level.alert.clone(), one);
            }
            found.push(levels);
        }
    }
    let services = catalog["services"].as_object_mut();
    let services = services.into_iter().flat_map(Map::values_mut);
    let overrides = services.filter_map(|service| service.get_mut("alerts")?.as_object_mut());
    for overrides in overrides {
        spread(overrides, &found);
    }
    for selected in selecting(catalog) {
        if let Some(named) = selected.get_mut("alert") {
            *named = each_level(named, &found);
        }
    }
    found
}

/// Every table that chooses alerts by their names.
fn selecting(catalog: &mut Value) -> Vec<&mut Value> {
    let Some(catalog) = catalog.as_object_mut() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (table, written) in catalog {
        match (table.as_str(), written) {
            ("routes", Value::Array(routes)) => all.extend(routes),
            ("inhibit", Value::Object(inhibitions)) => {
                for inhibition in inhibitions.values_mut().filter_map(Value::as_object_mut) {
                    let sides = inhibition.iter_mut();
                    let sides =
                        sides.filter(|(key, _)| ["source", "target"].contains(&key.as_str()));
                    all.extend(sides.map(|(_, side)| side));
                }
            }
            _ => {}
        }
    }
    all
}

/// Names of alerts, with all levels of those that have some.
fn each_level(named: &Value, levels: &[Levels]) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for name in names(named) {
        match levels.iter().find(|levels| levels.name == name) {
            Some(levels) => {
                all.extend(levels.all.iter().map(|level| level.alert.as_str().into()));
            }
            None => all.push(name.into()),
        }
    }
    all.into()
}

/// What a service says of an alert with levels, said of each of them.
fn spread(overrides: &mut Map, levels: &[Levels]) {
    let written = std::mem::take(overrides);
    let of = |name: &str| levels.iter().find(|levels| levels.name == name);
    for (name, differs) in &written {
        let Some(levels) = of(name) else { continue };
        for level in &levels.all {
            let mut one = differs.as_object().cloned().unwrap_or_default();
            one.remove("severity");
            // One threshold for all of them is a finding.
            one.retain(|key, value| key != &levels.key || value.is_object());
            levels.choose(level, &mut one);
            // A reason alone changes nothing.
            if one.keys().any(|key| key != "reason") {
                overrides.insert(level.alert.clone(), one.into());
            }
        }
    }
    for (name, mut differs) in written {
        if of(&name).is_some() {
            continue;
        }
        if let Some(differs) = differs.as_object_mut() {
            differs.retain(|_, value| !value.is_object());
        }
        // What is said of one level by its own name comes over what is said of all.
        match (overrides.get_mut(&name), differs) {
            (Some(Value::Object(known)), Value::Object(own)) => known.extend(own),
            (_, differs) => drop(overrides.insert(name, differs)),
        }
    }
}

impl Levels {
    /// None: its threshold is one number.
    fn of(name: &str, alert: &Value, kinds: &Kinds, severities: &Severities) -> Option<Levels> {
        let kind = kinds.get(alert["kind"].as_str()?)?;
        let mut keys = kind.keys.keys().filter(|key| kind.takes_levels(key));
        let key = keys.find(|key| alert[key.as_str()].is_object())?;
        let written = alert[key].entries();
        let mut all: Vec<Level> = written
            .map(|(severity, _)| Level {
                alert: name.to_string() + &pascal(severity),
                severity: severity.clone(),
            })
            .collect();
        all.sort_by_key(|level| severities.rank(&level.severity));
        Some(Levels {
            name: name.to_string(),
            key: key.clone(),
            all,
        })
    }

    /// Of what is written by level, what this one has.
    fn choose(&self, level: &Level, table: &mut Map) {
        for key in [self.key.as_str(), WAIT] {
            let Some(Value::Object(written)) = table.get_mut(key) else {
                continue;
            };
            match written.remove(&level.severity) {
                Some(own) => drop(table.insert(key.to_string(), own)),
                None => drop(table.remove(key)),
            }
        }
    }

    /// The name of the most urgent alert.
    pub(crate) fn first(&self) -> Option<&str> {
        self.all.first().map(|level| level.alert.as_str())
    }

    /// Says where its alerts are written, and what services say of them.
    pub(super) fn derive(&self, source: &mut Source, services: &[Service]) {
        let differ = services
            .iter()
            .map(|service| format!("/services/{}/alerts", step(&service.name)));
        for table in ["/alerts".to_string()].into_iter().chain(differ) {
            let from = format!("{table}/{}", step(&self.name));
            if !source.contains(&from) {
                continue;
            }
            for level in &self.all {
                let of = |key: &str| format!("{key}/{}", step(&level.severity));
                let threshold = of(&self.key);
                let mut keys = vec![
                    ("severity".to_string(), threshold.clone()),
                    (self.key.clone(), threshold),
                ];
                let wait = source.value.pointer(&format!("{from}/{WAIT}"));
                if wait.is_some_and(Value::is_object) {
                    keys.push((WAIT.to_string(), of(WAIT)));
                }
                let derived = Derived {
                    from: from.clone(),
                    keys,
                };
                source.derive(format!("{table}/{}", step(&level.alert)), derived);
            }
        }
    }
}
