//! A receiver that no route leads to is never told anything.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "unnotified-receiver",
    doc: "Somebody set up a receiver and believes to be on call; no severity is routed there.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let idle = catalog.receivers.keys().filter(|receiver| {
            !catalog
                .alertmanager
                .routes
                .values()
                .any(|routed| routed == *receiver)
        });
        idle.map(|receiver| {
            Diagnostic::error(
                "unnotified-receiver",
                Place::Key(format!("/receivers/{receiver}")),
                format!("no severity is routed to `{receiver}`"),
            )
            .help(format!(
                "add `{} = \"{receiver}\"` under `[alertmanager.routes]`, or remove the receiver",
                catalog.severities.first()
            ))
        })
        .collect()
    },
};
