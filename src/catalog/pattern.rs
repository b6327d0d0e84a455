//! A label's pattern, in RE2's syntax and matched as a whole, as an automaton that reads each character of a value once.
//!
//! The pattern is rewritten for regex-syntax, and what that reads becomes places.

mod places;

pub use crate::promql::re2::rewritten;
use crate::promql::refused_pattern;
use places::Builder;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use serde::Serialize;

/// Places and ways between them that an automaton may have: one of this size is a third of a megabyte of Python.
const MOST_PLACES: usize = 5_000;
const MOST_WAYS: usize = 50_000;

/// The pattern as places (Glushkov's automaton): place 0 is where a value begins, each other one reads a character.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Automaton {
    /// The code points at which the kind of a character changes, ascending.
    pub bounds: Vec<u32>,
    /// The kind of the characters below the first bound, from it on, from the second on …
    pub kinds: Vec<usize>,
    /// Kind → the places that read such a character.
    pub reads: Vec<Vec<usize>>,
    /// Place → the places that may come next.
    pub follow: Vec<Vec<usize>>,
    /// The places at which a value may end.
    pub ends: Vec<usize>,
}

/// Why there is no automaton.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refused {
    /// RE2 does not read it.
    Syntax(String),
    /// It has more places, or ways between them, than anyone should load.
    Size(String),
}

impl Automaton {
    /// Of a pattern as the catalog has it.
    pub(crate) fn of(pattern: &str) -> Result<Automaton, Refused> {
        let tree = parse(pattern).map_err(Refused::Syntax)?;
        Builder::default().build(&tree).ok_or_else(|| {
            Refused::Size(format!(
                "it has more than {MOST_PLACES} places for a character, or {MOST_WAYS} ways between them, once its repetitions are written out"
            ))
        })
    }
}

/// What RE2 reads in a pattern, or the reason why it does not.
pub fn parse(pattern: &str) -> Result<Hir, String> {
    if let Some(reason) = refused_pattern(pattern) {
        return Err(reason);
    }
    let rewritten = rewritten(pattern)?;
    // The innermost reason; the parser's picture of its text would show the rewritten one.
    ParserBuilder::new()
        .nest_limit(1000)
        .build()
        .parse(&rewritten)
        .map_err(|error| match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_places() {
        let automaton = Automaton::of("[1-5][0-9]{2}").unwrap();
        assert_eq!(
            automaton.bounds,
            ['0' as u32, '1' as u32, '6' as u32, ':' as u32]
        );
        assert_eq!(automaton.kinds, [0, 1, 2, 1, 0]);
        assert_eq!(automaton.follow.len(), 4);
        assert_eq!(automaton.ends.len(), 1);
    }

    #[test]
    fn what_re2_does_not_read_is_refused() {
        for wrong in [
            "(",
            "[",
            "a\\",
            "\\1",
            "(?=a)",
            "(?x)a",
            "(?P=n)",
            "\\u0041",
            "\\Z",
            "\\C",
            "[z-a]",
            "[a-\\d]",
            "a{1001}",
            "[[:nope:]]",
            "\\p{Nope}",
            "*",
        ] {
            assert!(
                matches!(Automaton::of(wrong), Err(Refused::Syntax(_))),
                "{wrong}"
            );
        }
        assert!(matches!(
            Automaton::of(&".{1000}".repeat(6)),
            Err(Refused::Size(_))
        ));
        for right in [
            "\\pL{500}",
            ".{0,1000}",
            "a{",
            "a{,2}",
            "{}",
            "[[]",
            "[]a]",
            "[a-]",
            "[^]]",
            "\\Qa(b\\E",
            "\\Q(",
            "(?i)x",
            "(?P<n>x)",
            "\\101",
        ] {
            assert!(
                Automaton::of(right).is_ok(),
                "{right}: {:?}",
                Automaton::of(right)
            );
        }
    }
}
