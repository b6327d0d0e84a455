//! The metric contract: metrics that come, go or change, and the alerts that read them.

use super::Class::{Dangerous, Notice, Safe, Warning};
use super::{At, Class, Comparison, alerts, listed};
use crate::catalog::{Catalog, Metric, Platform};
use crate::contract::domain::Domain;
use std::collections::HashSet;

/// Every change of the metric contract.
pub(crate) fn inspect(comparison: &mut Comparison) {
    prefix(comparison);
    for metric in comparison.metrics.gone.clone() {
        let readers = readers(comparison.before.catalog, metric);
        let message = format!(
            "metric {} is removed{}: queries of it find nothing new",
            metric.key,
            read_by(&readers)
        );
        comparison.say(
            if readers.is_empty() {
                Notice
            } else {
                Dangerous
            },
            message,
            At::Before(key(metric)),
        );
    }
    for metric in comparison.metrics.new.clone() {
        comparison.say(
            Safe,
            format!(
                "metric {} is new: a {} from {}",
                metric.key,
                metric.r#type,
                from(metric, comparison.after.catalog)
            ),
            At::After(key(metric)),
        );
    }
    let mut services = comparison.services.both.iter();
    let renamed_services = services.any(|(was, is)| was.name != is.name);
    for (old, new) in comparison.metrics.both.clone() {
        if old.key != new.key {
            let message = format!(
                "metric {} is now called {}: queries of the old name find nothing new, and its history stays under the old name",
                old.key, new.key
            );
            comparison.say(Dangerous, message, At::After(key(new)));
        }
        renamed(comparison, old, new);
        kind(comparison, old, new);
        if renamed_services || old.services != new.services {
            emitters(comparison, old, new);
        }
        labels(comparison, old, new);
    }
}

fn prefix(comparison: &mut Comparison) {
    let (old, new) = (
        &comparison.before.catalog.platform,
        &comparison.after.catalog.platform,
    );
    let both = &comparison.metrics.both;
    let follows = both
        .iter()
        .any(|(old, new)| !old.spelled_out && !new.spelled_out);
    let called = |platform: &Platform| {
        if platform.prefixed {
            format!("{}_…", platform.metric_prefix)
        } else {
            "as its table is".to_string()
        }
    };
    if called(old) != called(new) && follows {
        let message = format!(
            "every metric without a name of its own is called {} instead of {}: the services must export the new names, and queries of the old ones find nothing new",
            called(new),
            called(old)
        );
        let at = comparison.at_key("/platform/metric_prefix");
        comparison.say(Dangerous, message, at);
    }
}

/// A name that is spelled out, and is another.
fn renamed(comparison: &mut Comparison, old: &Metric, new: &Metric) {
    if old.name == new.name || (!old.spelled_out && !new.spelled_out) {
        return;
    }
    let message = format!(
        "metric {} is called {} instead of {}: queries of the old name find nothing new, and its history stays under it",
        new.key, new.name, old.name
    );
    let at = comparison.at(
        &[format!("{}/name", key(new)), key(new)],
        &[format!("{}/name", key(old))],
    );
    comparison.say(Dangerous, message, at);
}

fn key(metric: &Metric) -> String {
    format!("/metrics/{}", metric.key)
}

fn from(metric: &Metric, catalog: &Catalog) -> String {
    match metric.services.len() {
        count if count == catalog.services.len() => "every service".to_string(),
        1..=3 => listed(&metric.services),
        count => format!("{count} services"),
    }
}

/// The names of the alerts that read a metric.
fn readers<'a>(catalog: &'a Catalog, metric: &Metric) -> Vec<&'a str> {
    let reading = catalog
        .alerts
        .iter()
        .filter(|alert| alerts::reads(alert, catalog).contains(&metric.key.as_str()));
    reading.map(|alert| alert.name.as_str()).collect()
}

fn read_by(readers: &[&str]) -> String {
    if readers.is_empty() {
        String::new()
    } else {
        format!(
            ", which {} read{}",
            listed(readers),
            if readers.len() == 1 { "s" } else { "" }
        )
    }
}

/// Its type, its buckets and its help.
fn kind(comparison: &mut Comparison, old: &Metric, new: &Metric) {
    let at = |comparison: &Comparison, part: &str| {
        comparison.at(
            &[format!("{}/{part}", key(new))],
            &[format!("{}/{part}", key(old))],
        )
    };
    if old.r#type != new.r#type {
        let readers = readers(comparison.after.catalog, new);
        let message = format!(
            "metric {} is a {} instead of a {}{}: its queries mean something else",
            new.key,
            new.r#type,
            old.r#type,
            read_by(&readers)
        );
        let place = at(comparison, "type");
        comparison.say(Dangerous, message, place);
    } else if old.whole != new.whole {
        let readers = readers(comparison.after.catalog, new);
        let (is, was) = match new.whole {
            true => ("one native histogram", "buckets, a sum and a count"),
            false => ("buckets, a sum and a count", "one native histogram"),
        };
        let place = comparison.at(
            &[
                format!("{}/native", key(new)),
                format!("{}/buckets", key(new)),
            ],
            &[
                format!("{}/native", key(old)),
                format!("{}/buckets", key(old)),
            ],
        );
        comparison.say(
            if readers.is_empty() { Notice } else { Dangerous },
            format!(
                "metric {} is stored as {is} instead of {was}{}: its queries are others, and its history stays in the old form",
                new.key,
                read_by(&readers)
            ),
            place,
        );
    } else if old.native != new.native {
        let said = match new.native {
            true => "also stored as a native histogram",
            false => "no longer stored as a native histogram too",
        };
        let place = at(comparison, "native");
        comparison.say(Notice, format!("metric {} is {said}", new.key), place);
    } else if old.buckets != new.buckets {
        let lost: Vec<String> = old
            .buckets
            .iter()
            .filter(|bound| !new.buckets.contains(bound))
            .map(f64::to_string)
            .collect();
        let gone = if lost.is_empty() {
            "more of them".to_string()
        } else {
            format!("no longer {}", listed(&lost))
        };
        let place = at(comparison, "buckets");
        let read = !readers(comparison.after.catalog, new).is_empty();
        comparison.say(
            if read && !lost.is_empty() { Warning } else { Notice },
            format!("the buckets of metric {} change, {gone}: quantiles across the change are estimates of neither", new.key),
            place,
        );
    }
    if old.r#type == new.r#type && old.quantiles != new.quantiles {
        let gone = old.quantiles.iter();
        let lost: Vec<String> = gone
            .filter(|quantile| !new.quantiles.contains(quantile))
            .map(f64::to_string)
            .collect();
        let change = match lost.as_slice() {
            [] => "more of them".to_string(),
            _ => format!("no longer {}", listed(&lost)),
        };
        let read = !readers(comparison.after.catalog, new).is_empty();
        let place = at(comparison, "quantiles");
        comparison.say(
            if read && !lost.is_empty() { Dangerous } else { Notice },
            format!("the quantiles of metric {} change, {change}: queries of what is gone find nothing new", new.key),
            place,
        );
    }
    if old.unit != new.unit {
        let said = |metric: &Metric| match &metric.unit {
            Some(unit) => format!("in {unit}"),
            None => "in what its name says".to_string(),
        };
        let readers = readers(comparison.after.catalog, new);
        let place = at(comparison, "unit");
        comparison.say(
            if readers.is_empty() { Notice } else { Warning },
            format!(
                "metric {} is {} instead of {}{}: thresholds and panels mean that",
                new.key,
                said(new),
                said(old),
                read_by(&readers)
            ),
            place,
        );
    }
    if old.help != new.help {
        let place = at(comparison, "help");
        comparison.say(
            Safe,
            format!("the help of metric {} is worded differently", new.key),
            place,
        );
    }
}

/// Services that no longer emit it, or do so now; those that came or went as a whole are reported elsewhere. An alert on PromQL
/// covers every service, so that its loss is reported here.
fn emitters(comparison: &mut Comparison, old: &Metric, new: &Metric) {
    let catalog = comparison.after.catalog;
    let promql = catalog.alerts.iter().filter(|alert| {
        alert.expression().is_some() && alerts::reads(alert, catalog).contains(&new.key.as_str())
    });
    let readers: Vec<&str> = promql.map(|alert| alert.name.as_str()).collect();
    let class = if readers.is_empty() {
        Notice
    } else {
        Dangerous
    };
    let (before, after): (HashSet<&String>, HashSet<&String>) =
        (old.services.iter().collect(), new.services.iter().collect());
    for (was, is) in comparison.services.both.clone() {
        let (emitted, emits) = (before.contains(&was.name), after.contains(&is.name));
        if emitted == emits {
            continue;
        }
        let at = comparison.at(
            &[
                format!("{}/services", key(new)),
                format!("{}/groups", key(new)),
            ],
            &[
                format!("{}/services", key(old)),
                format!("{}/groups", key(old)),
            ],
        );
        match emits {
            false => comparison.say_of(
                class,
                &format!(
                    "metric {}{} no longer comes from ",
                    new.key,
                    aside(&readers)
                ),
                &is.name,
                String::new(),
                at,
            ),
            true => comparison.say_of(
                Safe,
                &format!("metric {} now comes from ", new.key),
                &is.name,
                " too".to_string(),
                at,
            ),
        }
    }
}

fn aside(readers: &[&str]) -> String {
    if readers.is_empty() {
        String::new()
    } else {
        format!("{},", read_by(readers))
    }
}

fn labels(comparison: &mut Comparison, old: &Metric, new: &Metric) {
    let at = |comparison: &Comparison, label: &str| {
        comparison.at(
            &[format!("{}/labels/{label}", key(new))],
            &[format!("{}/labels/{label}", key(old))],
        )
    };
    for (label, was) in &old.labels {
        let place = at(comparison, label);
        match new.labels.get(label) {
            None => {
                let readers = needing(comparison.after.catalog, old, label);
                let class: Class = if readers.is_empty() {
                    Notice
                } else {
                    Dangerous
                };
                let lost = if readers.is_empty() {
                    String::new()
                } else {
                    format!(", and {} without data", losing(&readers))
                };
                comparison.say(class, format!("metric {} loses the label `{label}`: queries that select or group by it find nothing{lost}", new.key), place);
            }
            Some(is) if is != was => {
                let (is, was) = (Domain::declared(is), Domain::declared(was));
                // An alert that selects by a value which comes no more is without the data that it fired on.
                let readers = if was.within(&is) {
                    Vec::new()
                } else {
                    needing(comparison.after.catalog, new, label)
                };
                let (class, lost) = if readers.is_empty() {
                    (Notice, String::new())
                } else {
                    (Dangerous, format!("; {} may lose data", listed(&readers)))
                };
                comparison.say(class, format!("the label `{label}` of metric {} takes other values: {is} instead of {was}{lost}", new.key), place);
            }
            Some(_) => {}
        }
    }
    for label in new
        .labels
        .keys()
        .filter(|label| !old.labels.contains_key(label))
    {
        let place = at(comparison, label);
        comparison.say(Notice, format!("metric {} has the new label `{label}`: more series, each with a history of its own", new.key), place);
    }
}

fn losing(readers: &[&str]) -> String {
    format!(
        "{} {}",
        listed(readers),
        if readers.len() == 1 { "is" } else { "are" }
    )
}

/// The alerts whose kind, or whose expression, speaks of the label.
fn needing<'a>(catalog: &'a Catalog, metric: &Metric, label: &str) -> Vec<&'a str> {
    let reading = catalog
        .alerts
        .iter()
        .filter(|alert| alerts::reads(alert, catalog).contains(&metric.key.as_str()));
    let needs = reading.filter(|alert| {
        let of_kind = alert.metrics().iter().any(|(key, name, _)| {
            *name == metric.key
                && alerts::labels(&alert.kind, key, metric).any(|known| known == label)
        });
        let expression = alert
            .settings
            .get("expr")
            .and_then(|expr| expr.as_str())
            .unwrap_or_default();
        of_kind
            || expression
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .any(|word| word == label)
    });
    needs.map(|alert| alert.name.as_str()).collect()
}
