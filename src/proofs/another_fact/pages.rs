//! What panels and dashboards say of themselves.

use super::Facts;
use super::judge::Subjects;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::{children, selectors};
use crate::proofs::place;
use crate::render::File;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::value::Value;
use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};

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
            let mut meant: HashMap<Vec<&str>, Vec<&Value>> = HashMap::new();
            for (_, panel) in panels(&own.value) {
                meant.entry(queries(panel)).or_default().push(panel);
            }
            for (pointer, panel) in panels(&file.value) {
                let alike = meant.get(&queries(panel)).map_or(&[][..], Vec::as_slice);
                let Some(own) = twin(panel, alike).filter(|own| *own != panel) else {
                    continue;
                };
                let title = panel["title"].as_str().unwrap_or_default();
                let subjects =
                    LazyCell::new(|| self.subjects(&self.stack.queries(&file.path, &pointer)));
                let mut say = |at: String, meant: &Value, said: &Value| {
                    if let (Some(meant), Some(said)) = (meant.as_str(), said.as_str())
                        && meant != said
                    {
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
    fn subjects(&self, of_panel: &[&Expression]) -> Subjects {
        let read = of_panel.iter().flat_map(|one| selectors(&one.ast));
        let names: BTreeSet<&str> = read.filter_map(metric).collect();
        let metrics = self.stack.catalog.metrics.iter();
        Subjects {
            own: names.iter().flat_map(|name| words(name)).collect(),
            others: metrics
                .filter(|metric| !names.contains(metric.name.as_str()))
                .flat_map(|metric| words(&metric.name))
                .collect(),
            numbers: of_panel.iter().flat_map(|one| numbers(&one.ast)).collect(),
        }
    }
}

/// The numbers that are written in a query.
fn numbers(expr: &Expr) -> Vec<f64> {
    match expr {
        Expr::NumberLiteral(number) => vec![number.val],
        _ => children(expr).flat_map(numbers).collect(),
    }
}

/// Which of monstack's own panels that ask for the same it is: the one of its title, or the only one of its type.
fn twin<'a>(panel: &Value, all: &[&'a Value]) -> Option<&'a Value> {
    let alike = || all.iter().filter(|own| own["type"] == panel["type"]);
    let mut named = alike().filter(|own| own["title"] == panel["title"]);
    let asks = panel["targets"].items().next().is_some();
    match (named.next(), named.next()) {
        _ if !asks => None,
        (Some(own), None) => Some(own),
        _ => {
            let mut alike = alike();
            let first = alike.next()?;
            alike.next().is_none().then_some(*first)
        }
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
