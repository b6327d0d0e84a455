//! Every hole of a template writes one complete, quoted value for the program that reads the output.

use super::refuse;
use crate::diagnostic::visible;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Error, ErrorKind, Output, State};
use std::fmt::Write;

/// Who reads the output of a template, by its name: Markdown, Python, or YAML and all that is parsed back from it.
pub(crate) fn reader(template: &str) -> &'static str {
    match template.rsplit('.').next() {
        Some("md") => "markdown",
        Some("py") => "python",
        _ => "yaml",
    }
}

/// Writes a hole for the reader of the template it stands in.
pub(crate) fn formatter(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_safe() {
        return write!(out, "{value}").map_err(failed);
    }
    match state.auto_escape() {
        AutoEscape::Custom(reader) if reader == "markdown" => markdown(out, value),
        AutoEscape::Custom(reader) => scalar(out, value, reader == "python"),
        other => Err(refuse(format!("unexpected escaping {other:?}"))),
    }
}

fn failed(error: std::fmt::Error) -> Error {
    Error::new(ErrorKind::WriteFailure, "cannot write").with_source(error)
}

/// JSON, which is YAML and, but for three words, Python.
fn scalar(out: &mut impl Write, value: &Value, python: bool) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => out
            .write_str(if python { "None" } else { "null" })
            .map_err(failed),
        ValueKind::Bool => out
            .write_str(match (value.is_true(), python) {
                (true, true) => "True",
                (false, true) => "False",
                (true, false) => "true",
                (false, false) => "false",
            })
            .map_err(failed),
        ValueKind::Number => number(out, value),
        ValueKind::String => quoted(out, value.as_str().unwrap_or_default()).map_err(failed),
        ValueKind::Seq | ValueKind::Iterable => {
            out.write_char('[').map_err(failed)?;
            for (index, item) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.write_str(", ").map_err(failed)?;
                }
                scalar(out, &item, python)?;
            }
            out.write_char(']').map_err(failed)
        }
        ValueKind::Map => {
            out.write_char('{').map_err(failed)?;
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.write_str(", ").map_err(failed)?;
                }
                quoted(out, &key.to_string()).map_err(failed)?;
                out.write_str(": ").map_err(failed)?;
                scalar(out, &value.get_item(&key)?, python)?;
            }
            out.write_char('}').map_err(failed)
        }
        other => Err(refuse(format!("a hole cannot hold {other}"))),
    }
}

/// A mapping over several lines, as people write YAML; what follows its first line is indented by so many columns.
pub(super) fn block(value: &Value, indent: usize) -> Result<Value, Error> {
    let mut out = String::new();
    lines(&mut out, value, indent)?;
    Ok(Value::from_safe_string(out))
}

fn lines(out: &mut String, value: &Value, indent: usize) -> Result<(), Error> {
    let nested = |value: &Value| -> Result<bool, Error> {
        Ok(match value.kind() {
            ValueKind::Map => value.len() > Some(0),
            ValueKind::Seq | ValueKind::Iterable => value
                .try_iter()?
                .any(|item| matches!(item.kind(), ValueKind::Map | ValueKind::Seq)),
            _ => false,
        })
    };
    if !nested(value)? {
        return scalar(out, value, false);
    }
    let margin = " ".repeat(indent);
    if value.kind() == ValueKind::Map {
        for (index, key) in value.try_iter()?.enumerate() {
            if index > 0 {
                out.push_str(&margin);
            }
            let name = key.to_string();
            let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
                    .contains(&name.as_str());
            match plain {
                true => out.push_str(&name),
                false => quoted(out, &name).map_err(failed)?,
            }
            out.push(':');
            let inside = value.get_item(&key)?;
            if nested(&inside)? {
                out.push('\n');
                out.push_str(&" ".repeat(indent + 2));
                lines(out, &inside, indent + 2)?;
            } else {
                out.push(' ');
                scalar(out, &inside, false)?;
            }
            out.push('\n');
        }
    } else {
        for (index, item) in value.try_iter()?.enumerate() {
            if index > 0 {
                out.push_str(&margin);
            }
            out.push_str("- ");
            lines(out, &item, indent + 2)?;
            out.push('\n');
        }
    }
    // The last line end is the template's, or that of whatever this is inside of.
    out.pop();
    Ok(())
}

/// Whole numbers without a point, as people write them.
fn number(out: &mut impl Write, value: &Value) -> Result<(), Error> {
    if let Some(whole) = value.as_i64() {
        return write!(out, "{whole}").map_err(failed);
    }
    match f64::try_from(value.clone()) {
        Ok(float) if float.is_finite() => write!(out, "{float}").map_err(failed),
        _ => Err(refuse("a hole cannot hold a number that is not finite")),
    }
}

/// Valid as JSON, YAML 1.1, YAML 1.2, PromQL and Python: control characters and byte order marks are escaped.
pub fn quoted(out: &mut impl Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    let plain = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let mut rest = text;
    loop {
        // Most of a text goes as it is, and is written at once.
        let end = rest.bytes().position(|byte| !plain(byte));
        let (as_it_is, behind) = rest.split_at(end.unwrap_or(rest.len()));
        out.write_str(as_it_is)?;
        let mut behind = behind.chars();
        match behind.next() {
            Some('"') => out.write_str("\\\"")?,
            Some('\\') => out.write_str("\\\\")?,
            Some('\n') => out.write_str("\\n")?,
            Some('\t') => out.write_str("\\t")?,
            Some('\r') => out.write_str("\\r")?,
            Some(
                c @ ('\0'..='\u{1f}'
                | '\u{7f}'..='\u{9f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}'),
            ) => write!(out, "\\u{:04x}", c as u32)?,
            Some(c) => out.write_char(c)?,
            None => break,
        }
        rest = behind.as_str();
    }
    out.write_char('"')
}

/// Text as it reads: what Markdown or HTML would take for markup is escaped, a line stays a line, nobody is called and nothing
/// is linked; an address that is meant as a link goes through `address`.
fn markdown(out: &mut impl Write, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            for (at, c) in text.char_indices() {
                word(out, c).map_err(failed)?;
                if visible::calls(&text[..at], c, &text[at + c.len_utf8()..]) {
                    out.write_str(visible::APART).map_err(failed)?;
                }
            }
            Ok(())
        }
        ValueKind::Number => number(out, value),
        other => Err(refuse(format!("Markdown cannot hold {other}"))),
    }
}

/// Where a link of Markdown leads: an address of the catalog, escaped as text is.
pub(crate) fn address(text: &str) -> Result<Value, Error> {
    let begins = text.starts_with("http://") || text.starts_with("https://");
    if !begins || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(refuse(format!("{text:?} is not an address")));
    }
    let mut out = String::new();
    for c in text.chars() {
        word(&mut out, c).map_err(failed)?;
    }
    Ok(Value::from_safe_string(out))
}

fn word(out: &mut impl Write, c: char) -> std::fmt::Result {
    match c {
        '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '|' | '#' => write!(out, "\\{c}"),
        '&' => out.write_str("&amp;"),
        // What turns the direction of text shows it in another order than it is read.
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            out.write_char(' ')
        }
        c if c.is_control() => out.write_char(' '),
        c => out.write_char(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_one_line_in_one_direction_without_markup() {
        let mut out = String::new();
        markdown(
            &mut out,
            &Value::from(
                "a\nb\u{1b}c\u{202e}d\u{2066}e\u{2028}f [l](javascript:x) <b> # | &lt; é\u{301}",
            ),
        )
        .unwrap();
        assert_eq!(
            out,
            "a b c d e f \\[l\\](javascript:x) \\<b\\> \\# \\| &amp;lt; é\u{301}"
        );
    }

    #[test]
    fn markdown_calls_nobody_and_links_where_it_is_meant_to() {
        let mut out = String::new();
        markdown(
            &mut out,
            &Value::from("@team a@b.c #12 GH-3 https://e.x www.e.x"),
        )
        .unwrap();
        assert_eq!(
            out,
            "@&#8203;team a@&#8203;b.c \\#&#8203;12 GH-&#8203;3 https:&#8203;//e.x www.&#8203;e.x"
        );
        assert_eq!(
            address("https://e.x/a_b?c&d").unwrap().to_string(),
            "https://e.x/a\\_b?c&amp;d"
        );
        assert!(
            ["javascript:x", "//e.x", "", "http://e.x y", "http://e.x\ny"]
                .iter()
                .all(|text| address(text).is_err())
        );
    }

    #[test]
    fn quoted_text_comes_back_from_yaml() {
        for text in [
            "",
            "yes",
            "1e3",
            "a: b",
            "#",
            "\u{85}\u{7f}\u{feff}",
            "tab\there",
            "\"'\\",
            "é\u{1f600}",
            "- x",
            "<<",
        ] {
            let mut out = String::new();
            quoted(&mut out, text).unwrap();
            assert_eq!(crate::yaml::parse(&out).unwrap(), text, "{out}");
        }
    }
}
