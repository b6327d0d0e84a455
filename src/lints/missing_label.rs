//! An alert kind that selects by a label needs the metric to have it.

use super::Lint;
use crate::catalog::Catalog;
use crate::contract::status;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::json::Parts;
use crate::source::step;
use serde_json::Value;

pub(crate) const LINT: Lint = Lint {
    code: "missing-label",
    doc: "The alert's kind selects by a label that the metric is not declared to have, so its selector could never match.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = \"[1-5][0-9]{2}\" }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            for (key, property) in &alert.kind.keys {
                let Some(metric) = alert
                    .settings
                    .get(key)
                    .and_then(|value| value.as_str())
                    .and_then(|key| catalog.metric(key))
                else {
                    continue;
                };
                let wanted = property["labels"]
                    .items()
                    .filter_map(|label| label.as_str());
                for label in wanted.filter(|label| !metric.labels.contains_key(*label)) {
                    found.push(
                        Diagnostic::error(
                            "missing-label",
                            Place::Value(format!("/alerts/{}/{key}", alert.name)),
                            format!("`{}` has no label `{label}`", metric.key),
                        )
                        .also(
                            Place::Key(format!("/metrics/{}", metric.key)),
                            "declared here",
                        )
                        .help(format!(
                            "declare the label `{label}` on the metric: kind `{}` selects by it",
                            alert.kind.name
                        )),
                    );
                }
            }
        }
        found.extend(unanswered(catalog));
        found.extend(unasked(catalog));
        found
    },
};

/// Labels that an alert selects by, or fires apart by, and that a metric which it reads does not have.
fn unasked(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in catalog.written_alerts() {
        let table = format!("/alerts/{}", step(alert.written_name()));
        for (key, name, _) in alert.metrics() {
            let Some(metric) = catalog.metric(name) else {
                continue;
            };
            let filter = alert.filters.get(key);
            let filtered = filter.into_iter().flat_map(|filter| {
                let wanted = filter.r#where.keys().map(|label| (label, "where"));
                wanted.chain(filter.except.keys().map(|label| (label, "except")))
            });
            let mut asked: Vec<(&String, Place)> = filtered
                .map(|(label, side)| {
                    let pointer = format!("{table}/{key}/{side}/{}", step(label));
                    (label, Place::Key(pointer))
                })
                .collect();
            let apart = alert.per.iter().enumerate();
            // Every target has one.
            let apart = apart.filter(|(_, label)| *label != "instance");
            asked.extend(
                apart.map(|(at, label)| (label, Place::Value(format!("{table}/per/{at}")))),
            );
            let known: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
            for (label, place) in asked {
                if metric.labels.contains_key(label) {
                    continue;
                }
                let message = format!("`{name}` has no label `{label}`");
                let wrong = Diagnostic::error("missing-label", place, message);
                let otherwise = match (&metric.profile, known.is_empty()) {
                    (Some(profile), _) => {
                        format!("choose a label that the profile `{profile}` lists")
                    }
                    (None, true) => {
                        format!("declare its labels: `labels = {{ {label} = \".+\" }}`")
                    }
                    (None, false) => "declare the label on the metric".to_string(),
                };
                let help = suggestion_or(label, known.iter().copied(), &otherwise);
                found.push(match metric.profile {
                    Some(_) => wrong.help(help),
                    None => wrong
                        .also(Place::Key(format!("/metrics/{name}")), "declared here")
                        .help(help),
                });
            }
        }
    }
    found
}

/// Requests that no label tells apart by how they were answered; one whose values cannot tell errors is another finding.
fn unanswered(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in catalog.written_alerts() {
        for (key, name, _) in alert.metrics() {
            let asked = alert.kind.says(key, "answers").is_some();
            let Some(metric) = catalog.metric(name).filter(|_| asked) else {
                continue;
            };
            if !metric.errors.is_empty() || status::label(&metric.labels).is_some() {
                continue;
            }
            // Where the alert names none, the metric is the place.
            let place = match alert.settings.get(key).and_then(Value::as_str) == Some(name) {
                true => Place::Value(format!("/alerts/{}/{key}", alert.name)),
                false => Place::Key(format!("/alerts/{}", alert.name)),
            };
            let message = format!("`{name}` has no label `{}`", status::LABELS[0]);
            let labels = status::LABELS.map(|label| format!("`{label}`"));
            let help = format!(
                "declare the label on the metric that says how a request was answered: kind `{}` selects by it, and knows {}",
                alert.kind.name,
                labels.join(", ")
            );
            let wrong = Diagnostic::error("missing-label", place, message).help(help);
            found.push(match metric.profile {
                Some(_) => wrong,
                None => wrong.also(Place::Key(format!("/metrics/{name}")), "declared here"),
            });
        }
    }
    found
}
