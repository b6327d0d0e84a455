//! What a route or an inhibition selects by is there.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::json::Parts;
use crate::source::step;
use serde_json::Value;

pub(crate) const LINT: Lint = Lint {
    code: "unmatched-selector",
    doc: "A route or an inhibition for a group or a service that is not there never takes an alert.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[[routes]]\ngroup = \"wbe\"\nreceivers = \"on-call\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[[routes]]\ngroup = \"web\"\nreceivers = \"on-call\"\n",
    check: |catalog, source| {
        let groups = catalog.groups.iter().map(|group| group.key.as_str());
        let services = catalog.services.iter().map(|service| service.name.as_str());
        let known = [
            ("group", "groups", groups.collect::<Vec<_>>()),
            ("service", "services", services.collect()),
        ];
        let routes = source.value["routes"].items().enumerate();
        let mut tables: Vec<(String, &Value)> = routes
            .map(|(at, written)| (format!("/routes/{at}"), written))
            .collect();
        for (name, written) in source.value["inhibit"].entries() {
            for side in ["source", "target"] {
                let pointer = format!("/inhibit/{}/{side}", step(name));
                tables.push((pointer, &written[side]));
            }
        }
        let mut found = Vec::new();
        for (table, written) in tables {
            for (key, of, known) in &known {
                let mut lost = |pointer: String, name: &str| {
                    let refused = source.contains(&format!("/{of}/{}", step(name)));
                    if !known.contains(&name) && !refused {
                        let message = format!("there is no {key} `{name}`");
                        found.push(
                            Diagnostic::error("unmatched-selector", Place::Value(pointer), message)
                                .help(suggestion_or(
                                    name,
                                    known.iter().copied(),
                                    &format!("name a {key} of the catalog"),
                                )),
                        );
                    }
                };
                match &written[*key] {
                    Value::String(one) => lost(format!("{table}/{key}"), one),
                    many => {
                        for (at, one) in many.texts().enumerate() {
                            lost(format!("{table}/{key}/{at}"), one);
                        }
                    }
                }
            }
        }
        found
    },
};
