//! Who is told of each alert of each service where owners and routes of the catalog decide it, and when; what holds back what.

use super::Class::{self, Dangerous, Notice, Safe, Warning};
use super::{At, Comparison, listed, weight};
use crate::catalog::owners::{About, Told};
use crate::catalog::{Alert, Catalog, Subject};
use crate::json::plain;
use crate::value::{Map, Value, to_value};

/// What is said of some alerts in one line.
struct Said {
    class: Class,
    lead: String,
    alerts: Vec<String>,
    at: At,
}

/// Every change of whom owners and routes tell, of times and of inhibitions.
pub(crate) fn inspect(comparison: &mut Comparison) {
    told(comparison);
    times(comparison);
    inhibitions(comparison);
}

/// Every change of whom owners and routes tell.
pub(super) fn told(comparison: &mut Comparison) {
    let mut said: Vec<Said> = Vec::new();
    let after = comparison.after.catalog;
    for alert in &after.alerts {
        for subject in after.whom(alert) {
            if let Some((class, lead, at)) = one(comparison, alert, subject) {
                let called = alert.of(subject);
                match said.iter_mut().find(|known| known.lead == lead) {
                    Some(known) => {
                        known.class = known.class.min(class);
                        known.alerts.push(called);
                    }
                    None => said.push(Said {
                        class,
                        lead,
                        alerts: vec![called],
                        at,
                    }),
                }
            }
        }
    }
    for Said {
        class,
        lead,
        alerts,
        at,
    } in said
    {
        comparison.say(class, format!("{lead}: {}", listed(&alerts)), at);
    }
}

/// What the catalog knows of an alert of a service, or of whatever else it is about; None: it does not fire for that.
fn about<'c>(catalog: &'c Catalog, alert: &Alert, subject: Subject) -> Option<About<'c>> {
    let (alert, branch, subject) = catalog.counterpart(alert, subject)?;
    Some(catalog.about(alert, subject, &branch.severity))
}

/// How an alert of a service is told otherwise; None: it is not, or by its severity alone on both sides.
fn one(comparison: &Comparison, alert: &Alert, subject: Subject) -> Option<(Class, String, At)> {
    let [before, after] = [comparison.before.catalog, comparison.after.catalog];
    let [was, is] = [before, after].map(|catalog| about(catalog, alert, subject));
    let (was, is) = (was?, is?);
    let pointer = |told: &[Told]| told.iter().find_map(|told| Some(told.by?.pointer.clone()));
    let [old, new] = [before.told(&was), after.told(&is)];
    let (from, to) = (pointer(&old), pointer(&new));
    let decided = from.is_some() || to.is_some();
    let at = match (to, from) {
        (Some(pointer), _) => At::After(pointer),
        (None, Some(pointer)) => At::Before(pointer),
        (None, None) => At::After(match subject.service() {
            Some(service) => format!("/services/{}", service.name),
            None => format!("/alerts/{}", alert.name),
        }),
    };
    let [before_says, after_says] = [(before, &was, &old), (after, &is, &new)]
        .map(|(catalog, about, told)| format!("{}{}", catalog.addressees(about), options(told)));
    if decided && before_says != after_says {
        let critical = after.severities.rank(is.severity) == 0;
        let [ways_before, ways_after] =
            [(before, &old), (after, &new)].map(|(c, told)| ways(c, told));
        let class = match (old.is_empty(), new.is_empty()) {
            (_, true) => Dangerous,
            (true, false) => Safe,
            _ if ways_before != ways_after => {
                weight::elsewhere(critical, &ways_before, &ways_after)
            }
            _ if critical => Dangerous,
            _ => Warning,
        };
        let lead = format!("alerts are told to {after_says} instead of {before_says}");
        return Some((class, lead, at));
    }
    if was.owner == is.owner {
        return None;
    }
    let name = |owner: &'_ str| match owner {
        "" => "nobody".to_string(),
        owner => owner.to_string(),
    };
    let lead = format!(
        "alerts belong to {} instead of {}, and the same are told",
        name(is.owner),
        name(was.owner)
    );
    Some((Notice, lead, at))
}

/// What the routes say of groups and waits.
fn options(told: &[Told]) -> String {
    let mut all = String::new();
    for notice in told.iter().filter_map(|told| told.by) {
        for (key, value) in &notice.options {
            let said = format!(" with {key} {}", plain(value));
            if !all.contains(&said) {
                all += &said;
            }
        }
    }
    all
}

/// By what people are told: integrations with their settings.
fn ways(catalog: &Catalog, told: &[Told]) -> Map {
    let mut all = Map::new();
    for told in told {
        let receiver = catalog.receivers.get(told.receiver);
        for (kind, settings) in receiver.and_then(Value::as_object).into_iter().flatten() {
            all.insert(format!("{kind} of {}", told.receiver), settings.clone());
        }
    }
    all
}

fn times(comparison: &mut Comparison) {
    let [before, after] = [comparison.before.catalog, comparison.after.catalog];
    let find = |catalog: &'_ Catalog, name: &str| -> Option<(Vec<Value>, String)> {
        let time = catalog.times.iter().find(|time| time.name == name)?;
        Some((time.intervals.clone(), time.says.clone()))
    };
    for time in &after.times {
        let pointer = format!("/times/{}", time.name);
        match find(before, &time.name) {
            None => comparison.say(
                Safe,
                format!("time {} is new: {}", time.name, time.says),
                At::After(pointer),
            ),
            Some((was, says)) if was != time.intervals => comparison.say(
                Warning,
                format!("time {} is {} instead of {says}", time.name, time.says),
                At::After(pointer),
            ),
            Some(_) => {}
        }
    }
    for time in &before.times {
        if find(after, &time.name).is_none() {
            let message = format!("time {} is removed: {}", time.name, time.says);
            comparison.say(Notice, message, At::Before(format!("/times/{}", time.name)));
        }
    }
}

fn inhibitions(comparison: &mut Comparison) {
    let [before, after] = [comparison.before.catalog, comparison.after.catalog];
    let find = |catalog: &'_ Catalog, name: &str| -> Option<Value> {
        let mut all = catalog.inhibitions.iter();
        let one = all.find(|one| one.name == name)?;
        to_value(one).ok()
    };
    for one in &after.inhibitions {
        let name = &one.name;
        let is = to_value(one).ok();
        let message = match find(before, name) {
            None => format!(
                "inhibition {name} is new: while its source fires, nobody is told of its target"
            ),
            was if was != is => {
                format!("inhibition {name} holds back other alerts than before, or for others")
            }
            _ => continue,
        };
        comparison.say(Warning, message, At::After(one.pointer.clone()));
    }
    for one in &before.inhibitions {
        let name = &one.name;
        if find(after, name).is_none() {
            let message =
                format!("inhibition {name} is removed: people are told of its targets too");
            comparison.say(Notice, message, At::Before(one.pointer.clone()));
        }
    }
}
