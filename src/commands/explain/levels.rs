//! What `explain` says of an alert with several levels.

use super::labelled::{own_labels, receiver, said_in_words};
use super::{Row, row};
use crate::catalog::levels::Levels;
use crate::catalog::{Alert, Catalog};
use crate::json::plain;
use crate::source::{Source, step};

/// Each level with its alert, from the most urgent down, and what all of them have in common.
pub(super) fn rows(levels: &Levels, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/alerts/{}/{key}", step(&levels.name)));
    let mut rows = Vec::new();
    let alerts = levels.all.iter();
    let alerts: Vec<&Alert> = alerts
        .filter_map(|level| catalog.alert(&level.alert))
        .collect();
    if let Some(alert) = alerts.first() {
        rows.push(row("kind", &alert.kind.name, source, at("kind")));
        for (key, value) in &alert.asks() {
            rows.push(row(key, plain(value), source, at(key)));
        }
        rows.extend(said_in_words(alert, source));
        rows.extend(own_labels(alert, source));
        rows.extend(
            alert
                .window
                .map(|window| row("window", window, source, at("window"))),
        );
        rows.push(row("for", alert.r#for, source, at("for")));
    }
    for alert in &alerts {
        let unit = alert.unit.as_deref();
        let mut limits: Vec<String> = Vec::new();
        for branch in &alert.branches {
            let limit = branch.says_limit(unit);
            let some = match branch.only.is_empty() {
                true => String::new(),
                false => format!(" for {}", branch.only.join(", ")),
            };
            limits.extend(limit.map(|limit| limit + &some));
        }
        let set = at(&format!("{}/{}", levels.key, step(&alert.severity)));
        let says = format!("{} {}", alert.name, limits.join(", "));
        rows.push(row(&alert.severity, says, source, set));
        if catalog.notices.is_empty() {
            let (key, value, line) = receiver(&alert.severity, catalog, source);
            rows.push((format!("{key} of {}", alert.severity), value, line));
        }
    }
    for alert in alerts {
        rows.extend(
            held_back(alert, catalog)
                .map(|held| (format!("{} holds back", alert.severity), held, None)),
        );
    }
    rows
}

/// What one level has to do with the others.
pub(super) fn others(alert: &Alert, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let Some(levels) = &alert.levels else {
        return Vec::new();
    };
    let table = format!("/alerts/{}", step(&levels.name));
    let mut rows = vec![row("level of", &levels.name, source, Some(table))];
    let held = held_back(alert, catalog).into_iter();
    rows.extend(held.map(|held| row("holds back", held, source, None)));
    rows
}

/// The levels of which nobody is told while this one fires.
fn held_back(alert: &Alert, catalog: &Catalog) -> Option<String> {
    let levels = alert.levels.as_ref()?;
    let table = format!("/alerts/{}/", step(&levels.name));
    let mut between = catalog
        .inhibitions
        .iter()
        .filter(|one| one.pointer.starts_with(&table));
    let own = between.find(|one| one.source.names("alert").contains(&alert.name))?;
    Some(own.target.names("alert").join(", "))
}
