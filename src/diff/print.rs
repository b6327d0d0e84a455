//! Changes for people, for a pull request, and for machines.

use super::{At, Change, Class, Side, plural};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fmt::Write;

/// Changes, with what it takes to say them.
pub struct Printer<'a> {
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
    pub fn message(&self, change: &Change) -> String {
        change.message(&self.all())
    }

    fn all(&self) -> Vec<String> {
        self.after.catalog.services.iter().map(|service| service.name.clone()).collect()
    }

    /// File and line of a change.
    pub fn place(&self, change: &Change) -> (String, usize) {
        let (side, pointer) = match &change.at {
            At::Before(pointer) => (&self.before, pointer),
            At::After(pointer) => (&self.after, pointer),
            At::Line { file, line, before: true } => return (format!("{}{file}", self.before_prefix), *line),
            At::Line { file, line, before: false } => return (file.clone(), *line),
        };
        (side.source.name.clone(), side.source.line(pointer))
    }

    fn of(&self, class: Class) -> Vec<&Change> {
        self.changes.iter().filter(|change| change.class == class).collect()
    }

    /// "1 dangerous, 2 warnings, 1 notice, 0 safe".
    pub fn count(&self) -> String {
        let [dangerous, warning, notice, safe] = Class::ALL.map(|class| self.of(class).len());
        format!("{dangerous} dangerous, {}, {}, {safe} safe", plural(warning, "warning"), plural(notice, "notice"))
    }

    /// For a terminal: one paragraph per class, one line per change, then the count.
    pub fn text(&self) -> String {
        if self.changes.is_empty() && self.limits.is_empty() {
            return format!("nothing changes in behaviour against {}\n", self.base);
        }
        let mut out: String = self.limits.iter().map(|limit| format!("{limit}\n")).collect();
        if !self.limits.is_empty() {
            out.push('\n');
        }
        for class in Class::ALL.into_iter().filter(|class| !self.of(*class).is_empty()) {
            let style = style(class);
            let _ = writeln!(out, "{style}{}{style:#}", class.word());
            for change in self.of(class) {
                let (file, line) = self.place(change);
                let _ = writeln!(out, "  {}  {file}:{line}", self.message(change));
                if change.counts_only(&self.all()) {
                    let _ = writeln!(out, "    {}", change.services.join(", "));
                }
            }
            out.push('\n');
        }
        let _ = writeln!(out, "against {}: {}", self.base, self.count());
        out
    }

    /// For a pull request: a table of what must be looked at, and the rest folded away.
    pub fn markdown(&self) -> String {
        let base = code(self.base);
        if self.changes.is_empty() && self.limits.is_empty() {
            return format!("### Monitoring: nothing changes in behaviour\n\nCompared with {base}.\n");
        }
        let mut out = format!("### Monitoring: {}\n\nCompared with {base}.\n", self.count());
        for limit in self.limits {
            let _ = write!(out, "\n**{}**\n", escaped(limit));
        }
        let (safe, rest): (Vec<&Change>, Vec<&Change>) = self.changes.iter().partition(|change| change.class == Class::Safe);
        if !rest.is_empty() {
            let _ = write!(out, "\n{}", self.table(&rest));
        }
        if !safe.is_empty() {
            let _ = write!(out, "\n<details><summary>{} safe</summary>\n\n{}\n</details>\n", safe.len(), self.table(&safe));
        }
        out
    }

    fn table(&self, changes: &[&Change]) -> String {
        let mut out = "| Class | What changes | Where |\n| --- | --- | --- |\n".to_string();
        for change in changes {
            let (file, line) = self.place(change);
            let class = if change.class == Class::Dangerous { "**dangerous**" } else { change.class.word() };
            let names = if change.counts_only(&self.all()) { format!("<br>{}", escaped(&change.services.join(", "))) } else { String::new() };
            let _ = writeln!(out, "| {class} | {}{names} | {} |", escaped(&self.message(change)), code(&format!("{file}:{line}")));
        }
        out
    }

    /// For machines: the changes, and how many there are of each class.
    pub fn json(&self) -> [(String, Value); 3] {
        let changes = self.changes.iter().map(|change| {
            let (file, line) = self.place(change);
            let message = self.message(change);
            json!({"class": change.class.word(), "message": message, "services": change.services, "file": file, "line": line})
        });
        let counts = Class::ALL.iter().map(|class| (class.word().to_string(), self.of(*class).len().into())).collect();
        [("base".into(), self.base.into()), ("counts".into(), Value::Object(counts)), ("changes".into(), changes.collect())]
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

/// Text in backticks stays code; what else Markdown would read is escaped. A backtick without its partner opens nothing.
fn escaped(text: &str) -> String {
    let paired = text.matches('`').count().is_multiple_of(2);
    let mut inside = false;
    let mut out = String::new();
    for c in text.chars() {
        let special = if inside { c == '|' } else { matches!(c, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#') };
        inside ^= c == '`' && paired;
        if special || (c == '`' && !paired) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A code span in a table; names of revisions and files may hold anything.
fn code(text: &str) -> String {
    if text.contains('`') { escaped(text) } else { format!("`{}`", text.replace('|', "\\|")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_what_the_catalog_says() {
        assert_eq!(escaped("<b> & a_b | `x|y_z`"), "\\<b\\> \\& a\\_b \\| `x\\|y_z`");
        assert_eq!(escaped("one ` and <b>"), "one \\` and \\<b\\>");
        assert_eq!(code("a|b"), "`a\\|b`");
    }
}
