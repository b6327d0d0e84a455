//! An owner owns something.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "unused-owner",
    doc: "Somebody was written down as an owner and believes to be told; no alert is theirs.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[owners.web-team]\ncritical = \"on-call\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nowner = \"web-team\"\n\n[owners.web-team]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let idle = catalog
            .owners
            .iter()
            .filter(|owner| !catalog.owns(&owner.name));
        idle.map(|owner| {
            Diagnostic::error(
                "unused-owner",
                Place::Key(format!("/owners/{}", step(&owner.name))),
                format!("no alert belongs to `{}`", owner.name),
            )
            .help(format!(
                "write `owner = \"{}\"` at the platform, a group, a service or an alert, or remove it",
                owner.name
            ))
        })
        .collect()
    },
};
