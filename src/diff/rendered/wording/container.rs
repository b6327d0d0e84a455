//! What a change of a container means.

use super::stated::{stated, time};
use crate::catalog::Size;
use crate::diff::Class::{self, Dangerous, Notice, Warning};
use crate::diff::rendered::leaves::Leaf;
use crate::json::plain;
use crate::value::Value;

/// Keys that only restrict a container.
const HARDENING: [&str; 8] = [
    "cap_drop",
    "security_opt",
    "read_only",
    "user",
    "mem_limit",
    "pids_limit",
    "cpus",
    "deploy",
];

/// Keys that change nothing in what a container does.
const ASIDE: [&str; 9] = [
    "image",
    "build",
    "healthcheck",
    "logging",
    "labels",
    "depends_on",
    "container_name",
    "stop_grace_period",
    "tmpfs",
];

pub(crate) fn container(leaf: &Leaf) -> (Class, String) {
    let says = flag(leaf).unwrap_or_else(|| stated(leaf));
    let first = leaf.path.first().map_or("", String::as_str);
    let retention = leaf.last().contains("retention");
    let amount = |value: Option<&Value>| {
        let text = plain(value?);
        let size = || {
            Size::parse(&text)
                .or_else(|| Size::parse(&text.replace('m', "MiB").replace('g', "GiB")))
                .map(|size| size.0 as f64)
        };
        text.parse().ok().or_else(size)
    };
    let class = match first {
        "command" if retention => match (time(leaf.was), time(leaf.is)) {
            (Some(was), Some(is)) if leaf.was.is_some() && leaf.is.is_some() && is < was => {
                return (
                    Dangerous,
                    format!("{says}; older samples are deleted for good"),
                );
            }
            (Some(_), Some(_)) if leaf.was.is_some() && leaf.is.is_some() => Notice,
            _ => Dangerous,
        },
        _ if HARDENING.contains(&first) && leaf.was.is_none() => Notice,
        "mem_limit" | "cpus" | "pids_limit" | "deploy" => match (amount(leaf.was), amount(leaf.is))
        {
            // A container that runs out of memory or CPU time reports late or not at all.
            (Some(was), Some(is)) if is < was => Warning,
            (Some(_), Some(_)) => Notice,
            _ => Warning,
        },
        _ if ASIDE.contains(&first) => Notice,
        _ => Warning,
    };
    (class, says)
}

/// A flag of a command, as it is written; None: the value is not a flag.
fn flag(leaf: &Leaf) -> Option<String> {
    let [first, name] = leaf.path.as_slice() else {
        return None;
    };
    // A flag without a value is `on`.
    let written = |value: &Value| match value.as_str().unwrap_or_default() {
        "on" => format!("`{name}`"),
        value => format!("`{name}={value}`"),
    };
    (first == "command" && name.starts_with('-')).then(|| match (leaf.was, leaf.is) {
        (Some(was), Some(is)) => format!("runs with {} instead of {}", written(is), written(was)),
        (Some(was), None) => format!("no longer runs with {}", written(was)),
        (_, is) => format!("also runs with {}", is.map(written).unwrap_or_default()),
    })
}
