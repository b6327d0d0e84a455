//! A ratio of errors needs a label whose values can be errors, and something else.

use super::Lint;
use crate::contract::domain::Domain;
use crate::contract::status::{Lacks, answers, label, outcomes};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "one-sided-status",
    doc: "The alert counts requests whose status is a server error (500 to 599, 5xx, SERVER_ERROR); a label that can have no such value makes the ratio 0 permanently, and one that can have no other makes it 1.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = [\"200\", \"401\"] }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = [\"200\", \"401\", \"500\"] }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in &catalog.alerts {
            for (key, name, _) in alert.metrics() {
                let selects = alert.kind.says(key, "answers").is_some();
                let Some(metric) = catalog.metric(name).filter(|_| selects) else {
                    continue;
                };
                if let Some((label, pattern)) = metric.errors.first_key_value()
                    && answers(&metric.labels, &metric.errors).is_none()
                {
                    let profile = metric.profile.as_deref().unwrap_or_default();
                    let message = format!(
                        "`{}` needs the errors among `{name}`, and the profile `{profile}` tells them by `{label}=~\"{pattern}\"`, which picks all of its values or none",
                        alert.name
                    );
                    found.push(
                        Diagnostic::error(
                            "one-sided-status",
                            Place::Key(format!("/alerts/{}", alert.name)),
                            message,
                        )
                        .help(format!(
                            "correct `errors` of the role in profiles/{profile}.toml, or the values of the label"
                        )),
                    );
                    continue;
                }
                let Some(label) = label(&metric.labels).filter(|_| metric.errors.is_empty()) else {
                    continue;
                };
                let Err(lacks) = outcomes(&Domain::declared(&metric.labels[label])) else {
                    continue;
                };
                let (what, help) = match lacks {
                    Lacks::Errors => (
                        "no value of it means a server error",
                        "declare the value that the services write for a server error, such as \"500\" or \"5xx\"; if they count failures apart, use kind `ratio`",
                    ),
                    Lacks::Others => (
                        "every value of it means a server error",
                        "declare the values of the other answers too, such as \"200\" or \"2xx\"",
                    ),
                };
                let message = format!(
                    "`{}` needs the errors among `{}`, and its label `{label}` cannot tell them: {what}",
                    alert.name, metric.key
                );
                found.push(
                    Diagnostic::error(
                        "one-sided-status",
                        Place::Value(format!("/metrics/{}/labels/{label}", metric.key)),
                        message,
                    )
                    .also(Place::Key(format!("/alerts/{}", alert.name)), "the alert")
                    .help(help),
                );
            }
        }
        found
    },
};
