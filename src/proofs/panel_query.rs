//! What a panel asks is what it draws: its queries run, give a course where one is drawn and a value where one is shown, and step
//! as far as there are samples.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::contract::evaluate::nodes;
use crate::diagnostic::Diagnostic;
use crate::promql::canonical::{plain, print};
use crate::promql::walk::{children_mut, selector_mut, selectors};
use crate::promql::{Expr, MatchOp};
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{News, colour};
use crate::stack::grafana::{Draws, GRAFANA};
use crate::value::Value;
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-query",
    doc: "A hidden query is not run, an instant one is a single point on a time axis, a range in a table is a row for every step; steps or fixed windows that do not fit the scrapes leave gaps, and a query per service has to be written again for every new one.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=timeseries/targets/0/hide",
        bad: "true",
    },
    check: Check::Stack(check),
};

/// Transformations that make one row, or one frame, of many.
const REDUCES: [&str; 6] = [
    "reduce",
    "groupBy",
    "timeSeriesTable",
    "groupingToMatrix",
    "groupToNestedTable",
    "limit",
];

/// Transformations that make columns of the labels of series, or of the series themselves.
const JOINS: [&str; 8] = [
    "labelsToFields",
    "seriesToRows",
    "seriesToColumns",
    "joinByField",
    "joinByLabels",
    "concatenate",
    "prepareTimeSeries",
    "rowsToFields",
];

/// Queries that differ in nothing but the service, from which on there should be one.
const ALIKE: usize = 3;

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.dashboards() {
        let shown = shown(&file.value);
        let kept = stack.catalog.prometheus.retention;
        for key in ["from", "to"] {
            let back = file.value["time"][key].as_str().and_then(back);
            if let Some(back) = back.filter(|back| back.0 > kept.0) {
                found.push(place::at(
                    &file.path,
                    format!("/time/{key}"),
                    format!(
                        "the dashboard opens on what was {back} ago, and data is kept for {kept}"
                    ),
                    "show a time that is kept",
                ));
            }
        }
        for (index, variable) in file.value["templating"]["list"].items().enumerate() {
            let query = &variable["query"];
            if variable["type"] == "query" && silent(query) && silent(&query["query"]) {
                found.push(place::at(
                    &file.path,
                    format!("/templating/list/{index}"),
                    format!(
                        "the variable `{}` asks nothing, so it offers nothing",
                        named(variable)
                    ),
                    "write its `query`, as in `label_values(up, job)`",
                ));
            }
        }
        for (index, mark) in file.value["annotations"]["list"].items().enumerate() {
            let asks = [&mark["expr"], &mark["target"]["expr"]];
            if mark["datasource"]["type"] == "prometheus" && asks.into_iter().all(silent) {
                found.push(place::at(
                    &file.path,
                    format!("/annotations/list/{index}"),
                    format!("the marks `{}` ask nothing, so none is drawn", named(mark)),
                    "write their `expr`, or remove them",
                ));
            }
        }
        for (index, mark) in file.value["annotations"]["list"].items().enumerate() {
            found.extend(unseen(&file.value, mark).map(|(key, message, help)| {
                let at = format!("/annotations/list/{index}/{key}");
                place::at(
                    &file.path,
                    at,
                    format!("the marks `{}` {message}", named(mark)),
                    help,
                )
            }));
        }
        for (pointer, panel) in panels(&file.value) {
            let kind = panel["type"].as_str().unwrap_or_default();
            let Some(draws) = GRAFANA.panel(kind).and_then(|kind| kind.draws) else {
                continue;
            };
            let mut wrong = |key: String, message: String, help: &str| {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/{key}"),
                    message,
                    help,
                ))
            };
            let title = panel["title"].as_str().unwrap_or_default();
            let targets = || panel["targets"].items().enumerate();
            // A query that no source is asked, but that counts with the others, says so by its type.
            let read_by_others = |name: &str| {
                let reads = |text: &Value| text.as_str().is_some_and(|text| text.contains(name));
                targets().any(|(_, target)| {
                    target["datasource"]["type"] == "__expr__"
                        && (reads(&target["expression"]) || !target["conditions"].is_null())
                })
            };
            if targets().next().is_none() {
                wrong(
                    "type".to_string(),
                    format!("`{title}` asks nothing"),
                    "give it a query, or remove it",
                );
            }
            for key in ["timeFrom", "timeShift"] {
                let back = panel[key].as_str().and_then(span);
                if let Some(back) = back.filter(|back| back.0 > kept.0) {
                    wrong(
                        key.to_string(),
                        format!("`{title}` shows what was {back} ago, and data is kept for {kept}"),
                        "show a time that is kept",
                    );
                }
            }
            let mut ids = HashMap::new();
            for (index, target) in targets() {
                let id = target["refId"].as_str().unwrap_or_default();
                if target["hide"] == true && !read_by_others(id) {
                    wrong(
                        format!("targets/{index}/hide"),
                        format!("the query {id} of `{title}` is hidden, so nothing of it is shown"),
                        "show it, or remove it",
                    );
                }
                if ids.insert(id, index).is_some() {
                    wrong(
                        format!("targets/{index}/refId"),
                        format!("two queries of `{title}` are named `{id}`"),
                        "give each query a letter of its own",
                    );
                }
                let source = target["datasource"]["type"]
                    .as_str()
                    .unwrap_or("prometheus");
                let of_panel = panel["datasource"]["type"].as_str().unwrap_or(source);
                if source == "prometheus" && of_panel == source && silent(&target["expr"]) {
                    wrong(
                        format!("targets/{index}"),
                        format!("the query {id} of `{title}` asks nothing"),
                        "write its `expr`, or remove the query",
                    );
                }
                if source == "prometheus"
                    && let Some((key, message, help)) = asked(draws, panel, target)
                {
                    wrong(
                        format!("targets/{index}/{key}"),
                        format!("the query {id} of `{title}` {message}"),
                        help,
                    );
                }
            }
            let few = panel["maxDataPoints"]
                .as_f64()
                .filter(|points| *points < 3.0);
            if let (Some(points), Draws::Range) = (few, draws) {
                wrong(
                    "maxDataPoints".to_string(),
                    format!("`{title}` draws a course of {points} points"),
                    "leave it to the width of the panel",
                );
            }
            let of_panel = (&panel["interval"], "interval".to_string());
            let of_queries = targets()
                .map(|(index, target)| (&target["interval"], format!("targets/{index}/interval")));
            let steps = std::iter::once(of_panel).chain(of_queries);
            let steps = steps.filter_map(|(step, key)| Some((least(step.as_str()?)?, key)));
            let longest = steps.max_by_key(|(step, _)| *step);
            if let (Some((step, key)), Some(shown)) = (longest, shown)
                && step.0 * 2 >= shown.0
            {
                let mut exprs = targets().filter_map(|(_, target)| target["expr"].as_str());
                if let Draws::Range = draws {
                    wrong(
                        key,
                        format!(
                            "`{title}` draws a point every {step} of the {shown} that are shown"
                        ),
                        "draw more points",
                    );
                } else if exprs.any(|expr| expr.contains("$__rate_interval")) {
                    wrong(
                        key,
                        format!(
                            "`{title}` counts over {step} and more, and {shown} are shown: it is no rate of now"
                        ),
                        "write the interval of the scrapes, or leave it out",
                    );
                }
            }
        }
    }
    let mut alike: HashMap<(&str, &str, String), Vec<&Expression>> = HashMap::new();
    for expression in stack.used(Usage::Panel) {
        if expression.owner.is_null() {
            continue;
        }
        found.extend(window(expression));
        found.extend(step(stack, expression));
        let panel = expression.panel().unwrap_or_default();
        let legend = expression.target["legendFormat"]
            .as_str()
            .unwrap_or_default();
        if let Some(shape) = shape(stack, &expression.ast) {
            let named = legend.contains("{{");
            let key = (expression.path, panel, format!("{named} {shape}"));
            alike.entry(key).or_default().push(expression);
        }
    }
    for queries in alike.into_values().filter(|queries| queries.len() >= ALIKE) {
        let title = queries[0].owner["title"].as_str().unwrap_or_default();
        found.push(place::on(
            queries[1],
            format!(
                "`{title}` has {} queries that differ in the service alone",
                queries.len()
            ),
            "ask once, by (job): a service that is added is then shown too",
        ));
    }
    found
}

/// Marks that nobody sees, or that look like good news: their key, the rest of a sentence, what to do.
fn unseen(dashboard: &Value, mark: &Value) -> Option<(&'static str, String, &'static str)> {
    if mark["enable"] == false && mark["hide"] == true {
        let message = "are off, and the switch that turns them on is hidden".to_string();
        return Some(("enable", message, "show one of the two, or remove them"));
    }
    let ids = mark["filter"]["ids"].items();
    let there = |id: &Value| {
        panels(dashboard)
            .iter()
            .any(|(_, panel)| panel["id"] == *id)
    };
    if mark["filter"]["exclude"] != true && ids.clone().next().is_some() && !ids.clone().any(there)
    {
        let message = "are drawn in panels alone that the dashboard does not have".to_string();
        return Some(("filter", message, "write the `id` of a panel that it has"));
    }
    let expr = mark["expr"].as_str().or(mark["target"]["expr"].as_str())?;
    let colour_of = mark["iconColor"].as_str().unwrap_or_default();
    (expr.contains("alertstate=\"firing\"") && colour(colour_of) == News::Good).then(|| {
        let message = format!("show an alert that fires in {colour_of}, as what is well");
        (
            "iconColor",
            message,
            "take red, or another colour of warning",
        )
    })
}

/// What is wrong with how a query is asked: its key, the rest of a sentence, what to do.
fn asked(
    draws: Draws,
    panel: &Value,
    target: &Value,
) -> Option<(&'static str, String, &'static str)> {
    let format = target["format"].as_str().unwrap_or("time_series");
    let instant = target["instant"] == true && target["range"] != true;
    let done = |names: &[&str]| {
        let changes = panel["transformations"].items();
        let mut ids = changes.filter_map(|change| change["id"].as_str());
        ids.any(|id| names.contains(&id))
    };
    let (reduced, joined) = (done(&REDUCES), done(&REDUCES) || done(&JOINS));
    let changed = panel["transformations"].items().next().is_some();
    let table = panel["type"] == "table";
    match draws {
        Draws::Range if instant => Some((
            "instant",
            "is instant: one point, where a course is drawn".to_string(),
            "ask for the range",
        )),
        Draws::Range if format == "table" && !changed => Some((
            "format",
            "gives a table, where lines are drawn".to_string(),
            "leave the format out",
        )),
        Draws::Now if table && !instant && format == "table" && !reduced => Some((
            if target.get("range").is_some() {
                "range"
            } else {
                "format"
            },
            "asks for the range, so that there is a row for every step".to_string(),
            "write `instant: true` and `range: false`",
        )),
        Draws::Now if table && format != "table" && !joined => Some((
            if target.get("format").is_some() {
                "format"
            } else {
                "expr"
            },
            "gives a table for each series, of which only one is shown".to_string(),
            "write `format: table`",
        )),
        Draws::Now
            if !table
                && format == "table"
                && panel["options"]["reduceOptions"]["values"] != true =>
        {
            Some((
                "format",
                "gives one column for all series, of which one value is shown".to_string(),
                "leave the format out",
            ))
        }
        _ if format == "heatmap" && panel["type"] != "heatmap" => Some((
            "format",
            "gives buckets, which only a heatmap draws".to_string(),
            "leave the format out",
        )),
        _ => None,
    }
}

fn named(value: &Value) -> &str {
    value["name"].as_str().unwrap_or_default()
}

/// Whether there is no text.
fn silent(text: &Value) -> bool {
    text.as_str().is_none_or(|text| text.trim().is_empty())
}

/// A smallest step as it is written: `15s`, `>15s`.
fn least(text: &str) -> Option<Duration> {
    Duration::parse(text.trim_start_matches('>').trim())
}

/// How much time the dashboard shows when it is opened.
pub(super) fn shown(dashboard: &Value) -> Option<Duration> {
    let from = dashboard["time"]["from"].as_str()?.strip_prefix("now-")?;
    (dashboard["time"]["to"] == "now")
        .then(|| Duration::parse(from))
        .flatten()
}

/// How long ago a time is: `now-6h`, `now-1d/d`.
fn back(time: &str) -> Option<Duration> {
    span(time.strip_prefix("now-")?.split('/').next()?)
}

/// A time as Grafana writes it, which has months too.
fn span(text: &str) -> Option<Duration> {
    match text.strip_suffix('M') {
        Some(months) => Some(Duration(months.parse::<u64>().ok()? * 30 * 86_400_000)),
        None => Duration::parse(text),
    }
}

/// So long a window holds samples enough at whatever step.
const LONG: Duration = Duration(30 * 60_000);

/// Words of times.
const SPANS: [&str; 5] = ["hour", "day", "week", "month", "minutes"];

/// A rate over a window of its own, drawn at steps that Grafana chooses.
fn window(expression: &Expression) -> Option<Diagnostic> {
    if expression.target["instant"] == true && expression.target["range"] != true {
        return None;
    }
    // A longer time that the panel speaks of is meant.
    let words =
        ["title", "description"].map(|key| expression.owner[key].as_str().unwrap_or_default());
    let words = words.join(" ").to_lowercase();
    let said = |window: &str| {
        let length = Duration::parse(window).is_some_and(|window| window >= LONG);
        length && (words.contains(window) || SPANS.iter().any(|span| words.contains(span)))
    };
    let mut fixed = false;
    for (at, _) in expression.written.match_indices("rate(") {
        let rest = &expression.written[at..];
        // The window that comes next: `rate` takes no other brackets before its own, but for those in patterns.
        let mut quoted = false;
        let open = rest.find(|character| {
            quoted ^= character == '"';
            !quoted && character == '['
        });
        let window = open.and_then(|open| rest[open + 1..].split_once(']'));
        fixed |= window.is_some_and(|(window, _)| !window.contains('$') && !said(window));
    }
    fixed.then(|| {
        place::on(
            expression,
            "a rate in a panel has a fixed window",
            "use `[$__rate_interval]`",
        )
    })
}

/// A smallest step that is shorter than what is between two scrapes: `$__rate_interval` follows it.
fn step(stack: &Stack, expression: &Expression) -> Option<Diagnostic> {
    let (step, key) = match expression.target["interval"].as_str().and_then(least) {
        Some(step) => (step, expression.pointer.replace("/expr", "/interval")),
        None => {
            let panel = expression.panel()?;
            let step = expression.owner["interval"].as_str().and_then(least)?;
            (step, format!("{panel}/interval"))
        }
    };
    let nodes = nodes(&expression.ast, &stack.contract);
    let read = nodes.iter().filter(|node| node.operands.is_empty());
    let targets = read.flat_map(|node| node.series.iter().flat_map(|series| series.targets.ones()));
    let slowest = targets
        .filter_map(|index| stack.contract.targets.list.get(index))
        .map(|target| target.interval)
        .max()?;
    (step.0 < slowest.0).then(|| {
        place::at(
            expression.path,
            key,
            format!("a step of {step} is shorter than the {slowest} between scrapes: rates have no samples"),
            format!("make it {slowest} or leave it to the data source"),
        )
    })
}

/// The expression with `…` in place of the service that it chooses; None: it chooses none.
fn shape(stack: &Stack, expr: &Expr) -> Option<String> {
    fn blank(stack: &Stack, expr: &mut Expr, found: &mut bool) {
        if let Some(selector) = selector_mut(expr) {
            for matcher in &mut selector.matchers.matchers {
                if matches!(matcher.op, MatchOp::Equal)
                    && stack.catalog.service(&matcher.value).is_some()
                {
                    matcher.value = "…".to_string();
                    *found = true;
                }
            }
        }
        for child in children_mut(expr) {
            blank(stack, child, found);
        }
    }
    // Signals are drawn branch by branch, as the catalog's overrides set them apart.
    let recorded = |name: &str| stack.contract.recorded(name).is_some();
    if selectors(expr)
        .iter()
        .any(|one| one.name.as_deref().is_some_and(recorded))
    {
        return None;
    }
    let (mut expr, mut found) = (expr.clone(), false);
    blank(stack, &mut expr, &mut found);
    found.then(|| {
        plain(&mut expr);
        print(&expr)
    })
}
