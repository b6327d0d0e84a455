//! What is compared, added or written out as a unit is of that unit.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::Contract;
use crate::contract::bounds::part;
use crate::contract::evaluate::Node;
use crate::contract::values::{Base, Unit};
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::number::number;
use crate::promql::token::{T_ADD, T_DIV, T_MUL, T_SUB};
use crate::stack::expressions::Expression;

pub(crate) const PROOF: Proof = Proof {
    code: "mixed-units",
    doc: "Seconds compared with milliseconds, bytes added to megabytes, a duration written out as a percentage: valid, plausible, and wrong by a factor of a thousand.",
    example: Example::Condition {
        bad: "max by (job, service, component) (time() * 1000 - process_start_time_seconds{service!=\"\"}) > 100",
        good: "max by (job, service, component) (time() - process_start_time_seconds{service!=\"\"}) > 100",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found: Vec<Diagnostic> = nodes
            .iter()
            .filter_map(|node| {
                mixed(expression, node, nodes)
                    .or_else(|| multiplied(expression, node, nodes))
                    .or_else(|| divided(expression, node, nodes))
                    .or_else(|| outside(expression, node, nodes))
                    .or_else(|| counted_apart(expression, node, nodes, contract))
            })
            .collect();
        if expression.usage == Usage::Alert
            && let Some(whole) = nodes.last()
            && let Some(unit) = whole
                .unit
                .clone()
                .or_else(|| {
                    // Where the expression does not tell, the catalog may: what the threshold is in, the value is in.
                    let name = expression.owner["alert"].as_str()?;
                    contract.unit_of_alert(name).map(Unit::of)
                })
                .or_else(|| {
                    // What is between 0 and 1, and no number of anything, is a share.
                    let bounds = whole.bounds?;
                    let share =
                        bounds.least >= 0.0 && bounds.most <= 1.0 && bounds.least < bounds.most;
                    share.then(|| Unit::of(Base::Ratio))
                })
        {
            found.extend(humanized(expression, &unit));
        }
        found.extend(recorded_otherwise(expression, nodes, contract));
        found
    }),
};

/// A rule that records something else than the catalog says that it is in.
fn recorded_otherwise(
    expression: &Expression,
    nodes: &[Node],
    contract: &Contract,
) -> Option<Diagnostic> {
    let name = expression.owner["record"].as_str()?;
    let said = contract.declared_unit(name)?;
    let recorded = nodes.last()?.unit.as_ref()?;
    (!recorded.may_be(said)).then(|| {
        let said = Unit::of(said);
        let message = format!("`{name}` is said to be in {said}, and records {recorded}");
        let help = "convert it, such as by `/ 1000`, or take the `unit` of the rule away";
        place::on(expression, message, help)
    })
}

fn mixed(expression: &Expression, node: &Node, nodes: &[Node]) -> Option<Diagnostic> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    let compares = binary.op.is_comparison_operator();
    if !compares && !matches!(binary.op.id(), T_ADD | T_SUB) {
        return None;
    }
    let [left, right] = node.operands.as_slice() else {
        return None;
    };
    let (left, right) = (nodes[*left].unit.as_ref()?, nodes[*right].unit.as_ref()?);
    (!left.fits(right)).then(|| {
        place::on(
            expression,
            format!(
                "`{}` is between {left} and {right}",
                short(&node.expr.to_string())
            ),
            "convert one of them, such as by `/ 1000`",
        )
    })
}

/// Two rates, or two sizes, multiplied: what is meant is one divided by the other.
fn multiplied(expression: &Expression, node: &Node, nodes: &[Node]) -> Option<Diagnostic> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    let [left, right] = node.operands.as_slice() else {
        return None;
    };
    let (left, right) = (nodes[*left].unit.as_ref()?, nodes[*right].unit.as_ref()?);
    let rates = left.is_rate() && right.is_rate();
    let sizes = left.is(Base::Bytes) && right.is(Base::Bytes);
    (binary.op.id() == T_MUL && (rates || sizes)).then(|| {
        place::on(
            expression,
            format!(
                "`{}` multiplies {left} by {right}",
                short(&node.expr.to_string())
            ),
            "divide one by the other, or multiply by a number",
        )
    })
}

/// A share of a whole, each in another unit of the same, and nothing in the expression that makes up for it.
fn divided(expression: &Expression, node: &Node, nodes: &[Node]) -> Option<Diagnostic> {
    let quotient = matches!(node.expr, Expr::Binary(binary) if binary.op.id() == T_DIV);
    let [left, right] = node.operands.as_slice() else {
        return None;
    };
    let (left, right) = (nodes[*left].unit.as_ref()?, nodes[*right].unit.as_ref()?);
    let converted = nodes.iter().any(|node| {
        let Expr::Binary(binary) = node.expr else {
            return false;
        };
        let numbers = [&binary.lhs, &binary.rhs].map(|side| number(side));
        let mut numbers = numbers.into_iter().flatten();
        match binary.op.id() {
            T_MUL | T_DIV => numbers.next().is_some(),
            // What is compared with more than a whole is no share.
            _ if binary.op.is_comparison_operator() => numbers.any(|number| number > 1.0),
            _ => false,
        }
    });
    (quotient && !converted && left.scales_otherwise(right)).then(|| {
        place::on(
            expression,
            format!(
                "`{}` divides {left} by {right}",
                short(&node.expr.to_string())
            ),
            "convert one of them, such as by `/ 1000`",
        )
    })
}

/// A quantile that is no ratio: 99 where 0.99 is meant.
fn outside(expression: &Expression, node: &Node, nodes: &[Node]) -> Option<Diagnostic> {
    let function = match node.expr {
        Expr::Call(call) => call.func.name.to_string(),
        Expr::Aggregate(aggregate) => aggregate.op.to_string(),
        _ => return None,
    };
    let quantiles = ["histogram_quantile", "quantile_over_time", "quantile"];
    let first = node
        .operands
        .first()
        .filter(|_| quantiles.contains(&function.as_str()))?;
    let share = number(nodes[*first].expr).filter(|share| !(0.0..=1.0).contains(share))?;
    Some(place::on(
        expression,
        format!(
            "`{function}` takes a ratio between 0 and 1, and {share} is none: it gives infinity"
        ),
        "write the percentile as a ratio, such as 0.99",
    ))
}

/// Some of a whole, each counted in another way.
fn counted_apart(
    expression: &Expression,
    node: &Node,
    nodes: &[Node],
    contract: &Contract,
) -> Option<Diagnostic> {
    let Expr::Binary(binary) = node.expr else {
        return None;
    };
    let [left, right] = node.operands.as_slice() else {
        return None;
    };
    let part = Some(binary)
        .filter(|binary| binary.op.id() == T_DIV)
        .and_then(|_| part(&nodes[*left], &nodes[*right], nodes, contract))?;
    let (some, all) = part.counted?;
    Some(place::on(
        expression,
        format!("some of a whole are counted by `{some}`, and all of it by `{all}`"),
        "count both in the same way, over the same window",
    ))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// What each function of an annotation takes its number for.
const HUMANIZED: [(&str, Base); 4] = [
    ("humanizePercentage", Base::Ratio),
    ("humanizeDuration", Base::Seconds),
    ("humanizeTimestamp", Base::Seconds),
    ("humanize1024", Base::Bytes),
];

/// An annotation that writes the value out as another unit.
fn humanized(expression: &Expression, unit: &Unit) -> Vec<Diagnostic> {
    let annotations = expression.owner["annotations"].entries();
    let texts = annotations.filter_map(|(key, text)| Some((key, text.as_str()?)));
    let rule = expression.pointer.trim_end_matches("/expr");
    texts
        .flat_map(|(key, text)| {
            let wrong = HUMANIZED.iter().filter(move |(function, base)| {
                let used = text.contains(&format!("$value | {function}"))
                    || text.contains(&format!("{function} $value"));
                used && !unit.fits(&Unit::of(*base))
            });
            let wrong = wrong.map(move |(function, _)| {
                place::at(
                    expression.path,
                    format!("{rule}/annotations/{key}"),
                    format!("`{function}` writes the value out, which is {unit}"),
                    "use the function of its unit, or convert the value",
                )
            });
            let other = behind(text).find(|(_, base)| !unit.fits(&Unit::of(*base)));
            wrong.chain(other.map(|(sign, base)| {
                let help = match base {
                    Base::Percent => {
                        "write `{{ $value | humanizePercentage }}`, which has its own sign"
                    }
                    _ => "use the function of its unit, or convert the value",
                };
                place::at(
                    expression.path,
                    format!("{rule}/annotations/{key}"),
                    format!("`{sign}` follows the value, which is {unit}"),
                    help,
                )
            }))
        })
        .collect()
}

/// How units are written behind a number.
const SIGNS: [(&str, Base); 9] = [
    ("%", Base::Percent),
    ("ms", Base::Milliseconds),
    ("milliseconds", Base::Milliseconds),
    ("s", Base::Seconds),
    ("seconds", Base::Seconds),
    ("minutes", Base::Minutes),
    ("bytes", Base::Bytes),
    ("MiB", Base::Megabytes),
    ("MB", Base::Megabytes),
];

/// The units that follow the value.
fn behind(text: &str) -> impl Iterator<Item = (&'static str, Base)> + use<'_> {
    let actions = text.split("{{").skip(1);
    let actions = actions.filter_map(|rest| rest.split_once("}}"));
    let after = actions.filter(|(action, _)| action.contains("$value"));
    after.filter_map(|(_, after)| {
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic() && c != '%');
        let word = &after[..end.unwrap_or(after.len())];
        let mut signs = SIGNS.into_iter();
        signs.find(|(sign, _)| *sign == word || (*sign == "%" && after.starts_with('%')))
    })
}
