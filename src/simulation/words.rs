//! Plausible values for a declared label: what people would expect under its name, else what its pattern allows.

use crate::catalog::pattern::{parse, rewritten};
use crate::contract::status::LABELS;
use crate::value::Value;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Words that people expect under a label of this name.
fn expected(label: &str) -> &'static [&'static str] {
    match label {
        label if LABELS.contains(&label) => &["200", "404", "500"],
        "method" | "http_request_method" => &["GET", "POST"],
        "endpoint" | "path" | "route" | "handler" | "uri" | "http_route" => {
            &["/health", "/items", "/items/detail"]
        }
        "exception" | "error" | "error_type" => &["ValueError", "TimeoutError"],
        "reason" => &["timeout", "refused"],
        _ => &["primary", "secondary"],
    }
}

/// The values of a label: all that are listed, or a few that match its pattern.
pub(crate) fn values(label: &str, declared: &Value) -> Vec<String> {
    if let Value::Array(listed) = declared {
        return listed
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_string)
            .collect();
    }
    let pattern = declared.as_str().unwrap_or(".*");
    let whole = rewritten(pattern)
        .ok()
        .and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok());
    let matches = |word: &str| whole.as_ref().is_some_and(|regex| regex.is_match(word));
    let found: Vec<String> = expected(label)
        .iter()
        .filter(|word| matches(word))
        .map(|word| word.to_string())
        .collect();
    if !found.is_empty() {
        return found;
    }
    let Ok(tree) = parse(pattern) else {
        return vec![String::new()];
    };
    let mut made: Vec<String> = (0..3)
        .map(|variant| example(&tree, variant))
        .filter(|word| matches(word))
        .collect();
    made.dedup();
    if made.is_empty() {
        vec![String::new()]
    } else {
        made
    }
}

/// A text that a pattern matches; look-arounds count as empty. Another variant takes other alternatives.
fn example(tree: &Hir, variant: usize) -> String {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Class(class) => member(class, variant).to_string(),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            example(&repetition.sub, variant).repeat(repetition.min.max(1).min(most) as usize)
        }
        HirKind::Capture(capture) => example(&capture.sub, variant),
        HirKind::Concat(parts) => parts.iter().map(|part| example(part, variant)).collect(),
        HirKind::Alternation(branches) => example(&branches[variant % branches.len()], variant),
    }
}

/// A letter or digit when the class has one.
fn member(class: &Class, variant: usize) -> char {
    let Class::Unicode(class) = class else {
        return 'a';
    };
    let ranges: Vec<(char, char)> = class
        .iter()
        .map(|range| (range.start(), range.end()))
        .collect();
    let holds = |c: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&c));
    let plain: Vec<char> = ('a'..='z')
        .chain('0'..='9')
        .chain('A'..='Z')
        .filter(holds)
        .collect();
    match plain.get(variant.min(plain.len().saturating_sub(1))) {
        Some(c) => *c,
        None => ranges.first().map_or('a', |(start, _)| *start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_their_pattern() {
        for (label, pattern) in [
            ("status", "[1-5][0-9]{2}"),
            ("endpoint", ".+"),
            ("exception", "[A-Za-z_][A-Za-z0-9_]*"),
            ("shard", "s-[0-9]{3}|x+"),
            ("k", "[^a-z]"),
        ] {
            let regex = Regex::new(&format!("^(?:{pattern})$")).unwrap();
            let values = values(label, &Value::from(pattern));
            assert!(!values.is_empty());
            for value in values {
                assert!(
                    regex.is_match(&value),
                    "{label} = {value:?} does not match {pattern}"
                );
            }
        }
        assert_eq!(
            values("status", &Value::from("[1-5][0-9]{2}")),
            ["200", "404", "500"]
        );
        assert_eq!(values("kind", &crate::value::json!(["a", "b"])), ["a", "b"]);
    }
}
