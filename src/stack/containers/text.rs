//! What compose makes of a text: variables filled in, words split, lists and mappings read alike.

use crate::value::Value;
use std::borrow::Cow;

/// A size in bytes, as Docker reads it: `512m`, `1g`, `100000001b`; a thousand is 1024 here.
pub(crate) fn bytes(text: &str) -> Option<f64> {
    let text = text.to_lowercase();
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match text[end..].trim_end_matches("ib").trim_end_matches('b') {
        "" => 1.0,
        "k" => 1024.0,
        "m" => 1024.0 * 1024.0,
        "g" => 1024.0 * 1024.0 * 1024.0,
        "t" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number * factor)
}

/// A text with its variables filled in as where none is set: `${NAME:-default}` is the default, `$$` a dollar. A variable
/// without a default stays as it is written, because nothing here knows it.
pub(crate) fn filled(text: &str) -> Cow<'_, str> {
    if !text.contains('$') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((inside, after)) = after.strip_prefix('{').and_then(braced) {
            let name = inside
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(inside.len());
            let said = &inside[name..];
            let default = said.strip_prefix(":-").or_else(|| said.strip_prefix('-'));
            match default {
                Some(default) => out += &filled(default),
                None if said.starts_with(":+") || said.starts_with('+') => {}
                None => out += &format!("${{{inside}}}"),
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    Cow::Owned(out + rest)
}

/// A dollar that begins no variable and is not doubled: Compose reads nothing that has one. With what stands around it.
pub(crate) fn unreadable_dollar(text: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(at) = text[from..].find('$').map(|at| from + at) {
        let behind = &text[at + 1..];
        let inside = behind.strip_prefix('{').unwrap_or(behind);
        let begins = |c: char| c == '_' || c.is_ascii_alphabetic();
        match behind.strip_prefix('$') {
            Some(_) => from = at + 2,
            None if inside.starts_with(begins) => from = at + 1,
            None => {
                let end = behind
                    .char_indices()
                    .nth(3)
                    .map_or(text.len(), |(end, _)| at + 1 + end);
                return Some(&text[at..end]);
            }
        }
    }
    None
}

/// What stands before the brace that closes, and what behind it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// A scalar as text, variables filled in; None: it is none.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(filled(text).into_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What may be a list of `key=value` or a mapping: key → value, None where the value is taken from outside.
pub(crate) fn pairs(value: &Value, separators: &[char]) -> Vec<(String, Option<String>)> {
    let listed = value
        .items()
        .filter_map(scalar)
        .map(|item| match item.split_once(separators) {
            Some((key, value)) => (key.to_string(), Some(value.to_string())),
            None => (item, None),
        });
    let mapped = value
        .entries()
        .map(|(key, value)| (key.clone(), scalar(value)));
    listed.chain(mapped).collect()
}

/// The keys of a mapping, or the texts of a list.
pub(crate) fn names(value: &Value) -> Vec<String> {
    let listed = value.items().filter_map(scalar);
    listed
        .chain(value.entries().map(|(key, _)| key.clone()))
        .collect()
}

/// A command as its words: a list as it is, a text split as a shell splits it.
pub(crate) fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(split(&filled(text))),
        Value::Array(list) => Some(list.iter().filter_map(scalar).collect()),
        _ => None,
    }
}

/// A text split into words as a shell does it, quotes removed.
pub(crate) fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut inside) = (Vec::new(), String::new(), false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                inside = true;
                while let Some(next) = letters.next().filter(|next| *next != letter) {
                    match next {
                        '\\' if letter == '"' => word.extend(letters.next()),
                        next => word.push(next),
                    }
                }
            }
            '\\' => {
                inside = true;
                word.extend(letters.next());
            }
            letter if letter.is_whitespace() => {
                if inside {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            letter => {
                inside = true;
                word.push(letter);
            }
        }
    }
    if inside {
        words.push(word);
    }
    words
}

/// A path without `.`, `..` and doubled slashes; one that leads above its start keeps its `..`.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let slash = if path.starts_with('/') { "/" } else { "" };
    format!("{slash}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_words_and_paths_are_read_as_compose_reads_them() {
        for (text, wanted) in [
            ("a", "a"),
            ("${A:-b}/c", "b/c"),
            ("${A-${B:-b}}", "b"),
            ("$$1 ${A}", "$1 ${A}"),
            ("${A:?must be set}", "${A:?must be set}"),
            ("x${A:+y}", "x"),
        ] {
            assert_eq!(filled(text), wanted, "{text}");
        }
        assert_eq!(
            split("a  'b c' \"d\\\"e\" f\\ g ''"),
            ["a", "b c", "d\"e", "f g", ""]
        );
        for (path, wanted) in [("./a//b/../c/", "a/c"), ("../x", "../x"), ("/../a/.", "/a")] {
            assert_eq!(normal(path), wanted, "{path}");
        }
    }
}
