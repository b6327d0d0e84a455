//! What an expression says about the series with one value of a label, as when one rule covers many services.

use super::matchers::picks;
use super::walk::{children_mut, selector, selector_mut, text};
use super::{BinaryExpr, Expr, MatchOp, Matcher, compared, grouped};

/// Aggregations in which series of one group bear upon each other's, whatever they are grouped by.
const TOGETHER: [&str; 1] = ["count_values"];

/// Functions of which what they return has no labels of what they are given, or others.
const APART: [&str; 4] = ["absent", "absent_over_time", "scalar", "vector"];

/// What is given a label with a value whatever it has, and both of these.
pub fn written(expr: &Expr) -> Option<(&Expr, &str, &str)> {
    match expr {
        Expr::Paren(paren) => written(&paren.expr),
        Expr::Call(call) if call.func.name == "label_replace" => {
            let [inside, label, value, from, pattern] = call.args.args.as_slice() else {
                return None;
            };
            let plain = text(from)?.is_empty() && text(pattern)?.is_empty();
            plain.then_some((&**inside, text(label)?, text(value)?))
        }
        _ => None,
    }
}

/// What is left of an expression for series whose label has a value; None: it returns none of them. What cannot be told apart by
/// the label stays whole.
pub fn of(expr: &Expr, label: &str, value: &str) -> Option<Expr> {
    if let Some(series) = selector(expr) {
        let own = |matcher: &&Matcher| matcher.name == label;
        if !series.matchers.or_matchers.is_empty() {
            return Some(expr.clone());
        }
        let mut about = series.matchers.matchers.iter().filter(own);
        if !about.all(|matcher| picks(matcher, value)) {
            return None;
        }
        let mut narrowed = expr.clone();
        let series = selector_mut(&mut narrowed)?;
        let matchers = &mut series.matchers.matchers;
        matchers.retain(|matcher| matcher.name != label);
        matchers.push(Matcher::new(MatchOp::Equal, label, value));
        return Some(narrowed);
    }
    match expr {
        Expr::Binary(binary) => two(binary, label, value),
        Expr::Aggregate(aggregate) => {
            let keeps = grouped(aggregate.modifier.as_ref())(label);
            match keeps && !TOGETHER.contains(&aggregate.op.to_string().as_str()) {
                true => inside(expr, label, value),
                false => Some(expr.clone()),
            }
        }
        Expr::Call(call) => {
            let name = call.func.name;
            let writes = ["label_replace", "label_join"].contains(&name)
                && call.args.args.get(1).and_then(|to| text(to)) == Some(label);
            match writes || APART.contains(&name) {
                true => Some(expr.clone()),
                false => inside(expr, label, value),
            }
        }
        _ => inside(expr, label, value),
    }
}

/// The same with each operand narrowed: without one of them there is nothing.
fn inside(expr: &Expr, label: &str, value: &str) -> Option<Expr> {
    let mut narrowed = expr.clone();
    for child in children_mut(&mut narrowed) {
        *child = of(child, label, value)?;
    }
    Some(narrowed)
}

/// Where operands are matched without the label, one of another value bears upon what is returned.
fn two(binary: &BinaryExpr, label: &str, value: &str) -> Option<Expr> {
    let whole = || Some(Expr::Binary(binary.clone()));
    if !compared(binary)(label) {
        return whole();
    }
    let (left, right) = (of(&binary.lhs, label, value), of(&binary.rhs, label, value));
    let (left, right) = match (binary.op.to_string().as_str(), left, right) {
        ("or", left, None) => return left,
        ("or", None, right) => return right,
        ("unless", left, None) => return left,
        (_, Some(left), Some(right)) => (left, right),
        _ => return None,
    };
    Some(Expr::Binary(BinaryExpr {
        lhs: Box::new(left),
        rhs: Box::new(right),
        ..binary.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::canonical::same;
    use crate::promql::parse;

    fn same_about(was: &str, is: &str, label: &str, value: &str) -> bool {
        let about = |text: &str| {
            let narrowed = of(&parse(text).unwrap(), label, value);
            narrowed.map_or_else(String::new, |expr| expr.to_string())
        };
        same(&about(was), &about(is))
    }

    #[test]
    fn a_label_that_is_written_is_told_from_what_has_it() {
        let of = |text: &str| parse(text).unwrap();
        let expr = of("(label_replace(x > 1, \"severity\", \"info\", \"\", \"\"))");
        let (inside, label, value) = written(&expr).unwrap();
        assert_eq!(
            (inside.to_string().as_str(), label, value),
            ("x > 1", "severity", "info")
        );
        assert!(written(&of("label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")")).is_none());
    }

    #[test]
    fn only_what_is_said_about_the_series_counts() {
        for (was, is) in [
            ("x > 1", "x{job=\"a\"} > 1 or x{job!=\"a\"} > 2"),
            (
                "x{job!~\"b\"} > 1",
                "x{job!~\"b|c\"} > 1 or x{job=~\"b|c\"} > 3",
            ),
            (
                "sum by (job) (rate(x{job!=\"b\"}[5m]))",
                "sum by (job) (rate(x{job=~\"a|b\"}[5m]))",
            ),
            ("x unless y{job=\"b\"}", "x"),
            (
                "label_replace(x{job!=\"b\"} > 1, \"severity\", \"warning\", \"\", \"\")",
                "label_replace(x > 1, \"severity\", \"warning\", \"\", \"\")",
            ),
        ] {
            assert!(same_about(was, is, "job", "a"), "{was} | {is}");
        }
        for (was, is) in [
            ("x > 1", "x{job=\"a\"} > 2 or x{job!=\"a\"} > 1"),
            ("x > 1", "x{job!=\"a\"} > 1"),
            ("sum(x)", "sum(x{job!=\"b\"})"),
            ("x / on (instance) y", "x / on (instance) y{job!=\"b\"}"),
            ("x or on (instance) y", "x{job!=\"b\"} or on (instance) y"),
            ("absent(x{job=\"b\"})", "absent(x{job=\"c\"})"),
            (
                "label_replace(x{job=\"b\"}, \"job\", \"a\", \"\", \"\")",
                "label_replace(x{job=\"c\"}, \"job\", \"a\", \"\", \"\")",
            ),
            ("topk(1, x)", "topk(1, x{job!=\"b\"})"),
        ] {
            assert!(!same_about(was, is, "job", "a"), "{was} | {is}");
        }
    }
}
