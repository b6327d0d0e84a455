//! The tests that a catalog brings notice when the condition that they are about is broken.

mod own;

use super::division::{guards_for_nothing, parents};
use super::{Check, Example, Proof, place};
use crate::catalog::Alert;
use crate::contract::Contract;
use crate::contract::evaluate::nodes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::evaluation::rules::Rule;
use crate::evaluation::unit_tests::{Found, Loaded, Mismatch, Suite};
use crate::promql::Expr;
use crate::promql::engine::Release;
use crate::promql::number::number;
use crate::promql::token::{T_GTE, T_GTR, T_LAND, T_LSS, T_LTE, T_LUNLESS};
use crate::promql::walk::{children, children_mut, selectors};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::rules::LoadedRule;
use crate::stack::tested::RuleFiles;
use crate::value::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

pub(crate) const PROOF: Proof = Proof {
    code: "test-proves-nothing",
    doc: "A test in which the alert is silent whatever it is compared with, because its samples are of another series or end too early, looks like a proof and is none. Tests whose samples are all far from the threshold do not say where it lies: moved to ten times as much or to a tenth, it has to be noticed.",
    example: Example::Catalog {
        bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'max by (job, service, component) (shop_queue_length) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'up{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
        good: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'max by (job, service, component) (shop_queue_length) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
    },
    check: Check::Stack(|stack| {
        let (files, loaded) = (stack.files.tests(), RuleFiles::of(stack));
        let rendered = files.filter_map(|file| {
            let tried = Tried::of(stack, file, loaded.loaded(file))?;
            let own = stack.own_tests.of_file(file);
            Some(match own.iter().any(Option::is_some) {
                true => unnoticed(&tried, &own),
                false => indifferent(&tried),
            })
        });
        rendered
            .flatten()
            .chain(own::idle(stack, &loaded))
            .collect()
    }),
};

/// The tests of one alert, and the rule that they are about.
struct Tried<'a, 's> {
    file: &'a File,
    alert: &'a str,
    loaded: &'a LoadedRule<'s>,
    rules: Rc<Loaded<'a>>,
    stack: &'a Stack<'s>,
}

impl<'a, 's> Tried<'a, 's> {
    fn of(stack: &'a Stack<'s>, file: &'a File, rules: Rc<Loaded<'a>>) -> Option<Tried<'a, 's>> {
        let alert = file.alert()?;
        Some(Tried {
            file,
            alert,
            loaded: stack.alert(alert)?,
            rules,
            stack,
        })
    }

    /// Whether some of them do not hold as it is.
    fn fails(&self, asked: impl Fn(&Found) -> bool) -> bool {
        let mut failing = self.stack.failing_tests(self.file).iter();
        failing.any(|(release, found)| *release == Release::Three && asked(found))
    }

    /// What the tests say of another rule in its place, as long as somebody listens.
    fn judged<T>(
        &self,
        rule: &Rule,
        heard: impl FnOnce(&mut dyn Iterator<Item = Found>) -> T,
    ) -> T {
        let parsed = |text: &str| self.stack.contract.parse(text);
        let suite = Suite::new(&self.file.value, &self.rules, &parsed);
        let suite = suite.with(rule, &self.loaded.rule);
        heard(&mut suite.found(&[Release::Three]).map(|(_, found)| found))
    }
}

/// The comparisons of an alert whose threshold the tests that were rendered for it say nothing of.
fn indifferent(tried: &Tried) -> Vec<Diagnostic> {
    let (stack, file) = (tried.stack, tried.file);
    // Of an alert without any tests another proof speaks.
    if file.value["tests"].items().next().is_none() {
        return Vec::new();
    }
    let rule = &tried.loaded.rule;
    let noticed = |rule: &Rule| tried.judged(rule, |found| found.next().is_some());
    // Of tests that fail as it is another proof speaks.
    if tried.fails(|_| true) {
        return Vec::new();
    }
    // Of many branches the first and the last stand for all.
    let last = count(&rule.expr, compares).saturating_sub(1);
    let mut found = [0, last].into_iter().filter_map(|index| {
        let unseen = |expr: Expr| !noticed(&rule.with(expr));
        let (number, moved) = blunt(&rule.expr, index, GENERATED, unseen)?;
        // Of what is counted in whole numbers nothing is above 0.09 and not above 0.9, nor below 1 and not below 0.1.
        let between = match rounds_up(&rule.expr, index) {
            true => number.ceil() == moved.ceil(),
            false => number.floor() == moved.floor(),
        };
        let alert = stack.catalog.alert(tried.alert)?;
        let counted = alert.unit.is_none();
        if between && counted || same_of_replicas(stack, alert, number, moved) {
            return None;
        }
        Some(place::at(
            &file.path,
            "/tests",
            format!(
                "no test of `{}` notices when it compares with {moved} instead of {number}",
                tried.alert
            ),
            "render all cases of its kind",
        ))
    });
    found.next().into_iter().collect()
}

/// Whether as many of a service's containers are down above one ratio as above another: of three, one is above 20 % and above 30 %.
fn same_of_replicas(stack: &Stack, alert: &Alert, one: f64, other: f64) -> bool {
    let branches = alert.branches.iter();
    let compared = branches.filter(|branch| branch.above == Some(one));
    let mut covered = compared
        .flat_map(|branch| &branch.services)
        .filter_map(|name| stack.catalog.service(name));
    alert.kind.counts_instances
        && alert.unit.is_some()
        && covered.all(|service| {
            let all = f64::from(service.replicas);
            service.replicas > 1 && (one * all).floor() == (other * all).floor()
        })
}

/// How many times as much, or as little, those tests must notice that a kind's cases become: they have samples just beside the threshold.
const GENERATED: f64 = 1.5;

/// The same of the tests that somebody wrote.
const WRITTEN: f64 = 10.0;

/// A threshold, and so many times as much or a part of it, in place of which nobody sees it.
fn blunt(
    expr: &Expr,
    index: usize,
    times: f64,
    unseen: impl Fn(Expr) -> bool,
) -> Option<(f64, f64)> {
    let known = threshold(&mut expr.clone(), index)?;
    let moved = [known * times, known / times].into_iter().find(|moved| {
        let mut expr = expr.clone();
        replace(&mut expr, known, *moved);
        unseen(expr)
    });
    moved.map(|moved| (known, moved))
}

/// The comparisons of an alert that none of the catalog's own tests depends on.
fn unnoticed(tried: &Tried, own: &[Option<String>]) -> Vec<Diagnostic> {
    let (stack, file) = (tried.stack, tried.file);
    let (alert, loaded) = (tried.alert, tried.loaded);
    let is_own = |index: &usize| own.get(*index).is_some_and(Option::is_some);
    let failing = |rule: &Rule| {
        tried.judged(rule, |found| {
            let failing = found.filter_map(|found| index(&found)).filter(is_own);
            failing.collect::<BTreeSet<usize>>()
        })
    };
    // Of tests that fail as it is another proof speaks.
    if tried.fails(|found| index(found).as_ref().is_some_and(is_own)) {
        return Vec::new();
    }
    let of_a_state = (0..own.len())
        .filter(is_own)
        .all(|index| is_of_a_state(&file.value["tests"][index]));
    let unseen = |expr: Expr| failing(&loaded.rule.with(expr)).is_empty();
    let silent: Vec<usize> = (0..own.len())
        .filter(is_own)
        .filter(|index| expects_silence(&file.value["tests"][*index]))
        .collect();
    let mut noticed = BTreeSet::new();
    let mut found = Vec::new();
    let mut open = (*loaded.rule.expr).clone();
    while without(&mut open, 0).is_some() {}
    let dropped = failing(&loaded.rule.with(open));
    for index in 0..count(&loaded.rule.expr, compares) {
        let mut expr = (*loaded.rule.expr).clone();
        let Some(removed) = without(&mut expr, index) else {
            continue;
        };
        // What is rendered of `unless` is held against the catalog itself.
        if stack
            .catalog
            .alert(alert)
            .is_some_and(|known| known.silenced_by(&removed))
        {
            continue;
        }
        let failing = failing(&loaded.rule.with(expr));
        if failing.is_empty() && changes_nothing(&loaded.rule.expr, &removed, &stack.contract) {
            continue;
        }
        if failing.is_empty() {
            found.push(Diagnostic {
                severity: Severity::Warning,
                ..place::at(
                    loaded.path,
                    format!("{}/expr", loaded.pointer),
                    format!("no test of `{alert}` notices when `{removed}` compares with nothing"),
                    "add a test with samples that the comparison drops, in which the alert is silent",
                )
            });
        // The usual way to write "any at all" of what is counted.
        } else if !of_a_state
            && threshold(&mut loaded.rule.expr.as_ref().clone(), index) != Some(0.5)
            && let Some((number, missed)) = blunt(&loaded.rule.expr, index, WRITTEN, unseen)
        {
            found.push(Diagnostic {
                severity: Severity::Warning,
                ..place::at(
                    loaded.path,
                    format!("{}/expr", loaded.pointer),
                    format!("no test of `{alert}` notices when `{removed}` compares with {missed} instead of {number}"),
                    format!("let the samples of one test be just below {number}, and those of another just above it"),
                )
            });
        }
        noticed.extend(failing);
    }
    noticed.extend(dropped);
    let mut with_another = |such: fn(&Expr) -> bool, other: &dyn Fn(&Expr) -> Option<Expr>| {
        for mut index in 0..count(&loaded.rule.expr, such) {
            let mut expr = (*loaded.rule.expr).clone();
            if let Some(node) = nth(&mut expr, such, &mut index)
                && let Some(other) = other(node)
            {
                *node = other;
                noticed.extend(failing(&loaded.rule.with(expr)));
            }
        }
    };
    // Of `and` and `unless` only the left side; what `absent` asks for taken for absent.
    with_another(narrows, &|node| match node {
        Expr::Binary(binary) => Some((*binary.lhs).clone()),
        _ => None,
    });
    with_another(is_absence, &|node| {
        let mut node = node.clone();
        for index in 0..count(&node, reads) {
            let name = Some(NOBODYS.to_string());
            match nth(&mut node, reads, &mut { index })? {
                Expr::VectorSelector(selector) => selector.name = name,
                Expr::MatrixSelector(matrix) => matrix.vs.name = name,
                _ => {}
            }
        }
        Some(node)
    });
    // Without comparisons and sets there is nothing to take away.
    if found.is_empty() && noticed.is_empty() {
        return found;
    }
    // Silence that no comparison is the reason of: samples of another series, too few of them, or not yet.
    if noticed.is_disjoint(&silent.iter().copied().collect()) {
        let soon = failing(&loaded.rule.at_once());
        for index in silent {
            let reason = match soon.contains(&index) {
                true => "it is looked at before the condition could have held for long enough",
                false => "its samples are of other series, or end too early",
            };
            let test = file.value["tests"][index]["name"].as_str();
            let name = test.unwrap_or_default().trim_start_matches(alert);
            // A test without the series may be about a service that has none.
            let given = file.value["tests"][index]["input_series"].to_string();
            let mut read = selectors(&loaded.rule.expr).into_iter();
            let fed = read.any(|read| {
                read.name
                    .as_deref()
                    .is_some_and(|name| given.contains(name))
            });
            let mut diagnostic = place::in_catalog(
                own[index].clone().unwrap_or_default(),
                format!(
                    "the test `{}` proves nothing: `{alert}` is silent in it whatever it compares with, because {reason}",
                    name.trim_start_matches(": ")
                ),
                "let the samples come close to the threshold, and look at them after `for` is over",
            );
            if !fed {
                diagnostic.severity = Severity::Warning;
            }
            found.push(diagnostic);
        }
        return found;
    }
    noticed.extend(failing(&loaded.rule.at_once()));
    for index in silent.into_iter().filter(|index| !noticed.contains(index)) {
        let test = file.value["tests"][index]["name"].as_str();
        let name = test.unwrap_or_default().trim_start_matches(alert);
        found.push(Diagnostic {
            severity: Severity::Warning,
            ..place::in_catalog(
                own[index].clone().unwrap_or_default(),
                format!(
                    "the test `{}` holds whatever `{alert}` compares with",
                    name.trim_start_matches(": ")
                ),
                "give it samples of the series that the alert reads, or remove it",
            )
        });
    }
    found
}

/// Whether a condition is the same without a comparison in it: no test could notice.
fn changes_nothing(expr: &Expr, comparison: &str, contract: &Contract) -> bool {
    let nodes = nodes(expr, contract);
    let parents = parents(&nodes);
    let mut such = (0..nodes.len()).filter(|index| nodes[*index].expr.to_string() == comparison);
    such.any(|index| guards_for_nothing(index, &nodes, &parents, contract))
}

/// Whether a test says that nothing fires.
fn expects_silence(test: &Value) -> bool {
    let cases = test["promql_expr_test"].as_array();
    cases.into_iter().flatten().all(|case| {
        let samples = case["exp_samples"].as_array();
        samples.is_none_or(Vec::is_empty)
    })
}

/// Whether all its samples are 0 or 1: nothing lies between those, wherever the threshold does.
fn is_of_a_state(test: &Value) -> bool {
    let series = test["input_series"].as_array().into_iter().flatten();
    let mut values = series.flat_map(|one| one["values"].as_str().unwrap_or_default().split(' '));
    values.all(|value| matches!(value.split('x').next(), Some("0" | "1" | "_" | "stale")))
}

/// The test that something was found about.
fn index(found: &Found) -> Option<usize> {
    let pointer = match found {
        Found::Mismatch(Mismatch { pointer, .. })
        | Found::Broken { pointer, .. }
        | Found::Unknown { pointer, .. } => pointer,
    };
    pointer.split('/').nth(2)?.parse().ok()
}

/// Operators of sets that take samples away.
fn narrows(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(binary) if matches!(binary.op.id(), T_LAND | T_LUNLESS))
}

/// How many nodes of an expression are such.
fn count(expr: &Expr, such: fn(&Expr) -> bool) -> usize {
    let inside: usize = children(expr).map(|child| count(child, such)).sum();
    inside + usize::from(such(expr))
}

/// One of them, counted from the outside and from the left.
fn nth<'a>(expr: &'a mut Expr, such: fn(&Expr) -> bool, left: &mut usize) -> Option<&'a mut Expr> {
    if such(expr) {
        if *left == 0 {
            return Some(expr);
        }
        *left -= 1;
    }
    children_mut(expr)
        .into_iter()
        .find_map(|child| nth(child, such, left))
}

/// `absent(…)` and `absent_over_time(…)`, which a series of a test silences.
fn is_absence(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if call.func.name.starts_with("absent"))
}

/// A metric that no test has samples of: what `absent` asks of it keeps the labels that it is asked with.
const NOBODYS: &str = "monstack:absent:metric";

/// What is read of a metric.
fn reads(expr: &Expr) -> bool {
    matches!(expr, Expr::VectorSelector(_) | Expr::MatrixSelector(_))
}

/// Comparisons that drop samples; what `absent(…)` returns is 1.
fn compares(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(binary)
        if binary.op.is_comparison_operator()
            && !crate::promql::returns_bool(binary)
            && !is_absence(&binary.lhs))
}

/// Takes one comparison away, so that all its samples stay; gives its text.
fn without(expr: &mut Expr, mut index: usize) -> Option<String> {
    let found = nth(expr, compares, &mut index)?;
    let text = found.to_string();
    let Expr::Binary(binary) = found else {
        return None;
    };
    let kept = match number(&binary.lhs) {
        Some(_) => &binary.rhs,
        None => &binary.lhs,
    };
    *found = (**kept).clone();
    Some(text)
}

/// The number that one comparison compares with. None: another series, or zero.
fn threshold(expr: &mut Expr, mut index: usize) -> Option<f64> {
    let Expr::Binary(binary) = nth(expr, compares, &mut index)? else {
        return None;
    };
    let known = number(&binary.rhs).or_else(|| number(&binary.lhs))?;
    (known != 0.0).then_some(known)
}

/// Whether a comparison holds below its threshold, or from it on: of whole numbers the next one above it says the same.
fn rounds_up(expr: &Expr, mut index: usize) -> bool {
    let mut expr = expr.clone();
    let Some(Expr::Binary(binary)) = nth(&mut expr, compares, &mut index) else {
        return false;
    };
    match number(&binary.rhs) {
        Some(_) => matches!(binary.op.id(), T_LSS | T_GTE),
        None => matches!(binary.op.id(), T_GTR | T_LTE),
    }
}

/// Puts another threshold wherever one is compared with: a condition may stand twice in a rule.
fn replace(expr: &mut Expr, known: f64, moved: f64) {
    if compares(expr)
        && let Expr::Binary(binary) = expr
    {
        for side in [&mut binary.lhs, &mut binary.rhs] {
            if number(side) == Some(known) {
                **side = Expr::from(moved);
            }
        }
    }
    for child in children_mut(expr) {
        replace(child, known, moved);
    }
}
