//! Prometheus' naming convention: a counter, and nothing else, ends in `_total`.

use super::Lint;
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};

/// Whether it counts with Python's client, and not as somebody else's program has it.
fn counts_in_python(service: &Service) -> bool {
    service.runtime == "python" && service.image.is_none() && service.targets.is_empty()
}

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
            .filter(|metric| {
                let mut emitters = catalog.services_of(&metric.services);
                metric.services.is_empty() || emitters.any(counts_in_python)
            })
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
                        "call it `{0}_total`, here and wherever an alert names it; or write `name = \"{0}\"` when the program is not yours, and calls it so",
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
                .help(format!("drop `_total`, or declare it as a counter; or write `name = \"{}\"` when the program is not yours, and calls it so", metric.key))
            })
            .collect()
    },
};
