//! The templates of labels and annotations can be filled in.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::evaluation::rules::filled;
use crate::go_template::Template;

pub(crate) const PROOF: Proof = Proof {
    code: "broken-text",
    doc: "A template that fails when its alert fires is sent as `<error expanding template: …>`, a number in the wrong format as `%!d(float64=5)`: `promtool check` reads none of it.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Errors/annotations/description",
        bad: r#""{{ if gt $value 50 }}Many{{ else }}Some{{ end }} requests fail.""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for loaded in &stack.rules {
            let Some(alert) = &loaded.rule.alert else {
                continue;
            };
            let of = [
                ("labels", &loaded.rule.labels),
                ("annotations", &alert.annotations),
            ];
            let texts = of.into_iter().flat_map(|(of, texts)| {
                let texts = texts.iter();
                texts.map(move |(key, template)| (of, key, template))
            });
            for (of, key, template) in texts.filter(|(.., template)| template.constant().is_none())
            {
                let outside = template.keys("externalLabels").into_iter().find(|label| {
                    let mut configs = stack.files.prometheus();
                    configs.all(|file| {
                        let global = &file.value["global"]["external_labels"];
                        global.get(label).is_none()
                    })
                });
                let outside = outside.map(|label| {
                    (
                        format!("Prometheus has no external label `{label}`: it is empty here"),
                        "name one of `external_labels` under `[prometheus]`",
                    )
                });
                if let Some((message, help)) = broken(template).or(outside) {
                    let pointer = format!("{}/{of}/{key}", loaded.pointer);
                    found.push(place::at(loaded.path, pointer, message, help));
                }
            }
        }
        found
    }),
};

/// Values that an alert may have.
const VALUES: [f64; 3] = [0.25, 7.0, 4_200_000.0];

/// What is wrong with a template, whatever its alert's value is. Where a label is read as a number or a time, it is one.
fn broken(template: &Template) -> Option<(String, &'static str)> {
    let wrong = |label: &str, value: f64| {
        match filled(template, label, value) {
        Ok(text) => {
            let at = text.find("%!")?;
            let end = text[at..]
                .find(')')
                .map_or(text.len(), |end| at + end + 1);
            Some((
                format!("`{}` is sent: the format is not for what it writes", &text[at..end]),
                "the value is a number with a fraction: write it by a function, as in `{{ $value | humanize }}`",
            ))
        }
        Err(problem) => problem.certain.then(|| {
            (
                format!("the template fails when the alert fires: {}", problem.reason),
                "the value is a number with a fraction, and what it is compared with has to be one too, as in `gt $value 50.0`",
            )
        }),
    }
    };
    let mut all = VALUES
        .into_iter()
        .flat_map(|value| ["", "1", "5m"].map(|label| wrong(label, value)));
    let first = all.next()??;
    all.all(|wrong| wrong.is_some()).then_some(first)
}
