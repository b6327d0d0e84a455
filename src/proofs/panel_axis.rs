//! The axis of a panel shows the values that its query can have.

use super::{Check, Example, Expression, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::Contract;
use crate::contract::evaluate::Node;
use crate::contract::values::Bounds;
use crate::diagnostic::Diagnostic;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-axis",
    doc: "What is beyond the end of an axis is not drawn, and a bar whose scale is many times too long stays empty: both read as \"nothing happens\".",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/-",
        bad: r#"{"type": "timeseries", "title": "Services up", "description": "Ratio of the services that answer scrapes.", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 900}, "targets": [{"refId": "A", "expr": "avg(up)"}], "fieldConfig": {"defaults": {"unit": "percentunit", "min": 1}}}"#,
    },
    check: Check::Expression(|expression, nodes, contract| {
        let whole = nodes.last().filter(|_| expression.usage == Usage::Panel);
        let found = whole.and_then(|whole| out_of_sight(expression, whole));
        let cut = whole.and_then(|_| torn(expression, contract));
        found.into_iter().chain(cut).collect()
    }),
};

/// A line that is cut wherever samples are further apart than a time in which there is never a second one.
fn torn(expression: &Expression, contract: &Contract) -> Option<Diagnostic> {
    let custom = &expression.owner["fieldConfig"]["defaults"]["custom"];
    let apart = custom["insertNulls"].as_f64()?;
    let targets = contract.targets.list.iter();
    let slowest = targets.map(|target| target.interval).max()?;
    let dots = custom["showPoints"] == "always";
    (!dots && apart < slowest.0 as f64).then(|| {
        place::on(
            expression,
            format!(
                "the lines are cut where samples are {apart:.0} ms apart, and they come every {slowest}: nothing is drawn"
            ),
            "write some scrape intervals as `insertNulls`, or leave it out",
        )
    })
}

/// How many times longer than its values a scale is that cannot be meant.
const TOO_LONG: f64 = 10.0;

fn out_of_sight(expression: &Expression, whole: &Node) -> Option<Diagnostic> {
    let panel = expression.owner;
    let bar = match panel["type"].as_str()? {
        "gauge" | "bargauge" => true,
        "timeseries" | "barchart" => false,
        _ => return None,
    };
    // An axis of a field's own is not that of the panel.
    let own = panel["fieldConfig"]["overrides"]
        .items()
        .flat_map(|change| change["properties"].items())
        .any(|property| property["id"] == "min" || property["id"] == "max");
    if own {
        return None;
    }
    let defaults = &panel["fieldConfig"]["defaults"];
    let (min, max) = (defaults["min"].as_f64(), defaults["max"].as_f64());
    let Bounds { least, most } = whole.bounds?;
    // 0 is on no logarithmic axis.
    let scale = defaults["custom"]["scaleDistribution"]["type"].as_str();
    let linear = scale.is_none_or(|scale| scale == "linear");
    let (key, wrong, help) = match (min, max) {
        (Some(min), _) if min > most || min == most && least < most => (
            "min",
            format!("begins at {min}, and its values are at most {most}"),
            "begin below the values",
        ),
        (_, Some(max)) if max < least || max == least && least < most => (
            "max",
            format!("ends at {max}, and its values are at least {least}"),
            "end above the values",
        ),
        // A part of what has an end may be looked at more closely.
        (Some(min), _) if linear && most.is_infinite() && least >= 0.0 && min > least => (
            "min",
            format!(
                "begins at {min}, and its values may be as low as {least}: those are not drawn"
            ),
            "begin where the values do",
        ),
        (_, Some(max)) if bar && most > 0.0 && max >= TOO_LONG * most => (
            "max",
            format!("ends at {max}, and its values are at most {most}"),
            "end where the values do",
        ),
        _ => return None,
    };
    let pointer = expression.panel()?;
    let title = panel["title"].as_str().unwrap_or_default();
    Some(place::at(
        expression.path,
        format!("{pointer}/fieldConfig/defaults/{key}"),
        format!("the axis of `{title}` {wrong}"),
        help,
    ))
}
