//! What is under the cursor of an editor: a key or a value of the catalog, and the name that it is.

use super::super::Cli;
use super::super::explain::beside;
use super::super::rename::What;
use super::text;
use crate::catalog::{Catalog, schema};
use crate::editing::names::{TABLES, mentions};
use crate::kinds::Kinds;
use crate::pipeline;
use crate::source::{Source, steps};
use crate::value::Value;
use gen_lsp_types::Position;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// An open file of a catalog, with as much of the catalog as can be understood while it is written.
pub(super) struct View {
    /// The command line in the catalog's root, with what the editor has of its files.
    pub(super) cli: Cli,
    /// The file as findings call it: its path under the root.
    pub(super) file: String,
    pub(super) text: String,
    /// All files of the catalog.
    pub(super) source: Source,
    pub(super) catalog: Option<Catalog>,
    pub(super) kinds: Arc<Kinds>,
    pub(super) schema: Value,
}

/// A key or a value in one file.
pub(super) struct Cursor {
    /// The file, or as much of it as says what this is.
    written: Source,
    /// JSON pointer.
    pub(super) pointer: String,
    /// The key, not its value.
    pub(super) key: bool,
    /// Where it stands in the file.
    pub(super) bytes: Range<usize>,
    /// Where the cursor is in it.
    byte: usize,
}

/// A name under the cursor.
pub(super) struct Name {
    pub(super) what: What,
    pub(super) name: String,
    /// Where it stands in the file, without quotes.
    pub(super) bytes: Range<usize>,
}

impl View {
    /// None: the file cannot be read, or is in another folder.
    pub(super) fn of(cli: Cli, path: &Path) -> Option<View> {
        let file = path.strip_prefix(&cli.root).ok()?.to_str()?.to_string();
        let text = cli.unsaved.read(path).ok()?;
        let overlay = cli.place().overlay();
        let (kinds, _) = beside(&overlay);
        let (source, catalog) = match pipeline::read(cli.place()) {
            Ok(texts) => {
                let (source, catalog, _) = pipeline::understood(&texts, &overlay);
                (source, catalog)
            }
            Err(unreadable) => (unreadable.source, None),
        };
        Some(View {
            schema: schema::with(&kinds),
            cli,
            file,
            text,
            source,
            catalog,
            kinds,
        })
    }

    /// What is at a position.
    pub(super) fn at(&self, position: Position) -> Option<Cursor> {
        let byte = text::byte(&self.text, position);
        let (whole, _) = Source::parse(&self.file, &self.text);
        if let Some(found) = cursor(whole, byte, 0) {
            return Some(found);
        }
        // Of the keys of a header that stand in another one before, nothing is kept: the line says by itself what they are.
        let (start, line) = text::line(&self.text, position.line as usize);
        let header = line.trim_start().starts_with('[');
        let alone = header.then(|| Source::parse(&self.file, line).0)?;
        cursor(alone, byte.saturating_sub(start), start)
    }

    /// The name that a key or a value is, or that stands in an expression.
    pub(super) fn name(&self, cursor: &Cursor) -> Option<Name> {
        let found = mentions(&self.schema, &cursor.written.value);
        let mut here = found
            .into_iter()
            .filter(|found| found.pointer == cursor.pointer && found.key == cursor.key)
            .collect::<Vec<_>>();
        // Where a key may name entries of two tables, it names the one that there is.
        here.sort_by_key(|found| !self.declares(&found.names, &found.text));
        let first = here.first()?;
        if let Some(what) = What::of_table(&first.names) {
            return Some(Name {
                what,
                name: first.text.clone(),
                bytes: unquoted(&self.text, cursor.bytes.clone()),
            });
        }
        let (name, bytes) = self.metric(cursor)?;
        Some(Name {
            what: What::Metric,
            name,
            bytes,
        })
    }

    fn declares(&self, table: &str, name: &str) -> bool {
        TABLES.contains(&table) && self.source.value[table].get(name).is_some()
    }

    /// The metric of the catalog whose name in an expression is under the cursor.
    fn metric(&self, cursor: &Cursor) -> Option<(String, Range<usize>)> {
        let inside = |character: char| character.is_alphanumeric() || "_:".contains(character);
        let at = cursor.bytes.start + cursor.byte;
        let (before, behind) = self.text.split_at_checked(at)?;
        let start = at - before.len() + before.trim_end_matches(inside).len();
        let end = at + behind.len() - behind.trim_start_matches(inside).len();
        let word = self.text.get(start..end)?;
        let mut metrics = self.catalog.as_ref()?.declared();
        let metric = metrics.find(|metric| {
            let part = word.strip_prefix(metric.name.as_str());
            part.is_some_and(|part| ["", "_bucket", "_sum", "_count"].contains(&part))
        })?;
        Some((metric.key.clone(), start..end))
    }
}

impl Cursor {
    /// The text that its value is.
    pub(super) fn text(&self) -> Option<&str> {
        self.written.value.pointer(&self.pointer)?.as_str()
    }

    /// The steps to it.
    pub(super) fn steps(&self) -> Vec<String> {
        steps(&self.pointer).collect()
    }
}

fn cursor(written: Source, byte: usize, start: usize) -> Option<Cursor> {
    let (pointer, key, bytes) = written.innermost(byte)?;
    Some(Cursor {
        pointer: pointer.to_string(),
        key,
        byte: byte - bytes.start,
        bytes: bytes.start + start..bytes.end + start,
        written,
    })
}

/// The bytes of a key or a text between its quotes.
fn unquoted(text: &str, bytes: Range<usize>) -> Range<usize> {
    let written = &text[bytes.clone()];
    let quoted = |quote: char| {
        let inside = written.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(bytes.start + 1..bytes.start + 1 + inside.len())
    };
    let several = ["\"\"\"", "'''"].iter().any(|q| written.starts_with(q));
    match several {
        true => bytes.clone(),
        false => quoted('"')
            .or_else(|| quoted('\''))
            .unwrap_or(bytes.clone()),
    }
}
