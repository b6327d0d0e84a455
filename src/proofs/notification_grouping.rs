//! One notification is about one service, and alerts that belong together come in one.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::owners::Told;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::stack::notifications::alerts::Firing;
use crate::stack::notifications::routes::{EACH, Route};
use crate::stack::notifications::{Notifications, Promised};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "notification-grouping",
    doc: "What is grouped together is one notification: a second service that fails waits in the group of the first, and its incident is already open. With every alert alone, an outage is a page for each of its series.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/route/group_by",
        bad: r#"["alertname", "cluster"]"#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        let mut at: BTreeMap<&str, (&Route, Vec<&Firing>)> = BTreeMap::new();
        let promised = notifications.promised();
        for promised in &promised {
            for route in &promised.kept {
                let (_, firing) = at.entry(&route.pointer).or_insert((route, Vec::new()));
                firing.push(promised.firing);
            }
        }
        let chosen = chosen(&promised);
        let mut found: Vec<Diagnostic> = Vec::new();
        for (route, firing) in at.values() {
            let meant = chosen.contains(route.pointer.as_str());
            let wrong = unknown(notifications, route)
                .or_else(|| merged(route, firing).filter(|_| !meant))
                .or_else(|| split(route, firing).filter(|_| !meant));
            if let Some((message, help)) = wrong {
                let pointer = written(notifications, route);
                let same = place::at(&notifications.file.path, pointer, message, help);
                if !found.iter().any(|known| known.place == same.place) {
                    found.push(same);
                }
            }
        }
        for promised in &promised {
            if let Some(other) = otherwise(notifications, promised)
                && !found.iter().any(|known| known.place == other.place)
            {
                found.push(other);
            }
        }
        for (route, firing) in at.values() {
            found.extend(cut(notifications, route, firing));
        }
        found
    }),
};

/// An integration that tells of fewer alerts than a group can have.
fn cut(notifications: &Notifications, route: &Route, firing: &[&Firing]) -> Vec<Diagnostic> {
    let mut sizes: HashMap<Vec<&str>, usize> = HashMap::new();
    for one in firing {
        *sizes.entry(key(route, one)).or_default() += 1;
    }
    let largest = sizes.into_values().max().unwrap_or(0);
    let mut receivers = notifications.receivers.iter();
    let receiver = receivers.find(|receiver| receiver.name == route.receiver());
    let entries = receiver
        .map(|receiver| receiver.integrations())
        .unwrap_or_default();
    let cut = entries.into_iter().filter_map(|(pointer, _, entry)| {
        let most = entry["max_alerts"].as_u64().filter(|most| *most > 0)?;
        (most < largest as u64).then(|| {
            place::at(
                &notifications.file.path,
                format!("{pointer}/max_alerts"),
                format!(
                    "only {most} alerts of a notification are told, and a group can have {largest}"
                ),
                "take `max_alerts` away",
            )
        })
    });
    cut.collect()
}

/// How the route of the catalog groups by which somebody is told, where it says so.
fn said<'t>(told: &'t Told) -> Option<BTreeSet<&'t str>> {
    Some(told.by?.options.get("group_by")?.texts().collect())
}

/// Routes that group as a route of the catalog says: whoever wrote that wants one notification of several services, or several of one.
fn chosen<'p>(promised: &'p [Promised]) -> BTreeSet<&'p str> {
    let told = promised.iter().flat_map(|promised| &promised.told);
    let routes = told.flat_map(|(told, by)| {
        let said = said(told);
        by.iter()
            .filter(move |route| said.as_ref() == Some(&route.group_by().into_iter().collect()))
    });
    routes.map(|route| route.pointer.as_str()).collect()
}

/// Somebody whom a route of the catalog tells in groups of its own, and the rendered one in others.
fn otherwise(notifications: &Notifications, promised: &Promised) -> Option<Diagnostic> {
    promised.told.iter().find_map(|(told, by)| {
        let said = said(told)?;
        let is = |route: &Route| -> BTreeSet<String> {
            route.group_by().into_iter().map(str::to_string).collect()
        };
        let same = |route: &&Route| {
            is(route)
                .iter()
                .map(String::as_str)
                .eq(said.iter().copied())
        };
        if by.iter().any(same) {
            return None;
        }
        let list = |labels: Vec<String>| match labels.is_empty() {
            true => "nothing".to_string(),
            false => labels.join(", "),
        };
        let route = by.first()?;
        Some(place::at(
            &notifications.file.path,
            written(notifications, route),
            format!(
                "`{}` is told of {} grouped by {}, and the catalog's route groups by {}",
                told.receiver,
                promised.firing.called(),
                list(is(route).into_iter().collect()),
                list(said.iter().map(|label| label.to_string()).collect()),
            ),
            "render the route's own `group_by`",
        ))
    })
}

type Wrong = (String, String);

/// Where the grouping of a route is written: there, or further up.
fn written(notifications: &Notifications, route: &Route) -> String {
    let says = |pointer: &str| {
        let written = notifications.file.value.pointer(pointer);
        written.is_some_and(|written| written.get("group_by").is_some())
    };
    let mut pointer = route.pointer.as_str();
    while !says(pointer) {
        let Some((outer, _)) = pointer.rsplit_once("/routes/") else {
            return "/route".to_string();
        };
        pointer = outer;
    }
    format!("{pointer}/group_by")
}

/// A label that no alert has.
fn unknown(notifications: &Notifications, route: &Route) -> Option<Wrong> {
    let real = &notifications.alerts.real;
    // One that is lost on its way to the Alertmanager is another proof's.
    let has = |firing: &Firing, label: &str| {
        firing.labels().contains_key(label) || firing.made.contains_key(label)
    };
    let by = route.group_by().into_iter();
    let mut lost =
        by.filter(|label| *label != EACH && !real.iter().any(|firing| has(firing, label)));
    let label = lost.next()?;
    let known: BTreeSet<&str> = real
        .iter()
        .flat_map(|firing| firing.labels().keys().chain(firing.made.keys()))
        .map(String::as_str)
        .collect();
    Some((
        format!("notifications are grouped by `{label}`, and no alert has such a label"),
        suggestion(label, known.iter().copied()),
    ))
}

fn key<'a>(route: &Route, firing: &'a Firing) -> Vec<&'a str> {
    let by = route.group_by();
    let labels = firing.labels();
    match by.contains(&EACH) {
        true => labels.values().map(String::as_str).collect(),
        false => {
            let value = |label: &&str| labels.get(*label).map_or("", String::as_str);
            by.iter().map(value).collect()
        }
    }
}

/// Two services in one group.
fn merged(route: &Route, firing: &[&Firing]) -> Option<Wrong> {
    let mut groups: HashMap<Vec<&str>, &Firing> = HashMap::new();
    for one in firing.iter().filter(|one| one.of_catalog) {
        let first = *groups.entry(key(route, one)).or_insert(one);
        if first.subject() != one.subject() {
            return Some((
                format!(
                    "{} and {} are one notification: who is told of the first is told of the second minutes later, or not at all",
                    first.called(),
                    one.called()
                ),
                "group by a label that tells services apart: `group_by: [alertname, job]`"
                    .to_string(),
            ));
        }
    }
    None
}

/// Every alert alone, though some are about the same.
fn split(route: &Route, firing: &[&Firing]) -> Option<Wrong> {
    let mut groups: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut about: HashMap<(&str, Option<&str>), &Firing> = HashMap::new();
    let mut together = None;
    for one in firing {
        *groups.entry(key(route, one)).or_default() += 1;
        let first = *about.entry((&one.name, one.subject())).or_insert(one);
        if first.labels() != one.labels() {
            together = Some(one);
        }
    }
    let alone = groups.values().all(|count| *count == 1);
    together.filter(|_| alone).map(|one| {
        (
            format!(
                "every alert is a notification of its own: {} comes once for each of its series",
                one.called()
            ),
            "group by what an outage has in common: `group_by: [alertname, job]`".to_string(),
        )
    })
}
