//! Matchers as the Alertmanager reads them: `match`, `match_re`, and `matchers` in the classic and in the UTF-8 syntax.

use crate::json::plain;
use crate::promql::re2::rewritten;
use crate::value::Value;
use regex_automata::meta::{Config, Regex};
use std::collections::BTreeMap;
use std::fmt;

/// The labels of an alert.
pub type Labels = BTreeMap<String, String>;

/// Bytes of a pattern once it is written out.
const MOST_BUILT: usize = 16 << 20;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

impl Comparison {
    /// `=~` before `=`, or only the half of it would be read.
    const ALL: [(&str, Comparison); 4] = [
        ("=~", Comparison::Matches),
        ("!~", Comparison::NotMatches),
        ("!=", Comparison::NotEqual),
        ("=", Comparison::Equal),
    ];

    fn word(self) -> &'static str {
        let mut all = Comparison::ALL.iter();
        all.find(|(_, known)| *known == self)
            .map_or("", |(word, _)| word)
    }

    /// The comparison that a text begins with, and the rest.
    fn leads(text: &str) -> Option<(Comparison, &str)> {
        let mut all = Comparison::ALL.iter();
        all.find_map(|(word, comparison)| Some((*comparison, text.strip_prefix(word)?)))
    }
}

/// What an alert's label must be.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub comparison: Comparison,
    pub value: String,
    /// Of a pattern.
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        let parts = |matcher: &Matcher| {
            let Matcher { name, value, .. } = matcher.clone();
            (name, matcher.comparison, value)
        };
        parts(self) == parts(other)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let word = self.comparison.word();
        write!(f, "{}{word}{}", self.name, Value::from(self.value.as_str()))
    }
}

impl Matcher {
    /// None: its pattern is none.
    pub fn of(name: &str, comparison: Comparison, value: &str) -> Option<Matcher> {
        let pattern = matches!(comparison, Comparison::Matches | Comparison::NotMatches);
        let regex = match pattern {
            true => Some(build(value)?),
            false => None,
        };
        Some(Matcher {
            name: name.to_string(),
            comparison,
            value: value.to_string(),
            regex,
        })
    }

    /// Whether a label may have this value; one that is not there is empty.
    pub fn picks(&self, value: &str) -> bool {
        let met = || {
            self.regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(value))
        };
        match self.comparison {
            Comparison::Equal => self.value == value,
            Comparison::NotEqual => self.value != value,
            Comparison::Matches => met(),
            Comparison::NotMatches => !met(),
        }
    }
}

/// Whether all of them pick an alert; without any, every alert is picked.
pub fn pick(matchers: &[Matcher], labels: &Labels) -> bool {
    let value = |name: &str| labels.get(name).map_or("", String::as_str);
    let mut all = matchers.iter();
    all.all(|matcher| matcher.picks(value(&matcher.name)))
}

/// Go's syntax, the whole value, and a dot that stays within its line.
fn build(pattern: &str) -> Option<Regex> {
    let config = Config::new()
        .nfa_size_limit(Some(MOST_BUILT))
        .onepass_size_limit(None);
    let pattern = format!("^(?:{})$", rewritten(pattern).ok()?);
    Regex::builder().configure(config).build(&pattern).ok()
}

/// The matchers of a route (`match`, `match_re`, `matchers`), or of one side of an inhibition (`source_match` …), with the
/// text of each that cannot be read.
pub fn of(table: &Value, side: &str) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    for (key, comparison) in [
        ("match", Comparison::Equal),
        ("match_re", Comparison::Matches),
    ] {
        for (label, value) in table[format!("{side}{key}")].entries() {
            let value = plain(value);
            let matcher = Matcher::of(label, comparison, &value);
            all.push(matcher.ok_or(value)?);
        }
    }
    for text in table[format!("{side}matchers")].items() {
        let text = plain(text);
        all.extend(read(&text).ok_or(text)?);
    }
    Ok(all)
}

/// The keys that matchers of a route or of a side stand under, those that are there.
pub(crate) fn keys(table: &Value, side: &str) -> Vec<String> {
    let all = ["match", "match_re", "matchers"].map(|key| format!("{side}{key}"));
    let there = all.into_iter().filter(|key| table.get(key).is_some());
    there.collect()
}

/// One or several matchers, with braces or without. Where both syntaxes read a text, the Alertmanager takes the classic one.
pub fn read(text: &str) -> Option<Vec<Matcher>> {
    classic(text).or_else(|| utf8(text))
}

/// The only syntax before 0.27.
fn classic(text: &str) -> Option<Vec<Matcher>> {
    let inside = text.strip_prefix('{').unwrap_or(text);
    let inside = inside.strip_suffix('}').unwrap_or(inside);
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for character in inside.chars() {
        match character {
            ',' if !quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
        part.push(character);
    }
    if !part.trim().is_empty() {
        parts.push(part);
    }
    parts.iter().map(|part| classic_one(part)).collect()
}

fn classic_one(text: &str) -> Option<Matcher> {
    let text = text.trim();
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let (label, rest) = text.split_at(text.find(|c| !name(c)).unwrap_or(text.len()));
    if label.is_empty() || label.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (comparison, raw) = Comparison::leads(rest.trim_start())?;
    let raw = raw.trim_start();
    let (raw, mut open) = match raw.strip_prefix('"') {
        Some(rest) => (rest, true),
        None => (raw, false),
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in raw.char_indices() {
        let last = at + 1 == raw.len();
        match character {
            _ if escaped => {
                escaped = false;
                match character {
                    'n' => value.push('\n'),
                    '"' | '\\' => value.push(character),
                    // An escape of nothing is the backslash itself.
                    other => value.extend(['\\', other]),
                }
            }
            '\\' if !last => escaped = true,
            '"' if !open || !last => return None,
            '"' => open = false,
            other => value.push(other),
        }
    }
    match open {
        true => None,
        false => Matcher::of(label, comparison, &value),
    }
}

/// Since 0.27: any text may be a name or a value, in quotes where it holds what has a meaning here.
fn utf8(text: &str) -> Option<Vec<Matcher>> {
    let text = text.trim();
    let inside = match (text.strip_prefix('{'), text.ends_with('}')) {
        (Some(rest), true) => &rest[..rest.len() - 1],
        (None, false) => text,
        _ => return None,
    };
    let mut rest = inside.trim_start();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = token(rest)?;
        let (comparison, behind) = Comparison::leads(behind.trim_start())?;
        let (value, behind) = token(behind.trim_start())?;
        all.push(Matcher::of(&name, comparison, &value)?);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.is_empty() => {}
            None => return None,
        }
    }
    Some(all)
}

/// A name or a value at the start of a text, and what is behind it.
fn token(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let reserved = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
        let end = text.find(reserved).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_string(), &text[end..]));
    }
    let mut characters = text.char_indices().skip(1);
    let end = loop {
        match characters.next()? {
            (_, '\\') => drop(characters.next()?),
            (at, '"') => break at + 1,
            _ => {}
        }
    };
    Some((unquoted(&text[1..end - 1])?, &text[end..]))
}

/// What Go's `strconv.Unquote` makes of the inside of double quotes.
fn unquoted(inside: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = inside.chars();
    let mut buffer = [0; 4];
    let mut put = |bytes: &mut Vec<u8>, character: char| {
        bytes.extend(character.encode_utf8(&mut buffer).as_bytes());
    };
    while let Some(character) = rest.next() {
        if character == '\n' {
            return None;
        }
        if character != '\\' {
            put(&mut bytes, character);
            continue;
        }
        let number = |rest: &mut std::str::Chars, digits: usize, base: u32| {
            let text: String = rest.take(digits).collect();
            u32::from_str_radix(&text, base)
                .ok()
                .filter(|_| text.len() == digits)
        };
        match rest.next()? {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            '\\' => bytes.push(b'\\'),
            '"' => bytes.push(b'"'),
            'x' => bytes.push(number(&mut rest, 2, 16)? as u8),
            'u' => put(&mut bytes, char::from_u32(number(&mut rest, 4, 16)?)?),
            'U' => put(&mut bytes, char::from_u32(number(&mut rest, 8, 16)?)?),
            first @ '0'..='7' => {
                let behind = number(&mut rest, 2, 8)?;
                bytes.push(u8::try_from(first.to_digit(8)? * 64 + behind).ok()?);
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn shown(text: &str) -> String {
        let list = |all: Vec<Matcher>| all.iter().map(Matcher::to_string).collect::<Vec<_>>();
        read(text).map_or("refused".to_string(), |all| list(all).join(" "))
    }

    #[test]
    fn both_syntaxes_are_read() {
        for (text, expected) in [
            (r#"severity="critical""#, r#"severity="critical""#),
            ("severity = critical", r#"severity="critical""#),
            (r#"{a="x", b=~"y|z"}"#, r#"a="x" b=~"y|z""#),
            (r#"a=~"b{2,3}",c!=d"#, r#"a=~"b{2,3}" c!="d""#),
            (r#"a="x\"y""#, r#"a="x\"y""#),
            (r"a=x\dy", r#"a="x\\dy""#),
            ("a=", r#"a="""#),
            ("", ""),
            ("{}", ""),
            (r#"a="x"y"#, "refused"),
            (r#"a="x"#, "refused"),
            (r#""größe"="x y""#, r#"größe="x y""#),
            ("größe!~x", r#"größe!~"x""#),
            (r#"{"a.b"="\u00e9\x41"}"#, r#"a.b="éA""#),
            ("1a=b", r#"1a="b""#),
            ("a", "refused"),
            ("a=~(", "refused"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn old_and_new_keys_count_together() {
        let table = json!({"match": {"a": "x"}, "match_re": {"b": "y|z"}, "matchers": ["c!=d"]});
        let all = of(&table, "").unwrap();
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            let owned = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
            owned.collect()
        };
        assert!(pick(&all, &labels(&[("a", "x"), ("b", "z")])));
        assert!(!pick(&all, &labels(&[("a", "x"), ("b", "zz")])));
        assert!(!pick(&all, &labels(&[("a", "x"), ("b", "y"), ("c", "d")])));
        assert_eq!(
            of(&json!({"source_matchers": ["a=~("]}), "source_")
                .err()
                .as_deref(),
            Some("a=~(")
        );
    }
}
