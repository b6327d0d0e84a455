//! What belongs together in two catalogs: the same name, or a new name for the same thing.

use crate::catalog::{Alert, Catalog, Metric, Service};
use serde_json::json;

/// The items of both catalogs.
pub struct Pairs<'a, T> {
    /// In both; where the names differ, the item was renamed.
    pub both: Vec<(&'a T, &'a T)>,
    /// Only in the old catalog.
    pub gone: Vec<&'a T>,
    /// Only in the new one.
    pub new: Vec<&'a T>,
}

impl<'a, T> Pairs<'a, T> {
    /// Pairs by name; of the rest, those that are the only ones on both sides with the same `likeness`.
    fn of(before: &'a [T], after: &'a [T], name: fn(&T) -> &str, likeness: impl Fn(&T) -> String) -> Pairs<'a, T> {
        let in_after = |item: &T| after.iter().find(|other| name(other) == name(item));
        let mut gone: Vec<&T> = before.iter().filter(|item| in_after(item).is_none()).collect();
        let mut new: Vec<&T> = after.iter().filter(|item| !before.iter().any(|other| name(other) == name(item))).collect();
        let only = |items: &[&'a T], wanted: &str| {
            let mut alike = items.iter().copied().filter(|item| likeness(item) == wanted);
            alike.next().filter(|_| alike.next().is_none())
        };
        let renamed: Vec<(&T, &T)> = gone.iter().filter_map(|item| Some((only(&gone, &likeness(item))?, only(&new, &likeness(item))?))).collect();
        gone.retain(|item| !renamed.iter().any(|(old, _)| std::ptr::eq(*old, *item)));
        new.retain(|item| !renamed.iter().any(|(_, fresh)| std::ptr::eq(*fresh, *item)));
        let kept = before.iter().filter_map(|item| Some((item, in_after(item)?)));
        Pairs { both: kept.chain(renamed).collect(), gone, new }
    }
}

/// Services by name, else by address. A container's host is its name, so its group stands for that.
pub fn services<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Service> {
    Pairs::of(
        &before.services,
        &after.services,
        |service| &service.name,
        |service| match service.runs_on.as_str() {
            "compose" => format!("compose {} {}", service.group, service.port),
            _ => format!("{}:{}", service.host, service.port),
        },
    )
}

/// Alerts by name, else by kind and settings.
pub fn alerts<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Alert> {
    let likeness = |alert: &Alert| {
        let above = alert.branches.first().map(|branch| branch.above);
        json!([alert.kind, alert.settings, above, alert.window, alert.r#for, alert.severity]).to_string()
    };
    Pairs::of(&before.alerts, &after.alerts, |alert| &alert.name, likeness)
}

/// Metrics by name, else by all that is said of them.
pub fn metrics<'a>(before: &'a Catalog, after: &'a Catalog) -> Pairs<'a, Metric> {
    let likeness = |metric: &Metric| json!([metric.r#type, metric.help, metric.labels, metric.services, metric.buckets]).to_string();
    Pairs::of(&before.metrics, &after.metrics, |metric| &metric.key, likeness)
}
