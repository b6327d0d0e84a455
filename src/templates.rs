//! minijinja set up once: delimiters, escaping, functions.

pub(crate) mod checked;
pub mod escape;
pub(crate) mod expand;
pub mod functions;
pub(crate) mod layout;
pub(crate) mod misspelt;
pub(crate) mod python;
pub(crate) mod recorded;

use crate::cases::{budgets, neighbourhood, samples};
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use anyhow::{Context, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

/// Templates, read as they are needed.
pub(crate) fn environment(templates: &Overlay) -> Result<Environment<'static>> {
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
    environment.add_function("constants", neighbourhood::constants);
    environment.add_function("slo_series", budgets::slo_series);
    environment.add_function(
        "observations",
        |first: minijinja::Value,
         steps: usize,
         then: minijinja::Value,
         more: usize,
         every: usize| { budgets::observations(&first, steps, &then, more, every) },
    );
    environment.add_function("outcomes", samples::outcomes_of);
    environment.add_function("answers", samples::answers_of);
    environment.add_filter("moment", samples::moment);
    environment.add_function("expand", expand::expand);
    checked::add_to(&mut environment);
    layout::add_to(&mut environment);
    recorded::add_to(&mut environment);
    let templates = templates.clone();
    environment.set_loader(move |name| {
        let unreadable = |reason| {
            Error::new(ErrorKind::BadInclude, "cannot be read").with_source(UnreadableTemplate {
                name: name.into(),
                reason,
            })
        };
        templates.text(name).map_err(unreadable)
    });
    Ok(environment)
}

/// A template that is there and cannot be read.
#[derive(Debug)]
pub(crate) struct UnreadableTemplate {
    pub name: String,
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
