//! An alert fires at some times, and at others it does not.

use super::{Check, Example, Proof, place};
use crate::contract::Contract;
use crate::diagnostic::Diagnostic;
use crate::evaluation::rules::{Library, in_dependency_order};
use crate::promql::engine::{Labels, NAME, metric};
use crate::promql::token::{T_ATAN2, T_EQLC, T_MOD, T_POW};
use crate::promql::walk::{children, selector, selectors};
use crate::promql::{Expr, VectorSelector};
use crate::proofs::expression_of_the_catalog::worlds::Worlds;
use crate::stack::Stack;
use crate::stack::notifications::alerts::NOT_FOR_PEOPLE;
use crate::stack::rules::LoadedRule;
use crate::stack::world::{Samples, World};
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "constant-alert",
    doc: "`or vector(1)` makes a condition true whatever is measured, and `x unless x` makes it true never. Own alerts, and those whose condition the catalog writes itself, are run over series that come, go and take values on both sides of every number in them: whoever is told permanently does not listen, and whoever is told never does not know.",
    example: Example::Condition {
        bad: "max by (job, service, component) (shop_orders_active) > 100 or vector(1)",
        good: "max by (job, service, component) (shop_orders_active) > 100",
    },
    check: Check::Stack(|stack| {
        let asked = |loaded: &&LoadedRule| {
            let alert = stack.catalog.alert(&loaded.rule.name);
            let own = stack.is_own(loaded.path, &loaded.pointer);
            let written = alert.is_some_and(|alert| alert.settings.contains_key("expr"));
            let labels = &mut loaded.rule.constant_labels();
            let watches = labels.any(|label| label == ("severity", NOT_FOR_PEOPLE));
            loaded.rule.alert.is_some() && (own || written) && !watches
        };
        let mut found = silenced(stack);
        let mut asked = stack.rules.iter().filter(asked).peekable();
        if asked.peek().is_none() {
            return found;
        }
        let all = stack.rules.iter().map(|loaded| &loaded.rule).collect();
        let library = Library::of(in_dependency_order(all));
        found.extend(asked.filter_map(|loaded| constant(stack, loaded, &library)));
        found
    }),
};

/// What fires always, to be missed when it stops, and stops when another alert fires.
fn silenced(stack: &Stack) -> Vec<Diagnostic> {
    let constants = |loaded: &LoadedRule| -> Vec<(String, String)> {
        let labels = loaded.rule.constant_labels();
        labels
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    let asks_alerts = |loaded: &&LoadedRule| {
        let all = selectors(&loaded.rule.expr);
        let mut names = all.into_iter().filter_map(metric);
        loaded.rule.alert.is_some()
            && names.any(|name| name.starts_with("ALERTS"))
            && loaded
                .rule
                .constant_labels()
                .any(|label| label == ("severity", NOT_FOR_PEOPLE))
    };
    let holds = |loaded: &LoadedRule, series: &Samples| {
        World::plain(series)
            .asked(&loaded.rule.expr)
            .is_some_and(|all| !all.is_empty())
    };
    let others = |own: &LoadedRule| {
        let alerts = stack
            .rules
            .iter()
            .filter(|other| other.rule.alert.is_some());
        let alerts = alerts.filter(|other| other.rule.name != own.rule.name);
        alerts.collect::<Vec<_>>()
    };
    let watchdogs = stack.rules.iter().filter(asks_alerts);
    let always = watchdogs.filter(|loaded| holds(loaded, &Samples::new()));
    let ended = always.filter_map(|loaded| {
        let ends = others(loaded).into_iter().find(|other| {
            let series = ["ALERTS", "ALERTS_FOR_STATE"].map(|name| {
                let own = [
                    (NAME, name),
                    ("alertname", &other.rule.name),
                    ("alertstate", "firing"),
                ];
                let own = own.map(|(name, value)| (name.to_string(), value.to_string()));
                (
                    Labels::from_iter(own.into_iter().chain(constants(other))),
                    1.0,
                )
            });
            !holds(loaded, &series.to_vec())
        })?;
        let message = format!(
            "`{}` fires always, to be missed when it stops, and it stops while {} fires",
            loaded.rule.name, ends.rule.name
        );
        let help = "let it depend on nothing, as `vector(1)` does";
        Some(place::at(
            loaded.path,
            format!("{}/expr", loaded.pointer),
            message,
            help,
        ))
    });
    ended.collect()
}

fn constant(stack: &Stack, loaded: &LoadedRule, library: &Library) -> Option<Diagnostic> {
    let (contract, expr) = (&stack.contract, &*loaded.rule.expr);
    let rules = library.needed(std::iter::empty(), std::iter::once(expr));
    let exprs = rules.iter().map(|rule| &*rule.expr).chain([expr]);
    let read: Vec<&VectorSelector> = exprs.flat_map(selectors).collect();
    let own: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    // What is meant to be the same always reads nothing, and of what nobody is known to emit nothing can be said.
    let names: Option<BTreeSet<&str>> = read.iter().map(|selector| metric(selector)).collect();
    let names: BTreeSet<&str> = names?.difference(&own).copied().collect();
    // What picks nothing is told as that.
    let picks = |selector: &&&VectorSelector| {
        let name = metric(selector).unwrap_or_default();
        let matchers = &selector.matchers.matchers;
        let mut family = contract.family(name).iter();
        let known = family.any(|series| contract.select(series, matchers).is_some());
        known && !name.starts_with("ALERTS")
    };
    let of_rules =
        |selector: &&&VectorSelector| metric(selector).is_some_and(|name| own.contains(name));
    if names.is_empty() || !read.iter().all(|one| of_rules(&one) || picks(&one)) {
        return None;
    }
    let worlds = Worlds::of(contract, (expr, &rules), None, &|_| String::new(), &[]);
    let mut seen = [false; 2];
    for world in std::iter::once(worlds.without_series()).chain(worlds.made()) {
        let played = worlds.play(&world, (expr, &rules))?;
        for index in 0..worlds.count() {
            let mut series = played.meant.iter();
            let holds = series.any(|series| series.values[index].is_some());
            seen[usize::from(holds)] = true;
        }
        if seen == [true; 2] {
            return None;
        }
    }
    let pointer = format!("{}/expr", loaded.pointer);
    if seen[1] {
        let message = format!(
            "`{}` fires always: its condition holds whatever its series do, and without any of them",
            loaded.rule.name
        );
        let help =
            "take out what is always true, or give it the severity `none` if it is to fire always";
        return Some(place::at(loaded.path, pointer, message, help));
    }
    let open = |selector: &VectorSelector| stack.open().may_give(selector, contract);
    let few = names.len() <= 2 && !read.iter().any(|selector| open(selector));
    let mut exprs = rules.iter().map(|rule| &*rule.expr).chain([expr]);
    (few && exprs.all(|expr| found_by_trying(contract, expr))).then(|| {
        let message = format!(
            "`{}` never fires: its condition held for none of the series that were tried",
            loaded.rule.name
        );
        let help = "write a condition that can be true, and a test that shows when";
        place::at(loaded.path, pointer, message, help)
    })
}

/// Functions of dates that no week has, of how many there are, which a list of targets decides, and of other magnitudes.
const NOT_TRIED: [&str; 12] = [
    "exp",
    "ln",
    "log2",
    "log10",
    "month",
    "year",
    "days_in_month",
    "day_of_month",
    "day_of_year",
    "count_values",
    "timestamp",
    "present_over_time",
];

/// Whether values on both sides of every number make a condition true, if anything can.
fn found_by_trying(contract: &Contract, expr: &Expr) -> bool {
    let tried = match expr {
        // What is raised to a power leaves the numbers that are tried far behind.
        Expr::Binary(binary) => ![T_EQLC, T_POW, T_MOD, T_ATAN2].contains(&binary.op.id()),
        Expr::Call(call) => {
            let name = call.func.name;
            !NOT_TRIED.contains(&name)
                && !name.starts_with("absent")
                && !name.starts_with("histogram")
        }
        Expr::Aggregate(aggregate) => {
            let name = aggregate.op.to_string();
            !["count", "group", "count_values"].contains(&name.as_str())
        }
        _ => true,
    };
    // Native histograms are not made up, and neither is what was before.
    let tried = tried
        && selector(expr).is_none_or(|selector| {
            let mut family = contract.family(metric(selector).unwrap_or_default()).iter();
            selector.offset.is_none() && !family.any(|series| series.native())
        });
    tried
        && children(expr)
            .into_iter()
            .all(|inside| found_by_trying(contract, inside))
}
