//! What `by`, `without`, `on`, `ignoring` and `bool` say.

use super::{BinaryExpr, LabelModifier};

/// Whether a comparison gives 0 or 1 instead of what it compares.
pub fn returns_bool(binary: &BinaryExpr) -> bool {
    let modifier = binary.modifier.as_ref();
    modifier.is_some_and(|modifier| modifier.return_bool)
}

/// The labels that a binary operator compares.
pub fn compared(binary: &BinaryExpr) -> impl Fn(&str) -> bool + '_ {
    let matching = binary
        .modifier
        .as_ref()
        .and_then(|modifier| modifier.matching.as_ref());
    move |label| matching.is_none_or(|matching| keeps(matching, label))
}

/// The labels that an aggregation keeps; the metric's name is none of them.
pub fn grouped(modifier: Option<&LabelModifier>) -> impl Fn(&str) -> bool + '_ {
    move |label| modifier.is_some_and(|modifier| keeps(modifier, label))
}

fn keeps(modifier: &LabelModifier, label: &str) -> bool {
    match modifier {
        LabelModifier::Include(labels) => labels.labels.iter().any(|named| named == label),
        LabelModifier::Exclude(labels) => !labels.labels.iter().any(|named| named == label),
    }
}
