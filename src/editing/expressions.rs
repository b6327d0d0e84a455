//! An expression in which something has another name. The parser says what is named; its words are found in the text, so that
//! blanks, comments and the order of matchers stay. An expression whose words do not give what the parser says stays as it is.

use crate::promql::canonical::{plain, print};
use crate::promql::matchers::picks;
use crate::promql::walk::{children_mut, selector_mut, selectors};
use crate::promql::{Expr, MatchOp, parse};
use std::ops::Range;

/// What an expression may name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Named {
    /// Metrics by their whole names: old and new, those of a histogram's parts too.
    Metrics(Vec<(String, String)>),
    /// The value of labels.
    Label {
        labels: Vec<String>,
        old: String,
        new: String,
    },
}

/// What became of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Renamed {
    /// It does not name it.
    Unnamed,
    /// Its text with the new name.
    Text(String),
    /// It names it in a way that is not rewritten, such as a pattern.
    Left,
}

impl Named {
    /// Whether an expression names it at all.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.rename(text) != Renamed::Unnamed
    }

    /// The text with the new name.
    pub(crate) fn rename(&self, text: &str) -> Renamed {
        let Ok(mut wanted) = parse(text) else {
            return Renamed::Unnamed;
        };
        if !self.names(&wanted) {
            return Renamed::Unnamed;
        }
        let whole = self.apply(&mut wanted);
        let new = self.rewritten(text);
        let said = |mut tree: Expr| {
            plain(&mut tree);
            print(&tree)
        };
        match parse(&new) {
            Ok(tree) if whole && said(tree.clone()) == said(wanted) => Renamed::Text(new),
            _ => Renamed::Left,
        }
    }

    fn new_metric(&self, name: &str) -> Option<&str> {
        match self {
            Named::Metrics(pairs) => {
                let mut pairs = pairs.iter();
                pairs.find_map(|(old, new)| (old == name).then_some(new.as_str()))
            }
            Named::Label { .. } => None,
        }
    }

    /// What the value of a label becomes; None: it does not name it, or not as a word of its own.
    fn new_value(&self, label: &str, op: &str, value: &str) -> Option<String> {
        let one = |value: &str| match self {
            Named::Metrics(_) if label == "__name__" => self.new_metric(value).map(str::to_string),
            Named::Label { labels, old, new } if labels.iter().any(|known| known == label) => {
                (value == old).then(|| new.clone())
            }
            _ => None,
        };
        if op == "=" || op == "!=" {
            return one(value);
        }
        let words: Vec<&str> = value.split('|').collect();
        let renamed: Vec<Option<String>> = words.iter().map(|word| one(word)).collect();
        renamed.iter().any(Option::is_some).then(|| {
            let words = renamed.into_iter().zip(words);
            let words: Vec<String> = words
                .map(|(new, old)| new.unwrap_or_else(|| old.to_string()))
                .collect();
            words.join("|")
        })
    }

    fn names(&self, tree: &Expr) -> bool {
        selectors(tree).into_iter().any(|selector| {
            let name = selector.name.as_deref().unwrap_or_default();
            self.new_metric(name).is_some()
                || selector.matchers.matchers.iter().any(|matcher| match self {
                    Named::Metrics(pairs) => {
                        matcher.name == "__name__"
                            && picked(matcher)
                                .is_some_and(|picks| pairs.iter().any(|(old, _)| picks(old)))
                    }
                    Named::Label { labels, old, .. } => {
                        labels.contains(&matcher.name)
                            && picked(matcher).is_some_and(|picks| picks(old))
                    }
                })
        })
    }

    /// Gives the tree the new name; false: a pattern names it that no word of its own can be exchanged in.
    fn apply(&self, tree: &mut Expr) -> bool {
        let mut whole = true;
        if let Some(selector) = selector_mut(tree) {
            if let Some(new) = selector
                .name
                .as_deref()
                .and_then(|name| self.new_metric(name))
            {
                selector.name = Some(new.to_string());
            }
            for matcher in &mut selector.matchers.matchers {
                let op = operator(&matcher.op);
                if let Some(new) = self.new_value(&matcher.name, op, &matcher.value) {
                    matcher.value = new;
                } else if matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_)) {
                    let narrow = picked(matcher);
                    let of = |label: &String, old: &str| {
                        *label == matcher.name && narrow.as_ref().is_some_and(|picks| picks(old))
                    };
                    whole &= match self {
                        Named::Metrics(pairs) => !pairs
                            .iter()
                            .any(|(old, _)| of(&"__name__".to_string(), old)),
                        Named::Label { labels, old, .. } => {
                            !labels.iter().any(|label| of(label, old))
                        }
                    };
                }
            }
        }
        for child in children_mut(tree) {
            whole &= self.apply(child);
        }
        whole
    }

    /// The text with the words exchanged that stand where a name may.
    fn rewritten(&self, text: &str) -> String {
        let mut new = String::new();
        let mut done = 0;
        for (range, word) in self.words(text) {
            new += &text[done..range.start];
            new += &word;
            done = range.end;
        }
        new + &text[done..]
    }

    fn words(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let tokens = tokens(text);
        let mut found = Vec::new();
        let mut braces = false;
        // How many brackets of `by (…)` and its like are open.
        let mut grouping = 0usize;
        for (index, token) in tokens.iter().enumerate() {
            let word = &text[token.clone()];
            let before = |steps: usize| {
                let at = index.checked_sub(steps)?;
                Some(&text[tokens[at].clone()])
            };
            match word {
                "{" => braces = true,
                "}" => braces = false,
                "(" if grouping > 0 => grouping += 1,
                "(" if before(1).is_some_and(|word| GROUPING.contains(&word)) => grouping = 1,
                ")" => grouping = grouping.saturating_sub(1),
                _ if braces && word.starts_with(['"', '\'', '`']) => {
                    let (Some(op), Some(label)) = (before(1), before(2)) else {
                        continue;
                    };
                    let inside = &word[1..word.len() - 1];
                    if let Some(new) = self.new_value(label, op, inside) {
                        found.push((token.start + 1..token.end - 1, new));
                    }
                }
                _ if !braces && grouping == 0 => {
                    if let Some(new) = self.new_metric(word) {
                        found.push((token.clone(), new.to_string()));
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// Words that a list of labels follows.
const GROUPING: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

fn operator(op: &MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Re(_) => "=~",
        MatchOp::NotRe(_) => "!~",
    }
}

/// Whether a matcher speaks of a value: it is equal to it, or a pattern that picks it and not just anything.
fn picked(matcher: &crate::promql::Matcher) -> Option<impl Fn(&str) -> bool + '_> {
    let speaks = |value: &str| match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => matcher.value == value,
        MatchOp::Re(_) => picks(matcher, value),
        MatchOp::NotRe(_) => !picks(matcher, value),
    };
    // Some value that nobody has: a pattern that takes it takes everything.
    let anything =
        matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_)) && speaks("\u{1}anything\u{1}");
    (!anything).then_some(speaks)
}

/// The words of an expression: names, strings with their quotes, and signs; blanks and comments are none.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, character)) = rest.next() {
        let mut end = start + character.len_utf8();
        match character {
            '#' => {
                while rest.next_if(|(_, next)| *next != '\n').is_some() {}
                continue;
            }
            blank if blank.is_whitespace() => continue,
            '"' | '\'' | '`' => {
                while let Some((at, inside)) = rest.next() {
                    end = at + inside.len_utf8();
                    match inside {
                        '\\' if character != '`' => drop(rest.next()),
                        close if close == character => break,
                        _ => {}
                    }
                }
            }
            '=' | '!' | '<' | '>' => {
                if let Some((at, next)) = rest.next_if(|(_, next)| *next == '=' || *next == '~') {
                    end = at + next.len_utf8();
                }
            }
            letter if letter.is_alphanumeric() || letter == '_' || letter == ':' => {
                let inside = |next: char| next.is_alphanumeric() || matches!(next, '_' | ':' | '.');
                while let Some((at, next)) = rest.next_if(|(_, next)| inside(*next)) {
                    end = at + next.len_utf8();
                }
            }
            _ => {}
        }
        found.push(start..end);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(text: &str) -> Renamed {
        let pairs = ["", "_bucket"].map(|part| (format!("shop_a{part}"), format!("shop_b{part}")));
        Named::Metrics(pairs.to_vec()).rename(text)
    }

    fn service(text: &str) -> Renamed {
        Named::Label {
            labels: vec!["job".to_string(), "service".to_string()],
            old: "cart".to_string(),
            new: "basket".to_string(),
        }
        .rename(text)
    }

    fn text(text: &str) -> Renamed {
        Renamed::Text(text.to_string())
    }

    #[test]
    fn a_metric_is_renamed_where_it_is_one() {
        assert_eq!(
            metric("sum  by (shop_a) (rate(shop_a[5m])) # shop_a\n / shop_a_total"),
            text("sum  by (shop_a) (rate(shop_b[5m])) # shop_a\n / shop_a_total")
        );
        assert_eq!(
            metric(r#"histogram_quantile(0.9, shop_a_bucket{shop_a="shop_a"})"#),
            text(r#"histogram_quantile(0.9, shop_b_bucket{shop_a="shop_a"})"#)
        );
        assert_eq!(
            metric(r#"{__name__=~"shop_a|up"}"#),
            text(r#"{__name__=~"shop_b|up"}"#)
        );
        assert_eq!(metric("a_shop_a + shop_aa"), Renamed::Unnamed);
        assert_eq!(metric(r#"{__name__=~"shop_.*"}"#), Renamed::Left);
    }

    #[test]
    fn a_service_is_renamed_in_matchers_of_its_labels() {
        assert_eq!(
            service(r#"up{job="cart", path='cart'} or cart{service=~"a|cart|b"}"#),
            text(r#"up{job="basket", path='cart'} or cart{service=~"a|basket|b"}"#)
        );
        assert_eq!(service(r#"up{job=~".+"}"#), Renamed::Unnamed);
        assert_eq!(service(r#"up{job!="cart"}"#), text(r#"up{job!="basket"}"#));
        assert_eq!(service(r#"up{job=~"c.*"}"#), Renamed::Left);
        assert_eq!(service("cart"), Renamed::Unnamed);
    }
}
