//! Every severity that is used is one of `[severities]`.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::{Source, step};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-severity",
    doc: "Routes go by severity: an alert of one that nobody knows is told to nobody, and a route for it never takes an alert.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"page\"\n",
    good: "[severities]\npage = { urgency = 1 }\nticket = { urgency = 2 }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"page\"\n",
    check: |catalog, source| {
        let mut used: Vec<(Place, &str)> = Vec::new();
        for alert in &catalog.alerts {
            let own = format!("/alerts/{}/severity", step(&alert.name));
            // What the schema refused stands for nothing that the user wrote.
            if source.value.pointer(&own).and_then(Value::as_str) == Some(&alert.severity) {
                used.push((Place::Value(own), &alert.severity));
            }
        }
        for levels in &catalog.levels {
            let table = format!("/alerts/{}/{}", step(&levels.name), levels.key);
            let own = levels.all.iter().map(|level| {
                let own = format!("{table}/{}", step(&level.severity));
                (Place::Key(own), level.severity.as_str())
            });
            used.extend(own);
        }
        for slo in &catalog.slos {
            for alert in &slo.alerts {
                let own = format!("/slos/{}/{}", step(&slo.name), alert.key);
                if source.value.pointer(&own).and_then(Value::as_str) == Some(&alert.severity) {
                    used.push((Place::Value(own), &alert.severity));
                }
            }
        }
        for service in &catalog.services {
            for (alert, differs) in &service.overrides {
                let own = format!("/services/{}/alerts/{}/severity", service.name, step(alert));
                used.extend(
                    (differs.severity.as_deref()).map(|severity| (Place::Value(own), severity)),
                );
            }
        }
        for severity in catalog.alertmanager.routes.keys() {
            let own = format!("/alertmanager/routes/{}", step(severity));
            used.push((Place::Key(own), severity));
        }
        used.extend(
            selected(source)
                .into_iter()
                .map(|(pointer, severity)| (Place::Value(pointer), severity)),
        );
        for owner in &catalog.owners {
            let table = format!("/owners/{}", step(&owner.name));
            for (severity, _) in &owner.receivers {
                let own = format!("{table}/{}", step(severity));
                used.push((Place::Key(own), severity));
            }
            for key in ["mute", "active"] {
                let times = source.value.pointer(&format!("{table}/{key}"));
                for (severity, _) in times.into_iter().flat_map(Value::entries) {
                    let own = format!("{table}/{key}/{}", step(severity));
                    used.push((Place::Key(own), severity));
                }
            }
        }
        used.retain(|(_, severity)| {
            let refused = source.contains(&format!("/severities/{}", step(severity)));
            !catalog.severities.knows(severity) && !refused
        });
        let found = used.into_iter().map(|(place, severity)| {
            Diagnostic::error(
                "unknown-severity",
                place,
                format!("there is no severity `{severity}`"),
            )
            .help(suggestion_or(
                severity,
                catalog.severities.names(),
                &format!("add `{severity}` to `[severities]`, with its urgency"),
            ))
        });
        found.collect()
    },
};

/// The severities that routes and inhibitions select by.
fn selected(source: &Source) -> Vec<(String, &str)> {
    let routes = source.value["routes"].items().enumerate();
    let routes =
        routes.map(|(at, written)| (format!("/routes/{at}/severity"), &written["severity"]));
    let inhibit = source.value["inhibit"]
        .entries()
        .flat_map(|(name, written)| {
            ["source", "target"].map(|side| {
                let pointer = format!("/inhibit/{}/{side}/severity", step(name));
                (pointer, &written[side]["severity"])
            })
        });
    let mut found = Vec::new();
    for (pointer, written) in routes.chain(inhibit) {
        match written {
            Value::String(one) => found.push((pointer, one.as_str())),
            many => found.extend(
                many.texts()
                    .enumerate()
                    .map(|(at, one)| (format!("{pointer}/{at}"), one)),
            ),
        }
    }
    found
}
