//! Whose something is, is an owner of the catalog.

use super::{Lint, texts};
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::{Source, step};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-owner",
    doc: "The owner decides who is told: alerts of one that nobody knows go to whoever is told of their severity, and a route for it never takes an alert.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[owners.web-team]\ncritical = \"on-call\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nowner = \"web-taem\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[owners.web-team]\ncritical = \"on-call\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nowner = \"web-team\"\n",
    check: |catalog, source| {
        let known: Vec<&str> = catalog.owners.iter().map(|owner| &*owner.name).collect();
        // An owner that the schema refused is there, and reported as what is wrong with it.
        let lost = named(source).into_iter().filter(|(_, owner)| {
            !known.contains(owner) && !source.contains(&format!("/owners/{}", step(owner)))
        });
        lost.map(|(pointer, owner)| {
            Diagnostic::error(
                "unknown-owner",
                Place::Value(pointer),
                format!("there is no owner `{owner}`"),
            )
            .help(suggestion_or(
                owner,
                known.iter().copied(),
                &format!("add `[owners.{owner}]` with its receivers"),
            ))
        })
        .collect()
    },
};

/// Every place that names an owner.
fn named(source: &Source) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let mut look = |pointer: String| {
        if let Some(written) = source.value.pointer(&pointer) {
            texts(pointer, written, &mut found);
        }
    };
    look("/platform/owner".to_string());
    for table in ["groups", "services", "alerts", "slos"] {
        for (name, _) in source.value[table].entries() {
            look(format!("/{table}/{}/owner", step(name)));
        }
    }
    for (name, service) in source.value["services"].entries() {
        for (alert, _) in service["alerts"].entries() {
            look(format!(
                "/services/{}/alerts/{}/owner",
                step(name),
                step(alert)
            ));
        }
    }
    for at in 0..source.value["routes"].items().len() {
        look(format!("/routes/{at}/owner"));
    }
    for (name, _) in source.value["inhibit"].entries() {
        for side in ["source", "target"] {
            look(format!("/inhibit/{}/{side}/owner", step(name)));
        }
    }
    found
}
