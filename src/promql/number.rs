//! Numbers, however they are written.

use super::Expr;
use super::token::{T_ADD, T_DIV, T_MUL, T_POW, T_SUB};

/// The number that an expression is: `0.1`, `-(2)` and `10 * 0.1` too. None: it reads series or the time.
pub fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Unary(unary) => number(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.lhs)?, number(&binary.rhs)?);
            match binary.op.id() {
                T_ADD => Some(left + right),
                T_SUB => Some(left - right),
                T_MUL => Some(left * right),
                T_DIV => Some(left / right),
                T_POW => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for (text, value) in [
            ("0.1", Some(0.1)),
            ("-(2)", Some(-2.0)),
            ("1 - 2 ^ 3 / 4 * 10", Some(-19.0)),
            ("1h", Some(3600.0)),
            ("1 > bool 0", None),
            ("1 + time()", None),
            ("up", None),
        ] {
            assert_eq!(parse(text).ok().and_then(|tree| number(&tree)), value);
        }
    }
}
