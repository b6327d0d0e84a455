//! A metric is emitted by services of the catalog.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-emitter",
    doc: "The metric is declared for a service or a group that does not exist, so nobody would emit it.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nservices = [\"chekout\"]\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nservices = [\"checkout\"]\n",
    check: |catalog, _| {
        let known: Vec<&str> = catalog
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let mut found = Vec::new();
        for metric in catalog.declared() {
            for (index, name) in metric
                .services
                .iter()
                .enumerate()
                .filter(|(_, name)| catalog.service(name).is_none())
            {
                let place = Place::Value(format!("/metrics/{}/services/{index}", metric.key));
                found.push(
                    Diagnostic::error(
                        "unknown-emitter",
                        place,
                        format!("there is no service `{name}`"),
                    )
                    .help(suggestion(name, known.iter().copied())),
                );
            }
            let groups = || catalog.groups.iter().map(|group| group.key.as_str());
            for (index, key) in metric
                .groups
                .iter()
                .enumerate()
                .filter(|(_, key)| !groups().any(|known| known == key.as_str()))
            {
                let place = Place::Value(format!("/metrics/{}/groups/{index}", metric.key));
                found.push(
                    Diagnostic::error(
                        "unknown-emitter",
                        place,
                        format!("there is no group `{key}`"),
                    )
                    .help(suggestion(key, groups())),
                );
            }
        }
        found
    },
};
