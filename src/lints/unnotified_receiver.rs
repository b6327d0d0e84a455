//! A receiver that no route leads to is never told anything.

use super::Lint;
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
            .help(format!(
                "add `{} = \"{receiver}\"` under `[alertmanager.routes]` or at an owner, or remove the receiver",
                catalog.severities.first()
            ))
        })
        .collect()
    },
};
