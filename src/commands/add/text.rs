//! The catalog's text with one service more.

use crate::json::Parts;
use crate::pipeline::CATALOG;
use crate::source::{Source, step};
use serde_json::{Value, json};

/// The text with the service in it, behind the last one of its group, else behind the last of all.
/// Text is inserted, not rewritten, so every comment, every order and every line ending stays.
pub fn with_service(text: &str, name: &str, group: &str, port: u32) -> String {
    let (source, _) = Source::parse(CATALOG, text);
    let mut wanted = source.value.clone();
    wanted["services"][name] = json!({"group": group, "port": port});
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let word = |word: &str| toml_edit::value(word).to_string().trim().to_string();
    let key = toml_edit::Key::new(name);
    let table = [
        format!("[services.{key}]"),
        format!("group = {}", word(group)),
        format!("port = {port}"),
    ]
    .join(newline);
    let inline = format!("{key} = {{ group = {}, port = {port} }}", word(group));
    let (value_end, line_end) = end_of_services(&source, group);
    let behind = paragraph(text, line_end, &table, newline);
    let ways = [
        line(text, line_end, &inline, newline),
        format!("{}, {inline}{}", &text[..value_end], &text[value_end..]),
        behind.clone(),
        paragraph(text, text.len(), &table, newline),
    ];
    // Services are written as lines of one table, within one line, or as tables: the first way that means the right thing.
    let means = |(source, errors): (Source, Vec<_>)| source.value == wanted && errors.is_empty();
    let right = ways
        .iter()
        .find(|edited| means(Source::parse(CATALOG, edited)));
    right.cloned().unwrap_or(behind)
}

/// Inserted at the start of a line, with a blank line on each side.
fn paragraph(text: &str, at: usize, inserted: &str, newline: &str) -> String {
    let (head, tail) = text.split_at(at);
    let above = if head.is_empty() || head.ends_with('\n') {
        newline.to_string()
    } else {
        newline.repeat(2)
    };
    let below = if tail.is_empty() || tail.starts_with(['\r', '\n']) {
        ""
    } else {
        newline
    };
    format!("{head}{above}{inserted}{newline}{below}{tail}")
}

/// Inserted as a line of its own.
fn line(text: &str, at: usize, inserted: &str, newline: &str) -> String {
    let (head, tail) = text.split_at(at);
    let above = if head.is_empty() || head.ends_with('\n') {
        ""
    } else {
        newline
    };
    format!("{head}{above}{inserted}{newline}{tail}")
}

/// The byte behind the service that the new one follows, and the start of the line after it and after comments that belong to it.
fn end_of_services(source: &Source, group: &str) -> (usize, usize) {
    let names = names(&source.value);
    let Some(name) = names
        .iter()
        .rfind(|name| source.value["services"][name]["group"] == group)
        .or(names.last())
    else {
        return (source.text.len(), source.text.len());
    };
    let end = source.end(&format!("/services/{}", step(name)));
    let rest = &source.text[end..];
    let mut length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
    let comments: usize = rest[length..]
        .split_inclusive('\n')
        .take_while(|line| line.trim_start().starts_with('#'))
        .map(str::len)
        .sum();
    // Comments that stand directly on what follows are about that.
    if rest[length + comments..]
        .lines()
        .next()
        .is_none_or(|line| line.trim().is_empty())
    {
        length += comments;
    }
    (end, end + length)
}

fn names(catalog: &Value) -> Vec<&String> {
    catalog["services"]
        .entries()
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_order_and_line_endings_stay() {
        let text = "# top\r\n[services.a]\r\ngroup = \"x\"\r\nport = 1 # one\r\n\r\n# about b\r\n[services.b]\r\ngroup = \"y\"\r\nport = 2\r\n";
        let edited = with_service(text, "c", "x", 3);
        assert_eq!(
            edited.replace("\r\n[services.c]\r\ngroup = \"x\"\r\nport = 3\r\n", ""),
            text
        );
        assert!(edited.find("[services.c]").unwrap() < edited.find("# about b").unwrap());
    }

    #[test]
    fn a_file_without_a_last_newline_gets_one() {
        assert!(
            with_service("[services.a]\ngroup = \"x\"\nport = 1", "b", "x", 2)
                .ends_with("port = 1\n\n[services.b]\ngroup = \"x\"\nport = 2\n")
        );
    }

    /// What `add c --group x --port 3` does to a text, as the lines that are new.
    fn new_lines(text: &str) -> Vec<String> {
        let edited = with_service(text, "c", "x", 3);
        let (source, errors) = Source::parse(CATALOG, &edited);
        assert!(
            errors.is_empty() && source.value["services"]["c"] == json!({"group": "x", "port": 3}),
            "{edited}"
        );
        edited
            .lines()
            .filter(|line| !line.is_empty() && !text.lines().any(|old| old == *line))
            .map(str::to_string)
            .collect()
    }

    #[test]
    fn services_are_added_as_the_others_are_written() {
        let one = "c = { group = \"x\", port = 3 }";
        assert_eq!(
            new_lines(
                "[services]\na = { group = \"x\", port = 1 }\nb = { group = \"y\", port = 2 }\n"
            ),
            [one]
        );
        assert_eq!(
            new_lines("[services]\na.group = \"x\"\na.port = 1\nb.group = \"y\"\nb.port = 2\n"),
            [one]
        );
        let inline =
            "services = { a = { group = \"x\", port = 1 }, b = { group = \"y\", port = 2 } }\n";
        assert_eq!(
            new_lines(inline),
            [inline.trim_end().replace("1 },", &format!("1 }}, {one},"))]
        );
        assert_eq!(
            new_lines("services.a.group = \"y\"\nservices.a.port = 1\nplatform.name = \"S\"\n"),
            ["[services.c]", "group = \"x\"", "port = 3"]
        );
        assert_eq!(
            new_lines("[groups.x]\ntitle = \"X\"\n"),
            ["[services.c]", "group = \"x\"", "port = 3"]
        );
    }

    #[test]
    fn a_comment_stays_with_what_it_is_about() {
        let behind = with_service(
            "[services.a]\ngroup = \"x\"\nport = 1\n# note on a\n\n[services.b]\n",
            "c",
            "x",
            3,
        );
        assert!(
            behind.find("# note on a") < behind.find("[services.c]"),
            "{behind}"
        );
        let ahead = with_service(
            "[services.a]\ngroup = \"x\"\nport = 1\n# note on b\n[services.b]\n",
            "c",
            "x",
            3,
        );
        assert!(
            ahead.contains("port = 3\n\n# note on b\n[services.b]"),
            "{ahead}"
        );
    }
}
