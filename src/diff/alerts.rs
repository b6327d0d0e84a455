//! Alerts that come, go or change their name, and the services that each of them covers.

use super::Class::{Dangerous, Notice, Safe};
use super::{At, Comparison, listed, objectives, plural, routes};
use crate::catalog::{Alert, Catalog, Metric, Override, Scope, Service};
use crate::contract::status;
use crate::kinds::Kind;
use crate::value::Value;
use std::collections::HashSet;

/// Every alert that is there on one side only, has another name, or covers other services.
pub(crate) fn inspect(comparison: &mut Comparison) {
    for alert in comparison.alerts.gone.clone() {
        if objectives::goes_along(alert, &comparison.after.catalog.slos) {
            continue;
        }
        let message = format!(
            "alert {} is removed: it covered {}",
            alert.name,
            covered(alert)
        );
        comparison.say(Dangerous, message, At::Before(key(alert)));
    }
    for alert in comparison.alerts.new.clone() {
        if objectives::goes_along(alert, &comparison.before.catalog.slos) {
            continue;
        }
        let to = routes::receiver(comparison.after.catalog, &alert.severity);
        let message = format!(
            "alert {} is new: it covers {}; {} goes to {to}",
            alert.name,
            covered(alert),
            routes::noun(&alert.severity)
        );
        comparison.say(
            if alert.is_idle() { Notice } else { Safe },
            message,
            At::After(key(alert)),
        );
    }
    for (old, new) in comparison.alerts.both.clone() {
        if old.name != new.name {
            let message = format!(
                "alert {} is now called {}: silences, links and history by the old name end, and it starts again where it fires",
                old.name, new.name
            );
            comparison.say(Dangerous, message, At::After(key(new)));
        }
        if !loses_metric(comparison, old, new) {
            about(comparison, old, new);
            if old.about != new.about {
                continue;
            }
            let (covered, covers): (HashSet<&String>, HashSet<&String>) =
                (old.covers.iter().collect(), new.covers.iter().collect());
            for (was, is) in comparison.services.both.clone() {
                coverage(
                    comparison,
                    (old, new),
                    (was, is),
                    (covered.contains(&was.name), covers.contains(&is.name)),
                );
            }
            emptied(comparison, old, new);
        }
    }
}

fn key(alert: &Alert) -> String {
    format!("/alerts/{}", alert.name)
}

fn covered(alert: &Alert) -> String {
    let (all, one) = match alert.about {
        Scope::Service => (&alert.covers, "service"),
        Scope::Group => (&alert.covers_groups, "group"),
        Scope::Platform => return "the platform as a whole".to_string(),
    };
    match (all.len(), alert.about) {
        (0, _) => format!("no {one}"),
        (1..=3, Scope::Group) => grouped(all),
        (1..=3, _) => listed(all),
        (count, _) => plural(count, one),
    }
}

/// An alert that is about something else than before, or about other groups.
fn about(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    let at = comparison.at(
        &[
            format!("{}/about", key(new)),
            format!("{}/groups", key(new)),
            key(new),
        ],
        &[],
    );
    if old.about != new.about {
        let message = format!(
            "{} is about {} instead of {}: it has other labels, and silences and routes that go by those no longer take it",
            new.name,
            covered(new),
            covered(old)
        );
        comparison.say(Dangerous, message, at);
        return;
    }
    let of = |one: &Alert, other: &Alert| -> Vec<String> {
        let groups = one.covers_groups.iter();
        groups
            .filter(|group| !other.covers_groups.contains(group))
            .cloned()
            .collect()
    };
    let (lost, more) = (of(old, new), of(new, old));
    if !lost.is_empty() {
        let message = format!("{} no longer covers {}", new.name, grouped(&lost));
        comparison.say(Dangerous, message, at);
    } else if !more.is_empty() {
        let message = format!("{} now covers {} too", new.name, grouped(&more));
        comparison.say(Safe, message, at);
    }
}

fn grouped(groups: &[String]) -> String {
    match groups {
        [one] => format!("the group {one}"),
        many => format!("the groups {}", listed(many)),
    }
}

/// The metrics that an alert reads, by key; of PromQL those whose whole name is in the expression.
pub(crate) fn reads<'a>(alert: &'a Alert, catalog: &'a Catalog) -> Vec<&'a str> {
    let expression = alert
        .settings
        .get("expr")
        .and_then(|expr| expr.as_str())
        .unwrap_or_default();
    let words: Vec<&str> = expression
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .collect();
    let in_expression = catalog.metrics.iter().filter(|metric| {
        words.iter().any(|word| {
            word.strip_prefix(metric.name.as_str())
                .is_some_and(|suffix| matches!(suffix, "" | "_bucket" | "_sum" | "_count"))
        })
    });
    alert
        .metrics()
        .into_iter()
        .map(|(_, metric, _)| metric)
        .chain(in_expression.map(|metric| metric.key.as_str()))
        .collect()
}

/// Whether the alert reads a metric that is declared no more; then it fires for nobody, and who is covered is beside the point.
fn loses_metric(comparison: &mut Comparison, old: &Alert, new: &Alert) -> bool {
    let (before, after) = (comparison.before.catalog, comparison.after.catalog);
    let expression = |alert: &Alert| alert.settings.get("expr").cloned();
    let stays = new.expression().is_some() && expression(old) == expression(new);
    // A kind names metrics by key; an unchanged expression names them with the prefix.
    let unmet = |metric: &str| {
        if stays {
            !reads(new, after).contains(&metric)
        } else {
            new.metrics().iter().any(|(_, key, _)| *key == metric) && after.metric(metric).is_none()
        }
    };
    let lost: Vec<&str> = reads(old, before)
        .into_iter()
        .filter(|metric| before.metric(metric).is_some() && unmet(metric))
        .collect();
    for metric in &lost {
        let renamed = comparison
            .metrics
            .both
            .iter()
            .find(|(was, is)| was.key == **metric && is.key != **metric);
        let now = renamed
            .map(|(_, is)| format!(" (now {})", is.key))
            .unwrap_or_default();
        let message = format!(
            "{} loses its data: it reads {metric}, which is no longer declared by that name{now}",
            new.name
        );
        comparison.say(Dangerous, message, At::After(key(new)));
    }
    !lost.is_empty()
}

/// What changes in whether an alert covers a service: it did, it does.
fn coverage(
    comparison: &mut Comparison,
    (old, new): (&Alert, &Alert),
    (was, is): (&Service, &Service),
    (covered, covers): (bool, bool),
) {
    let exception = [format!("/services/{}/alerts/{}/enabled", is.name, new.name)];
    let lead = format!("{} no longer covers ", new.name);
    if covered && new.excepts.contains(&is.name) {
        let why = is
            .overrides
            .get(&new.name)
            .and_then(|differs: &Override| differs.reason.clone())
            .unwrap_or_default();
        let at = comparison.at(&exception, &[]);
        comparison.say_of(
            Dangerous,
            &lead,
            &is.name,
            format!(", which the catalog excepts: {why}"),
            at,
        );
    } else if covered && !new.is_about(is) {
        let at = comparison.at(
            &[
                format!("/alerts/{}/services", new.name),
                format!("/alerts/{}/groups", new.name),
            ],
            &[],
        );
        comparison.say_of(
            Dangerous,
            &lead,
            &is.name,
            ": not among its services and groups".to_string(),
            at,
        );
    } else if covered && !covers {
        let missing: Vec<&str> = not_emitted(comparison.after.catalog, new, is);
        let at = comparison.at_key(
            &missing
                .first()
                .map_or(key(new), |metric| format!("/metrics/{metric}/services")),
        );
        comparison.say_of(
            Dangerous,
            &lead,
            &is.name,
            format!(": no {} from there", listed(&missing)),
            at,
        );
    } else if covers && !covered {
        let at = comparison.at(
            &[key(new)],
            &[format!(
                "/services/{}/alerts/{}/enabled",
                was.name, old.name
            )],
        );
        comparison.say_of(
            Safe,
            &format!("{} now covers ", new.name),
            &is.name,
            " too".to_string(),
            at,
        );
    }
}

/// An alert whose services have all been removed.
fn emptied(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    let kept = |name: &String| {
        comparison
            .services
            .both
            .iter()
            .any(|(was, _)| was.name == *name)
    };
    if !old.covers.is_empty() && new.covers.is_empty() && !old.covers.iter().any(kept) {
        comparison.say(
            Dangerous,
            format!("{} covers no service any more", new.name),
            At::After(key(new)),
        );
    }
}

/// The metrics that the alert reads and the service does not emit.
fn not_emitted<'a>(catalog: &'a Catalog, alert: &'a Alert, service: &Service) -> Vec<&'a str> {
    let silent = |metric: &&str| {
        catalog
            .metric(metric)
            .is_some_and(|metric| !metric.services.contains(&service.name))
    };
    let unread = alert.unread(catalog, service);
    let metrics = alert.metrics();
    // Of metrics that stand for each other one is enough.
    let stands_for = |metric: &&str| {
        metrics.iter().any(|(_, read, _)| read == metric) && !unread.contains(metric)
    };
    let all = reads(alert, catalog).into_iter();
    all.filter(|metric| silent(metric) && !stands_for(metric))
        .collect()
}

/// The labels that a kind needs of the metric in one of its settings.
pub(crate) fn labels<'a>(
    kind: &'a Kind,
    setting: &str,
    metric: &Metric,
) -> impl Iterator<Item = &'a str> {
    // The one that says how a request was answered.
    let answers = kind.says(setting, "answers").is_some();
    let answer = status::label(&metric.labels).filter(|_| answers);
    let named = kind.says(setting, "labels").into_iter();
    named.flat_map(Value::texts).chain(answer)
}
