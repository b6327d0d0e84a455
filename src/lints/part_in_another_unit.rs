//! What is used and its limit, or what there is and what there should be, are measured in one unit.

use super::Lint;
use crate::catalog::{Alert, Catalog, Metric};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "part-in-another-unit",
    doc: "Keys divided by bytes are a share of nothing, and bytes divided by megabytes are a million times too many: the alert fires for ever, or never where both are exchanged, and its tests, which are written from the same two metrics, agree.",
    bad: "[metrics.cache_used_bytes]\ntype = \"gauge\"\nhelp = \"Used\"\n\n[metrics.cache_limit_megabytes]\ntype = \"gauge\"\nhelp = \"Limit\"\n\n[alerts.CacheFull]\nkind = \"saturation\"\nused = \"cache_used_bytes\"\nlimit = \"cache_limit_megabytes\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.cache_used_bytes]\ntype = \"gauge\"\nhelp = \"Used\"\n\n[metrics.cache_limit_bytes]\ntype = \"gauge\"\nhelp = \"Limit\"\n\n[alerts.CacheFull]\nkind = \"saturation\"\nused = \"cache_used_bytes\"\nlimit = \"cache_limit_bytes\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let alerts = catalog.written_alerts();
        let wrong = |alert| apart(alert, catalog).or_else(|| of_another(alert, catalog));
        alerts.filter_map(wrong).collect()
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

/// Words at the end of a name for what is counted one by one: what has such a name has no size, and takes no time.
const COUNTED: [&str; 28] = [
    "clients",
    "connections",
    "consumers",
    "descriptors",
    "entries",
    "fds",
    "files",
    "handles",
    "inodes",
    "items",
    "jobs",
    "keys",
    "messages",
    "partitions",
    "pods",
    "points",
    "processes",
    "replicas",
    "requests",
    "rows",
    "sessions",
    "slots",
    "sockets",
    "streams",
    "tasks",
    "threads",
    "users",
    "workers",
];

/// A key of an alert, and the metric that it names.
pub(super) type Named<'a> = (&'a str, &'a Metric);

/// The metric to which an alert gives a role, and the key that names it.
pub(super) fn role<'a>(alert: &'a Alert, catalog: &'a Catalog, role: &str) -> Option<Named<'a>> {
    let (key, metric) = alert.in_role(role)?;
    Some((key, catalog.metric(metric)?))
}

/// Roles of what is a part, and of what it is a part of.
const WITH_LIMIT: [(&str, &str); 3] = [("part", "limit"), ("level", "full"), ("level", "ceiling")];

/// The gauge that is a part of another one for an alert, and that one.
fn pair<'a>(alert: &'a Alert, catalog: &'a Catalog) -> Option<(Named<'a>, Named<'a>)> {
    let role = |name| role(alert, catalog, name);
    for (part, limit) in WITH_LIMIT {
        if let (Some(part), Some(limit)) = (role(part), role(limit)) {
            return Some((part, limit));
        }
    }
    // Without these words, what is compared stands before what it is compared with.
    let keys = alert
        .kind
        .keys
        .iter()
        .filter(|(_, said)| said["metric"] == "gauge");
    let mut gauges = keys.filter(|(_, said)| said["role"].is_null());
    let mut next = || {
        gauges.find_map(|(key, _)| {
            let metric = alert.settings.get(key)?.as_str()?;
            Some((key.as_str(), catalog.metric(metric)?))
        })
    };
    Some((next()?, next()?))
}

/// A limit that its profile knows as that of something else.
fn of_another(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let ((part_key, part), (limit_key, limit)) = pair(alert, catalog)?;
    let profile = part.profile.as_deref()?;
    let profiles = &catalog.profiles;
    let whole = profiles.wholes(profile, &part.name).next()?;
    let belongs = limit.name == part.name
        || profiles
            .wholes(profile, &part.name)
            .any(|one| one == limit.name);
    // Of what nobody knows a part it may be one too; and a limit exchanged with its part is said elsewhere.
    if belongs || !profiles.is_whole(profile, &limit.name) || whole == limit.name {
        return None;
    }
    let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
    let message = format!(
        "`{}` divides `{}`, which is a part of `{whole}`, by `{}`, of which other things are parts",
        alert.written_name(),
        part.name,
        limit.name
    );
    Some(
        Diagnostic::error("part-in-another-unit", at(limit_key), message)
            .also(at(part_key), "the part")
            .help(format!("write `{limit_key} = \"{whole}\"`")),
    )
}

fn apart(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let role = |name| role(alert, catalog, name);
    let ((part_key, part), (limit_key, limit), (does, with)) = match pair(alert, catalog) {
        Some((part, limit)) => (part, limit, ("divides", "by")),
        None => (role("actual")?, role("desired")?, ("compares", "with")),
    };
    let (one, other) = (unit(part)?, unit(limit)?);
    let measured = |word: &str| {
        KINDS
            .iter()
            .flat_map(|kind| kind.iter())
            .any(|unit| unit.contains(&word))
    };
    let counted = |word: &str| COUNTED.contains(&word);
    if measured(one) && counted(other) || counted(one) && measured(other) {
        let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
        let message = format!("`{}` {does} {one} {with} {other}", alert.written_name());
        return Some(
            Diagnostic::error("part-in-another-unit", at(limit_key), message)
                .also(at(part_key), format!("in {one}"))
                .help("choose two metrics of one thing: what is used, and how much of it there is"),
        );
    }
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
