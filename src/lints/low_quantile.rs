//! What is slow is looked for among the slow.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Side;

pub(crate) const LINT: Lint = Lint {
    code: "low-quantile",
    doc: "A quantile below 0.5 is about the fastest: with 0.05 nineteen of twenty may be as slow as they like before an alert fires. Written for 0.95 it never does.",
    bad: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1, 5]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.05\nabove = \"1s\"\n",
    good: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1, 5]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.95\nabove = \"1s\"\n",
    check: |catalog, _| {
        let alerts = catalog.written_alerts();
        let low = alerts.filter(|alert| alert.side == Side::Above).filter_map(|alert| {
            let mut settings = alert.settings.iter();
            let (key, value) = settings.find(|(key, _)| alert.kind.is_quantile(key))?;
            let quantile = value.as_f64().filter(|quantile| *quantile < 0.5)?;
            let message = format!(
                "`{}` fires when of the fastest {quantile} is slow: until then all others may be",
                alert.written_name()
            );
            let meant = ((1.0 - quantile) * 1e6).round() / 1e6;
            Some(
                Diagnostic::error(
                    "low-quantile",
                    Place::Value(format!("{}/{key}", alert.table())),
                    message,
                )
                .help(format!("write the share that must be faster, such as {meant}")),
            )
        });
        low.collect()
    },
};
