//! PromQL by its meaning and not by its words: blanks, parentheses and the order of matchers and labels are none of it.

use crate::pieces::{Piece, pieces};
use crate::promql::parse;
use promql_parser::label::{Labels, MatchOp, Matchers};
use promql_parser::parser::{AggregateExpr, BinModifier, BinaryExpr, Expr, LabelModifier, VectorSelector};

/// Whether two texts say the same; those that are not PromQL do when their words do.
pub fn same(was: &str, is: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(was) == words(is) || canonical(was).is_some_and(|was| canonical(is) == Some(was))
}

/// One text for all that mean the same; None: Prometheus would not parse it.
pub fn canonical(text: &str) -> Option<String> {
    // A name of its own for each of Grafana's variables: a duration inside brackets, a word elsewhere.
    let mut filled = String::new();
    let mut names: Vec<&str> = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled += text,
            Piece::Variable(_, written) => {
                let index = names.iter().position(|known| *known == written).unwrap_or_else(|| {
                    names.push(written);
                    names.len() - 1
                });
                let inside_brackets = filled.rfind('[') > filled.rfind(']');
                let quoted = filled.matches('"').count() % 2 == 1;
                filled += &if inside_brackets && !quoted { format!("{}ms", 87_654_321 + index) } else { format!("variable_{index}_") };
            }
        }
    }
    let mut expr = parse(&filled).ok()?;
    plain(&mut expr);
    Some(format!("{expr:?} {names:?}"))
}

/// Takes away what has no meaning. Parentheses are in the tree already.
pub fn plain(expr: &mut Expr) {
    while let Expr::Paren(paren) = expr {
        *expr = (*paren.expr).clone();
    }
    match expr {
        Expr::Aggregate(AggregateExpr { expr, param, modifier, .. }) => {
            plain(expr);
            param.iter_mut().for_each(|param| plain(param));
            modifier.iter_mut().for_each(in_order);
        }
        Expr::Unary(unary) => plain(&mut unary.expr),
        Expr::Binary(BinaryExpr { lhs, rhs, modifier, .. }) => {
            plain(lhs);
            plain(rhs);
            if let Some(BinModifier { matching, .. }) = modifier {
                matching.iter_mut().for_each(in_order);
            }
        }
        Expr::Subquery(subquery) => plain(&mut subquery.expr),
        Expr::VectorSelector(vector) => selector(vector),
        Expr::MatrixSelector(matrix) => selector(&mut matrix.vs),
        Expr::Call(call) => call.args.args.iter_mut().for_each(|argument| plain(argument)),
        Expr::Paren(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn in_order(modifier: &mut LabelModifier) {
    let (LabelModifier::Include(Labels { labels }) | LabelModifier::Exclude(Labels { labels })) = modifier;
    labels.sort();
    labels.dedup();
}

/// `{__name__="up"}` is `up`.
fn selector(vector: &mut VectorSelector) {
    let Matchers { matchers, or_matchers } = &mut vector.matchers;
    if vector.name.is_none() && or_matchers.is_empty() {
        let named = matchers.iter().position(|matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal);
        vector.name = named.map(|index| matchers.remove(index).value);
    }
    for list in std::iter::once(matchers).chain(or_matchers) {
        list.sort_by_cached_key(ToString::to_string);
        list.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        for (was, is) in [
            ("sum by(a,b)(rate(x{c=\"1\",d=~\"2\"}[5m]))>0.1", "(sum by (b, a) (rate(x{d=~\"2\", c=\"1\"}[5m]))) > (0.10)"),
            ("a + b * c", "a + (b * c)"),
            ("rate(x{job=~\"$job\"}[$__rate_interval])", "rate( x{ job=~\"$job\" }[$__rate_interval] )"),
            ("{__name__=\"up\"}", "up"),
            ("label_values(up, job)", "label_values(up,  job)"),
        ] {
            assert!(same(was, is), "{was} | {is}");
        }
        for (was, is) in [
            ("(a + b) * c", "a + b * c"),
            ("rate(x[$__rate_interval])", "rate(x[$__interval])"),
            ("x{a=\"$job\"}", "x{a=\"$service\"}"),
            ("sum by (a) (x)", "sum without (a) (x)"),
            ("a - b", "b - a"),
            ("x{a=\"1\"}", "x{a!=\"1\"}"),
            ("x offset 5m", "x"),
        ] {
            assert!(!same(was, is), "{was} | {is}");
        }
    }
}
