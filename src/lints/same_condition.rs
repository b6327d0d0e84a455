//! No two alerts say the same.

use super::Lint;
use crate::catalog::{Alert, Branch};
use crate::diagnostic::{Diagnostic, Place};
use crate::value::Value;
use std::collections::HashMap;

pub(crate) const LINT: Lint = Lint {
    code: "same-condition",
    doc: "Two alerts with one condition and one wait fire together, always, and two of one severity tell the same people the same twice: a silence for one of them silences half.",
    bad: "[alerts.Gone]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[alerts.Vanished]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[alerts.Gone]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"warning\"\n\n[alerts.LongGone]\nkind = \"down\"\nfor = \"30m\"\nseverity = \"critical\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        let mut known: HashMap<String, Vec<(&Alert, &Branch)>> = HashMap::new();
        for alert in &catalog.alerts {
            let mut same = None;
            for branch in &alert.branches {
                let others = known.entry(condition(alert, branch)).or_default();
                // Levels that are alike are upside down.
                let level = |other: &Alert| {
                    alert.levels.is_some() && alert.written_name() == other.written_name()
                };
                // The same for longer is worth another level, another label or another reader.
                let told_alike = |other: &Alert, same: &Branch| {
                    same.r#for == branch.r#for
                        || same.severity == branch.severity
                            && alert.labels == other.labels
                            && alert.owner == other.owner
                };
                let other = others.iter().find(|(other, same)| {
                    overlap(same, branch) && !level(other) && told_alike(other, same)
                });
                same = same.or(other.map(|(other, _)| other.name.as_str()));
                others.push((alert, branch));
            }
            if let Some(same) = same {
                found.push(
                    Diagnostic::error(
                        "same-condition",
                        Place::Key(format!("/alerts/{}", alert.name)),
                        format!("`{}` fires whenever `{same}` does", alert.name),
                    )
                    .also(Place::Key(format!("/alerts/{same}")), "the other one")
                    .help("remove one of them, or give it another threshold or another `for`"),
                );
            }
        }
        found
    },
};

fn overlap(one: &Branch, other: &Branch) -> bool {
    one.services
        .iter()
        .any(|service| other.services.contains(service))
}

/// What a branch of an alert is about: what its kind reads, the threshold, and the window; not how it is tested, nor for how long it waits.
fn condition(alert: &Alert, branch: &Branch) -> String {
    let mut settings = alert.asks();
    settings.remove("tests");
    if let Some(Value::String(text)) = settings.get_mut("expr") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let numbers = (branch.limit(), branch.window);
    format!(
        "{} {} {numbers:?}",
        alert.kind.name,
        Value::Object(settings)
    )
}
