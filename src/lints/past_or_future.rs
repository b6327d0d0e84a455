//! A time has passed, or is still to come.

use super::Lint;
use crate::catalog::units::by_name;
use crate::catalog::{Alert, snake};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "past-or-future",
    doc: "How long ago something was, and how long it still has, are asked of different times. An alert on the age of a time that is to come never fires; one on what is left of a time that has passed fires always.",
    bad: "[metrics.certificate_end_seconds]\ntype = \"gauge\"\nhelp = \"When the certificate ends\"\n\n[alerts.CertificateEnds]\nkind = \"expires\"\nmetric = \"certificate_end_seconds\"\nbelow = \"14d\"\n\n[alerts.BackupOld]\nkind = \"stale\"\nmetric = \"certificate_end_seconds\"\nabove = \"26h\"\n",
    good: "[metrics.certificate_end_seconds]\ntype = \"gauge\"\nhelp = \"When the certificate ends\"\n\n[metrics.backup_end_seconds]\ntype = \"gauge\"\nhelp = \"When the last backup ended\"\n\n[alerts.CertificateEnds]\nkind = \"expires\"\nmetric = \"certificate_end_seconds\"\nbelow = \"14d\"\n\n[alerts.BackupOld]\nkind = \"stale\"\nmetric = \"backup_end_seconds\"\nabove = \"26h\"\n",
    check: |catalog, _| {
        let in_role = |role: &'static str| {
            let alerts = catalog.written_alerts();
            alerts.filter_map(move |alert| {
                let (key, metric) = alert.in_role(role)?;
                Some((alert, key, metric))
            })
        };
        let at = |alert: &Alert, key: &str| Place::Value(format!("{}/{key}", alert.table()));
        let mut found = Vec::new();
        for (alert, key, metric) in in_role("past").chain(in_role("future")) {
            let declared = catalog.metric(metric);
            let unit = declared.and_then(|metric| metric.unit.as_deref());
            let is = match unit.or_else(|| by_name(metric)) {
                _ if metric.ends_with("_info") => "is 1 whenever it is there".to_string(),
                Some(unit) if unit != "seconds" => format!("is in {unit}"),
                _ => continue,
            };
            let message = format!(
                "`{}` compares `{metric}` with the time in seconds, and that {is}",
                alert.written_name()
            );
            found.push(
                Diagnostic::error("past-or-future", at(alert, key), message).help(
                    "name a metric that says when something was or will be, in seconds since 1970",
                ),
            );
        }
        for (past, key, metric) in in_role("past") {
            if says(metric, &FUTURE) && !says(metric, &PAST) {
                let message = format!(
                    "`{}` asks how long ago `{metric}` was, and by its name that is still to come",
                    past.written_name()
                );
                found.push(
                    Diagnostic::error("past-or-future", at(past, key), message)
                        .help("name what has passed, or ask how long it still has"),
                );
                continue;
            }
            // What fires when it nears goes on when it has passed.
            let other = in_role("future").find(|(.., other)| *other == metric);
            if let Some((future, other, _)) = other.filter(|_| !says(metric, &PAST)) {
                let message = format!(
                    "`{}` asks how long ago `{metric}` was, and `{}` how long it still has",
                    past.written_name(),
                    future.written_name()
                );
                found.push(
                    Diagnostic::error("past-or-future", at(past, key), message)
                        .also(at(future, other), "still to come")
                        .help("one of the two means another metric"),
                );
            }
        }
        for (future, key, metric) in in_role("future") {
            if says(metric, &PAST) && !says(metric, &FUTURE) {
                let message = format!(
                    "`{}` asks how long `{metric}` still has, and by its name that has passed",
                    future.written_name()
                );
                found.push(
                    Diagnostic::error("past-or-future", at(future, key), message)
                        .help("name what is still to come, or ask how long ago it was"),
                );
            }
        }
        found
    },
};

/// Words in the names of times that are to come,
const FUTURE: [&str; 7] = [
    "deadline",
    "expiration",
    "expire",
    "expires",
    "expiry",
    "not_after",
    "valid_until",
];

/// and of times that have passed.
const PAST: [&str; 7] = [
    "completed",
    "created",
    "last",
    "modified",
    "started",
    "success",
    "updated",
];

/// Whether a name has one of some words.
fn says(metric: &str, words: &[&str]) -> bool {
    let name = format!("_{}_", snake(metric));
    words.iter().any(|word| name.contains(&format!("_{word}_")))
}
