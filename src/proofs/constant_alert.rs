//! An alert fires at some times, and at others it does not.

mod ranked;
mod watchdog;

use super::{Check, Example, Proof, place};
use crate::contract::Contract;
use crate::diagnostic::Diagnostic;
use crate::evaluation::rules::{Library, expanded, in_dependency_order};
use crate::promql::engine::{Labels, metric};
use crate::promql::matchers::picks;
use crate::promql::token::{T_ATAN2, T_EQLC, T_MOD, T_POW};
use crate::promql::walk::{children, selector, selectors};
use crate::promql::{Expr, Matcher, VectorSelector};
use crate::proofs::expression_of_the_catalog::worlds::{World, Worlds};
use crate::stack::Stack;
use crate::stack::notifications::alerts::NOT_FOR_PEOPLE;
use crate::stack::rules::LoadedRule;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const PROOF: Proof = Proof {
    code: "constant-alert",
    doc: "`or vector(1)` makes a condition true whatever is measured, and `x unless x` makes it true never. Own alerts, and those whose condition the catalog writes itself, are run over series that come, go and take values on both sides of every number in them: whoever is told permanently does not listen, and whoever is told never does not know. One that fires while everything is up is told permanently too, and one with its value in a label is another alert each time that moves, so its `for` is never over.",
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
        let mut found = watchdog::silenced(stack);
        let mut asked = stack.rules.iter().filter(asked).peekable();
        if asked.peek().is_none() {
            return found;
        }
        let all = stack.rules.iter().map(|loaded| &loaded.rule).collect();
        let library = Library::of(in_dependency_order(all));
        let found_in = |loaded| changing(loaded).or_else(|| constant(stack, loaded, &library));
        found.extend(asked.filter_map(found_in));
        found
    }),
};

/// Values that an alert can have. A label that says how bad it is differs between few of them and the next.
const VALUES: [f64; 4] = [0.25, 3.0, 42.0, 700.0];

/// A label that says the value: each other value is another alert.
fn changing(loaded: &LoadedRule) -> Option<Diagnostic> {
    let hold = loaded.rule.alert.as_ref()?.hold;
    // What is compared with one number has no other value.
    let is_one = matches!(&*loaded.rule.expr, Expr::Binary(binary) if binary.op.id() == T_EQLC);
    if hold == 0 || is_one {
        return None;
    }
    let mut labels = loaded.rule.labels.iter();
    let (label, _) = labels.find(|(_, template)| {
        let written = |value: f64| expanded(template, &Labels::default(), value).ok();
        let moves = |value: &f64| {
            let said = written(*value);
            said.is_some() && said != written(value + 1.0)
        };
        template.constant().is_none() && VALUES.iter().all(moves)
    })?;
    let name = &loaded.rule.name;
    let message = format!(
        "`{name}` never fires while its value moves: `{label}` makes each value another alert, for which `for` begins anew"
    );
    let pointer = format!("{}/labels/{label}", loaded.pointer);
    let help = "say the value in an annotation";
    Some(place::at(loaded.path, pointer, message, help))
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
    let exists = |selector: &&&VectorSelector| {
        let name = metric(selector).unwrap_or_default();
        let matchers = &selector.matchers.matchers;
        let mut family = contract.family(name).iter();
        let known = family.any(|series| contract.select(series, matchers).is_some());
        known && !name.starts_with("ALERTS")
    };
    let of_rules =
        |selector: &&&VectorSelector| metric(selector).is_some_and(|name| own.contains(name));
    if read.is_empty() {
        return of_nothing(stack, loaded);
    }
    if names.is_empty() || !read.iter().all(|one| of_rules(&one) || exists(&one)) {
        return None;
    }
    // Targets that anything asks for beside others: an alert may be of few services.
    let asked: Vec<&Matcher> = read.iter().flat_map(|one| &one.matchers.matchers).collect();
    let class = |labels: &BTreeMap<String, String>| -> String {
        let value = |label: &str| labels.get(label).map_or("", String::as_str);
        let met = asked.iter().map(|one| picks(one, value(&one.name)));
        met.map(|met| if met { '1' } else { '0' }).collect()
    };
    let worlds = Worlds::of(contract, (expr, &rules), None, &class, &[]);
    let pointer = format!("{}/expr", loaded.pointer);
    let held = |world: &World| -> Option<Vec<bool>> {
        let played = worlds.play(world, (expr, &rules))?;
        let holds = |index: usize| played.meant.iter().any(|one| one.values[index].is_some());
        Some((0..worlds.count()).map(holds).collect())
    };
    // Not all targets that there are, are made up.
    // And what a rule records of each without reading anything, is of those too.
    let listed = rules.iter().any(|rule| selectors(&rule.expr).is_empty());
    let counts = listed || rules.iter().any(|rule| counts(&rule.expr)) || counts(expr);
    if let Some(well) = worlds.in_which_all_is_up().filter(|_| !counts)
        && held(&well)?.into_iter().all(|holds| holds)
    {
        let name = &loaded.rule.name;
        let message = format!("`{name}` fires while everything that it asks is up");
        let help = "compare with 0: `up` is 1 while a target answers";
        return Some(place::at(loaded.path, pointer, message, help));
    }
    if let Some(ranked) = ranked::taken_away(contract, &worlds, (expr, &rules)) {
        let message = format!(
            "`{}` fires for some of those that its condition holds for: `{ranked}` takes the others away, each time others",
            loaded.rule.name
        );
        let help =
            "compare all of them: without it each that holds fires; in a panel it shows the first";
        return Some(place::at(loaded.path, pointer, message, help));
    }
    let mut seen = [false; 2];
    for world in std::iter::once(worlds.without_series()).chain(worlds.made()) {
        let held = held(&world)?.into_iter();
        held.for_each(|holds| seen[usize::from(holds)] = true);
        if seen == [true; 2] {
            return None;
        }
    }
    if seen[1] && listed {
        return None;
    }
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
    // Without any series `absent` holds, unless something else stands in for them.
    let tried = |expr: &Expr| found_by_trying(contract, asked_for(expr));
    (few && exprs.all(tried)).then(|| {
        let message = format!(
            "`{}` never fires: its condition held for none of the series that were tried",
            loaded.rule.name
        );
        let help = "write a condition that can be true, and a test that shows when";
        place::at(loaded.path, pointer, message, help)
    })
}

/// A condition that reads nothing: what is to fire always has a value that says so, and what is to fire never does not fire.
fn of_nothing(stack: &Stack, loaded: &LoadedRule) -> Option<Diagnostic> {
    let expr = &*loaded.rule.expr;
    // The time is another matter.
    let known = |name: &str| ["vector", "scalar", "absent"].contains(&name);
    if !called(expr).into_iter().all(known) {
        return None;
    }
    let worlds = Worlds::of(&stack.contract, (expr, &[]), None, &|_| String::new(), &[]);
    let played = worlds.play(&worlds.without_series(), (expr, &[]))?;
    let values: Vec<f64> = played
        .meant
        .iter()
        .filter_map(|one| one.values[0])
        .collect();
    let name = &loaded.rule.name;
    let (message, help) = match values.as_slice() {
        [] => (
            format!("`{name}` never fires: it reads nothing, and its condition is false"),
            "remove it, or write a condition that can be true",
        ),
        values if values.iter().all(|value| *value == 0.0) => (
            format!("`{name}` fires always: a sample of 0 is one too"),
            "remove it if it is to be off; what is to fire always is usually `vector(1)`",
        ),
        _ => return None,
    };
    let pointer = format!("{}/expr", loaded.pointer);
    Some(place::at(loaded.path, pointer, message, help))
}

/// The functions that an expression calls.
fn called(expr: &Expr) -> Vec<&str> {
    let own = match expr {
        Expr::Call(call) => Some(call.func.name),
        _ => None,
    };
    let inside = children(expr).flat_map(called);
    own.into_iter().chain(inside).collect()
}

/// Whether it matters how many there are.
fn counts(expr: &Expr) -> bool {
    let many = ["max", "min", "avg"];
    matches!(expr, Expr::Aggregate(aggregate) if !many.contains(&aggregate.op.to_string().as_str()))
        || children(expr).any(counts)
}

/// What a condition that is `absent(…)` as a whole asks for.
fn asked_for(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => asked_for(&paren.expr),
        Expr::Call(call) if call.func.name == "absent" => &call.args.args[0],
        _ => expr,
    }
}

/// Functions of dates that no week has, of how many there are, which a list of targets decides, and of other magnitudes.
const NOT_TRIED: [&str; 13] = [
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
    "time",
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
            // A sum of what is 0 or 1 is a number of targets too.
            let states = || {
                let mut read = selectors(&aggregate.expr).into_iter().filter_map(metric);
                read.any(|name| ["up", "probe_success"].contains(&name))
            };
            let counts = ["count", "group", "count_values"].contains(&name.as_str());
            !(counts || name == "sum" && states())
        }
        _ => true,
    };
    // Native histograms are not made up, and neither is what was before.
    let tried = tried
        && selector(expr).is_none_or(|selector| {
            let mut family = contract.family(metric(selector).unwrap_or_default()).iter();
            selector.offset.is_none() && !family.any(|series| series.native())
        });
    tried && children(expr).all(|inside| found_by_trying(contract, inside))
}
