//! A ratio of errors needs a label whose values can be errors, and something else.

use super::Lint;
use crate::contract::domain::Domain;
use crate::contract::status::{LABEL, Lacks, outcomes};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "one-sided-status",
    doc: "The alert counts requests whose status is a server error (500 to 599, 5xx, SERVER_ERROR); a label that can have no such value makes the ratio 0 permanently, and one that can have no other makes it 1.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = [\"200\", \"401\"] }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = [\"200\", \"401\", \"500\"] }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in &catalog.alerts {
            for (key, property) in &alert.kind.keys {
                let selects = property["labels"]
                    .as_array()
                    .is_some_and(|labels| labels.iter().any(|label| label == LABEL));
                let Some(metric) = alert
                    .settings
                    .get(key)
                    .and_then(|value| value.as_str())
                    .and_then(|key| catalog.metric(key))
                    .filter(|_| selects)
                else {
                    continue;
                };
                let Some(Err(lacks)) = metric
                    .labels
                    .get(LABEL)
                    .map(|written| outcomes(&Domain::declared(written)))
                else {
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
                    "`{}` needs the errors among `{}`, and its label `{LABEL}` cannot tell them: {what}",
                    alert.name, metric.key
                );
                found.push(
                    Diagnostic::error(
                        "one-sided-status",
                        Place::Value(format!("/metrics/{}/labels/{LABEL}", metric.key)),
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
