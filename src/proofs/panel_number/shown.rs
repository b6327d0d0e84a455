//! What is shown of the numbers: panels with a name of monstack's own that leave rows out, make other numbers of them, or hide them.

use super::drawn::Drawn;
use super::seen;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::{panel_query, place};
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::variables::listed_label;
use crate::value::Value;
use std::collections::HashMap;

/// Transformations that leave rows out,
const FEWER: [&str; 2] = ["filterByValue", "limit"];

/// and those that make other numbers.
const OTHERS: [&str; 5] = [
    "reduce",
    "groupBy",
    "groupingToMatrix",
    "histogram",
    "timeSeriesTable",
];

/// Every panel of monstack's own that is shown otherwise, and each variable that nobody can choose any more.
pub(super) fn otherwise(own: &Stack, stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.dashboards() {
        let Some(meant) = own.files.at(&file.path) else {
            continue;
        };
        let mut by_title: HashMap<&str, Vec<&Value>> = HashMap::new();
        for (_, panel) in panels(&meant.value) {
            let title = panel["title"].as_str().unwrap_or_default();
            by_title.entry(title).or_default().push(panel);
        }
        for (pointer, panel) in panels(&file.value) {
            let title = panel["title"].as_str().unwrap_or_default();
            let Some(meant) = by_title.get(title).and_then(|all| twin(panel, all)) else {
                continue;
            };
            let drawn = || {
                let drawn = Drawn {
                    panel,
                    meant,
                    expressions: &stack.queries(&file.path, &pointer),
                    contract: &stack.contract,
                    range: panel_query::shown(&file.value).map(Duration::seconds),
                };
                let same = seen::queries(panel) == seen::queries(meant);
                (same && panel != meant)
                    .then(|| drawn.otherwise())
                    .flatten()
            };
            let wrong = changed(panel, meant)
                .or_else(|| seen::otherwise(panel, meant))
                .or_else(drawn);
            if let Some((key, message)) = wrong {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/{key}"),
                    format!("`{title}` {message}, and monstack's own panel of that name does not"),
                    "show what the title says, or give the panel another title",
                ));
            }
        }
        for (index, link) in file.value["links"].items().enumerate() {
            let mut own = meant.value["links"].items();
            let titled =
                |one: &&Value| one["title"] == link["title"] && one["type"] == link["type"];
            let there = own.find(titled).and_then(|one| one["url"].as_str());
            let url = link["url"].as_str().unwrap_or_default();
            if let Some(there) = there.filter(|there| !there.is_empty() && *there != url) {
                found.push(place::at(
                    &file.path,
                    format!("/links/{index}/url"),
                    format!(
                        "the link `{}` leads to {url}, and monstack's own of that name to {there}",
                        plain(&link["title"])
                    ),
                    "lead there, or give the link another name",
                ));
            }
        }
        let list = |value: &'_ Value| value["templating"]["list"].clone();
        for (index, variable) in list(&file.value).items().enumerate() {
            let name = &variable["name"];
            let list = list(&meant.value);
            let before = list.items().find(|one| one["name"] == *name);
            // Another variable only narrows what is shown of a service.
            let chooses = listed_label(variable) == Some("job");
            // What somebody had chosen when he saved it is what everybody sees first.
            let all = |one: &Value| {
                let value = &one["current"]["value"];
                *value == "$__all" || value.items().any(|value| *value == "$__all")
            };
            let chosen = &variable["current"]["value"];
            if before.is_some_and(all) && !all(variable) && !chosen.is_null() {
                found.push(place::at(
                    &file.path,
                    format!("/templating/list/{index}/current/value"),
                    format!(
                        "the dashboard opens with {chosen} chosen as `{}`, and shows nothing of all others",
                        name.as_str().unwrap_or_default()
                    ),
                    "open it with all of them, `$__all`",
                ));
            }
            if chooses && before.is_some_and(|before| before["hide"] != 2) && variable["hide"] == 2
            {
                found.push(place::at(
                    &file.path,
                    format!("/templating/list/{index}/hide"),
                    format!(
                        "nobody can choose `{}`: the variable is hidden",
                        name.as_str().unwrap_or_default()
                    ),
                    "let it be seen",
                ));
            }
        }
    }
    found
}

/// Which of monstack's own panels of its title it is: the one that asks for the same, or the only one of its type.
fn twin<'a>(panel: &Value, all: &[&'a Value]) -> Option<&'a Value> {
    let only = |fits: &dyn Fn(&Value) -> bool| {
        let mut fitting = all.iter().filter(|one| fits(one));
        fitting.next().filter(|_| fitting.next().is_none()).copied()
    };
    let asked = seen::queries(panel);
    only(&|one| one["type"] == panel["type"] && seen::queries(one) == asked)
        .or_else(|| only(&|one| one["type"] == panel["type"]))
        .or_else(|| only(&|_| true))
}

/// What is done to the numbers of a panel that is not done to those of the other.
fn changed(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let steps = |panel: &Value| -> Vec<String> {
        let list = panel["transformations"].items();
        list.map(|step| step.to_string()).collect()
    };
    let known = steps(meant);
    for (index, step) in panel["transformations"].items().enumerate() {
        let id = step["id"].as_str().unwrap_or_default();
        let only = FEWER.contains(&id);
        let other = OTHERS.contains(&id)
            || id == "calculateField" && step["options"]["replaceFields"] == true;
        if (only || other) && step["disabled"] != true && !known.contains(&step.to_string()) {
            let what = if only {
                "leaves rows out"
            } else {
                "makes other numbers of its own"
            };
            return Some((
                format!("transformations/{index}"),
                format!("{what} (`{id}`)"),
            ));
        }
    }
    let mode = |panel: &Value| {
        panel["options"]["textMode"]
            .as_str()
            .unwrap_or("auto")
            .to_string()
    };
    if mode(panel) == "none" && mode(meant) != "none" {
        return Some(("options/textMode".to_string(), "shows no text".to_string()));
    }
    for key in ["timeFrom", "timeShift"] {
        let said = |panel: &Value| panel[key].as_str().unwrap_or_default().to_string();
        let (now, before) = (said(panel), said(meant));
        if now != before && !before.is_empty() {
            let now = if now.is_empty() {
                "the time of the dashboard"
            } else {
                &now
            };
            return Some((key.to_string(), format!("shows {now} in place of {before}")));
        }
    }
    None
}
