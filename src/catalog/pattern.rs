//! A label's pattern, in RE2's syntax and matched as a whole, as an automaton that reads each character of a value once.
//!
//! Neither Rust's syntax nor Python's is RE2's: `\d`, `\w`, `\s` and `\b` are of ASCII there, `\Q…\E` quotes, a brace that
//! counts nothing is a brace, and a bracket inside brackets is a bracket (https://github.com/google/re2/wiki/Syntax, and Go's
//! regexp/syntax, which Prometheus uses). So the pattern is rewritten for regex-syntax, and what that reads becomes places.

use crate::promql::refused_pattern;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::iter::Peekable;
use std::str::Chars;

/// Go's limit of a repetition.
const MOST_REPEATED: u32 = 1000;

/// Places and ways between them that an automaton may have: one of this size is a third of a megabyte of Python.
const MOST_PLACES: usize = 5_000;
const MOST_WAYS: usize = 50_000;

/// The pattern as places (Glushkov's automaton): place 0 is where a value begins, each other one reads a character.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Automaton {
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
pub enum Refused {
    /// RE2 does not read it.
    Syntax(String),
    /// It has more places, or ways between them, than anyone should load.
    Size(String),
}

impl Automaton {
    /// Of a pattern as the catalog has it.
    pub fn of(pattern: &str) -> Result<Automaton, Refused> {
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
    let rewritten = rewritten(pattern)?;
    if let Some(reason) = refused_pattern(&rewritten) {
        return Err(reason);
    }
    // The innermost reason; the parser's picture of its text would show the rewritten one.
    ParserBuilder::new().nest_limit(1000).build().parse(&rewritten).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    })
}

/// RE2's syntax in that of regex-syntax, with the same meaning.
pub fn rewritten(pattern: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next_if_eq(&'Q').is_some() => quoted(&mut rest, &mut out),
            '\\' => match rest.peek() {
                Some('b' | 'B') => out += &format!("(?-u:\\{})", rest.next().unwrap_or_default()),
                Some('A' | 'z') => out.extend(['\\', rest.next().unwrap_or_default()]),
                _ => match escape(&mut rest)? {
                    Escape::Character(c) => out += &literal(c),
                    Escape::Class(class) => out += &class,
                },
            },
            '[' => out += &brackets(&mut rest)?,
            '{' => match counted(&rest) {
                Some(length) => {
                    let count: String = rest.by_ref().take(length).collect();
                    let most = count.trim_end_matches('}').split(',').filter_map(|number| number.parse::<u32>().ok()).max();
                    if most.is_none_or(|most| most > MOST_REPEATED) {
                        return Err(format!("`{{{count}` repeats more than {MOST_REPEATED} times"));
                    }
                    out += &format!("{{{count}");
                }
                None => out += "\\{",
            },
            '(' if rest.next_if_eq(&'?').is_some() => out += &group(&mut rest)?,
            '}' | ']' => out += &literal(c),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Classes that are named inside brackets.
const POSIX: [&str; 14] = ["alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"];

type Rest<'a> = Peekable<Chars<'a>>;

/// What stands behind a backslash.
enum Escape {
    Character(char),
    Class(String),
}

fn literal(c: char) -> String {
    format!("\\x{{{:x}}}", c as u32)
}

/// `\Q` up to `\E`, or to the end.
fn quoted(rest: &mut Rest, out: &mut String) {
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next_if_eq(&'E').is_some() {
            return;
        }
        *out += &literal(c);
    }
}

/// The characters behind a `{` that counts, with its `}`; None: it is a brace like any other.
fn counted(rest: &Rest) -> Option<usize> {
    let text: String = rest.clone().take_while(|c| *c != '}').collect();
    let (least, most) = text.split_once(',').unwrap_or((&text, ""));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let closed = rest.clone().nth(text.chars().count()).is_some();
    (closed && !least.is_empty() && number(least) && number(most)).then_some(text.len() + 1)
}

/// What stands behind `(?`: a name, or the flags that RE2 knows.
fn group(rest: &mut Rest) -> Result<String, String> {
    if matches!(rest.peek(), Some('P' | '<')) {
        return Ok("(?".into());
    }
    let flags: String = std::iter::from_fn(|| rest.next_if(|c| !matches!(c, ':' | ')'))).collect();
    match flags.chars().find(|flag| !"imsU-".contains(*flag)) {
        Some(flag) => Err(format!("`(?{flag}` is not a group or a flag of RE2")),
        None => Ok(format!("(?{flags}")),
    }
}

fn perl(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[\\t\\n\\f\\r ]",
        'S' => "[^\\t\\n\\f\\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// What a backslash makes of what follows it, inside brackets or outside.
fn escape(rest: &mut Rest) -> Result<Escape, String> {
    let unknown = |c: char| Err(format!("`\\{c}` is not an escape of RE2"));
    let Some(c) = rest.next() else { return Err("it ends with a backslash".into()) };
    let hexadecimal = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(Escape::Character);
    Ok(Escape::Character(match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => {
            let digits: String = match rest.next_if_eq(&'{') {
                Some(_) => rest.by_ref().take_while(|c| *c != '}').collect(),
                None => rest.by_ref().take(2).collect(),
            };
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            return hexadecimal(&digits).filter(|_| whole).ok_or_else(|| format!("`\\x{digits}` is not a character"));
        }
        '1'..='7' if !matches!(rest.peek(), Some('0'..='7')) => return Err(format!("`\\{c}` refers back, which RE2 does not do")),
        '0'..='7' => {
            let mut code = c as u32 - '0' as u32;
            for _ in 0..2 {
                let Some(digit) = rest.next_if(|c| ('0'..='7').contains(c)) else { break };
                code = code * 8 + digit as u32 - '0' as u32;
            }
            char::from_u32(code).unwrap_or_default()
        }
        'p' | 'P' => {
            let name: String = match rest.next_if_eq(&'{') {
                Some(_) => rest.by_ref().take_while(|c| *c != '}').collect(),
                None => rest.by_ref().take(1).collect(),
            };
            let (negated, name) = name.strip_prefix('^').map_or((false, name.as_str()), |name| (true, name));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("`\\{c}` names no class of characters"));
            }
            let sense = if (c == 'P') != negated { 'P' } else { 'p' };
            return Ok(Escape::Class(format!("\\{sense}{{{name}}}")));
        }
        c if !c.is_ascii_alphanumeric() && c.is_ascii() => c,
        c => return perl(c).map_or_else(|| unknown(c), |class| Ok(Escape::Class(class.into()))),
    }))
}

/// What stands behind a `[`, up to its `]`.
fn brackets(rest: &mut Rest) -> Result<String, String> {
    let mut out = String::from("[");
    out.extend(rest.next_if_eq(&'^'));
    let mut first = true;
    loop {
        let low = match rest.next() {
            None => return Err("a `[` is not closed".into()),
            Some(']') if !first => break,
            Some('[') if rest.peek() == Some(&':') && rest.clone().collect::<String>().contains(":]") => {
                let name: String = rest.by_ref().take_while(|c| *c != ']').collect();
                if !POSIX.contains(&name.trim_matches(':').trim_start_matches('^')) {
                    return Err(format!("`[{name}]` is not a class of characters"));
                }
                out += &format!("[{name}]");
                first = false;
                continue;
            }
            Some('\\') => match escape(rest)? {
                Escape::Character(c) => c,
                Escape::Class(class) => {
                    out += &class;
                    first = false;
                    continue;
                }
            },
            Some(c) => c,
        };
        first = false;
        let mut ahead = rest.clone();
        let ranges = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
        if !ranges {
            out += &literal(low);
            continue;
        }
        rest.next();
        let high = match rest.next() {
            Some('\\') => match escape(rest)? {
                Escape::Character(c) => c,
                Escape::Class(class) => return Err(format!("a range cannot end with `{class}`")),
            },
            Some(c) => c,
            None => return Err("a `[` is not closed".into()),
        };
        if low > high {
            return Err(format!("the range `{low}-{high}` runs backwards"));
        }
        out += &format!("{}-{}", literal(low), literal(high));
    }
    out.push(']');
    Ok(out)
}

/// A step of the pattern: what must be there, and the steps behind it.
enum Step {
    /// A character of the class.
    Read(usize, usize),
    /// Nothing: one way or another.
    Fork(Vec<usize>),
    /// Nothing but a boundary.
    Look(Look, usize),
    /// The end.
    Accept,
}

/// What stands on one side of a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Nothing: the value begins or ends here.
    Edge,
    /// A letter, digit or underscore of ASCII.
    Word,
    /// A line feed.
    Newline,
    /// Any other character; or any, where the pattern does not ask.
    Other,
}

/// Steps from the last to the first, and the classes that they read.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    classes: Vec<ClassUnicode>,
    known: HashMap<Vec<(char, char)>, usize>,
    bounded: bool,
}

impl Builder {
    fn build(mut self, tree: &Hir) -> Option<Automaton> {
        let accept = self.add(Step::Accept)?;
        let first = self.steps_of(tree, accept)?;
        let mut places: Vec<(usize, usize, Side)> = Vec::new();
        let sides: &[Side] = if self.bounded { &[Side::Word, Side::Newline, Side::Other] } else { &[Side::Other] };
        let mut of_step: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            let Step::Read(class, next) = step else { continue };
            for side in sides {
                places.push((*class, *next, *side));
                of_step.entry(index).or_default().push(places.len());
            }
        }
        if places.len() > MOST_PLACES {
            return None;
        }
        let mut automaton = Automaton { bounds: Vec::new(), kinds: Vec::new(), reads: Vec::new(), follow: Vec::new(), ends: Vec::new() };
        let mut ways = 0;
        for (place, (from, before)) in std::iter::once((first, Side::Edge)).chain(places.iter().map(|(_, next, side)| (*next, *side))).enumerate() {
            let mut follow = BTreeSet::new();
            for behind in sides {
                let reached = self.reached(from, before, *behind);
                let here = reached.iter().filter_map(|step| of_step.get(step)).flatten();
                follow.extend(here.filter(|place| places[**place - 1].2 == *behind));
            }
            if self.reached(from, before, Side::Edge).contains(&accept) {
                automaton.ends.push(place);
            }
            ways += follow.len();
            if ways > MOST_WAYS {
                return None;
            }
            automaton.follow.push(follow.into_iter().collect());
        }
        self.kinds(&places, &mut automaton);
        Some(automaton)
    }

    fn add(&mut self, step: Step) -> Option<usize> {
        self.steps.push(step);
        (self.steps.len() <= 2 * MOST_PLACES).then_some(self.steps.len() - 1)
    }

    /// The first step of a tree whose last leads to `next`.
    fn steps_of(&mut self, tree: &Hir, next: usize) -> Option<usize> {
        match tree.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                let text = String::from_utf8_lossy(&literal.0).into_owned();
                text.chars().rev().try_fold(next, |next, c| self.read(ClassUnicode::new([ClassUnicodeRange::new(c, c)]), next))
            }
            HirKind::Class(Class::Unicode(class)) => self.read(class.clone(), next),
            HirKind::Class(Class::Bytes(class)) => {
                let ranges = class.iter().map(|range| ClassUnicodeRange::new(range.start().into(), range.end().into()));
                self.read(ClassUnicode::new(ranges), next)
            }
            HirKind::Look(look) => {
                self.bounded |= !matches!(look, Look::Start | Look::End);
                self.add(Step::Look(*look, next))
            }
            HirKind::Capture(capture) => self.steps_of(&capture.sub, next),
            HirKind::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.steps_of(part, next)),
            HirKind::Alternation(branches) => {
                let starts = branches.iter().map(|branch| self.steps_of(branch, next)).collect::<Option<Vec<_>>>()?;
                self.add(Step::Fork(starts))
            }
            HirKind::Repetition(repetition) => self.repeated(repetition, next),
        }
    }

    /// As many times as must be, then as many as may be: a loop, or one inside the other, so that each leads to one more or out.
    fn repeated(&mut self, repetition: &Repetition, next: usize) -> Option<usize> {
        let mut start = match repetition.max {
            Some(max) => {
                let mut start = next;
                for _ in repetition.min..max {
                    let once = self.steps_of(&repetition.sub, start)?;
                    start = self.add(Step::Fork(vec![once, next]))?;
                }
                start
            }
            None => {
                let fork = self.add(Step::Fork(Vec::new()))?;
                let again = self.steps_of(&repetition.sub, fork)?;
                self.steps[fork] = Step::Fork(vec![again, next]);
                fork
            }
        };
        for _ in 0..repetition.min {
            start = self.steps_of(&repetition.sub, start)?;
        }
        Some(start)
    }

    fn read(&mut self, class: ClassUnicode, next: usize) -> Option<usize> {
        let ranges: Vec<(char, char)> = class.iter().map(|range| (range.start(), range.end())).collect();
        let classes = &mut self.classes;
        let index = *self.known.entry(ranges).or_insert_with(|| {
            classes.push(class);
            classes.len() - 1
        });
        self.add(Step::Read(index, next))
    }

    /// The steps that read or accept and that are reached without reading, between these two.
    fn reached(&self, from: usize, before: Side, behind: Side) -> BTreeSet<usize> {
        let (mut seen, mut open, mut reached) = (BTreeSet::from([from]), vec![from], BTreeSet::new());
        while let Some(step) = open.pop() {
            let next: &[usize] = match &self.steps[step] {
                Step::Read(..) | Step::Accept => {
                    reached.insert(step);
                    &[]
                }
                Step::Fork(ways) => ways,
                Step::Look(look, next) if holds(*look, before, behind) => std::slice::from_ref(next),
                Step::Look(..) => &[],
            };
            open.extend(next.iter().filter(|next| seen.insert(**next)));
        }
        reached
    }

    /// Which characters the places tell apart. Half a pair of UTF-16, which Python can hold and no exposition can, is read by none.
    fn kinds(&self, places: &[(usize, usize, Side)], automaton: &mut Automaton) {
        let mut bounds: BTreeSet<u32> = BTreeSet::from([0xd800, 0xe000]);
        for range in self.classes.iter().flat_map(ClassUnicode::iter) {
            bounds.extend([range.start() as u32, range.end() as u32 + 1]);
        }
        if self.bounded {
            bounds.extend(['\n' as u32, '\n' as u32 + 1]);
            bounds.extend(['0', '9', 'A', 'Z', '_', 'a', 'z'].map(|c| c as u32));
            bounds.extend(['9', 'Z', '_', 'z'].map(|c| c as u32 + 1));
        }
        bounds.remove(&0);
        bounds.remove(&0x11_0000);
        let mut known: HashMap<Vec<usize>, usize> = HashMap::from([(Vec::new(), 0)]);
        automaton.reads.push(Vec::new());
        for low in std::iter::once(0).chain(bounds) {
            let places: Vec<usize> = char::from_u32(low).map_or(Vec::new(), |c| {
                let inside: Vec<bool> = self.classes.iter().map(|class| holds_character(class, c)).collect();
                let side = self.side(c);
                (1..=places.len()).filter(|place| inside[places[*place - 1].0] && places[*place - 1].2 == side).collect()
            });
            let new = known.len();
            let kind = *known.entry(places.clone()).or_insert(new);
            if kind == new {
                automaton.reads.push(places);
            }
            if automaton.kinds.last() == Some(&kind) {
                continue;
            }
            if low > 0 {
                automaton.bounds.push(low);
            }
            automaton.kinds.push(kind);
        }
    }

    fn side(&self, c: char) -> Side {
        match c {
            _ if !self.bounded => Side::Other,
            '\n' => Side::Newline,
            c if c.is_ascii_alphanumeric() || c == '_' => Side::Word,
            _ => Side::Other,
        }
    }
}

fn holds_character(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

/// Whether a boundary is there. RE2 knows no others.
fn holds(look: Look, before: Side, behind: Side) -> bool {
    let word = (before == Side::Word) != (behind == Side::Word);
    match look {
        Look::Start => before == Side::Edge,
        Look::End => behind == Side::Edge,
        Look::StartLF => matches!(before, Side::Edge | Side::Newline),
        Look::EndLF => matches!(behind, Side::Edge | Side::Newline),
        Look::WordAscii => word,
        Look::WordAsciiNegate => !word,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_places() {
        let automaton = Automaton::of("[1-5][0-9]{2}").unwrap();
        assert_eq!(automaton.bounds, ['0' as u32, '1' as u32, '6' as u32, ':' as u32]);
        assert_eq!(automaton.kinds, [0, 1, 2, 1, 0]);
        assert_eq!(automaton.follow.len(), 4);
        assert_eq!(automaton.ends.len(), 1);
    }

    #[test]
    fn what_re2_does_not_read_is_refused() {
        for wrong in
            ["(", "[", "a\\", "\\1", "(?=a)", "(?x)a", "(?P=n)", "\\u0041", "\\Z", "\\C", "[z-a]", "[a-\\d]", "a{1001}", "[[:nope:]]", "\\p{Nope}", "*"]
        {
            assert!(matches!(Automaton::of(wrong), Err(Refused::Syntax(_))), "{wrong}");
        }
        assert!(matches!(Automaton::of(&".{1000}".repeat(6)), Err(Refused::Size(_))));
        for right in ["\\pL{500}", ".{0,1000}", "a{", "a{,2}", "{}", "[[]", "[]a]", "[a-]", "[^]]", "\\Qa(b\\E", "\\Q(", "(?i)x", "(?P<n>x)", "\\101"] {
            assert!(Automaton::of(right).is_ok(), "{right}: {:?}", Automaton::of(right));
        }
    }
}
