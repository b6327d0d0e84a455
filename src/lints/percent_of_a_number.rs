//! Only a share is written as a percentage.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "percent-of-a-number",
    doc: "`{value:percent}` writes a ratio as a percentage, a hundred times as much. Of a number of messages, or of seconds, whoever is woken reads that 500000% of them wait.",
    bad: "[alerts.Busy]\nkind = \"threshold\"\nmetric = \"orders_active\"\nabove = 100\nsummary = \"{value:percent} under way\"\n",
    good: "[alerts.Busy]\nkind = \"threshold\"\nmetric = \"orders_active\"\nabove = 100\nsummary = \"{value} under way\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let share = alert.unit.as_deref() == Some("ratio");
            let limits = alert.branches.iter().filter_map(|branch| branch.limit());
            // A share of one, or of a few, is written as a percentage too: 150% of what was planned.
            let least = limits
                .map(|(_, limit)| limit.abs())
                .fold(f64::INFINITY, f64::min);
            if share || !least.is_finite() || least <= FEW {
                continue;
            }
            let table = alert.written_table();
            for (pointer, text) in texts(source, &table) {
                if text.contains("{value:percent}") {
                    let message = format!(
                        "`{}` fires at {least}, and would say {}%",
                        alert.written_name(),
                        least * 100.0
                    );
                    found.push(
                        Diagnostic::error("percent-of-a-number", Place::Value(pointer), message)
                            .help("write `{value}`"),
                    );
                }
            }
        }
        found
    },
};

/// No share is beyond so many times its whole.
const FEW: f64 = 10.0;

/// What an alert says, each with its place.
fn texts<'s>(source: &'s Source, table: &str) -> Vec<(String, &'s str)> {
    let at = |key: &str| {
        let pointer = format!("{table}/{key}");
        let text = source.value.pointer(&pointer).and_then(Value::as_str)?;
        Some((pointer, text))
    };
    let mut found: Vec<(String, &str)> = ["summary", "description"]
        .into_iter()
        .filter_map(at)
        .collect();
    let annotations = source.value.pointer(&format!("{table}/annotations"));
    for (name, text) in annotations.and_then(Value::as_object).into_iter().flatten() {
        let pointer = format!("{table}/annotations/{}", step(name));
        found.extend(text.as_str().map(|text| (pointer, text)));
    }
    found
}
