//! Lines and colours of a panel, held against the values at which alerts fire.

use super::limits::{Key, Limits, side_of};
use crate::diagnostic::Diagnostic;
use crate::kinds::Side;
use crate::proofs::panel_fields::names;
use crate::proofs::place;
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{Field, News, colour, meets, overriding};
use crate::value::Value;
use std::collections::BTreeSet;

/// Steps that do not rise: Grafana looks at them in their order, and stops at the first that is not reached.
pub(super) fn unordered(path: &str, pointer: &str, panel: &Value) -> Option<Diagnostic> {
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
pub(super) fn of_one_colour(path: &str, pointer: &str, panel: &Value) -> Option<Diagnostic> {
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

/// The colours on the side of each step on which alerts fire: its own above it, that of the one before below it.
pub(super) fn firing_colours(
    steps: &[(Option<f64>, String)],
    side: Side,
) -> Vec<(usize, f64, News)> {
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

/// A line, a colour or an axis that tells of another threshold than the alerts have.
pub(super) fn wrong_at(
    stack: &Stack,
    expression: &Expression,
    limits: &Limits,
) -> Option<Diagnostic> {
    let defaults = (String::new(), None);
    std::iter::once(defaults)
        .chain(overridden(stack, expression))
        .find_map(|field| wrong_of(stack, expression, limits, field))
}

/// A name of what an expression gives, and where its thresholds stand in the panel; None: in the defaults.
type Named = (String, Option<String>);

/// What has thresholds of its own.
fn overridden(stack: &Stack, expression: &Expression) -> Vec<Named> {
    let query = expression.target["refId"].as_str().unwrap_or_default();
    let mut called = None;
    let mut found = Vec::new();
    for (pointer, _, matcher) in overriding(expression.owner, "thresholds") {
        let called =
            called.get_or_insert_with(|| names(expression, &stack.contract).unwrap_or_default());
        let mut called = called.iter().map(String::as_str).chain([""]);
        let met = called.find(|name| meets(matcher, name, query));
        found.extend(met.map(|name| (name.to_string(), Some(pointer))));
    }
    found
}

fn wrong_of(
    stack: &Stack,
    expression: &Expression,
    limits: &Limits,
    (called, own): Named,
) -> Option<Diagnostic> {
    let panel = expression.owner;
    let side = side_of(stack, limits)?;
    let (lowest, highest) = (limits.keys().next()?.0, limits.keys().next_back()?.0);
    let query = expression.target["refId"].as_str().unwrap_or_default();
    let field = Field::of(panel, &called, query);
    let (coloured, marked) = (field.by_steps(), field.marks_steps());
    if !(coloured || marked) {
        return None;
    }
    let pointer = expression.panel().unwrap_or_default();
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
    let listed = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(" and ");
    let all = limits
        .iter()
        .map(|(Key(value), alerts)| format!("{} fires {} {value}", listed(alerts), side.word()))
        .collect::<Vec<_>>()
        .join(", ");
    let at = |index: usize| match panel["fieldConfig"]["defaults"].get("thresholds") {
        _ if let Some(own) = &own => format!("{pointer}/{own}/steps/{index}/value"),
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
        // What has thresholds of its own draws its own.
        let mut drawable = limits.keys().filter(|_| own.is_none());
        let lost = drawable.find(|limit| !drawn(limit.0));
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
