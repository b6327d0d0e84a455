//! Who is told of each alert, and when: the tree of routes followed on both sides, as the Alertmanager follows it.

use super::items::ItemKind;
use super::places::{Difference, Group, Spot};
use crate::catalog::{Catalog, Duration};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::{listed, routes, weight};
use crate::json::Parts;
use crate::promql::Matcher;
use crate::promql::matchers::{picks, read};
use crate::render::Rendered;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const TEMPLATE: &str = "monitoring/alertmanager/alertmanager.yml";

/// What a route hands down to those inside it.
const OPTIONS: [&str; 4] = [
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// Silence at times belongs to the route itself.
const TIMES: [&str; 2] = ["mute_time_intervals", "active_time_intervals"];

/// One side's configuration, its matchers read.
struct Side {
    path: String,
    routing: Value,
    root: Option<Route>,
}

struct Route {
    matchers: Vec<Matcher>,
    settings: Map<String, Value>,
    inside: Vec<Route>,
}

/// Both sides, and the alerts that are sent through them.
pub struct Routing {
    before: Side,
    after: Side,
    alerts: Vec<BTreeMap<String, String>>,
    /// Whether the text of a rule file differs, in meaning or not: what quotes rules then differs with them.
    pub rules_differ: bool,
}

impl Routing {
    /// Reads both; the alerts are those of the new side.
    pub fn of(before: &Rendered, after: &Rendered, catalog: &Catalog) -> Routing {
        let rules = |side: &Rendered| {
            side.files
                .iter()
                .filter(|file| file.template.ends_with("_rules.yml"))
                .map(|file| file.text.clone())
                .collect::<Vec<_>>()
        };
        let rules_differ = rules(before) != rules(after);
        let [before, old] = [Side::of(before), Side::of(after)];
        let mut labels = BTreeSet::new();
        [&before, &old]
            .iter()
            .filter_map(|side| side.root.as_ref())
            .for_each(|root| root.labels(&mut labels));
        let alerts = alerts(
            after,
            catalog,
            labels
                .iter()
                .any(|label| !["alertname", "severity"].contains(&label.as_str())),
        );
        Routing {
            before,
            after: old,
            alerts,
            rules_differ,
        }
    }

    /// Whether an alert reaches the receiver, on the side that is compared with.
    pub fn used(&self, receiver: &str) -> bool {
        let reached = |alert: &BTreeMap<String, String>| {
            self.before
                .told(alert)
                .iter()
                .any(|route| route["receiver"] == receiver)
        };
        self.alerts.iter().any(reached)
    }

    /// Every alert that goes elsewhere, or later.
    pub fn inspect(&self, found: &mut Group<'_>) {
        if canonical(&self.before.routing["route"]) == canonical(&self.after.routing["route"]) {
            return;
        }
        let spot = || Spot::after(&self.after.path, "/route");
        let mut told = false;
        for alert in &self.alerts {
            let (was, is) = (self.before.told(alert), self.after.told(alert));
            let mut say = |class: Class, says: String| {
                told = true;
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
                    .find(|old| old["receiver"] == new["receiver"])
                    .map(|old| (old, new))
            });
            let Some((old, new)) = pair.or(was.first().zip(is.first())) else {
                continue;
            };
            for key in OPTIONS
                .iter()
                .chain(&TIMES)
                .filter(|key| old.get(**key) != new.get(**key))
            {
                if let Some((class, says)) = setting(key, old.get(*key), new.get(*key)) {
                    say(class, says);
                }
            }
        }
        if !told {
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
        alert: &BTreeMap<String, String>,
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
            weight::elsewhere(routes::rank(severity) == 0, &was, &is)
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

fn names(routes: &[Map<String, Value>]) -> BTreeSet<&str> {
    routes
        .iter()
        .filter_map(|route| route["receiver"].as_str())
        .collect()
}

/// How long until people are told, and how often.
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

/// One set of labels for each alert and severity; for each service too where routes ask for more.
fn alerts(
    rendered: &Rendered,
    catalog: &Catalog,
    by_service: bool,
) -> Vec<BTreeMap<String, String>> {
    let mut found = BTreeSet::new();
    for alert in &catalog.alerts {
        for branch in &alert.branches {
            let base = BTreeMap::from([
                ("alertname".to_string(), alert.name.clone()),
                ("severity".to_string(), branch.severity.clone()),
            ]);
            match by_service {
                false => drop(found.insert(base)),
                true => found.extend(
                    branch
                        .services
                        .iter()
                        .filter_map(|name| catalog.service(name))
                        .map(|service| {
                            let of_service = [
                                ("job", &service.name),
                                ("service", &service.name),
                                ("component", &service.group),
                            ];
                            base.clone()
                                .into_iter()
                                .chain(
                                    of_service
                                        .map(|(label, value)| (label.to_string(), value.clone())),
                                )
                                .collect()
                        }),
                ),
            }
        }
    }
    let named: BTreeSet<&str> = catalog
        .alerts
        .iter()
        .map(|alert| alert.name.as_str())
        .collect();
    let files = rendered
        .files
        .iter()
        .filter(|file| file.template.ends_with("_rules.yml"));
    let groups = files.flat_map(|file| file.value["groups"].items());
    for rule in groups.flat_map(|group| group["rules"].items()) {
        if let Some(name) = rule["alert"].as_str().filter(|name| !named.contains(name)) {
            let labels = rule["labels"]
                .entries()
                .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string())));
            found.insert(
                labels
                    .chain([("alertname".to_string(), name.to_string())])
                    .collect(),
            );
        }
    }
    found.into_iter().collect()
}

impl Side {
    fn of(rendered: &Rendered) -> Side {
        let file = rendered.files.iter().find(|file| file.template == TEMPLATE);
        let routing = file.map(|file| file.value.clone()).unwrap_or_default();
        let root = routing
            .get("route")
            .map(|route| Route::read(route, &Map::new()));
        Side {
            path: file.map_or_else(|| TEMPLATE.to_string(), |file| file.path.clone()),
            routing,
            root,
        }
    }

    /// The settings of every route that an alert ends in.
    fn told(&self, alert: &BTreeMap<String, String>) -> Vec<Map<String, Value>> {
        let mut found = Vec::new();
        if let Some(root) = &self.root {
            root.follow(alert, &mut found);
        }
        found
    }

    /// Integration → its settings, of several receivers.
    fn integrations(&self, receivers: &BTreeSet<&str>) -> Map<String, Value> {
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
        let mut found: Map<String, Value> = Map::new();
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

impl Route {
    fn read(route: &Value, handed: &Map<String, Value>) -> Route {
        let mut settings = handed.clone();
        TIMES.iter().for_each(|key| drop(settings.remove(*key)));
        settings.remove("continue");
        for key in OPTIONS
            .iter()
            .chain(&TIMES)
            .chain(&["receiver", "continue"])
        {
            if let Some(value) = route.get(*key) {
                settings.insert(key.to_string(), value.clone());
            }
        }
        settings.entry("receiver").or_insert(Value::Null);
        let inside = route["routes"]
            .items()
            .map(|route| Route::read(route, &settings))
            .collect();
        Route {
            matchers: matchers(route),
            settings,
            inside,
        }
    }

    fn labels(&self, found: &mut BTreeSet<String>) {
        found.extend(self.matchers.iter().map(|matcher| matcher.name.clone()));
        self.inside.iter().for_each(|route| route.labels(found));
    }

    /// Whether the alert is one of this route's; where it ends.
    fn follow(
        &self,
        alert: &BTreeMap<String, String>,
        found: &mut Vec<Map<String, Value>>,
    ) -> bool {
        if !self
            .matchers
            .iter()
            .all(|matcher| picks(matcher, alert.get(&matcher.name).map_or("", String::as_str)))
        {
            return false;
        }
        let mut inside = false;
        for route in &self.inside {
            if route.follow(alert, found) {
                inside = true;
                if route.settings.get("continue") != Some(&Value::Bool(true)) {
                    break;
                }
            }
        }
        if !inside {
            found.push(self.settings.clone());
        }
        true
    }
}

/// `matchers`, and the older `match` and `match_re`. One that cannot be read matches nothing that is known of it here.
fn matchers(route: &Value) -> Vec<Matcher> {
    let new = route["matchers"]
        .texts()
        .map(|text| text.trim().trim_matches(['{', '}']).to_string());
    let old = [("match", "="), ("match_re", "=~")]
        .into_iter()
        .flat_map(|(key, op)| {
            let pairs = route[key].entries();
            pairs.map(move |(label, value)| {
                format!(
                    "{label}{op}{}",
                    Value::from(value.as_str().unwrap_or_default())
                )
            })
        });
    new.chain(old)
        .flat_map(|text| {
            read(&text)
                .or_else(|| read(&quoted(&text)))
                .unwrap_or_default()
        })
        .collect()
}

/// The Alertmanager takes `severity=critical` too.
fn quoted(matcher: &str) -> String {
    let at = matcher
        .find(|c: char| ['=', '!', '~'].contains(&c))
        .unwrap_or(matcher.len());
    let (name, rest) = matcher.split_at(at);
    let end = rest
        .find(|c: char| !['=', '!', '~'].contains(&c))
        .unwrap_or(rest.len());
    format!(
        "{}{}{}",
        name.trim(),
        &rest[..end],
        Value::from(rest[end..].trim())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tree_is_followed_as_the_alertmanager_follows_it() {
        let tree = json!({"receiver": "null", "group_wait": "30s", "routes": [
            {"receiver": "audit", "continue": true, "matchers": ["severity=~\"critical|warning\""]},
            {"receiver": "pager", "matchers": ["severity = critical"], "routes": [{"matchers": ["job=\"a\""], "group_wait": "1s"}]},
            {"receiver": "old", "match": {"severity": "info"}}]});
        let root = Route::read(&tree, &Map::new());
        let told = |labels: &[(&str, &str)]| {
            let mut found = Vec::new();
            root.follow(
                &labels
                    .iter()
                    .map(|(label, value)| (label.to_string(), value.to_string()))
                    .collect(),
                &mut found,
            );
            found
                .iter()
                .map(|route| {
                    format!(
                        "{} {}",
                        route["receiver"].as_str().unwrap(),
                        route["group_wait"].as_str().unwrap()
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[("severity", "critical"), ("job", "a")]),
            ["audit 30s", "pager 1s"]
        );
        assert_eq!(
            told(&[("severity", "critical"), ("job", "b")]),
            ["audit 30s", "pager 30s"]
        );
        assert_eq!(told(&[("severity", "warning")]), ["audit 30s"]);
        assert_eq!(told(&[("severity", "info")]), ["old 30s"]);
        assert_eq!(told(&[("severity", "none")]), ["null 30s"]);
    }

    #[test]
    fn a_wait_of_hours_is_dangerous_and_a_default_is_no_change() {
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
