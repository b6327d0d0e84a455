//! An alert on a single event fires before the event is forgotten.

use super::{Lint, set_for};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "forgotten-event",
    doc: "One event keeps the condition for as long as it is in the window. An alert that waits as long, or longer, never fires for it, however bad it was.",
    bad: "[metrics.crashes_total]\ntype = \"counter\"\nhelp = \"Crashes\"\n\n[alerts.Crashed]\nkind = \"increase\"\nmetric = \"crashes_total\"\nabove = 0\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.crashes_total]\ntype = \"counter\"\nhelp = \"Crashes\"\n\n[alerts.Crashed]\nkind = \"increase\"\nmetric = \"crashes_total\"\nabove = 0\nwindow = \"5m\"\nfor = \"0s\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let alerts = catalog.written_alerts();
        for alert in alerts.filter(|alert| alert.kind.forgets_events) {
            for branch in &alert.branches {
                let Some(above) = branch.above else {
                    continue;
                };
                // What goes on fires for as long, and then a burst is not meant.
                let lasts = |window: &Duration| match above < 1.0 {
                    true => branch.r#for >= *window,
                    false => branch.r#for > *window,
                };
                let Some(window) = branch.window.filter(lasts) else {
                    continue;
                };
                let key = set_for(source, alert, branch, "for");
                let place = match source.contains(&key) {
                    true => Place::Value(key),
                    false => Place::Key(format!("/alerts/{}", alert.name)),
                };
                let never = match above < 1.0 {
                    true => "a single one never fires",
                    false => "however many come at once, it never fires",
                };
                let message = format!(
                    "`{}` waits {}, and an event is forgotten after {window}: {never}",
                    alert.name, branch.r#for
                );
                // Events that go on for as long do fire: that may be meant.
                let finding = match above < 1.0 {
                    true => Diagnostic::error("forgotten-event", place, message),
                    false => Diagnostic::warning("forgotten-event", place, message),
                };
                found.push(finding.help("write `for = \"0s\"`, or a `window` longer than that"));
            }
        }
        found
    },
};
