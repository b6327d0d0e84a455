//! Where a panel shows what an alert compares, its lines and colours change where the alert fires: its query is asked with the
//! signal at each service's threshold, just below and just above.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::Alert;
use crate::contract::series::MetricType;
use crate::diagnostic::Diagnostic;
use crate::kinds::Side;
use crate::profiles::{built_in, of_scrapes};
use crate::promql::Expr;
use crate::promql::canonical::{plain, print};
use crate::promql::engine::{Labels, metric};
use crate::promql::token::*;
use crate::promql::walk::{children, children_mut, selector_mut, selectors};
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{Field, News, colour};
use crate::stack::world::{Recordings, Samples, World, series};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

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
            found.extend(unordered(&file.path, &pointer, panel));
            found.extend(of_one_colour(&file.path, &pointer, panel));
        }
    }
    for expression in stack.used(Usage::Panel) {
        if expression.owner.is_null() || !simple(&expression.ast) {
            continue;
        }
        found.extend(signals.contradicted_by(expression));
        let limits = signals.shown_by(expression);
        if !signals.names(expression) {
            found.extend(signals.borrowed(expression, &recordings));
        }
        let wrong = judged(stack, expression, &limits)
            .filter(|_| !signals.of_one_level(expression, &limits));
        found.extend(wrong.map(|mut found| {
            found.owners = limits
                .values()
                .flatten()
                .flat_map(|alert| written(stack, alert))
                .collect();
            found
        }));
    }
    found
}

/// The tables that write the thresholds of an alert: its own, and those of services that differ.
fn written<'a>(stack: &'a Stack, alert: &'a str) -> impl Iterator<Item = String> {
    let services = stack.catalog.services.iter();
    let differ = services.filter(move |service| service.overrides.contains_key(alert));
    let differ = differ.map(move |service| format!("/services/{}/alerts/{alert}", service.name));
    std::iter::once(format!("/alerts/{alert}")).chain(differ)
}

/// Steps that do not rise: Grafana looks at them in their order, and stops at the first that is not reached.
fn unordered(path: &str, pointer: &str, panel: &Value) -> Option<Diagnostic> {
    let steps = Field::of(panel, "", "").steps();
    let values: Vec<f64> = steps.iter().skip(1).filter_map(|step| step.0).collect();
    let index = values.windows(2).position(|pair| pair[1] < pair[0])? + 2;
    let (at, title) = (
        values[index - 1],
        panel["title"].as_str().unwrap_or_default(),
    );
    Some(place::at(
        path,
        format!("{pointer}/fieldConfig/defaults/thresholds/steps/{index}"),
        format!("the thresholds of `{title}` go down at {at}"),
        "write them in rising order",
    ))
}

/// Thresholds at which nothing changes.
fn of_one_colour(path: &str, pointer: &str, panel: &Value) -> Option<Diagnostic> {
    let steps = Field::of(panel, "", "").steps();
    let ((_, first), rest) = steps.split_first()?;
    let same = !rest.is_empty() && rest.iter().all(|(_, colour)| colour == first);
    let title = panel["title"].as_str().unwrap_or_default();
    same.then(|| {
        place::at(
            path,
            format!("{pointer}/fieldConfig/defaults/thresholds/steps/1"),
            format!("`{title}` is {first} on both sides of its threshold"),
            "give what is beyond it a colour of its own",
        )
    })
}

/// Whether what it gives is of the size of what it reads: a sum or a number of series has no threshold.
fn simple(expr: &Expr) -> bool {
    let counts = matches!(expr, Expr::Aggregate(aggregate) if
        [T_SUM, T_COUNT, T_COUNT_VALUES, T_GROUP, T_STDDEV, T_STDVAR].contains(&aggregate.op.id()))
        && selectors(expr).iter().any(|selector| {
            selector
                .name
                .as_deref()
                .is_some_and(|name| name.contains(':'))
        });
    !counts && children(expr).into_iter().all(simple)
}

/// Value in a panel → the names of the alerts that fire on one side of it.
type Limits<'a> = BTreeMap<Key, BTreeSet<&'a str>>;

/// A number in order.
#[derive(Clone, Copy, PartialEq)]
struct Key(f64);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// What alerts compare.
struct Signals<'a, 's> {
    /// Recorded name → its alert, or the alerts of whose levels it is.
    recorded: BTreeMap<&'a str, Vec<&'a Alert>>,
    /// What a signal is recorded from, in the words of `essence` → the alerts.
    essences: BTreeMap<String, Vec<&'a Alert>>,
    /// Alerts without a threshold, what they compare, and their conditions.
    conditions: Vec<(&'a Alert, &'a str, Rc<Expr>)>,
    /// Name of an alert → its signals at their thresholds, of one service of each branch and group.
    samples: RefCell<HashMap<&'a str, Rc<Samples>>>,
    stack: &'a Stack<'s>,
}

impl<'a, 's> Signals<'a, 's> {
    fn of(stack: &'a Stack<'s>) -> Signals<'a, 's> {
        let mut recorded: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in &stack.catalog.alerts {
            // A signal that two alerts share has the thresholds of both: it is looked at by its essence.
            for branch in alert
                .branches
                .iter()
                .filter(|branch| branch.limit().is_some())
            {
                let known = recorded.entry(branch.signal.as_str()).or_default();
                if known.last().is_none_or(|other| other.name != alert.name) {
                    known.push(alert);
                }
            }
        }
        let mut essences: BTreeMap<String, Vec<&Alert>> = BTreeMap::new();
        for (_, _, rule) in stack.files.rules() {
            let alerts = rule["record"].as_str().and_then(|name| recorded.get(name));
            let expr = rule["expr"]
                .as_str()
                .and_then(|text| stack.contract.parse(text).ok());
            let (Some(alerts), Some(expr)) = (alerts, expr) else {
                continue;
            };
            // A budget burns over hours: what a panel shows of this moment has no such threshold, nor has what an alert looks at apart.
            let whole = |alert: &&&Alert| alert.slo.is_none() && alert.reads_whole();
            for alert in alerts.iter().filter(whole) {
                let known = essences.entry(essence(&expr)).or_default();
                if !known.iter().any(|other| other.name == alert.name) {
                    known.push(alert);
                }
            }
        }
        let without = stack.catalog.alerts.iter().filter(|alert| {
            let mut branches = alert.branches.iter();
            alert.signals.len() == 1 && branches.all(|branch| branch.limit().is_none())
        });
        let conditions = without.filter_map(|alert| {
            let mut rules = stack.files.alerts();
            let (_, _, rule) = rules.find(|(_, _, rule)| rule["alert"] == alert.name.as_str())?;
            let condition = stack.contract.parse(rule["expr"].as_str()?).ok()?;
            Some((alert, alert.signals[0].name.as_str(), condition))
        });
        Signals {
            conditions: conditions.collect(),
            recorded,
            essences,
            samples: RefCell::default(),
            stack,
        }
    }

    /// One service of a branch stands for all: a branch is those that do not differ.
    fn at_thresholds(&self, alert: &'a Alert) -> Rc<Samples> {
        let mut known = self.samples.borrow_mut();
        let samples = known.entry(&alert.name).or_insert_with(|| {
            let mut samples = Samples::new();
            for branch in &alert.branches {
                let Some((_, limit)) = branch.limit() else {
                    continue;
                };
                for name in by_group(self.stack, &branch.services) {
                    let Some(service) = self.stack.catalog.service(name) else {
                        continue;
                    };
                    let labels = [
                        ("job", name),
                        ("service", name),
                        ("component", service.group.as_str()),
                    ];
                    samples.push((series(&branch.signal, labels), limit));
                }
            }
            Rc::new(samples)
        });
        samples.clone()
    }

    /// The values in a panel at which alerts fire.
    fn shown_by(&self, expression: &Expression) -> Limits<'a> {
        let mut limits = Limits::new();
        let named: BTreeSet<&str> = selectors(&expression.ast)
            .into_iter()
            .filter_map(metric)
            .collect();
        let mut alerts: Vec<&'a Alert> = named
            .iter()
            .filter_map(|name| self.recorded.get(name))
            .flatten()
            .copied()
            .collect();
        alerts.dedup_by_key(|alert| &alert.name);
        if alerts.is_empty() {
            for alert in self
                .essences
                .get(&essence(&expression.ast))
                .into_iter()
                .flatten()
            {
                for branch in &alert.branches {
                    if let Some((_, limit)) = branch.limit() {
                        limits.entry(Key(limit)).or_default().insert(&alert.name);
                    }
                }
            }
            return limits;
        }
        for alert in alerts {
            for (_, value) in World::plain(&self.at_thresholds(alert))
                .asked(&expression.ast)
                .into_iter()
                .flatten()
            {
                limits.entry(Key(value)).or_default().insert(&alert.name);
            }
        }
        limits
    }
}

/// Values of a signal that has no threshold: nothing happens, and something does.
const SOME: [f64; 2] = [0.0, 1.0];

impl<'a> Signals<'a, '_> {
    /// What a panel shows of an alert without a threshold, where its rule says the opposite.
    fn contradicted_by(&self, expression: &Expression) -> Option<Diagnostic> {
        let named: BTreeSet<&str> = selectors(&expression.ast)
            .into_iter()
            .filter_map(metric)
            .collect();
        let query = expression.target["refId"].as_str().unwrap_or_default();
        let field = Field::of(expression.owner, "", query);
        if !(field.by_steps() || field.marks_steps()) {
            return None;
        }
        let pointer = expression.pointer.split("/targets/").next()?;
        let title = expression.owner["title"].as_str().unwrap_or_default();
        for (alert, signal, condition) in &self.conditions {
            if !named.contains(signal) {
                continue;
            }
            let Some(service) = alert
                .covers
                .first()
                .and_then(|name| self.stack.catalog.service(name))
            else {
                continue;
            };
            let labels = [
                ("job", service.name.as_str()),
                ("service", service.name.as_str()),
                ("component", service.group.as_str()),
            ];
            for value in SOME {
                let world = World::plain(&vec![(series(signal, labels), value)]);
                let fires = !world.asked(condition)?.is_empty();
                for (_, shown) in world.asked(&expression.ast)? {
                    let colour = field.colour_of(shown);
                    let news = colour.as_deref().map(crate::stack::grafana::shown::colour);
                    let wrong = if fires { News::Good } else { News::Bad };
                    if news == Some(wrong) {
                        let colour = colour.unwrap_or_default();
                        let does = if fires { "fires" } else { "does not fire" };
                        return Some(place::at(
                            expression.path,
                            format!("{pointer}/fieldConfig/defaults/thresholds"),
                            format!(
                                "`{title}` is {colour} at {shown}, where {} {does}",
                                alert.name
                            ),
                            "give the value the colour of what it means",
                        ));
                    }
                }
            }
        }
        None
    }
}

impl Signals<'_, '_> {
    /// Whether it shows how far what several levels compare is from the threshold of one of them: then it is of that one alone.
    fn of_one_level(&self, expression: &Expression, limits: &Limits) -> bool {
        let names: BTreeSet<&str> = limits.values().flatten().copied().collect();
        let alerts = names
            .iter()
            .filter_map(|name| self.stack.catalog.alert(name));
        let levels = alerts.filter(|alert| alert.levels.is_some());
        levels.into_iter().any(|alert| {
            let own = limits
                .iter()
                .filter(|(_, names)| names.contains(&*alert.name));
            let own: Limits = own
                .map(|(limit, _)| (*limit, BTreeSet::from([&*alert.name])))
                .collect();
            // As it is compared, it is shown with the thresholds of all.
            let as_it_is = own.keys().all(|Key(value)| {
                let mut branches = alert.branches.iter();
                branches.any(|branch| branch.above == Some(*value))
            });
            let near = !as_it_is || divided(&expression.ast);
            near && judged(self.stack, expression, &own).is_none()
        })
    }

    /// Whether it reads what an alert compares by its name.
    fn names(&self, expression: &Expression) -> bool {
        let mut named = selectors(&expression.ast).into_iter().filter_map(metric);
        named.any(|name| self.recorded.contains_key(name))
    }
}

/// Whether something is divided by a number, which may be 1.
fn divided(expr: &Expr) -> bool {
    let by_number = matches!(expr, Expr::Binary(binary) if
        binary.op.id() == T_DIV && matches!(*binary.rhs, Expr::NumberLiteral(_)));
    by_number || children(expr).into_iter().any(divided)
}

/// How much of a value two ways to work it out may differ by: windows begin and end elsewhere.
const TOLERANCE: f64 = 0.02;

/// What two instances of a service measure, so that the largest, the mean and the sum differ.
const INSTANCES: [(&str, f64); 2] = [("one:1", 1.0), ("two:1", 3.0)];

impl Signals<'_, '_> {
    /// A panel with the threshold of an alert that shows another number than the alert compares, of the same metrics: both are asked
    /// while a service does something.
    fn borrowed(&self, expression: &Expression, recordings: &Recordings) -> Option<Diagnostic> {
        let query = expression.target["refId"].as_str().unwrap_or_default();
        let field = Field::of(expression.owner, "", query);
        if !(field.by_steps() || field.marks_steps()) {
            return None;
        }
        let field_steps = field.steps();
        let reddening = |side: Side| {
            let colours = firing_colours(&field_steps, side).into_iter();
            let bad = colours.filter(|(.., news)| *news == News::Bad);
            bad.map(|(_, value, _)| value).collect::<Vec<f64>>()
        };
        let sources = recordings.sources(&expression.ast);
        let mut differs = None;
        for alert in &self.stack.catalog.alerts {
            for branch in &alert.branches {
                let limit = branch.limit();
                let limit = limit.filter(|(side, limit)| reddening(*side).contains(limit));
                let Some((side, limit)) = limit else {
                    continue;
                };
                let service = branch
                    .services
                    .first()
                    .and_then(|name| self.stack.catalog.service(name))?;
                let signal = format!("{}{{job=\"{}\"}}", branch.signal, service.name);
                let signal = self.stack.contract.parse(&signal).ok()?;
                let compared = recordings.sources(&signal);
                let of = |expr: &Expr| recordings.constants(expr);
                // Whether a target is up is asked beside what is compared; and what is 0 or 1 is red below 1 whatever an alert counts of it.
                let beside = !compared.iter().all(|name| of_scrapes(name));
                let state = |name: &str| {
                    of_scrapes(name) || built_in("health-probe").any(|known| known == name)
                };
                let mut shared = compared.intersection(&sources);
                let apart = shared
                    .all(|name| beside && of_scrapes(name) || limit == 1.0 && state(name.as_str()));
                if apart && of(&signal).is_disjoint(&of(&expression.ast)) {
                    continue;
                }
                let all = sources.union(&compared).map(String::as_str);
                let world = World::rising(
                    &self.doing(&service.name, all, &expression.ast),
                    branch.window.unwrap_or_default(),
                    recordings,
                    &BTreeSet::from([service.name.as_str()]),
                );
                let value = |samples: Samples| {
                    let own = samples.into_iter().filter(|(labels, _)| {
                        ["", service.name.as_str()].contains(&labels.get("job"))
                    });
                    own.map(|(_, value)| value)
                        .fold(None, |most: Option<f64>, value| {
                            Some(most.map_or(value, |most| most.max(value)))
                        })
                };
                let (shown, meant) = (
                    value(world.asked(&expression.ast)?)?,
                    value(world.asked(&signal)?)?,
                );
                if (shown - meant).abs() <= TOLERANCE * meant.abs() {
                    return None;
                }
                let title = expression.owner["title"].as_str().unwrap_or_default();
                differs.get_or_insert_with(|| {
                    place::on(
                        expression,
                        format!("`{title}` is red {} {limit} as {} is, and shows another number than it compares", match side { Side::Above => "from", Side::Below => "below" }, alert.name),
                        "ask for what the alert compares, or give the panel thresholds of its own",
                    )
                });
            }
        }
        differs
    }

    /// Every series that a service can have of some metrics, as far as labels differ in what is asked of them.
    fn doing<'m>(
        &self,
        job: &str,
        metrics: impl Iterator<Item = &'m str>,
        expr: &Expr,
    ) -> Vec<(Labels, f64, f64)> {
        let contract = &self.stack.contract;
        let own = contract.targets.with("job", job);
        let mut found = Vec::new();
        for (place, name) in metrics.enumerate() {
            for set in contract
                .family(name)
                .iter()
                .filter(|set| !set.targets.is_disjoint(&own))
            {
                let Some(target) = set.targets.intersection(&own).next() else {
                    continue;
                };
                let carried = contract.targets.list[target]
                    .labels
                    .iter()
                    .filter(|(label, _)| set.carried.contains(*label));
                let carried: Vec<(String, String)> = carried
                    .map(|(label, value)| (label.clone(), value.clone()))
                    .collect();
                let mut all: Vec<Vec<(String, String)>> = vec![carried];
                for (label, domain) in &set.labels {
                    let asked = selectors(expr)
                        .into_iter()
                        .flat_map(|selector| &selector.matchers.matchers);
                    let asked = asked
                        .filter(|matcher| matcher.name == *label)
                        .map(|matcher| matcher.value.clone());
                    let patterns =
                        asked.chain(["5..".to_string(), "2..".to_string(), "4..".to_string()]);
                    let values: BTreeSet<String> = patterns
                        .filter_map(|pattern| domain.example(&pattern, true))
                        .chain(domain.example(".+", true))
                        .collect();
                    let values: Vec<String> = values.into_iter().take(VALUES).collect();
                    all = all
                        .into_iter()
                        .flat_map(|labels| {
                            values.iter().map(move |value| {
                                [labels.clone(), vec![(label.clone(), value.clone())]].concat()
                            })
                        })
                        .collect();
                    all.truncate(SERIES);
                }
                for (index, labels) in all.iter().enumerate() {
                    for (instance, size) in INSTANCES {
                        let written = labels.iter().map(|(label, value)| {
                            (
                                label.as_str(),
                                if label == "instance" {
                                    instance
                                } else {
                                    value.as_str()
                                },
                            )
                        });
                        // Primes make sums and ratios of different series differ.
                        let number = size * (1.0 + index as f64 * 7.0 + place as f64 * 13.0);
                        let counts = set.kind == MetricType::Counter;
                        let (value, slope) = if counts {
                            (0.0, number / 100.0)
                        } else {
                            (number, 0.0)
                        };
                        found.push((series(name, written), value, slope));
                    }
                }
            }
        }
        found
    }
}

/// So many values of a label are tried, and so many series of a metric.
const VALUES: usize = 4;
const SERIES: usize = 32;

/// The first service of each group.
fn by_group<'s>(stack: &Stack, services: &'s [String]) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    let first = services.iter().filter(|name| {
        let group = stack
            .catalog
            .service(name)
            .map(|service| service.group.as_str());
        group.is_some_and(|group| seen.insert(group.to_string()))
    });
    first.map(String::as_str).collect()
}

/// An expression without what chooses services, smooths and sorts: two that have the same measure the same thing.
fn essence(expr: &Expr) -> String {
    let mut expr = expr.clone();
    reduced(&mut expr);
    plain(&mut expr);
    print(&expr)
}

/// The same window for all.
const WINDOW: Duration = Duration::from_secs(300);

fn reduced(expr: &mut Expr) {
    loop {
        let inner = match expr {
            Expr::Paren(paren) => (*paren.expr).clone(),
            Expr::Aggregate(aggregate)
                if [T_MAX, T_MIN, T_AVG, T_TOPK, T_BOTTOMK].contains(&aggregate.op.id()) =>
            {
                (*aggregate.expr).clone()
            }
            Expr::Call(call)
                if [
                    "sort",
                    "sort_desc",
                    "avg_over_time",
                    "last_over_time",
                    "max_over_time",
                ]
                .contains(&call.func.name) =>
            {
                match call.args.args.first().map(|argument| &**argument) {
                    Some(Expr::MatrixSelector(matrix)) => Expr::VectorSelector(matrix.vs.clone()),
                    Some(other) => other.clone(),
                    None => return,
                }
            }
            _ => break,
        };
        *expr = inner;
    }
    if let Expr::Aggregate(aggregate) = expr {
        aggregate.modifier = None;
    }
    if let Expr::MatrixSelector(matrix) = expr {
        matrix.range = WINDOW;
    }
    if let Some(selector) = selector_mut(expr) {
        let chooses = |name: &str| matches!(name, "job" | "service" | "component" | "instance");
        selector
            .matchers
            .matchers
            .retain(|matcher| !chooses(&matcher.name));
    }
    children_mut(expr).into_iter().for_each(reduced);
}

/// The side of their thresholds on which all of the alerts fire; None: they differ, and no colour is right for all.
fn side_of(stack: &Stack, limits: &Limits) -> Option<Side> {
    let names = limits.values().flatten();
    let mut sides = names.filter_map(|name| Some(stack.catalog.alert(name)?.side));
    let first = sides.next()?;
    sides.all(|side| side == first).then_some(first)
}

/// The colours on the side of each step on which alerts fire: its own above it, that of the one before below it.
fn firing_colours(steps: &[(Option<f64>, String)], side: Side) -> Vec<(usize, f64, News)> {
    let own = steps
        .iter()
        .enumerate()
        .filter_map(|(index, (value, own))| {
            let name = match side {
                Side::Above => own,
                Side::Below => &steps[index.checked_sub(1)?].1,
            };
            Some((index, (*value)?, colour(name)))
        });
    own.collect()
}

fn judged(stack: &Stack, expression: &Expression, limits: &Limits) -> Option<Diagnostic> {
    let panel = expression.owner;
    let side = side_of(stack, limits)?;
    let (lowest, highest) = (limits.keys().next()?.0, limits.keys().next_back()?.0);
    let query = expression.target["refId"].as_str().unwrap_or_default();
    let field = Field::of(panel, "", query);
    let (coloured, marked) = (field.by_steps(), field.marks_steps());
    if !(coloured || marked) {
        return None;
    }
    let pointer = expression
        .pointer
        .split("/targets/")
        .next()
        .unwrap_or_default();
    let title = panel["title"].as_str().unwrap_or_default();
    let defaults = format!("{pointer}/fieldConfig/defaults");
    let steps = field.steps();
    // What fires at 0 too is drawn up to just above it.
    let near = |a: f64, b: f64| {
        let size = if a == 0.0 || b == 0.0 {
            1.0
        } else {
            a.abs().max(b.abs())
        };
        (a - b).abs() <= 1e-9 * size
    };
    let names = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(" and ");
    let all = limits
        .iter()
        .map(|(Key(value), alerts)| format!("{} fires {} {value}", names(alerts), side.word()))
        .collect::<Vec<_>>()
        .join(", ");
    let at = |index: usize| match panel["fieldConfig"]["defaults"].get("thresholds") {
        Some(_) => format!("{defaults}/thresholds/steps/{index}/value"),
        None => format!("{pointer}/type"),
    };
    // One panel may draw the services of an alert by several queries, each with thresholds of its own.
    let is_limit = |value: f64| {
        let of_alert = |alert: &&str| {
            let alert = stack.catalog.alert(alert);
            let mut branches = alert.iter().flat_map(|alert| &alert.branches);
            branches.any(|branch| branch.limit().is_some_and(|(_, limit)| near(limit, value)))
        };
        limits.keys().any(|limit| near(limit.0, value)) || limits.values().flatten().any(of_alert)
    };
    let help = "draw the alert's own threshold";
    // A step that is no threshold is another colour of what is still well, or a lie.
    let firing = firing_colours(&steps, side);
    let nearest = match side {
        Side::Above => lowest,
        Side::Below => highest,
    };
    for (index, value, news) in &firing {
        let (index, early) = (*index, side.beyond(nearest, *value));
        if !is_limit(*value) && index > 0 && *news == News::Bad && (early || steps.len() == 2) {
            let name = match side {
                Side::Above => format!("turns {} at", steps[index].1),
                Side::Below => format!("is {} below", steps[index - 1].1),
            };
            return Some(place::at(
                expression.path,
                at(index),
                format!("`{title}` {name} {value}, and {all}"),
                help,
            ));
        }
    }
    // Just beyond the last threshold, and just short of the first.
    let above = field.shown(Some(highest + highest.abs().max(1.0) * 1e-6));
    let below = field.shown(Some(lowest - lowest.abs().max(1.0) * 1e-6));
    let last = steps.len().saturating_sub(1);
    let ((beyond, far), (short, near_by)) = match side {
        Side::Above => ((above, last), (below, 0)),
        Side::Below => ((below, 0), (above, last)),
    };
    if coloured && beyond.colour.as_deref().map(colour) == Some(News::Good) {
        return Some(place::at(
            expression.path,
            at(far),
            format!(
                "`{title}` is {} where the alert fires: {all}",
                beyond.described()
            ),
            help,
        ));
    }
    let others = steps
        .iter()
        .filter_map(|step| step.0)
        .any(|step| side.beyond(nearest, step) && is_limit(step));
    if coloured
        && !others
        && short.colour.as_deref().map(colour) == Some(News::Bad)
        && steps.len() > 1
    {
        return Some(place::at(
            expression.path,
            at(near_by),
            format!(
                "`{title}` is {} where no alert fires: {all}",
                short.described()
            ),
            help,
        ));
    }
    // Every line that is drawn, and every threshold.
    if marked {
        let drawn = |value: f64| {
            steps
                .iter()
                .any(|step| step.0.is_some_and(|step| near(step, value)))
        };
        let lost = limits.keys().find(|limit| !drawn(limit.0));
        let strange = firing
            .iter()
            .find(|(_, value, news)| !is_limit(*value) && *news == News::Bad);
        if let Some((index, value, _)) = strange {
            return Some(place::at(
                expression.path,
                at(*index),
                format!("`{title}` has a line at {value}, and {all}"),
                help,
            ));
        }
        if let Some(Key(value)) = lost {
            return Some(place::at(
                expression.path,
                at(steps.len().saturating_sub(1)),
                format!("`{title}` has no line at {value}, and {all}"),
                help,
            ));
        }
    }
    // On an axis that ends before it, the line is out of sight.
    let axis = marked || matches!(panel["type"].as_str(), Some("gauge" | "bargauge"));
    let max = field.bound("max").filter(|max| axis && *max < lowest);
    let min = field.bound("min").filter(|min| axis && *min > highest);
    let (key, end) = max
        .map(|max| ("max", max))
        .or(min.map(|min| ("min", min)))?;
    Some(place::at(
        expression.path,
        format!("{defaults}/{key}"),
        format!("the axis of `{title}` ends at {end}, and {all}"),
        "leave the threshold in sight",
    ))
}
