//! minijinja set up once: delimiters, escaping, functions.

pub mod escape;
pub mod expand;
pub mod functions;
pub mod layout;
pub mod python;
pub mod recorded;
pub mod samples;

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
    recorded::add_to(&mut environment);
    let folder = root.join("templates");
    if folder.is_dir() {
        environment.set_loader(minijinja::path_loader(folder));
    } else {
        environment.set_loader(|name| Ok(BUILT_IN.get_file(name).and_then(|file| file.contents_utf8()).map(str::to_string)));
    }
    Ok(environment)
}

/// A refusal by one of our functions.
fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
