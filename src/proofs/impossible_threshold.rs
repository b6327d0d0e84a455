//! An alert's comparison can be true, and can be false.

use super::{Check, Example, Proof, Usage, place};
use crate::catalog::Duration;
use crate::contract::Contract;
use crate::contract::bounds::{flipped, kept, part};
use crate::contract::evaluate::{self, Node};
use crate::contract::values::Bounds;
use crate::diagnostic::Diagnostic;
use crate::promql::canonical::{plain, print};
use crate::promql::number::number;
use crate::promql::token::{
    T_COUNT, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MUL, T_NEQ,
};
use crate::promql::walk::children;
use crate::promql::{Expr, VectorSelector, returns_bool};
use crate::stack::expressions::Expression;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const PROOF: Proof = Proof {
    code: "impossible-threshold",
    doc: "`up` is 0 or 1, a rate is never below 0, a quantile never above the last bucket, and nothing is above 5 and below 3 at once: a comparison beyond that never fires, or always does.",
    example: Example::Condition {
        bad: "max by (job, service, component) (up{service!=\"\"}) > 1",
        good: "max by (job, service, component) (up{service!=\"\"}) < 1",
    },
    check: Check::Expression(|expression, nodes, contract| {
        // What reads no series is meant to be the same always, as a watchdog is.
        let reads = nodes
            .iter()
            .any(|node| matches!(node.expr, Expr::VectorSelector(_) | Expr::MatrixSelector(_)));
        let alerting = expression.usage == Usage::Alert && reads;
        let asked = nodes.iter().filter(|_| alerting);
        let mut found: Vec<Diagnostic> = asked
            .filter_map(|node| {
                let (message, help) = with_number(node, nodes)
                    .or_else(|| within_a_grain(node, nodes, contract))
                    .or_else(|| percent_as_ratio(node, nodes, contract))
                    .or_else(|| far_beyond(node))
                    .or_else(|| with_itself(node, nodes))
                    .or_else(|| together(node, nodes))?;
                Some(said(expression, message, help))
            })
            .collect();
        if alerting && found.is_empty() {
            found.extend(of_rare_samples(expression, nodes, contract));
        }
        found
    }),
};

/// Functions whose values are bounded by how many samples there are.
const COUNTING: [&str; 4] = ["changes", "resets", "count_over_time", "sum_over_time"];

/// The same for those services alone that are scraped more rarely than others.
fn of_rare_samples(
    expression: &Expression,
    nodes: &[Node],
    contract: &Contract,
) -> Option<Diagnostic> {
    let counting = nodes.iter().filter(|node| match node.expr {
        Expr::Call(call) => COUNTING.contains(&call.func.name),
        _ => false,
    });
    let ranges = counting.filter_map(|node| nodes.get(*node.operands.first()?));
    let targets = ranges.flat_map(|range| &range.series);
    let targets = targets.flat_map(|series| series.targets.ones());
    let mut jobs: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for target in targets.map(|index| &contract.targets.list[index]) {
        let job = target.labels.get("job").map_or("", String::as_str);
        jobs.entry(target.interval.0).or_default().insert(job);
    }
    jobs.into_iter().skip(1).find_map(|(interval, jobs)| {
        contract.at_pace(interval, |contract| {
            let slow = evaluate::nodes(nodes.last()?.expr, contract);
            // What is of several services has the samples of all of them.
            let apart = |node: &&Node| {
                let side = compared(node, &slow).map(|(side, ..)| side);
                side.is_some_and(|side| side.series.iter().all(|series| series.has("job")))
            };
            let mut asked = slow.iter().filter(apart);
            let (message, help) = asked.find_map(|node| with_number(node, &slow))?;
            let jobs: Vec<&str> = jobs.into_iter().take(3).collect();
            let message = format!(
                "for `{}`, which is scraped every {}, {message}",
                jobs.join("` and `"),
                Duration(interval)
            );
            Some(said(expression, message, help))
        })
    })
}

fn said(expression: &Expression, message: String, help: &str) -> Diagnostic {
    place::on(expression, message, help)
}

/// What is wrong, and what to do.
type Said = (String, &'static str);

/// A comparison with a number that the other side never passes, or always.
fn with_number(node: &Node, nodes: &[Node]) -> Option<Said> {
    let (side, operator, limit) = compared(node, nodes)?;
    let what = |holds: &str, range: String| {
        let symbol = symbol(operator);
        let message = format!("`{}` is {range}: it is {holds} {symbol} {limit}", side.expr);
        Some((message, "compare with a value that it can pass"))
    };
    if limit.is_nan() {
        let holds = if operator == T_NEQ { "always" } else { "never" };
        return what(holds, "a number, and NaN is equal to none".to_string());
    }
    let Bounds { least, most } = side.bounds?;
    let (never, always) = match operator {
        T_GTR => (most <= limit, least > limit),
        T_GTE => (most < limit, least >= limit),
        T_LSS => (least >= limit, most < limit),
        T_LTE => (least > limit, most <= limit),
        T_EQLC => (limit < least || limit > most, false),
        T_NEQ => (false, limit < least || limit > most),
        _ => return None,
    };
    let range = match (least.is_finite(), most.is_finite()) {
        (true, true) if least == most => format!("{least}"),
        (true, true) => format!("between {least} and {most}"),
        (true, false) => format!("never below {least}"),
        (false, _) => format!("never above {most}"),
    };
    let holds = match (never, always) {
        (true, _) => "never",
        (_, true) => "always",
        _ => return None,
    };
    // What a comparison before this one has left is as it says: `1 < x > 0` only says it twice.
    // And that there is anything to count is true only while there is.
    let whole = nodes.last().is_some_and(|whole| std::ptr::eq(whole, node));
    let narrowed = holds == "always" && (filters(side.expr) || (!whole && counts(side.expr)));
    (!narrowed).then(|| what(holds, range))?
}

/// A number that tells nothing from 0, since no value lies between the two: 500 of what is counted in kilobytes.
fn within_a_grain(node: &Node, nodes: &[Node], contract: &Contract) -> Option<Said> {
    let (side, operator, limit) = compared(node, nodes)?;
    let read = level(side.expr)?;
    let name = read.name.as_deref()?;
    let grain = contract.limits.grain(name)?;
    let orders = [T_GTR, T_GTE, T_LSS, T_LTE].contains(&operator);
    (orders && limit > 0.0 && limit < grain).then(|| {
        let message = format!(
            "`{name}` comes in steps of {grain}: {} {limit} tells no more of it than whether it is 0",
            symbol(operator)
        );
        let help = "compare with a number in its own unit, such as `500 * 1024 * 1024` of bytes for 500 MiB";
        (message, help)
    })
}

/// What is read as it is, or as the least, the greatest or the average of several.
fn level(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        Expr::Paren(paren) => level(&paren.expr),
        Expr::Aggregate(aggregate) => {
            let name = aggregate.op.to_string();
            let keeps = ["min", "max", "avg", "sum"].contains(&name.as_str());
            keeps.then(|| level(&aggregate.expr))?
        }
        Expr::Call(call) => {
            let name = call.func.name.strip_suffix("_over_time")?;
            let keeps = ["min", "max", "avg", "last"].contains(&name);
            keeps.then(|| level(call.args.args.first()?))?
        }
        _ => None,
    }
}

/// A part of a whole in percent, compared as if it were a ratio: what is left is below 0.1 % once nothing is.
fn percent_as_ratio(node: &Node, nodes: &[Node], contract: &Contract) -> Option<Said> {
    let (side, operator, limit) = compared(node, nodes)?;
    let (low, share) = (limit > 0.0 && limit < 1.0, inside(side, nodes));
    let Expr::Binary(binary) = share.expr else {
        return None;
    };
    let below = low && [T_LSS, T_LTE].contains(&operator);
    let level = |index: usize| level([&binary.lhs, &binary.rhs][index]).is_some();
    let operand = |index: usize| share.operands.get(index).map(|index| &nodes[*index]);
    let (left, right) = (operand(0)?, operand(1)?);
    // `100 * a / b` and `a * 100 / b` divide a product, and `a / b * 100` multiplies a quotient.
    let quotient = match binary.op.id() {
        T_DIV if level(1) => Some((left, right)),
        T_MUL => [left, right].into_iter().find_map(|side| {
            let side = inside(side, nodes);
            let divides = matches!(side.expr, Expr::Binary(binary) if binary.op.id() == T_DIV);
            let of = |index: usize| side.operands.get(index).map(|index| &nodes[*index]);
            divides.then(|| Some((of(0)?, of(1)?)))?
        }),
        _ => None,
    };
    let (one, other) = quotient.filter(|_| below)?;
    part(one, other, nodes, contract)?;
    (share.bounds?.most == 100.0).then(|| {
        let message = format!(
            "`{}` is between 0 and 100: {} {limit} is {limit} %",
            share.expr,
            symbol(operator)
        );
        let help = "compare with percent, `< 10`, or do not multiply with 100";
        (message, help)
    })
}

/// What stands in brackets.
fn inside<'n, 'a>(node: &'n Node<'a>, nodes: &'n [Node<'a>]) -> &'n Node<'a> {
    match (node.expr, node.operands.first()) {
        (Expr::Paren(_), Some(first)) => inside(&nodes[*first], nodes),
        _ => node,
    }
}

/// So many times as far as it looks back a trend may look ahead.
const AHEAD: f64 = 100.0;

/// A trend of minutes drawn on for days.
fn far_beyond(node: &Node) -> Option<Said> {
    let Expr::Call(call) = node.expr else {
        return None;
    };
    if call.func.name != "predict_linear" {
        return None;
    }
    let [range, ahead] = call.args.args.as_slice() else {
        return None;
    };
    let back = match range.as_ref() {
        Expr::MatrixSelector(matrix) => matrix.range.as_secs_f64(),
        Expr::Subquery(subquery) => subquery.range.as_secs_f64(),
        _ => return None,
    };
    let ahead = number(ahead)?;
    (ahead > AHEAD * back).then(|| {
        let message = format!(
            "`{}` draws a trend of {} on for {}: each little change makes it fire or end",
            node.expr,
            Duration((back * 1000.0) as u64),
            Duration((ahead * 1000.0) as u64)
        );
        let help = "look back for at least a tenth of the time that it looks ahead";
        (message, help)
    })
}

fn counts(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => counts(&paren.expr),
        Expr::Aggregate(aggregate) => aggregate.op.id() == T_COUNT,
        _ => false,
    }
}

/// Whether an expression has a value at some times only: what another comparison leaves, or none of a series.
fn filters(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            filters(&binary.lhs) && filters(&binary.rhs)
        }
        Expr::Binary(binary) if matches!(binary.op.id(), T_LAND | T_LUNLESS) => true,
        Expr::Binary(binary) if binary.op.is_comparison_operator() && !returns_bool(binary) => true,
        Expr::Call(call) if call.func.name.starts_with("absent") => true,
        // Prometheus writes them while an alert is active.
        Expr::VectorSelector(selector) => selector
            .name
            .as_ref()
            .is_some_and(|name| name.starts_with("ALERTS")),
        _ => children(expr).any(filters),
    }
}

/// The side of a comparison that is compared with a number.
fn compared<'n, 'a>(node: &Node<'a>, nodes: &'n [Node<'a>]) -> Option<(&'n Node<'a>, u16, f64)> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    if !binary.op.is_comparison_operator() {
        return None;
    }
    let (left, right) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
    // `5 < x` is `x > 5`.
    match (number(left.expr), number(right.expr)) {
        (None, Some(limit)) => Some((left, binary.op.id(), limit)),
        (Some(limit), None) => Some((right, flipped(binary.op.id()), limit)),
        _ => None,
    }
}

fn symbol(operator: u16) -> &'static str {
    match operator {
        T_GTR => ">",
        T_GTE => ">=",
        T_LSS => "<",
        T_LTE => "<=",
        T_EQLC => "==",
        _ => "!=",
    }
}

/// One text for all that mean the same.
fn text(expr: &Expr) -> String {
    let mut expr = expr.clone();
    plain(&mut expr);
    print(&expr)
}

/// A value compared with a multiple of itself.
fn with_itself(node: &Node, nodes: &[Node]) -> Option<Said> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    if !binary.op.is_comparison_operator() {
        return None;
    }
    let (left, right) = (&nodes[node.operands[0]], &nodes[node.operands[1]]);
    let ((one, by), (other, times)) = (multiple(left, nodes)?, multiple(right, nodes)?);
    if text(one.expr) != text(other.expr) || by <= 0.0 || times <= 0.0 {
        return None;
    }
    let positive = one.bounds.is_some_and(|bounds| bounds.least >= 0.0);
    let holds = match (binary.op.id(), by.partial_cmp(&times)?) {
        (T_GTR | T_LSS | T_NEQ, std::cmp::Ordering::Equal) => "never",
        (T_GTE | T_LTE | T_EQLC, std::cmp::Ordering::Equal) => "always",
        (T_GTR | T_GTE, std::cmp::Ordering::Less) if positive => "never",
        (T_LSS | T_LTE, std::cmp::Ordering::Greater) if positive => "never",
        (T_GTR, std::cmp::Ordering::Greater) | (T_LSS, std::cmp::Ordering::Less) if positive => {
            "always"
        }
        _ => return None,
    };
    Some((
        format!(
            "`{}` compares a value with itself: it {holds} holds",
            node.expr
        ),
        "compare it with another one, such as itself a day ago (`offset 1d`)",
    ))
}

/// A vector and the number that it is multiplied with.
fn multiple<'n, 'a>(node: &'n Node<'a>, nodes: &'n [Node<'a>]) -> Option<(&'n Node<'a>, f64)> {
    let operand = |index: usize| &nodes[node.operands[index]];
    match node.expr {
        Expr::Paren(_) => multiple(operand(0), nodes),
        Expr::Binary(binary) if binary.op.id() == T_MUL => {
            match (number(operand(0).expr), number(operand(1).expr)) {
                (Some(by), None) => Some((operand(1), by)),
                (None, Some(by)) => Some((operand(0), by)),
                _ => None,
            }
        }
        _ => node.vector().then_some((node, 1.0)),
    }
}

/// What a condition leaves of values: the text of each with the range that it must be in.
fn ranges(node: &Node, nodes: &[Node]) -> Vec<(String, Bounds)> {
    let inside = |index: usize| ranges(&nodes[node.operands[index]], nodes);
    match node.expr {
        Expr::Paren(_) => inside(0),
        Expr::Binary(binary) if binary.op.id() == T_LAND => [inside(0), inside(1)].concat(),
        Expr::Binary(binary) if binary.op.id() == T_LUNLESS => inside(0),
        Expr::Binary(binary) if !returns_bool(binary) => {
            let Some((side, operator, limit)) = compared(node, nodes) else {
                return Vec::new();
            };
            let mut known = ranges(side, nodes);
            let bare = bare(side, nodes);
            known.extend(kept(operator, limit).map(|kept| (text(bare.expr), kept)));
            known
        }
        _ => Vec::new(),
    }
}

/// What is compared, without the comparisons before.
fn bare<'n, 'a>(node: &'n Node<'a>, nodes: &'n [Node<'a>]) -> &'n Node<'a> {
    match node.expr {
        Expr::Paren(_) => bare(&nodes[node.operands[0]], nodes),
        _ => match compared(node, nodes) {
            Some((side, ..)) => bare(side, nodes),
            None => node,
        },
    }
}

/// Conditions that exclude each other, or that leave nothing out together.
fn together(node: &Node, nodes: &[Node]) -> Option<Said> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    let side = |index: usize| ranges(&nodes[node.operands[index]], nodes);
    let pairs = |own: &[(String, Bounds)], others: &[(String, Bounds)]| {
        let pair = |(text, range): &(String, Bounds)| {
            let other = others.iter().find(|(other, _)| other == text)?;
            Some((text.clone(), *range, other.1))
        };
        own.iter().filter_map(pair).collect::<Vec<_>>()
    };
    let (left, right) = (side(0), side(1));
    match binary.op.id() {
        T_LAND => {
            // Ranges have their ends, of which only one belongs to each.
            let apart = |(_, one, other): &(String, Bounds, Bounds)| {
                one.both(*other).is_none_or(|both| both.least == both.most)
                    && !(one.least == other.least && one.most == other.most)
            };
            let (text, ..) = pairs(&left, &right).into_iter().find(apart)?;
            Some((
                format!("the two sides of `and` are never true at once, of `{text}`"),
                "exchange `<` and `>`, or write `or`",
            ))
        }
        T_LUNLESS => {
            let [(_, taken)] = right.as_slice() else {
                return None;
            };
            let (text, ..) = pairs(&left, &right)
                .into_iter()
                .find(|(_, own, _)| own.least >= taken.least && own.most <= taken.most)?;
            Some((
                format!("`unless` takes away all that its left side leaves of `{text}`"),
                "exchange the two thresholds",
            ))
        }
        T_LOR => {
            let ([(text, one)], [(other, more)]) = (left.as_slice(), right.as_slice()) else {
                return None;
            };
            let (low, high) = match one.least.is_finite() {
                true => (more, one),
                false => (one, more),
            };
            let covers = low.least == f64::NEG_INFINITY
                && high.most == f64::INFINITY
                && low.most > high.least;
            (text == other && covers).then(|| {
                (
                    format!("one side of `or` is always true, of `{text}`"),
                    "exchange `<` and `>`, or write `and`",
                )
            })
        }
        _ => None,
    }
}
