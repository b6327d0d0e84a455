//! How long an event may take is a bound of its histogram.

use super::Lint;
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "slo-bucket",
    doc: "A histogram counts events up to the bounds of its buckets and knows nothing between them: with another bound there is no series, no ratio, and never an alert.",
    bad: "[prometheus]\nretention = \"30d\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1]\n\n[slos.speed]\nobjective = 99\nlatency = { metric = \"answer_seconds\", below = \"300ms\" }\n",
    good: "[prometheus]\nretention = \"30d\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1]\n\n[slos.speed]\nobjective = 99\nlatency = { metric = \"answer_seconds\", below = \"500ms\" }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for slo in &catalog.slos {
            let key = slo.counts.latency.as_deref().unwrap_or_default();
            let metric = catalog
                .metric(key)
                .filter(|metric| metric.r#type == "histogram" && !metric.whole);
            let (Some(metric), Some(bound), Some(below)) =
                (metric, slo.counts.bound, slo.counts.below)
            else {
                continue;
            };
            if metric.buckets.contains(&bound) {
                continue;
            }
            let written = |bucket: f64| {
                let milliseconds = bucket * below.0 as f64 / bound;
                Duration(milliseconds.round() as u64).to_string()
            };
            let mut buckets = metric.buckets.clone();
            buckets.sort_by(f64::total_cmp);
            let lower = buckets.iter().rfind(|bucket| **bucket < bound);
            let upper = buckets.iter().find(|bucket| **bucket > bound);
            let near: Vec<String> = lower
                .into_iter()
                .chain(upper)
                .map(|bucket| format!("\"{}\"", written(*bucket)))
                .collect();
            let (message, help) = if near.is_empty() {
                (
                    format!("`{key}` does not say which buckets it has"),
                    format!("declare them: `buckets = […, {bound}, …]`, as the services have them"),
                )
            } else {
                (
                    format!("`{key}` has no bucket at {below}"),
                    format!(
                        "the nearest are {}; or add {bound} to its buckets, here and in the services",
                        near.join(" and ")
                    ),
                )
            };
            let place = format!("/slos/{}/latency/below", step(&slo.name));
            found.push(
                Diagnostic::error("slo-bucket", Place::Value(place), message)
                    .also(
                        Place::Value(format!("/metrics/{key}/buckets")),
                        "its buckets",
                    )
                    .help(help),
            );
        }
        found
    },
};
