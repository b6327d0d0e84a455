//! What a change of a module of the blackbox exporter means.

use super::stated::time;
use crate::diff::Class::{self, Dangerous, Notice, Warning};
use crate::diff::listed;
use crate::diff::rendered::leaves::Leaf;
use crate::value::Value;

/// What the blackbox exporter calls a healthy answer.
pub(crate) fn module(leaf: &Leaf) -> Option<(Class, String)> {
    match leaf.last() {
        "timeout" => {
            let (was, is) = (time(leaf.was)?, time(leaf.is)?);
            let text = match (leaf.was, leaf.is) {
                (Some(_), Some(_)) => format!("gives up after {is} instead of {was}"),
                (None, _) => format!("gives up after {is} instead of when the scrape times out"),
                _ => format!("gives up when the scrape times out instead of after {was}"),
            };
            Some((
                if leaf.was.is_some() && is > was {
                    Notice
                } else {
                    Warning
                },
                text,
            ))
        }
        "valid_status_codes" => {
            // Without a list, or with an empty one, all of 2xx.
            let codes = |list: &[Value]| {
                let list: Vec<u64> = list.iter().filter_map(Value::as_u64).collect();
                if list.is_empty() {
                    (200..300).collect()
                } else {
                    list
                }
            };
            let words = |codes: &[u64]| match codes.len() {
                100 => "any 2xx".to_string(),
                _ => listed(&codes.iter().map(u64::to_string).collect::<Vec<_>>()),
            };
            let (was, is) = leaf.lists();
            let (was, is) = (codes(was), codes(is));
            let says = format!("takes {} as healthy instead of {}", words(&is), words(&was));
            Some(if is.iter().any(|code| !was.contains(code)) {
                let then = "what was a failure may no longer be one";
                (Dangerous, format!("{says}; {then}"))
            } else {
                (Warning, format!("{says}; other answers are failures"))
            })
        }
        _ => None,
    }
}
