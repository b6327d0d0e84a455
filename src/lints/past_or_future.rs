//! A time has passed, or is still to come.

use super::Lint;
use crate::catalog::Alert;
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
                let mut keys = alert.kind.keys.iter();
                let (key, _) = keys.find(|(_, said)| said["role"] == role)?;
                Some((alert, key.as_str(), alert.settings.get(key)?.as_str()?))
            })
        };
        let mut found = Vec::new();
        for (past, key, metric) in in_role("past") {
            let at = |alert: &Alert, key: &str| Place::Value(format!("{}/{key}", alert.table()));
            let other = in_role("future").find(|(.., other)| *other == metric);
            if let Some((future, other, _)) = other {
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
        found
    },
};
