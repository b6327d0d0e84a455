//! Who is notified of each alert, and when: the tree of routes followed on both sides, as the Alertmanager follows it.

use super::difference::{Difference, Spot};
use super::items::ItemKind;
use super::places::Group;
use crate::catalog::{Catalog, Duration, Severities};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::{listed, routes, weight};
use crate::render::Rendered;
use crate::stack::files::Files;
use crate::stack::notifications::alerts::asked;
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::routes::{OPTIONS, Route, TIMES};
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One side's configuration, its matchers read.
struct Side {
    path: String,
    routing: Arc<Value>,
    root: Option<Route>,
}

/// Both sides, and the alerts that are sent through them.
pub(crate) struct Routing {
    before: Side,
    after: Side,
    alerts: Vec<Labels>,
    /// Whether the text of a rule file differs, in meaning or not: what quotes rules then differs with them.
    pub rules_differ: bool,
    /// Of the new side.
    pub(crate) severities: Severities,
}

impl Routing {
    /// Reads both; the alerts are those of the new side.
    pub(crate) fn of(before: &Rendered, after: &Rendered, catalog: &Catalog) -> Routing {
        let rules = |side: &Rendered| {
            Files::of(&side.files)
                .rule_files()
                .map(|file| file.text.clone())
                .collect::<Vec<_>>()
        };
        let rules_differ = rules(before) != rules(after);
        let [before, old] = [Side::of(before), Side::of(after)];
        let labels = [&before, &old]
            .iter()
            .filter_map(|side| side.root.as_ref())
            .flat_map(Route::labels)
            .collect();
        let alerts = asked(Files::of(&after.files), catalog, &labels);
        Routing {
            before,
            after: old,
            alerts,
            rules_differ,
            severities: catalog.severities.clone(),
        }
    }

    /// Whether an alert reaches the receiver, on the side that is compared with.
    pub(crate) fn used(&self, receiver: &str) -> bool {
        let reached = |alert: &Labels| {
            self.before
                .notified_by(alert)
                .iter()
                .any(|route| route.receiver() == receiver)
        };
        self.alerts.iter().any(reached)
    }

    /// Every alert that goes elsewhere, or later.
    pub(crate) fn inspect(&self, found: &mut Group<'_>) {
        if canonical(&self.before.routing["route"]) == canonical(&self.after.routing["route"]) {
            return;
        }
        let spot = || Spot::after(&self.after.path, "/route");
        let mut differs = false;
        for alert in &self.alerts {
            let (was, is) = (
                self.before.notified_by(alert),
                self.after.notified_by(alert),
            );
            let mut say = |class: Class, says: String| {
                differs = true;
                found.push(Difference::about(
                    class,
                    &self.after.path,
                    ItemKind::Alert,
                    alert["alertname"].clone(),
                    says,
                    spot(),
                ));
            };
            let (old, new) = (names(&was), names(&is));
            if old != new {
                let (class, says) = self.elsewhere(alert, &old, &new);
                say(class, says);
            }
            // Settings are compared between routes of one receiver, else between the first of each side.
            let pair = is.iter().find_map(|new| {
                was.iter()
                    .find(|old| old.receiver() == new.receiver())
                    .map(|old| (old, new))
            });
            let Some((old, new)) = pair.or(was.first().zip(is.first())) else {
                continue;
            };
            let (old, new) = (&old.settings, &new.settings);
            for key in OPTIONS
                .iter()
                .chain(&TIMES)
                .filter(|key| old.get(key) != new.get(key))
            {
                if let Some((class, says)) = setting(key, old.get(key), new.get(key)) {
                    say(class, says);
                }
            }
        }
        if !differs {
            let says = "is written differently; every alert still goes where it went";
            found.push(Difference::about(
                Notice,
                &self.after.path,
                ItemKind::Key,
                "route".to_string(),
                says.to_string(),
                spot(),
            ));
        }
    }

    fn elsewhere(
        &self,
        alert: &Labels,
        old: &BTreeSet<&str>,
        new: &BTreeSet<&str>,
    ) -> (Class, String) {
        let (was, is) = (self.before.integrations(old), self.after.integrations(new));
        let severity = alert.get("severity").map_or("", String::as_str);
        let list = |names: &BTreeSet<&str>| listed(&names.iter().collect::<Vec<_>>());
        let says = match (was.is_empty(), is.is_empty()) {
            (_, true) => format!(
                "goes to {} instead of {}: no one is notified",
                list(new),
                list(old)
            ),
            _ => format!(
                "goes to {} instead of {}{}",
                list(new),
                list(old),
                routes::ways(&was, &is)
            ),
        };
        let class = if was.is_empty() && is.is_empty() {
            Notice
        } else if is.is_empty() {
            Dangerous
        } else {
            weight::elsewhere(self.severities.rank(severity) == 0, &was, &is)
        };
        (class, says)
    }
}

/// A tree of routes without the order of what has none, and with one word for each time.
fn canonical(route: &Value) -> Value {
    match route {
        Value::Object(map) => {
            let value = |key: &String, value: &Value| match (key.as_str(), value) {
                ("group_by" | "matchers", Value::Array(list)) => {
                    let mut list = list.clone();
                    list.sort_by_cached_key(Value::to_string);
                    Value::Array(list)
                }
                ("group_wait" | "group_interval" | "repeat_interval", Value::String(text)) => {
                    Duration::parse(text)
                        .map_or_else(|| value.clone(), |time| time.to_string().into())
                }
                _ => canonical(value),
            };
            Value::Object(
                map.iter()
                    .map(|(key, inside)| (key.clone(), value(key, inside)))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(canonical).collect()),
        scalar => scalar.clone(),
    }
}

fn names<'a>(routes: &[&'a Route]) -> BTreeSet<&'a str> {
    routes
        .iter()
        .map(|route| route.receiver())
        .filter(|receiver| !receiver.is_empty())
        .collect()
}

/// How long until people are notified, and how often.
fn setting(key: &str, was: Option<&Value>, is: Option<&Value>) -> Option<(Class, String)> {
    let text = |value: Option<&Value>| {
        value
            .map_or_else(|| "nothing".to_string(), Value::to_string)
            .replace('"', "")
    };
    let says = format!("`{key}` is {} instead of {}", text(is), text(was));
    if TIMES.contains(&key) {
        return Some(if is.is_some() {
            (
                Dangerous,
                format!("{says}; at some times no one is notified"),
            )
        } else {
            (Safe, says)
        });
    }
    if key == "group_by" {
        let set = |value: Option<&Value>| {
            value
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(Value::to_string)
                .collect::<BTreeSet<_>>()
        };
        let (was, is) = (set(was), set(is));
        // In fewer groups one alert hides in the notification of another.
        let class = if is.is_superset(&was) {
            Notice
        } else {
            Warning
        };
        return (was != is).then_some((class, says));
    }
    // The Alertmanager's own where the configuration has none.
    let own = match key {
        "group_wait" => 30_000,
        "group_interval" => 300_000,
        _ => 4 * 3_600_000,
    };
    let time = |value: Option<&Value>| {
        value.map_or(Some(Duration(own)), |value| {
            value.as_str().and_then(Duration::parse)
        })
    };
    match (time(was), time(is)) {
        (Some(was), Some(is)) if was == is => None,
        (Some(was), Some(is)) => Some((weight::longer(was, is), says)),
        _ => Some((Warning, says)),
    }
}

impl Side {
    fn of(rendered: &Rendered) -> Side {
        let file = Files::of(&rendered.files).alertmanager();
        let routing = file.map(|file| file.value.clone()).unwrap_or_default();
        Side {
            path: file.map_or_else(String::new, |file| file.path.clone()),
            root: Route::of(&routing),
            routing,
        }
    }

    /// Every route that an alert ends in.
    fn notified_by(&self, alert: &Labels) -> Vec<&Route> {
        self.root
            .as_ref()
            .map_or_else(Vec::new, |root| root.ends(alert))
    }

    /// Integration → its settings, of several receivers.
    fn integrations(&self, receivers: &BTreeSet<&str>) -> Map {
        let all = self.routing["receivers"].items();
        let wanted = all.filter(|receiver| {
            receiver["name"]
                .as_str()
                .is_some_and(|name| receivers.contains(name))
        });
        let entries = wanted.flat_map(|receiver| receiver.entries());
        let kinds = entries.filter_map(|(key, value)| {
            Some((key.strip_suffix("_configs")?, value))
                .filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()))
        });
        let mut found: Map = Map::new();
        for (kind, settings) in kinds {
            let list = found
                .entry(kind.to_string())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let (Value::Array(list), Value::Array(settings)) = (list, settings) {
                list.extend(settings.iter().cloned());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_wait_of_hours_is_dangerous_and_a_default_is_not_a_change() {
        let class = |key: &str, was: Option<Value>, is: Option<Value>| {
            setting(key, was.as_ref(), is.as_ref()).map(|(class, _)| class)
        };
        assert_eq!(
            class("group_wait", Some("30s".into()), Some("9h".into())),
            Some(Dangerous)
        );
        assert_eq!(
            class("repeat_interval", Some("4h".into()), Some("12h".into())),
            Some(Warning)
        );
        assert_eq!(class("group_interval", Some("5m".into()), None), None);
        assert_eq!(
            class("group_by", Some(json!(["a", "b"])), Some(json!(["b", "a"]))),
            None
        );
        assert_eq!(
            class("group_by", Some(json!(["a", "b"])), Some(json!(["a"]))),
            Some(Warning)
        );
        assert_eq!(
            class("mute_time_intervals", None, Some(json!(["nights"]))),
            Some(Dangerous)
        );
    }
}
