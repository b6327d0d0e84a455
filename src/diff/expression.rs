//! Two PromQL conditions: whether the new one fires for more, for less, or for something else.

use super::Class::{self, Dangerous, Notice, Safe};
use crate::promql::parse;
use promql_parser::parser::Expr;
use promql_parser::parser::token::{T_GTE, T_GTR, T_LSS, T_LTE};

/// The class of the change, and what the alert is or does now. Only conditions that differ in the number behind their
/// comparison can be ordered; of all others it cannot be said that they fire for no less.
pub fn changed(before: &str, after: &str) -> (Class, &'static str) {
    let (Ok(before), Ok(after)) = (parse(before), parse(after)) else { return (Dangerous, OTHER) };
    if before.to_string() == after.to_string() {
        return (Safe, "is written otherwise and means the same");
    }
    match (comparison(&before), comparison(&after)) {
        (Some((old, upward, was)), Some((new, same, is))) if old == new && upward == same && was != is => {
            if (is > was) == upward {
                (Dangerous, "is looser")
            } else {
                (Notice, "is tighter")
            }
        }
        _ => (Dangerous, OTHER),
    }
}

const OTHER: &str = "has another expression, which may fire less";

/// The left side with the operator, whether the alert fires above the number, and the number.
fn comparison(expr: &Expr) -> Option<(String, bool, f64)> {
    let Expr::Binary(binary) = expr else { return None };
    let upward = match binary.op.id() {
        T_GTR | T_GTE => true,
        T_LSS | T_LTE => false,
        _ => return None,
    };
    Some((format!("{} {} {:?}", binary.lhs, binary.op, binary.modifier), upward, number(&binary.rhs)?))
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Unary(unary) => number(&unary.expr).map(|value| -value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_behind_a_comparison_can_be_ordered() {
        for (before, after, class) in [
            ("up > 1", "up > 2", Dangerous),
            ("up > 2", "up > 1", Notice),
            ("up < 1", "up < 2", Notice),
            ("up < -1", "up < -2", Dangerous),
            ("up > 1", "up >= 1", Dangerous),
            ("up > 1", "down > 1", Dangerous),
            ("up > 1", "up > bool 0", Dangerous),
            ("up > 1", "up > (1)", Dangerous),
            ("up > 1", "up  >  1", Safe),
            ("up > 1", "up > 1 unless down", Dangerous),
            ("up > (", "up > 1", Dangerous),
        ] {
            assert_eq!(changed(before, after).0, class, "{before} → {after}");
        }
    }
}
