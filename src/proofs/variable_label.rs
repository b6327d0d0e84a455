//! A dashboard's variable lists the values of a label that is there.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::contract::evaluate::nodes;
use crate::diagnostic::suggestion;

pub(crate) const PROOF: Proof = Proof {
    code: "variable-label",
    doc: "A variable over a label that the metric does not have has no values, and every panel that uses it is empty.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/templating/list/type=query/query",
        bad: r#""label_values(up, jobs)""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            for (index, variable) in file.value["templating"]["list"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
            {
                let query = variable["query"]
                    .as_str()
                    .or(variable["query"]["query"].as_str())
                    .unwrap_or_default();
                let inner = query
                    .strip_prefix("label_values(")
                    .and_then(|rest| rest.strip_suffix(')'));
                let Some((_, label)) = inner.and_then(|inner| inner.rsplit_once(',')) else {
                    continue;
                };
                let (label, pointer) = (label.trim(), format!("/templating/list/{index}/query"));
                let Some(read) = stack.expressions.iter().find(|expression| {
                    expression.path == file.path && expression.pointer == pointer
                }) else {
                    continue;
                };
                let series = nodes(&read.ast, &stack.contract)
                    .pop()
                    .map_or(Vec::new(), |whole| whole.series);
                if !series.is_empty() && !series.iter().any(|series| series.has(label)) {
                    let known: Vec<&str> =
                        series.iter().flat_map(|series| series.names()).collect();
                    let message = format!("`{}` has no label `{label}`", read.ast);
                    found.push(place::at(
                        &file.path,
                        pointer,
                        message,
                        suggestion(label, known.iter().copied()),
                    ));
                }
            }
        }
        found
    }),
};
