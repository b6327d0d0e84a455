//! What a difference means to those who are told, and how much it weighs.

use super::expression;
use super::items::{Item, ItemKind};
use super::leaves::Leaf;
use super::readers::Readers;
use super::routing::Routing;
use crate::catalog::{Duration, Size};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::{listed, routes, weight};
use crate::json::Parts;
use crate::json::plain;
use serde_json::Value;

pub struct Scene<'a> {
    /// Who reads a recorded series.
    pub readers: &'a Readers,
    pub routes: &'a Routing,
}

/// An item that is no longer there; None: it is told elsewhere.
pub fn gone(item: &Item, scene: &Scene) -> Option<(Class, String)> {
    let (class, says) = match item.kind {
        ItemKind::Layout | ItemKind::File => return None,
        ItemKind::Alert => (Dangerous, "is removed: no one is notified of it any more"),
        ItemKind::Recording => (
            Warning,
            "is no longer recorded: queries of it find nothing new",
        ),
        ItemKind::Rules => (Notice, "is no longer there"),
        ItemKind::Job => (Dangerous, "is no longer scraped"),
        ItemKind::Receiver if scene.routes.used(&item.name) => {
            (Dangerous, "is removed, and was in use")
        }
        ItemKind::Receiver => (Notice, "is removed"),
        ItemKind::Inhibition => (Notice, "is removed: what it held back is notified"),
        ItemKind::Times => (Warning, "is removed"),
        ItemKind::Module => (Warning, "is removed"),
        ItemKind::Panel | ItemKind::Row => (Notice, "is removed"),
        ItemKind::Variable => (Notice, "is removed: links that set it have no effect"),
        ItemKind::Datasource => (Dangerous, "is removed: what asks it shows nothing"),
        ItemKind::Provider => (Dangerous, "is removed: its dashboards are no longer read"),
        ItemKind::Container => (Dangerous, "no longer runs"),
        ItemKind::Resource => (Warning, "is removed"),
        ItemKind::Key => {
            let class = if item.name == "rule_files" || item.name == "alerting" {
                Dangerous
            } else {
                Warning
            };
            return Some((class, format!("is removed: {}", short(&item.value))));
        }
    };
    Some((class, says.to_string()))
}

/// An item that was not there.
pub fn new(item: &Item) -> Option<(Class, String)> {
    let (class, says) = match item.kind {
        ItemKind::Layout | ItemKind::File => return None,
        ItemKind::Inhibition => {
            return Some((Dangerous, format!("is new: {}", held_back(&item.value))));
        }
        ItemKind::Times | ItemKind::Module | ItemKind::Container | ItemKind::Resource => {
            (Notice, "is new")
        }
        ItemKind::Key => return Some((Warning, format!("is new: {}", short(&item.value)))),
        _ => (Safe, "is new"),
    };
    Some((class, says.to_string()))
}

/// What a rule of inhibition does, in words; in the old spelling as it is written.
fn held_back(rule: &Value) -> String {
    let texts = |key: &str| {
        rule[key]
            .texts()
            .map(|text| text.replace('`', "'"))
            .collect::<Vec<_>>()
    };
    let (targets, equal) = (texts("target_matchers"), texts("equal"));
    if targets.is_empty() {
        return format!("alerts that were sent may be held back ({})", short(rule));
    }
    let same = if equal.is_empty() {
        String::new()
    } else {
        format!(" with the same {}", listed(&equal))
    };
    format!(
        "while such an alert fires, those{same} that match {} are held back",
        listed(&targets)
    )
}

/// A value of an item that is another one.
pub fn changed(item: &Item, leaf: &Leaf, scene: &Scene) -> (Class, String) {
    let known = match item.kind {
        ItemKind::Alert => alert(leaf),
        ItemKind::Recording => recording(item, leaf, scene.readers),
        ItemKind::Rules => (leaf.key() == "interval").then(|| interval(leaf)),
        ItemKind::Job => job(leaf),
        ItemKind::Key => key(item, leaf),
        ItemKind::Receiver => Some(receiver(item, leaf, scene.routes)),
        ItemKind::Inhibition => Some(inhibition(leaf)),
        ItemKind::Panel | ItemKind::Row => Some(panel(leaf)),
        ItemKind::Layout => Some((Safe, "are arranged differently".to_string())),
        ItemKind::Variable => Some((Notice, stated(leaf))),
        ItemKind::Datasource => Some((
            match leaf.key().as_str() {
                "uid" => Dangerous,
                "url" | "type" | "access" => Warning,
                _ => Notice,
            },
            stated(leaf),
        )),
        ItemKind::Provider => Some((
            if leaf.under("options") {
                Warning
            } else {
                Notice
            },
            stated(leaf),
        )),
        ItemKind::Container => Some(container(leaf)),
        ItemKind::Module => module(leaf),
        _ => None,
    };
    known.unwrap_or_else(|| (Warning, stated(leaf)))
}

/// A value on one line, of a long one its beginning.
fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = plain(value)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('`', "'");
    if text.chars().count() > LONGEST {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    } else {
        text
    }
}

/// "`for` is 50m instead of 5m"; of lists of words, what came and went.
fn stated(leaf: &Leaf) -> String {
    let key = leaf.key();
    let key = if key.is_empty() {
        "it".to_string()
    } else {
        format!("`{key}`")
    };
    match (leaf.was, leaf.is) {
        (Some(Value::Array(was)), Some(Value::Array(is)))
            if was
                .iter()
                .chain(is)
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            let only = |one: &[Value], other: &[Value]| {
                one.iter()
                    .filter(|item| !other.contains(item))
                    .map(|item| format!("`{}`", short(item)))
                    .collect::<Vec<_>>()
            };
            match (only(was, is), only(is, was)) {
                (gone, new) if gone.is_empty() && new.is_empty() => {
                    format!("{key} is in another order")
                }
                (gone, new) if new.is_empty() => format!("{key} no longer has {}", listed(&gone)),
                (gone, new) if gone.is_empty() => format!("{key} also has {}", listed(&new)),
                (gone, new) => format!("{key} has {} instead of {}", listed(&new), listed(&gone)),
            }
        }
        (Some(was), Some(is)) => {
            let (was, is) = (short(was), short(is));
            if was == is {
                format!("{key} differs")
            } else {
                format!("{key} is {} instead of {}", quoted(&is), quoted(&was))
            }
        }
        (Some(was), None) => format!("{key} is removed: it was {}", quoted(&short(was))),
        (None, Some(is)) => format!("{key} is new: {}", quoted(&short(is))),
        (None, None) => key,
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        "empty".to_string()
    } else {
        format!("`{text}`")
    }
}

fn time(value: Option<&Value>) -> Option<Duration> {
    value.map_or(Some(Duration(0)), |value| Duration::parse(&plain(value)))
}

/// A time between two looks, or until somebody is told.
fn interval(leaf: &Leaf) -> (Class, String) {
    let class = match (leaf.was, leaf.is, time(leaf.was), time(leaf.is)) {
        (Some(_), Some(_), Some(was), Some(is)) => weight::longer(was, is),
        _ => Warning,
    };
    (class, stated(leaf))
}

fn alert(leaf: &Leaf) -> Option<(Class, String)> {
    let says = stated(leaf);
    match (leaf.path.first()?.as_str(), leaf.last()) {
        ("expr", _) => Some(asks(leaf)),
        ("for", _) => {
            let (was, is) = (time(leaf.was)?, time(leaf.is)?);
            let (word, by) = if is > was {
                ("later", is.0 - was.0)
            } else {
                ("sooner", was.0 - is.0)
            };
            Some((
                weight::longer(was, is),
                format!("fires {} {word}: after {is} instead of {was}", Duration(by)),
            ))
        }
        ("keep_firing_for", _) => Some((Notice, says)),
        ("labels", "severity") => {
            let severity = |value: Option<&Value>| {
                value
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_string()
            };
            let lower = routes::rank(&severity(leaf.is)) > routes::rank(&severity(leaf.was));
            Some((if lower { Dangerous } else { Notice }, says))
        }
        ("labels", _) => Some((
            Warning,
            format!("{says}; routes, silences and inhibitions by it end"),
        )),
        ("annotations", _) if leaf.is.is_none() => {
            Some((Warning, format!("{says}; people no longer see it")))
        }
        ("annotations", name)
            if leaf.was.is_none() || ["summary", "description"].contains(&name) =>
        {
            Some((Safe, says))
        }
        ("annotations", _) => Some((Notice, says)),
        _ => None,
    }
}

fn asks(leaf: &Leaf) -> (Class, String) {
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_string()
    };
    let (was, is) = (text(leaf.was), text(leaf.is));
    let (class, word) = expression::changed(&was, &is);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (
        class,
        format!("{word}: `{}` instead of `{}`", words(&is), words(&was)),
    )
}

/// What alerts read is as dangerous as the alerts' own conditions.
fn recording(item: &Item, leaf: &Leaf, readers: &Readers) -> Option<(Class, String)> {
    let alerts = readers.alerts(item.name.split(' ').next().unwrap_or_default());
    let read = if alerts.is_empty() {
        String::new()
    } else {
        format!(
            "; {} read{} it",
            listed(alerts),
            if alerts.len() == 1 { "s" } else { "" }
        )
    };
    match leaf.path.first()?.as_str() {
        "expr" => {
            let (_, says) = asks(leaf);
            let says = says
                .strip_prefix("has another expression, which may fire less")
                .map_or(says.clone(), |rest| format!("records something else{rest}"));
            Some((
                if alerts.is_empty() {
                    Warning
                } else {
                    Dangerous
                },
                format!("{says}{read}"),
            ))
        }
        _ => Some((
            if alerts.is_empty() {
                Warning
            } else {
                Dangerous
            },
            format!("{}{read}", stated(leaf)),
        )),
    }
}

fn job(leaf: &Leaf) -> Option<(Class, String)> {
    let says = stated(leaf);
    let all = leaf.path.iter().map(String::as_str).collect::<Vec<_>>();
    let class = match all.as_slice() {
        ["scrape_interval"] => match (time(leaf.was), time(leaf.is)) {
            (Some(was), Some(is)) if leaf.was.is_some() && leaf.is.is_some() && is < was => Safe,
            _ => return Some(interval(leaf)),
        },
        ["scrape_timeout"] => Notice,
        ["static_configs", "targets"] => {
            let list = |value: Option<&Value>| {
                value.and_then(Value::as_array).cloned().unwrap_or_default()
            };
            let (was, is) = (list(leaf.was), list(leaf.is));
            if was.iter().all(|target| is.contains(target)) {
                Safe
            } else if is.iter().all(|target| was.contains(target)) {
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
        [limit] if limit.ends_with("_limit") => {
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
                (_, None) => Notice,
                (Some(was), Some(is)) if is >= was => Notice,
                _ => {
                    return Some((
                        Dangerous,
                        format!("{says}; a scrape beyond it fails as a whole"),
                    ));
                }
            }
        }
        _ => return None,
    };
    Some((class, says))
}

/// Keys at the top of a file.
fn key(item: &Item, leaf: &Leaf) -> Option<(Class, String)> {
    let says = stated(leaf);
    let holds = |one: Option<&Value>, other: Option<&Value>| {
        let list =
            |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let other = list(other);
        list(one).iter().all(|item| other.contains(item))
    };
    let class = match item.name.as_str() {
        "global" if leaf.last().ends_with("_interval") => return Some(interval(leaf)),
        "rule_files" if holds(leaf.was, leaf.is) => Safe,
        "rule_files" => Dangerous,
        "alerting" if leaf.last() == "targets" && holds(leaf.was, leaf.is) => Notice,
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

fn receiver(item: &Item, leaf: &Leaf, routes: &Routing) -> (Class, String) {
    let used = routes.used(&item.name);
    let whole = leaf.path.len() == 1;
    let count = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    match (
        whole && leaf.path[0].ends_with("_configs"),
        count(leaf.is) < count(leaf.was),
    ) {
        (true, true) => {
            let kind = leaf.path[0].trim_end_matches("_configs");
            let left = if count(leaf.is) == 0 {
                format!("no longer sends to {kind}")
            } else {
                format!("sends to fewer {kind}s: {}", stated(leaf))
            };
            (if used { Dangerous } else { Notice }, left)
        }
        (true, false) if leaf.was.is_none() => (
            Safe,
            format!(
                "also sends to {}",
                leaf.path[0].trim_end_matches("_configs")
            ),
        ),
        _ => (if used { Warning } else { Notice }, stated(leaf)),
    }
}

/// A rule that asks for more holds back less.
fn inhibition(leaf: &Leaf) -> (Class, String) {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (was, is) = (list(leaf.was), list(leaf.is));
    let says = stated(leaf);
    if !is.is_empty() && was.iter().all(|item| is.contains(item)) {
        (Notice, format!("{says}; it holds less back"))
    } else {
        (
            Dangerous,
            format!("{says}; alerts that were sent may be held back"),
        )
    }
}

fn panel(leaf: &Leaf) -> (Class, String) {
    let says = stated(leaf);
    match leaf.path.first().map(String::as_str) {
        Some("targets") if leaf.last() == "expr" => {
            let text = |value: Option<&Value>| {
                value
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            (
                Notice,
                format!("asks `{}` instead of `{}`", text(leaf.is), text(leaf.was)),
            )
        }
        Some("description") => (Safe, says),
        _ if leaf.under("thresholds") && leaf.last() == "steps" => {
            let text = |value: Option<&Value>| {
                value
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_string()
            };
            (
                Notice,
                format!(
                    "has the thresholds `{}` instead of `{}`",
                    text(leaf.is),
                    text(leaf.was)
                ),
            )
        }
        _ => (Notice, says),
    }
}

/// What the blackbox exporter calls an answer that is well.
fn module(leaf: &Leaf) -> Option<(Class, String)> {
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
            let codes = |value: Option<&Value>| {
                let list: Vec<u64> = value
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_u64)
                    .collect();
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
            let (was, is) = (codes(leaf.was), codes(leaf.is));
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

/// What only makes a container stricter.
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

/// What changes nothing in what the container does.
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

fn container(leaf: &Leaf) -> (Class, String) {
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
            (Some(was), Some(is)) if leaf.was.is_some() && leaf.is.is_some() => {
                if is < was {
                    return (
                        Dangerous,
                        format!("{says}; older samples are deleted for good"),
                    );
                } else {
                    Notice
                }
            }
            _ => Dangerous,
        },
        _ if HARDENING.contains(&first) && leaf.was.is_none() => Notice,
        "mem_limit" | "cpus" | "pids_limit" | "deploy" => match (amount(leaf.was), amount(leaf.is))
        {
            // What is killed for want of memory, or starved, tells later or not at all.
            (Some(was), Some(is)) if is < was => Warning,
            (Some(_), Some(_)) => Notice,
            _ => Warning,
        },
        _ if ASIDE.contains(&first) => Notice,
        _ => Warning,
    };
    (class, says)
}

/// A flag of a command, as it is written; None: it is none.
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
