//! A label or an annotation of an alert is one that it does not have anyway.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

/// What every alert has, and what tells the instances of a service apart.
const TAKEN: [&str; 8] = [
    "alertname",
    "alertstate",
    "component",
    "instance",
    "job",
    "owner",
    "service",
    "severity",
];

/// Annotations that every alert has, and what says them.
const SAID: [(&str, &str); 4] = [
    ("summary", "write `summary` beside `annotations`"),
    ("description", "write `description` beside `annotations`"),
    ("runbook_url", "write `runbook_url` beside `annotations`"),
    (
        "dashboard_url",
        "give it another name: this one leads to the alert's dashboard",
    ),
];

pub(crate) const LINT: Lint = Lint {
    code: "taken-label",
    doc: "A rule's label takes the place of what its expression returns: with a `job` of its own an alert is about no service any more, and with a `severity` it goes where the catalog does not say.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nlabels = { service = \"payments\" }\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nlabels = { product = \"payments\" }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let taken = alert
                .labels
                .keys()
                .filter(|label| TAKEN.contains(&label.as_str()));
            found.extend(taken.map(|label| {
                let key = match label.as_str() {
                    key @ ("severity" | "owner") => {
                        format!("write `{key}` beside `labels`, or give the label another name")
                    }
                    _ => "give it another name".to_string(),
                };
                Diagnostic::error(
                    "taken-label",
                    Place::Key(format!(
                        "/alerts/{}/labels/{}",
                        step(&alert.name),
                        step(label)
                    )),
                    format!("an alert has the label `{label}` anyway"),
                )
                .help(key)
            }));
            let own = alert.own_annotations.keys();
            let said = own.filter_map(|name| SAID.iter().find(|(known, _)| known == name));
            found.extend(said.map(|(name, help)| {
                Diagnostic::error(
                    "taken-label",
                    Place::Key(format!("{}/annotations/{name}", alert.written_table())),
                    format!("an alert has the annotation `{name}` anyway"),
                )
                .help(*help)
            }));
        }
        found
    },
};
