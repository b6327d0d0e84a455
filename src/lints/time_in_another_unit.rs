//! A threshold that is written as a time is compared with seconds.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "time-in-another-unit",
    doc: "A threshold of `5m` is 300 seconds. Where what it is compared with is a number of something else, or of milliseconds, it means nothing.",
    bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_length\"\nabove = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.queue_age_seconds]\ntype = \"gauge\"\nhelp = \"Age of the oldest job that waits\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_age_seconds\"\nabove = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let Some(key) = alert.threshold.as_deref() else {
                continue;
            };
            if alert.unit.as_deref() == Some("seconds") {
                continue;
            }
            let own = std::iter::once(format!("/alerts/{}/{key}", alert.name));
            let services = catalog.services.iter();
            let differ = services
                .map(|service| format!("/services/{}/alerts/{}/{key}", service.name, alert.name));
            for pointer in own.chain(differ) {
                let Some(time) = source
                    .value
                    .pointer(&pointer)
                    .and_then(|text| text.as_str())
                else {
                    continue;
                };
                let of = alert.kind.says(key, "unit_of");
                let metric = of.and_then(|of| alert.settings.get(of.as_str()?)?.as_str());
                let what = metric.map_or("what it compares".to_string(), |metric| {
                    format!("`{metric}`")
                });
                let (is, help) = match alert.unit.as_deref() {
                    Some(unit) => (format!("is in {unit}"), format!("write a number of {unit}")),
                    None => (
                        "has no unit that the catalog knows".to_string(),
                        "write a number, or say of the metric `unit = \"seconds\"`".to_string(),
                    ),
                };
                found.push(
                    Diagnostic::error(
                        "time-in-another-unit",
                        Place::Value(pointer),
                        format!("`{key}` is the time `{time}`, and {what} {is}"),
                    )
                    .help(help),
                );
            }
        }
        found
    },
};
