//! What is compared with an earlier time counts other events than those of that time.

use super::{Lint, set_for};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "overlapping-windows",
    doc: "A window that is longer than the time between what is compared counts many events on both sides: however little happens now, it is hardly less than before.",
    bad: "[metrics.orders_total]\ntype = \"counter\"\nhelp = \"Orders\"\n\n[alerts.FewOrders]\nkind = \"traffic_drop\"\nmetric = \"orders_total\"\nbelow = 0.3\nwindow = \"2d\"\noffset = \"1d\"\nfor = \"30m\"\nseverity = \"warning\"\n",
    good: "[metrics.orders_total]\ntype = \"counter\"\nhelp = \"Orders\"\n\n[alerts.FewOrders]\nkind = \"traffic_drop\"\nmetric = \"orders_total\"\nbelow = 0.3\nwindow = \"2h\"\noffset = \"1d\"\nfor = \"30m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let Some(key) = alert.kind.reads_back.as_deref() else {
                continue;
            };
            let back = alert.settings.get(key).and_then(|back| back.as_str());
            let Some(back) = back.and_then(Duration::parse) else {
                continue;
            };
            for branch in &alert.branches {
                let Some(window) = branch.window.filter(|window| *window > back) else {
                    continue;
                };
                let error = Diagnostic::error(
                    "overlapping-windows",
                    Place::Value(set_for(source, alert, branch, "window")),
                    format!(
                        "`{}` compares {window} with {window} that end {back} earlier: {} of them are the same",
                        alert.name,
                        Duration(window.0 - back.0)
                    ),
                );
                found.push(error.help(format!(
                    "write a `window` of at most {back}, or a longer `{key}`"
                )));
            }
        }
        found
    },
};
