//! The rules are those of the catalog: each alert once, with its time and severity, and no other.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::Duration;
use crate::contract::evaluate::nodes;
use crate::contract::series::SeriesSet;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::canonical::{plain, print};
use crate::promql::token::{T_GTE, T_GTR, T_LSS, T_LTE};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::rules::{LoadedRule, named};
use crate::value::Value;
use std::collections::{BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "rules-of-the-catalog",
    doc: "An alert that a template forgets is missing without an error; one that it adds stands in no catalog and in no review.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Down/for",
        bad: r#""1d""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut of_catalog: Vec<&File> = Vec::new();
        for (file, pointer, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            *seen.entry(name).or_default() += 1;
            let Some(alert) = stack.catalog.alert(name) else {
                continue;
            };
            if of_catalog.iter().all(|known| known.path != file.path) {
                of_catalog.push(file);
            }
            let written = Duration::parse(rule["for"].as_str().unwrap_or("0s"));
            if written != Some(alert.shortest_for) {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/for"),
                    format!(
                        "`{name}` waits for {}, the catalog says {}",
                        written.unwrap_or_default(),
                        alert.shortest_for
                    ),
                    "render `alert.shortest_for`",
                ));
            }
            for (label, value) in &alert.labels {
                let written = rule["labels"][label.as_str()].as_str();
                if written != Some(value) {
                    found.push(place::at(
                        &file.path,
                        pointer.clone(),
                        format!(
                            "`{name}` has the label `{label}` as {}, the catalog says {value}",
                            written.unwrap_or("none")
                        ),
                        "render the alert's own labels",
                    ));
                }
            }
            let severity = rule["labels"]["severity"].as_str();
            if !alert.mixed_severity
                && severity != Some(alert.severity.as_str())
                && !alert.branches.is_empty()
            {
                found.push(place::at(
                    &file.path,
                    pointer,
                    format!(
                        "`{name}` has the severity {}, the catalog says {}",
                        severity.unwrap_or("none"),
                        alert.severity
                    ),
                    "render the alert's severity",
                ));
            }
        }
        let (path, groups) = of_catalog
            .first()
            .copied()
            .or(stack.files.rule_files().next())
            .map_or(("", ""), |file| {
                (
                    file.path.as_str(),
                    file.groups_pointer().unwrap_or_default(),
                )
            });
        for alert in &stack.catalog.alerts {
            let times = seen.get(alert.name.as_str()).copied().unwrap_or(0);
            if times != 1 {
                found.push(place::at(
                    path,
                    groups,
                    format!("`{}` is rendered {times} times", alert.name),
                    "render every alert of the catalog once",
                ));
            }
        }
        found.extend(written_twice(stack));
        found.extend(same(stack));
        found.extend(one_always_fires(stack));
        let recorded: BTreeSet<&str> = (stack.catalog.slos.iter())
            .flat_map(|slo| slo.recorded.names())
            .collect();
        let own = |rule: &Value| match rule["alert"].as_str() {
            Some(name) => stack.catalog.alert(name).is_some(),
            None => rule["record"]
                .as_str()
                .is_some_and(|name| recorded.contains(name)),
        };
        for file in of_catalog {
            for (pointer, rule) in file.rules().filter(|(_, rule)| !own(rule)) {
                let name = rule["alert"]
                    .as_str()
                    .or(rule["record"].as_str())
                    .unwrap_or_default();
                found.push(place::at(
                    &file.path,
                    pointer,
                    format!("`{name}` is not an alert of the catalog"),
                    "put it under [alerts], or in a rule file of its own",
                ));
            }
        }
        found
    }),
};

/// A rule, and the series that it records.
type Writer<'s, 'a> = (&'s LoadedRule<'a>, Vec<SeriesSet>);

/// Recorded series that another rule records too: Prometheus keeps the first sample and drops the other.
fn written_twice(stack: &Stack) -> Vec<Diagnostic> {
    let mut known: HashMap<(&str, String), Vec<Writer>> = HashMap::new();
    let mut found = Vec::new();
    let recorded = stack
        .rules
        .iter()
        .filter(|loaded| loaded.rule.alert.is_none());
    let mut times: HashMap<&str, usize> = HashMap::new();
    for loaded in recorded.clone() {
        *times.entry(loaded.rule.name.as_str()).or_default() += 1;
    }
    for loaded in recorded.filter(|loaded| times[loaded.rule.name.as_str()] > 1) {
        // Rules with other labels of their own write other series.
        let mut labels: Vec<(&str, &str)> = loaded.rule.constant_labels().collect();
        labels.sort_unstable();
        let whole = nodes(&loaded.rule.expr, &stack.contract).pop();
        let series = whole.map_or(Vec::new(), |whole| whole.series);
        let others = known
            .entry((&loaded.rule.name, format!("{labels:?}")))
            .or_default();
        let meets = |other: &SeriesSet| {
            series.iter().any(|own| {
                let label = |(name, values): (&String, _)| {
                    other
                        .labels
                        .get(name)
                        .is_some_and(|known| known.overlaps(values))
                };
                own.names() == other.names()
                    && (own.targets.is_clear() || !own.targets.is_disjoint(&other.targets))
                    && own.labels.iter().all(label)
            })
        };
        if let Some((other, _)) = others.iter().find(|(_, other)| other.iter().any(meets)) {
            found.push(
                place::at(
                    loaded.path,
                    &loaded.pointer,
                    format!(
                        "`{}` is recorded by two rules: Prometheus keeps what comes first and drops the other",
                        loaded.rule.name
                    ),
                    "remove one of them, or record under another name",
                )
                .also(
                    crate::diagnostic::Place::Rendered {
                        file: other.path.to_string(),
                        pointer: other.pointer.clone(),
                    },
                    "the other one",
                ),
            );
        }
        others.push((loaded, series));
    }
    found
}

/// Alerts with one condition and one wait.
fn same(stack: &Stack) -> Vec<Diagnostic> {
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for loaded in &stack.rules {
        let Some(alert) = &loaded.rule.alert else {
            continue;
        };
        let mut expr = (*loaded.rule.expr).clone();
        plain(&mut expr);
        upright(&mut expr);
        let condition = format!("{} {}", print(&expr), alert.hold);
        match known.get(condition.as_str()) {
            Some(other) if *other != loaded.rule.name => found.push(place::at(
                loaded.path,
                format!("{}/expr", loaded.pointer),
                format!("`{}` fires whenever `{other}` does", loaded.rule.name),
                "remove one of them, or give it another threshold or another `for`",
            )),
            _ => drop(known.insert(condition, &loaded.rule.name)),
        }
    }
    found
}

/// A limit, whether an alert fires at it too, and its rule.
type Limited<'s, 'a> = (f64, bool, &'s LoadedRule<'a>);

/// Two alerts about one value, of which one fires above a limit and the other below one that is higher: whatever the value is,
/// one of them fires.
fn one_always_fires(stack: &Stack) -> Vec<Diagnostic> {
    let recorded = named(&stack.rules, false);
    let recorded = |name: &str| Some(&*recorded.get(name)?.as_ref()?.rule.expr);
    let mut known: HashMap<String, [Vec<Limited>; 2]> = HashMap::new();
    for loaded in stack
        .rules
        .iter()
        .filter(|loaded| loaded.rule.alert.is_some())
    {
        let mut expr = (*loaded.rule.expr).clone();
        plain(&mut expr);
        upright(&mut expr);
        let Expr::Binary(binary) = &expr else {
            continue;
        };
        let side = match binary.op.id() {
            T_GTR | T_GTE => 0,
            T_LSS | T_LTE => 1,
            _ => continue,
        };
        let reached = matches!(binary.op.id(), T_GTE | T_LTE);
        let Some(limit) = crate::promql::number::number(&binary.rhs) else {
            continue;
        };
        // What is recorded for each alert under a name of its own may be the same.
        let mut compared = match &*binary.lhs {
            Expr::VectorSelector(one) if one.matchers.matchers.is_empty() => {
                let text = one.name.as_deref().and_then(recorded);
                text.unwrap_or(&binary.lhs).clone()
            }
            other => other.clone(),
        };
        plain(&mut compared);
        // Where the greatest of several is not above the one limit, the least of them is below the other.
        let text = print(&compared);
        let outermost = ["max", "min"][side];
        let text = text.strip_prefix(outermost).unwrap_or(&text).to_string();
        known.entry(text).or_default()[side].push((limit, reached, loaded));
    }
    let mut found = Vec::new();
    for [above, below] in known.values() {
        for (low, at_low, one) in above {
            let other = below
                .iter()
                .find(|(high, at_high, _)| low < high || low == high && (*at_low || *at_high));
            if let Some((high, _, other)) = other {
                found.push(place::at(
                    one.path,
                    format!("{}/expr", one.pointer),
                    format!(
                        "`{}` fires above {low} and `{}` below {high}: whatever the value is, one of them fires",
                        one.rule.name, other.rule.name
                    ),
                    "exchange the two thresholds, or the two sides",
                ));
            }
        }
    }
    found.sort_by(|one, other| one.message.cmp(&other.message));
    found
}

/// `5 < x` as `x > 5`.
fn upright(expr: &mut Expr) {
    if let Expr::Binary(binary) = expr
        && binary.op.is_comparison_operator()
        && crate::promql::number::number(&binary.lhs).is_some()
    {
        std::mem::swap(&mut binary.lhs, &mut binary.rhs);
        binary.op =
            crate::promql::token::TokenType::new(crate::contract::bounds::flipped(binary.op.id()));
    }
}
