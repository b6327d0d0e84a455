//! An alert before an end fires before it.

use super::{Lint, set_for};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Side;

pub(crate) const LINT: Lint = Lint {
    code: "fires-after-the-end",
    doc: "An alert on the time that is left waits for its `for` first: where that is as long as what is left, the certificate has ended, or the disk is full, when somebody is told. A number without a unit is in seconds.",
    bad: "[metrics.certificate_ends_seconds]\ntype = \"gauge\"\nhelp = \"When the certificate ends\"\n\n[alerts.CertificateEnds]\nkind = \"expires\"\nmetric = \"certificate_ends_seconds\"\nbelow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.certificate_ends_seconds]\ntype = \"gauge\"\nhelp = \"When the certificate ends\"\n\n[alerts.CertificateEnds]\nkind = \"expires\"\nmetric = \"certificate_ends_seconds\"\nbelow = \"14d\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let alerts = catalog.written_alerts();
        for alert in alerts.filter(|alert| alert.kind.counts_down) {
            for branch in &alert.branches {
                let Some(below) = branch
                    .below
                    .filter(|below| (1.0..=branch.r#for.seconds()).contains(below))
                else {
                    continue;
                };
                let mut keys = alert.kind.thresholds();
                let key = keys.find(|(_, side)| *side == Side::Below);
                let key = key.map_or("below", |(key, _)| key);
                let left = Duration((below * 1000.0) as u64);
                let message = format!(
                    "`{}` waits {} when {left} are left: whoever is told comes too late",
                    alert.name, branch.r#for
                );
                found.push(
                    Diagnostic::error(
                        "fires-after-the-end",
                        Place::Value(set_for(source, alert, branch, key)),
                        message,
                    )
                    .help("write a time with its unit, such as \"14d\""),
                );
            }
        }
        found
    },
};
