//! An alert that no service can trigger is never more than reassurance.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "alert-without-service",
    doc: "No service emits everything that the alert reads, or every one of them is excepted, so it can never fire.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[services.checkout.alerts.Down]\nenabled = false\nreason = \"moved\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n",
    check: |catalog, _| {
        let idle = catalog.written_alerts().filter(|alert| alert.is_idle());
        idle.filter(|alert| {
            alert
                .metrics()
                .iter()
                .all(|(_, key, _)| catalog.metric(key).is_some())
        })
        .map(|alert| {
            let excepted = alert.excepts.iter().map(|name| {
                (
                    Place::Key(format!("/services/{name}/alerts/{}", alert.name)),
                    "excepted here".to_string(),
                )
            });
            let mut found = Diagnostic::error(
                "alert-without-service",
                Place::Key(format!("/alerts/{}", alert.name)),
                format!("no service can trigger `{}`", alert.written_name()),
            )
            .help("remove the alert, or let a service that emits its metrics be covered by it");
            found.others.extend(excepted.take(3));
            found
        })
        .collect()
    },
};
