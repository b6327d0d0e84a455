//! Whose alerts they are is told of them.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const LINT: Lint = Lint {
    code: "untold-alert",
    doc: "Others are told of their alerts, and of these nobody is: neither their owner nor their severity has a receiver.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nowner = \"web-team\"\n\n[alerts.Slow]\nkind = \"cpu_ratio\"\nabove = 0.8\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\nowner = \"web-team\"\n\n[owners.web-team]\nwarning = \"on-call\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nowner = \"web-team\"\n\n[alerts.Slow]\nkind = \"cpu_ratio\"\nabove = 0.8\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\nowner = \"web-team\"\n\n[owners.web-team]\ndefault = \"on-call\"\n",
    check: |catalog, _| {
        if catalog.owners.is_empty() || !catalog.notifies() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (owner, (told, untold)) in heard(catalog) {
            // Of what is less urgent than all that somebody is told of, nobody need be.
            let least = told
                .iter()
                .map(|severity| catalog.severities.rank(severity));
            let least = least.max().unwrap_or(usize::MAX);
            let missed = untold.iter();
            for severity in missed.filter(|severity| catalog.severities.rank(severity) < least) {
                found.push(said(owner, severity));
            }
        }
        found
    },
};

/// Severities of alerts that somebody is told of, and of those that nobody is.
type Heard<'c> = (BTreeSet<&'c str>, BTreeSet<&'c str>);

/// For each owner; empty: of alerts that are nobody's.
fn heard(catalog: &Catalog) -> BTreeMap<&str, Heard<'_>> {
    let mut all: BTreeMap<&str, Heard> = BTreeMap::new();
    for alert in &catalog.alerts {
        for (branch, subject) in catalog.all_subjects(alert) {
            let about = catalog.about(alert, subject, &branch.severity);
            let (told, untold) = all.entry(about.owner).or_default();
            match catalog.told(&about).is_empty() {
                false => told.insert(&branch.severity),
                true if catalog.silenced(&about) => continue,
                true => untold.insert(&branch.severity),
            };
        }
    }
    all
}

fn said(owner: &str, severity: &str) -> Diagnostic {
    let (place, whose, key) = match owner {
        "" => (
            "/alertmanager/routes".to_string(),
            "that have no owner".to_string(),
            "under `[alertmanager.routes]`".to_string(),
        ),
        owner => (
            format!("/owners/{}", step(owner)),
            format!("of `{owner}`"),
            format!("or `default` under `[owners.{owner}]`"),
        ),
    };
    Diagnostic::error(
        "untold-alert",
        Place::Key(place),
        format!("nobody is told of {severity} alerts {whose}"),
    )
    .help(format!(
        "add `{severity}` {key} with a receiver, or with \"null\" if nobody is to be told"
    ))
}
