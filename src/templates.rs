//! minijinja set up once: delimiters, escaping, functions.

pub mod escape;
pub mod expand;
pub mod functions;
pub mod layout;
pub mod python;
pub mod recorded;
pub mod samples;

use crate::source::read::{Unreadable, read};
use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Where templates come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Templates {
    /// The binary.
    BuiltIn,
    /// A folder on disk.
    Folder(PathBuf),
    /// Path under templates/ → text: those of a revision, which stand nowhere on disk.
    Texts(BTreeMap<String, String>),
}

impl Templates {
    /// Those of `root/templates` when that folder exists, else those built into the binary.
    pub fn of(root: &Path) -> Templates {
        let folder = root.join("templates");
        if folder.is_dir() { Templates::Folder(folder) } else { Templates::BuiltIn }
    }

    /// Path → text of those built into the binary.
    pub fn built_in() -> BTreeMap<String, String> {
        fn inside(folder: &Dir, found: &mut BTreeMap<String, String>) {
            let text = |file: &include_dir::File| Some((file.path().to_string_lossy().into_owned(), file.contents_utf8()?.to_string()));
            found.extend(folder.files().filter_map(text));
            folder.dirs().for_each(|folder| inside(folder, found));
        }
        let mut found = BTreeMap::new();
        inside(&BUILT_IN, &mut found);
        found
    }
}

/// Templates, read as they are needed.
pub fn environment(templates: &Templates) -> Result<Environment<'static>> {
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
    recorded::add_to(&mut environment);
    match templates.clone() {
        Templates::BuiltIn => environment.set_loader(|name| Ok(BUILT_IN.get_file(name).and_then(|file| file.contents_utf8()).map(str::to_string))),
        Templates::Folder(folder) => environment.set_loader(move |name| own(&folder, name)),
        Templates::Texts(texts) => environment.set_loader(move |name| Ok(texts.get(name).map(|text| text.replace("\r\n", "\n")))),
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
