//! A histogram can tell whether its quantile is on either side of the threshold.

use super::Lint;
use crate::catalog::with_unit;
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Compares;

pub(crate) const LINT: Lint = Lint {
    code: "threshold-outside-buckets",
    doc: "A quantile is worked out between the bounds of buckets: beyond the last one Prometheus gives that bound, whatever happens, and in the first one it cannot tell how little it is. With a threshold out there an alert never fires, or always.",
    bad: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.9\nabove = \"2s\"\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1]\n\n[alerts.Slow]\nkind = \"latency\"\nmetric = \"answer_seconds\"\nquantile = 0.9\nabove = \"500ms\"\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in &catalog.alerts {
            let Some(Compares::Quantile { quantile, .. }) = &alert.kind.compares else {
                continue;
            };
            let quantile = quantile
                .strip_prefix("alert.settings.")
                .and_then(|key| alert.settings.get(key)?.as_f64());
            let read = alert.metrics();
            let histogram = read
                .iter()
                .filter_map(|(_, key, _)| catalog.metric(key))
                .find(|metric| metric.r#type == "histogram" && !metric.buckets.is_empty());
            let Some(metric) = histogram else { continue };
            let bounds = metric.buckets.iter().map(|bound| bound / metric.per_second);
            let last = bounds.clone().fold(0.0, f64::max);
            let first = bounds.clone().fold(f64::INFINITY, f64::min);
            let least = first * quantile.unwrap_or(0.0);
            let below = |limit: f64| {
                bounds
                    .clone()
                    .filter(|bound| *bound < limit)
                    .fold(0.0, f64::max)
            };
            let above = |limit: f64| {
                let reached = bounds.clone().filter(|bound| *bound >= limit);
                reached.fold(f64::INFINITY, f64::min)
            };
            for branch in &alert.branches {
                let Some((side, limit)) = branch.limit() else {
                    continue;
                };
                let unit = (metric.per_second != 1.0).then_some("seconds");
                let bound = last;
                let [first, last, least_said] =
                    [first, last, least].map(|time| with_unit(time, unit));
                let message = if limit >= bound {
                    format!(
                        "the last bound of `{}` is {last}, and no quantile is above it",
                        metric.key
                    )
                } else if limit <= least {
                    format!(
                        "the first bound of `{}` is {first}, and this quantile is never below {least_said}",
                        metric.key,
                    )
                } else if coarse(below(limit), above(limit), limit, quantile.unwrap_or(0.0)) {
                    let [low, high] =
                        [below(limit), above(limit)].map(|time| with_unit(time, unit));
                    format!(
                        "`{}` has no bound between {low} and {high}: when all take just more than {low}, the quantile is beyond the threshold",
                        metric.key
                    )
                } else {
                    continue;
                };
                let key = alert.threshold.as_deref().unwrap_or(side.word());
                let own = branch.services.iter();
                let mut own =
                    own.map(|name| format!("/services/{name}/alerts/{}/{key}", alert.name));
                let place = own
                    .find(|pointer| source.contains(pointer))
                    .unwrap_or(format!("/alerts/{}/{key}", alert.name));
                let mut error =
                    Diagnostic::error("threshold-outside-buckets", Place::Value(place), message);
                if metric.profile.is_none() {
                    let buckets = format!("/metrics/{}/buckets", metric.key);
                    error = error.also(Place::Value(buckets), "its buckets");
                    let unit = format!("/metrics/{}/unit", metric.key);
                    if metric.per_second != 1.0 && source.contains(&unit) {
                        error = error.also(Place::Value(unit), "what they are in");
                    }
                }
                found.push(error.help(format!(
                    "write a time above {least_said} and below {last}, or give the histogram more buckets, here and in the services"
                )));
            }
        }
        found
    },
};

/// Whether what takes a tenth of the threshold is taken for more: the quantile is worked out as if the bucket were filled evenly.
fn coarse(low: f64, high: f64, limit: f64, quantile: f64) -> bool {
    10.0 * low < limit && low + quantile * (high - low) > limit
}
