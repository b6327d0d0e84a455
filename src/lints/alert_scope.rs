//! Whom an alert names can trigger it.

use super::Lint;
use crate::catalog::{Alert, Catalog, Scope, Service};
use crate::diagnostic::{Diagnostic, Place, suggestion};

pub(crate) const LINT: Lint = Lint {
    code: "alert-scope",
    doc: "The alert names a service or a group that does not exist, or that emits nothing of what it reads, so it would never fire there.",
    bad: "[alerts.Down]\nkind = \"down\"\nservices = [\"chekout\"]\nfor = \"5m\"\nseverity = \"critical\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nservices = [\"checkout\"]\nfor = \"5m\"\nseverity = \"critical\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            found.extend(of_another(alert));
            for (index, name) in alert.services.iter().enumerate() {
                let place = Place::Value(format!("/alerts/{}/services/{index}", alert.name));
                let Some(service) = catalog.service(name) else {
                    let known = catalog.services.iter().map(|service| service.name.as_str());
                    let message = format!("there is no service `{name}`");
                    found.push(
                        Diagnostic::error("alert-scope", place, message)
                            .help(suggestion(name, known)),
                    );
                    continue;
                };
                if let Some(metric) = missing(catalog, alert, service) {
                    let message = format!(
                        "`{name}` does not emit `{metric}`, which `{}` reads",
                        alert.written_name()
                    );
                    found.push(silent(alert, place, metric, message));
                }
            }
            for (index, key) in alert.groups.iter().enumerate() {
                let place = Place::Value(format!("/alerts/{}/groups/{index}", alert.name));
                if !catalog.groups.iter().any(|group| group.key == *key) {
                    let known = catalog.groups.iter().map(|group| group.key.as_str());
                    let message = format!("there is no group `{key}`");
                    found.push(
                        Diagnostic::error("alert-scope", place, message)
                            .help(suggestion(key, known)),
                    );
                    continue;
                }
                let members = catalog
                    .services
                    .iter()
                    .filter(|service| service.group == *key);
                let missing: Vec<Option<&str>> = members
                    .map(|service| missing(catalog, alert, service))
                    .collect();
                if let (Some(Some(metric)), true) =
                    (missing.first(), missing.iter().all(Option::is_some))
                {
                    let message = format!(
                        "no service of group `{key}` emits all that `{}` reads",
                        alert.written_name()
                    );
                    found.push(silent(alert, place, metric, message));
                }
            }
        }
        found
    },
};

/// Services or groups of an alert that fires for none of such.
fn of_another(alert: &Alert) -> Vec<Diagnostic> {
    let written = [
        ("services", &alert.services, alert.about != Scope::Service),
        ("groups", &alert.groups, alert.about == Scope::Platform),
    ];
    let foreign = written
        .into_iter()
        .filter(|(_, named, foreign)| *foreign && !named.is_empty());
    let said = foreign.map(|(key, ..)| {
        let about = match alert.about {
            Scope::Group => "groups",
            _ => "the platform as a whole",
        };
        let message = format!("`{}` is about {about}, and names {key}", alert.name);
        Diagnostic::error(
            "alert-scope",
            Place::Key(format!("/alerts/{}/{key}", alert.name)),
            message,
        )
        .also(
            Place::Value(format!("/alerts/{}/about", alert.name)),
            format!("about {about}"),
        )
        .help(match (alert.about, key) {
            (Scope::Group, _) => {
                "name the groups in `groups`; or let the expression select them".to_string()
            }
            _ => format!(
                "leave `{key}` out: what is read the expression selects, as in `up{{component=\"web\"}}`; or remove `about`"
            ),
        })
    });
    said.collect()
}

/// A declared metric that the alert reads and the service does not emit.
fn missing<'a>(catalog: &Catalog, alert: &'a Alert, service: &Service) -> Option<&'a str> {
    alert.unread(catalog, service).into_iter().next()
}

fn silent(alert: &Alert, place: Place, metric: &str, message: String) -> Diagnostic {
    let key = alert.metrics().into_iter().find(|read| read.1 == metric);
    let read = key.map(|(key, ..)| Place::Value(format!("/alerts/{}/{key}", alert.name)));
    Diagnostic::error("alert-scope", place, message)
        .also(
            read.unwrap_or_else(|| Place::Key(format!("/alerts/{}", alert.name))),
            "read here",
        )
        .help("remove it from the list, or name it among the metric's `services`")
}
