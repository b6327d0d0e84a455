//! Where a panel shows what an alert compares, its lines and colours change where the alert fires: its query is asked with the
//! signal at each service's threshold, just below and just above.

mod borrowed;
mod colours;
mod essence;
mod levels;
mod limits;
mod signals;
mod without_threshold;

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::token::{T_COUNT, T_COUNT_VALUES, T_GROUP, T_STDDEV, T_STDVAR, T_SUM};
use crate::promql::walk::{children, selectors};
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::world::Recordings;
use signals::Signals;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-threshold",
    doc: "A red line at 50% beside an alert that fires at 10% tells people that the alert is wrong, and they silence it; a line beyond the end of the axis is not there at all.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=bargauge/fieldConfig/defaults/thresholds/steps/1/value",
        bad: "0.6",
    },
    check: Check::Stack(check),
};

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let signals = Signals::of(stack);
    let recordings = Recordings::of(stack);
    let mut found = Vec::new();
    for file in stack.files.dashboards() {
        for (pointer, panel) in panels(&file.value) {
            found.extend(colours::unordered(&file.path, &pointer, panel));
            found.extend(colours::of_one_colour(&file.path, &pointer, panel));
        }
    }
    for expression in stack.used(Usage::Panel) {
        if expression.owner.is_null() || !is_of_the_size_it_reads(&expression.ast) {
            continue;
        }
        found.extend(signals.contradicted_by(expression));
        let limits = signals.shown_by(expression);
        if !signals.reads_by_name(expression) {
            found.extend(signals.borrowed(expression, &recordings));
        }
        found.extend(distorted(expression).filter(|_| !limits.is_empty()));
        let wrong = colours::wrong_at(stack, expression, &limits)
            .filter(|_| !signals.of_one_level(expression, &limits));
        found.extend(wrong.map(|mut found| {
            found.owners = limits
                .values()
                .flatten()
                .flat_map(|alert| tables_of_thresholds(stack, alert))
                .collect();
            found
        }));
    }
    found
}

/// Lines that are drawn elsewhere than their values are, beside a threshold that is not.
fn distorted(expression: &Expression) -> Option<Diagnostic> {
    let panel = expression.owner;
    let custom = &panel["fieldConfig"]["defaults"]["custom"];
    let stacked = custom["stacking"]["mode"].as_str();
    let (key, what) = if stacked.is_some_and(|mode| mode != "none") {
        ("stacking/mode", "stacks its lines")
    } else if custom["transform"] == "negative-Y" {
        ("transform", "draws its lines below zero")
    } else {
        return None;
    };
    let pointer = expression.panel()?;
    let title = panel["title"].as_str().unwrap_or_default();
    Some(place::at(
        expression.path,
        format!("{pointer}/fieldConfig/defaults/custom/{key}"),
        format!("`{title}` {what}, and shows what an alert compares: none is where its value is"),
        "remove it",
    ))
}

/// The tables that write the thresholds of an alert: its own, and those of services that differ.
fn tables_of_thresholds<'a>(stack: &'a Stack, alert: &'a str) -> impl Iterator<Item = String> {
    let services = stack.catalog.services.iter();
    let differ = services.filter(move |service| service.overrides.contains_key(alert));
    let differ = differ.map(move |service| format!("/services/{}/alerts/{alert}", service.name));
    std::iter::once(format!("/alerts/{alert}")).chain(differ)
}

/// Whether what it gives is of the size of what it reads: a sum or a number of series has no threshold.
fn is_of_the_size_it_reads(expr: &Expr) -> bool {
    let counts = matches!(expr, Expr::Aggregate(aggregate) if
        [T_SUM, T_COUNT, T_COUNT_VALUES, T_GROUP, T_STDDEV, T_STDVAR].contains(&aggregate.op.id()))
        && selectors(expr).iter().any(|selector| {
            selector
                .name
                .as_deref()
                .is_some_and(|name| name.contains(':'))
        });
    !counts && children(expr).all(is_of_the_size_it_reads)
}
