//! What belongs together in two catalogs: the same name, or a new name for the same thing.

use crate::catalog::{Alert, Branch, Catalog, Metric, Service};
use crate::value::json;
use std::collections::HashMap;

/// The items of both catalogs.
pub(crate) struct Pairs<'a, T> {
    /// In both; where the names differ, the item was renamed.
    pub both: Vec<(&'a T, &'a T)>,
    /// Only in the old catalog.
    pub gone: Vec<&'a T>,
    /// Only in the new one.
    pub new: Vec<&'a T>,
}

impl<'a, T> Pairs<'a, T> {
    /// Pairs by name; of the rest, those that are the only ones on both sides with the same `likeness`.
    fn of(
        before: &'a [T],
        after: &'a [T],
        name: fn(&T) -> &str,
        likeness: impl Fn(&T) -> String,
    ) -> Pairs<'a, T> {
        let by_name = |items: &'a [T]| {
            items
                .iter()
                .map(|item| (name(item), item))
                .collect::<HashMap<&str, &T>>()
        };
        let (own, others) = (by_name(before), by_name(after));
        let mut gone: Vec<(String, &T)> = before
            .iter()
            .filter(|item| !others.contains_key(name(item)))
            .map(|item| (likeness(item), item))
            .collect();
        let mut new: Vec<(String, &T)> = after
            .iter()
            .filter(|item| !own.contains_key(name(item)))
            .map(|item| (likeness(item), item))
            .collect();
        let count = |items: &[(String, &T)], wanted: &str| {
            items
                .iter()
                .filter(|(likeness, _)| likeness == wanted)
                .count()
        };
        let mut both: Vec<(&T, &T)> = before
            .iter()
            .filter_map(|item| Some((item, *others.get(name(item))?)))
            .collect();
        let alike: Vec<String> = gone
            .iter()
            .map(|(likeness, _)| likeness.clone())
            .filter(|wanted| count(&gone, wanted) == 1 && count(&new, wanted) == 1)
            .collect();
        for wanted in alike {
            let taken = |items: &mut Vec<(String, &'a T)>| {
                items
                    .iter()
                    .position(|(likeness, _)| *likeness == wanted)
                    .map(|index| items.remove(index).1)
            };
            if let (Some(old), Some(fresh)) = (taken(&mut gone), taken(&mut new)) {
                both.push((old, fresh));
            }
        }
        let items = |pairs: Vec<(String, &'a T)>| pairs.into_iter().map(|(_, item)| item).collect();
        Pairs {
            both,
            gone: items(gone),
            new: items(new),
        }
    }
}

/// Services by name, else by address. A container's host is its name, so its group is used instead.
pub(crate) fn services<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Service> {
    Pairs::of(
        &before.services,
        &after.services,
        |service| &service.name,
        |service| match service.runs_on.as_str() {
            "compose" => format!("compose {} {}", service.group, service.port),
            _ => service.addresses(),
        },
    )
}

/// Alerts by name, else by kind and settings.
pub(crate) fn alerts<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Alert> {
    let likeness = |alert: &Alert| {
        let limit = alert.branches.first().and_then(Branch::limit);
        let limit = limit.map(|(side, limit)| (side.word_of(alert.includes), limit));
        json!([
            alert.kind.name,
            alert.asks(),
            limit,
            alert.window,
            alert.r#for,
            alert.severity
        ])
        .to_string()
    };
    Pairs::of(&before.alerts, &after.alerts, |alert| &alert.name, likeness)
}

/// Metrics by name, else by all that is said of them.
pub(crate) fn metrics<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Metric> {
    let likeness = |metric: &Metric| {
        json!([
            metric.r#type,
            metric.help,
            metric.labels,
            metric.services,
            metric.buckets,
            metric.native
        ])
        .to_string()
    };
    let mut pairs = Pairs::of(
        &before.metrics,
        &after.metrics,
        |metric| &metric.key,
        likeness,
    );
    // What a profile lists is there whether an alert reads it or not.
    let declared = |metric: &&Metric| metric.profile.is_none() && metric.keeps.is_none();
    pairs.gone.retain(declared);
    pairs.new.retain(declared);
    pairs
}
