//! A summary has the quantile that an alert compares.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "unknown-quantile",
    doc: "The quantiles of a summary are worked out by the service, and only those that it was told: of another one there is no series, and the alert never fires.",
    bad: "[metrics.answer_seconds]\ntype = \"summary\"\nhelp = \"Time to answer\"\nquantiles = [0.5, 0.9]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.99\nabove = \"2s\"\n",
    good: "[metrics.answer_seconds]\ntype = \"summary\"\nhelp = \"Time to answer\"\nquantiles = [0.5, 0.9]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.9\nabove = \"2s\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let mut settings = alert.settings.iter();
            let quantile = settings.find(|(key, _)| alert.kind.is_quantile(key));
            let Some((key, quantile)) =
                quantile.and_then(|(key, value)| Some((key, value.as_f64()?)))
            else {
                continue;
            };
            for (read, name, _) in alert.metrics() {
                let summary = |metric: &&crate::catalog::Metric| metric.r#type == "summary";
                let Some(metric) = catalog.metric(name).filter(summary) else {
                    continue;
                };
                // A profile that lists none does not know them.
                let unlisted = metric.profile.is_some() && metric.quantiles.is_empty();
                if unlisted || metric.quantiles.contains(&quantile) {
                    continue;
                }
                let table = alert.table();
                let written = format!("{table}/{key}");
                let place = match source.contains(&written) {
                    true => Place::Value(written),
                    false => Place::Value(format!("{table}/{read}")),
                };
                let name = alert.written_name();
                let message = format!(
                    "`{name}` compares the quantile {quantile} of `{}`, which does not have it",
                    metric.key
                );
                let listed: Vec<String> = metric.quantiles.iter().map(f64::to_string).collect();
                let help = match listed.is_empty() {
                    true => "list in `quantiles` of the metric those that the services work out; without any, only their sum and count are known".to_string(),
                    false => format!("`{key}` is one of {}; or the services work it out too, and `quantiles` of the metric lists it", listed.join(", ")),
                };
                let mut error = Diagnostic::error("unknown-quantile", place, message);
                if metric.profile.is_none() {
                    error = error.also(
                        Place::Key(format!("/metrics/{}", metric.key)),
                        "its quantiles",
                    );
                }
                found.push(error.help(help));
            }
        }
        found
    },
};
