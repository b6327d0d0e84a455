//! An override names an alert of the catalog.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-alert",
    doc: "The service differs from an alert that does not exist, so the override does nothing.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[services.checkout.alerts.Donw]\nfor = \"10m\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[services.checkout.alerts.Down]\nfor = \"10m\"\n",
    check: |catalog, _| {
        let known: Vec<&str> = catalog
            .alerts
            .iter()
            .map(|alert| alert.name.as_str())
            .chain(catalog.levels.iter().map(|levels| levels.name.as_str()))
            .collect();
        let mut found = Vec::new();
        for service in &catalog.services {
            for name in service
                .overrides
                .keys()
                .filter(|name| catalog.alert(name).is_none())
            {
                let place = Place::Key(format!("/services/{}/alerts/{name}", service.name));
                found.push(
                    Diagnostic::error(
                        "unknown-alert",
                        place,
                        format!("there is no alert `{name}`"),
                    )
                    .help(suggestion(name, known.iter().copied())),
                );
            }
        }
        found
    },
};
