//! Two PromQL conditions: whether the new one fires for more, for less, or for something else.

use crate::diff::Class::{self, Dangerous, Notice, Safe};
use crate::promql::canonical::{plain, print, same};
use crate::promql::number::number;
use crate::promql::token::{T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE};
use crate::promql::{BinaryExpr, Expr, parse};

/// The class of the change, and what the alert is or does now. Only conditions that differ in the numbers behind their
/// comparisons can be ordered; of all others it cannot be said that they fire for no less.
pub(crate) fn changed(before: &str, after: &str) -> (Class, &'static str) {
    if same(before, after) {
        return (Safe, "is written differently but means the same");
    }
    let (Ok(mut before), Ok(mut after)) = (parse(before), parse(after)) else {
        return (Dangerous, OTHER);
    };
    plain(&mut before);
    plain(&mut after);
    match order(&before, &after) {
        Some(Order {
            looser: false,
            tighter: true,
        }) => (Notice, "is tighter"),
        Some(Order {
            looser: true,
            tighter: false,
        }) => (Dangerous, "is looser"),
        Some(Order {
            looser: false,
            tighter: false,
        }) => (Safe, "is written differently but means the same"),
        _ => (Dangerous, OTHER),
    }
}

const OTHER: &str = "has another expression, which may fire less";

/// What becomes of the parts of a condition.
struct Order {
    looser: bool,
    tighter: bool,
}

/// None: the two are not one condition with other numbers. A part of an `and` or `or` that fires less has the whole fire less.
fn order(before: &Expr, after: &Expr) -> Option<Order> {
    if print(before) == print(after) {
        return Some(Order {
            looser: false,
            tighter: false,
        });
    }
    let (Expr::Binary(old), Expr::Binary(new)) = (before, after) else {
        return None;
    };
    if [T_LAND, T_LOR].contains(&old.op.id()) && old.op == new.op && old.modifier == new.modifier {
        let (one, other) = (order(&old.lhs, &new.lhs)?, order(&old.rhs, &new.rhs)?);
        return Some(Order {
            looser: one.looser || other.looser,
            tighter: one.tighter || other.tighter,
        });
    }
    let ((upward, was), (_, is)) = (comparison(old)?, comparison(new)?);
    let same = old.op == new.op && old.modifier == new.modifier;
    (same && print(&old.lhs) == print(&new.lhs)).then_some(Order {
        looser: was != is && (is > was) == upward,
        tighter: was != is && (is > was) != upward,
    })
}

/// Whether the alert fires above the number, and the number.
fn comparison(binary: &BinaryExpr) -> Option<(bool, f64)> {
    let upward = match binary.op.id() {
        T_GTR | T_GTE => true,
        T_LSS | T_LTE => false,
        _ => return None,
    };
    Some((upward, number(&binary.rhs)?))
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
            ("up > 1", "up > (1)", Safe),
            ("up > 0.1", "up > 10 * 0.1", Dangerous),
            ("up > 1 or down > 1", "(up > 1) or down > 2", Dangerous),
            ("up > 1 or down > 1", "up > 1 or down > 0", Notice),
            ("up > 1 or down > 1", "up > 2 or down > 0", Dangerous),
            ("up unless down > 1", "up unless down > 0", Dangerous),
            ("up{a=\"1\",b=\"2\"} > 1", "up{b=\"2\",a=\"1\"} > 1", Safe),
            ("up > 1", "up  >  1", Safe),
            ("up > 1", "up > 1 unless down", Dangerous),
            ("up > (", "up > 1", Dangerous),
        ] {
            assert_eq!(changed(before, after).0, class, "{before} → {after}");
        }
    }
}
