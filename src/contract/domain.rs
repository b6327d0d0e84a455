//! The values that a label can have, and whether a matcher can pick one of them.

use crate::promql::matchers::{Judge, regex};
use crate::promql::re2::in_bytes;
use crate::promql::{MatchOp, Matcher};
use crate::value::Value;
use fixedbitset::FixedBitSet;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

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
            Some(values) => Domain::Values(
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_string)
                    .collect(),
            ),
            None => Domain::Pattern(written.as_str().unwrap_or(".*").to_string()),
        }
    }

    /// Anything at all.
    pub(crate) fn any() -> Domain {
        Domain::Pattern(".*".to_string())
    }

    /// Whether some value of the label is picked by the matcher.
    pub(crate) fn meets(&self, matcher: &Matcher) -> bool {
        match self {
            Domain::Values(values) => {
                let judge = Judge::of(matcher);
                values.iter().any(|value| judge.picks(value))
            }
            Domain::Pattern(pattern) => match &matcher.op {
                MatchOp::Equal => matches(pattern, &matcher.value),
                MatchOp::NotEqual => overlap(pattern, &escape(&matcher.value), false),
                MatchOp::Re(_) => overlap(pattern, &matcher.value, true),
                MatchOp::NotRe(_) => overlap(pattern, &matcher.value, false),
            },
        }
    }

    /// Whether every value of this one is a value of the other.
    pub fn within(&self, other: &Domain) -> bool {
        let pattern = |domain: &Domain| match domain {
            Domain::Values(values) => values
                .iter()
                .map(|value| escape(value))
                .collect::<Vec<_>>()
                .join("|"),
            Domain::Pattern(pattern) => pattern.clone(),
        };
        !overlap(&pattern(self), &pattern(other), false)
    }

    /// A value of the label that the pattern matches as a whole (`matching`), or does not match; None when there is none,
    /// and for a pattern that is too large to walk.
    pub fn example(&self, pattern: &str, matching: bool) -> Option<String> {
        match self {
            Domain::Values(values) => values
                .iter()
                .find(|value| matches(pattern, value) == matching)
                .cloned(),
            Domain::Pattern(own) => example(own, pattern, matching),
        }
    }

    /// Whether the label can have this value.
    pub fn holds(&self, value: &str) -> bool {
        match self {
            Domain::Values(values) => values.iter().any(|known| known == value),
            Domain::Pattern(pattern) => matches(pattern, value),
        }
    }

    /// Whether the two have a value in common.
    pub(crate) fn overlaps(&self, other: &Domain) -> bool {
        match (self, other) {
            (Domain::Values(own), Domain::Values(others)) => {
                own.iter().any(|value| others.contains(value))
            }
            (Domain::Pattern(own), Domain::Pattern(others)) => overlap(own, others, true),
            (Domain::Values(values), Domain::Pattern(pattern))
            | (Domain::Pattern(pattern), Domain::Values(values)) => {
                values.iter().any(|value| matches(pattern, value))
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

/// A value that all of some patterns take, as far as one is found: what two of them take, or what each takes, behind each other.
pub(crate) fn of_all(patterns: &[String]) -> Option<String> {
    let any = Domain::Pattern(".+".to_string());
    let each = patterns
        .iter()
        .filter_map(|pattern| any.example(pattern, true));
    let behind = each.collect::<String>();
    let pairs = patterns.iter().flat_map(|one| {
        let own = Domain::Pattern(one.clone());
        let others = patterns.iter();
        others.filter_map(move |other| own.example(other, true))
    });
    let fits = |value: &String| {
        let mut patterns = patterns.iter();
        patterns.all(|pattern| Domain::Pattern(pattern.clone()).holds(value))
    };
    pairs.chain([behind]).find(fits)
}

fn escape(literal: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation() && c != '_' && c != '-';
    literal
        .chars()
        .flat_map(|c| special(c).then_some('\\').into_iter().chain([c]))
        .collect()
}

/// Whether the pattern matches this text as a whole. A pattern too large to build is taken to match everything.
fn matches(pattern: &str, text: &str) -> bool {
    regex(pattern).is_none_or(|known| known.is_match(text))
}

/// Whether a text exists that the first pattern matches and the second matches too (`both`) or does not.
/// A pattern too large to walk is taken to meet everything.
fn overlap(one: &str, other: &str, both: bool) -> bool {
    walk(one, other, both).is_none_or(|met| met.is_some())
}

/// A shortest text that the first pattern matches and the second matches too (`both`) or does not.
fn example(one: &str, other: &str, both: bool) -> Option<String> {
    String::from_utf8(walk(one, other, both)??).ok()
}

/// A shortest such text; the outer None: a pattern is too large to walk.
fn walk(one: &str, other: &str, both: bool) -> Option<Option<Vec<u8>>> {
    let (mut first, mut second) = (Automaton::take(one)?, Automaton::take(other)?);
    let met = meeting(&mut first, &mut second, both);
    first.put_back(one);
    second.put_back(other);
    met
}

/// A walk through both automata at once, shortest texts first; None when one of them gives up.
fn meeting(first: &mut Automaton, second: &mut Automaton, both: bool) -> Option<Option<Vec<u8>>> {
    let start = (first.start()?, second.start()?);
    // State → the byte that led there, and from where.
    let mut seen: HashMap<_, Option<(u8, (LazyStateID, LazyStateID))>> =
        HashMap::from([(start, None)]);
    let mut open = VecDeque::from([start]);
    // One byte for all that neither pattern tells apart: where it can be, one that people write.
    let mut classes = FixedBitSet::with_capacity(1 << 16);
    let mut bytes = WRITTEN_FIRST.clone();
    bytes.retain(|byte| {
        let class = |automaton: &Automaton| usize::from(automaton.dfa.byte_classes().get(*byte));
        !classes.put(class(first) << 8 | class(second))
    });
    while let Some(at) = open.pop_front() {
        if first.accepts(at.0)? && second.accepts(at.1)? == both {
            let mut text = Vec::new();
            let mut back = seen[&at];
            while let Some((byte, before)) = back {
                text.push(byte);
                back = seen[&before];
            }
            text.reverse();
            return Some(Some(text));
        }
        for byte in &bytes {
            let next = (first.next(at.0, *byte)?, second.next(at.1, *byte)?);
            let lost = next.0.is_dead() || (both && next.1.is_dead());
            if !lost && !seen.contains_key(&next) {
                seen.insert(next, Some((*byte, at)));
                open.push_back(next);
            }
        }
    }
    Some(None)
}

/// All bytes: digits first, then letters, then what else people write.
static WRITTEN_FIRST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.sort_by_key(|byte| {
        (
            !byte.is_ascii_digit(),
            !byte.is_ascii_lowercase(),
            !byte.is_ascii_graphic(),
            *byte,
        )
    });
    bytes
});

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
        BUILT
            .with_borrow_mut(|built| built.remove(pattern))
            .or_else(|| Automaton::build(pattern))
    }

    fn put_back(self, pattern: &str) {
        BUILT.with_borrow_mut(|built| built.insert(pattern.to_string(), self));
    }

    /// States keep their numbers: where they no longer fit, the walk ends instead of starting over.
    fn build(pattern: &str) -> Option<Automaton> {
        let config = Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(1 << 22)
            .minimum_cache_clear_count(Some(0));
        let states = NFA::compiler()
            .configure(thompson::Config::new().which_captures(WhichCaptures::None))
            .build_from_hir(&in_bytes(pattern)?)
            .ok()?;
        let dfa = DFA::builder()
            .configure(config)
            .build_from_nfa(states)
            .ok()?;
        Some(Automaton {
            cache: dfa.create_cache(),
            dfa,
        })
    }

    fn start(&mut self) -> Option<LazyStateID> {
        self.dfa
            .start_state_forward(&mut self.cache, &Input::new("").anchored(Anchored::Yes))
            .ok()
    }

    fn next(&mut self, state: LazyStateID, byte: u8) -> Option<LazyStateID> {
        self.dfa
            .next_state(&mut self.cache, state, byte)
            .ok()
            .filter(|next| !next.is_quit())
    }

    fn accepts(&mut self, state: LazyStateID) -> Option<bool> {
        self.dfa
            .next_eoi_state(&mut self.cache, state)
            .ok()
            .map(|end| end.is_match())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(selector: &str) -> Matcher {
        crate::promql::matchers::read(selector).unwrap().remove(0)
    }

    #[test]
    fn a_matcher_meets_what_the_pattern_allows() {
        let status = Domain::Pattern("[1-5][0-9]{2}".into());
        for good in [
            "status=~\"5..\"",
            "status=\"200\"",
            "status!=\"500\"",
            "status=~\"5.*|4.*\"",
            "status!~\"5..\"",
            "status=~\".+\"",
        ] {
            assert!(status.meets(&matcher(good)), "{good}");
        }
        for bad in [
            "status=~\"6..\"",
            "status=\"ValueError\"",
            "status=\"\"",
            "status=~\"5\"",
            "status!~\"[0-9]+\"",
            "status=~\"50\"",
        ] {
            assert!(!status.meets(&matcher(bad)), "{bad}");
        }
        let method = Domain::Values(vec!["GET".into()]);
        assert!(
            method.meets(&matcher("method=~\"G.*\"")) && !method.meets(&matcher("method!=\"GET\""))
        );
        assert!(Domain::Pattern("a.c".into()).meets(&matcher("x=\"a+c\"")));
    }

    #[test]
    fn a_list_and_a_pattern_are_judged_by_the_syntax_of_prometheus() {
        for (value, good, bad) in [
            ("١", r"\\D", r"\\d"),
            ("GET", "(?i)get", "get"),
            ("é", r"\\pL", "[[:alpha:]]"),
            ("é", r"\\x{e9}\\z", r"\\w"),
            ("a\nb", "a.b", "a(?-s:.)b"),
            ("a{b", "a{b", "a.{b"),
        ] {
            for domain in [
                Domain::Values(vec![value.to_string()]),
                Domain::Pattern(escape(value)),
            ] {
                assert!(
                    domain.meets(&matcher(&format!("x=~\"{good}\"")))
                        && !domain.meets(&matcher(&format!("x!~\"{good}\""))),
                    "{good} {domain}"
                );
                assert!(
                    !domain.meets(&matcher(&format!("x=~\"{bad}\"")))
                        && domain.meets(&matcher(&format!("x!~\"{bad}\""))),
                    "{bad} {domain}"
                );
            }
        }
    }

    #[test]
    fn a_domain_gives_an_example() {
        let status = Domain::Pattern("[1-5][0-9]{2}".into());
        assert_eq!(status.example("5..", true).as_deref(), Some("500"));
        assert_eq!(status.example("5..", false).as_deref(), Some("100"));
        assert_eq!(
            Domain::Pattern("[1-5]xx".into())
                .example("5..", true)
                .as_deref(),
            Some("5xx")
        );
        assert_eq!(Domain::Pattern("[1-4]xx".into()).example("5..", true), None);
        assert_eq!(
            Domain::Pattern(".+".into()).example("5..", true).as_deref(),
            Some("500")
        );
        assert_eq!(
            Domain::Values(vec!["200".into(), "5XX".into()])
                .example("5..", true)
                .as_deref(),
            Some("5XX")
        );
        assert!(status.holds("404") && !status.holds("4xx"));
    }

    #[test]
    fn domains_overlap_in_a_value() {
        assert!(Domain::Pattern("a|ab".into()).overlaps(&Domain::Values(vec!["ab".into()])));
        assert!(!Domain::Pattern("[a-m]+".into()).overlaps(&Domain::Pattern("[n-z]+".into())));
    }

    #[test]
    fn a_domain_within_another_has_no_value_of_its_own() {
        let (few, many) = (
            Domain::Values(vec!["200".into(), "404".into()]),
            Domain::Pattern("[1-5][0-9]{2}".into()),
        );
        assert!(few.within(&many) && few.within(&few) && many.within(&many) && !many.within(&few));
        assert!(!Domain::Values(vec!["a+".into()]).within(&Domain::Values(vec!["aa".into()])));
    }
}
