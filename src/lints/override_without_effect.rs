//! An override that changes nothing misleads whoever reads it.

use super::Lint;
use crate::catalog::{Alert, Scope};
use crate::diagnostic::{Diagnostic, Place};
use std::collections::{HashMap, HashSet};

pub(crate) const LINT: Lint = Lint {
    code: "override-without-effect",
    doc: "The service differs from an alert that does not cover it, or in a key that the alert's kind does not read.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[services.checkout.alerts.Down]\nabove = 0.5\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[services.checkout.alerts.Down]\nfor = \"10m\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let covered: HashMap<&str, HashSet<&str>> = catalog
            .alerts
            .iter()
            .map(|alert| {
                (
                    alert.name.as_str(),
                    alert.covers.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        for service in &catalog.services {
            for (name, differs) in &service.overrides {
                // What a kind reads that is not there, nobody knows.
                let of_a_kind = |alert: &&Alert| !alert.kind.name.is_empty();
                let Some(alert) = catalog.alert(name).filter(of_a_kind) else {
                    continue;
                };
                let place = format!("/services/{}/alerts/{name}", service.name);
                // What is written of all levels is said once.
                let first = alert.levels.as_ref().and_then(|levels| levels.first());
                if first.is_some_and(|first| first != name)
                    && source.value.pointer(&place).is_none()
                {
                    continue;
                }
                let known = alert
                    .metrics()
                    .iter()
                    .all(|(_, key, _)| catalog.metric(key).is_some());
                if known
                    && differs.enabled != Some(false)
                    && !covered[name.as_str()].contains(service.name.as_str())
                {
                    let emits = alert.unread(catalog, service).is_empty();
                    let (why, instead) = if alert.about == Scope::Platform {
                        (
                            "it is about the platform",
                            "write an alert of the service's own",
                        )
                    } else if alert.about == Scope::Group {
                        (
                            "it is about whole groups",
                            "write an alert of the service's own",
                        )
                    } else if alert.is_about(service) && emits {
                        (
                            "its `where` or `except` leaves the service's targets out",
                            "let the alert's `where` and `except` admit them",
                        )
                    } else if alert.is_about(service) {
                        (
                            "the service does not emit what it reads",
                            "name the service among the metric's `services`",
                        )
                    } else {
                        (
                            "the alert names other services",
                            "name the service among the alert's `services`",
                        )
                    };
                    found.push(
                        Diagnostic::error(
                            "override-without-effect",
                            Place::Key(place),
                            format!("`{name}` does not cover `{}`: {why}", service.name),
                        )
                        .help(format!("remove the override, or {instead}")),
                    );
                    continue;
                }
                let written = differs.thresholds().map(|(key, _)| key);
                for key in written.chain(["window"]) {
                    let pointer = format!("{place}/{key}");
                    if !source.contains(&pointer) {
                        continue;
                    }
                    let own = alert.threshold.as_deref().unwrap_or_default();
                    let (message, help) = if !alert.kind.reads(key) {
                        (
                            format!("kind `{}` does not read `{key}`", alert.kind.name),
                            "remove the key".to_string(),
                        )
                    } else if key != "window" && !own.is_empty() && key != own {
                        let words = |key: &str| key.replace('_', " ");
                        (
                            format!(
                                "`{name}` has no `{key}`: it fires {} its threshold",
                                words(own)
                            ),
                            format!(
                                "write `{own}`, or exclude the service and write an alert for it that fires {} its threshold",
                                words(key)
                            ),
                        )
                    } else {
                        continue;
                    };
                    found.push(
                        Diagnostic::error("override-without-effect", Place::Key(pointer), message)
                            .also(Place::Key(format!("/alerts/{name}")), "the alert")
                            .help(help),
                    );
                }
            }
        }
        found
    },
};
