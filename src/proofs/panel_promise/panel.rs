//! A panel with what it asks and what it says of it.

use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use serde_json::Value;

pub(super) struct Panel<'a, 's> {
    pub(super) stack: &'a Stack<'s>,
    pub(super) file: &'a File,
    pub(super) panel: &'a Value,
    pub(super) pointer: String,
    pub(super) queries: Vec<&'a Expression<'s>>,
}

impl<'a> Panel<'a, '_> {
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.panel[key].as_str().unwrap_or_default()
    }

    /// What is said of it, in lower case.
    pub(super) fn words(&self) -> String {
        format!("{}. {}", self.text("title"), self.text("description")).to_lowercase()
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
