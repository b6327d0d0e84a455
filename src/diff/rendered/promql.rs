//! PromQL by its meaning and not by its words: blanks, parentheses and the order of matchers and labels are none of it.

use crate::pieces::{Piece, pieces};
use crate::promql::parse;
use promql_parser::label::{Labels, MatchOp, Matcher, Matchers};
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Expr, LabelModifier, StringLiteral, VectorSelector,
};
use std::collections::BTreeSet;

/// Whether two texts say the same; those that are not PromQL do when their words do.
pub fn same(was: &str, is: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(was) == words(is) || canonical(was).is_some_and(|was| canonical(is) == Some(was))
}

/// One text for all that mean the same; None: Prometheus would not parse it.
pub fn canonical(text: &str) -> Option<String> {
    // A name of its own for each of Grafana's variables, wherever it stands: a duration inside brackets, a word elsewhere.
    let names: BTreeSet<&str> = pieces(text)
        .filter_map(|piece| {
            if let Piece::Variable(_, written) = piece {
                Some(written)
            } else {
                None
            }
        })
        .collect();
    let mut filled = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled += text,
            Piece::Variable(_, written) => {
                let index = names
                    .iter()
                    .position(|known| *known == written)
                    .unwrap_or_default();
                let inside_brackets = filled.rfind('[') > filled.rfind(']');
                let quoted = filled.matches('"').count() % 2 == 1;
                filled += &if inside_brackets && !quoted {
                    format!("{}ms", 87_654_321 + index)
                } else {
                    format!("variable_{index}_")
                };
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
        Expr::Aggregate(AggregateExpr {
            expr,
            param,
            modifier,
            ..
        }) => {
            plain(expr);
            param.iter_mut().for_each(|param| plain(param));
            modifier.iter_mut().for_each(in_order);
        }
        Expr::Unary(unary) => plain(&mut unary.expr),
        Expr::Binary(BinaryExpr {
            lhs, rhs, modifier, ..
        }) => {
            plain(lhs);
            plain(rhs);
            if let Some(BinModifier { matching, .. }) = modifier {
                matching.iter_mut().for_each(in_order);
            }
        }
        Expr::Subquery(subquery) => plain(&mut subquery.expr),
        Expr::VectorSelector(vector) => selector(vector),
        Expr::MatrixSelector(matrix) => selector(&mut matrix.vs),
        Expr::Call(call) => {
            call.args
                .args
                .iter_mut()
                .for_each(|argument| plain(argument));
            any_order(expr);
        }
        Expr::Paren(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn in_order(modifier: &mut LabelModifier) {
    let (LabelModifier::Include(Labels { labels }) | LabelModifier::Exclude(Labels { labels })) =
        modifier;
    labels.sort();
    labels.dedup();
}

/// One `label_replace` around another, each of which writes the label where another one has one word: whichever comes first.
fn any_order(expr: &mut Expr) {
    let (mut steps, mut inside) = (Vec::new(), &*expr);
    while let Some((inner, step)) = replacing(inside) {
        steps.push(step);
        inside = inner;
    }
    let word = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    let apart = steps
        .iter()
        .map(|step| &step[3])
        .collect::<BTreeSet<_>>()
        .len()
        == steps.len();
    let alike = |step: &[String; 4]| {
        step[0] == steps[0][0] && step[2] == steps[0][2] && step[0] != step[2] && word(&step[3])
    };
    if !apart || !steps.iter().all(alike) {
        return;
    }
    steps.sort();
    let mut around = expr;
    for step in steps {
        let Expr::Call(call) = around else { return };
        let (inner, words) = call.args.args.split_at_mut(1);
        for (argument, text) in words.iter_mut().zip(step) {
            **argument = Expr::StringLiteral(StringLiteral { val: text });
        }
        around = &mut inner[0];
    }
}

/// What a `label_replace` is of, and its four texts.
fn replacing(expr: &Expr) -> Option<(&Expr, [String; 4])> {
    let Expr::Call(call) = expr else { return None };
    let [inner, texts @ ..] = call.args.args.as_slice() else {
        return None;
    };
    let texts = texts.iter().map(|text| {
        if let Expr::StringLiteral(literal) = &**text {
            Some(literal.val.clone())
        } else {
            None
        }
    });
    let texts = texts.collect::<Option<Vec<_>>>()?.try_into().ok()?;
    (call.func.name == "label_replace").then_some((inner, texts))
}

/// `a|b` is `b|a`; where brackets or a backslash may hide a `|`, the order stays.
fn alternatives(matcher: &mut Matcher) {
    if !matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_))
        || !matcher.value.contains('|')
        || matcher.value.contains(['(', '[', '\\'])
    {
        return;
    }
    let mut all: Vec<&str> = matcher.value.split('|').collect();
    all.sort_unstable();
    all.dedup();
    matcher.value = all.join("|");
    // The operator holds the pattern as it was written, and would tell the two apart.
    matcher.name += if matches!(matcher.op, MatchOp::Re(_)) {
        "=~"
    } else {
        "!~"
    };
    matcher.op = MatchOp::Equal;
}

/// `{__name__="up"}` is `up`.
fn selector(vector: &mut VectorSelector) {
    let Matchers {
        matchers,
        or_matchers,
    } = &mut vector.matchers;
    if vector.name.is_none() && or_matchers.is_empty() {
        let named = matchers
            .iter()
            .position(|matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal);
        vector.name = named.map(|index| matchers.remove(index).value);
    }
    for list in std::iter::once(matchers).chain(or_matchers) {
        list.iter_mut().for_each(alternatives);
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
            (
                "sum by(a,b)(rate(x{c=\"1\",d=~\"2\"}[5m]))>0.1",
                "(sum by (b, a) (rate(x{d=~\"2\", c=\"1\"}[5m]))) > (0.10)",
            ),
            ("a + b * c", "a + (b * c)"),
            (
                "rate(x{job=~\"$job\"}[$__rate_interval])",
                "rate( x{ job=~\"$job\" }[$__rate_interval] )",
            ),
            ("{__name__=\"up\"}", "up"),
            ("label_values(up, job)", "label_values(up,  job)"),
            (
                "x{a=~\"$job\",b=~\"$instance\"}",
                "x{b=~\"$instance\",a=~\"$job\"}",
            ),
            (
                "x{a=~\"one|two\",b!~\"1|2\"}",
                "x{a=~\"two|one\",b!~\"2|1\"}",
            ),
            (
                "label_replace(label_replace(x, \"to\", \"1\", \"from\", \"a\"), \"to\", \"2\", \"from\", \"b\")",
                "label_replace(label_replace(x, \"to\", \"2\", \"from\", \"b\"), \"to\", \"1\", \"from\", \"a\")",
            ),
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
            ("x{a=~\"one|two\"}", "x{a!~\"one|two\"}"),
            ("x{a=~\"one|two\"}", "x{a=\"one|two\"}"),
            ("x{a=~\"(b|c)d\"}", "x{a=~\"c)d|(b\"}"),
            (
                "rate(x{a=~\"$job\"}[$__range])",
                "rate(x{a=~\"$job\"}[$__interval])",
            ),
            // Both may write the label, so the later one counts.
            (
                "label_replace(label_replace(x, \"to\", \"1\", \"from\", \"a\"), \"to\", \"2\", \"from\", \"a\")",
                "label_replace(label_replace(x, \"to\", \"2\", \"from\", \"a\"), \"to\", \"1\", \"from\", \"a\")",
            ),
            (
                "label_replace(label_replace(x, \"to\", \"1\", \"from\", \"a.*\"), \"to\", \"2\", \"from\", \"ab\")",
                "label_replace(label_replace(x, \"to\", \"2\", \"from\", \"ab\"), \"to\", \"1\", \"from\", \"a.*\")",
            ),
        ] {
            assert!(!same(was, is), "{was} | {is}");
        }
    }
}
