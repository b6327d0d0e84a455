//! minijinja set up once: delimiters, escaping, functions.

pub mod escape;
pub mod expand;
pub mod functions;
pub mod layout;
pub mod python;
pub mod samples;

use crate::source::read::{Unreadable, read};
use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use std::path::Path;

static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Templates of `root/templates` when that folder exists, else those built into the binary.
pub fn environment(root: &Path) -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("<<", ">>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .context("setting up the template syntax")?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_auto_escape_callback(|name| AutoEscape::Custom(escape::reader(name).into()));
    environment.set_formatter(escape::formatter);
    functions::add_to(&mut environment);
    samples::add_to(&mut environment);
    environment.add_function("expand", expand::expand);
    layout::add_to(&mut environment);
    let folder = root.join("templates");
    if folder.is_dir() {
        environment.set_loader(move |name| own(&folder, name));
    } else {
        environment.set_loader(|name| Ok(BUILT_IN.get_file(name).and_then(|file| file.contents_utf8()).map(str::to_string)));
    }
    Ok(environment)
}

/// A template of the root; one that is saved with other line ends renders the same bytes.
fn own(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let inside = |part: &str| !part.starts_with('.') && !part.contains('\\');
    if !name.split('/').all(inside) {
        return Ok(None);
    }
    match read(&folder.join(name)) {
        Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
        Err(Unreadable::Missing) => Ok(None),
        Err(reason) => Err(Error::new(ErrorKind::BadInclude, "cannot be read").with_source(UnreadableTemplate { name: name.into(), reason })),
    }
}

/// A template that is there and cannot be read.
#[derive(Debug)]
pub struct UnreadableTemplate {
    /// Its path under templates/.
    pub name: String,
    /// Why.
    pub reason: Unreadable,
}

impl std::fmt::Display for UnreadableTemplate {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(out, "cannot read templates/{}", self.name)
    }
}

impl std::error::Error for UnreadableTemplate {}

/// A refusal by one of our functions.
fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
