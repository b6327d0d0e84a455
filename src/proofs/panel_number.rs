//! A panel, or a query of the runbook, that has the name of one of monstack's own shows the number that one shows.

mod conditions;
mod drawn;
mod named;
mod seen;
mod shown;

use super::panel_state::alerts;
use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::promql::engine::{Labels, NAME, metric};
use crate::promql::matchers::picks;
use crate::promql::number::number;
use crate::promql::token::{T_GTE, T_LAND};
use crate::promql::variables::variables;
use crate::promql::walk::{children, ranges, selectors, without_ranking};
use crate::promql::{Expr, VectorSelector, returns_bool};
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::stack::world::busy::{SECOND, busy_service};
use crate::stack::world::{Recordings, Samples, World};
use crate::value::Value;
use conditions::{Condition, windows};
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

/// The same where one of them takes steps of its own.
const STEPPED: f64 = 0.015;

/// So many services do something.
const SERVICES: usize = 3;

/// So many rules may stand behind what is recorded.
const READ: usize = 3;

/// For how long they have done so.
const SINCE: Duration = Duration(6 * 3_600_000);

/// What is 0 or 1.
const STATES: [&str; 2] = ["up", "probe_success"];

/// For so long nobody has answered.
const SILENT: Duration = Duration(20 * 60_000);

/// In so many seconds as much is added as there was.
const GROWS: f64 = 100_000.0;

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let Some(rendered) = stack.own_pages() else {
        return Vec::new();
    };
    let own = Stack::read(stack.catalog, rendered);
    let (meant, found) = (named::of(&own), named::of(stack));
    let recordings = Recordings::of(stack);
    let mut wrong = Vec::new();
    for (name, expressions) in found {
        // Of several panels of one name nobody knows which is which once one is gone.
        let meant = meant.get(&name).map_or(&[][..], Vec::as_slice);
        if meant.len() != expressions.len() {
            continue;
        }
        // Which of them comes first does not matter.
        let among = |all: &[&Expression], one: &Expression| {
            all.iter().any(|other| other.written == one.written)
        };
        let known = expressions.clone();
        let others = expressions.into_iter().filter(|one| !among(meant, one));
        let meant = meant.iter().filter(|one| !among(&known, one));
        for (expression, meant) in others.zip(meant) {
            let pasted = expression.usage == Usage::Document;
            let conditions = || {
                let [one, other] = [&expression.ast, &meant.ast].map(|ast| Condition::of(ast));
                Some([one?, other?]).filter(|_| pasted)
            };
            let conditions = conditions();
            let asked = match &conditions {
                Some([one, other]) => [one.inside, other.inside],
                None => [&*expression.ast, &*meant.ast],
            };
            let how = match differs(stack, &recordings, [expression, meant], asked) {
                _ if let Some([one, other]) = &conditions
                    && one.differs(other) =>
                {
                    "holds at other values than"
                }
                _ if conditions.is_some() && {
                    let [one, other] = asked.map(|expr| windows(stack, expr, READ));
                    one != other
                } =>
                {
                    "looks back another time than"
                }
                Some(true) => "shows another number than",
                _ if other_end(expression, meant) => "shows the other end of",
                _ if hidden(expression, meant) => "shows only some values of",
                _ if left_out(stack, expression, meant) => "shows fewer services than",
                _ if stretched(expression, meant) => {
                    "is of all the time shown and does not say so, unlike"
                }
                _ if narrowed(stack, expression, meant) => "shows only some alerts, unlike",
                _ if deaf(expression, meant) => "shows the same whatever is chosen, unlike",
                _ => continue,
            };
            let whose = match expression.usage {
                Usage::Document => "monstack's own query there",
                _ => "monstack's own panel of that name",
            };
            wrong.push(place::on(
                expression,
                format!(
                    "{} {how} {whose}, which asks for `{}`",
                    name.said(),
                    meant
                        .written
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
                "ask for what the words say, or write other words",
            ));
        }
    }
    wrong.extend(without_some_service(&own, stack));
    wrong.extend(named::exchanged(&own, stack));
    wrong.extend(shown::otherwise(&own, stack));
    wrong
}

/// Panels that ask for each service apart, and leave one out of which monstack's own panel of their name shows something.
fn without_some_service(own: &Stack, stack: &Stack) -> Vec<Diagnostic> {
    let (meant, found) = (named::panels(own), named::panels(stack));
    let mut wrong = Vec::new();
    for (title, expressions) in found {
        let Some([one]) = meant.get(&title).map(Vec::as_slice) else {
            continue;
        };
        if expressions.len() < 2 {
            continue;
        }
        let shown: BTreeSet<&str> = expressions
            .iter()
            .flat_map(|each| services(stack, each))
            .collect();
        let all = services(own, one);
        if let Some(lost) = all.into_iter().find(|service| !shown.contains(service)) {
            wrong.push(place::on(
                expressions[0],
                format!(
                    "`{}` asks for services one by one, and not for `{lost}`",
                    title.1
                ),
                "ask once, by (job): a service that is added is then shown too",
            ));
        }
    }
    wrong
}

/// The services of which an expression gives something.
fn services<'s>(stack: &'s Stack, expression: &Expression) -> Vec<&'s str> {
    let series = expression.series(&stack.contract).iter();
    let targets = series.flat_map(|series| series.targets.ones());
    let jobs = targets.filter_map(|index| stack.contract.targets.list[index].labels.get("job"));
    let services = jobs.filter_map(|job| stack.catalog.service(job));
    services.map(|service| service.name.as_str()).collect()
}

/// Whether the one begins, or ends, where the other does not.
fn other_end(expression: &Expression, meant: &Expression) -> bool {
    let [own, other] = [expression, meant].map(|one| ends(&one.ast));
    let picked = own.0.is_some() && other.0.is_some() && own.0 != other.0;
    // A person reads the first lines of what is pasted.
    let listed = expression.usage == Usage::Document
        && own.1.is_some()
        && other.1.is_some()
        && own.1 != other.1;
    picked || listed
}

/// Whether a tile says of some values what it says where there are none: a list may leave them out.
fn hidden(expression: &Expression, meant: &Expression) -> bool {
    let kind = expression.owner["type"].as_str();
    let tile = matches!(kind, Some("stat" | "gauge"));
    // A line that ends where something is the matter, or begins there, is no course.
    let course = matches!(
        kind,
        Some("timeseries" | "state-timeline" | "status-history")
    );
    let [said, own] =
        [expression, meant].map(|one| &one.owner["fieldConfig"]["defaults"]["noValue"]);
    let [picks, own_picks] = [expression, meant].map(|one| picks_values(without_ranking(&one.ast)));
    (tile && said == own || course) && picks && !own_picks
}

/// Whether a number of now has become one of all the time that is shown, and nothing says so.
fn stretched(expression: &Expression, meant: &Expression) -> bool {
    let whole = |expression: &Expression| expression.written.contains("$__range");
    let said = ["title", "description"].iter().any(|key| {
        let text = expression.owner[*key].as_str().unwrap_or_default();
        let words = ["time shown", "range", "period", "average"];
        words.iter().any(|word| text.to_lowercase().contains(word))
    });
    whole(expression) && !whole(meant) && !said && expression.usage == Usage::Panel
}

/// Whether of alerts only those of some severities are asked for, where all are meant.
fn narrowed(stack: &Stack, expression: &Expression, meant: &Expression) -> bool {
    let asked = |expression: &Expression| -> BTreeSet<String> {
        let all = selectors(&expression.ast).into_iter();
        let alerts = all.filter(|selector| metric(selector) == Some("ALERTS"));
        let alerts: Vec<_> = alerts.collect();
        let picked = |severity: &&str| {
            !alerts.is_empty()
                && alerts.iter().all(|selector| {
                    let matchers = selector.matchers.matchers.iter();
                    let mut matchers = matchers.filter(|matcher| matcher.name == "severity");
                    matchers.all(|matcher| picks(matcher, severity))
                })
        };
        let severities = stack.catalog.severities.names();
        severities.filter(picked).map(str::to_string).collect()
    };
    expression.usage == Usage::Panel && !asked(meant).is_subset(&asked(expression))
}

/// Whether nothing that somebody chooses changes what is asked for.
fn deaf(expression: &Expression, meant: &Expression) -> bool {
    let heeds = |expression: &Expression| {
        let mut chosen = variables(&expression.written).filter(|(name, _)| !name.starts_with("__"));
        chosen.next().is_some()
    };
    expression.usage == Usage::Panel && heeds(meant) && !heeds(expression)
}

/// Whether of the states of services only some are shown, where monstack's own panel has room for all.
fn left_out(stack: &Stack, expression: &Expression, meant: &Expression) -> bool {
    let states = ["stat", "gauge", "state-timeline", "status-history"];
    let states = states.contains(&expression.owner["type"].as_str().unwrap_or_default());
    let room = |expression: &Expression| match &*expression.ast {
        Expr::Aggregate(ranked)
            if ["topk", "bottomk"].contains(&ranked.op.to_string().as_str()) =>
        {
            number(ranked.param.as_deref()?)
        }
        _ => None,
    };
    let services = stack.catalog.services.len() as f64;
    let [now, own] = [expression, meant].map(room);
    states && now.is_some_and(|now| now < own.unwrap_or(f64::INFINITY).min(services))
}

/// Whether an expression compares what it gives with a number, other than to leave out what is none.
fn picks_values(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => picks_values(&paren.expr),
        Expr::Binary(binary) => {
            let limit = number(&binary.rhs).or_else(|| number(&binary.lhs));
            let guard = limit == Some(0.0) && binary.op.id() == T_GTE;
            let picks = binary.op.is_comparison_operator() && !returns_bool(binary);
            picks && limit.is_some() && !guard
        }
        _ => false,
    }
}

/// Whether the largest are picked, and whether they come first.
fn ends(expr: &Expr) -> (Option<bool>, Option<bool>) {
    match expr {
        Expr::Paren(paren) => ends(&paren.expr),
        // What is shown with those that another query picks.
        Expr::Binary(binary) if binary.op.id() == T_LAND => {
            let [shown, with] = [&binary.lhs, &binary.rhs].map(|side| ends(side));
            (shown.0.or(with.0), shown.1)
        }
        Expr::Aggregate(ranked) => match ranked.op.to_string().as_str() {
            "topk" => (Some(true), Some(true)),
            "bottomk" => (Some(false), Some(false)),
            _ => (None, None),
        },
        Expr::Call(call) => {
            let first = match call.func.name {
                "sort" => false,
                "sort_desc" => true,
                _ => return (None, None),
            };
            let inside = call.args.args.first();
            (inside.and_then(|inside| ends(inside).0), Some(first))
        }
        _ => (None, None),
    }
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
    /// What is asked for apart, as failures are, has never happened.
    Spotless,
    /// What is measured grows, and one answers less and less.
    Growing,
    /// Nobody answers for the last minutes.
    Gone,
}

/// Whether the two give different numbers while services do something; None: nothing is known.
fn differs(
    stack: &Stack,
    recordings: &Recordings,
    both: [&Expression; 2],
    asked: [&Expr; 2],
) -> Option<bool> {
    let pasted = both[0].usage == Usage::Document;
    let asts = asked.map(without_ranking);
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
    let behind = recordings.behind(asts, &jobs);
    let mut told = None;
    let days = [
        Day::Busy,
        Day::Bad,
        Day::Quiet,
        Day::Spotless,
        Day::Growing,
        Day::Gone,
    ];
    let [own, other] = asts.map(|expr| {
        let mut ranges = ranges(expr);
        ranges.sort_unstable();
        ranges
    });
    // A panel may smooth what it shows; what is pasted is looked at once, when something is wrong.
    let some = match pasted {
        true => 6,
        // Over the same time it is the same, or another number.
        false if own == other => 5,
        false => 4,
    };
    for day in days.into_iter().take(some) {
        let mut series = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            let names = read.iter().map(String::as_str);
            let busy = busy_service(stack, job, names, &[asts[0], asts[1]]);
            series.extend(busy.into_iter().map(|(labels, value, slope)| {
                let factor = 1.0 + 0.37 * index as f64;
                let name = labels.get(NAME);
                // Prometheus writes 1 for every alert.
                if name == "ALERTS" {
                    return (labels, 1.0, 0.0);
                }
                if STATES.contains(&name) && day == Day::Growing && index == 0 {
                    return (labels, 1.0, -1.0 / SINCE.seconds());
                }
                if STATES.contains(&name) {
                    // Of several instances one may be down by itself.
                    let one = pasted && day == Day::Quiet && labels.get("instance") == SECOND;
                    let down = day == Day::Gone || index == 0 && (day == Day::Bad || one);
                    return (labels, f64::from(u8::from(!down)), 0.0);
                }
                let slope = match day {
                    Day::Quiet => 0.0,
                    Day::Growing if slope == 0.0 => value / GROWS,
                    _ => slope,
                };
                (labels, value * factor, slope * factor)
            }));
        }
        let state = match day {
            Day::Busy => Some("firing"),
            Day::Bad => Some("pending"),
            Day::Quiet | Day::Spotless | Day::Growing | Day::Gone => None,
        };
        let alerts = state.map_or(Vec::new(), |state| alerts(stack, &jobs, state));
        // One alert fires for several instances.
        for instance in ["", "one:1", "two:1"] {
            let of_one =
                |(labels, value): &(Labels, f64)| (labels.with("instance", instance), *value, 0.0);
            series.extend(alerts.iter().map(of_one));
        }
        if pasted && parted(asts, &series) {
            return Some(true);
        }
        series.retain(|(labels, _, _)| {
            asked_by_both(asts, labels) && !(day == Day::Spotless && asked_apart(asts[1], labels))
        });
        let ago = |labels: &Labels| match day == Day::Gone && !STATES.contains(&labels.get(NAME)) {
            true => SILENT,
            false => Duration(0),
        };
        let recorded = match day == Day::Growing && !pasted {
            true => World::throughout(SINCE),
            false => World::at_the_end(),
        };
        let world = World::gone(&series, SINCE, &behind, &ago, recorded);
        let [shown, wanted] = asts.map(|expr| world.asked(expr));
        let (shown, wanted) = match (shown, wanted) {
            // What matches instances with something of their service can be asked of a single one only.
            (None, None) => {
                series.retain(|(labels, _, _)| labels.get("instance") != SECOND);
                let world = World::gone(&series, SINCE, &behind, &ago, recorded);
                let [shown, wanted] = asts.map(|expr| world.asked(expr));
                (shown?, wanted?)
            }
            (shown, wanted) => (shown?, wanted?),
        };
        // A ratio may have no number at all until something fails.
        let unsaid = day == Day::Spotless && shown.len() != wanted.len();
        if wanted.is_empty() || unsaid {
            continue;
        }
        let scaled = !pasted && unit(both[0].owner) != unit(both[1].owner);
        // Of what changes, steps of one's own see other moments than there are samples.
        let tolerance = match day == Day::Growing && asts.into_iter().any(steps) {
            true => STEPPED,
            false => TOLERANCE,
        };
        if !same(&shown, &wanted, scaled, tolerance) {
            return Some(true);
        }
        told = Some(false);
    }
    told
}

/// Whether both ask for series of one metric, and for none of them that the other asks for.
fn parted(asts: [&Expr; 2], series: &[(Labels, f64, f64)]) -> bool {
    let picks = |expr: &Expr, labels: &Labels| {
        let of_metric = |selector: &&VectorSelector| metric(selector) == Some(labels.get(NAME));
        selectors(expr)
            .into_iter()
            .filter(of_metric)
            .any(|selector| {
                let mut matchers = selector.matchers.matchers.iter();
                matchers.all(|matcher| {
                    matcher.name == NAME || picks(matcher, labels.get(&matcher.name))
                })
            })
    };
    let mut asked: BTreeMap<&str, [bool; 3]> = BTreeMap::new();
    for (labels, _, _) in series {
        let [one, other] = asts.map(|expr| picks(expr, labels));
        let known = asked.entry(labels.get(NAME)).or_default();
        *known = [known[0] | one, known[1] | other, known[2] | (one && other)];
    }
    asked
        .values()
        .any(|[one, other, both]| *one && *other && !both)
}

/// Whether a series is one of those that are asked for apart from the others of its metric.
fn asked_apart(expr: &Expr, labels: &Labels) -> bool {
    let all = selectors(expr);
    let own = all
        .iter()
        .filter(|selector| metric(selector) == Some(labels.get(NAME)));
    let narrow = |selector: &&&VectorSelector| selector.matchers.matchers.len();
    let least = own.clone().map(|one| narrow(&one)).min().unwrap_or(0);
    own.filter(|one| narrow(one) > least).any(|selector| {
        let mut matchers = selector.matchers.matchers.iter();
        matchers.all(|matcher| matcher.name == NAME || picks(matcher, labels.get(&matcher.name)))
    })
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

/// Whether an expression is evaluated in steps of its own.
fn steps(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_)) || children(expr).any(steps)
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
fn same(shown: &Samples, wanted: &Samples, scaled: bool, tolerance: f64) -> bool {
    let sorted = |samples: &Samples| {
        let mut values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    if owners(shown) != owners(wanted) {
        return false;
    }
    let (shown, wanted) = (sorted(shown), sorted(wanted));
    let alike = |one: f64, other: f64| {
        one == other
            || (one.is_nan() && other.is_nan())
            || (one - other).abs() <= tolerance * other.abs()
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

/// Whose things are, as far as a panel says it.
fn owners(samples: &Samples) -> Option<Vec<&str>> {
    let owners = samples.iter().map(|(labels, _)| labels.get("owner"));
    let mut owners: Vec<&str> = owners.collect();
    owners.sort_unstable();
    owners
        .iter()
        .all(|owner| !owner.is_empty())
        .then_some(owners)
}
