//! PromQL by its meaning and not by its words: blanks, parentheses and the order of matchers and labels are none of it.

use super::variables::{Filling, fill, variables};
use super::walk::{children_mut, selector_mut, taken, text};
use super::{Expr, LabelModifier, MatchOp, Matcher, VectorSelector, parse};
use promql_parser::label::{Labels, Matchers};
use promql_parser::parser::{ParenExpr, StringLiteral};
use std::collections::{BTreeMap, BTreeSet};

/// A text on one line, with the parser's blanks where it can be parsed: how expressions of two servers are shown.
pub fn one_line(written: &str) -> String {
    let words = || written.split_whitespace().collect::<Vec<_>>().join(" ");
    parse(written).map_or_else(|_| words(), |tree| tree.to_string())
}

/// Whether two texts say the same; those that are not PromQL do when their words do.
pub fn same(was: &str, is: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(was) == words(is) || canonical(was).is_some_and(|was| canonical(is) == Some(was))
}

/// One text for all that mean the same; None: Prometheus would not parse it.
fn canonical(written: &str) -> Option<String> {
    // A name of its own for each of Grafana's variables: a duration inside brackets, a word elsewhere.
    let names: BTreeSet<&str> = variables(written).map(|(_, written)| written).collect();
    let filled = fill(written, |variable| {
        let mut known = names.iter();
        let index = known
            .position(|known| *known == variable.written)
            .unwrap_or_default();
        Filling::Text(if variable.is_range() {
            format!("{}ms", 87_654_321 + index)
        } else {
            format!("variable_{index}_")
        })
    });
    let mut expr = parse(&filled).ok()?;
    plain(&mut expr);
    Some(format!("{} {names:?}", print(&expr)))
}

/// The text of an expression without needless words: two that are `plain` have the same text when they are the same.
pub fn print(plain: &Expr) -> String {
    fn bracket(expr: &mut Expr) {
        for child in children_mut(expr) {
            bracket(child);
            if matches!(child, Expr::Binary(_) | Expr::Unary(_)) {
                let expr = Box::new(taken(child));
                *child = Expr::Paren(ParenExpr { expr });
            }
        }
    }
    let mut bracketed = plain.clone();
    bracket(&mut bracketed);
    bracketed.to_string()
}

/// Takes away what has no meaning. Parentheses are in the tree already.
pub fn plain(expr: &mut Expr) {
    while let Expr::Paren(paren) = expr {
        *expr = taken(&mut paren.expr);
    }
    children_mut(expr).into_iter().for_each(plain);
    if let Some(selector) = selector_mut(expr) {
        plain_selector(selector);
    }
    match expr {
        Expr::Aggregate(aggregate) => aggregate.modifier.iter_mut().for_each(in_order),
        Expr::Binary(binary) => {
            if let Some(modifier) = &mut binary.modifier {
                modifier.matching.iter_mut().for_each(in_order);
            }
        }
        Expr::Call(_) => any_order(expr),
        _ => {}
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
    let texts = texts
        .iter()
        .map(|argument| text(argument).map(str::to_string));
    let texts = texts.collect::<Option<Vec<_>>>()?.try_into().ok()?;
    (call.func.name == "label_replace").then_some((inner, texts))
}

/// `a|b` is `b|a`; where brackets or a backslash may hide a `|`, the order stays.
fn alternatives(matcher: &mut Matcher) {
    if matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_))
        && !matcher.value.contains(['(', '[', '\\'])
    {
        let mut all: Vec<&str> = matcher.value.split('|').collect();
        all.sort_unstable();
        all.dedup();
        matcher.value = all.join("|");
    }
}

/// `{__name__="up"}` is `up`.
fn plain_selector(selector: &mut VectorSelector) {
    let Matchers {
        matchers,
        or_matchers,
    } = &mut selector.matchers;
    if selector.name.is_none() && or_matchers.is_empty() {
        let named = matchers
            .iter()
            .position(|matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal);
        selector.name = named.map(|index| matchers.remove(index).value);
    }
    for list in std::iter::once(matchers).chain(or_matchers) {
        list.iter_mut().for_each(alternatives);
        if list.len() > 1 {
            let texts = list.drain(..).map(|matcher| (matcher.to_string(), matcher));
            let texts: BTreeMap<String, Matcher> = texts.collect();
            list.extend(texts.into_values());
        }
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
            // As Prometheus prints what it has loaded.
            (
                "sum by (job,service) (rate(x[300s]))\n > 0.10",
                "sum by (job, service) (rate(x[5m])) > 0.1",
            ),
            (
                "rate(x{job=~\"$job\"}[$__rate_interval])",
                "rate( x{ job=~\"$job\" }[$__rate_interval] )",
            ),
            ("{__name__=\"up\"}", "up"),
            ("-(a + b) ^ 2", "-((a + b) ^ 2)"),
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
            ("-a ^ 2", "(-a) ^ 2"),
            ("x{a=\"1\" or b=\"2\"}", "x{a=\"1\" or b=\"3\"}"),
            ("sum without () (a)", "sum(a)"),
            ("a > bool 1", "a > 1"),
            ("a / on (b) c", "a / on (b) group_left (d) c"),
            ("rate((a + b)[5m:1m])", "rate((a + b)[5m:2m])"),
            ("a @ 1", "a @ start()"),
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
