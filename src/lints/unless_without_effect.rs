//! What `unless` names can silence the alert, and is 0 at rest.

use super::{Lint, names};
use crate::catalog::filters::as_pattern;
use crate::catalog::{Alert, Catalog, Metric, Scope, Unless};
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, Place};
use crate::profiles::of_scrapes;
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "unless-without-effect",
    doc: "A gauge that says nothing of the services that an alert covers never silences it, and one that is hardly ever 0 always does. Nobody notices either before the maintenance, or before the outage.",
    bad: "[metrics.maintenance]\ntype = \"gauge\"\nhelp = \"1 while somebody works on it\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nunless = \"maintenance\"\n",
    good: "[metrics.maintenance]\ntype = \"gauge\"\nhelp = \"1 while somebody works on it\"\nlabels = { target = \".+\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\nunless = { metric = \"maintenance\", names = \"target\" }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts().filter(|alert| !alert.is_idle()) {
            let Some(unless) = &alert.unless else {
                continue;
            };
            let Some(metric) = catalog.metric(&unless.metric) else {
                continue;
            };
            let told = said(catalog, alert, unless, metric);
            found.extend(told.map(|(below, message, help)| {
                let place = Place::Value(format!(
                    "/alerts/{}/unless{below}",
                    step(alert.written_name())
                ));
                let message = format!("`{}` {message}", alert.written_name());
                Diagnostic::error("unless-without-effect", place, message).help(help)
            }));
        }
        found
    },
};

/// Below `unless`, what is wrong and what to do.
fn said(
    catalog: &Catalog,
    alert: &Alert,
    unless: &Unless,
    metric: &Metric,
) -> Option<(&'static str, String, String)> {
    let key = &unless.metric;
    let silent = || catalog.services_of(&alert.covers);
    let is_sized = |unit: &&str| !["1", "count", "events"].contains(unit);
    let unit = metric.unit.as_deref().or(unit_of(metric));
    if of_scrapes(&metric.name) {
        let message = format!("is silent while `{key}` is not 0, and it is 1 while all is well");
        let help = "name a gauge that is 0 at rest".to_string();
        return Some(("", message, help));
    }
    if let Some(unit) = unit.filter(is_sized) {
        let message =
            format!("is silent while `{key}` is not 0, and a value in {unit} hardly ever is");
        let help = "name a gauge that is 1 meanwhile and 0 at rest".to_string();
        return Some(("", message, help));
    }
    let Some(label) = &unless.names else {
        if alert.about == Scope::Platform {
            return None;
        }
        if !silent().any(|service| catalog.can_silence(unless, service)) {
            let message = format!("is never silent: no service that it covers exposes `{key}`");
            let help = format!(
                "where something else exposes it, write by which label it names the service: `unless = {{ metric = \"{key}\", names = \"target\" }}`"
            );
            return Some(("", message, help));
        }
        let gone = format!(
            "is silent while `{key}` of the service is not 0, and a service that is down exposes nothing"
        );
        let help = format!(
            "let something else expose it, and write by which label it names the service: `unless = {{ metric = \"{key}\", names = \"target\" }}`"
        );
        return (alert.kind.holds_back_others).then_some(("", gone, help));
    };
    let Some(written) = metric.labels.get(label) else {
        let message = format!("is never silent: `{key}` has no label `{label}`");
        let known: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
        let help = match known.as_slice() {
            [] => format!("give the metric the label, in `[metrics.{key}]`"),
            known => format!("its labels are {}", names(known.iter().copied())),
        };
        return Some(("/names", message, help));
    };
    let domain = Domain::declared(written);
    let whom: Vec<&str> = match alert.about {
        Scope::Group => alert.covers_groups.iter().map(String::as_str).collect(),
        _ => alert.covers.iter().map(String::as_str).collect(),
    };
    let asked = unless.filter.asks().filter(|(of, ..)| of == label);
    let asked: Vec<(String, bool)> = asked.map(|(_, pattern, is)| (pattern, is)).collect();
    let named = |name: &&&str| {
        let one = Domain::Values(vec![name.to_string()]);
        let taken = |(pattern, is): &(String, bool)| one.example(pattern, *is).is_some();
        domain.holds(name) && asked.iter().all(taken)
    };
    if alert.about != Scope::Platform && whom.iter().find(named).is_none() {
        let message = format!(
            "is never silent: `{label}` of `{key}` is never {}",
            names(whom.iter().copied())
        );
        let values = as_pattern(written);
        let help = format!("its values are `{values}`; declare what it names in `[metrics.{key}]`");
        return Some(("/names", message, help));
    }
    None
}

/// What the name of a metric says that it is in.
fn unit_of(metric: &Metric) -> Option<&'static str> {
    let words = metric.name.rsplit('_').next().unwrap_or_default();
    [
        "seconds",
        "bytes",
        "ratio",
        "milliseconds",
        "percent",
        "celsius",
    ]
    .into_iter()
    .find(|unit| *unit == words)
}
