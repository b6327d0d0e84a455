//! The values that a label can have, and whether a matcher can pick one of them.

use promql_parser::label::{MatchOp, Matcher};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input, MatchKind};
use serde_json::Value;
use std::collections::HashSet;

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

/// Whether a text exists that the first pattern matches and the second matches too (`both`) or does not: a walk
/// through both automata at once. A pattern too large to build is taken to meet everything.
fn overlap(one: &str, other: &str, both: bool) -> bool {
    let (Some(first), Some(second)) = (automaton(one), automaton(other)) else { return true };
    let (Some(from_first), Some(from_second)) = (start(&first), start(&second)) else { return true };
    let mut seen = HashSet::from([(from_first, from_second)]);
    let mut open = vec![(from_first, from_second)];
    while let Some((a, b)) = open.pop() {
        let accepts = |dfa: &dense::DFA<Vec<u32>>, state| dfa.is_match_state(dfa.next_eoi_state(state));
        if accepts(&first, a) && accepts(&second, b) == both {
            return true;
        }
        for byte in 0..=255 {
            let next = (first.next_state(a, byte), second.next_state(b, byte));
            let lost = first.is_dead_state(next.0) || (both && second.is_dead_state(next.1));
            if !lost && seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

fn automaton(pattern: &str) -> Option<dense::DFA<Vec<u32>>> {
    dense::Builder::new()
        .configure(dense::Config::new().match_kind(MatchKind::All).start_kind(regex_automata::dfa::StartKind::Anchored).dfa_size_limit(Some(1 << 22)))
        .thompson(thompson::Config::new().utf8(true))
        .build(&format!("^(?:{pattern})$"))
        .ok()
}

fn start(dfa: &dense::DFA<Vec<u32>>) -> Option<StateID> {
    dfa.start_state_forward(&Input::new("").anchored(Anchored::Yes)).ok()
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
}
