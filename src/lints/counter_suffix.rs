//! Prometheus' naming convention: a counter, and nothing else, ends in `_total`.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "counter-suffix",
    doc: "Python's client appends `_total` to a counter by itself, so a rule on the bare name reads a metric that nobody emits; and people take every `_total` for a counter.",
    bad: "[metrics.logins]\ntype = \"counter\"\nhelp = \"Logins\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n",
    check: |catalog, _| {
        let wrong = catalog
            .declared()
            // A name that is spelled out is what somebody else's program says: right or wrong, it is called that.
            .filter(|metric| !metric.spelled_out)
            .filter(|metric| (metric.r#type == "counter") != metric.key.ends_with("_total"));
        wrong
            .map(|metric| {
                let place = Place::Key(format!("/metrics/{}", metric.key));
                if metric.r#type == "counter" {
                    return Diagnostic::error(
                        "counter-suffix",
                        place,
                        format!("the counter `{}` does not end in `_total`", metric.key),
                    )
                    .help(format!(
                        "call it `{}_total`, here and wherever an alert names it",
                        metric.key
                    ));
                }
                Diagnostic::error(
                    "counter-suffix",
                    place,
                    format!(
                        "the {} `{}` is named like a counter",
                        metric.r#type, metric.key
                    ),
                )
                .help("drop `_total`, or declare it as a counter")
            })
            .collect()
    },
};
