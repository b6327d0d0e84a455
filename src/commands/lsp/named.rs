//! Where a name is defined, where it is used, where it is rendered, and another name for it.

use super::super::edited::Files;
use super::super::rename::{Args, What, declared, everywhere, names_it};
use super::cursor::{Cursor, Name, View};
use super::text::{between, within};
use crate::diagnostic::{Diagnostic, with_help};
use crate::editing::names::mentions;
use crate::pipeline;
use crate::source::{Source, step};
use gen_lsp_types::{Range as Between, TextEdit};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// Places by file, under the root.
pub(super) type Places = Vec<(PathBuf, Between)>;

/// The key of the table that a name is of, in the catalog or in the environment that is open.
pub(super) fn definition(view: &View, name: &Name) -> Places {
    let pointer = format!("/{}/{}", name.what.table(), step(&name.name));
    let own = Source::parse(&view.file, &view.text).0;
    let declares = [&view.source, &own]
        .into_iter()
        .find(|source| source.contains(&pointer));
    declares
        .map(|source| place(source, source.key(&pointer)))
        .into_iter()
        .collect()
}

/// Every place in the files of the catalog that a rename would change.
pub(super) fn references(view: &View, name: &Name) -> Places {
    let Ok(files) = Files::shared(&view.cli) else {
        return Vec::new();
    };
    let args = Args {
        what: name.what,
        old: name.name.clone(),
        new: String::new(),
    };
    let named = name.what.named(view.catalog.as_ref(), &args.old, &args.new);
    let mut found = Vec::new();
    for written in files.sources() {
        let all = mentions(&view.schema, &written.value).into_iter();
        let mut bytes: Vec<_> = all
            .filter(|mention| names_it(mention, &args, &named))
            .map(|mention| match mention.key {
                true => written.key(&mention.pointer),
                false => written.value(&mention.pointer),
            })
            .collect();
        bytes.sort_by_key(|bytes| bytes.start);
        found.extend(bytes.into_iter().map(|bytes| place(&written, bytes)));
    }
    found
}

fn place(source: &Source, bytes: std::ops::Range<usize>) -> (PathBuf, Between) {
    let extent = source.extent(bytes.start);
    let inside = bytes.start - extent.start..bytes.end.max(bytes.start) - extent.start;
    let between = between(&source.text[extent], inside);
    (source.file(bytes.start).into(), between)
}

/// What `rename` would write, as changes of lines by file; an error is what is against the new name.
pub(super) fn rename(
    view: &View,
    name: &Name,
    new: &str,
) -> Result<BTreeMap<PathBuf, Vec<TextEdit>>, String> {
    let args = Args {
        what: name.what,
        old: name.name.clone(),
        new: new.to_string(),
    };
    let cli = &view.cli;
    let found = Files::shared(cli).and_then(|files| declared(args.what, &args.old, files, cli));
    let (mut files, source, catalog) = found.map_err(|report| {
        let first = report.findings().first().map(with_help);
        first.unwrap_or_else(|| "the catalog cannot be read".to_string())
    })?;
    let before = files.clone();
    everywhere(&args, &mut files, &source, &catalog).map_err(|finding| with_help(&finding))?;
    refused(view, &before, &files)?;
    let pairs = before.all().zip(files.all());
    let changed = pairs.filter(|(old, new)| old.text != new.text);
    Ok(changed
        .map(|(old, new)| (PathBuf::from(&old.name), edits(&old.text, &new.text)))
        .collect())
}

/// What syntax, schema and lints have against a name, and not against the old one.
fn refused(view: &View, before: &Files, after: &Files) -> Result<(), String> {
    let overlay = view.cli.place().overlay();
    let found = |files: &Files| {
        let found = pipeline::lint_with(files.texts(None), &overlay).diagnostics;
        found.into_iter().filter(Diagnostic::stops)
    };
    let known: HashSet<_> = found(before)
        .map(|found| (found.code, found.message))
        .collect();
    let mut new = found(after);
    match new.find(|found| !known.contains(&(found.code, found.message.clone()))) {
        Some(found) => Err(with_help(&found)),
        None => Ok(()),
    }
}

/// What makes one text of another that has as many lines; of each line what stays is no part of it.
fn edits(old: &str, new: &str) -> Vec<TextEdit> {
    let pairs = old.lines().zip(new.lines()).enumerate();
    let changed = pairs.filter(|(_, (old, new))| old != new);
    changed
        .map(|(line, (old, new))| {
            let start = common(old.chars(), new.chars());
            let (kept, old, new) = (&old[..start], &old[start..], &new[start..]);
            let end = common(old.chars().rev(), new.chars().rev());
            TextEdit {
                range: within(line, kept, &old[..old.len() - end]),
                new_text: new[..new.len() - end].to_string(),
            }
        })
        .collect()
}

/// The bytes with which both begin.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    let same = one.zip(other).take_while(|(one, other)| one == other);
    same.map(|(one, _)| one.len_utf8()).sum()
}

/// The lines of generated files, as they are on disk, that say a name; without a name, those of the service, the alert or whatever
/// else the cursor is in.
pub(super) fn rendered(
    view: &View,
    cursor: &Cursor,
    output: &str,
    files: &[String],
) -> Option<Places> {
    let (what, name) = match view.name(cursor) {
        Some(name) => (name.what, name.name),
        None => match cursor.steps().as_slice() {
            [table, name, ..] => (What::of_table(table)?, name.clone()),
            _ => return None,
        },
    };
    let metric = || view.catalog.as_ref()?.metric(&name);
    let called = match what {
        What::Metric => metric().map_or(name.clone(), |metric| metric.name.clone()),
        _ => name,
    };
    let mut found = Vec::new();
    for file in files {
        let file = Path::new(output).join(file);
        let Ok(text) = view.cli.unsaved.read(&view.cli.root.join(&file)) else {
            continue;
        };
        let lines = text.lines().enumerate();
        found.extend(lines.filter_map(|(number, line)| {
            let at = said(line, &called, what)?;
            let range = within(number, &line[..at], &called);
            Some((file.clone(), range))
        }));
    }
    Some(found)
}

/// Where a line says a name and not one that it is a part of; of a histogram, what it consists of is said too.
fn said(line: &str, name: &str, what: What) -> Option<usize> {
    let inside = |character: char| match what {
        What::Metric => character.is_alphanumeric() || "_:".contains(character),
        _ => character.is_alphanumeric() || "_-".contains(character),
    };
    let found = line.match_indices(name).find(|(at, _)| {
        let behind = &line[at + name.len()..];
        let parts = ["_bucket", "_sum", "_count"].into_iter();
        let part = parts
            .filter(|_| what == What::Metric)
            .find_map(|part| behind.strip_prefix(part));
        let ends = [Some(behind), part]
            .into_iter()
            .flatten()
            .any(|rest| !rest.starts_with(inside));
        ends && !line[..*at].ends_with(inside)
    });
    found.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_changed_line_only_the_middle_is_exchanged() {
        let edits = edits(
            "# é\r\ngroup = \"𝄞web\"\r\n",
            "# é\r\ngroup = \"𝄞front\"\r\n",
        );
        let [edit] = edits.as_slice() else {
            panic!("{edits:?}")
        };
        assert_eq!(edit.new_text, "front");
        let (start, end) = (edit.range.start, edit.range.end);
        assert_eq!((start.line, start.character, end.character), (1, 11, 14));
    }

    #[test]
    fn a_name_is_no_part_of_another() {
        for (line, name, what, at) in [
            ("job: \"cart\"", "cart", What::Service, Some(6)),
            ("job: cart-api", "cart", What::Service, None),
            ("a-cart cart", "cart", What::Service, Some(7)),
            ("rate(a_total[5m])", "a_total", What::Metric, Some(5)),
            ("a_seconds_bucket", "a_seconds", What::Metric, Some(0)),
            ("a_seconds_max", "a_seconds", What::Metric, None),
            ("x:a_total", "a_total", What::Metric, None),
        ] {
            assert_eq!(said(line, name, what), at, "{line}");
        }
    }
}
