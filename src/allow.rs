//! Findings that the catalog accepts: each beside what it is about, with a reason, and perhaps until a day.

use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::Source;
use serde_json::Value;
use std::collections::HashMap;

/// Findings that no `allow` accepts: accepted, the run would fail in a template, or a server would refuse what is written.
const NEVER: &[(&str, &str)] = &[
    (
        "alert-without-service",
        "a rule about no service cannot be rendered",
    ),
    (
        "invalid-promql",
        "Prometheus refuses a rule file with such an expression, and every other rule of it with that",
    ),
    (
        "missing-label",
        "the alert's kind cannot be rendered without the label",
    ),
    (
        "one-sided-status",
        "the alert's kind cannot be rendered without a status that is an error and one that is not",
    ),
    (
        "oversized-pattern",
        "metrics.py cannot be rendered with the pattern",
    ),
    (
        "reserved-name",
        "Prometheus does not start with two jobs of one name",
    ),
    (
        "timeout-above-interval",
        "Prometheus does not start with such a job",
    ),
    (
        "undeclared-metric",
        "the alert's kind cannot be rendered without the metric",
    ),
    (
        "unknown-emitter",
        "nothing but the services of the catalog is scraped",
    ),
    (
        "unknown-group",
        "the overview has no row for a service of no group",
    ),
    (
        "unknown-receiver",
        "the Alertmanager does not start with a route to a receiver that does not exist",
    ),
];

/// What follows from a finding in the rendered files: whoever accepts the first accepts these of the same table.
const FOLLOWS: &[(&str, &[&str])] = &[
    ("untested-alert", &["untested-rule"]),
    ("window-too-short", &["range-too-short"]),
    (
        "wrong-metric-type",
        &["rate-of-gauge", "raw-counter", "gauge-function-on-counter"],
    ),
];

/// Why no `allow` accepts a finding; None: one does.
pub fn never(code: &str) -> Option<&'static str> {
    NEVER
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, reason)| *reason)
}

/// One entry of an `allow` list.
pub struct Allow {
    /// The table that it stands in.
    pub table: String,
    /// The entry.
    pub pointer: String,
    /// The code that it accepts.
    pub check: String,
    /// Why.
    pub reason: String,
    /// The last day of it.
    pub until: Option<String>,
}

/// Every entry of a catalog, in its order.
pub fn entries(catalog: &Value) -> Vec<Allow> {
    let mut allows = Vec::new();
    collect(catalog, "", &mut allows);
    allows
}

/// Removes what is accepted, and adds what is wrong with the acceptances themselves: unknown, expired, without use.
/// `complete`: every check has run, so an entry that met nothing meets nothing.
pub fn apply(
    diagnostics: Vec<Diagnostic>,
    source: &Source,
    codes: &[&'static str],
    complete: bool,
) -> Vec<Diagnostic> {
    let allows = entries(&source.value);
    let today = chrono::Utc::now().date_naive().to_string();
    let (expired, valid): (Vec<&Allow>, Vec<&Allow>) = allows
        .iter()
        .partition(|allow| allow.until.as_ref().is_some_and(|until| *until < today));
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, allow) in valid.iter().enumerate() {
        first.entry((&allow.check, &allow.table)).or_insert(index);
    }
    let accepted = |code: &str, table: &str| {
        causes(code)
            .filter(|cause| never(cause).is_none())
            .filter_map(|cause| first.get(&(cause, table)).copied())
            .min()
    };
    let mut used = vec![false; valid.len()];
    let mut left = Vec::new();
    for diagnostic in diagnostics {
        match tables(&diagnostic, source)
            .iter()
            .filter_map(|table| accepted(diagnostic.code, table))
            .min()
        {
            Some(index) => used[index] = true,
            None => left.push(diagnostic),
        }
    }
    for allow in expired {
        let until = allow.until.as_deref().unwrap_or_default();
        left.push(
            Diagnostic::error(
                "expired-allow",
                Place::Value(format!("{}/until", allow.pointer)),
                format!("this was accepted until {until}"),
            )
            .help("fix what it accepts, or give it another day with another reason"),
        );
    }
    for (allow, used) in valid.iter().zip(used) {
        let check = Place::Value(format!("{}/check", allow.pointer));
        if !codes.contains(&allow.check.as_str()) {
            left.push(
                Diagnostic::error(
                    "unknown-check",
                    check,
                    format!("there is no finding `{}`", allow.check),
                )
                .help(suggestion(&allow.check, codes.iter().copied())),
            );
        } else if let Some(reason) = never(&allow.check) {
            left.push(
                Diagnostic::error(
                    "never-accepted",
                    check,
                    format!("`{}` cannot be accepted: {reason}", allow.check),
                )
                .help("fix what it finds, and remove the entry"),
            );
        } else if !used && complete {
            left.push(
                Diagnostic::error(
                    "unused-allow",
                    check,
                    format!("nothing here is found by `{}`", allow.check),
                )
                .help("remove the entry"),
            );
        }
    }
    left
}

fn collect(value: &Value, pointer: &str, allows: &mut Vec<Allow>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let inside = format!("{pointer}/{}", crate::source::step(key));
        match (key.as_str(), value.as_array()) {
            ("allow", Some(entries)) => {
                allows.extend(entries.iter().enumerate().filter_map(|(index, entry)| {
                    let text = |key: &str| entry[key].as_str().map(str::to_string);
                    let reason = text("reason").unwrap_or_default();
                    Some(Allow {
                        table: pointer.to_string(),
                        pointer: format!("{inside}/{index}"),
                        check: text("check")?,
                        reason,
                        until: text("until"),
                    })
                }))
            }
            _ => collect(value, &inside, allows),
        }
    }
}

/// The code itself, and those from which it follows.
fn causes(code: &str) -> impl Iterator<Item = &str> {
    std::iter::once(code).chain(
        FOLLOWS
            .iter()
            .filter(move |(_, then)| then.contains(&code))
            .map(|(first, _)| *first),
    )
}

/// The tables that the diagnostic is about or in, all the way up. `[platform]` also speaks for the templates, `[defaults]` for every
/// service, and a group for its own, as with every setting.
fn tables(diagnostic: &Diagnostic, source: &Source) -> Vec<String> {
    let place = match &diagnostic.place {
        Place::Key(pointer) | Place::Value(pointer) => Some(pointer.as_str()),
        _ => None,
    };
    let mut tables = Vec::new();
    for pointer in place.into_iter().chain([diagnostic.owner.as_str()]) {
        tables.extend(upwards(pointer).map(str::to_string));
        if let Some(name) = pointer
            .strip_prefix("/services/")
            .and_then(|rest| rest.split('/').next())
        {
            let group = source
                .value
                .pointer(&format!("/services/{name}/group"))
                .and_then(Value::as_str)
                .unwrap_or_default();
            tables.extend(["/defaults".to_string(), format!("/groups/{group}")]);
        }
    }
    tables
}

/// A pointer and everything around it.
pub fn upwards(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |inside| {
        inside.rfind('/').map(|slash| &inside[..slash])
    })
}
