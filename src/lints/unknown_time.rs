//! A time that somebody is told at, or not, is one of `[times]`.

use super::{Lint, texts};
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::{Source, step};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-time",
    doc: "The Alertmanager does not start when a route names a time that is not there.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[times.nights]\nhours = \"18:00-08:00\"\n\n[[routes]]\nreceivers = \"on-call\"\nmute = \"night\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[times.nights]\nhours = \"18:00-08:00\"\n\n[[routes]]\nreceivers = \"on-call\"\nmute = \"nights\"\n",
    check: |catalog, source| {
        let known: Vec<&str> = catalog.times.iter().map(|time| &*time.name).collect();
        let lost = named(source).into_iter().filter(|(_, time)| {
            !known.contains(time) && !source.contains(&format!("/times/{}", step(time)))
        });
        lost.map(|(pointer, time)| {
            Diagnostic::error(
                "unknown-time",
                Place::Value(pointer),
                format!("there is no time `{time}`"),
            )
            .help(suggestion_or(
                time,
                known.iter().copied(),
                &format!("add `[times.{time}]` with its hours or days"),
            ))
        })
        .collect()
    },
};

/// Every place that names a time.
pub(super) fn named(source: &Source) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let owners = source.value["owners"].entries();
    let owners = owners.map(|(name, written)| (format!("/owners/{}", step(name)), written));
    let routes = source.value["routes"].items().enumerate();
    let routes = routes.map(|(at, written)| (format!("/routes/{at}"), written));
    let alerts = source.value["alerts"].entries();
    let alerts =
        alerts.map(|(name, written)| (format!("/alerts/{}/hours", step(name)), &written["hours"]));
    let slos = source.value["slos"].entries();
    let slos =
        slos.map(|(name, written)| (format!("/slos/{}/hours", step(name)), &written["hours"]));
    for (table, written) in owners.chain(routes).chain(alerts).chain(slos) {
        for key in ["mute", "active"] {
            texts(format!("{table}/{key}"), &written[key], &mut found);
        }
    }
    found
}
