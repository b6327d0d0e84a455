//! The parts of an expression.

use super::{Expr, Offset, VectorSelector};
use promql_parser::parser::StringLiteral;
use std::time::Duration;

/// The operands of an expression, in the order in which they are written; of an aggregation its parameter first.
pub fn children(expr: &Expr) -> impl Iterator<Item = &Expr> {
    let (first, second, others): (Option<&Expr>, Option<&Expr>, &[Box<Expr>]) = match expr {
        Expr::Paren(paren) => (Some(&paren.expr), None, &[]),
        Expr::Unary(unary) => (Some(&unary.expr), None, &[]),
        Expr::Subquery(subquery) => (Some(&subquery.expr), None, &[]),
        Expr::Aggregate(aggregate) => (aggregate.param.as_deref(), Some(&aggregate.expr), &[]),
        Expr::Binary(binary) => (Some(&binary.lhs), Some(&binary.rhs), &[]),
        Expr::Call(call) => (None, None, &call.args.args),
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => (None, None, &[]),
    };
    let others = others.iter().map(|argument| &**argument);
    first.into_iter().chain(second).chain(others)
}

/// The same, to be changed.
pub fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Paren(paren) => vec![&mut paren.expr],
        Expr::Unary(unary) => vec![&mut unary.expr],
        Expr::Subquery(subquery) => vec![&mut subquery.expr],
        Expr::Aggregate(aggregate) => {
            let parameter = aggregate.param.iter_mut().map(|param| &mut **param);
            parameter.chain([&mut *aggregate.expr]).collect()
        }
        Expr::Binary(binary) => vec![&mut binary.lhs, &mut binary.rhs],
        Expr::Call(call) => {
            let arguments = call.args.args.iter_mut();
            arguments.map(|argument| &mut **argument).collect()
        }
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => Vec::new(),
    }
}

/// An expression out of a tree that is to hold another one in its place.
pub(crate) fn taken(expr: &mut Expr) -> Expr {
    let val = String::new();
    std::mem::replace(expr, Expr::StringLiteral(StringLiteral { val }))
}

/// The selector that an expression is, with or without a range.
pub fn selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(vector) => Some(vector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        _ => None,
    }
}

/// The same, to be changed.
pub fn selector_mut(expr: &mut Expr) -> Option<&mut VectorSelector> {
    match expr {
        Expr::VectorSelector(vector) => Some(vector),
        Expr::MatrixSelector(matrix) => Some(&mut matrix.vs),
        _ => None,
    }
}

/// Every selector of an expression.
pub fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    fn inside<'e>(expr: &'e Expr, found: &mut Vec<&'e VectorSelector>) {
        match selector(expr) {
            Some(selector) => found.push(selector),
            None => children(expr).for_each(|child| inside(child, found)),
        }
    }
    let mut found = Vec::new();
    inside(expr, &mut found);
    found
}

/// What is put in order, or of which only the first are kept; of any other expression itself.
pub(crate) fn without_ranking(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => without_ranking(&paren.expr),
        Expr::Aggregate(aggregate)
            if ["topk", "bottomk", "limitk"].contains(&aggregate.op.to_string().as_str()) =>
        {
            without_ranking(&aggregate.expr)
        }
        Expr::Call(call) if call.func.name.starts_with("sort") => call
            .args
            .args
            .first()
            .map_or(expr, |sorted| without_ranking(sorted)),
        _ => expr,
    }
}

/// The text that an expression is.
pub(crate) fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::StringLiteral(literal) => Some(&literal.val),
        _ => None,
    }
}

/// The ranges of its selectors and subqueries.
pub(crate) fn ranges(expr: &Expr) -> Vec<Duration> {
    fn inside(expr: &Expr, found: &mut Vec<Duration>) {
        match expr {
            Expr::MatrixSelector(matrix) => found.push(matrix.range),
            Expr::Subquery(subquery) => found.push(subquery.range),
            _ => {}
        }
        children(expr).for_each(|child| inside(child, found));
    }
    let mut found = Vec::new();
    inside(expr, &mut found);
    found
}

/// How far back an expression looks.
pub fn reach(expr: &Expr) -> Duration {
    let moved = |offset: Option<&Offset>| match offset {
        Some(Offset::Pos(by)) => *by,
        _ => Duration::ZERO,
    };
    let own = match expr {
        Expr::MatrixSelector(matrix) => matrix.range,
        Expr::Subquery(subquery) => subquery
            .range
            .saturating_add(moved(subquery.offset.as_ref())),
        _ => Duration::ZERO,
    };
    let own = own.saturating_add(
        selector(expr).map_or(Duration::ZERO, |selector| moved(selector.offset.as_ref())),
    );
    let inside = children(expr).map(reach).max();
    own.saturating_add(inside.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    #[test]
    fn children_are_all_operands() {
        let mut tree = parse("topk(3, -(a + b)) > on (c) max_over_time(d[5m:1m])").unwrap();
        let names = |tree: &Expr| -> Vec<String> {
            let selectors = selectors(tree).into_iter();
            selectors
                .filter_map(|selector| selector.name.clone())
                .collect()
        };
        assert_eq!(names(&tree), ["a", "b", "d"]);
        assert_eq!(
            children(children(&tree).next().unwrap())
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["3", "-(a + b)"]
        );
        fn rename(expr: &mut Expr) {
            if let Some(selector) = selector_mut(expr) {
                selector.name = Some("x".to_string());
            }
            children_mut(expr).into_iter().for_each(rename);
        }
        rename(&mut tree);
        assert_eq!(names(&tree), ["x", "x", "x"]);
    }
}
