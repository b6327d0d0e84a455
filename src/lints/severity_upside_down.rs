//! The worse of two severities is not reached first.

use super::{Lint, set_for};
use crate::catalog::{Alert, Branch};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use crate::value::Value;
use std::collections::HashMap;

pub(crate) const LINT: Lint = Lint {
    code: "severity-upside-down",
    doc: "Two alerts on one signal warn before they wake somebody. With the thresholds exchanged the pager goes first, and the warning comes when it is too late or, held back by the other one, never.",
    bad: "[alerts.MemoryHigh]\nkind = \"memory_ratio\"\nabove = 0.95\nfor = \"5m\"\nseverity = \"warning\"\n\n[alerts.MemoryVeryHigh]\nkind = \"memory_ratio\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"critical\"\n",
    good: "[alerts.MemoryHigh]\nkind = \"memory_ratio\"\nabove = 0.8\nfor = \"5m\"\nseverity = \"warning\"\n\n[alerts.MemoryVeryHigh]\nkind = \"memory_ratio\"\nabove = 0.95\nfor = \"5m\"\nseverity = \"critical\"\n",
    check: |catalog, source| {
        let rank = |branch: &Branch| catalog.severities.rank(&branch.severity);
        let mut found = Vec::new();
        let alerts = catalog.alerts.iter();
        let branches: Vec<(&Alert, &Branch, String)> = alerts
            .flat_map(|alert| alert.branches.iter().map(move |branch| (alert, branch)))
            .map(|(alert, branch)| (alert, branch, signal(alert, branch)))
            .collect();
        let mut compared: HashMap<&str, Vec<(&Alert, &Branch)>> = HashMap::new();
        for (alert, branch, signal) in &branches {
            compared.entry(signal).or_default().push((alert, branch));
        }
        for (worse, of, signal) in &branches {
            let first = compared[signal.as_str()].iter().find(|(other, branch)| {
                let known = |branch: &Branch| catalog.severities.knows(&branch.severity);
                // Of two levels both are there to be seen, the lesser one first.
                let levels = worse.levels.is_some() && worse.written_name() == other.written_name();
                rank(branch) > rank(of)
                    && known(branch)
                    && known(of)
                    && (later(branch, of) || levels && branch.limit() == of.limit())
                    && branch.r#for >= of.r#for
                    && branch
                        .services
                        .iter()
                        .any(|name| of.services.contains(name))
            });
            let Some((other, branch)) = first else {
                continue;
            };
            if found
                .iter()
                .any(|(name, _): &(&str, Diagnostic)| *name == worse.name)
            {
                continue;
            }
            let threshold = |branch: &Branch| branch.says_limit(None).unwrap_or_default();
            let before = if branch.limit() == of.limit() {
                "and no sooner than"
            } else {
                "before"
            };
            let finding = Diagnostic::error(
                "severity-upside-down",
                place(worse, of, source),
                format!(
                    "`{}` is {} {}, {before} `{}`, which is {} {}",
                    worse.name,
                    of.severity,
                    threshold(of),
                    other.name,
                    branch.severity,
                    threshold(branch)
                ),
            )
            .also(place(other, branch, source), "the other one")
            .help("exchange the two thresholds, or the two severities");
            found.push((&worse.name, finding));
        }
        found.into_iter().map(|(_, found)| found).collect()
    },
};

/// Whether one fires later than the other, by their thresholds.
fn later(one: &Branch, other: &Branch) -> bool {
    match (one.limit(), other.limit()) {
        (Some((side, one)), Some((same, other))) => side == same && side.beyond(one, other),
        _ => false,
    }
}

/// The alert; of a level its threshold, where it holds for one of the services.
fn place(alert: &Alert, branch: &Branch, source: &Source) -> Place {
    let Some(levels) = &alert.levels else {
        return Place::Key(format!("/alerts/{}", alert.name));
    };
    Place::Value(set_for(source, alert, branch, &levels.key))
}

/// What an alert compares with its threshold.
fn signal(alert: &Alert, branch: &Branch) -> String {
    let mut settings = alert.asks();
    for key in ["tests", "window", "for", "severity"] {
        settings.remove(key);
    }
    format!(
        "{} {} {:?}",
        alert.kind.name,
        Value::Object(settings),
        branch.window
    )
}
