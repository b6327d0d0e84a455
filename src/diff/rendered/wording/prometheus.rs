//! What a change of a scrape job, or of a key at the top of a file, means.

use super::stated::{interval, stated, time};
use crate::catalog::Size;
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::rendered::items::Item;
use crate::diff::rendered::leaves::Leaf;
use crate::json::plain;
use crate::value::Value;

pub(crate) fn job(leaf: &Leaf) -> Option<(Class, String)> {
    let says = stated(leaf);
    let all = leaf.path.iter().map(String::as_str).collect::<Vec<_>>();
    let class = match all.as_slice() {
        ["scrape_interval"] => match (time(leaf.was), time(leaf.is)) {
            (Some(was), Some(is)) if leaf.was.is_some() && leaf.is.is_some() && is < was => Safe,
            _ => return Some(interval(leaf)),
        },
        ["scrape_timeout"] => Notice,
        ["static_configs", "targets"] => {
            let (was, is) = leaf.lists();
            if all_in(was, is) {
                Safe
            } else if all_in(is, was) {
                Dangerous
            } else {
                Warning
            }
        }
        ["static_configs", "labels", ..] => {
            return Some((
                Dangerous,
                format!("{says}; silences, routes and history by it end"),
            ));
        }
        ["metric_relabel_configs" | "relabel_configs", ..] => {
            return Some((
                Dangerous,
                format!("{says}; series that alerts read may be dropped or renamed"),
            ));
        }
        [limit] if limit.ends_with("_limit") => return Some(scrape_limit(leaf)),
        _ => return None,
    };
    Some((class, says))
}

fn all_in(list: &[Value], other: &[Value]) -> bool {
    list.iter().all(|item| other.contains(item))
}

/// `sample_limit` and the like; 0 means no limit.
fn scrape_limit(leaf: &Leaf) -> (Class, String) {
    let says = stated(leaf);
    let number = |value: Option<&Value>| {
        value
            .and_then(|value| {
                Size::parse(&plain(value))
                    .map(|size| size.0)
                    .or(value.as_u64())
            })
            .filter(|limit| *limit > 0)
    };
    match (number(leaf.was), number(leaf.is)) {
        (_, None) => (Notice, says),
        (Some(was), Some(is)) if is >= was => (Notice, says),
        _ => (
            Dangerous,
            format!("{says}; a scrape beyond it fails as a whole"),
        ),
    }
}

/// Keys at the top of a file.
pub(crate) fn key(item: &Item, leaf: &Leaf) -> Option<(Class, String)> {
    let says = stated(leaf);
    let (was, is) = leaf.lists();
    let only_more = all_in(was, is);
    let class = match item.name.as_str() {
        "global" if leaf.last().ends_with("_interval") => return Some(interval(leaf)),
        "rule_files" if only_more => Safe,
        "rule_files" => Dangerous,
        "alerting" if leaf.last() == "targets" && only_more => Notice,
        "alerting" => Dangerous,
        "title" | "description" | "tags" | "version" => Safe,
        "uid" => return Some((Dangerous, format!("{says}; links to the dashboard end"))),
        "schemaVersion"
        | "refresh"
        | "time"
        | "timezone"
        | "links"
        | "annotations"
        | "graphTooltip"
        | "editable"
        | "fiscalYearStartMonth" => Notice,
        _ => return None,
    };
    Some((class, says))
}
