//! A value of a label is written the same wherever it is declared.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use std::collections::BTreeMap;

pub(crate) const LINT: Lint = Lint {
    code: "mistyped-value",
    doc: "What one metric calls `fast` and another `fsat` is one value mistyped: rules and panels ask for what is declared, which no service exposes.",
    bad: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { queue = [\"fast\", \"slow\"] }\n\n[metrics.jobs_waiting]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\nlabels = { queue = [\"fsat\", \"slow\"] }\n",
    good: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { queue = [\"fast\", \"slow\"] }\n\n[metrics.jobs_waiting]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\nlabels = { queue = [\"fast\", \"slow\"] }\n",
    check: |catalog, _| {
        let mut listed: BTreeMap<&str, Listed> = BTreeMap::new();
        for metric in catalog.declared() {
            for (label, values) in &metric.labels {
                let of_label = listed.entry(label).or_default();
                for (at, value) in values.items().enumerate() {
                    let value = value.as_str().unwrap_or_default();
                    of_label.entry(value).or_default().push((&metric.key, at));
                }
            }
        }
        let mut found = Vec::new();
        for (label, values) in &listed {
            for (value, metrics) in values {
                let apart = |others: &[(&str, usize)]| {
                    let mut both = others.iter();
                    !both.any(|(other, _)| metrics.iter().any(|(metric, _)| metric == other))
                };
                // Of two that are listed as often the first in the alphabet is as good as the other.
                let rarer = |other: &str, others: &[(&str, usize)]| {
                    (metrics.len(), *value) < (others.len(), other)
                };
                let mut meant = values.iter().filter(|(other, others)| {
                    exchanged(value, other) && apart(others) && rarer(other, others)
                });
                let Some((meant, others)) = meant.next() else {
                    continue;
                };
                let place = |(metric, at): &(&str, usize)| {
                    Place::Value(format!(
                        "/metrics/{}/labels/{}/{at}",
                        step(metric),
                        step(label)
                    ))
                };
                found.extend(metrics.iter().map(|listed| {
                    let message = format!(
                        "the `{label}` of `{}` is `{value}`, and that of `{}` is `{meant}`",
                        listed.0, others[0].0
                    );
                    Diagnostic::error("mistyped-value", place(listed), message)
                        .also(place(&others[0]), "written otherwise")
                        .help("write both as the services do")
                }));
            }
        }
        found
    },
};

/// The values of a label, each with the metrics that list it, and the place in the list.
type Listed<'c> = BTreeMap<&'c str, Vec<(&'c str, usize)>>;

/// Whether two words differ by two neighbouring letters that are exchanged, and by nothing else.
fn exchanged(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let numbers = one.contains(|letter: char| letter.is_ascii_digit());
    one != other
        && one.len() > 3
        && !numbers
        && letters(one) == letters(other)
        && strsim::damerau_levenshtein(one, other) == 1
}
