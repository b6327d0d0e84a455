//! What a change of a panel means.

use super::stated::stated;
use crate::diff::Class::{self, Notice, Safe};
use crate::diff::rendered::leaves::Leaf;

pub(crate) fn panel(leaf: &Leaf) -> (Class, String) {
    let says = stated(leaf);
    let (was, is) = leaf.texts();
    match leaf.path.first().map(String::as_str) {
        Some("targets") if leaf.last() == "expr" => {
            let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            (
                Notice,
                format!("asks `{}` instead of `{}`", line(is), line(was)),
            )
        }
        Some("description") => (Safe, says),
        _ if leaf.under("thresholds") && leaf.last() == "steps" => (
            Notice,
            format!("has the thresholds `{is}` instead of `{was}`"),
        ),
        _ => (Notice, says),
    }
}
