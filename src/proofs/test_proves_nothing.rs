//! The tests that a catalog brings notice when the condition that they are about is broken.

use super::test_fails::groups;
use super::{Check, Example, Proof, place};
use crate::diagnostic::{Diagnostic, Severity};
use crate::evaluation::rules::Rule;
use crate::evaluation::unit_tests::{Found, Mismatch, Suite};
use crate::promql::Expr;
use crate::promql::engine::Release;
use crate::promql::walk::{children, children_mut};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::rules::LoadedRule;

pub(crate) const PROOF: Proof = Proof {
    code: "test-proves-nothing",
    doc: "A test in which the alert is silent whatever it is compared with, because its samples are of another series or end too early, looks like a proof and is none.",
    example: Example::Catalog {
        bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'max by (job, service, component) (shop_queue_length) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'up{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
        good: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'max by (job, service, component) (shop_queue_length) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
    },
    check: Check::Stack(|stack| {
        let files = stack.files.tests();
        files
            .flat_map(|file| unnoticed(stack, file, &stack.own_tests.of_file(file)))
            .collect()
    }),
};

/// The comparisons of an alert that none of the catalog's own tests depends on.
fn unnoticed(stack: &Stack, file: &File, own: &[Option<String>]) -> Vec<Diagnostic> {
    let Some(alert) = file.alert().filter(|_| own.iter().any(Option::is_some)) else {
        return Vec::new();
    };
    let of_alert = |loaded: &&LoadedRule| loaded.rule.alert.is_some() && loaded.rule.name == alert;
    let Some(loaded) = stack.rules.iter().find(of_alert) else {
        return Vec::new();
    };
    let groups = groups(stack, file);
    let passes = |rule: &Rule| {
        let replaced: Vec<(String, Vec<&Rule>)> = groups
            .iter()
            .map(|(name, rules)| {
                let rules = rules.iter().map(|known| {
                    if std::ptr::eq(*known, &loaded.rule) {
                        rule
                    } else {
                        *known
                    }
                });
                (name.clone(), rules.collect())
            })
            .collect();
        let parsed = |text: &str| stack.contract.parse(text);
        let found = Suite::new(&file.value, &replaced, &parsed).run(Release::Three);
        !found.iter().any(|found| is_own(found, own))
    };
    // Of tests that fail as it is another proof speaks.
    if !passes(&loaded.rule) {
        return Vec::new();
    }
    (0..comparisons(&loaded.rule.expr))
        .filter_map(|index| {
            let mut expr = (*loaded.rule.expr).clone();
            let mut left = index;
            let removed = without(&mut expr, &mut left)?;
            passes(&loaded.rule.with(expr)).then(|| Diagnostic {
                severity: Severity::Warning,
                ..place::at(
                    loaded.path,
                    format!("{}/expr", loaded.pointer),
                    format!("no test of `{alert}` notices when `{removed}` compares with nothing"),
                    "add a test with samples that the comparison drops, in which the alert is silent",
                )
            })
        })
        .collect()
}

/// Whether one of the catalog's own tests fails.
fn is_own(found: &Found, own: &[Option<String>]) -> bool {
    let pointer = match found {
        Found::Mismatch(Mismatch { pointer, .. })
        | Found::Broken { pointer, .. }
        | Found::Unknown { pointer, .. } => pointer,
    };
    let index = pointer.split('/').nth(2);
    let index = index.and_then(|index| index.parse::<usize>().ok());
    index.is_some_and(|index| own.get(index).is_some_and(Option::is_some))
}

/// Comparisons that drop samples.
fn compares(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(binary)
        if binary.op.is_comparison_operator() && !crate::promql::returns_bool(binary))
}

fn comparisons(expr: &Expr) -> usize {
    let inside: usize = children(expr).into_iter().map(comparisons).sum();
    inside + usize::from(compares(expr))
}

/// Takes one comparison away, so that all its samples stay; gives its text.
fn without(expr: &mut Expr, left: &mut usize) -> Option<String> {
    if compares(expr) {
        if *left == 0 {
            let text = expr.to_string();
            let Expr::Binary(binary) = expr else {
                return None;
            };
            let kept = if crate::promql::number::number(&binary.lhs).is_some() {
                &binary.rhs
            } else {
                &binary.lhs
            };
            *expr = (**kept).clone();
            return Some(text);
        }
        *left -= 1;
    }
    children_mut(expr)
        .into_iter()
        .find_map(|child| without(child, left))
}
