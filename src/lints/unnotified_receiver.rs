//! A receiver that no route leads to is never told anything.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::HashSet;

pub(crate) const LINT: Lint = Lint {
    code: "unnotified-receiver",
    doc: "Somebody set up a receiver and believes to be on call; nothing is routed there.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let routed: HashSet<&str> = catalog.routed().map(|(receiver, _)| receiver).collect();
        let receivers = catalog.receivers.keys();
        let idle = receivers.filter(|receiver| !routed.contains(receiver.as_str()));
        idle.map(|receiver| {
            Diagnostic::error(
                "unnotified-receiver",
                Place::Key(format!("/receivers/{receiver}")),
                format!("nothing is routed to `{receiver}`"),
            )
            .help(help(receiver, catalog))
        })
        .collect()
    },
};

/// A severity that goes nowhere yet, or what else leads to a receiver.
fn help(receiver: &str, catalog: &Catalog) -> String {
    let routes = &catalog.alertmanager.routes;
    let mut free = catalog.severities.names();
    match free.find(|severity| !routes.contains_key(*severity)) {
        Some(severity) => format!(
            "add `{severity} = \"{receiver}\"` under `[alertmanager.routes]` or at an owner, or remove the receiver"
        ),
        None => format!(
            "name it under `[alertmanager.routes]`, where each severity goes to another one now, at an owner or in `[[routes]]`, as in `receivers = [\"{receiver}\"]`; or remove the receiver"
        ),
    }
}
