//! A label that an annotation names is one that the alert has.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::RULES;
use crate::json::Parts;

pub(crate) const PROOF: Proof = Proof {
    code: "annotation-label",
    doc: "A label that the expression has summed away renders as nothing: the notification says that ` is down`, and promtool says SUCCESS.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/*/annotations/summary",
        bad: r#""{{ $labels.instance }} is down""#,
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        let Some(whole) = nodes.last().filter(|_| expression.usage == Usage::Alert) else {
            return found;
        };
        let rule = expression.pointer.trim_end_matches("/expr");
        for (key, text) in expression.owner["annotations"].entries() {
            for variable in variables(text.as_str().unwrap_or_default()) {
                let Some(label) = variable.strip_prefix("labels.") else {
                    if !["value", "labels", "externalLabels", "externalURL"]
                        .contains(&variable.split('.').next().unwrap_or_default())
                    {
                        found.push(place::at(
                            expression.path,
                            format!("{rule}/annotations/{key}"),
                            format!("there is no variable `${variable}`"),
                            "use `$labels.NAME` or `$value`",
                        ));
                    }
                    continue;
                };
                let own = expression.owner["labels"].get(label).is_some() || label == "alertname";
                if !own && whole.series.iter().any(|series| !series.has(label)) {
                    let has = whole
                        .series
                        .first()
                        .map(|series| series.names().into_iter().collect::<Vec<_>>().join(", "))
                        .unwrap_or_default();
                    found.push(place::at(
                        expression.path,
                        format!("{rule}/annotations/{key}"),
                        format!("the alert has no label `{label}`"),
                        format!("it has {has}"),
                    ));
                }
            }
        }
        found
    }),
};

/// The variables of a Go template, without the dollar sign.
fn variables(text: &str) -> Vec<String> {
    let inside = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    let words = inside.flat_map(|action| action.split('$').skip(1));
    words
        .map(|word| {
            word.chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
                .collect()
        })
        .collect()
}
