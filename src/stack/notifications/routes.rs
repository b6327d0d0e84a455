//! Who gets an alert: the tree of routes, followed as the Alertmanager follows it.

use super::matchers::{self, Labels, Matcher, pick};
use crate::value::{Map, Value};
use std::collections::BTreeSet;

/// What a route hands down to those inside it.
pub const OPTIONS: [&str; 4] = [
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// Silence at times belongs to the route itself.
pub const TIMES: [&str; 2] = ["mute_time_intervals", "active_time_intervals"];

/// In place of labels: every alert is a group of its own.
pub const EACH: &str = "...";

/// A route with those inside it.
pub struct Route {
    /// Where it stands in the configuration.
    pub pointer: String,
    /// All of them pick an alert that is its own.
    pub(crate) matchers: Vec<Matcher>,
    /// What is in force here: its own, and what was handed down.
    pub settings: Map,
    /// The matcher that cannot be read: the route is no alert's.
    pub unreadable: Option<String>,
    inside: Vec<Route>,
}

/// Alerts that end in the same routes.
#[derive(Clone)]
pub struct Way<'r> {
    /// All of them pick such an alert.
    pub matchers: Vec<&'r Matcher>,
    pub ends: Vec<&'r Route>,
}

impl Route {
    /// The tree of a configuration of the Alertmanager; None: it has none.
    pub fn of(alertmanager: &Value) -> Option<Route> {
        let route = alertmanager
            .get("route")
            .filter(|route| route.is_object())?;
        Some(Route::read("/route", route, &Map::new()))
    }

    fn read(pointer: &str, route: &Value, handed: &Map) -> Route {
        let mut settings = handed.clone();
        TIMES.iter().for_each(|key| drop(settings.remove(key)));
        settings.remove("continue");
        for key in OPTIONS
            .iter()
            .chain(&TIMES)
            .chain(&["receiver", "continue"])
        {
            // An empty list or name says nothing, and what was handed down stays.
            let says = |value: &&Value| {
                !(value.is_null()
                    || value.as_str() == Some("")
                    || value.as_array().is_some_and(Vec::is_empty))
            };
            if let Some(value) = route.get(*key).filter(says) {
                settings.insert(key.to_string(), value.clone());
            }
        }
        settings.entry("receiver").or_insert(Value::Null);
        let inside = route["routes"].items().enumerate();
        let inside = inside
            .map(|(index, route)| {
                Route::read(&format!("{pointer}/routes/{index}"), route, &settings)
            })
            .collect();
        let (matchers, unreadable) = match matchers::of(route, "") {
            Ok(matchers) => (matchers, None),
            Err(text) => (Vec::new(), Some(text)),
        };
        Route {
            pointer: pointer.to_string(),
            matchers,
            settings,
            unreadable,
            inside,
        }
    }

    /// Whom it tells.
    pub fn receiver(&self) -> &str {
        self.settings["receiver"].as_str().unwrap_or_default()
    }

    /// The labels by which its alerts are told apart; without any, all of them are one group.
    pub fn group_by(&self) -> Vec<&str> {
        let list = self.settings.get("group_by");
        list.map_or(Vec::new(), |list| list.texts().collect())
    }

    /// It and every route inside, from the top.
    pub fn all(&self) -> Vec<&Route> {
        let inside = self.inside.iter().flat_map(Route::all);
        std::iter::once(self).chain(inside).collect()
    }

    /// The labels that any route asks for.
    pub fn labels(&self) -> BTreeSet<&str> {
        let matchers = self.all().into_iter().flat_map(|route| &route.matchers);
        matchers.map(|matcher| matcher.name.as_str()).collect()
    }

    /// Whether its own matchers pick an alert, wherever the alert ends.
    pub(crate) fn takes(&self, alert: &Labels) -> bool {
        self.unreadable.is_none() && pick(&self.matchers, alert)
    }

    /// Every route that an alert ends in: who gets it, and how. A label that it lacks is empty.
    pub fn ends(&self, alert: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        self.follow(alert, &mut found);
        found
    }

    /// Whether the alert is one of this route's; where it ends.
    fn follow<'a>(&'a self, alert: &Labels, found: &mut Vec<&'a Route>) -> bool {
        if !self.takes(alert) {
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

    /// The tree as one list, in which the first that an alert fits says all routes that it ends in. None: it has more than so many.
    pub fn ways(&self, most: usize) -> Option<Vec<Way<'_>>> {
        let all = self.covering(most)?;
        (all.len() <= most).then_some(all)
    }

    /// Ways that together take whatever its matchers pick.
    fn covering(&self, most: usize) -> Option<Vec<Way<'_>>> {
        let mut all = Route::beginning(&self.inside, most)?;
        all.push(Way {
            matchers: Vec::new(),
            ends: vec![self],
        });
        for way in &mut all {
            way.matchers.splice(0..0, &self.matchers);
        }
        Some(all)
    }

    /// Ways through neighbours, of which the first that picks an alert keeps it unless it goes on.
    fn beginning(routes: &[Route], most: usize) -> Option<Vec<Way<'_>>> {
        let Some((first, behind)) = routes.split_first() else {
            return Some(Vec::new());
        };
        let behind = Route::beginning(behind, most)?;
        let goes_on = first.settings.get("continue") == Some(&Value::Bool(true));
        let mut all = Vec::new();
        for way in first.covering(most)? {
            let more = behind.iter().filter(|_| goes_on);
            all.extend(more.map(|other| Way {
                matchers: [&way.matchers[..], &other.matchers].concat(),
                ends: [&way.ends[..], &other.ends].concat(),
            }));
            all.push(way);
        }
        all.extend(behind);
        (all.len() <= most).then_some(all)
    }

    /// Every route that some of the alerts come by, its own matchers and those around it, whatever stands before it.
    pub(crate) fn reached<'a>(&'a self, alerts: &[&Labels]) -> Vec<&'a Route> {
        let own: Vec<&Labels> = alerts
            .iter()
            .copied()
            .filter(|alert| self.takes(alert))
            .collect();
        if own.is_empty() {
            return Vec::new();
        }
        let inside = self.inside.iter().flat_map(|route| route.reached(&own));
        std::iter::once(self).chain(inside).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn the_tree_is_followed_as_the_alertmanager_follows_it() {
        let tree = json!({"receiver": "null", "group_wait": "30s", "group_by": ["a"], "routes": [
            {"receiver": "audit", "continue": true, "group_by": [], "matchers": ["severity=~\"critical|warning\""]},
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
                    let wait = route.settings["group_wait"].as_str().unwrap();
                    format!("{} {wait} {}", route.receiver(), route.group_by().join(","))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[("severity", "critical"), ("job", "a")]),
            ["audit 30s a", "pager 1s a"]
        );
        assert_eq!(
            told(&[("severity", "critical"), ("job", "b")]),
            ["audit 30s a", "pager 30s a"]
        );
        assert_eq!(told(&[("severity", "warning")]), ["audit 30s a"]);
        assert_eq!(told(&[("severity", "info")]), ["old 30s a"]);
        assert_eq!(told(&[("severity", "none")]), ["null 30s a"]);
    }

    #[test]
    fn a_tree_as_one_list_is_the_same_tree() {
        let tree = json!({"receiver": "rest", "routes": [
            {"receiver": "audit", "continue": true, "matchers": ["severity=~\"critical|warning\""]},
            {"receiver": "pager", "matchers": ["severity = critical"], "routes": [
                {"receiver": "log", "continue": true, "matchers": ["zone=x"]}, {"receiver": "own", "matchers": ["job=a"]}]},
            {"receiver": "old", "match": {"severity": "info"}}]});
        let root = Route::of(&json!({"route": tree})).unwrap();
        let ways = root.ways(64).unwrap();
        for severity in ["critical", "warning", "info", "none"] {
            for (job, zone) in [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")] {
                let pairs = [("severity", severity), ("job", job), ("zone", zone)];
                let alert: Labels = pairs.map(|(a, b)| (a.to_string(), b.to_string())).into();
                let picks = |matcher: &&Matcher| matcher.picks(&alert[&matcher.name]);
                let first = ways.iter().find(|way| way.matchers.iter().all(picks));
                let names = |ends: &[&Route]| -> Vec<String> {
                    ends.iter().map(|end| end.receiver().to_string()).collect()
                };
                assert_eq!(
                    names(&first.unwrap().ends),
                    names(&root.ends(&alert)),
                    "{pairs:?}"
                );
            }
        }
        assert!(root.ways(3).is_none());
    }
}
