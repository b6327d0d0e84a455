//! Findings that the catalog accepts: each beside what it is about, with a reason, and perhaps until a day.

use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::Source;
use crate::value::Value;
use std::collections::HashMap;

/// Findings that no `allow` accepts: accepted, the run would fail in a template, or a server would refuse what is written.
const NEVER: &[(&str, &str)] = &[
    (
        "alert-levels",
        "of what is said of no level, or of two alerts with one name, one thing is rendered and another is not",
    ),
    (
        "alert-without-service",
        "a rule about no service cannot be rendered",
    ),
    ("container-name", "no image is called by upper-case letters"),
    (
        "failures-apart",
        "the alert cannot be tried: each of its ratios is 0 or 1",
    ),
    (
        "honored-job",
        "no series that the alert reads has the job by which it selects them",
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
        "overlapping-windows",
        "an alert that compares events with the same events does not fire",
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
        "slo-bucket",
        "nothing counts what is faster than the objective's time, so that no ratio is recorded",
    ),
    (
        "slo-counts",
        "an objective that does not say what it counts cannot be rendered",
    ),
    (
        "slo-failures",
        "the objective cannot be tried without an event that fails and one that does not",
    ),
    (
        "slo-name",
        "of two rules with one name Prometheus keeps the samples of one",
    ),
    (
        "taken-label",
        "two labels of one name cannot both be in a rule",
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
        "unknown-network",
        "nothing leads to a container in a network that nobody names",
    ),
    (
        "unknown-owner",
        "nobody knows whom to tell of what is of such an owner",
    ),
    (
        "unknown-placeholder",
        "Prometheus fills in nothing else, and whoever is woken would read the braces",
    ),
    (
        "unknown-quantile",
        "the alert cannot be tried: there is no series that it could fire for",
    ),
    (
        "unknown-receiver",
        "the Alertmanager does not start with a route to a receiver that does not exist",
    ),
    (
        "unknown-time",
        "the Alertmanager does not start with a route that names a time that does not exist",
    ),
    (
        "unmatched-filter",
        "the alert cannot be tried without a series that it reads",
    ),
    (
        "unmatched-selector",
        "a route or an inhibition that takes no alert does nothing",
    ),
    (
        "threshold-outside-buckets",
        "an alert beyond the last bucket can never fire",
    ),
    ("notified-twice", "one of the two ways can be left out"),
    ("unreached-route", "what is never reached can be left out"),
    (
        "unsaid-role",
        "the alert's kind cannot be rendered without the metric",
    ),
    (
        "unused-time",
        "a time at which nothing changes can be left out",
    ),
];

/// What follows from a finding in the rendered files: whoever accepts the first accepts these of the same table.
const FOLLOWS: &[(&str, &[&str])] = &[
    ("alert-labels", &["annotation-label"]),
    ("beyond-limit", &["undelivered-alert"]),
    ("duplicate-address", &["unstartable-container"]),
    ("impossible-threshold", &["constant-alert"]),
    (
        "loopback-address",
        &["unreachable-address", "undelivered-alert"],
    ),
    ("part-in-another-unit", &["mixed-units"]),
    ("range-beyond-retention", &["beyond-retention"]),
    (
        "ratio-out-of-range",
        &["impossible-threshold", "panel-threshold"],
    ),
    ("same-condition", &["rules-of-the-catalog"]),
    ("test-expectation", &["test-fails"]),
    ("test-samples", &["test-fails"]),
    ("unmounted-secret", &["unmounted-file"]),
    ("untested-alert", &["untested-rule"]),
    ("untold-alert", &["inhibition"]),
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
    pub pointer: String,
    /// The code that it accepts.
    pub check: String,
    pub reason: String,
    /// The last day of it.
    pub until: Option<String>,
}

impl Allow {
    fn check_place(&self) -> Place {
        Place::Value(format!("{}/check", self.pointer))
    }
}

/// Every entry of a catalog, in its order.
pub fn entries(catalog: &Value) -> Vec<Allow> {
    let mut allows = Vec::new();
    collect(catalog, "", &mut allows);
    allows
}

/// The `allow` entries of a catalog, while its findings come in.
pub(crate) struct Allows {
    valid: Vec<Allow>,
    expired: Vec<Allow>,
    /// For each valid one, whether it has accepted something.
    used: Vec<bool>,
}

impl Allows {
    /// Those of a catalog as of today, the one thing that monstack asks the clock.
    pub(crate) fn of(source: &Source) -> Allows {
        let today = chrono::Utc::now().date_naive().to_string();
        let past = |allow: &Allow| allow.until.as_ref().is_some_and(|until| *until < today);
        let (expired, valid): (Vec<Allow>, Vec<Allow>) =
            entries(&source.value).into_iter().partition(past);
        Allows {
            used: vec![false; valid.len()],
            valid,
            expired,
        }
    }

    /// What is left of findings without the accepted ones.
    pub(crate) fn accept(
        &mut self,
        diagnostics: Vec<Diagnostic>,
        source: &Source,
    ) -> Vec<Diagnostic> {
        let mut first: HashMap<(&str, &str), usize> = HashMap::new();
        for (index, allow) in self.valid.iter().enumerate() {
            first.entry((&allow.check, &allow.table)).or_insert(index);
        }
        let accepted = |code: &str, table: &str| {
            causes(code)
                .filter(|cause| never(cause).is_none())
                .filter_map(|cause| first.get(&(cause, table)).copied())
                .min()
        };
        let mut left = Vec::new();
        for diagnostic in diagnostics {
            match tables(&diagnostic, source)
                .iter()
                .filter_map(|table| accepted(diagnostic.code, table))
                .min()
            {
                Some(index) => self.used[index] = true,
                None => left.push(diagnostic),
            }
        }
        left
    }

    /// What is wrong with the entries themselves, whatever is found: expired, unknown, never accepted.
    pub(crate) fn mistakes(&self, codes: &[&'static str]) -> Vec<Diagnostic> {
        let expired = self.expired.iter().map(|allow| {
            let until = allow.until.as_deref().unwrap_or_default();
            Diagnostic::error(
                "expired-allow",
                Place::Value(format!("{}/until", allow.pointer)),
                format!("this was accepted until {until}"),
            )
            .help("fix what it accepts, or give it another day with another reason")
        });
        let wrong = self.valid.iter().filter_map(|allow| {
            if !codes.contains(&allow.check.as_str()) {
                let message = format!("there is no finding `{}`", allow.check);
                let help = suggestion(&allow.check, codes.iter().copied());
                return Some(
                    Diagnostic::error("unknown-check", allow.check_place(), message).help(help),
                );
            }
            let reason = never(&allow.check)?;
            let message = format!("`{}` cannot be accepted: {reason}", allow.check);
            Some(
                Diagnostic::error("never-accepted", allow.check_place(), message)
                    .help("fix what it finds, and remove the entry"),
            )
        });
        expired.chain(wrong).collect()
    }

    /// The entries that met nothing, once every check has run.
    pub(crate) fn unused(&self, codes: &[&'static str]) -> Vec<Diagnostic> {
        let unused = self.valid.iter().zip(&self.used).filter(|(allow, used)| {
            let known = codes.contains(&allow.check.as_str()) && never(&allow.check).is_none();
            known && !**used
        });
        unused
            .map(|(allow, _)| {
                let message = format!("nothing here is found by `{}`", allow.check);
                Diagnostic::error("unused-allow", allow.check_place(), message)
                    .help("remove the entry")
            })
            .collect()
    }
}

fn collect(value: &Value, pointer: &str, allows: &mut Vec<Allow>) {
    for (key, value) in value.entries() {
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

/// What has no `allow` of its own: the platform's speaks for it.
const WITHOUT_ALLOW: [&str; 3] = ["/inhibit/", "/routes/", "/times/"];

/// The tables that the diagnostic is about or in, all the way up. `[platform]` also speaks for the templates, `[defaults]` for every
/// service, and a group for its own, as with every setting.
fn tables(diagnostic: &Diagnostic, source: &Source) -> Vec<String> {
    let mut tables = Vec::new();
    for pointer in (diagnostic.place.pointer())
        .into_iter()
        .chain(diagnostic.owners.iter().map(String::as_str))
    {
        tables.extend(upwards(pointer).map(str::to_string));
        tables.extend(source.derived_from(pointer).map(str::to_string));
        if WITHOUT_ALLOW.iter().any(|table| pointer.starts_with(table)) {
            tables.push("/platform".to_string());
        }
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
pub(crate) fn upwards(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |inside| {
        inside.rfind('/').map(|slash| &inside[..slash])
    })
}
