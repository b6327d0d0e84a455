//! PromQL as text → its syntax, within limits that are looked at before anything is parsed.

use super::walk::{children, children_mut, selector};
use super::{Expr, MatchOp, Matcher, Offset, patterns, re2};
use promql_parser::label::Matchers;
use promql_parser::parser;
use regex_syntax::ast::{self, Ast};
use std::time::Duration;

/// Parser, proofs and printing all go down an expression level by level, on a stack of a few megabytes. The deepest
/// expression of the well-known mixins has about 20 levels; one branch of `or` for each of several hundred services fits.
const MOST_LEVELS: usize = 1000;

/// Bytes of one expression, rendered ones included: a selector that names 100,000 services takes about two million.
const MOST_BYTES: usize = 4 << 20;

/// Prometheus counts nanoseconds in 64 bits with a sign.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// The syntax of an expression; the reason, in one sentence, when Prometheus would refuse it or it is beyond the limits.
pub fn parse(text: &str) -> Result<Expr, String> {
    if text.len() > MOST_BYTES {
        return Err(format!(
            "it has {} bytes, and monstack reads at most {MOST_BYTES}",
            text.len()
        ));
    }
    let levels = levels(text);
    if levels > MOST_LEVELS {
        return Err(format!(
            "it is nested {levels} levels deep (brackets, signs and operators in a row), and monstack reads at most {MOST_LEVELS}"
        ));
    }
    let tree = match parser::parse(text) {
        // The parser builds patterns in Rust's syntax and up to 10 MB, and takes a backslash in backquotes for an escape.
        Err(reason)
            if reason.starts_with("illegal regex for ")
                || reason.starts_with("unknown escape sequence") =>
        {
            patterns::parse(text)?
        }
        parsed => parsed?,
    };
    check_limits(&tree)?;
    let mut tree = tree;
    if text.contains("__name__") {
        name(&mut tree);
    }
    Ok(tree)
}

/// Gives selectors such as `{__name__="up"}` the name that a matcher says.
fn name(expr: &mut Expr) {
    let selector = match expr {
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(matrix) => &mut matrix.vs,
        other => return children_mut(other).into_iter().for_each(name),
    };
    let all = &mut selector.matchers;
    if selector.name.is_some() || !all.or_matchers.is_empty() {
        return;
    }
    let says = |matcher: &Matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal;
    let said = all.matchers.iter().position(says);
    selector.name = said.map(|index| all.matchers.remove(index).value);
}

/// One bracket that is open: how many operators of each precedence follow each other in it.
#[derive(Default)]
struct Open {
    run: [usize; SIGN + 1],
    longest: [usize; SIGN + 1],
    deepest: usize,
}

/// Of a sign before an operand; those before it are the binary operators from `or` to `^`.
const SIGN: usize = 6;

impl Open {
    /// One more operator. Those that bind tighter start a new operand with it.
    fn operator(&mut self, precedence: usize) {
        self.run[precedence] += 1;
        self.longest[precedence] = self.longest[precedence].max(self.run[precedence]);
        self.run[precedence + 1..].fill(0);
    }

    fn levels(&self) -> usize {
        self.longest.iter().sum::<usize>() + self.deepest
    }
}

/// At least as many levels as the syntax of a text would have: in each bracket the longest chain of operators of each
/// precedence, one upon the other, over what stands in the brackets inside. Nothing is parsed, and no text is refused.
fn levels(text: &str) -> usize {
    let mut open = vec![Open::default()];
    let mut operand = false; // Whether a sign would stand behind an operand, and so be an operator.
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let last = open.len() - 1;
        match character {
            '#' => while rest.next_if(|(_, character)| *character != '\n').is_some() {},
            '"' | '\'' | '`' => {
                while let Some((_, inside)) = rest.next() {
                    match inside {
                        '\\' if character != '`' => drop(rest.next()),
                        end if end == character => break,
                        _ => {}
                    }
                }
                operand = true;
            }
            '(' | '[' | '{' => {
                open.push(Open::default());
                operand = false;
            }
            ')' | ']' | '}' => {
                // One that closes nothing leaves the outermost open; the parser refuses it.
                if let Some(closed) = open.pop_if(|_| last > 0) {
                    open[last - 1].deepest = open[last - 1].deepest.max(closed.levels() + 1);
                    // What is sliced or called again is one level more each time: `x[5m:][5m:]`.
                    open[last - 1].operator(SIGN);
                }
                operand = true;
            }
            ',' => {
                open[last].run = Default::default();
                operand = false;
            }
            '+' | '-' => {
                open[last].operator(if operand { 3 } else { SIGN });
                operand = false;
            }
            '*' | '/' | '%' | '^' => {
                open[last].operator(if character == '^' { 5 } else { 4 });
                operand = false;
            }
            '=' | '!' | '<' | '>' => {
                let _ = rest.next_if(|(_, next)| *next == '=' || *next == '~');
                open[last].operator(2);
                operand = false;
            }
            letter if letter.is_alphanumeric() || matches!(letter, '_' | ':' | '.') => {
                let mut end = at + letter.len_utf8();
                while let Some((at, next)) = rest
                    .next_if(|(_, next)| next.is_alphanumeric() || matches!(next, '_' | ':' | '.'))
                {
                    end = at + next.len_utf8();
                }
                let precedence = match text[at..end].to_ascii_lowercase().as_str() {
                    "or" => Some(0),
                    "and" | "unless" => Some(1),
                    "atan2" => Some(4),
                    _ => None,
                };
                match precedence {
                    Some(precedence) => open[last].operator(precedence),
                    None => open[last].run[SIGN] = 0,
                }
                operand = precedence.is_none();
            }
            _ => {}
        }
    }
    // Brackets that are never closed count as well: the parser reads them before it knows.
    open.iter().map(|open| open.levels() + 1).sum()
}

/// What the parser lets through and Prometheus does not: durations of more than 292 years, patterns that RE2 refuses.
fn check_limits(expr: &Expr) -> Result<(), String> {
    let short = |duration: &Duration| match *duration > LONGEST {
        true => Err(
            "a duration in it is longer than 292 years, the most that Prometheus can count"
                .to_string(),
        ),
        false => Ok(()),
    };
    let shifted = |offset: &Option<Offset>| match offset {
        Some(Offset::Pos(by) | Offset::Neg(by)) => short(by),
        None => Ok(()),
    };
    match expr {
        Expr::MatrixSelector(matrix) => short(&matrix.range)?,
        Expr::Subquery(subquery) => {
            short(&subquery.range)?;
            subquery.step.as_ref().map_or(Ok(()), short)?;
            shifted(&subquery.offset)?;
        }
        _ => {}
    }
    if let Some(selector) = selector(expr) {
        shifted(&selector.offset)?;
        known(&selector.matchers)?;
    }
    children(expr).try_for_each(check_limits)
}

fn known(matchers: &Matchers) -> Result<(), String> {
    let all = matchers
        .matchers
        .iter()
        .chain(matchers.or_matchers.iter().flatten());
    for matcher in all.filter(|matcher| matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_))) {
        if let Some(why) = refused_pattern(&matcher.value) {
            return Err(format!(
                "`{}`, the pattern of `{}`, is not a regular expression: {why}",
                matcher.value, matcher.name
            ));
        }
    }
    Ok(())
}

/// RE2 refuses a pattern that repeats something more often, repetitions of repetitions multiplied.
const MOST_TIMES: u64 = 1000;

/// Why Prometheus would refuse a regular expression; None when it would not.
pub fn refused_pattern(pattern: &str) -> Option<String> {
    let pattern = match re2::rewritten(pattern) {
        Ok(rewritten) => rewritten,
        Err(reason) => return Some(reason),
    };
    let parsed = match ast::parse::ParserBuilder::new()
        .nest_limit(1000)
        .build()
        .parse(&pattern)
    {
        Ok(parsed) => parsed,
        Err(error) => return Some(error.kind().to_string()),
    };
    if let Some(times) = too_often(&parsed) {
        return Some(format!(
            "it repeats {times} times, and Prometheus (RE2) refuses more than {MOST_TIMES}"
        ));
    }
    // Classes and flags are looked up here; nothing is built, so a pattern may be as large as RE2 lets it be.
    regex_syntax::hir::translate::Translator::new()
        .translate(&pattern, &parsed)
        .err()
        .map(|error| error.kind().to_string())
}

/// How many times a pattern repeats something, when that is too often.
fn too_often(pattern: &Ast) -> Option<u64> {
    let times = times(pattern);
    (times > MOST_TIMES).then_some(times)
}

/// The largest product of nested counts. `x*` counts once, as for RE2.
fn times(pattern: &Ast) -> u64 {
    match pattern {
        Ast::Repetition(repetition) => {
            let count = match &repetition.op.kind {
                ast::RepetitionKind::Range(
                    ast::RepetitionRange::Exactly(count) | ast::RepetitionRange::AtLeast(count),
                ) => *count,
                ast::RepetitionKind::Range(ast::RepetitionRange::Bounded(_, most)) => *most,
                _ => 1,
            };
            u64::from(count)
                .max(1)
                .saturating_mul(times(&repetition.ast))
        }
        Ast::Group(group) => times(&group.ast),
        Ast::Alternation(all) => all.asts.iter().map(times).max().unwrap_or(1),
        Ast::Concat(all) => all.asts.iter().map(times).max().unwrap_or(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_is_refused_before_it_is_parsed() {
        let many = |text: &str| text.repeat(100_000);
        let deep = [
            format!("{}up{}", many("("), many(")")),
            many("("),
            format!("{}up", many("-")),
            format!("{}up", many("- + ")),
            format!("up{}", many(" + up")),
            format!("up{}", many(" or up")),
            format!("up{}", many("^up")),
            format!("{}up{}", many("abs("), many(")")),
            format!("{}up{}", many("sum by (job) ("), many(")")),
            format!("up{}", many("[5m:1m]")),
            many("["),
            many("{"),
            format!("{}up{}", many("(1 + "), many(")")),
        ];
        for text in deep {
            let reason = parse(&text).unwrap_err();
            assert!(reason.contains("levels deep"), "{}: {reason}", &text[..20]);
        }
        assert!(parse(&many("a very long name ")).is_err());
    }

    #[test]
    fn brackets_that_close_nothing_are_refused() {
        for text in [")", "up))", "up)]}) or (up", "]]]", "a}}}} + 1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn long_is_not_deep() {
        let chain = |operator: &str, times: usize| {
            vec!["(rate(shop_orders_total{job=\"a-(-\"}[5m]) > 1 and up == 1)"; times]
                .join(operator)
        };
        for operator in [" or ", " + ", " unless "] {
            let text = chain(operator, 900).replace(" and up == 1", "");
            assert!(parse(&text).is_ok(), "{operator}");
        }
        // Every operand has its own few levels; those of neighbours do not add up.
        let flat = vec!["up * 2 - 1 > 3 and on (job) (up == 0)"; 300].join(" or ");
        assert!(parse(&flat).is_ok());
        let selector = format!(
            "up{{job=~\"{}\"}} # ((((",
            vec!["some-service"; 10_000].join("|")
        );
        assert!(parse(&selector).is_ok());
    }

    #[test]
    fn levels_are_never_fewer_than_those_of_the_syntax() {
        fn depth(expr: &Expr) -> usize {
            1 + children(expr).map(depth).max().unwrap_or(0)
        }
        for text in [
            "up",
            "-up",
            "1 + 2 * 3 ^ 4 ^ -5 - 6",
            "a or b and c > d + e * f ^ g",
            "sum by (job) (rate(x{a=~\"(\", b!='\\''}[5m])) / on (job) group_left sum(y) > 0.5",
            "max_over_time((a > 1)[5m:1m]) or absent(b{c=`\\`})",
            "a - -b - -(c - -d)",
            "quantile(0.9, a) # or or or\n or b",
            "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m] offset -5m))) > bool 2 @ 1",
        ] {
            let Ok(tree) = parser::parse(text) else {
                continue;
            };
            assert!(
                levels(text) >= depth(&tree),
                "{text}: {} < {}",
                levels(text),
                depth(&tree)
            );
        }
    }

    #[test]
    fn durations_end_where_those_of_prometheus_do() {
        assert!(parse("rate(x[292y])").is_ok());
        for text in [
            "rate(x[293y])",
            "x offset 300y",
            "x offset -300y",
            "max_over_time(x[5m:293y])",
            "sum(rate(x[5m] offset 293y))",
        ] {
            assert!(parse(text).unwrap_err().contains("292 years"), "{text}");
        }
    }

    #[test]
    fn patterns_may_be_as_large_as_for_re2() {
        for pattern in [
            r"\pL{500}",
            r"\pL{1000}",
            "a{1000}",
            "(a{10}b{100}){10}",
            "[1-5][0-9]{2}",
            "(?i)get|post",
            "(a*)*",
        ] {
            assert_eq!(refused_pattern(pattern), None, "{pattern}");
        }
        for (pattern, reason) in [
            ("a{1001}", "1001 times"),
            ("(a{100}){11}", "1100 times"),
            ("((a{2,30}){20}){2}", "1200 times"),
            ("(", "unclosed"),
            (r"\pX", "Unicode"),
        ] {
            assert!(
                refused_pattern(pattern).is_some_and(|found| found.contains(reason)),
                "{pattern}: {:?}",
                refused_pattern(pattern)
            );
        }
        assert!(
            parse("up{job=~\"a{1001}\"}")
                .unwrap_err()
                .contains("1001 times")
        );
        assert!(parse("up{job=~\"a{1000}\"}").is_ok());
        assert!(parse(r#"up{job=~"\\pL{500}"}"#).is_ok());
        assert!(
            parse(r#"up{job=~"("}"#)
                .unwrap_err()
                .contains("unclosed group")
        );
    }
}
