//! Who is notified: routes, receivers and their integrations, and what the Alertmanager waits for.

use super::Class::{Dangerous, Notice, Safe, Warning};
use super::{At, Comparison, listed, weight};
use crate::catalog::{Alert, Catalog, Duration, NO_ONE, Subject};
use crate::json::plain;
use crate::value::{Map, Value, to_value};

/// Where alerts go whose severity has no route.
pub(crate) const NOBODY: &str = "nobody";

/// Who is notified of a severity.
pub(crate) fn receiver<'a>(catalog: &'a Catalog, severity: &str) -> &'a str {
    match catalog.receiver(severity) {
        NO_ONE => NOBODY,
        receiver => receiver,
    }
}

/// "a warning", "a critical alert".
pub(crate) fn noun(severity: &str) -> String {
    if severity == "warning" {
        "a warning".to_string()
    } else {
        format!(
            "{} {severity} alert",
            if severity.starts_with(['a', 'e', 'i', 'o', 'u']) {
                "an"
            } else {
                "a"
            }
        )
    }
}

/// Every change of who is notified, and when.
pub(crate) fn inspect(comparison: &mut Comparison) {
    let [before, after] = [comparison.before.catalog, comparison.after.catalog];
    let removed = (before.severities.names()).filter(|name| !after.severities.knows(name));
    for severity in after.severities.names().chain(removed) {
        urgency(comparison, severity);
        route(comparison, severity);
    }
    receivers(comparison);
    for setting in [
        "group_wait",
        "group_interval",
        "repeat_interval",
        "external_url",
        "image",
    ] {
        let values = |catalog: &Catalog| {
            to_value(&catalog.alertmanager).unwrap_or_default()[setting]
                .as_str()
                .unwrap_or_default()
                .to_string()
        };
        let (was, is) = (
            values(comparison.before.catalog),
            values(comparison.after.catalog),
        );
        if was != is {
            let at = comparison.at_key(&format!("/alertmanager/{setting}"));
            let class = match (Duration::parse(&was), Duration::parse(&is)) {
                (Some(was), Some(is)) => weight::longer(was, is),
                _ => Notice,
            };
            comparison.say(
                class,
                format!("the Alertmanager's `{setting}` is {is} instead of {was}"),
                at,
            );
        }
    }
}

/// Every change of whom a severity tells.
pub(super) fn told(comparison: &mut Comparison) {
    for severity in comparison.after.catalog.severities.names() {
        route(comparison, severity);
    }
}

/// A severity that comes, goes, or is more or less urgent than it was.
fn urgency(comparison: &mut Comparison, severity: &str) {
    let [was, is] = [comparison.before.catalog, comparison.after.catalog].map(|catalog| {
        let mut named = catalog.severities.iter();
        let urgency = named.find(|known| known.name == severity)?.urgency;
        Some((urgency, catalog.severities.rank(severity)))
    });
    let pointer = format!("/severities/{severity}");
    let (message, at) = match (was, is) {
        (None, Some((urgency, _))) => (
            format!("severity {severity} is new, with urgency {urgency}"),
            At::After(pointer),
        ),
        (Some(_), None) => (
            format!("severity {severity} is removed"),
            At::Before(pointer),
        ),
        (Some((was, old)), Some((is, new))) if old != new => (
            format!(
                "severity {severity} has urgency {is} instead of {was}: what it holds back, and is held back by, changes"
            ),
            comparison.at_key(&pointer),
        ),
        _ => return,
    };
    comparison.say(Notice, message, at);
}

fn route(comparison: &mut Comparison, severity: &str) {
    let (was, is) = (
        receiver(comparison.before.catalog, severity),
        receiver(comparison.after.catalog, severity),
    );
    if was == is {
        return;
    }
    // Where an owner or a route tells somebody on both sides, the severity's receiver is not asked.
    let asked = |alert: &Alert, subject: Subject| {
        let all = [comparison.before.catalog, comparison.after.catalog];
        all.into_iter().any(|catalog| {
            let known = catalog.counterpart(alert, subject);
            known.is_none_or(|(alert, _, subject)| {
                let told = catalog.told(&catalog.about(alert, subject, severity));
                !told.iter().any(|told| told.by.is_some())
            })
        })
    };
    let of_severity = |alert: &&Alert| {
        let mut branches = alert.branches.iter();
        let has = branches.any(|branch| branch.severity == severity);
        let after = comparison.after.catalog;
        let mut subjects = after.whom(alert).into_iter();
        has && (alert.is_idle() || subjects.any(|subject| asked(alert, subject)))
    };
    let alerts: Vec<&str> = comparison
        .after
        .catalog
        .alerts
        .iter()
        .filter(of_severity)
        .map(|alert| alert.name.as_str())
        .collect();
    let which = if alerts.is_empty() {
        "no alert now".to_string()
    } else {
        listed(&alerts)
    };
    let (class, message) = match (was, is) {
        (_, NOBODY) => (
            Dangerous,
            format!("alerts of severity {severity} now reach no one instead of {was}: {which}"),
        ),
        (NOBODY, _) => (
            Safe,
            format!(
                "alerts of severity {severity} now reach {is}, and reached no one before: {which}"
            ),
        ),
        _ => {
            let [old, new] = [
                (comparison.before.catalog, was),
                (comparison.after.catalog, is),
            ]
            .map(|(catalog, name)| notified_by(catalog, name));
            let class = weight::elsewhere(
                comparison.after.catalog.severities.rank(severity) == 0,
                &old,
                &new,
            );
            (
                class,
                format!(
                    "alerts of severity {severity} go to {is} instead of {was}: {which}{}",
                    ways(&old, &new)
                ),
            )
        }
    };
    let at = comparison.at_key(&format!("/alertmanager/routes/{severity}"));
    comparison.say(class, message, at);
}

fn receivers(comparison: &mut Comparison) {
    let (before, after) = (
        &comparison.before.catalog.receivers,
        &comparison.after.catalog.receivers,
    );
    for (name, is) in after {
        match before.get(name) {
            Some(was) => integrations(comparison, name, was, is),
            None => comparison.say(
                Safe,
                format!("receiver {name} is new: {}", kinds(is)),
                At::After(format!("/receivers/{name}")),
            ),
        }
    }
    for (name, was) in before.iter().filter(|(name, _)| !after.contains_key(name)) {
        // Under another name it still notifies the same people.
        let used = comparison
            .before
            .catalog
            .routed()
            .any(|(receiver, _)| receiver == name);
        let dangling = comparison
            .after
            .catalog
            .routed()
            .any(|(receiver, _)| receiver == name);
        let class = if used && (dangling || !after.values().any(|is| is == was)) {
            Dangerous
        } else {
            Notice
        };
        let in_use = if used { ", which was in use," } else { "" };
        comparison.say(
            class,
            format!("receiver {name}{in_use} is removed: {}", kinds(was)),
            At::Before(format!("/receivers/{name}")),
        );
    }
}

/// The integrations of a receiver.
fn notified_by(catalog: &Catalog, receiver: &str) -> Map {
    catalog
        .receivers
        .get(receiver)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// "; by slack instead of pagerduty", where that differs.
pub(crate) fn ways(was: &Map, is: &Map) -> String {
    let kinds = |map: &Map| listed(&map.keys().collect::<Vec<_>>());
    if was.keys().eq(is.keys()) {
        String::new()
    } else {
        format!("; by {} instead of {}", kinds(is), kinds(was))
    }
}

fn kinds(receiver: &Value) -> String {
    listed(&receiver.entries().map(|(kind, _)| kind).collect::<Vec<_>>())
}

/// What one receiver sends, and where to.
fn integrations(comparison: &mut Comparison, name: &str, was: &Value, is: &Value) {
    let all = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (was, is) = (all(was), all(is));
    let routed = comparison
        .after
        .catalog
        .routed()
        .any(|(receiver, _)| receiver == name);
    for (kind, settings) in &is {
        let pointer = format!("/receivers/{name}/{kind}");
        let Some(old) = was.get(kind) else {
            comparison.say(
                Safe,
                format!("receiver {name} also sends to {kind}"),
                At::After(pointer),
            );
            continue;
        };
        let keys: std::collections::BTreeSet<String> = all(settings)
            .into_iter()
            .chain(all(old))
            .map(|(key, _)| key)
            .collect();
        for key in keys
            .iter()
            .filter(|key| settings.get(*key) != old.get(*key))
        {
            let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_string(), plain);
            let at = comparison.at_key(&format!("{pointer}/{key}"));
            comparison.say(
                if routed { Warning } else { Notice },
                format!(
                    "receiver {name} sends to {kind} with `{key}` {} instead of {}",
                    text(settings.get(key)),
                    text(old.get(key))
                ),
                at,
            );
        }
    }
    for kind in was.keys().filter(|kind| !is.contains_key(kind)) {
        let message = format!(
            "receiver {name} no longer sends to {kind}: it notifies {} only",
            listed(&is.keys().collect::<Vec<_>>())
        );
        comparison.say(
            if routed { Dangerous } else { Notice },
            message,
            At::Before(format!("/receivers/{name}/{kind}")),
        );
    }
}
