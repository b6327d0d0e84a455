//! A label in a panel's legend is one that its series have.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;

pub(crate) const PROOF: Proof = Proof {
    code: "legend-label",
    doc: "A label that the query has summed away leaves a legend of braces or of nothing, and no line can be told from another.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/*/targets/*",
        bad: r#"{"refId": "A", "expr": "sum by (job) (up)", "legendFormat": "{{instance}}"}"#,
    },
    check: Check::Expression(|expression, nodes, _| {
        let legend = expression.target["legendFormat"]
            .as_str()
            .filter(|_| expression.usage == Usage::Panel)
            .unwrap_or_default();
        let labels = legend
            .split("{{")
            .skip(1)
            .filter_map(|rest| rest.split("}}").next())
            .map(str::trim);
        let whole = nodes.last().filter(|whole| !whole.series.is_empty());
        let lost = labels.filter(|label| {
            whole.is_some_and(|whole| !whole.series.iter().any(|series| series.has(label)))
        });
        lost.map(|label| {
            place::at(
                expression.path,
                expression.pointer.replace("/expr", "/legendFormat"),
                format!("the series have no label `{label}` for the legend"),
                "name a label that the query keeps",
            )
        })
        .collect()
    }),
};
