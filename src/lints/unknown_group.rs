//! A service belongs to a group of the catalog.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use std::collections::HashSet;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-group",
    doc: "The group decides the label `component`, by which every panel selects: a service in none would be on no dashboard.",
    bad: "[services.cart]\ngroup = \"wbe\"\nport = 8002\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\n",
    check: |catalog, source| {
        let known: Vec<&str> = catalog
            .groups
            .iter()
            .map(|group| group.key.as_str())
            .collect();
        let exists: HashSet<&str> = known.iter().copied().collect();
        // A group that the schema refused is there, and reported as what is wrong with it.
        let written =
            |group: &str| source.contains(&format!("/groups/{}", crate::source::step(group)));
        let lost = catalog
            .services
            .iter()
            .filter(|service| !exists.contains(service.group.as_str()) && !written(&service.group));
        lost.map(|service| {
            let place = Place::Value(format!("/services/{}/group", service.name));
            Diagnostic::error(
                "unknown-group",
                place,
                format!("there is no group `{}`", service.group),
            )
            .help(suggestion_or(
                &service.group,
                known.iter().copied(),
                &format!("add `[groups.{}]` with a title", service.group),
            ))
        })
        .collect()
    },
};
