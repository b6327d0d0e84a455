//! Whoever is told of warnings is told of critical alerts too.

use super::Lint;
use crate::catalog::{Alert, Branch, Catalog};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "unrouted-severity",
    doc: "A severity without a route goes to the null receiver: someone is notified of the lesser alerts, and no one of the worse ones.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\nwarning = \"on-call\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let routes = &catalog.alertmanager.routes;
        // The null receiver by name is a decision.
        let severities: Vec<&str> = catalog.severities.names().collect();
        let told = severities
            .iter()
            .rposition(|severity| {
                routes
                    .get(*severity)
                    .is_some_and(|receiver| receiver != "null")
            })
            .unwrap_or(0);
        let worse = severities[..told]
            .iter()
            .filter(|severity| !routes.contains_key(**severity));
        let used = worse.filter(|severity| {
            catalog.alerts.iter().any(|alert| {
                let branches = alert.branches.iter();
                let mut branches = branches.filter(|branch| branch.severity == **severity);
                branches.any(|branch| untold(catalog, alert, branch))
            })
        });
        used.map(|severity| {
            let message =
                format!("no one is notified of {severity} alerts, but someone of lesser ones");
            Diagnostic::error(
                "unrouted-severity",
                Place::Key("/alertmanager/routes".to_string()),
                message,
            )
            .help(format!(
                "add `{severity}` with a receiver, or with \"null\" if no one is to be notified"
            ))
        })
        .collect()
    },
};

/// Whether some of its services have no one else who is told.
fn untold(catalog: &Catalog, alert: &Alert, branch: &Branch) -> bool {
    catalog.subjects(alert, branch).into_iter().any(|subject| {
        let about = catalog.about(alert, subject, &branch.severity);
        catalog.told(&about).is_empty() && !catalog.silenced(&about)
    })
}
