//! Expressions with texts that the parser refuses and Prometheus does not: patterns that it cannot build, and a backslash in
//! backquotes, where it escapes nothing. They are parsed with words in their places, which are put back afterwards.

use super::Expr;
use super::walk::{children_mut, selector_mut};
use promql_parser::parser;
use promql_parser::util::unquote_string;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The syntax of an expression, whatever its patterns are: what Prometheus would refuse of them is not looked at.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
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
    if let Some(selector) = selector_mut(expr) {
        let all = &mut selector.matchers;
        for matcher in all
            .matchers
            .iter_mut()
            .chain(all.or_matchers.iter_mut().flatten())
        {
            if let Some(written) = words.get(&matcher.value) {
                matcher.value.clone_from(written);
            }
        }
    }
    if let Expr::StringLiteral(literal) = expr
        && let Some(written) = words.get(&literal.val)
    {
        literal.val.clone_from(written);
    }
    children_mut(expr)
        .into_iter()
        .for_each(|child| put_back(child, words));
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
