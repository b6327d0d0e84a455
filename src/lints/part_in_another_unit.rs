//! What is used and its limit, or what there is and what there should be, are measured in one unit.

use super::Lint;
use crate::catalog::{Alert, Catalog, Metric};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "part-in-another-unit",
    doc: "Bytes divided by megabytes are a million times too many: the alert fires for ever, or never where both are exchanged, and its tests, which are written from the same two metrics, agree.",
    bad: "[metrics.cache_used_bytes]\ntype = \"gauge\"\nhelp = \"Used\"\n\n[metrics.cache_limit_megabytes]\ntype = \"gauge\"\nhelp = \"Limit\"\n\n[alerts.CacheFull]\nkind = \"saturation\"\nused = \"cache_used_bytes\"\nlimit = \"cache_limit_megabytes\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.cache_used_bytes]\ntype = \"gauge\"\nhelp = \"Used\"\n\n[metrics.cache_limit_bytes]\ntype = \"gauge\"\nhelp = \"Limit\"\n\n[alerts.CacheFull]\nkind = \"saturation\"\nused = \"cache_used_bytes\"\nlimit = \"cache_limit_bytes\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let alerts = catalog.written_alerts();
        alerts.filter_map(|alert| apart(alert, catalog)).collect()
    },
};

/// Units of one kind, each with the words that a name or `unit` has for it.
const KINDS: [&[&[&str]]; 2] = [
    &[
        &["bytes"],
        &["kilobytes", "kb", "kib", "kibibytes"],
        &["megabytes", "mb", "mib", "mebibytes"],
        &["gigabytes", "gb", "gib", "gibibytes"],
    ],
    &[
        &["seconds"],
        &["milliseconds", "ms", "millis"],
        &["microseconds", "us"],
        &["minutes"],
        &["hours"],
    ],
];

fn apart(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let role = |role: &str| {
        let mut keys = alert.kind.keys.iter();
        let (key, _) = keys.find(|(_, said)| said["role"] == role)?;
        let metric = alert.settings.get(key)?.as_str()?;
        Some((key, catalog.metric(metric)?))
    };
    let ((part_key, part), (limit_key, limit), (does, with)) = match (role("part"), role("limit")) {
        (Some(part), Some(limit)) => (part, limit, ("divides", "by")),
        _ => (role("actual")?, role("desired")?, ("compares", "with")),
    };
    let (one, other) = (unit(part)?, unit(limit)?);
    let same = |kind: &&&[&[&str]]| {
        let of = |word: &str| kind.iter().position(|unit| unit.contains(&word));
        matches!((of(one), of(other)), (Some(one), Some(other)) if one != other)
    };
    KINDS.iter().find(same)?;
    let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
    let message = format!("`{}` {does} {one} {with} {other}", alert.written_name());
    Some(
        Diagnostic::error("part-in-another-unit", at(limit_key), message)
            .also(at(part_key), format!("in {one}"))
            .help("choose metrics of one unit, or write a `promql` that converts one of them"),
    )
}

/// What a metric is measured in, by the catalog or by the end of its name.
fn unit(metric: &Metric) -> Option<&str> {
    let name = metric.name.strip_suffix("_total").unwrap_or(&metric.name);
    let said = metric.unit.as_deref();
    said.or(name.rsplit('_').next())
}
