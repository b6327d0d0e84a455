//! What the Python collector declares: the literals of its module, read as Python does; no code is run.

use crate::catalog::pattern::Automaton;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A literal of Python.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Number(f64),
    /// A list or a tuple.
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
    Call(Call),
    /// A name, such as None.
    Word(String),
}

/// A call of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// In their order; those without a name have an empty one.
    pub(crate) arguments: Vec<(String, Literal)>,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
}

impl Call {
    /// An argument by its name, or by its place among those without.
    pub(crate) fn get(&self, name: &str, place: usize) -> Option<&Literal> {
        let mut named = self.arguments.iter().filter(|(known, _)| known == name);
        let unnamed = || {
            self.arguments
                .get(place)
                .filter(|(known, _)| known.is_empty())
        };
        named.next().or_else(unnamed).map(|(_, value)| value)
    }
}

impl Literal {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> &[Literal] {
        match self {
            Literal::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.items().iter().filter_map(Literal::text).collect()
    }

    pub(crate) fn numbers(&self) -> Vec<f64> {
        let number = |item: &Literal| match item {
            Literal::Number(number) => Some(*number),
            _ => None,
        };
        self.items().iter().filter_map(number).collect()
    }
}

/// What a module assigns to a name at its top; None: nothing, or no literal.
pub(crate) fn assigned(text: &str, name: &str) -> Option<Literal> {
    let mut starts = text.match_indices(name).map(|(at, _)| at);
    let start = starts.find(|at| {
        let line = *at == 0 || text.as_bytes()[at - 1] == b'\n';
        line && text[at + name.len()..].starts_with([':', ' ', '='])
    })?;
    let value = start + text[start..].find(" = ")? + 3;
    Reader::at(text, value).literal()
}

/// The literal that begins at a byte of a module.
pub(crate) fn literal_at(text: &str, at: usize) -> Option<Literal> {
    Reader::at(text, at).literal()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// A byte that was passed, and its line from 1: lines are counted once.
    counted: (usize, usize),
}

impl<'a> Reader<'a> {
    fn at(text: &'a str, at: usize) -> Reader<'a> {
        Reader {
            text,
            at,
            counted: (0, 1),
        }
    }

    fn line_of(&mut self, at: usize) -> usize {
        let (before, line) = self.counted;
        let line = line + self.text[before..at].matches('\n').count();
        self.counted = (at, line);
        line
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skip = rest.len() - trimmed.len();
            match trimmed.starts_with('#') {
                true => self.at += skip + trimmed.find('\n').unwrap_or(trimmed.len()),
                false => {
                    self.at += skip;
                    return;
                }
            }
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        self.blank();
        let there = self.rest().starts_with(sign);
        self.at += if there { sign.len_utf8() } else { 0 };
        there
    }

    /// What stands between a sign that was taken and the one that ends it.
    fn list<T>(
        &mut self,
        end: char,
        mut one: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while !self.takes(end) {
            items.push(one(self)?);
            if !self.takes(',') {
                return self.takes(end).then_some(items);
            }
        }
        Some(items)
    }

    fn literal(&mut self) -> Option<Literal> {
        self.blank();
        let (start, first) = (self.at, self.rest().chars().next()?);
        match first {
            '"' | '\'' => self.quoted(first).map(Literal::Text),
            '[' => {
                self.at += 1;
                self.list(']', Self::literal).map(Literal::List)
            }
            '(' => {
                self.at += 1;
                self.list(')', Self::literal).map(Literal::List)
            }
            '{' => {
                self.at += 1;
                let pair = |reader: &mut Self| {
                    let key = reader.literal()?;
                    reader.takes(':').then_some(())?;
                    Some((key, reader.literal()?))
                };
                self.list('}', pair).map(Literal::Dict)
            }
            '-' | '.' | '0'..='9' => {
                let digits =
                    |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
                let end = self
                    .rest()
                    .find(|c| !digits(c))
                    .unwrap_or(self.rest().len());
                self.at += end;
                let number = self.text[start..self.at].replace('_', "");
                number.parse().ok().map(Literal::Number)
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = self
                    .rest()
                    .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
                self.at += end.unwrap_or(self.rest().len());
                let name = self.text[start..self.at].to_string();
                if !self.rest().starts_with('(') {
                    return Some(Literal::Word(name));
                }
                self.at += 1;
                let argument = |reader: &mut Self| {
                    let before = reader.at;
                    reader.blank();
                    let rest = reader.rest();
                    let end = rest
                        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .unwrap_or(0);
                    let named = rest[end..].starts_with('=') && !rest[end..].starts_with("==");
                    if end == 0 || !named {
                        reader.at = before;
                        return Some((String::new(), reader.literal()?));
                    }
                    let name = rest[..end].to_string();
                    reader.at += end + 1;
                    Some((name, reader.literal()?))
                };
                let line = self.line_of(start);
                let arguments = self.list(')', argument)?;
                Some(Literal::Call(Call {
                    name,
                    arguments,
                    line,
                }))
            }
            _ => None,
        }
    }

    /// A text in quotes; what it escapes is what JSON and this module's renderer escape.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => {
                    let (_, escaped) = characters.next()?;
                    match escaped {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'u' => {
                            let digits: String =
                                characters.by_ref().take(4).map(|(_, c)| c).collect();
                            let code = u32::from_str_radix(&digits, 16).ok()?;
                            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                        other => text.push(other),
                    }
                }
                character if character == quote => {
                    self.at += index + character.len_utf8();
                    return Some(text);
                }
                character => text.push(character),
            }
        }
        None
    }
}

/// An automaton as the module has it.
pub(crate) fn automaton(call: &Call) -> Option<Automaton> {
    let list = |name, place| -> Option<Vec<usize>> {
        let numbers = call.get(name, place)?.numbers();
        Some(numbers.into_iter().map(|number| number as usize).collect())
    };
    let lists = |name, place| -> Option<Vec<Vec<usize>>> {
        let numbers = |item: &Literal| {
            item.numbers()
                .into_iter()
                .map(|number| number as usize)
                .collect()
        };
        Some(call.get(name, place)?.items().iter().map(numbers).collect())
    };
    Some(Automaton {
        bounds: list("bounds", 0)?
            .into_iter()
            .map(|bound| bound as u32)
            .collect(),
        kinds: list("kinds", 1)?,
        reads: lists("reads", 2)?,
        follow: lists("follow", 3)?,
        ends: list("ends", 4)?,
    })
}

/// States that two automata are run through side by side, at most: more than any pattern of a label needs.
const MOST_STATES: usize = 20_000;

/// A value that one automaton takes and the other does not, and whether it is the first that takes it.
pub(crate) fn difference(one: &Automaton, other: &Automaton) -> Option<(String, bool)> {
    type Places = BTreeSet<usize>;
    let kind = |automaton: &Automaton, code: u32| {
        let place = automaton.bounds.partition_point(|bound| *bound <= code);
        automaton.kinds.get(place).copied().unwrap_or(usize::MAX)
    };
    let step = |automaton: &Automaton, places: &Places, code: u32| -> Places {
        let Some(reads) = automaton.reads.get(kind(automaton, code)) else {
            return Places::new();
        };
        let reads: HashSet<usize> = reads.iter().copied().collect();
        let following = places
            .iter()
            .filter_map(|place| automaton.follow.get(*place))
            .flatten();
        following
            .copied()
            .filter(|place| reads.contains(place))
            .collect()
    };
    let ends = |automaton: &Automaton, places: &Places| {
        automaton.ends.iter().any(|end| places.contains(end))
    };
    // Characters below a bound, and from it on, stand for all between two bounds; letters and digits first, for people.
    let bounds = one
        .bounds
        .iter()
        .chain(&other.bounds)
        .flat_map(|bound| [bound.saturating_sub(1), *bound]);
    let codes: BTreeSet<u32> = bounds.chain([0]).collect();
    let mut alphabet: Vec<char> = codes.into_iter().filter_map(char::from_u32).collect();
    alphabet.sort_by_key(|c| !c.is_ascii_alphanumeric());
    let start: (Places, Places) = (Places::from([0]), Places::from([0]));
    let mut seen: BTreeMap<(Places, Places), ()> = BTreeMap::from([(start.clone(), ())]);
    let mut open = std::collections::VecDeque::from([(start, String::new())]);
    while let Some(((mine, theirs), value)) = open.pop_front() {
        let (first, second) = (ends(one, &mine), ends(other, &theirs));
        if first != second {
            return Some((value, first));
        }
        for character in &alphabet {
            let code = *character as u32;
            let next = (step(one, &mine, code), step(other, &theirs, code));
            let dead = next.0.is_empty() && next.1.is_empty();
            if !dead && seen.len() < MOST_STATES && seen.insert(next.clone(), ()).is_none() {
                open.push_back((next, format!("{value}{character}")));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let text = "X: Sequence[Y] = [\n    # so\n    Y(\"a\", b=[1, 2.5],  c=('d',), e={\"f\": None}),\n]\n";
        let Some(Literal::List(list)) = assigned(text, "X") else {
            panic!("it is a list");
        };
        let Literal::Call(call) = &list[0] else {
            panic!("it is a call");
        };
        assert_eq!((call.name.as_str(), call.line), ("Y", 3));
        assert_eq!(call.get("a", 0).and_then(Literal::text), Some("a"));
        assert_eq!(call.get("b", 1).map(Literal::numbers), Some(vec![1.0, 2.5]));
        assert_eq!(call.get("c", 2).map(Literal::texts), Some(vec!["d"]));
        assert_eq!(call.get("z", 9), None);
        assert_eq!(assigned("X = y + 1", "Z"), None);
    }

    #[test]
    fn automata_are_compared_by_what_they_take() {
        let of = |pattern| Automaton::of(pattern).expect("it is a pattern");
        assert_eq!(difference(&of("a|b"), &of("[ab]")), None);
        assert_eq!(
            difference(&of("[1-5]x"), &of("[1-4]x")),
            Some(("5x".to_string(), true))
        );
    }
}
