//! What divides what in an expression, however it is nested, and what a value can never be.

use crate::contract::Contract;
use crate::contract::bounds::part;
use crate::contract::evaluate::Node;
use crate::contract::series::MetricType;
use crate::promql::number::number;
use crate::promql::returns_bool;
use crate::promql::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MAX, T_MIN,
    T_MUL, T_NEQ, T_POW, T_SUB,
};
use crate::promql::walk::selectors;
use crate::promql::{BinaryExpr, Expr};

/// Whether the rate of something is in it.
pub(crate) fn traffic(node: &Node, nodes: &[Node]) -> bool {
    let rate = matches!(node.expr, Expr::Call(call) if ["rate", "irate", "increase"].contains(&call.func.name));
    rate || node
        .operands
        .iter()
        .any(|operand| traffic(&nodes[*operand], nodes))
}

/// The expression around each node; None for the whole.
pub(crate) fn parents(nodes: &[Node]) -> Vec<Option<usize>> {
    let mut parents = vec![None; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        node.operands
            .iter()
            .for_each(|operand| parents[*operand] = Some(index));
    }
    parents
}

/// The vectors that a product or quotient consists of: those that it is proportional to, and those that it is divided by.
/// Numbers, brackets, signs and the order of the operators make no difference.
pub(crate) fn factors(index: usize, nodes: &[Node]) -> (Vec<usize>, Vec<usize>) {
    let node = &nodes[index];
    let both = || {
        (
            factors(node.operands[0], nodes),
            factors(node.operands[1], nodes),
        )
    };
    match node.expr {
        Expr::Paren(_) | Expr::Unary(_) => factors(node.operands[0], nodes),
        Expr::Binary(binary) if binary.op.id() == T_MUL => {
            let ((over, under), (more, less)) = both();
            ([over, more].concat(), [under, less].concat())
        }
        Expr::Binary(binary) if binary.op.id() == T_DIV => {
            let ((over, under), (less, more)) = both();
            ([over, more].concat(), [under, less].concat())
        }
        _ if node.vector() => (vec![index], Vec::new()),
        _ => (Vec::new(), Vec::new()),
    }
}

/// The largest products and quotients of an expression: none is a factor of another.
pub(crate) fn products<'a>(
    nodes: &'a [Node],
    parents: &'a [Option<usize>],
) -> impl Iterator<Item = usize> + 'a {
    let product = |index: usize| matches!(nodes[index].expr, Expr::Binary(binary) if [T_MUL, T_DIV].contains(&binary.op.id()));
    let factor = move |index: usize| {
        let mut around = parents[index];
        while let Some(outer) =
            around.filter(|outer| matches!(nodes[*outer].expr, Expr::Paren(_) | Expr::Unary(_)))
        {
            around = parents[outer];
        }
        around.is_some_and(product)
    };
    (0..nodes.len()).filter(move |index| product(*index) && !factor(*index))
}

/// Whether something is filled in where the node is missing: `… or 0 * total`, at the node itself or around it.
pub(crate) fn filled_around(index: usize, nodes: &[Node], parents: &[Option<usize>]) -> bool {
    let (mut inner, mut around) = (index, parents[index]);
    while let Some(outer) = around {
        match nodes[outer].expr {
            Expr::Binary(binary) if binary.op.id() == T_LOR => {
                return nodes[outer].operands[0] == inner;
            }
            // That which holds for every number takes NaN away, and nothing else.
            Expr::Binary(binary) if holds_for_all(binary, inner, &nodes[outer], nodes) => {
                (inner, around) = (outer, parents[outer]);
            }
            // Any other takes the node away where it is false: what is filled in then is another matter.
            Expr::Binary(binary) if ![T_MUL, T_DIV, T_ADD, T_SUB].contains(&binary.op.id()) => {
                return false;
            }
            Expr::Subquery(_) => return false,
            _ => (inner, around) = (outer, parents[outer]),
        }
    }
    false
}

/// Whether a comparison with a number holds for whatever a value that is never negative can be: `… >= 0`.
fn holds_for_all(binary: &BinaryExpr, value: usize, node: &Node, nodes: &[Node]) -> bool {
    let first = node.operands[0] == value;
    let Some(bound) = number(nodes[node.operands[usize::from(first)]].expr) else {
        return false;
    };
    let operator = match first {
        true => binary.op.id(),
        false => mirrored(binary.op.id()),
    };
    let holds = operator == T_GTE && bound <= 0.0 || operator == T_GTR && bound < 0.0;
    holds && !returns_bool(binary) && nonnegative(&nodes[value], nodes)
}

/// Whether an expression gives something wherever its parts do, because it fills in what is missing.
pub(crate) fn filled(node: &Node, nodes: &[Node]) -> bool {
    let operand = |index: usize| filled(&nodes[node.operands[index]], nodes);
    match node.expr {
        Expr::Binary(binary) => match binary.op.id() {
            T_LOR => true,
            T_MUL | T_DIV | T_ADD | T_SUB => {
                (0..2).all(|side| operand(side) || !traffic(&nodes[node.operands[side]], nodes))
            }
            _ => false,
        },
        Expr::Paren(_) | Expr::Unary(_) => operand(0),
        Expr::Aggregate(_) => operand(node.operands.len() - 1),
        Expr::Call(_) => node
            .operands
            .iter()
            .find(|operand| nodes[**operand].vector())
            .is_some_and(|operand| filled(&nodes[*operand], nodes)),
        _ => false,
    }
}

/// Whether a comparison drops what is NaN there, as it drops what is missing. With `zero` it has to be with a number, and drop 0 as well:
/// then nothing is lost where a value is missing that would be 0.
pub(crate) fn dropped_around(
    index: usize,
    zero: bool,
    nodes: &[Node],
    parents: &[Option<usize>],
) -> bool {
    let (mut inner, mut around) = (index, parents[index]);
    while let Some(outer) = around {
        let Expr::Binary(binary) = nodes[outer].expr else {
            let passed = match nodes[outer].expr {
                Expr::Paren(_) => true,
                // The largest, and the smallest, of some values is never NaN unless all of them are; and that which is missing is never
                // the largest, if it would be 0.
                Expr::Aggregate(aggregate) => match aggregate.op.id() {
                    T_MAX => !zero || nonnegative(&nodes[inner], nodes),
                    T_MIN => !zero,
                    _ => false,
                },
                _ => false,
            };
            if !passed {
                return false;
            }
            (inner, around) = (outer, parents[outer]);
            continue;
        };
        let first = nodes[outer].operands[0] == inner;
        let other = nodes[outer].operands[usize::from(first)];
        let operator = binary.op.id();
        let Some(bound) = number(nodes[other].expr) else {
            // Nothing is above or below NaN, whatever it is compared with.
            let ordered = [T_GTR, T_GTE, T_LSS, T_LTE].contains(&operator);
            if ordered && !returns_bool(binary) {
                // And what would be 0 is not above what is never negative. What it is the bound of is missing with it, where that reads the same.
                let above = if first { operator } else { mirrored(operator) } == T_GTR;
                return !zero
                    || above && nonnegative(&nodes[other], nodes)
                    || read_there(&nodes[inner], &nodes[other]);
            }
            if [T_ADD, T_SUB, T_MUL, T_DIV].contains(&operator) && !zero {
                (inner, around) = (outer, parents[outer]);
                continue;
            }
            return false;
        };
        match operator {
            T_GTR | T_GTE | T_LSS | T_LTE if !returns_bool(binary) => {
                let operator = if first { operator } else { mirrored(operator) };
                return !zero || at_zero(operator, bound) == Some(false);
            }
            T_MUL if bound > 0.0 => {}
            T_DIV if first && bound > 0.0 => {}
            T_ADD | T_SUB if !zero => {}
            _ => return false,
        }
        (inner, around) = (outer, parents[outer]);
    }
    false
}

/// Whether another expression reads all that one reads, of the same series.
fn read_there(one: &Node, other: &Node) -> bool {
    let said = |node: &Node| -> Vec<String> {
        let all = selectors(node.expr).into_iter();
        all.map(|read| format!("{:?}{}", read.name, read.matchers))
            .collect()
    };
    let there = said(other);
    said(one).iter().all(|read| there.contains(read))
}

/// Whether a comparison keeps a divisor from being 0 for nothing: without it the ratio of a part to its whole is NaN there, which
/// a comparison further up drops as it drops what is missing.
pub(crate) fn guards_for_nothing(
    comparison: usize,
    nodes: &[Node],
    parents: &[Option<usize>],
    contract: &Contract,
) -> bool {
    let above_zero = matches!(nodes[comparison].expr, Expr::Binary(binary)
        if binary.op.id() == T_GTR && !returns_bool(binary) && number(&binary.rhs) == Some(0.0));
    let (mut inner, mut around) = (comparison, parents[comparison]);
    while let Some(outer) = around.filter(|outer| matches!(nodes[*outer].expr, Expr::Paren(_))) {
        (inner, around) = (outer, parents[outer]);
    }
    let divides = |outer: &usize| matches!(nodes[*outer].expr, Expr::Binary(binary) if binary.op.id() == T_DIV);
    let Some(division) = around.filter(divides).filter(|_| above_zero) else {
        return false;
    };
    let [over, under] = [0, 1].map(|side| nodes[division].operands[side]);
    under == inner
        && dropped_around(division, false, nodes, parents)
        && part(&nodes[over], &nodes[under], nodes, contract).is_some()
}

/// Whether a divisor is kept from being 0 by a condition beside its quotient: `a / b and b > 0`, `b > 0 and a / b > 0.1`,
/// `a / b > 0.1 unless b == 0`.
pub(crate) fn guarded_around(
    division: usize,
    divisor: &Node,
    nodes: &[Node],
    parents: &[Option<usize>],
) -> bool {
    let (mut inner, mut around) = (division, parents[division]);
    while let Some(outer) = around {
        match nodes[outer].expr {
            Expr::Binary(binary) if [T_LAND, T_LUNLESS].contains(&binary.op.id()) => {
                let [left, right] = [nodes[outer].operands[0], nodes[outer].operands[1]];
                // The condition may stand first, but then it is not one that takes away: `b > 0 and a / b > 0.1`.
                let beside = if left == inner {
                    Some(right)
                } else {
                    (binary.op.id() == T_LAND).then_some(left)
                };
                if beside.is_some_and(|beside| condition(binary, &nodes[beside], divisor, nodes)) {
                    return true;
                }
            }
            Expr::Binary(binary) if binary.op.id() == T_LOR => return false,
            // What NaN gets into here is not taken out of it further up.
            Expr::Aggregate(_) | Expr::Subquery(_) => return false,
            _ => {}
        }
        (inner, around) = (outer, parents[outer]);
    }
    false
}

/// Whether `x and …` or `x unless …` leaves no `x` that is 0: the condition compares `x` itself.
fn condition(set: &BinaryExpr, condition: &Node, of: &Node, nodes: &[Node]) -> bool {
    let condition = stripped(condition, nodes);
    let Expr::Binary(binary) = condition.expr else {
        return false;
    };
    if set.op.id() == T_LAND && binary.op.id() == T_LAND {
        return condition
            .operands
            .iter()
            .any(|operand| self::condition(set, &nodes[*operand], of, nodes));
    }
    let [left, right] = [&nodes[condition.operands[0]], &nodes[condition.operands[1]]];
    let same = |side: &Node| {
        stripped(side, nodes).expr.to_string() == stripped(of, nodes).expr.to_string()
    };
    let kept = match (
        same(left).then(|| number(right.expr)),
        same(right).then(|| number(left.expr)),
    ) {
        (Some(Some(bound)), _) => at_zero(binary.op.id(), bound),
        (_, Some(Some(bound))) => at_zero(mirrored(binary.op.id()), bound),
        _ => return false,
    };
    let filter = binary.op.is_comparison_operator() && !returns_bool(binary);
    filter && kept == Some(set.op.id() == T_LUNLESS)
}

/// Without its brackets.
fn stripped<'a, 'b>(node: &'a Node<'b>, nodes: &'a [Node<'b>]) -> &'a Node<'b> {
    if matches!(node.expr, Expr::Paren(_)) {
        stripped(&nodes[node.operands[0]], nodes)
    } else {
        node
    }
}

/// Whether a comparison with a number holds for 0.
pub(crate) fn at_zero(operator: u16, bound: f64) -> Option<bool> {
    Some(match operator {
        T_GTR => 0.0 > bound,
        T_GTE => 0.0 >= bound,
        T_LSS => 0.0 < bound,
        T_LTE => 0.0 <= bound,
        T_EQLC => bound == 0.0,
        T_NEQ => bound != 0.0,
        _ => return None,
    })
}

pub(crate) fn mirrored(operator: u16) -> u16 {
    match operator {
        T_GTR => T_LSS,
        T_GTE => T_LTE,
        T_LSS => T_GTR,
        T_LTE => T_GTE,
        other => other,
    }
}

/// Whether a value can never be 0.
pub(crate) fn nonzero(node: &Node, nodes: &[Node]) -> bool {
    let at = |index: usize| &nodes[node.operands[index]];
    let positive = |node: &Node| nonzero(node, nodes) && nonnegative(node, nodes);
    match node.expr {
        Expr::NumberLiteral(literal) => literal.val != 0.0,
        Expr::Paren(_) | Expr::Unary(_) | Expr::Subquery(_) => nonzero(at(0), nodes),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            if returns_bool(binary) {
                return false;
            }
            match (number(at(0).expr), number(at(1).expr)) {
                (None, Some(bound)) => {
                    nonzero(at(0), nodes) || at_zero(binary.op.id(), bound) == Some(false)
                }
                (Some(bound), None) => {
                    nonzero(at(1), nodes) || at_zero(mirrored(binary.op.id()), bound) == Some(false)
                }
                // Above another value that is never negative.
                _ => {
                    nonzero(at(0), nodes)
                        || (binary.op.id() == T_GTR && nonnegative(at(1), nodes))
                        || (binary.op.id() == T_GTE && positive(at(1)))
                }
            }
        }
        Expr::Binary(binary) => match binary.op.id() {
            T_LOR | T_MUL => nonzero(at(0), nodes) && nonzero(at(1), nodes),
            T_DIV | T_POW => nonzero(at(0), nodes),
            T_ADD => {
                nonnegative(at(0), nodes)
                    && nonnegative(at(1), nodes)
                    && (nonzero(at(0), nodes) || nonzero(at(1), nodes))
            }
            T_LAND | T_LUNLESS => nonzero(at(0), nodes) || condition(binary, at(1), at(0), nodes),
            _ => false,
        },
        Expr::Aggregate(aggregate) => {
            let values = at(node.operands.len() - 1);
            match aggregate.op.to_string().as_str() {
                "count" | "count_values" | "group" => true,
                "topk" | "bottomk" | "limitk" | "limit_ratio" => nonzero(values, nodes),
                "sum" | "avg" | "min" | "max" | "quantile" => positive(values),
                _ => false,
            }
        }
        Expr::Call(call) => {
            let bound = |index: usize| {
                node.operands
                    .get(index)
                    .and_then(|operand| number(nodes[*operand].expr))
            };
            match call.func.name {
                "clamp_min" => bound(1).is_some_and(|least| least > 0.0) || positive(at(0)),
                "clamp" => {
                    bound(1).is_some_and(|least| least > 0.0)
                        && bound(2).is_some_and(|most| most > 0.0)
                }
                "exp" | "cosh" | "count_over_time" | "present_over_time" | "absent"
                | "absent_over_time" => true,
                "vector" | "abs" | "sgn" | "sort" | "sort_desc" | "label_replace"
                | "label_join" | "last_over_time" => {
                    node.operands.first().is_some_and(|_| nonzero(at(0), nodes))
                }
                "sqrt" | "ceil" | "min_over_time" | "max_over_time" | "avg_over_time"
                | "sum_over_time" => positive(at(0)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a value is never below 0.
fn nonnegative(node: &Node, nodes: &[Node]) -> bool {
    let at = |index: usize| &nodes[node.operands[index]];
    let both = || nonnegative(at(0), nodes) && nonnegative(at(1), nodes);
    match node.expr {
        Expr::NumberLiteral(literal) => literal.val >= 0.0,
        Expr::Paren(_) | Expr::Subquery(_) => nonnegative(at(0), nodes),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            returns_bool(binary)
                || match (number(at(0).expr), number(at(1).expr)) {
                    (None, Some(bound)) => {
                        nonnegative(at(0), nodes)
                            || ([T_GTR, T_GTE].contains(&binary.op.id()) && bound >= 0.0)
                    }
                    (Some(bound), None) => {
                        nonnegative(at(1), nodes)
                            || ([T_LSS, T_LTE].contains(&binary.op.id()) && bound >= 0.0)
                    }
                    _ => {
                        nonnegative(at(0), nodes)
                            || ([T_GTR, T_GTE].contains(&binary.op.id())
                                && nonnegative(at(1), nodes))
                    }
                }
        }
        Expr::Binary(binary) => match binary.op.id() {
            T_LOR | T_MUL | T_DIV | T_ADD => both(),
            T_LAND | T_LUNLESS | T_POW => nonnegative(at(0), nodes),
            _ => false,
        },
        Expr::Aggregate(aggregate) => match aggregate.op.to_string().as_str() {
            "count" | "count_values" | "group" | "stddev" | "stdvar" => true,
            _ => nonnegative(at(node.operands.len() - 1), nodes),
        },
        Expr::Call(call) => match call.func.name {
            "rate" | "irate" | "increase" | "changes" | "resets" | "abs" | "sqrt" | "exp"
            | "cosh" | "count_over_time" | "present_over_time" | "absent" | "absent_over_time"
            | "stddev_over_time" | "stdvar_over_time" | "time" | "timestamp" => true,
            "clamp_min" | "clamp" => {
                let least = node
                    .operands
                    .get(1)
                    .and_then(|operand| number(nodes[*operand].expr));
                least.is_some_and(|least| least >= 0.0)
                    || (call.func.name == "clamp_min" && nonnegative(at(0), nodes))
            }
            "vector" | "scalar" | "sort" | "sort_desc" | "label_replace" | "label_join"
            | "ceil" | "floor" | "round" | "last_over_time" | "min_over_time" | "max_over_time"
            | "avg_over_time" | "sum_over_time" => node
                .operands
                .first()
                .is_some_and(|_| nonnegative(at(0), nodes)),
            _ => false,
        },
        _ => {
            !node.series.is_empty()
                && node
                    .series
                    .iter()
                    .all(|series| series.kind == MetricType::Counter)
        }
    }
}
