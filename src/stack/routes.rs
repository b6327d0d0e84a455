//! Who gets an alert: the tree of routes, followed as the Alertmanager follows it.

use super::files::Files;
use crate::catalog::{Alert, Branch, Catalog, Service};
use crate::promql::Matcher;
use crate::promql::matchers::{picks, read};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a route hands down to those inside it.
pub(crate) const OPTIONS: [&str; 4] = [
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// Silence at times belongs to the route itself.
pub(crate) const TIMES: [&str; 2] = ["mute_time_intervals", "active_time_intervals"];

/// The labels of an alert.
pub(crate) type Labels = BTreeMap<String, String>;

/// A route with those inside it.
pub(crate) struct Route {
    /// Where it stands in the configuration.
    pub(crate) pointer: String,
    /// All of them pick an alert that is its own.
    pub(crate) matchers: Vec<Matcher>,
    /// What is in force here: its own, and what was handed down.
    pub(crate) settings: Map<String, Value>,
    /// Otherwise it is no alert's.
    readable: bool,
    inside: Vec<Route>,
}

impl Route {
    /// The tree of a configuration of the Alertmanager; None: it has none.
    pub(crate) fn of(alertmanager: &Value) -> Option<Route> {
        let route = alertmanager.get("route")?;
        Some(Route::read("/route", route, &Map::new()))
    }

    fn read(pointer: &str, route: &Value, handed: &Map<String, Value>) -> Route {
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
        let inside = route["routes"].as_array().into_iter().flatten().enumerate();
        let inside = inside
            .map(|(index, route)| {
                Route::read(&format!("{pointer}/routes/{index}"), route, &settings)
            })
            .collect();
        let matchers = matchers(route);
        Route {
            pointer: pointer.to_string(),
            readable: matchers.is_some(),
            matchers: matchers.unwrap_or_default(),
            settings,
            inside,
        }
    }

    /// Whom it tells.
    pub(crate) fn receiver(&self) -> &str {
        self.settings["receiver"].as_str().unwrap_or_default()
    }

    /// It and every route inside, from the top.
    pub(crate) fn all(&self) -> Vec<&Route> {
        let inside = self.inside.iter().flat_map(Route::all);
        std::iter::once(self).chain(inside).collect()
    }

    /// The labels that any route asks for.
    pub(crate) fn labels(&self) -> BTreeSet<&str> {
        let matchers = self.all().into_iter().flat_map(|route| &route.matchers);
        matchers.map(|matcher| matcher.name.as_str()).collect()
    }

    /// Every route that an alert ends in: who gets it, and how. A label that it lacks is empty.
    pub(crate) fn ends(&self, alert: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        self.follow(alert, &mut found);
        found
    }

    /// Whether the alert is one of this route's; where it ends.
    fn follow<'a>(&'a self, alert: &Labels, found: &mut Vec<&'a Route>) -> bool {
        let picked = |matcher: &Matcher| {
            let value = alert.get(&matcher.name).map_or("", String::as_str);
            picks(matcher, value)
        };
        if !(self.readable && self.matchers.iter().all(picked)) {
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
            found.push(self);
        }
        true
    }
}

/// The labels that every alert of a service carries.
pub(crate) fn labels(alert: &Alert, branch: &Branch, service: &Service) -> Labels {
    let own = [
        ("alertname", &alert.name),
        ("severity", &branch.severity),
        ("job", &service.name),
        ("service", &service.name),
        ("component", &service.group),
    ];
    own.map(|(label, value)| (label.to_string(), value.clone()))
        .into()
}

/// The labels of the alerts that a tree is asked about: one set for each alert and severity; where routes ask for more than
/// those, one for each service too.
pub(crate) fn alerts(files: Files, catalog: &Catalog, asked: &BTreeSet<&str>) -> Vec<Labels> {
    let by_service = asked
        .iter()
        .any(|label| !["alertname", "severity"].contains(label));
    let mut found = BTreeSet::new();
    for alert in &catalog.alerts {
        for branch in &alert.branches {
            if !by_service {
                found.insert(BTreeMap::from([
                    ("alertname".to_string(), alert.name.clone()),
                    ("severity".to_string(), branch.severity.clone()),
                ]));
                continue;
            }
            let services = branch.services.iter();
            let services = services.filter_map(|name| catalog.service(name));
            found.extend(services.map(|service| labels(alert, branch, service)));
        }
    }
    let named: BTreeSet<&str> = catalog
        .alerts
        .iter()
        .map(|alert| alert.name.as_str())
        .collect();
    for (_, _, rule) in files.alerts() {
        let Some(name) = rule["alert"].as_str().filter(|name| !named.contains(name)) else {
            continue;
        };
        let own = rule["labels"].as_object().into_iter().flatten();
        let labels =
            own.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string())));
        let name = ("alertname".to_string(), name.to_string());
        found.insert(labels.chain([name]).collect());
    }
    found.into_iter().collect()
}

/// `matchers`, and the older `match` and `match_re`; None: one of them cannot be read.
fn matchers(route: &Value) -> Option<Vec<Matcher>> {
    let new = route["matchers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|text| text.trim().trim_matches(['{', '}']).to_string());
    let old = [("match", "="), ("match_re", "=~")]
        .into_iter()
        .flat_map(|(key, op)| {
            let pairs = route[key].as_object().into_iter().flatten();
            pairs.map(move |(label, value)| {
                format!(
                    "{label}{op}{}",
                    Value::from(value.as_str().unwrap_or_default())
                )
            })
        });
    let all: Option<Vec<Vec<Matcher>>> = new
        .chain(old)
        .map(|text| read(&text).or_else(|| read(&quoted(&text))))
        .collect();
    Some(all?.concat())
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
        let root = Route::of(&json!({"route": tree})).unwrap();
        let told = |labels: &[(&str, &str)]| {
            let alert = labels
                .iter()
                .map(|(label, value)| (label.to_string(), value.to_string()))
                .collect();
            root.ends(&alert)
                .iter()
                .map(|route| {
                    format!(
                        "{} {}",
                        route.receiver(),
                        route.settings["group_wait"].as_str().unwrap()
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
}
