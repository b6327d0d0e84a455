//! A panel with what it asks and what it says of it.

use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::value::Value;

pub(super) struct Panel<'a, 's> {
    pub(super) stack: &'a Stack<'s>,
    pub(super) file: &'a File,
    pub(super) panel: &'a Value,
    pub(super) pointer: String,
    pub(super) queries: Vec<&'a Expression<'s>>,
    /// What is said of it, in lower case.
    pub(super) words: String,
}

impl<'a> Panel<'a, '_> {
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.panel[key].as_str().unwrap_or_default()
    }

    /// The values that its fields are given for a property, each with its key: of some of them, then of all.
    pub(super) fn given(&self, id: &str) -> impl Iterator<Item = (&'a Value, String)> {
        let fields = &self.panel["fieldConfig"];
        let overrides = fields["overrides"].items().enumerate();
        let overrides = overrides.flat_map(move |(index, change)| {
            let properties = change["properties"].items().enumerate();
            let own = properties.filter(move |(_, property)| property["id"] == id);
            own.map(move |(at, property)| {
                let key = format!("fieldConfig/overrides/{index}/properties/{at}/value");
                (&property["value"], key)
            })
        });
        let default = (
            &fields["defaults"][id],
            format!("fieldConfig/defaults/{id}"),
        );
        let all = overrides.chain([default]);
        all.filter(|(value, _)| !value.is_null())
    }

    pub(super) fn wrong(&self, key: &str, message: String, help: &str) -> Diagnostic {
        place::at(
            &self.file.path,
            format!("{}/{key}", self.pointer),
            message,
            help,
        )
    }
}
