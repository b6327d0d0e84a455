//! A ratio of failures to attempts is not upside down.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "exchanged-ratio",
    doc: "With failures and attempts exchanged the ratio is far above its threshold while all is well, and falls when everything fails.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[metrics.login_failures_total]\ntype = \"counter\"\nhelp = \"Logins that failed\"\n\n[alerts.LoginFailures]\nkind = \"ratio\"\nerrors = \"logins_total\"\ntotal = \"login_failures_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[metrics.login_failures_total]\ntype = \"counter\"\nhelp = \"Logins that failed\"\n\n[alerts.LoginFailures]\nkind = \"ratio\"\nerrors = \"login_failures_total\"\ntotal = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let role = |role: &'static str| Some((role, alert.roles.get(role)?));
            let (Some((_, failures)), Some((other, attempts))) = (
                role("failures"),
                role("attempts").or_else(|| role("successes")),
            ) else {
                continue;
            };
            if failures == attempts || says_failure(failures) || !says_failure(attempts) {
                continue;
            }
            let of_role = |role: &str| {
                alert
                    .kind
                    .keys
                    .iter()
                    .find(|(_, property)| property["role"] == role)
                    .map_or("", |(key, _)| key.as_str())
            };
            let (wrong, other) = (of_role(other), of_role("failures"));
            found.push(
                Diagnostic::error(
                    "exchanged-ratio",
                    Place::Value(format!("/alerts/{}/{wrong}", alert.name)),
                    format!(
                        "`{}` sets `{failures}` against `{attempts}`, which counts failures by its name",
                        alert.name
                    ),
                )
                .also(
                    Place::Value(format!("/alerts/{}/{other}", alert.name)),
                    "and this does not",
                )
                .help(format!("exchange `{other}` and `{wrong}`")),
            );
        }
        for slo in &catalog.slos {
            let (Some(errors), Some(total)) = (&slo.counts.errors, &slo.counts.total) else {
                continue;
            };
            if errors != total && !says_failure(errors) && says_failure(total) {
                let at = |key: &str| Place::Value(format!("/slos/{}/{key}", step(&slo.name)));
                let message = format!(
                    "the objective `{}` divides `{errors}` by `{total}`, which counts failures by its name",
                    slo.name
                );
                found.push(
                    Diagnostic::error("exchanged-ratio", at("total"), message)
                        .also(at("errors"), "and this does not")
                        .help("exchange `errors` and `total`"),
                );
            }
        }
        found
    },
};

/// Words in the names of counters of what went wrong.
const FAILURE: [&str; 14] = [
    "error",
    "errors",
    "failure",
    "failures",
    "failed",
    "rejected",
    "rejections",
    "dropped",
    "timeouts",
    "timeout",
    "exceptions",
    "aborted",
    "denied",
    "lost",
];

fn says_failure(metric: &str) -> bool {
    metric.split('_').any(|word| FAILURE.contains(&word))
}
