//! A route leads to a receiver of the catalog.

use super::Lint;
use crate::catalog::NO_ONE;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-receiver",
    doc: "Alertmanager refuses a route to a receiver that does not exist.",
    bad: "[alertmanager.routes]\ncritical = \"on-cal\"\nwarning = \"on-call\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n",
    good: "[alertmanager.routes]\ncritical = \"on-call\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n",
    check: |catalog, source| {
        let known: Vec<&str> = catalog.receivers.keys().map(String::as_str).collect();
        let lost = catalog
            .routed()
            .filter(|(receiver, _)| !known.contains(receiver) && *receiver != NO_ONE);
        // A receiver that the schema refused is there, and reported as what is wrong with it.
        let lost = lost.filter(|(receiver, _)| !source.contains(&format!("/receivers/{receiver}")));
        lost.map(|(receiver, pointer)| {
            let place = Place::Value(pointer);
            Diagnostic::error(
                "unknown-receiver",
                place,
                format!("there is no receiver `{receiver}`"),
            )
            .help(suggestion_or(
                receiver,
                known.iter().copied(),
                &format!("add `[receivers.{receiver}]`"),
            ))
        })
        .collect()
    },
};
