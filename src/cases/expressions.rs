//! The expressions of a kind.toml: compiled once, and what is said where one cannot be evaluated.

use super::{refuse, samples};
use crate::kinds::Kind;
use minijinja::value::Value;
use minijinja::{Environment, Error, Expression, UndefinedBehavior};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static EXPRESSIONS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_function("answers", samples::answers_of);
    environment.add_function("outcomes", samples::outcomes_of);
    environment.add_function("sides", samples::sides_of);
    environment.add_function("bucket", samples::bucket_of);
    environment
});

/// Compiled once: the same expressions are asked for every alert of a kind.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Expression<'static, 'static>>>>> =
    LazyLock::new(Mutex::default);

pub(crate) fn evaluated(
    kind: &Kind,
    what: &str,
    expression: &str,
    context: &Value,
) -> Result<Value, Error> {
    evaluate(expression, context).map_err(|error| {
        wrong(
            kind,
            what,
            expression,
            error.detail().unwrap_or(&error.kind().to_string()),
        )
    })
}

/// A mistake in a kind.toml, found when its expressions got their numbers.
pub(crate) fn wrong(kind: &Kind, what: &str, expression: &str, reason: &str) -> Error {
    refuse(format!(
        "templates/kinds/{}/kind.toml: `{expression}` of `{what}`: {reason}",
        kind.name
    ))
}

/// The value of an expression.
fn evaluate(text: &str, context: &Value) -> Result<Value, Error> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let expression = match compiled.get(text) {
        Some(expression) => expression.clone(),
        None => {
            let expression = Arc::new(EXPRESSIONS.compile_expression_owned(text.to_string())?);
            compiled.insert(text.to_string(), expression.clone());
            expression
        }
    };
    drop(compiled);
    expression.eval(context)
}
