//! What panels and dashboards say of themselves.

use super::Facts;
use super::judge::Subjects;
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::render::File;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Usage;
use serde_json::Value;
use std::collections::BTreeSet;

/// Texts of a panel that people read.
const TEXTS: [&str; 4] = [
    "title",
    "description",
    "fieldConfig/defaults/custom/axisLabel",
    "fieldConfig/defaults/displayName",
];

/// What a panel asks for.
fn queries(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].items();
    let mut asked: Vec<&str> = targets
        .filter_map(|target| target["expr"].as_str())
        .collect();
    asked.sort_unstable();
    asked
}

fn words(name: &str) -> impl Iterator<Item = String> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| word.len() > 2)
        .map(str::to_ascii_lowercase)
}

impl Facts<'_, '_> {
    pub(super) fn pages(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for file in self.stack.files.dashboards().filter(|file| !file.is_own()) {
            let Some(own) = self.own.file(&file.path) else {
                continue;
            };
            if own.value == file.value {
                continue;
            }
            let meant = panels(&own.value);
            for (pointer, panel) in panels(&file.value) {
                let Some(own) = twin(panel, &meant).filter(|own| *own != panel) else {
                    continue;
                };
                let title = panel["title"].as_str().unwrap_or_default();
                let subjects = self.subjects(&file.path, &pointer);
                let mut say = |at: String, meant: &Value, said: &Value| {
                    if let (Some(meant), Some(said)) = (meant.as_str(), said.as_str()) {
                        let whose = format!("the panel `{title}`");
                        let wrong = self.in_text(&whose, meant, said, Some(&subjects));
                        found.extend(
                            wrong.map(|(message, help)| place::at(&file.path, at, message, help)),
                        );
                    }
                };
                for key in TEXTS {
                    let of = |panel: &Value| {
                        panel
                            .pointer(&format!("/{key}"))
                            .cloned()
                            .unwrap_or_default()
                    };
                    say(format!("{pointer}/{key}"), &of(own), &of(panel));
                }
                for (index, target) in panel["targets"].items().enumerate() {
                    let mut own = own["targets"].items();
                    let own = own.find(|own| own["expr"] == target["expr"]);
                    let key = "legendFormat";
                    say(
                        format!("{pointer}/targets/{index}/{key}"),
                        own.map_or(&Value::Null, |own| &own[key]),
                        &target[key],
                    );
                }
                self.links(&pointer, (own, panel), &mut say);
            }
            let mut say = |at: String, meant: &Value, said: &Value| {
                if let (Some(meant), Some(said)) = (meant.as_str(), said.as_str()) {
                    let wrong = self.in_text("the dashboard", meant, said, None);
                    found.extend(
                        wrong.map(|(message, help)| place::at(&file.path, at, message, help)),
                    );
                }
            };
            for key in ["title", "description"] {
                say(format!("/{key}"), &own.value[key], &file.value[key]);
            }
            self.links("", (&own.value, &file.value), &mut say);
            found.extend(called_as_another(&own.value, file));
        }
        found
    }

    fn links(
        &self,
        pointer: &str,
        (own, panel): (&Value, &Value),
        say: &mut impl FnMut(String, &Value, &Value),
    ) {
        for list in ["/links", "/fieldConfig/defaults/links"] {
            let of = |panel: &Value| panel.pointer(list).cloned().unwrap_or_default();
            for (index, link) in of(panel).items().enumerate() {
                let own = of(own);
                let same = own.items().find(|own| own["title"] == link["title"]);
                if let Some(own) = same {
                    say(
                        format!("{pointer}{list}/{index}/url"),
                        &own["url"],
                        &link["url"],
                    );
                }
            }
        }
    }

    /// Words of the names that a panel asks for, and of all others.
    fn subjects(&self, path: &str, pointer: &str) -> Subjects {
        let inside = format!("{pointer}/targets/");
        let expressions = self.stack.used(Usage::Panel);
        let of_panel = expressions.filter(|expression| {
            expression.path == path && expression.pointer.starts_with(&inside)
        });
        let read = of_panel.flat_map(|expression| selectors(&expression.ast));
        let names: BTreeSet<&str> = read.filter_map(metric).collect();
        let metrics = self.stack.catalog.metrics.iter();
        Subjects {
            own: names.iter().flat_map(|name| words(name)).collect(),
            others: metrics
                .filter(|metric| !names.contains(metric.name.as_str()))
                .flat_map(|metric| words(&metric.name))
                .collect(),
        }
    }
}

/// Monstack's own panel that asks for the same, and is called the same if there are several.
fn twin<'a>(panel: &Value, all: &[(String, &'a Value)]) -> Option<&'a Value> {
    let asked = queries(panel);
    let alike = |own: &&Value| own["type"] == panel["type"] && queries(own) == asked;
    let mut fitting = all.iter().map(|(_, own)| *own).filter(alike);
    let named = all.iter().map(|(_, own)| *own).filter(alike);
    let named: Vec<&Value> = named.filter(|own| own["title"] == panel["title"]).collect();
    match (asked.is_empty(), named.as_slice()) {
        (true, _) => None,
        (_, [own]) => Some(own),
        _ => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

/// Variables with the label of another one.
fn called_as_another(own: &Value, file: &File) -> Vec<Diagnostic> {
    let list = |dashboard: &'_ Value| dashboard["templating"]["list"].clone();
    let own = list(own);
    let label = |name: &Value| {
        let same = own.items().find(|one| one["name"] == *name);
        same.and_then(|one| one["label"].as_str())
    };
    let mut found = Vec::new();
    for (index, variable) in list(&file.value).items().enumerate() {
        let (Some(said), Some(meant)) = (variable["label"].as_str(), label(&variable["name"]))
        else {
            continue;
        };
        let other = own
            .items()
            .find(|one| one["name"] != variable["name"] && one["label"] == said && said != meant);
        if let Some(other) = other {
            found.push(place::at(
                &file.path,
                format!("/templating/list/{index}/label"),
                format!(
                    "the variable `{}` is called `{said}`, which is what `{}` is",
                    variable["name"].as_str().unwrap_or_default(),
                    other["name"].as_str().unwrap_or_default()
                ),
                format!("call it `{meant}`"),
            ));
        }
    }
    found
}
