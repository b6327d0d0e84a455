//! Findings that the catalog accepts: each beside what it is about, with a reason, and perhaps until a day.

use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::Source;
use serde_json::Value;

/// Findings that no `allow` accepts: accepted, the run would fail in a template, or a server would refuse what is written.
const NEVER: &[(&str, &str)] = &[
    ("alert-without-service", "a rule about no service cannot be rendered"),
    ("invalid-promql", "Prometheus refuses a rule file with such an expression, and every other rule of it with that"),
    ("missing-label", "the alert's kind cannot be rendered without the label"),
    ("reserved-name", "Prometheus does not start with two jobs of one name"),
    ("timeout-above-interval", "Prometheus does not start with such a job"),
    ("undeclared-metric", "the alert's kind cannot be rendered without the metric"),
    ("unknown-emitter", "nothing but the services of the catalog is scraped"),
    ("unknown-group", "the overview has no row for a service of no group"),
    ("unknown-receiver", "the Alertmanager does not start with a route to a receiver that does not exist"),
];

/// What follows from a finding in the rendered files: whoever accepts the first accepts these of the same table.
const FOLLOWS: &[(&str, &[&str])] = &[
    ("untested-alert", &["untested-rule"]),
    ("window-too-short", &["range-too-short"]),
    ("wrong-metric-type", &["rate-of-gauge", "raw-counter", "gauge-function-on-counter"]),
];

/// Why no `allow` accepts a finding; None: one does.
pub fn never(code: &str) -> Option<&'static str> {
    NEVER.iter().find(|(known, _)| *known == code).map(|(_, reason)| *reason)
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
pub fn apply(diagnostics: Vec<Diagnostic>, source: &Source, codes: &[&'static str], complete: bool) -> Vec<Diagnostic> {
    let allows = entries(&source.value);
    let today = chrono::Utc::now().date_naive().to_string();
    let (expired, valid): (Vec<&Allow>, Vec<&Allow>) = allows.iter().partition(|allow| allow.until.as_ref().is_some_and(|until| *until < today));
    let mut used = vec![false; valid.len()];
    let mut left = Vec::new();
    for diagnostic in diagnostics {
        match valid.iter().position(|allow| accepts(&allow.check, diagnostic.code) && covers(&allow.table, &diagnostic, source)) {
            Some(index) => used[index] = true,
            None => left.push(diagnostic),
        }
    }
    for allow in expired {
        let until = allow.until.as_deref().unwrap_or_default();
        left.push(
            Diagnostic::error("expired-allow", Place::Value(format!("{}/until", allow.pointer)), format!("this was accepted until {until}"))
                .help("fix what it accepts, or give it another day with another reason"),
        );
    }
    for (allow, used) in valid.iter().zip(used) {
        let check = Place::Value(format!("{}/check", allow.pointer));
        if !codes.contains(&allow.check.as_str()) {
            left.push(
                Diagnostic::error("unknown-check", check, format!("there is no finding `{}`", allow.check))
                    .help(suggestion(&allow.check, codes.iter().copied())),
            );
        } else if let Some(reason) = never(&allow.check) {
            left.push(
                Diagnostic::error("never-accepted", check, format!("`{}` cannot be accepted: {reason}", allow.check))
                    .help("fix what it finds, and remove the entry"),
            );
        } else if !used && complete {
            left.push(Diagnostic::error("unused-allow", check, format!("nothing here is found by `{}`", allow.check)).help("remove the entry"));
        }
    }
    left
}

fn collect(value: &Value, pointer: &str, allows: &mut Vec<Allow>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let inside = format!("{pointer}/{}", crate::source::step(key));
        match (key.as_str(), value.as_array()) {
            ("allow", Some(entries)) => allows.extend(entries.iter().enumerate().filter_map(|(index, entry)| {
                let text = |key: &str| entry[key].as_str().map(str::to_string);
                let reason = text("reason").unwrap_or_default();
                Some(Allow { table: pointer.to_string(), pointer: format!("{inside}/{index}"), check: text("check")?, reason, until: text("until") })
            })),
            _ => collect(value, &inside, allows),
        }
    }
}

/// Whether an entry for one finding accepts another: the same, or one that follows from it.
fn accepts(check: &str, code: &str) -> bool {
    let follows = || FOLLOWS.iter().any(|(first, then)| *first == check && then.contains(&code));
    never(check).is_none() && (check == code || follows())
}

/// Whether the diagnostic is about the table or something in it. `[platform]` also speaks for the templates, `[defaults]` for every
/// service, and a group for its own, as with every setting.
fn covers(table: &str, diagnostic: &Diagnostic, source: &Source) -> bool {
    let inside = |pointer: &str| {
        let within = |outer: &str| pointer == outer || pointer.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        let service = pointer.strip_prefix("/services/").and_then(|rest| rest.split('/').next());
        let of_service = |name: &str| {
            let group = source.value.pointer(&format!("/services/{name}/group")).and_then(Value::as_str).unwrap_or_default();
            table == "/defaults" || table == format!("/groups/{group}")
        };
        within(table) || service.is_some_and(of_service)
    };
    let place = match &diagnostic.place {
        Place::Key(pointer) | Place::Value(pointer) => inside(pointer),
        _ => false,
    };
    place || inside(&diagnostic.owner)
}
