//! Whether a matcher picks a value, as Prometheus decides it: the parser's own verdict follows Rust's syntax of patterns.

use super::re2::in_bytes;
use super::{MatchOp, Matcher};
use promql_parser::label::Matchers;
use regex_automata::meta::{Config, Regex};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Bytes of a pattern once it is written out. Prometheus sets no such limit; one beyond it is taken to pick everything.
const MOST_BUILT: usize = 64 << 20;

thread_local! {
    /// Patterns come again with every expression and every series.
    static BUILT: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::default();
}

/// A matcher that is asked about many values.
pub(crate) struct Judge<'a> {
    matcher: &'a Matcher,
    /// None: it is no pattern, or one that is too large.
    regex: Option<Rc<Regex>>,
}

impl<'a> Judge<'a> {
    /// Its pattern is built here, once for all values.
    pub(crate) fn of(matcher: &'a Matcher) -> Judge<'a> {
        let pattern = matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_));
        let regex = pattern.then(|| regex(&matcher.value)).flatten();
        Judge { matcher, regex }
    }

    /// Whether the matcher picks a value; a label that is not there is empty.
    pub(crate) fn picks(&self, value: &str) -> bool {
        let met = || self.regex.as_ref().map(|regex| regex.is_match(value));
        match self.matcher.op {
            MatchOp::Equal => self.matcher.value == value,
            MatchOp::NotEqual => self.matcher.value != value,
            MatchOp::Re(_) => met().unwrap_or(true),
            MatchOp::NotRe(_) => met().is_none_or(|met| !met),
        }
    }
}

/// Whether a matcher picks one value.
pub fn picks(matcher: &Matcher, value: &str) -> bool {
    Judge::of(matcher).picks(value)
}

/// Whether all matchers pick a series by its labels; its metric has been looked up already.
pub fn pick(matchers: &Matchers, labels: &BTreeMap<String, String>) -> bool {
    let value = |label: &str| labels.get(label).map_or("", String::as_str);
    let mut all = matchers.matchers.iter();
    all.all(|matcher| matcher.name == "__name__" || picks(matcher, value(&matcher.name)))
}

/// The pattern of the values that a matcher speaks of, whether it picks them or all others.
pub fn pattern(matcher: &Matcher) -> String {
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => regex_syntax::escape(&matcher.value),
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.clone(),
    }
}

/// The matchers between the braces of a selector.
#[cfg(test)]
pub(crate) fn read(text: &str) -> Option<Vec<Matcher>> {
    match super::parse(&format!("alert{{{text}}}")) {
        Ok(super::Expr::VectorSelector(vector)) => Some(vector.matchers.matchers),
        _ => None,
    }
}

/// A pattern as Prometheus applies it, to a value as a whole; None: it is none, or one that is too large.
pub(crate) fn regex(pattern: &str) -> Option<Rc<Regex>> {
    BUILT.with_borrow_mut(|built| match built.get(pattern) {
        Some(known) => known.clone(),
        None => built
            .entry(pattern.to_string())
            .or_insert_with(|| build(pattern).map(Rc::new))
            .clone(),
    })
}

fn build(pattern: &str) -> Option<Regex> {
    let config = Config::new()
        .nfa_size_limit(Some(MOST_BUILT))
        .onepass_size_limit(None);
    Regex::builder()
        .configure(config)
        .build_from_hir(&in_bytes(pattern)?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(matcher: &str, value: &str) -> bool {
        picks(&read(&format!("a{matcher}")).unwrap()[0], value)
    }

    /// What RE2 and Rust read differently.
    #[test]
    fn a_pattern_means_what_it_means_in_prometheus() {
        for (matcher, value, expected) in [
            (r"=~`\\d+`", "\\ddd", true),
            (r"=~`\d+`", "12", true),
            (r"=~`\d+`", "١٢", false),
            (r"!~`\d+`", "١٢", true),
            (r"=~`\w+`", "é", false),
            (r"=~`\s`", "\u{2003}", false),
            ("=~`(?i)get`", "GET", true),
            (r"=~`\pL`", "é", true),
            (r"=~`\p{Greek}+`", "αβ", true),
            ("=~`[[:alpha:]]`", "é", false),
            ("=~`[[:alpha:]]+`", "ab", true),
            (r"=~`a\z`", "a", true),
            (r"=~`\x{e9}`", "é", true),
            (r"=~`\Qa.b\E`", "axb", false),
            ("=~`[a&&b]`", "&", true),
            ("=~`a{b`", "a{b", true),
            ("=~`a.b`", "a\nb", true),
            ("=~`b`", "abc", false),
            ("=~`|a`", "", true),
            ("=`a.b`", "axb", false),
            ("!=`a`", "b", true),
        ] {
            assert_eq!(picked(matcher, value), expected, "{matcher} {value:?}");
        }
        // There in C++, and not in Go.
        assert!(crate::promql::parse(r"up{a=~`\C`}").is_err());
    }

    #[test]
    fn a_pattern_that_rust_finds_too_large_is_compared_as_well() {
        assert!(
            picked(r"=~`\pL{500}`", &"é".repeat(500)) && !picked(r"=~`\pL{500}`", &"é".repeat(499))
        );
    }
}
