//! Lines and tiles that differ have names that differ.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::Diagnostic;
use crate::promql::variables::variables;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::stack::variables::listed_label;
use crate::value::Value;
use fixedbitset::FixedBitSet;
use std::collections::{BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "panel-legend",
    doc: "With one name for several lines nobody can tell which service is the one that fails, and tiles of one name are taken for one another.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/-",
        bad: r#"{"type": "timeseries", "title": "Services up", "description": "Services that answer scrapes.", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 900}, "targets": [{"refId": "A", "expr": "max by (job) (up)", "legendFormat": "up"}], "fieldConfig": {"defaults": {"unit": "short"}}}"#,
    },
    check: Check::Stack(check),
};

/// Panels that show the names of their series.
const NAMED: [&str; 8] = [
    "timeseries",
    "stat",
    "gauge",
    "bargauge",
    "state-timeline",
    "status-history",
    "piechart",
    "trend",
];

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let dashboards = stack.files.dashboards();
    let fixed: HashMap<&str, BTreeSet<&str>> = dashboards
        .map(|file| (file.path.as_str(), chosen_one_at_a_time(file)))
        .collect();
    let mut before: HashMap<(&str, &str, &str), &Expression> = HashMap::new();
    let mut told_apart = Told::new();
    for expression in stack.used(Usage::Panel) {
        let panel = expression.owner;
        let kind = panel["type"].as_str().unwrap_or_default();
        let Some(legend) = expression.target["legendFormat"].as_str() else {
            continue;
        };
        if !NAMED.contains(&kind) || legend.is_empty() || legend == "__auto" || unnamed(panel) {
            continue;
        }
        let chosen = &fixed[expression.path];
        if let Some(label) = lost(stack, expression, legend, chosen, &mut told_apart) {
            let title = panel["title"].as_str().unwrap_or_default();
            found.push(place::at(
                expression.path,
                expression.pointer.replace("/expr", "/legendFormat"),
                format!("`{title}` gives what differs in `{label}` one name, `{legend}`"),
                format!("name it: `{{{{{label}}}}}`, or aggregate it away"),
            ));
        }
        let target = expression.pointer.rsplit_once("/targets/");
        if let Some((at, _)) = target.filter(|_| expression.target["hide"] != true)
            && let Some(first) = before.insert((expression.path, at, legend), expression)
        {
            found.extend(alike(stack, first, expression, legend));
        }
    }
    found
}

/// Queries of one panel whose lines have the same names, and are of the same services.
fn alike(
    stack: &Stack,
    first: &Expression,
    expression: &Expression,
    legend: &str,
) -> Option<Diagnostic> {
    let named = named_labels(legend);
    let one = first.series(&stack.contract);
    let other = expression.series(&stack.contract);
    let mut pairs = one
        .iter()
        .flat_map(|one| other.iter().map(move |other| (one, other)));
    pairs
        .any(|(one, other)| one_name(one, other, &named))
        .then(|| {
            let title = expression.owner["title"].as_str().unwrap_or_default();
            place::at(
                expression.path,
                expression.pointer.replace("/expr", "/legendFormat"),
                format!("`{title}` gives the lines of two of its queries one name, `{legend}`"),
                "say in each what is drawn",
            )
        })
}

/// Whether two queries can have a series each that a legend calls the same.
fn one_name(one: &SeriesSet, other: &SeriesSet, named: &BTreeSet<&str>) -> bool {
    named.iter().all(|label| {
        let (own, others) = (one.labels.get(*label), other.labels.get(*label));
        match (own, others) {
            (Some(own), Some(others)) => own.overlaps(others),
            (None, None) if one.carried.contains(*label) && other.carried.contains(*label) => {
                !one.targets.is_disjoint(&other.targets)
            }
            (own, others) => own.is_none() && others.is_none(),
        }
    })
}

/// Whether a panel shows no names, or others than those of the legend.
fn unnamed(panel: &Value) -> bool {
    let defaults = &panel["fieldConfig"]["defaults"];
    let value_alone =
        ["value", "none"].contains(&panel["options"]["textMode"].as_str().unwrap_or_default());
    // A repeated panel is of one value of what it is repeated for.
    !defaults["displayName"].is_null()
        || value_alone
        || panel["repeat"].is_string()
        || panel["transformations"].items().next().is_some()
}

/// Variables of which one value is chosen.
fn chosen_one_at_a_time(file: &File) -> BTreeSet<&str> {
    let list = file.value["templating"]["list"].items();
    let one = list.filter(|variable| variable["multi"] != true && variable["includeAll"] != true);
    one.filter(|variable| listed_label(variable).is_some())
        .filter_map(|variable| variable["name"].as_str())
        .collect()
}

/// Targets, their labels, whether a legend writes each, and what can be chosen → a label in which two of one name differ.
type Told = HashMap<(FixedBitSet, Vec<(String, bool)>, (bool, bool)), Option<String>>;

/// A label in which series of a query differ that have the same name.
fn lost(
    stack: &Stack,
    expression: &Expression,
    legend: &str,
    chosen: &BTreeSet<&str>,
    told_apart: &mut Told,
) -> Option<String> {
    let mut asked = variables(&expression.written).peekable();
    let by_choice = asked.peek().is_some();
    let one_service = asked.any(|(name, _)| chosen.contains(name));
    let named = named_labels(legend);
    let series = expression.series(&stack.contract);
    series.iter().find_map(|series| {
        own_label(series, &named).or_else(|| {
            let choice = (by_choice, one_service);
            let carried = series.carried.iter();
            let written = carried.map(|label| (label.clone(), named.contains(label.as_str())));
            told_apart
                .entry((series.targets.clone(), written.collect(), choice))
                .or_insert_with(|| target_label(stack, series, &named, choice))
                .clone()
        })
    })
}

/// The labels that a legend writes.
pub(super) fn named_labels(legend: &str) -> BTreeSet<&str> {
    let parts = legend.split("{{").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("}}")?.0.trim()))
        .collect()
}

/// A label of the series' own with several values. Where one of which anything may be is named, another may follow from it, as the
/// device of a file system does.
fn own_label(series: &SeriesSet, named: &BTreeSet<&str>) -> Option<String> {
    let mut labels = series.labels.iter();
    let some = series
        .labels
        .keys()
        .any(|label| named.contains(label.as_str()));
    let several = |domain: &Domain| match domain {
        Domain::Values(values) => values.len() > 1,
        Domain::Pattern(_) => !some,
    };
    labels
        .find(|(label, domain)| !named.contains(label.as_str()) && several(domain))
        .map(|(label, _)| label.clone())
}

/// A label of targets in which two of them differ that have the same name.
fn target_label(
    stack: &Stack,
    series: &SeriesSet,
    named: &BTreeSet<&str>,
    (by_choice, one_service): (bool, bool),
) -> Option<String> {
    let targets = &stack.contract.targets.list;
    let empty = String::new();
    let value = |index: usize, label: &str| targets[index].labels.get(label).unwrap_or(&empty);
    let mut first: HashMap<Vec<&String>, usize> = HashMap::new();
    // Services are what can be chosen.
    let choosable =
        |index: &usize| !by_choice || stack.catalog.service(value(*index, "job")).is_some();
    for index in series.targets.ones().filter(choosable) {
        let mut key: Vec<&String> = named
            .iter()
            .map(|label| match series.carried.contains(*label) {
                true => value(index, label),
                false => &empty,
            })
            .collect();
        key.extend(one_service.then(|| value(index, "service")));
        let other = *first.entry(key).or_insert(index);
        let mut carried = series.carried.iter();
        if let Some(label) = carried.find(|label| value(index, label) != value(other, label)) {
            return Some(label.clone());
        }
    }
    None
}
