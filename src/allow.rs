//! Findings that the catalog accepts: each beside what it is about, with a reason, and perhaps until a day.

use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::Source;
use serde_json::Value;
use std::collections::HashMap;

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

/// Takes out what is accepted, and adds what is wrong with the acceptances themselves: unknown, expired, without use.
/// `complete`: every check has run, so an entry that met nothing meets nothing.
pub fn apply(diagnostics: Vec<Diagnostic>, source: &Source, codes: &[&'static str], complete: bool) -> Vec<Diagnostic> {
    let allows = entries(&source.value);
    let today = chrono::Utc::now().date_naive().to_string();
    let (expired, valid): (Vec<&Allow>, Vec<&Allow>) = allows.iter().partition(|allow| allow.until.as_ref().is_some_and(|until| *until < today));
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, allow) in valid.iter().enumerate() {
        first.entry((&allow.check, &allow.table)).or_insert(index);
    }
    let mut used = vec![false; valid.len()];
    let mut left = Vec::new();
    for diagnostic in diagnostics {
        match tables(&diagnostic).filter_map(|table| first.get(&(diagnostic.code, table)).copied()).min() {
            Some(index) => used[index] = true,
            None => left.push(diagnostic),
        }
    }
    for allow in expired {
        let until = allow.until.as_deref().unwrap_or_default();
        left.push(
            Diagnostic::error("expired-allow", Place::Value(format!("{}/until", allow.pointer)), format!("this was accepted until {until}"))
                .help("mend what it accepts, or give it another day with another reason"),
        );
    }
    for (allow, used) in valid.iter().zip(used) {
        let check = Place::Value(format!("{}/check", allow.pointer));
        if !codes.contains(&allow.check.as_str()) {
            left.push(
                Diagnostic::error("unknown-check", check, format!("there is no finding `{}`", allow.check))
                    .help(suggestion(&allow.check, codes.iter().copied())),
            );
        } else if !used && complete {
            left.push(Diagnostic::error("unused-allow", check, format!("nothing here is found by `{}`", allow.check)).help("take the entry out"));
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

/// The tables that the diagnostic is about or in, all the way up; `[platform]` also speaks for the templates.
fn tables(diagnostic: &Diagnostic) -> impl Iterator<Item = &str> {
    let place = match &diagnostic.place {
        Place::Key(pointer) | Place::Value(pointer) => Some(pointer.as_str()),
        _ => None,
    };
    place.into_iter().chain([diagnostic.owner.as_str()]).flat_map(upwards)
}

/// A pointer and everything around it.
pub fn upwards(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |inside| inside.rfind('/').map(|slash| &inside[..slash]))
}
