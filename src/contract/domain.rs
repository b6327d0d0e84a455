//! The values that a label can have, and whether a matcher can pick one of them.

use crate::catalog::pattern::rewritten;
use promql_parser::label::{MatchOp, Matcher};
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::{Anchored, Input, MatchKind};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The values of a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// These and no others.
    Values(Vec<String>),
    /// Everything that the regular expression matches as a whole.
    Pattern(String),
}

impl Domain {
    /// As the catalog declares it: a list of values, or a pattern.
    pub fn declared(written: &Value) -> Domain {
        match written.as_array() {
            Some(values) => Domain::Values(values.iter().filter_map(Value::as_str).map(str::to_string).collect()),
            None => Domain::Pattern(written.as_str().unwrap_or(".*").to_string()),
        }
    }

    /// Anything at all.
    pub fn any() -> Domain {
        Domain::Pattern(".*".to_string())
    }

    /// Whether some value of the label is picked by the matcher.
    pub fn meets(&self, matcher: &Matcher) -> bool {
        match self {
            Domain::Values(values) => values.iter().any(|value| matcher.is_match(value)),
            Domain::Pattern(pattern) => match &matcher.op {
                MatchOp::Equal => overlap(pattern, &escape(&matcher.value), true),
                MatchOp::NotEqual => overlap(pattern, &escape(&matcher.value), false),
                MatchOp::Re(_) => overlap(pattern, &matcher.value, true),
                MatchOp::NotRe(_) => overlap(pattern, &matcher.value, false),
            },
        }
    }

    /// Whether every value of this one is a value of the other.
    pub fn within(&self, other: &Domain) -> bool {
        let pattern = |domain: &Domain| match domain {
            Domain::Values(values) => values.iter().map(|value| escape(value)).collect::<Vec<_>>().join("|"),
            Domain::Pattern(pattern) => pattern.clone(),
        };
        !overlap(&pattern(self), &pattern(other), false)
    }

    /// Whether the two have a value in common.
    pub fn overlaps(&self, other: &Domain) -> bool {
        match (self, other) {
            (Domain::Values(own), Domain::Values(others)) => own.iter().any(|value| others.contains(value)),
            (Domain::Pattern(own), Domain::Pattern(others)) => overlap(own, others, true),
            (Domain::Values(values), Domain::Pattern(pattern)) | (Domain::Pattern(pattern), Domain::Values(values)) => {
                values.iter().any(|value| overlap(pattern, &escape(value), true))
            }
        }
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Domain::Values(values) => f.write_str(&values.join(", ")),
            Domain::Pattern(pattern) => write!(f, "/{pattern}/"),
        }
    }
}

fn escape(literal: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation() && c != '_' && c != '-';
    literal.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Whether a text exists that the first pattern matches and the second matches too (`both`) or does not.
/// A pattern too large to walk is taken to meet everything.
fn overlap(one: &str, other: &str, both: bool) -> bool {
    let (Some(mut first), Some(mut second)) = (Automaton::take(one), Automaton::take(other)) else { return true };
    let met = meeting(&mut first, &mut second, both).unwrap_or(true);
    first.put_back(one);
    second.put_back(other);
    met
}

/// A walk through both automata at once; None when one of them gives up.
fn meeting(first: &mut Automaton, second: &mut Automaton, both: bool) -> Option<bool> {
    let start = (first.start()?, second.start()?);
    let mut seen = HashSet::from([start]);
    let mut open = vec![start];
    // One byte for all that neither pattern tells apart.
    let classes: BTreeSet<(u8, u8, u8)> = (0..=255).map(|byte| (first.dfa.byte_classes().get(byte), second.dfa.byte_classes().get(byte), byte)).collect();
    let mut bytes: Vec<(u8, u8, u8)> = classes.into_iter().collect();
    bytes.dedup_by_key(|(one, other, _)| (*one, *other));
    while let Some((a, b)) = open.pop() {
        if first.accepts(a)? && second.accepts(b)? == both {
            return Some(true);
        }
        for (_, _, byte) in &bytes {
            let next = (first.next(a, *byte)?, second.next(b, *byte)?);
            let lost = next.0.is_dead() || (both && next.1.is_dead());
            if !lost && seen.insert(next) {
                open.push(next);
            }
        }
    }
    Some(false)
}

thread_local! {
    /// Patterns come again with every expression, and a walk may need two of one pattern.
    static BUILT: RefCell<HashMap<String, Automaton>> = RefCell::default();
}

/// A pattern as states, worked out only where a walk goes.
struct Automaton {
    dfa: DFA,
    cache: Cache,
}

impl Automaton {
    fn take(pattern: &str) -> Option<Automaton> {
        BUILT.with_borrow_mut(|built| built.remove(pattern)).or_else(|| Automaton::build(pattern))
    }

    fn put_back(self, pattern: &str) {
        BUILT.with_borrow_mut(|built| built.insert(pattern.to_string(), self));
    }

    /// States keep their numbers: where they no longer fit, the walk ends instead of starting over.
    fn build(pattern: &str) -> Option<Automaton> {
        let config = Config::new().match_kind(MatchKind::All).cache_capacity(1 << 22).minimum_cache_clear_count(Some(0));
        let dfa = DFA::builder().configure(config).build(&format!("^(?:{})$", rewritten(pattern).ok()?)).ok()?;
        Some(Automaton { cache: dfa.create_cache(), dfa })
    }

    fn start(&mut self) -> Option<LazyStateID> {
        self.dfa.start_state_forward(&mut self.cache, &Input::new("").anchored(Anchored::Yes)).ok()
    }

    fn next(&mut self, state: LazyStateID, byte: u8) -> Option<LazyStateID> {
        self.dfa.next_state(&mut self.cache, state, byte).ok().filter(|next| !next.is_quit())
    }

    fn accepts(&mut self, state: LazyStateID) -> Option<bool> {
        self.dfa.next_eoi_state(&mut self.cache, state).ok().map(|end| end.is_match())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(selector: &str) -> Matcher {
        match promql_parser::parser::parse(&format!("up{{{selector}}}")).unwrap() {
            promql_parser::parser::Expr::VectorSelector(vector) => vector.matchers.matchers[0].clone(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_matcher_meets_what_the_pattern_allows() {
        let status = Domain::Pattern("[1-5][0-9]{2}".into());
        for good in ["status=~\"5..\"", "status=\"200\"", "status!=\"500\"", "status=~\"5.*|4.*\"", "status!~\"5..\"", "status=~\".+\""] {
            assert!(status.meets(&matcher(good)), "{good}");
        }
        for bad in ["status=~\"6..\"", "status=\"ValueError\"", "status=\"\"", "status=~\"5\"", "status!~\"[0-9]+\"", "status=~\"50\""] {
            assert!(!status.meets(&matcher(bad)), "{bad}");
        }
        let method = Domain::Values(vec!["GET".into()]);
        assert!(method.meets(&matcher("method=~\"G.*\"")) && !method.meets(&matcher("method!=\"GET\"")));
        assert!(Domain::Pattern("a.c".into()).meets(&matcher("x=\"a+c\"")));
    }

    #[test]
    fn domains_overlap_in_a_value() {
        assert!(Domain::Pattern("a|ab".into()).overlaps(&Domain::Values(vec!["ab".into()])));
        assert!(!Domain::Pattern("[a-m]+".into()).overlaps(&Domain::Pattern("[n-z]+".into())));
    }

    #[test]
    fn a_domain_within_another_has_no_value_of_its_own() {
        let (few, many) = (Domain::Values(vec!["200".into(), "404".into()]), Domain::Pattern("[1-5][0-9]{2}".into()));
        assert!(few.within(&many) && few.within(&few) && many.within(&many) && !many.within(&few));
        assert!(!Domain::Values(vec!["a+".into()]).within(&Domain::Values(vec!["aa".into()])));
    }
}
