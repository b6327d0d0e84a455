//! RE2's syntax of regular expressions in that of regex-syntax.
//!
//! Neither Rust's syntax nor Python's is RE2's: `\d`, `\w`, `\s` and `\b` are of ASCII there, `\Q…\E` quotes, a brace that
//! counts nothing is a brace, and a bracket inside brackets is a bracket (https://github.com/google/re2/wiki/Syntax, and Go's
//! regexp/syntax, which Prometheus uses).

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Repetition,
};
use regex_syntax::utf8::{Utf8Sequence, Utf8Sequences};
use std::iter::Peekable;
use std::str::Chars;

/// Go's limit of a repetition.
const MOST_REPEATED: u32 = 1000;

/// A pattern as Prometheus applies it, in Rust's syntax: to the whole value, and `.` matches a newline too.
pub fn anchored(pattern: &str) -> Result<String, String> {
    Ok(format!("^(?s:{})$", rewritten(pattern)?))
}

/// The same, read.
fn read(pattern: &str) -> Option<Hir> {
    regex_syntax::parse(&anchored(pattern).ok()?).ok()
}

/// Whether Prometheus reads a pattern.
pub(crate) fn valid(pattern: &str) -> bool {
    read(pattern).is_some()
}

/// A pattern as Prometheus applies it, to be built; None: it is none.
pub(crate) fn in_bytes(pattern: &str) -> Option<Hir> {
    read(pattern).map(as_bytes)
}

/// Ranges up to which a class is written out: `.` has one, `[^/]` two.
const FEW: usize = 4;

/// With the bytes of their characters in place of large classes, such as `.`: whoever builds a pattern that has one fills a table
/// of 400 kB first, which takes longer than all the rest.
fn as_bytes(hir: Hir) -> Hir {
    let inside = |hir: Box<Hir>| Box::new(as_bytes(*hir));
    let all = |parts: Vec<Hir>| parts.into_iter().map(as_bytes).collect();
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class))
            if !class.is_ascii() && class.ranges().len() <= FEW =>
        {
            characters(&class)
        }
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: inside(repetition.sub),
            ..repetition
        }),
        HirKind::Capture(capture) => Hir::capture(Capture {
            sub: inside(capture.sub),
            ..capture
        }),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Empty => Hir::empty(),
    }
}

/// The bytes of one of the characters of a class.
fn characters(class: &ClassUnicode) -> Hir {
    let ranges = class.iter();
    let sequences = ranges.flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    let one = |sequence: Utf8Sequence| {
        let bytes = sequence.as_slice().iter();
        let bytes = bytes.map(|range| ClassBytesRange::new(range.start, range.end));
        let bytes = bytes.map(|range| Hir::class(Class::Bytes(ClassBytes::new([range]))));
        Hir::concat(bytes.collect())
    };
    Hir::alternation(sequences.map(one).collect())
}

/// RE2's syntax in that of regex-syntax, with the same meaning.
pub fn rewritten(pattern: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    let mut named = true;
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
            '[' => out += &brackets(&mut rest, &mut named)?,
            '{' => match counted(&rest) {
                Some(length) => {
                    let count: String = rest.by_ref().take(length).collect();
                    let mut numbers = count
                        .trim_end_matches('}')
                        .split(',')
                        .filter(|number| !number.is_empty());
                    if let Some(most) = numbers.find(|number| {
                        !number
                            .parse::<u32>()
                            .is_ok_and(|times| times <= MOST_REPEATED)
                    }) {
                        return Err(format!(
                            "it repeats {most} times, and Prometheus (RE2) refuses more than {MOST_REPEATED}"
                        ));
                    }
                    out += &format!("{{{count}");
                    once(&mut rest, &mut out)?;
                }
                None => out += "\\{",
            },
            '(' if rest.next_if_eq(&'?').is_some() => out += &group(&mut rest)?,
            '*' | '+' | '?' => {
                out.push(c);
                once(&mut rest, &mut out)?;
            }
            '}' | ']' => out += &literal(c),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Behind a repetition: a `?` makes it lazy, and RE2 takes no other repetition there.
fn once(rest: &mut Rest, out: &mut String) -> Result<(), String> {
    out.extend(rest.next_if_eq(&'?'));
    let mut ahead = rest.clone();
    match ahead.next() {
        Some(again @ ('*' | '+' | '?')) => Err(format!(
            "a repetition cannot be followed by another, `{again}`: put the first into a group, `(?:…)`"
        )),
        Some('{') if counted(&ahead).is_some() => Err(
            "a repetition cannot be followed by another, `{`: put the first into a group, `(?:…)`"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Classes that are named inside brackets.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

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
    let text: String = rest
        .clone()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .collect();
    let (least, most) = text.split_once(',').unwrap_or((&text, ""));
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() < 2 || !text.starts_with('0'))
    };
    let closed = rest.clone().nth(text.len()) == Some('}');
    (closed && !least.is_empty() && number(least) && number(most)).then_some(text.len() + 1)
}

/// What stands behind `(?`: a name, which nothing here asks for, or the flags that RE2 knows.
fn group(rest: &mut Rest) -> Result<String, String> {
    if rest.next_if_eq(&'P').is_some() && rest.peek() != Some(&'<') {
        return Err("`(?P` is followed by a name in `<` and `>` in RE2".into());
    }
    if rest.next_if_eq(&'<').is_some() {
        let name = up_to('>', rest)?;
        return match !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            true => Ok("(".into()),
            false => Err(format!("`{name}` is not a name of a group")),
        };
    }
    let flags: String = std::iter::from_fn(|| rest.next_if(|c| !matches!(c, ':' | ')'))).collect();
    match flags.chars().find(|flag| !"imsU-".contains(*flag)) {
        Some(flag) => Err(format!("`(?{flag}` is not a group or a flag of RE2")),
        // Sets nothing.
        None if flags.is_empty() && rest.next_if_eq(&')').is_some() => Ok("(?:)".into()),
        None => Ok(format!("(?{flags}")),
    }
}

/// What stands before `end`, which goes too.
fn up_to(end: char, rest: &mut Rest) -> Result<String, String> {
    let text: String = std::iter::from_fn(|| rest.next_if(|c| *c != end)).collect();
    rest.next()
        .map(|_| text)
        .ok_or_else(|| format!("a `{end}` is missing"))
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
    let Some(c) = rest.next() else {
        return Err("it ends with a backslash".into());
    };
    let hexadecimal = |digits: &str| {
        u32::from_str_radix(digits, 16)
            .ok()
            .and_then(char::from_u32)
            .map(Escape::Character)
    };
    Ok(Escape::Character(match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => {
            let digits: String = match rest.next_if_eq(&'{') {
                Some(_) => up_to('}', rest)?,
                None => rest.by_ref().take(2).collect(),
            };
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            return hexadecimal(&digits)
                .filter(|_| whole)
                .ok_or_else(|| format!("`\\x{digits}` is not a character"));
        }
        '1'..='7' if !matches!(rest.peek(), Some('0'..='7')) => {
            return Err(format!("`\\{c}` refers back, which RE2 does not do"));
        }
        '0'..='7' => {
            let mut code = c as u32 - '0' as u32;
            for _ in 0..2 {
                let Some(digit) = rest.next_if(|c| ('0'..='7').contains(c)) else {
                    break;
                };
                code = code * 8 + digit as u32 - '0' as u32;
            }
            char::from_u32(code).unwrap_or_default()
        }
        'p' | 'P' => {
            let name: String = match rest.next_if_eq(&'{') {
                Some(_) => up_to('}', rest)?,
                None => rest.by_ref().take(1).collect(),
            };
            let (negated, name) = name
                .strip_prefix('^')
                .map_or((false, name.as_str()), |name| (true, name));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!("`\\{c}` names no class of characters"));
            }
            return class(name, (c == 'P') != negated).map(Escape::Class);
        }
        c if !c.is_ascii_alphanumeric() && c.is_ascii() => c,
        c => return perl(c).map_or_else(|| unknown(c), |class| Ok(Escape::Class(class.into()))),
    }))
}

/// A class of Unicode: a general category or a script. regex-syntax knows properties as well (Alphabetic, Emoji), RE2 does not.
fn class(name: &str, negated: bool) -> Result<String, String> {
    let (every, none) = ("[\\x{0}-\\x{10ffff}]", "[^\\x{0}-\\x{10ffff}]");
    // Halves of a pair of UTF-16, which no text holds.
    if ["cs", "surrogate"]
        .iter()
        .any(|halves| name.eq_ignore_ascii_case(halves))
    {
        return Ok(if negated { every } else { none }.into());
    }
    let sense = if negated { 'P' } else { 'p' };
    // regex-syntax takes `Is` before a name for nothing.
    let known = ["gc", "sc"]
        .map(|kind| format!("\\{sense}{{{kind}={name}}}"))
        .into_iter()
        .find(|class| regex_syntax::parse(class).is_ok());
    known
        .filter(|_| !name.to_ascii_lowercase().starts_with("is"))
        .ok_or_else(|| format!("`{name}` is not a category or a script of Unicode"))
}

/// Whether a `:]` follows, behind the `:` that is next; looked for in vain once only, as it may be far to the end.
fn names(rest: &Rest, named: &mut bool) -> bool {
    let mut colon = false;
    *named = rest
        .clone()
        .skip(1)
        .any(|c| std::mem::replace(&mut colon, c == ':') && c == ']');
    *named
}

/// What stands behind a `[`, up to its `]`; `named`: there may still be a `:]`, which makes `[:` the beginning of a name.
fn brackets(rest: &mut Rest, named: &mut bool) -> Result<String, String> {
    let mut out = String::from("[");
    out.extend(rest.next_if_eq(&'^'));
    let mut first = true;
    loop {
        let low = match rest.next() {
            None => return Err("a `[` is not closed".into()),
            Some(']') if !first => break,
            Some('[') if *named && rest.peek() == Some(&':') && names(rest, named) => {
                let name: String = rest.by_ref().take_while(|c| *c != ']').collect();
                if !name.ends_with(':')
                    || !POSIX.contains(&name.trim_matches(':').trim_start_matches('^'))
                {
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

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::meta::Regex;

    #[test]
    fn a_pattern_written_out_in_bytes_picks_the_same() {
        let texts =
            "·a·é·ab·aéb·a\nb·😀·éé·a/b·K·k·\u{7f}·\u{80}·\u{7ff}·\u{800}·\u{ffff}·\u{10000}";
        let patterns = r". .* a.b .{2} [^a] (.)[^/]? (?i)k (?-s:.)+ [é-ÿ] a|.+b \PL \pL (?:.?){2} [^\x{80}-\x{ffff}]";
        for pattern in patterns.split(' ') {
            let whole = Regex::new(&anchored(pattern).unwrap()).unwrap();
            let bytes = in_bytes(pattern).unwrap();
            let bytes = Regex::builder().build_from_hir(&bytes).unwrap();
            for text in texts.split('·') {
                assert_eq!(
                    whole.is_match(text),
                    bytes.is_match(text),
                    "{pattern} {text:?}"
                );
            }
        }
    }

    /// Each was looked at to its end for each bracket.
    #[test]
    fn brackets_without_end_are_read_once() {
        for text in ["{", "[[:x]", "[:", "x{1", "\\p{L}{"] {
            assert!(
                rewritten(&text.repeat(20_000)).is_ok_and(|out| out.len() > 20_000) || text == "[:",
                "{text}"
            );
        }
    }

    /// Asked of Go's regexp.
    #[test]
    fn what_go_refuses_is_refused_and_nothing_else() {
        for wrong in [
            "a**",
            "a*+",
            "a+*",
            "a?{2}",
            "a{2}{3}",
            "a{2}*",
            "a{0}{0}",
            "a???",
            "(a)*?+",
            "\\p{Greek",
            "\\x{41",
            "\\p{IsGreek}",
            "\\p{Alphabetic}",
            "\\p{Emoji}",
            "[\\p{White_Space}]",
            "(?P=n)",
            "(?P>n)",
            "(?P<>x)",
            "(?P<a-b>x)",
            "(?P<n",
            "(?P",
        ] {
            assert!(
                crate::promql::refused_pattern(wrong).is_some(),
                "{wrong}: {:?}",
                rewritten(wrong)
            );
        }
        for right in [
            "a*?",
            "a??",
            "a{2}?",
            "a*{",
            "a+{,2}",
            "a?{x}",
            "a*\\?",
            "(?:a*)*",
            "(?P<a>x)(?P<a>y)",
            "(?P<1>x)",
            "(?<n>x)",
            "(?)",
            "(?)a",
            "\\p{Cs}",
            "[\\P{Cs}]",
            "\\p{L}",
            "\\pL",
            "\\p{Lu}",
            "\\p{Greek}",
            "\\p{Any}",
            "\\p{Letter}",
            "x{02}",
            "x{2,03}",
        ] {
            assert_eq!(
                crate::promql::refused_pattern(right),
                None,
                "{right}: {:?}",
                rewritten(right)
            );
        }
    }
}
