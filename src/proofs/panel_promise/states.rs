//! Words and colours for the values of a label.

use super::panel::Panel;
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, nearest};
use crate::stack::grafana::shown::{News, colour};
use crate::value::Value;
use std::collections::BTreeSet;

impl Panel<'_, '_> {
    /// The words and colours for the values of a label: each value has its own, and none that is another's.
    pub(super) fn values_mixed_up(&self) -> Option<Diagnostic> {
        let maps = |change: &Value| {
            let mut properties = change["properties"].items();
            change["matcher"]["id"] == "byName"
                && properties.any(|property| property["id"] == "mappings")
        };
        let changes = || self.panel["fieldConfig"]["overrides"].items();
        changes().find(|change| maps(change))?;
        let contract = &self.stack.contract;
        let series: Vec<_> = self
            .queries
            .iter()
            .flat_map(|query| query.series(contract))
            .collect();
        let renamed = |name: &str| {
            let mut changes = self.panel["transformations"]
                .items()
                .filter(|change| change["id"] == "organize");
            let old = changes.find_map(|change| {
                change["options"]["renameByName"]
                    .entries()
                    .find(|(_, new)| *new == name)
                    .map(|(old, _)| old.clone())
            });
            old.unwrap_or_else(|| name.to_string())
        };
        for (index, change) in changes().enumerate() {
            let Some(column) = change["matcher"]["options"]
                .as_str()
                .filter(|_| maps(change))
            else {
                continue;
            };
            let label = renamed(column);
            let having = series.iter().copied().filter(|series| series.has(&label));
            let domains = contract.domains(having, &label);
            let lists: Option<Vec<Vec<String>>> = domains
                .into_iter()
                .map(|domain| match domain {
                    Domain::Values(values) => Some(values),
                    Domain::Pattern(_) => None,
                })
                .collect();
            let values: BTreeSet<String> = lists
                .into_iter()
                .flatten()
                .flatten()
                .filter(|value| !value.is_empty() && value != "none")
                .collect();
            for (number, property) in change["properties"]
                .items()
                .enumerate()
                .filter(|(_, property)| property["id"] == "mappings")
            {
                let at = format!("fieldConfig/overrides/{index}/properties/{number}/value");
                let others = property["value"]
                    .items()
                    .any(|mapping| mapping["type"] != "value");
                let options: Vec<(&String, &Value)> = property["value"]
                    .items()
                    .filter(|mapping| mapping["type"] == "value")
                    .flat_map(|mapping| mapping["options"].entries())
                    .collect();
                let help = "give each value its own word and colour";
                for (value, result) in options.iter().filter(|(value, _)| values.contains(*value)) {
                    let text = result["text"].as_str().unwrap_or_default();
                    let other = values
                        .iter()
                        .find(|other| other != value && other.eq_ignore_ascii_case(text));
                    if other.is_some() {
                        return Some(self.wrong(
                            &at,
                            format!(
                                "`{}` shows {label} `{value}` as {text}, which is another",
                                self.text("title")
                            ),
                            help,
                        ));
                    }
                    let good = result["color"].as_str().map(colour) == Some(News::Good);
                    let mut severities = self.stack.catalog.severities.names();
                    if label == "severity" && good && severities.next() == Some(value.as_str()) {
                        return Some(self.wrong(
                            &at,
                            format!(
                                "`{}` shows the most urgent severity, {value}, in green",
                                self.text("title")
                            ),
                            "give it a colour that warns",
                        ));
                    }
                    if label == "alertstate" && good {
                        return Some(self.wrong(
                            &at,
                            format!(
                                "`{}` shows an alert that is {value} in green",
                                self.text("title")
                            ),
                            help,
                        ));
                    }
                }
                let known = |value: &String| options.iter().any(|(known, _)| *known == value);
                let lost = values.iter().find(|value| {
                    !known(value)
                        && options
                            .iter()
                            .any(|(known, _)| almost_the_same(known, value))
                });
                if let Some(lost) = lost.filter(|_| !others) {
                    return Some(self.wrong(
                        &at,
                        format!(
                            "`{}` gives {label} `{lost}` no word and no colour",
                            self.text("title")
                        ),
                        help,
                    ));
                }
            }
        }
        None
    }
}

/// Whether one is the beginning of the other, or a slip of it.
fn almost_the_same(known: &str, value: &str) -> bool {
    known != value
        && (value.starts_with(known)
            || known.starts_with(value)
            || nearest(known, [value]).is_some())
}
