//! What the catalog says of an alert in its own words is told.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::value::Value;
use std::collections::BTreeMap;

pub(crate) const PROOF: Proof = Proof {
    code: "untold-text",
    doc: "Somebody wrote for whoever is woken what an alert means; a notification without it says less than the catalog knows, and one without a summary next to nothing.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Errors/annotations/summary",
        bad: "\"{{ $labels.service }} is sick\"",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        // Others of the catalog say in one what is the matter: whoever shows alerts looks for it there.
        let mut all = stack.files.alerts();
        let summarised = all.any(|(_, _, rule)| rule["annotations"]["summary"].is_string());
        found.extend(bare(stack));
        for (file, pointer, rule) in stack.files.alerts() {
            if summarised && rule["annotations"]["summary"].is_null() {
                let named = rule["alert"].as_str().unwrap_or_default();
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/alert"),
                    format!("`{named}` has no summary, and others have one"),
                    "write in an annotation `summary` what is the matter",
                ));
            }
            let named = rule["alert"].as_str().unwrap_or_default();
            let Some(alert) = stack.catalog.alert(named) else {
                continue;
            };
            let own = [
                ("summary", alert.summary.as_ref()),
                ("description", alert.description.as_ref()),
                ("runbook_url", alert.runbook_url.as_ref()),
            ];
            let more = alert.annotations.iter();
            let more = more.map(|(name, text)| (name.as_str(), Some(text)));
            for (key, text) in own.into_iter().chain(more) {
                let told = |text: &str| {
                    let annotations = rule["annotations"].entries();
                    let mut texts = annotations.filter_map(|(_, said)| said.as_str());
                    // Between placeholders it stands as it was written.
                    let parts = || text.split('{').flat_map(|part| part.rsplit('}').next());
                    // What fills a placeholder may be written otherwise, but it is filled.
                    let filled = |text: &str| text.matches("{{").count();
                    texts.any(|said| {
                        parts().all(|part| said.contains(part.trim()))
                            && filled(said) >= filled(text)
                    })
                };
                if let Some(text) = text.filter(|text| !told(text)) {
                    let at = match rule["annotations"].get(key) {
                        Some(_) => format!("{pointer}/annotations/{key}"),
                        None => format!("{pointer}/alert"),
                    };
                    found.push(place::at(
                        &file.path,
                        at,
                        format!(
                            "nobody is told the {key} that the catalog has of `{named}`: {text}"
                        ),
                        format!("write the alert's {key} into an annotation"),
                    ));
                }
            }
        }
        found
    }),
};

/// What people look for in an alert beside its summary.
const LOOKED_FOR: [&str; 3] = ["description", "runbook_url", "dashboard_url"];

/// Alerts without an annotation that all others of their file have.
fn bare(stack: &Stack) -> Vec<Diagnostic> {
    let mut files: BTreeMap<&str, Vec<(String, &Value)>> = BTreeMap::new();
    for (file, pointer, rule) in stack.files.alerts().filter(|(file, ..)| !file.is_own()) {
        files.entry(&file.path).or_default().push((pointer, rule));
    }
    let mut found = Vec::new();
    for (path, rules) in files {
        for key in LOOKED_FOR {
            let lacks = |(_, rule): &&(String, &Value)| rule["annotations"][key].is_null();
            let mut bare = rules.iter().filter(lacks);
            if let (Some((pointer, rule)), None, true) = (bare.next(), bare.next(), rules.len() > 2)
            {
                let named = rule["alert"].as_str().unwrap_or_default();
                found.push(place::at(
                    path,
                    format!("{pointer}/alert"),
                    format!("`{named}` has no {key}, and all other alerts of the file have one"),
                    format!("write its {key} into the annotations"),
                ));
            }
        }
    }
    found
}
