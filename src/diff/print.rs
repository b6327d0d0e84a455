//! Changes for people, for a pull request, and for machines.

use super::{At, Change, Class, Side, plural};
use crate::diagnostic::visible;
use crate::value::{Value, json};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// Changes, with what it takes to say them.
pub(crate) struct Printer<'a> {
    /// All that was found, most dangerous first.
    pub changes: &'a [Change],
    /// The catalog that is compared with.
    pub before: Side<'a>,
    /// The catalog as it is now.
    pub after: Side<'a>,
    /// The other catalog as the user named it.
    pub base: &'a str,
    /// What its templates' names begin with: `v1:` for those of a revision.
    pub before_prefix: &'a str,
    /// What kept the two from being compared as a whole; said before every change.
    pub limits: &'a [String],
}

impl Printer<'_> {
    /// The sentence of a change.
    pub(crate) fn message(&self, change: &Change) -> String {
        change.message(&self.all())
    }

    fn all(&self) -> Vec<String> {
        self.after
            .catalog
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect()
    }

    /// File and line of a change.
    pub(crate) fn place(&self, change: &Change) -> (String, usize) {
        let (side, pointer) = match &change.at {
            At::Before(pointer) => (&self.before, pointer),
            At::After(pointer) => (&self.after, pointer),
            At::Line {
                file,
                line,
                before: true,
            } => return (format!("{}{file}", self.before_prefix), *line),
            At::Line {
                file,
                line,
                before: false,
            } => return (file.clone(), *line),
        };
        side.source.at(pointer)
    }

    fn of(&self, class: Class) -> Vec<&Change> {
        self.changes
            .iter()
            .filter(|change| change.class == class)
            .collect()
    }

    /// "1 dangerous, 2 warnings, 1 notice, 0 safe".
    pub(crate) fn count(&self) -> String {
        let [dangerous, warning, notice, safe] = Class::ALL.map(|class| self.of(class).len());
        format!(
            "{dangerous} dangerous, {}, {}, {safe} safe",
            plural(warning, "warning"),
            plural(notice, "notice")
        )
    }

    /// For a terminal: one paragraph per class, one line per change, then the count.
    pub(crate) fn lines(&self) -> Vec<(Style, String)> {
        let plain = Style::new();
        if self.changes.is_empty() && self.limits.is_empty() {
            return vec![(
                plain,
                format!("nothing changes in behaviour against {}", self.base),
            )];
        }
        let mut out: Vec<(Style, String)> = self
            .limits
            .iter()
            .map(|limit| (plain, limit.clone()))
            .collect();
        if !self.limits.is_empty() {
            out.push((plain, String::new()));
        }
        for class in Class::ALL
            .into_iter()
            .filter(|class| !self.of(*class).is_empty())
        {
            out.push((style(class), class.word().to_string()));
            for change in self.of(class) {
                let (file, line) = self.place(change);
                out.push((plain, format!("  {}  {file}:{line}", self.message(change))));
                if change.counts_only(&self.all()) {
                    let lines = wrapped(&change.services);
                    out.extend(lines.into_iter().map(|line| (plain, format!("    {line}"))));
                }
            }
            out.push((plain, String::new()));
        }
        out.push((plain, format!("against {}: {}", self.base, self.count())));
        out
    }

    /// For a pull request: a table of what must be looked at, and the rest folded away.
    pub(crate) fn markdown(&self) -> String {
        let base = code(self.base);
        if self.changes.is_empty() && self.limits.is_empty() {
            return format!(
                "### Monitoring: nothing changes in behaviour\n\nCompared with {base}.\n"
            );
        }
        let mut out = format!(
            "### Monitoring: {}\n\nCompared with {base}.\n",
            self.count()
        );
        for limit in self.limits {
            let _ = write!(out, "\n**{}**\n", escaped(limit));
        }
        let (safe, rest): (Vec<&Change>, Vec<&Change>) = self
            .changes
            .iter()
            .partition(|change| change.class == Class::Safe);
        if !rest.is_empty() {
            let _ = write!(out, "\n{}", self.table(&rest));
        }
        if !safe.is_empty() {
            let _ = write!(
                out,
                "\n<details><summary>{} safe</summary>\n\n{}\n</details>\n",
                safe.len(),
                self.table(&safe)
            );
        }
        out
    }

    fn table(&self, changes: &[&Change]) -> String {
        let mut out = "| Class | What changes | Where |\n| --- | --- | --- |\n".to_string();
        for change in changes {
            let (file, line) = self.place(change);
            let class = if change.class == Class::Dangerous {
                "**dangerous**"
            } else {
                change.class.word()
            };
            let names = if change.counts_only(&self.all()) {
                format!("<br>{}", escaped(&change.services.join(", ")))
            } else {
                String::new()
            };
            let _ = writeln!(
                out,
                "| {class} | {}{names} | {} |",
                escaped(&self.message(change)),
                code(&format!("{file}:{line}"))
            );
        }
        out
    }

    /// For machines: the changes, and how many there are of each class.
    pub(crate) fn json(&self) -> [(String, Value); 3] {
        let changes = self.changes.iter().map(|change| {
            let (file, line) = self.place(change);
            let message = self.message(change);
            json!({"class": change.class.word(), "message": message, "services": change.services, "file": file, "line": line})
        });
        let counts = Class::ALL
            .iter()
            .map(|class| (class.word().to_string(), self.of(*class).len().into()))
            .collect();
        [
            ("base".into(), self.base.into()),
            ("counts".into(), Value::Object(counts)),
            ("changes".into(), changes.collect()),
        ]
    }
}

fn style(class: Class) -> Style {
    let colour = match class {
        Class::Dangerous => AnsiColor::Red,
        Class::Warning => AnsiColor::Yellow,
        Class::Notice => AnsiColor::Cyan,
        Class::Safe => AnsiColor::Green,
    };
    colour.on_default().bold()
}

/// Text in backticks stays code; what else Markdown or the site that shows it would read is escaped. A backtick without its
/// partner opens nothing.
fn escaped(text: &str) -> String {
    let text = visible::line(text);
    let mut out = String::new();
    let mut rest: &str = &text;
    while let Some(open) = single_backtick(rest) {
        let Some(length) = single_backtick(&rest[open + 1..]) else {
            break;
        };
        let (before, behind) = (&rest[..open], open + 1 + length + 1);
        out += &words(before);
        out += &code(&rest[open + 1..open + 1 + length]);
        rest = &rest[behind..];
    }
    out + &words(rest)
}

/// The place of the first backtick that has no other beside it.
fn single_backtick(text: &str) -> Option<usize> {
    let lone = |at: &usize| !text[..*at].ends_with('`') && !text[at + 1..].starts_with('`');
    text.match_indices('`').map(|(at, _)| at).find(lone)
}

/// Text outside code: no markup, no mention of a person or an issue, no link. Who writes a catalog is not who posts the comment.
fn words(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        if matches!(
            c,
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '`' | '$' | '#'
        ) {
            out.push('\\');
        }
        out.push(c);
        if visible::calls(&text[..at], c, &text[at + c.len_utf8()..]) {
            out += visible::APART;
        }
    }
    out
}

/// A code span in a table, in which names of revisions and files may hold anything; its fence is longer than any inside.
fn code(text: &str) -> String {
    let text = visible::line(text);
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Columns that a line of names takes at most, unless one name alone is longer.
const COLUMNS: usize = 96;

/// Names with commas between them, as many on a line as fit.
fn wrapped(names: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 < names.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + 2 <= COLUMNS => {
                line.push(' ');
                line.push_str(name);
                line.push_str(comma);
            }
            _ => lines.push(format!("{name}{comma}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_take_several_lines() {
        let names: Vec<String> = (0..275).map(|index| format!("service-{index}")).collect();
        let lines = wrapped(&names);
        assert!(lines.len() > 30 && lines.iter().all(|line| line.len() <= COLUMNS));
        assert_eq!(lines.join(" "), names.join(", "));
    }

    #[test]
    fn markdown_shows_what_the_catalog_says() {
        assert_eq!(
            escaped("<b> & a_b | `x|y_z`"),
            "\\<b\\> \\& a\\_b \\| `x\\|y_z`"
        );
        assert_eq!(escaped("one ` and <b>"), "one \\` and \\<b\\>");
        assert_eq!(escaped("`a``<b>``c` <b>"), "```a``<b>``c``` \\<b\\>");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("` @team"), "`` ` @team ``");
        assert_eq!(code("x\n::error::"), "`x\\n::error::`");
    }

    #[test]
    fn markdown_calls_nobody_and_links_nowhere() {
        let said = escaped(
            "@team a@b.c #12 GH-12 o/r#1 https://e.x www.e.x ![i](http://e.x/i) [l](//e.x) <img src=x> `@team #12`",
        );
        let outside = said.replace("`@team #12`", "");
        assert_ne!(outside, said, "in code it is nothing but text");
        for read in ["@t", "@b", "#1", "GH-1", "://", "www.e", "![", "](", " <i"] {
            assert!(
                !outside.replace("\\]", "").replace("\\[", "").contains(read),
                "{read}: {said}"
            );
        }
    }
}
