//! Somebody is told of the most urgent alerts while it matters.

use super::{Lint, set_for};
use crate::catalog::{Alert, Branch, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Side;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// After this nobody who is woken can do much.
const LATE: u64 = 2 * HOUR;

/// And after this the alert is of no use as the most urgent one.
const TOO_LATE: u64 = 24 * HOUR;

/// So long the most urgent alerts may wait for others that they are told with.
const WAIT: u64 = 10 * MINUTE;

pub(crate) const LINT: Lint = Lint {
    code: "slow-to-tell",
    doc: "From the fault to the first notification the window has to fill beyond the threshold, `for` has to pass, and the group waits for others. Of the most urgent alerts somebody wants to hear within minutes, and not the next day.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"2d\"\nseverity = \"critical\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"2m\"\nseverity = \"critical\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let wait = catalog.alertmanager.group_wait;
        let first = catalog.severities.first();
        if wait.0 > WAIT && catalog.notifies() {
            let message = format!("nobody is told of {first} alerts before {wait} have passed");
            let place = Place::Value("/alertmanager/group_wait".to_string());
            found.push(Diagnostic::warning("slow-to-tell", place, message).help(
                "make it seconds, or minutes; `[[routes]]` can wait longer for lesser alerts",
            ));
        }
        for alert in catalog.alerts.iter().filter(|alert| alert.slo.is_none()) {
            let urgent = alert
                .branches
                .iter()
                .filter(|branch| branch.severity == first);
            let late = urgent.map(|branch| (branch, after(alert, branch)));
            let late = late.filter(|(branch, after)| after.total() > patience(alert, branch));
            let Some((branch, after)) = late.max_by_key(|(_, after)| after.total()) else {
                continue;
            };
            let total = Duration(after.total());
            let (key, why) = match after.fills.0 > after.holds.0 {
                true => (
                    "window",
                    format!(
                        "a window of {} passes its threshold after {}, when everything fails",
                        branch.window.unwrap_or_default(),
                        after.fills
                    ),
                ),
                false => ("for", format!("its `for` is {}", after.holds)),
            };
            let name = alert.written_name();
            let at = match alert.levels.is_some() {
                true => format!("{}/{key}", alert.table()),
                false => set_for(source, alert, branch, key),
            };
            let message = format!("`{name}`, {first}, is told {total} after the fault: {why}");
            let error =
                total.0 > TOO_LATE || slower_than_lesser(catalog.alerts.iter(), alert, branch);
            let finding = match error {
                true => Diagnostic::error("slow-to-tell", Place::Value(at), message),
                false => Diagnostic::warning("slow-to-tell", Place::Value(at), message),
            };
            found.push(
                finding
                    .help("make it minutes, or give it a severity for which that is soon enough"),
            );
        }
        found
    },
};

/// How long it takes from the fault until an alert fires.
struct After {
    fills: Duration,
    holds: Duration,
}

impl After {
    fn total(&self) -> u64 {
        self.fills.0.saturating_add(self.holds.0)
    }
}

fn after(alert: &Alert, branch: &Branch) -> After {
    // Of a share the window needs so much of its time in which everything fails.
    let share = match branch.limit() {
        Some((Side::Above, limit)) => limit,
        Some((Side::Below, limit)) => 1.0 - limit,
        None => 0.0,
    };
    let fills = match (alert.unit.as_deref(), branch.window) {
        (Some("ratio"), Some(window)) if (0.0..=1.0).contains(&share) => {
            Duration((window.0 as f64 * share) as u64)
        }
        _ => Duration(0),
    };
    After {
        fills,
        holds: branch.r#for,
    }
}

/// What is measured in days may be told in hours.
fn patience(alert: &Alert, branch: &Branch) -> u64 {
    match (alert.unit.as_deref(), branch.limit()) {
        (Some("seconds"), Some((_, limit))) => LATE.max((limit * 100.0) as u64),
        _ => LATE,
    }
}

/// Whether a lesser level of the same alert is told before: then the worse one is only told when it is long known.
fn slower_than_lesser<'a>(
    mut alerts: impl Iterator<Item = &'a Alert>,
    alert: &Alert,
    branch: &Branch,
) -> bool {
    alert.levels.is_some()
        && alerts.any(|other| {
            let lesser = other.levels.is_some() && other.written_name() == alert.written_name();
            lesser
                && other.severity != branch.severity
                && other.branches.iter().any(|of| of.r#for < branch.r#for)
        })
}
