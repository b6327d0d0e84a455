//! What is rendered of an expression of the catalog asks what the catalog asks.

pub(super) mod worlds;

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::{Alert, Branch, RecordingRule, Scope, Unless};
use crate::contract::evaluate::nodes;
use crate::diagnostic::{Diagnostic, Place};
use crate::evaluation::rules::{Library, Rule, State, in_dependency_order};
use crate::promql::canonical::{plain, print};
use crate::promql::engine::{Labels, Millis};
use crate::promql::walk::children_mut;
use crate::promql::{Expr, parse};
use crate::source::step;
use crate::stack::Stack;
use crate::stack::rules::{LoadedRule, named};
use crate::templates::functions::four_scrapes;
use minijinja::value::{Serde, Value};
use std::collections::{BTreeMap, BTreeSet};
use worlds::{Played, Worlds};

pub(crate) const PROOF: Proof = Proof {
    code: "expression-of-the-catalog",
    doc: "PromQL of the catalog goes through a template before Prometheus reads it. A threshold, a window or a matcher that is another one afterwards is valid, and no test of the rule needs to notice. Unless the text is the same, both are run over the same series, which come, go and change: they must hold for the same ones, at the same times.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Busy/expr",
        bad: r#""sum by (job, service, component) (rate(shop_requests_total{status!=\"200\"}[5m])) > 50""#,
    },
    check: Check::Stack(|stack| {
        let rules = stack.catalog.rules.iter();
        let alerts = stack.catalog.alerts.iter().filter(|alert| is_whole(alert));
        let mut asked = alerts.clone().peekable();
        if asked.peek().is_none() && stack.catalog.rules.is_empty() {
            return Vec::new();
        }
        let all = stack.rules.iter().map(|loaded| &loaded.rule).collect();
        let library = Library::of(in_dependency_order(all));
        // Of a name that no rule has, or several, others say so.
        let [alerting, recording] = [true, false].map(|alerts| named(&stack.rules, alerts));
        let of_alerts = alerts.filter_map(|alert| {
            let loaded = alerting.get(alert.name.as_str())?.as_ref()?;
            of_alert(stack, alert, loaded, &library)
        });
        let of_rules = rules.filter_map(|rule| {
            let loaded = recording.get(rule.name.as_str())?.as_ref()?;
            of_rule(stack, rule, loaded, &library)
        });
        of_alerts.chain(of_rules).collect()
    }),
};

/// Whether the kind of an alert takes a whole condition, and promises no more than that.
fn is_whole(alert: &Alert) -> bool {
    let takes = alert.kind.keys.get("expr");
    takes.is_some_and(|property| property["names"] == "promql")
        && alert.kind.cases.is_empty()
        && alert.threshold.is_none()
}

/// A name that no metric has: it stands for an expression of the catalog wherever that is rendered as it is written.
const WHOLE: &str = "expression:of:the:catalog";

/// An expression without needless words, and its text.
fn plainly(expr: &Expr) -> (Expr, String) {
    let mut expr = expr.clone();
    plain(&mut expr);
    let text = print(&expr);
    (expr, text)
}

/// A name in the place of every part that reads like this; whether there is one.
fn abbreviate(expr: &mut Expr, text: &str, name: &Expr) -> bool {
    if print(expr) == text {
        *expr = name.clone();
        return true;
    }
    let mut found = false;
    for part in children_mut(expr) {
        found |= abbreviate(part, text, name);
    }
    found
}

fn of_alert(
    stack: &Stack,
    alert: &Alert,
    loaded: &LoadedRule,
    library: &Library,
) -> Option<Diagnostic> {
    let written = stack.contract.parse(alert.expression()?).ok()?;
    let (mut meant, text) = plainly(&written);
    let (mut rendered, _) = plainly(&loaded.rule.expr);
    let whole = nodes(&written, &stack.contract).pop()?.series;
    let name = parse(WHOLE).ok()?;
    let verbatim = abbreviate(&mut rendered, &text, &name);
    if verbatim {
        meant = name;
    }
    if let Some(unless) = &alert.unless {
        meant = silenced(stack, &meant, unless)?;
    }
    // What never returns anything is somebody else's to say.
    if whole.is_empty() || alert.branches.is_empty() {
        return None;
    }
    let needed = library.needed(std::iter::once(alert.name.as_str()), std::iter::empty());
    let rule = loaded.rule.at_once().with(rendered);
    let rules: Vec<&Rule> = needed
        .into_iter()
        .map(|one| match one.alert.is_some() && one.name == alert.name {
            true => &rule,
            false => one,
        })
        .collect();
    let at = rules.iter().position(|one| std::ptr::eq(*one, &rule))?;
    let class = |labels: &BTreeMap<String, String>| class(alert, labels);
    let waits = alert.branches.iter().filter_map(|branch| branch.hold);
    let waits: Vec<Millis> = waits.map(|hold| millis(hold.range.0)).collect();
    let worlds = Worlds::of(
        &stack.contract,
        (&meant, &rules),
        verbatim.then_some(whole.as_slice()),
        &class,
        &waits,
    );
    let mut seen = [false; 2];
    for world in worlds.made() {
        let played = worlds.play(&world, (&meant, &rules))?;
        if let Some(differs) = compared(alert, &played, at, &worlds, &mut seen) {
            let labels = differs.labels.to_string();
            let whom = match labels.as_str() {
                "{}" => String::new(),
                labels => format!(" for {labels}"),
            };
            let message = format!(
                "`{}` {}{whom}, and its `expr` in the catalog {}{}",
                alert.name,
                differs.rendered,
                differs.meant,
                worlds.said(&world, &differs.labels, differs.at)
            );
            return Some(said(loaded, &alert.table(), message));
        }
    }
    (!verbatim && seen.contains(&false)).then(|| {
        let message = format!(
            "`{}` is not rendered as its `expr` is written, and no series are known for which it could be seen to do the same",
            alert.name
        );
        said(loaded, &alert.table(), message)
    })
}

/// What an alert with `unless` asks, in the words of the catalog.
fn silenced(stack: &Stack, meant: &Expr, unless: &Unless) -> Option<Expr> {
    let catalog = stack.catalog;
    let metric = &catalog.metric(&unless.metric)?.name;
    let bridge = four_scrapes(&Value::from(Serde(&catalog.services))).ok()?;
    let goes_on = format!(
        "last_over_time({metric}{{{}}}[{bridge}]) != 0",
        unless.filter.matchers
    );
    let of_whom = match (&unless.names, unless.on.first()) {
        (Some(label), Some(whom)) => {
            format!(r#"label_replace({goes_on}, "{whom}", "$1", "{label}", "(.+)")"#)
        }
        _ => goes_on,
    };
    parse(&format!(
        "({}) unless on ({}) ({of_whom})",
        print(meant),
        unless.on.join(", ")
    ))
    .ok()
}

fn said(loaded: &LoadedRule, table: &str, message: String) -> Diagnostic {
    let pointer = format!("{}/expr", loaded.pointer);
    let help =
        "render the expression as it is written; what the rule is to ask belongs into the catalog";
    place::at(loaded.path, pointer, message, help)
        .also(Place::Key(format!("{table}/expr")), "what the catalog asks")
}

/// What an alert does with the series of a target: which setting they have, and of which group they are.
fn class(alert: &Alert, labels: &BTreeMap<String, String>) -> String {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    match alert.about {
        Scope::Service => {
            let of = |branch: &Branch| covers(alert, branch, label("job"), "");
            format!("{:?}", alert.branches.iter().position(of))
        }
        _ => label("component").to_string(),
    }
}

/// Whether a setting holds for what an expression returns for a job, or for a group.
fn covers(alert: &Alert, branch: &Branch, job: &str, group: &str) -> bool {
    let among = |all: &[String], one: &str| all.iter().any(|known| known == one);
    match alert.about {
        Scope::Service if !branch.only.is_empty() => among(&branch.only, job),
        Scope::Service => !among(&branch.except, job),
        Scope::Group => alert.groups.is_empty() || among(&alert.covers_groups, group),
        Scope::Platform => true,
    }
}

fn millis(span: u64) -> Millis {
    Millis::try_from(span).unwrap_or(Millis::MAX)
}

/// Where an alert does not do what its expression says.
struct Differs {
    labels: Labels,
    /// Which of the instants.
    at: usize,
    rendered: String,
    meant: String,
}

/// What is expected at an instant.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Silent,
    /// It has held for about as long as it must.
    Either,
    Fires(f64),
}

fn compared(
    alert: &Alert,
    played: &Played,
    at: usize,
    worlds: &Worlds,
    seen: &mut [bool; 2],
) -> Option<Differs> {
    let rule = played.rules[at];
    // What the rule says itself goes over what its expression returns.
    let mut own: BTreeSet<&str> = rule.constant_labels().map(|(label, _)| label).collect();
    own.insert("alertname");
    if !alert.mixed_severity {
        own.insert("severity");
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut holds: BTreeMap<Labels, (&Branch, Vec<Option<f64>>)> = BTreeMap::new();
    for series in &played.meant {
        let mut branches = alert.branches.iter();
        let labels = series.labels.without_name();
        let (job, group) = (labels.get("job"), labels.get("component"));
        let mine = branches.find(|branch| covers(alert, branch, job, group));
        let mut labels = labels.filtered(|label| !own.contains(label));
        if alert.mixed_severity
            && let Some(branch) = mine
        {
            labels = labels.with("severity", &branch.severity);
        }
        names.extend(labels.iter().map(|(label, _)| label.to_string()));
        let Some(branch) = mine else { continue };
        let known = holds.entry(labels);
        let known = known.or_insert_with(|| (branch, vec![None; series.values.len()]));
        for (known, value) in known.1.iter_mut().zip(&series.values) {
            *known = known.or(*value);
        }
    }
    let mut fires: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
    for active in &played.outcomes[at].alerts {
        let labels = active.labels.filtered(|label| names.contains(label));
        let states = active.states.iter().zip(&active.values);
        let known = fires.entry(labels);
        let known = known.or_insert_with(|| vec![None; active.states.len()]);
        for (known, (state, value)) in known.iter_mut().zip(states) {
            *known = known.or((*state == State::Firing).then_some(*value));
        }
    }
    let all: BTreeSet<&Labels> = holds.keys().chain(fires.keys()).collect();
    for labels in all {
        let expected = holds.get(labels).map(|(branch, values)| {
            let hold = branch.hold.map(|hold| {
                let longer = branch.r#for.0 - alert.shortest_for.0;
                (millis(longer), 2 * millis(hold.step.0) + worlds.step())
            });
            expected(values, hold, worlds.step())
        });
        let fired = fires.get(labels);
        for index in 0..worlds.count() {
            let expected = expected.as_ref().map_or(Expected::Silent, |all| all[index]);
            let fires = fired.and_then(|all| all.get(index).copied().flatten());
            seen[0] |= fires.is_some();
            seen[1] |= matches!(expected, Expected::Fires(_));
            let (rendered, meant) = match (fires, expected) {
                (Some(_), Expected::Silent) => ("fires".to_string(), "does not hold".to_string()),
                (None, Expected::Fires(_)) => ("is silent".to_string(), "holds".to_string()),
                (Some(is), Expected::Fires(value)) if !alike(is, value) => {
                    (format!("has the value {is}"), format!("has {value}"))
                }
                _ => continue,
            };
            return Some(Differs {
                labels: labels.clone(),
                at: index,
                rendered,
                meant,
            });
        }
    }
    None
}

/// What a condition with these values asks for, where it waits for so long within its expression, give or take so much.
fn expected(values: &[Option<f64>], hold: Option<(Millis, Millis)>, step: Millis) -> Vec<Expected> {
    let mut since = 0;
    let at = |(index, value): (usize, &Option<f64>)| {
        let Some(value) = value else {
            since = index + 1;
            return Expected::Silent;
        };
        let held = step * Millis::try_from(index - since).unwrap_or(0);
        match hold {
            Some((longer, slack)) if held + slack < longer => Expected::Silent,
            Some((longer, slack)) if held < longer + slack => Expected::Either,
            _ => Expected::Fires(*value),
        }
    };
    values.iter().enumerate().map(at).collect()
}

/// Two ways to work out a number round it differently.
fn alike(one: f64, other: f64) -> bool {
    one == other
        || (one - other).abs() <= 1e-6 * one.abs().max(other.abs())
        || one.is_nan() && other.is_nan()
}

fn of_rule(
    stack: &Stack,
    rule: &RecordingRule,
    loaded: &LoadedRule,
    library: &Library,
) -> Option<Diagnostic> {
    let written = stack.contract.parse(&rule.expr).ok()?;
    let table = format!("/rules/{}", step(&rule.name));
    let labels: BTreeMap<&str, &str> = loaded.rule.constant_labels().collect();
    let mut meant_labels = rule.labels.iter();
    if let Some((label, value)) =
        meant_labels.find(|(label, value)| labels.get(label.as_str()) != Some(&value.as_str()))
    {
        let message = format!(
            "`{}` is recorded without the label `{label}` = {value:?} that the catalog gives it",
            rule.name
        );
        return Some(said(loaded, &table, message));
    }
    let ((meant, text), (rendered, other)) = (plainly(&written), plainly(&loaded.rule.expr));
    if text == other {
        return None;
    }
    let needed = library.needed(std::iter::empty(), std::iter::once(&meant));
    let mut rules: Vec<&Rule> = needed;
    let more = library.needed(std::iter::empty(), std::iter::once(&rendered));
    for one in more {
        if !rules.iter().any(|known| std::ptr::eq(*known, one)) {
            rules.push(one);
        }
    }
    let worlds = Worlds::of(
        &stack.contract,
        (&meant, &[rules.as_slice(), &[&loaded.rule]].concat()),
        None,
        &|_| String::new(),
        &[],
    );
    let mut seen = false;
    for world in worlds.made() {
        let played = worlds.play(&world, (&meant, &rules))?;
        let recorded = worlds.also(&played, &rendered)?;
        let values = |all: &[crate::promql::engine::Series]| -> BTreeMap<Labels, Vec<Option<f64>>> {
            let all = all.iter();
            all.map(|series| (series.labels.without_name(), series.values.clone()))
                .collect()
        };
        let (meant, recorded) = (values(&played.meant), values(&recorded));
        let all: BTreeSet<&Labels> = meant.keys().chain(recorded.keys()).collect();
        for labels in all {
            for index in 0..worlds.count() {
                let of = |all: &BTreeMap<Labels, Vec<Option<f64>>>| {
                    all.get(labels).and_then(|values| values[index])
                };
                let (meant, recorded) = (of(&meant), of(&recorded));
                seen |= meant.is_some() && recorded.is_some();
                let same = match (meant, recorded) {
                    (Some(meant), Some(recorded)) => alike(meant, recorded),
                    (None, None) => true,
                    _ => false,
                };
                if !same {
                    let word = |value: Option<f64>| {
                        value.map_or("nothing".to_string(), |value| value.to_string())
                    };
                    let message = format!(
                        "`{}` records {} for {labels}, and its `expr` in the catalog gives {}{}",
                        rule.name,
                        word(recorded),
                        word(meant),
                        worlds.said(&world, labels, index)
                    );
                    return Some(said(loaded, &table, message));
                }
            }
        }
    }
    (!seen).then(|| {
        let message = format!(
            "`{}` is not recorded as its `expr` is written, and no series are known for which it could be seen to be the same",
            rule.name
        );
        said(loaded, &table, message)
    })
}
