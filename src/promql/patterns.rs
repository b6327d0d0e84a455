//! Expressions with texts that the parser refuses and Prometheus does not: patterns that it cannot build, and a backslash in
//! backquotes, where it escapes nothing. They are parsed with words in their places, which are put back afterwards.

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr};
use promql_parser::util::unquote_string;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The syntax of an expression, whatever its patterns are: what Prometheus would refuse of them is not looked at.
pub fn parse(text: &str) -> Result<Expr, String> {
    let (mut words, mut filled, mut at) = (HashMap::new(), String::new(), 0);
    for (start, end) in literals(text) {
        let Ok(written) = unquote_string(&text[start..end]) else {
            continue;
        };
        // One word for one text, in every expression, as trees are compared.
        let mut hasher = DefaultHasher::new();
        written.hash(&mut hasher);
        let word = format!("monstack_{:x}", hasher.finish());
        filled += &format!("{}\"{word}\"", &text[at..start]);
        words.insert(word, written);
        at = end;
    }
    let mut tree = parser::parse(&(filled + &text[at..]))?;
    put_back(&mut tree, &words);
    Ok(tree)
}

/// Where the patterns stand, behind `=~` or `!~`, and every text in backquotes.
fn literals(text: &str) -> Vec<(usize, usize)> {
    let (mut found, mut matching, mut previous) = (Vec::new(), false, ' ');
    let mut rest = text.char_indices();
    while let Some((start, character)) = rest.next() {
        match character {
            '#' => drop(rest.find(|(_, character)| *character == '\n')),
            '"' | '\'' | '`' => {
                while let Some((at, inside)) = rest.next() {
                    match inside {
                        '\\' if character != '`' => drop(rest.next()),
                        end if end == character => {
                            found.extend((matching || character == '`').then_some((start, at + 1)));
                            break;
                        }
                        _ => {}
                    }
                }
                matching = false;
            }
            blank if blank.is_whitespace() => {}
            character => matching = character == '~' && matches!(previous, '=' | '!'),
        }
        previous = character;
    }
    found
}

fn put_back(expr: &mut Expr, words: &HashMap<String, String>) {
    let restore = |matchers: &mut Matchers| {
        for matcher in matchers
            .matchers
            .iter_mut()
            .chain(matchers.or_matchers.iter_mut().flatten())
        {
            if let Some(written) = words.get(&matcher.value) {
                matcher.value.clone_from(written);
            }
        }
    };
    match expr {
        Expr::VectorSelector(vector) => restore(&mut vector.matchers),
        Expr::MatrixSelector(matrix) => restore(&mut matrix.vs.matchers),
        Expr::Subquery(subquery) => put_back(&mut subquery.expr, words),
        Expr::Paren(paren) => put_back(&mut paren.expr, words),
        Expr::Unary(unary) => put_back(&mut unary.expr, words),
        Expr::Aggregate(aggregate) => {
            aggregate
                .param
                .iter_mut()
                .for_each(|param| put_back(param, words));
            put_back(&mut aggregate.expr, words);
        }
        Expr::Binary(binary) => [&mut binary.lhs, &mut binary.rhs]
            .into_iter()
            .for_each(|side| put_back(side, words)),
        Expr::Call(call) => call
            .args
            .args
            .iter_mut()
            .for_each(|argument| put_back(argument, words)),
        Expr::StringLiteral(literal) => {
            if let Some(written) = words.get(&literal.val) {
                literal.val.clone_from(written);
            }
        }
        Expr::NumberLiteral(_) | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::parse;

    /// The patterns as Prometheus has them, however they are quoted, and the rest of the text untouched.
    #[test]
    fn patterns_are_put_back_as_they_are() {
        for (text, shown) in [
            (r#"up{a=~"\\pL{500}"}"#, r#"up{a=~"\\pL{500}"}"#),
            (r#"up{a=~'\\pL{500}\'"'}"#, r#"up{a=~"\\pL{500}'\""}"#),
            (r"up{a !~ `\pL{500}`}", r#"up{a!~"\\pL{500}"}"#),
            (
                "up{a=~ # not \"this\"\n`\\pL{500}`, b=\"=~`x`\"}",
                r#"up{a=~"\\pL{500}",b="=~`x`"}"#,
            ),
            (
                r#"sum by (a) (rate(x{a=~"\\pL{500}",b=~"c"}[5m])) > on (a) -(topk(2, max_over_time(y{a!~`\pL{501}`}[5m:1m])))"#,
                r#"sum by (a) (rate(x{a=~"\\pL{500}",b=~"c"}[5m])) > on (a) -(topk(2, max_over_time(y{a!~"\\pL{501}"}[5m:1m])))"#,
            ),
            (
                r#"label_replace(x{a=`\d`}, "b", `$1\n`, "c", `(\d)`)"#,
                r#"label_replace(x{a="\\d"}, "b", "$1\\n", "c", "(\\d)")"#,
            ),
        ] {
            assert_eq!(
                parse(text).map(|tree| tree.to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
        assert_eq!(
            parse(r"up{a=~`\pL{500}`}"),
            parse(r#"up { a=~"\\pL{500}" }"#)
        );
        assert_ne!(parse(r"up{a=~`\pL{500}`}"), parse(r"up{a=~`\pL{501}`}"));
        for wrong in [
            r"up{a=~`\pL{500}`",
            r"up{a=~`\pL{500}`} + ",
            r"up{a=~`\pL{500}`,b=~`(`}",
            r"up{a=~`\pL{500}`,b=~`\pL{1001}`}",
            r"up{a=~`\pX`}",
            r#"up{a="\d"}"#,
            r#"up{a=~"\d"}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
