//! When an alert that fires is told: the waits of its routes in the running Alertmanager, and what its group has had before.

use super::delivery::{Delivery, called, texts};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::prometheus::{Running, time};
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::routes::{EACH, Route};
use crate::stack::notifications::times::Intervals;
use crate::value::Value;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// What holds where a route says nothing. https://prometheus.io/docs/alerting/latest/configuration/#route
const DEFAULTS: [(&str, Duration); 3] = [
    ("group_wait", Duration(30_000)),
    ("group_interval", Duration(300_000)),
    ("repeat_interval", Duration(4 * 3_600_000)),
];

/// An alert on its way to a receiver.
struct Due<'a> {
    labels: Labels,
    route: &'a Route,
    at: DateTime<Utc>,
    /// Whether others of its group have been told, so that it waits for the next notification of all.
    joins: bool,
}

fn setting(route: &Route, key: &str) -> Duration {
    let written = route.settings.get(key).and_then(Value::as_str);
    let known = DEFAULTS.iter().find(|(name, _)| *name == key);
    let known = known.map_or(Duration(0), |(_, default)| *default);
    written.and_then(Duration::parse).unwrap_or(known)
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    at + TimeDelta::milliseconds(i64::try_from(by.0).unwrap_or(i64::MAX))
}

/// The labels by which a route's groups are told apart.
fn group(route: &Route, labels: &Labels) -> Labels {
    let by = route.group_by();
    let own = labels.iter();
    let own = own.filter(|(label, _)| by.contains(&EACH) || by.contains(&label.as_str()));
    own.map(|(label, value)| (label.clone(), value.clone()))
        .collect()
}

/// The routes of the running Alertmanager, and since when each group of what it has fires.
pub(crate) struct Schedule {
    tree: Route,
    /// By the place of the route and the labels of the group.
    began: HashMap<(String, Labels), DateTime<Utc>>,
}

fn begins(alert: &Value) -> Option<DateTime<Utc>> {
    time(alert["startsAt"].as_str()?)
}

impl Schedule {
    /// None: nobody is told of anything.
    pub(crate) fn of(delivery: &Delivery) -> Option<Schedule> {
        let tree = Route::of(&delivery.config)?;
        let mut began: HashMap<(String, Labels), DateTime<Utc>> = HashMap::new();
        for alert in &delivery.alerts {
            let (labels, Some(at)) = (texts(&alert["labels"]), begins(alert)) else {
                continue;
            };
            for route in tree.ends(&labels) {
                let group = (route.pointer.clone(), group(route, &labels));
                let first = began.entry(group).or_insert(at);
                *first = at.min(*first);
            }
        }
        Some(Schedule { tree, began })
    }

    /// When each alert of a service that fires and that nothing holds back is told, wherever somebody is.
    fn due(&self, delivery: &Delivery, service: &str) -> Vec<Due<'_>> {
        let mut found = Vec::new();
        for alert in delivery.of_service(service) {
            let (labels, Some(since)) = (texts(&alert["labels"]), begins(alert)) else {
                continue;
            };
            if alert["status"]["state"] == "suppressed" {
                continue;
            }
            let ends = self.tree.ends(&labels).into_iter();
            for route in ends.filter(|one| delivery.tells(one.receiver())) {
                let group = (route.pointer.clone(), group(route, &labels));
                let first = self.began.get(&group).copied().unwrap_or(since);
                let told_first = later(first, setting(route, "group_wait"));
                let joins = since > told_first;
                let at = match joins {
                    true => later(since, setting(route, "group_interval")),
                    false => told_first,
                };
                let labels = labels.clone();
                found.push(Due {
                    labels,
                    route,
                    at,
                    joins,
                });
            }
        }
        found
    }
}

/// Alerts of a service that fire and have not been told of yet, because it is not yet time.
pub(crate) fn not_yet(
    running: &Running,
    delivery: &Delivery,
    schedule: &Schedule,
    service: &str,
    place: &Place,
) -> Vec<Diagnostic> {
    let now = running.now();
    let waiting = schedule.due(delivery, service).into_iter();
    let waiting = waiting.filter(|due| due.at > now);
    let said = waiting.map(|due| {
        let (key, when, why) = match due.joins {
            false => ("group_wait", "at the earliest", ""),
            true => (
                "group_interval",
                "at the latest",
                ", with the next notification of its group",
            ),
        };
        let message = format!(
            "{} fires, and {} is told at {} {when}{why} ({key} {})",
            called(&due.labels),
            due.route.receiver(),
            due.at.format("%T UTC"),
            setting(due.route, key)
        );
        Diagnostic::warning("not-told-yet", place.clone(), message).help(format!(
            "wait; a shorter `{key}` under [alertmanager] tells sooner"
        ))
    });
    said.collect()
}

/// How often what has been told is told again while it fires.
pub(crate) fn again(delivery: &Delivery, service: &str) -> Option<String> {
    let schedule = Schedule::of(delivery)?;
    let all = schedule.due(delivery, service);
    let intervals = Intervals::of(&delivery.config);
    let tells = |due: &&Due| {
        due.at <= Utc::now() && intervals.silent_at(&[due.route], Utc::now()) == Ok(false)
    };
    let told = all.iter().find(tells)?;
    Some(format!(
        "told again every {} while it fires",
        setting(told.route, "repeat_interval")
    ))
}
