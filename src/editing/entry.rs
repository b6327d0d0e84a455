//! The catalog's text with one entry of a table more.

use toml_edit::{DocumentMut, InlineTable, Item, Key, RawString, Table, TableLike, Value};

/// One entry of a table: a service, an alert.
pub(crate) struct Entry<'a> {
    /// The table, `services`.
    pub(crate) table: &'a str,
    pub(crate) name: &'a str,
    pub(crate) fields: InlineTable,
    /// The group of services that it stands behind; None: it stands behind all.
    pub(crate) behind: Option<&'a str>,
}

/// The text with the entry in it, behind the last one of its group, else behind the last of all, written as that one is.
/// Every comment, every order and every line ending stays. A text that is not TOML stays as it is.
pub(crate) fn with_entry(text: &str, entry: &Entry) -> String {
    let Entry {
        table,
        name,
        fields,
        behind: group,
    } = entry;
    // What is new ends its lines with `\n`, whatever the file does.
    let Ok(mut document) = text.replace("\r\n", "\n").parse::<DocumentMut>() else {
        return text.to_string();
    };
    if document.get(table).is_none() {
        let mut entries = Table::new();
        entries.set_implicit(true);
        document.insert(table, Item::Table(entries));
    }
    let mut header = None;
    match &mut document[table] {
        Item::Value(Value::InlineTable(services)) => into_line(services, entry, *group),
        Item::Table(services) => {
            let before = last_of_group(services, *group);
            let beside = before.as_ref().and_then(|key| services.get(key));
            if beside.is_some_and(|item| item.is_inline_table()) || as_dotted_keys(services, beside)
            {
                insert(services, name, Item::Value(fields.clone().into()), before);
            } else {
                let mut table = fields.clone().into_table();
                table.decor_mut().set_prefix("\n");
                let last = before
                    .as_ref()
                    .and_then(|key| services.get(key)?.as_table());
                header = Some(last.and_then(last_position));
                insert(services, name, Item::Table(table), before);
            }
        }
        _ => return text.to_string(),
    }
    if let Some(position) = header {
        keep_comments(&mut document, table, name, position);
    }
    let edited = document.to_string();
    if text.contains("\r\n") {
        edited.replace('\n', "\r\n")
    } else {
        edited
    }
}

/// `[services]` with `a.group = …` below it.
fn as_dotted_keys(services: &Table, beside: Option<&Item>) -> bool {
    !services.is_dotted()
        && beside
            .and_then(Item::as_table)
            .is_some_and(Table::is_dotted)
}

/// The last service of the group, else the last of all.
fn last_of_group(services: &dyn TableLike, group: Option<&str>) -> Option<String> {
    let of_group =
        |item: &Item| group.is_some() && item.get("group").and_then(Item::as_str) == group;
    let names = services.iter();
    let last = names.filter(|(_, item)| of_group(item)).last();
    last.or(services.iter().last())
        .map(|(name, _)| name.to_string())
}

/// Inserts behind a key, or at the end.
fn insert(services: &mut Table, name: &str, item: Item, before: Option<String>) {
    let mut behind: Vec<String> = services.iter().map(|(key, _)| key.to_string()).collect();
    let end = behind.iter().position(|key| Some(key) == before.as_ref());
    behind.drain(..end.map_or(behind.len(), |end| end + 1));
    // From the end: whatever stands behind one that is removed is moved.
    let behind = behind.iter().rev();
    let moved: Vec<(Key, Item)> = behind
        .filter_map(|key| services.remove_entry(key))
        .collect();
    services.insert(name, item);
    for (key, item) in moved.into_iter().rev() {
        services.insert_formatted(&key, item);
    }
}

/// Inserts into `services = { … }`; the space before what follows stays there.
fn into_line(services: &mut InlineTable, entry: &Entry, group: Option<&str>) {
    let before = last_of_group(services, group);
    let behind = services.iter().map(|(key, _)| key.to_string());
    let behind = behind
        .skip_while(|key| Some(key) != before.as_ref())
        .skip(1);
    let behind: Vec<String> = behind.collect();
    let moved: Vec<(Key, Value)> = behind
        .iter()
        .rev()
        .filter_map(|key| services.remove_entry(key))
        .collect();
    let mut new = Value::from(entry.fields.clone());
    if let Some(last) = before.as_ref().and_then(|key| services.get_mut(key)) {
        let suffix = last.decor().suffix().cloned().unwrap_or_default();
        last.decor_mut().set_suffix("");
        new.decor_mut().set_prefix(" ");
        new.decor_mut().set_suffix(suffix);
    }
    services.insert(entry.name, new);
    for (key, value) in moved.into_iter().rev() {
        services.insert_formatted(&key, value);
    }
}

/// The position of the last header of a table and those inside it.
pub(crate) fn last_position(table: &Table) -> Option<isize> {
    let inside = table.iter().filter_map(|(_, item)| item.as_table());
    inside
        .filter_map(last_position)
        .chain(table.position())
        .max()
}

/// Comments directly behind the table before stay with it; those directly on what follows are about that.
pub(crate) fn keep_comments(
    document: &mut DocumentMut,
    table: &str,
    name: &str,
    position: Option<isize>,
) {
    let mut own = String::new();
    let next = position.and_then(|position| next_header(document.as_table_mut(), position));
    match next {
        Some(next) => {
            let prefix = next
                .decor()
                .prefix()
                .and_then(RawString::as_str)
                .unwrap_or_default();
            let (kept, rest) = note(prefix);
            own = kept.to_string();
            let blank = if rest.starts_with('\n') { "" } else { "\n" };
            let rest = format!("{blank}{rest}");
            next.decor_mut().set_prefix(rest);
        }
        None => {
            let trailing = document.trailing().as_str().unwrap_or_default().to_string();
            if !trailing.trim().is_empty() {
                own = trailing;
                document.set_trailing("");
            }
        }
    }
    if let Some(table) = document[table][name].as_table_mut() {
        table.decor_mut().set_prefix(format!("{own}\n"));
    }
}

/// The comments at the start of what precedes a header, if a blank line ends them, and the rest.
pub(super) fn note(prefix: &str) -> (&str, &str) {
    let comments: usize = prefix
        .split_inclusive('\n')
        .take_while(|line| line.trim_start().starts_with('#'))
        .map(str::len)
        .sum();
    let ended = prefix[comments..].starts_with('\n');
    prefix.split_at(if ended { comments } else { 0 })
}

/// The table whose header is the first behind a position.
pub(super) fn next_header(table: &mut Table, position: isize) -> Option<&mut Table> {
    let mut found: Option<&mut Table> = None;
    for (_, item) in table.iter_mut() {
        let Item::Table(inner) = item else { continue };
        let own = inner.position().filter(|own| *own > position);
        let candidate = match own {
            Some(_) => Some(inner),
            None => next_header(inner, position),
        };
        if let Some(candidate) = candidate {
            let at = |table: &Table| table.position().unwrap_or(isize::MAX);
            if found.as_ref().is_none_or(|known| at(candidate) < at(known)) {
                found = Some(candidate);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::CATALOG;
    use crate::source::Source;
    use crate::value::json;

    fn with_service(text: &str, name: &str, group: &str, port: i64) -> String {
        let mut fields = InlineTable::new();
        fields.insert("group", group.into());
        fields.insert("port", port.into());
        let table = "services";
        with_entry(
            text,
            &Entry {
                table,
                name,
                fields,
                behind: Some(group),
            },
        )
    }

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
