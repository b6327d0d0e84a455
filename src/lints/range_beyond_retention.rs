//! What an alert looks back at is still there.

use super::Lint;
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "range-beyond-retention",
    doc: "Samples older than the retention are deleted, so a longer window never fills.",
    bad: "[prometheus]\nretention = \"2h\"\n\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"3h\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[prometheus]\nretention = \"15d\"\n\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"3h\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let retention = catalog.prometheus.retention;
        let mut found = Vec::new();
        let beyond = |place: String, window: Duration| {
            Diagnostic::error(
                "range-beyond-retention",
                Place::Value(place),
                format!("a window of {window}, but samples are kept for {retention}"),
            )
            .also(
                Place::Value("/prometheus/retention".to_string()),
                "the retention",
            )
            .help(format!(
                "write `retention = \"{}d\"` in [prometheus], or use a shorter range",
                window.0.div_ceil(24 * 3600 * 1000) + 1
            ))
        };
        // Over its whole window nothing is left of an objective that is forgotten earlier.
        for slo in catalog.slos.iter().filter(|slo| slo.window > retention) {
            found.push(beyond(
                format!("/slos/{}/window", step(&slo.name)),
                slo.window,
            ));
        }
        for alert in catalog.written_alerts().filter(|alert| alert.slo.is_none()) {
            for (branch, window) in alert
                .branches
                .iter()
                .filter_map(|branch| Some((branch, branch.window?)))
                .filter(|(_, window)| *window > retention)
            {
                let own = branch
                    .services
                    .iter()
                    .map(|service| format!("/services/{service}/alerts/{}/window", alert.name));
                let place = own
                    .into_iter()
                    .find(|pointer| source.contains(pointer))
                    .unwrap_or(format!("/alerts/{}/window", alert.name));
                found.push(beyond(place, window));
            }
        }
        found
    },
};
