//! A service's threshold must suit the alert's kind.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "ratio-out-of-range",
    doc: "A ratio is between 0 and 1: an alert above 5 never fires, one above 0 always does.",
    bad: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\n\n[services.checkout.alerts.Memory]\nabove = 95\n",
    good: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\n\n[services.checkout.alerts.Memory]\nabove = 0.95\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for service in &catalog.services {
            for (name, differs) in &service.overrides {
                let Some(alert) = catalog.alert(name) else {
                    continue;
                };
                let Some(key) = alert.threshold.as_deref() else {
                    continue;
                };
                let ratio = alert
                    .kind
                    .says(key, "unit")
                    .is_some_and(|unit| unit == "ratio");
                if let Some(limit) = differs
                    .threshold(key)
                    .map(|bound| bound.in_unit(Some("ratio")))
                    .filter(|limit| ratio && !(*limit > 0.0 && *limit < 1.0))
                {
                    let place =
                        Place::Value(format!("/services/{}/alerts/{name}/{key}", service.name));
                    found.push(
                        Diagnostic::error(
                            "ratio-out-of-range",
                            place,
                            format!("`{key}` is {limit}"),
                        )
                        .help(format!(
                            "`{name}` compares a ratio: write a number between 0 and 1, as in {}",
                            if limit > 1.0 && limit < 100.0 {
                                limit / 100.0
                            } else {
                                0.9
                            }
                        )),
                    );
                }
            }
        }
        found
    },
};
