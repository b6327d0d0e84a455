//! What a panel names of its fields is there: transformations, overrides and the order of a table are followed through the
//! columns and lines that its queries give.

mod lines;
mod seen;
mod table;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::script;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-fields",
    doc: "An override, a new name or an order for a column that does not exist changes nothing, and Grafana does not say so: the column has no unit, no colour or no link. A column that is taken away is not shown, whatever its query costs.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=table/fieldConfig/overrides/0/matcher/options",
        bad: r#""States""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            for (pointer, panel) in panels(&file.value) {
                let queries = stack.queries(&file.path, &pointer);
                if queries.is_empty() {
                    continue;
                }
                let one = Panel {
                    stack,
                    path: &file.path,
                    panel,
                    pointer: &pointer,
                    queries: &queries,
                };
                found.extend(one.check());
            }
        }
        found
    }),
};

struct Panel<'a, 's> {
    stack: &'a Stack<'s>,
    path: &'a str,
    panel: &'a Value,
    pointer: &'a str,
    queries: &'a [&'a Expression<'s>],
}

impl Panel<'_, '_> {
    fn wrong(&self, key: String, message: String, help: impl Into<String>) -> Diagnostic {
        place::at(self.path, format!("{}/{key}", self.pointer), message, help)
    }

    fn title(&self) -> &str {
        self.panel["title"].as_str().unwrap_or_default()
    }

    fn check(&self) -> Vec<Diagnostic> {
        let mut found = self.letters();
        found.extend(self.invisible());
        found.extend(self.timeless());
        found.extend(self.numbers_passed());
        found.extend(self.left_out());
        found.extend(self.called_another());
        if self.names_matter()
            && let Some(named) = self.named()
        {
            found.extend(self.picked(&named));
            found.extend(self.unnumbered(&named));
            found.extend(self.named_alike(&named));
        }
        // With a query that cannot be read, or of another source, there are fields that are not known.
        let all = self.panel["targets"].items().count();
        if all == self.queries.len()
            && self.panel["fieldConfig"]["defaults"]["displayName"].is_null()
        {
            let tables = self
                .queries
                .iter()
                .all(|query| query.target["format"] == "table");
            found.extend(match tables {
                true => self.table(),
                false => self.lines(),
            });
        }
        found
    }

    fn overrides(&self) -> impl Iterator<Item = (usize, &Value)> {
        let list = self.panel["fieldConfig"]["overrides"].items().enumerate();
        list.map(|(index, change)| (index, &change["matcher"]))
    }

    /// Overrides and transformations that name queries by their letters.
    fn letters(&self) -> Vec<Diagnostic> {
        let letters: Vec<&str> = self.panel["targets"]
            .items()
            .filter_map(|target| target["refId"].as_str())
            .collect();
        let mut found = Vec::new();
        for (index, matcher) in self.overrides() {
            let name = matcher["options"].as_str().unwrap_or_default();
            if matcher["id"] == "byFrameRefID" && !letters.contains(&name) {
                found.push(self.wrong(
                    format!("fieldConfig/overrides/{index}/matcher/options"),
                    format!("`{}` has no query `{name}`", self.title()),
                    suggestion(name, letters.iter().copied()),
                ));
            }
        }
        for (index, change) in self.panel["transformations"].items().enumerate() {
            let include = change["options"]["include"].as_str();
            let Some(pattern) = include.filter(|_| change["id"] == "filterByRefId") else {
                continue;
            };
            let Ok(pattern) = Regex::new(&format!("^(?:{})$", script(pattern))) else {
                continue;
            };
            if !letters.iter().any(|letter| pattern.is_match(*letter)) {
                found.push(self.wrong(
                    format!("transformations/{index}/options/include"),
                    format!("`{}` shows none of its queries", self.title()),
                    format!("its queries are {}", letters.join(", ")),
                ));
            }
        }
        found
    }

    fn series<'q>(&self, query: &'q Expression) -> Option<&'q [SeriesSet]> {
        let series = query.series(&self.stack.contract);
        (!series.is_empty()).then_some(series)
    }
}

/// What a query's lines can be called by their legend; None: it tells them apart by more than one label, or not by values that are known.
pub(super) fn names(query: &Expression, contract: &Contract) -> Option<BTreeSet<String>> {
    let legend = query.target["legendFormat"].as_str()?;
    if legend.is_empty() || legend == "__auto" || legend.contains('$') {
        return None;
    }
    let Some((before, rest)) = legend.split_once("{{") else {
        return Some(BTreeSet::from([legend.to_string()]));
    };
    let (label, after) = rest
        .split_once("}}")
        .filter(|(_, after)| !after.contains("{{"))?;
    let series = query.series(contract);
    let mut found = BTreeSet::new();
    for domain in contract.shared_domains(series, label.trim()) {
        let Domain::Values(values) = &*domain else {
            return None;
        };
        found.extend(values.iter().map(|value| format!("{before}{value}{after}")));
    }
    (!found.is_empty()).then_some(found)
}
