//! Every panel says what it shows, and in which unit.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-text",
    doc: "At three in the morning a number without a unit or a title says nothing.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/*/fieldConfig/defaults/unit",
        bad: "",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            for (pointer, panel) in crate::stack::dashboards::panels(&file.value) {
                let kind = panel["type"].as_str().unwrap_or_default();
                let title = panel["title"].as_str().unwrap_or_default();
                let text = |key: &str| {
                    panel
                        .pointer(key)
                        .and_then(|value| value.as_str())
                        .is_some_and(|text| !text.trim().is_empty())
                };
                let wanted: &[(&str, &str)] = match kind {
                    "row" => &[("/title", "title")],
                    "text" | "alertlist" | "dashlist" => {
                        &[("/title", "title"), ("/description", "description")]
                    }
                    _ => &[
                        ("/title", "title"),
                        ("/description", "description"),
                        ("/fieldConfig/defaults/unit", "unit"),
                    ],
                };
                for (key, name) in wanted.iter().filter(|(key, _)| !text(key)) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}{key}"),
                        format!("the panel `{title}` has no {name}"),
                        "write what it shows, and in which unit",
                    ));
                }
            }
        }
        found
    }),
};
