//! Names of the catalog as names of Python, whatever they are, and its patterns as what Python can match.

use super::refuse;
use crate::catalog::pattern::{Automaton, Refused};
use minijinja::value::{Serde, Value};
use minijinja::{Error, context};
use std::collections::HashSet;

/// Lower-case keywords: a catalog's names have no capitals.
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// A name for a Python attribute or parameter, without quotes: a keyword or a name in `taken` gets an underscore behind it,
/// and so does the same name with underscores already there, so that two names never become one.
pub(crate) fn python_name(name: &str, taken: Option<Vec<String>>) -> Result<Value, Error> {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain {
        return Err(refuse(format!("{name:?} cannot be a name in Python")));
    }
    let stem = name.trim_end_matches('_');
    let reserved =
        KEYWORDS.contains(&stem) || taken.unwrap_or_default().iter().any(|word| word == stem);
    Ok(Value::from_safe_string(if reserved {
        format!("{name}_")
    } else {
        name.to_string()
    }))
}

/// The automaton of every pattern that the labels of the metrics are declared with, each once, in their order.
pub(crate) fn automata(metrics: Vec<Value>) -> Result<Vec<Value>, Error> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for metric in metrics {
        let labels = metric.get_attr("written")?;
        for label in labels.try_iter()? {
            let declared = labels.get_item(&label)?;
            let Some(pattern) = declared
                .as_str()
                .filter(|pattern| seen.insert(pattern.to_string()))
            else {
                continue;
            };
            let automaton = Automaton::of(pattern).map_err(
                |(Refused::Syntax(reason) | Refused::Size(reason))| {
                    refuse(format!("the pattern {pattern:?}: {reason}"))
                },
            )?;
            found.push(context! { pattern, ..Value::from(Serde(&automaton)) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_give_way_and_stay_apart() {
        let named = |name: &str| {
            python_name(name, Some(vec!["amount".to_string()]))
                .map(|value| value.to_string())
                .ok()
        };
        for (name, wanted) in [
            ("status", "status"),
            ("class", "class_"),
            ("class_", "class__"),
            ("amount", "amount_"),
            ("match", "match"),
            ("in_", "in__"),
            ("clientId", "clientId"),
        ] {
            assert_eq!(named(name).as_deref(), Some(wanted));
        }
        for name in ["", "1st", "a-b", "a b", "Ä"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
