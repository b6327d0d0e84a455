//! A panel that has the name of one of monstack's own shows the number that one shows.

use super::panel_state::alerts;
use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::profiles::{built_in, of_scrapes};
use crate::promql::engine::{Labels, NAME, metric};
use crate::promql::matchers::picks;
use crate::promql::walk::{selectors, without_ranking};
use crate::promql::{Expr, VectorSelector};
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::stack::world::busy::busy_service;
use crate::stack::world::{Recordings, Samples, World};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const PROOF: Proof = Proof {
    code: "panel-number",
    doc: "A title is read at night and believed: a panel that still has the name of what it showed, and shows another number, tells a false story. What has another title, another filter or fewer series may show what it likes.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/title=Memory/targets/0/expr",
        bad: r#""topk(20, min by (job) (process_resident_memory_bytes{service!=\"\",job=~\"$job\",instance=~\"$instance\"}))""#,
    },
    check: Check::Stack(check),
};

/// How much two ways to work out one number may differ by: sums are rounded.
const TOLERANCE: f64 = 1e-4;

/// So many services do something.
const SERVICES: usize = 3;

/// For how long they have done so.
const SINCE: Duration = Duration(6 * 3_600_000);

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let Some(rendered) = stack.with_own_dashboards() else {
        return Vec::new();
    };
    let own = Stack::read(stack.catalog, &rendered);
    let (meant, found) = (by_name(&own), by_name(stack));
    let recordings = Recordings::of(stack);
    let mut wrong = Vec::new();
    for (name, expressions) in found {
        // Of several panels of one name nobody knows which is which once one is gone.
        let meant = meant.get(&name).map_or(&[][..], Vec::as_slice);
        if meant.len() != expressions.len() {
            continue;
        }
        for (expression, meant) in expressions.into_iter().zip(meant) {
            if differs(stack, &recordings, expression, meant) == Some(true) {
                wrong.push(place::on(
                    expression,
                    format!(
                        "{} shows another number than monstack's own panel of that name, which asks for `{}`",
                        name.said(),
                        meant.written.split_whitespace().collect::<Vec<_>>().join(" ")
                    ),
                    "ask for what the title says, or give the panel another title",
                ));
            }
        }
    }
    wrong
}

/// What services go through while both are asked.
#[derive(Clone, Copy, PartialEq)]
enum Day {
    /// Everything is used, and alerts fire.
    Busy,
    /// One is down, and alerts are pending.
    Bad,
    /// Nothing happens.
    Quiet,
}

/// The queries of each name.
fn by_name<'s>(stack: &'s Stack) -> BTreeMap<Name<'s>, Vec<&'s Expression<'s>>> {
    let mut found: BTreeMap<Name, Vec<&Expression>> = BTreeMap::new();
    for expression in stack.used(Usage::Panel) {
        if let Some(name) = Name::of(expression) {
            found.entry(name).or_default().push(expression);
        }
    }
    found
}

/// What a query is called on the screen.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    path: &'a str,
    title: &'a str,
    legend: &'a str,
}

impl<'a> Name<'a> {
    fn of(expression: &Expression<'a>) -> Option<Name<'a>> {
        Some(Name {
            path: expression.path,
            title: expression.owner["title"]
                .as_str()
                .filter(|title| !title.is_empty())?,
            legend: expression.target["legendFormat"]
                .as_str()
                .unwrap_or_default(),
        })
    }

    fn said(&self) -> String {
        match self.legend.contains("{{") || self.legend.is_empty() || self.legend == "__auto" {
            true => format!("`{}`", self.title),
            false => format!("`{}` of `{}`", self.legend, self.title),
        }
    }
}

/// Whether the two give different numbers while services do something; None: nothing is known.
fn differs(
    stack: &Stack,
    recordings: &Recordings,
    expression: &Expression,
    meant: &Expression,
) -> Option<bool> {
    let asts = [&expression.ast, &meant.ast].map(|ast| without_ranking(ast));
    if asts[0].to_string() == asts[1].to_string() {
        return Some(false);
    }
    let read: BTreeSet<String> = (asts.iter())
        .flat_map(|expr| recordings.sources(expr))
        .collect();
    let mut services = stack.catalog.services.iter();
    let emits = |name: &String| {
        let family = stack.contract.family(name).iter();
        let targets = family.flat_map(|set| set.targets.ones());
        let jobs = targets.filter_map(|index| stack.contract.targets.list[index].labels.get("job"));
        jobs.take(SERVICES).map(String::as_str).collect::<Vec<_>>()
    };
    let mut jobs: BTreeSet<&str> = read.iter().flat_map(emits).collect();
    if jobs.is_empty() {
        jobs.extend(services.next().map(|service| service.name.as_str()));
    }
    let jobs: BTreeSet<&str> = jobs.into_iter().take(SERVICES).collect();
    let mut told = None;
    for day in [Day::Busy, Day::Bad, Day::Quiet] {
        let mut series = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            let names = read.iter().map(String::as_str);
            let busy = busy_service(stack, job, names, &[asts[0], asts[1]]);
            series.extend(busy.into_iter().map(|(labels, value, slope)| {
                let factor = 1.0 + 0.37 * index as f64;
                let name = labels.get(NAME);
                match of_scrapes(name) || built_in("health-probe").any(|known| known == name) {
                    true => {
                        let up = f64::from(u8::from(day != Day::Bad || index > 0));
                        (labels, up, 0.0)
                    }
                    false if day == Day::Quiet => (labels, value * factor, 0.0),
                    false => (labels, value * factor, slope * factor),
                }
            }));
        }
        let state = match day {
            Day::Busy => Some("firing"),
            Day::Bad => Some("pending"),
            Day::Quiet => None,
        };
        let alerts = state.map_or(Vec::new(), |state| alerts(stack, &jobs, state));
        // One alert fires for several instances.
        for instance in ["", "one:1", "two:1"] {
            let of_one =
                |(labels, value): &(Labels, f64)| (labels.with("instance", instance), *value, 0.0);
            series.extend(alerts.iter().map(of_one));
        }
        series.retain(|(labels, _, _)| asked_by_both(asts, labels));
        let world = World::rising(&series, SINCE, recordings, &jobs);
        let [shown, wanted] = asts.map(|expr| world.asked(expr));
        let (shown, wanted) = (shown?, wanted?);
        if wanted.is_empty() {
            continue;
        }
        let scaled = unit(expression.owner) != unit(meant.owner);
        if !same(&shown, &wanted, scaled) {
            return Some(true);
        }
        told = Some(false);
    }
    told
}

/// Whether each selector of the one picks the series where that of the other does: another filter is another question, and what
/// only one of them asks for tells nothing.
fn asked_by_both(asts: [&Expr; 2], labels: &Labels) -> bool {
    let asked = |expr| -> Vec<bool> {
        let own = |selector: &&VectorSelector| metric(selector) == Some(labels.get(NAME));
        let picked = |selector: &VectorSelector| {
            let mut matchers = selector.matchers.matchers.iter();
            matchers
                .all(|matcher| matcher.name == NAME || picks(matcher, labels.get(&matcher.name)))
        };
        let selected = selectors(expr).into_iter().filter(own);
        selected.map(picked).collect()
    };
    let [one, other] = asts.map(asked);
    match one.len() == other.len() {
        true => one == other,
        false => one.is_empty() || other.is_empty() || one.contains(&true) == other.contains(&true),
    }
}

/// What a panel's numbers are in.
fn unit(panel: &Value) -> Vec<&Value> {
    let config = &panel["fieldConfig"];
    let overrides = config["overrides"].items();
    let properties = overrides.flat_map(|one| one["properties"].items());
    let units = properties.filter(|property| property["id"] == "unit");
    std::iter::once(&config["defaults"]["unit"])
        .chain(units.map(|property| &property["value"]))
        .collect()
}

/// Whether the same numbers are shown, or as much in all: one service may be split into its endpoints. `scaled`: up to a factor.
fn same(shown: &Samples, wanted: &Samples, scaled: bool) -> bool {
    let sorted = |samples: &Samples| {
        let mut values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (shown, wanted) = (sorted(shown), sorted(wanted));
    let alike = |one: f64, other: f64| {
        one == other
            || (one.is_nan() && other.is_nan())
            || (one - other).abs() <= TOLERANCE * other.abs()
    };
    let all = |values: &[f64]| values.iter().sum::<f64>();
    let factor = match (scaled, all(&wanted)) {
        (true, sum) if sum != 0.0 => all(&shown) / sum,
        _ => 1.0,
    };
    let one_by_one = shown.len() == wanted.len()
        && (shown.iter().zip(&wanted)).all(|(one, other)| alike(*one, factor * other));
    let split = shown.len() != wanted.len() && !shown.is_empty();
    one_by_one || split && alike(all(&shown), factor * all(&wanted))
}
