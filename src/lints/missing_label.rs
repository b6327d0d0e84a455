//! An alert kind that selects by a label needs the metric to have it.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::json::Parts;

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
        found
    },
};
