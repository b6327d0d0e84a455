//! What an alert carries: its words, its own labels, and by its severity who is told.

use super::{Row, row};
use crate::catalog::{Alert, Catalog, NO_ONE, Unless};
use crate::source::{Source, step};

/// What the catalog says of it in its own words, as people read that where nothing has fired, and when it ends and is told.
pub(super) fn said_in_words(alert: &Alert, source: &Source) -> Vec<Row> {
    let keep = alert.keep_firing_for.map(|keep| keep.to_string());
    let (mute, active) = (alert.hours.mute.join(", "), alert.hours.active.join(", "));
    let list = |names: String| Some(names).filter(|names| !names.is_empty());
    let texts = [
        ("summary", alert.spoken.summary.clone()),
        ("description", alert.spoken.description.clone()),
        ("runbook_url", alert.runbook_url.clone()),
        ("keep_firing_for", keep),
        ("unless", alert.unless.as_ref().map(Unless::words)),
        ("hours/mute", list(mute)),
        ("hours/active", list(active)),
    ];
    let own = texts
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_string(), text?)));
    let more = alert.own_annotations.iter();
    let more = more.map(|(name, text)| (format!("annotations/{}", step(name)), text.clone()));
    let at = |key: &str| Some(format!("{}/{key}", alert.written_table()));
    own.chain(more)
        .map(|(key, text)| row(&key.replace('/', "."), text, source, at(&key)))
        .collect()
}

/// The labels that the catalog gives it beside those that every alert has.
pub(super) fn own_labels(alert: &Alert, source: &Source) -> Vec<Row> {
    let own = alert.labels.iter().map(|(label, value)| {
        let set = format!("/alerts/{}/labels/{}", alert.name, step(label));
        row(&format!("label {label}"), value, source, Some(set))
    });
    own.collect()
}

/// Who is notified of a severity.
pub(super) fn receiver(severity: &str, catalog: &Catalog, source: &Source) -> Row {
    let receiver = match catalog.receiver(severity) {
        NO_ONE => "null (no one is notified)",
        receiver => receiver,
    };
    row(
        "receiver",
        receiver,
        source,
        Some(format!("/alertmanager/routes/{severity}")),
    )
}
