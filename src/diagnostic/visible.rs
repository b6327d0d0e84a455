//! Text from outside made harmless, once, where it is printed: what a terminal or a CI system would obey is shown instead.
//!
//! A character that moves the cursor, hides text or turns its direction is written as `\n`, `\t` or `\u{1b}`. What a runner
//! of GitHub or Azure reads as a command at the beginning of a line (`::error::`) or inside one (`##[error]`) keeps its
//! words and loses its form.

use regex_automata::meta::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Control and format characters, separators of lines and paragraphs, and what is drawn as nothing; but for the two
/// variation selectors that only choose how an emoji looks.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}[\p{Default_Ignorable_Code_Point}--[\x{fe0e}\x{fe0f}]]]")
        .expect("a class of Unicode")
});

/// A command of GitHub's runner at the beginning of a line, and its older form (Azure's too) anywhere.
static COMMAND: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*::|##[a-zA-Z]*\[").expect("two commands"));

/// A line: nothing in it begins another one.
pub fn line(text: &str) -> Cow<'_, str> {
    match plain(text) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shown(text, |_| false)),
    }
}

/// A text whose line breaks and tabs are its author's.
pub fn lines(text: &str) -> Cow<'_, str> {
    match text.split('\n').all(plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(
            text.split('\n')
                .map(|line| shown(line, |c| c == '\t'))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    }
}

/// A line without what a CI system takes for a command; whoever writes commands of their own leaves it out.
pub fn without_commands(line: &str) -> Cow<'_, str> {
    if !COMMAND.is_match(line) {
        return Cow::Borrowed(line);
    }
    let mut out = String::new();
    let mut end = 0;
    for found in COMMAND.find_iter(line) {
        let command = &line[found.range()];
        out += &line[end..found.start()];
        out += &match command.strip_suffix("::") {
            // Three colons begin no command; the pictures of findings have them.
            Some(_) if line[found.end()..].starts_with(':') => command.to_string(),
            Some(blanks) => format!("{blanks}\\u{{3a}}:"),
            None => format!("#\\u{{23}}{}", &command["##".len()..]),
        };
        end = found.end();
    }
    Cow::Owned(out + &line[end..])
}

/// A JSON document of one line: what may stand in its strings as it is, and still should not reach a terminal, becomes `\u009b`.
pub fn json(document: &str) -> Cow<'_, str> {
    if plain(document) && !COMMAND.is_match(document) {
        return Cow::Borrowed(document);
    }
    let mut out = String::new();
    for c in document.chars() {
        match c {
            '#' if out.ends_with('#') => out.push_str("\\u0023"),
            c if unseen(c) => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| out += &format!("\\u{unit:04x}")),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a site that shows Markdown makes something of `c` between these texts: a mention of a person, an issue, a link. No
/// backslash prevents that, as such sites read the text that is left after Markdown; what stands between does.
pub fn calls(before: &str, c: char, behind: &str) -> bool {
    let digit = behind.starts_with(|next: char| next.is_ascii_digit());
    let follows = |word: &str| {
        before
            .get(before.len().saturating_sub(word.len())..)
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    match c {
        '@' => behind.starts_with(|next: char| !next.is_whitespace()),
        '#' => digit,
        '-' => digit && follows("gh"),
        ':' => behind.starts_with("//"),
        '.' => follows("www"),
        _ => false,
    }
}

/// What stands behind a character that `calls`: a space of no width, which HTML may have where Markdown has none.
pub const APART: &str = "&#8203;";

fn plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) || !UNSEEN.is_match(text)
}

fn unseen(c: char) -> bool {
    UNSEEN.is_match(c.encode_utf8(&mut [0; 4]).as_bytes())
}

fn shown(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if keep(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !c.is_ascii_graphic() && unseen(c) => out += &format!("\\u{{{:x}}}", c as u32),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        assert_eq!(
            line("\u{1b}]0;x\u{7}\u{1b}[2J"),
            "\\u{1b}]0;x\\u{7}\\u{1b}[2J"
        );
        assert_eq!(
            line("a\nb\r\tc\u{85}d\u{9b}e\u{7f}"),
            "a\\nb\\r\\tc\\u{85}d\\u{9b}e\\u{7f}"
        );
        assert_eq!(
            line("\u{202e}a\u{2066}b\u{200b}c\u{2028}d\u{feff}e\u{ad}f\u{e0041}g\u{3164}"),
            { "\\u{202e}a\\u{2066}b\\u{200b}c\\u{2028}d\\u{feff}e\\u{ad}f\\u{e0041}g\\u{3164}" }
        );
        for kept in ["", "plain", "Größe … ⚠️ 東京", "C:\\n \\u{1b}", "\u{301}"] {
            assert_eq!(line(kept), kept);
        }
        assert_eq!(lines("a\tb\n\u{1b}c\r\n"), "a\tb\n\\u{1b}c\\r\n");
    }

    #[test]
    fn what_a_runner_obeys_is_shown() {
        assert_eq!(without_commands("::error::x"), "\\u{3a}:error::x");
        assert_eq!(
            without_commands(" \u{2003}::stop-commands::x ::y"),
            " \u{2003}\\u{3a}:stop-commands::x ::y"
        );
        assert_eq!(
            without_commands("a ##[error]b ##vso[task] ###[x]"),
            "a #\\u{23}[error]b #\\u{23}vso[task] ##\\u{23}[x]"
        );
        for kept in [
            "# a",
            "## [x]",
            "a ::b",
            "[::1]:9090",
            ": ::",
            "  ::: a.yml",
        ] {
            assert_eq!(without_commands(kept), kept);
        }
    }

    #[test]
    fn what_a_site_makes_a_mention_or_a_link_of_is_known() {
        for (text, at) in [
            ("@team", 0),
            ("a@b.c", 1),
            ("o/r#12", 3),
            ("GH-1", 2),
            ("https://x", 5),
            ("a WWW.x", 5),
            ("ü@é", 2),
        ] {
            let found: Vec<usize> = text
                .char_indices()
                .filter(|(at, c)| calls(&text[..*at], *c, &text[at + c.len_utf8()..]))
                .map(|(at, _)| at)
                .collect();
            assert_eq!(found, [at], "{text}");
        }
        for text in [
            "# a", "a @ b", "@", "x: y", "a.b", "w.x", "5-1", "h-1", "http:/x", "#a",
        ] {
            assert!(
                text.char_indices().all(|(at, c)| !calls(
                    &text[..at],
                    c,
                    &text[at + c.len_utf8()..]
                )),
                "{text}"
            );
        }
    }

    #[test]
    fn json_stays_the_same_document() {
        let value =
            crate::value::json!({"a": "\u{1b}[2J \u{9b}2J \u{202e} \u{e0041} ##[error] # ## é"});
        let text = value.to_string();
        let harmless = json(&text);
        assert_eq!(
            serde_json::from_str::<crate::value::Value>(&harmless).unwrap(),
            value
        );
        assert!(
            line(&harmless) == harmless && without_commands(&harmless) == harmless,
            "{harmless}"
        );
    }
}
