//! A panel's unit is that of its values, as far as the names of metrics tell what they measure.

use super::panel_fields::names;
use super::{Check, Example, Expression, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::Contract;
use crate::contract::evaluate::{Node, nodes};
use crate::contract::values::Base;
use crate::promql::Expr;
use crate::promql::token::*;
use crate::stack::grafana::shown::{meets, overriding};
use crate::value::Value;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-unit",
    doc: "Grafana takes the number for what the unit says: seconds shown as milliseconds are out by a factor of a thousand, a ratio shown as `percent` by a hundred, and both look plausible.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/-",
        bad: r#"{"type": "stat", "title": "Services up", "description": "Share of the services that answer scrapes.", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 900}, "targets": [{"refId": "A", "expr": "100 * avg(up)"}], "fieldConfig": {"defaults": {"unit": "percentunit", "color": {"mode": "fixed", "fixedColor": "text"}}}}"#,
    },
    check: Check::Expression(|expression, nodes, contract| {
        // What only other queries reckon with is not shown.
        let shown = expression.usage == Usage::Panel && expression.target["hide"] != true;
        let whole = nodes.last().filter(|_| shown);
        let Some(whole) = whole else {
            return Vec::new();
        };
        // The unit of its own column in a table is another than that of the panel.
        if let Some(unit) = column(expression)
            && let (Some(measured), Some(shown)) = (measured(whole, nodes, contract), of_unit(unit))
            && measured != shown
        {
            let wrong = format!("the column shows {} as `{unit}`", measured.plural());
            let help = match unit.starts_with("dateTime") {
                true => "a date is of milliseconds: multiply by 1000".to_string(),
                false => format!("use the unit `{}`", measured.unit()),
            };
            return vec![place::on(expression, wrong, help)];
        }
        let others = Others::of(expression, contract);
        let default = expression.owner["fieldConfig"]["defaults"]["unit"].as_str();
        let default = default.filter(|_| !others.all);
        let wrong = |unit: &str| misread(unit, whole, nodes, contract);
        if let Some((wrong, help)) = default.and_then(wrong) {
            return vec![place::on(expression, wrong, help)];
        }
        let of_some = others.units.into_iter().find_map(|(pointer, unit)| {
            let (wrong, help) = wrong(unit)?;
            let panel = expression.panel()?;
            Some(place::at(
                expression.path,
                format!("{panel}/{pointer}"),
                wrong,
                help,
            ))
        });
        of_some.into_iter().collect()
    }),
};

/// What is wrong with a unit of what an expression gives, and what to do.
fn misread(
    unit: &str,
    whole: &Node,
    nodes: &[Node],
    contract: &Contract,
) -> Option<(String, String)> {
    let hundredfold = hundredfold(whole, nodes);
    let shown = of_unit(unit);
    match (unit, measured(whole, nodes, contract), shown) {
        ("percentunit", _, _) if hundredfold => Some((
            "the panel multiplies by 100, and so does its unit".to_string(),
            "remove `100 *`, or use the unit `percent`".to_string(),
        )),
        ("percent", _, _) if !hundredfold && (share(whole, nodes) || at_most_one(whole)) => Some((
            "the panel shows a ratio as that many percent".to_string(),
            "use the unit `percentunit`".to_string(),
        )),
        (_, None, Some(Measure::Seconds)) if in_milliseconds(whole) => Some((
            format!("the panel shows milliseconds as `{unit}`"),
            "use a unit of milliseconds, or do not multiply by 1000".to_string(),
        )),
        (_, Some(measured), Some(shown)) if measured != shown => Some((
            format!("the panel shows {} as `{unit}`", measured.plural()),
            format!("use the unit `{}`", measured.unit()),
        )),
        _ => None,
    }
}

/// The units that overrides give to what an expression gives.
struct Others<'a> {
    /// With their places in the panel.
    units: Vec<(String, &'a str)>,
    /// Whether all that it gives has one of them.
    all: bool,
}

impl<'a> Others<'a> {
    fn of(expression: &Expression<'a>, contract: &Contract) -> Others<'a> {
        let panel = expression.owner;
        let letter = expression.target["refId"].as_str().unwrap_or_default();
        let written = overriding(panel, "unit");
        let written =
            written.filter_map(|(pointer, unit, matcher)| Some((pointer, unit.as_str()?, matcher)));
        let written: Vec<_> = written.filter(|_| panel["type"] != "table").collect();
        if written.is_empty() {
            return Others {
                units: Vec::new(),
                all: false,
            };
        }
        // Of names that are not known, whatever meets each.
        let called = names(expression, contract).unwrap_or_else(|| [String::new()].into());
        let met = |matcher: &Value| called.iter().any(|name| meets(matcher, name, letter));
        let all = called.iter().all(|name| {
            let mut written = written.iter();
            written.any(|(_, _, matcher)| meets(matcher, name, letter))
        });
        let units = written.iter().filter(|(_, _, matcher)| met(matcher));
        let units = units.map(|(pointer, unit, _)| (pointer.clone(), *unit));
        Others {
            units: units.collect(),
            all,
        }
    }
}

/// Seconds of CPU time per second, of which one is 100 % for whoever says so.
pub(super) const CORES_AS_RATIO: &str = "the panel shows cores as `percentunit`";

/// The unit that a table gives to the values of a query alone.
fn column<'a>(expression: &Expression<'a>) -> Option<&'a str> {
    let letter = expression.target["refId"].as_str()?;
    let own = format!("Value #{letter}");
    // That of a single query has no letter.
    let single = expression.owner["targets"].items().count() == 1;
    let own = if single { "Value".to_string() } else { own };
    let renamed = expression.owner["transformations"]
        .items()
        .find_map(|change| change["options"]["renameByName"][&own].as_str());
    let changes = expression.owner["fieldConfig"]["overrides"].items();
    let mut mine = changes.filter(|change| {
        let options = change["matcher"]["options"].as_str().unwrap_or_default();
        match change["matcher"]["id"].as_str() {
            Some("byName") => options == own || Some(options) == renamed,
            Some("byFrameRefID") => options == letter,
            _ => false,
        }
    });
    mine.find_map(|change| {
        let mut properties = change["properties"].items();
        properties.find(|property| property["id"] == "unit")?["value"].as_str()
    })
}

/// What numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Seconds,
    Bytes,
    Ratio,
    BytesPerSecond,
    EventsPerSecond,
    /// How many, within a time.
    Events,
    /// Seconds of CPU time per second.
    Cores,
    /// How many series there are.
    Series,
    /// Something that no metric is given in here: milliseconds, megabytes, a time of day.
    Other,
}

impl Measure {
    fn plural(self) -> &'static str {
        match self {
            Measure::Seconds => "seconds",
            Measure::Bytes => "bytes",
            Measure::Ratio => "a ratio",
            Measure::BytesPerSecond => "bytes per second",
            Measure::EventsPerSecond => "events per second",
            Measure::Events => "events",
            Measure::Cores => "cores",
            Measure::Series => "a number of series",
            Measure::Other => "something else",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Measure::Seconds => "s",
            Measure::Bytes => "bytes",
            Measure::Ratio => "percentunit",
            Measure::BytesPerSecond => "Bps",
            Measure::EventsPerSecond => "ops",
            Measure::Events => "short",
            Measure::Cores | Measure::Series => "short",
            Measure::Other => "none",
        }
    }
}

fn in_milliseconds(node: &Node) -> bool {
    let unit = node.unit.as_ref();
    unit.is_some_and(|unit| unit.is(Base::Milliseconds))
}

/// What a unit says that a number is; None: it says nothing about that.
fn of_unit(unit: &str) -> Option<Measure> {
    Some(match unit {
        "s" | "dtdurations" | "dthms" | "dtdhms" | "clocks" => Measure::Seconds,
        "bytes" | "decbytes" => Measure::Bytes,
        "percentunit" => Measure::Ratio,
        "Bps" | "binBps" => Measure::BytesPerSecond,
        "cps" | "ops" | "reqps" | "rps" | "wps" | "iops" | "eps" | "mps" | "recps" | "rowsps"
        | "pps" => Measure::EventsPerSecond,
        "ns" | "µs" | "ms" | "m" | "h" | "d" | "dtdurationms" | "clockms" | "kbytes" | "mbytes"
        | "gbytes" | "tbytes" | "deckbytes" | "decmbytes" | "decgbytes" | "dectbytes" | "bits"
        | "decbits" | "percent" | "celsius" | "watt" | "hertz" | "cpm" | "opm" | "reqpm"
        | "rpm" | "wpm" => Measure::Other,
        unit if unit.starts_with("dateTime") => Measure::Other,
        _ => return None,
    })
}

/// Whether a unit is of so many in a second.
pub(super) fn per_second(unit: &str) -> bool {
    matches!(
        of_unit(unit),
        Some(Measure::EventsPerSecond | Measure::BytesPerSecond)
    )
}

/// What an expression measures; None: nobody can tell.
fn measured(node: &Node, nodes: &[Node], contract: &Contract) -> Option<Measure> {
    let operand = |index: usize| {
        node.operands
            .get(index)
            .and_then(|at| measured(&nodes[*at], nodes, contract))
    };
    let last = || {
        node.operands
            .last()
            .and_then(|at| measured(&nodes[*at], nodes, contract))
    };
    match node.expr {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {
            let name = crate::promql::walk::selector(node.expr)?.name.as_deref()?;
            of_series(name, contract)
        }
        Expr::Paren(_) | Expr::Subquery(_) => operand(0),
        Expr::Aggregate(aggregate) => match aggregate.op.id() {
            T_COUNT => Some(Measure::Series),
            T_COUNT_VALUES | T_GROUP => None,
            _ => last(),
        },
        Expr::Call(call) => match call.func.name {
            "rate" | "irate" | "deriv" => rate(&nodes[*node.operands.first()?], operand(0)),
            "histogram_quantile" => bucketed(&nodes[*node.operands.last()?], nodes, contract),
            "increase" if counts(&nodes[*node.operands.first()?]) => Some(Measure::Events),
            "increase" | "delta" | "idelta" | "avg_over_time" | "max_over_time"
            | "min_over_time" | "last_over_time" | "sort" | "sort_desc" | "clamp_min"
            | "clamp_max" | "clamp" | "abs" | "label_replace" | "label_join" => operand(0),
            "quantile_over_time" => operand(1),
            "time" | "timestamp" => Some(Measure::Seconds),
            _ => None,
        },
        Expr::Binary(binary) => {
            let (left, right) = (operand(0), operand(1));
            match binary.op.id() {
                _ if binary.op.is_comparison_operator() => left,
                T_LOR => left.filter(|_| left == right || right.is_none()),
                T_LAND | T_LUNLESS => left,
                T_ADD | T_SUB if left == right => left,
                T_MUL if one(&binary.lhs) => right,
                T_MUL if one(&binary.rhs) => left,
                T_DIV if left.is_some() && left == right => Some(Measure::Ratio),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What the catalog says of a metric, else the suffix of its name.
fn of_series(name: &str, contract: &Contract) -> Option<Measure> {
    match contract.declared_unit(name) {
        Some(Base::Seconds) => Some(Measure::Seconds),
        Some(Base::Bytes) => Some(Measure::Bytes),
        Some(Base::Ratio) => Some(Measure::Ratio),
        Some(Base::Cores) => Some(Measure::Cores),
        Some(_) => Some(Measure::Other),
        None => of_name(name),
    }
}

/// Whether all its values are 1, as those of alerts are: times that, a number is what it was.
fn one(expr: &Expr) -> bool {
    match expr {
        Expr::VectorSelector(selector) => selector.name.as_deref() == Some("ALERTS"),
        Expr::Paren(paren) => one(&paren.expr),
        Expr::Aggregate(aggregate) => {
            [T_MAX, T_MIN, T_AVG].contains(&aggregate.op.id()) && one(&aggregate.expr)
        }
        _ => false,
    }
}

/// What the suffix of a name says.
fn of_name(name: &str) -> Option<Measure> {
    // level:what:how, as recording rules are named.
    if let Some((_, rest)) = name.split_once(':') {
        let (what, how) = rest.split_once(':').unwrap_or((rest, ""));
        return of_name(what).or(how
            .split('_')
            .any(|word| word == "ratio")
            .then_some(Measure::Ratio));
    }
    // Since when, in Unix time.
    if name == "ALERTS_FOR_STATE" {
        return Some(Measure::Seconds);
    }
    let base = name
        .strip_suffix("_total")
        .or(name.strip_suffix("_sum"))
        .unwrap_or(name);
    match () {
        () if base.ends_with("_seconds") => Some(Measure::Seconds),
        () if base.ends_with("_bytes") => Some(Measure::Bytes),
        () if base.ends_with("_ratio") => Some(Measure::Ratio),
        () if base.ends_with("_cores") => Some(Measure::Cores),
        () => None,
    }
}

/// What a rate of a range measures.
fn rate(range: &Node, of: Option<Measure>) -> Option<Measure> {
    let name = crate::promql::walk::selector(range.expr)?.name.as_deref()?;
    match of {
        None => counts(range).then_some(Measure::EventsPerSecond),
        Some(Measure::Bytes) => Some(Measure::BytesPerSecond),
        // Of other seconds it is a part of the time.
        Some(Measure::Seconds) if name.contains("cpu") => Some(Measure::Cores),
        Some(_) => None,
    }
}

/// Whether a range is one of a counter of events.
fn counts(node: &Node) -> bool {
    let selector = crate::promql::walk::selector(node.expr);
    let name = selector.and_then(|selector| selector.name.as_deref());
    name.is_some_and(|name| name.ends_with("_total") && of_name(name).is_none())
}

/// What buckets are limits of.
fn bucketed(node: &Node, nodes: &[Node], contract: &Contract) -> Option<Measure> {
    if let Some(selector) = crate::promql::walk::selector(node.expr) {
        return of_series(selector.name.as_deref()?.strip_suffix("_bucket")?, contract);
    }
    bucketed(&nodes[*node.operands.last()?], nodes, contract)
}

fn hundredfold(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::NumberLiteral(number) => number.val == 100.0,
        Expr::Binary(binary) if binary.op.id() == T_DIV => {
            hundredfold(&nodes[node.operands[0]], nodes)
        }
        Expr::Binary(binary) if binary.op.id() != T_MUL && !binary.op.is_comparison_operator() => {
            false
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            hundredfold(&nodes[node.operands[0]], nodes)
        }
        Expr::Aggregate(_) => node
            .operands
            .last()
            .is_some_and(|operand| hundredfold(&nodes[*operand], nodes)),
        Expr::Binary(_) | Expr::Paren(_) | Expr::Call(_) => node
            .operands
            .iter()
            .any(|operand| hundredfold(&nodes[*operand], nodes)),
        _ => false,
    }
}

/// Whether nothing that it gives is above 1, as of states.
fn at_most_one(node: &Node) -> bool {
    let bounds = node.bounds.as_ref();
    bounds.is_some_and(|bounds| bounds.least >= 0.0 && bounds.most <= 1.0)
}

/// Whether what an expression gives is in a unit without which its number says nothing.
pub(super) fn of_some_unit(expression: &Expression, contract: &Contract) -> bool {
    let nodes = nodes(&expression.ast, contract);
    let counted = [Measure::Series, Measure::Events];
    let whole = nodes.last();
    whole
        .and_then(|whole| measured(whole, &nodes, contract))
        .is_some_and(|measure| !counted.contains(&measure))
}

fn share(node: &Node, nodes: &[Node]) -> bool {
    match node.expr {
        Expr::Binary(binary) if binary.op.id() == T_DIV => nodes[node.operands[1]].vector(),
        // What is left of a whole.
        Expr::Binary(binary) if binary.op.id() == T_SUB => {
            matches!(&*binary.lhs, Expr::NumberLiteral(whole) if whole.val == 1.0)
        }
        Expr::Paren(_) | Expr::Aggregate(_) => node
            .operands
            .last()
            .is_some_and(|operand| share(&nodes[*operand], nodes)),
        Expr::Call(call) if call.func.name.starts_with("sort") => node
            .operands
            .first()
            .is_some_and(|operand| share(&nodes[*operand], nodes)),
        _ => false,
    }
}
