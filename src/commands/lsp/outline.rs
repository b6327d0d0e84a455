//! The tables of a file and their entries, as an editor lists them.

use super::cursor::View;
use super::text::between;
use crate::source::{Source, step};
use crate::value::Value;
use gen_lsp_types::{DocumentSymbol, SymbolKind};

/// Each table with what is in it.
pub(super) fn tables(view: &View) -> Vec<DocumentSymbol> {
    let (written, _) = Source::parse(&view.file, &view.text);
    let tables = written.value.entries();
    tables
        .map(|(name, content)| {
            let pointer = format!("/{}", step(name));
            let entries = content.entries().filter(|(_, entry)| entry.is_object());
            let inside: Vec<DocumentSymbol> = entries
                .map(|(name, entry)| {
                    let pointer = format!("{pointer}/{}", step(name));
                    symbol(name, entry, &pointer, SymbolKind::Object, &written)
                })
                .collect();
            DocumentSymbol {
                children: Some(inside),
                ..symbol(name, content, &pointer, SymbolKind::Namespace, &written)
            }
        })
        .collect()
}

fn symbol(
    name: &str,
    content: &Value,
    pointer: &str,
    kind: SymbolKind,
    written: &Source,
) -> DocumentSymbol {
    let range = between(&written.text, written.key(pointer));
    let said = ["title", "kind", "type", "group", "name"];
    let detail = said.iter().find_map(|key| content[*key].as_str());
    #[expect(deprecated, reason = "a field of the protocol that is always there")]
    DocumentSymbol {
        name: name.to_string(),
        detail: detail.map(str::to_string),
        kind,
        tags: None,
        deprecated: None,
        range,
        selection_range: range,
        children: None,
    }
}
