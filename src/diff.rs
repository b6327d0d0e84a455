//! What changes in behaviour between two catalogs, or between what two sets of templates make of one, classed by what a
//! reviewer must fear of it.

mod alerts;
mod conditions;
mod metrics;
mod objectives;
mod owners;
mod pairs;
mod platform;
pub(crate) mod print;
mod rendered;
mod routes;
mod services;
mod weight;

use crate::catalog::{Alert, Catalog, Metric, Service};
pub(crate) use crate::diagnostic::plural;
use crate::source::Source;
use pairs::Pairs;
pub use rendered::{Explained, compare as compare_rendered};
use std::collections::HashSet;

/// How much a change weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A lasting fault that was told before may be told no more, or something breaks by which people find their way:
    /// silences, links, history.
    Dangerous,
    /// Somebody is told later, less or elsewhere; a reviewer must see it, and most of the time it is meant.
    Warning,
    /// What people receive or see changes; nothing goes unnoticed.
    Notice,
    /// Nobody has to do anything.
    Safe,
}

impl Class {
    /// All of them, most dangerous first.
    pub(crate) const ALL: [Class; 4] =
        [Class::Dangerous, Class::Warning, Class::Notice, Class::Safe];

    pub fn word(self) -> &'static str {
        match self {
            Class::Dangerous => "dangerous",
            Class::Warning => "warning",
            Class::Notice => "notice",
            Class::Safe => "safe",
        }
    }
}

/// What made a change: a key of a catalog by JSON pointer, or a line of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// What is gone stands only in the catalog that is compared with.
    Before(String),
    /// In the catalog as it is now.
    After(String),
    /// A line of a template, from 1; `before`: it stands only on the side that is compared with.
    Line {
        /// Path under the root of its side.
        file: String,
        /// From 1.
        line: usize,
        before: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Change {
    pub class: Class,
    /// The sentence up to the services, or the whole of it.
    lead: String,
    /// For whom; empty: the sentence does not speak of services.
    pub services: Vec<String>,
    /// The sentence behind the services.
    rest: String,
    /// The key that made it.
    pub at: At,
}

impl Change {
    /// The sentence; many services are counted: of `all` that there are, one or two that are left out are named.
    pub fn message(&self, all: &[String]) -> String {
        let missing = self.missing(all);
        let whom = match (self.services.len(), missing.as_slice()) {
            (0..=3, _) => listed(&self.services),
            (count, []) => format!("all {count} services"),
            (count, [only]) => format!("{count} services (all but {only})"),
            (count, [one, two]) => format!("{count} services (all but {one} and {two})"),
            (count, _) => format!("{count} services"),
        };
        format!("{}{whom}{}", self.lead, self.rest)
    }

    /// Whether the sentence neither names the services nor leaves them to be worked out.
    pub(crate) fn counts_only(&self, all: &[String]) -> bool {
        self.services.len() > 3 && self.missing(all).len() > 2
    }

    fn missing<'a>(&self, all: &'a [String]) -> Vec<&'a str> {
        let named: HashSet<&String> = self.services.iter().collect();
        all.iter()
            .filter(|name| !named.contains(name))
            .map(String::as_str)
            .collect()
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A catalog and the text that it comes from.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub source: &'a Source,
    pub catalog: &'a Catalog,
}

/// Two catalogs, what belongs together in them, and the changes found so far.
struct Comparison<'a> {
    before: Side<'a>,
    after: Side<'a>,
    services: Pairs<'a, Service>,
    alerts: Pairs<'a, Alert>,
    metrics: Pairs<'a, Metric>,
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn say(&mut self, class: Class, message: impl Into<String>, at: At) {
        self.changes.push(Change {
            class,
            lead: message.into(),
            services: Vec::new(),
            rest: String::new(),
            at,
        });
    }

    /// Says `lead` SERVICE `rest`; a service for which the same has been said joins that line.
    fn say_of(&mut self, class: Class, lead: &str, service: &str, rest: String, at: At) {
        let same = |known: &&mut Change| {
            (known.class, known.lead.as_str(), &known.rest) == (class, lead, &rest)
                && !known.services.is_empty()
        };
        match self.changes.iter_mut().find(same) {
            Some(known) => known.services.push(service.to_string()),
            None => self.changes.push(Change {
                class,
                lead: lead.to_string(),
                services: vec![service.to_string()],
                rest,
                at,
            }),
        }
    }

    /// The first of the keys that is written, in the new catalog rather than in the old one.
    fn at(&self, after: &[String], before: &[String]) -> At {
        let written = |source: &Source, keys: &[String]| {
            keys.iter().find(|key| source.contains(key)).cloned()
        };
        let found = written(self.after.source, after)
            .map(At::After)
            .or_else(|| written(self.before.source, before).map(At::Before));
        found.unwrap_or_else(|| At::After(after.first().cloned().unwrap_or_default()))
    }

    /// The same key on both sides.
    fn at_key(&self, key: &str) -> At {
        self.at(&[key.to_string()], &[key.to_string()])
    }
}

/// Every change from one catalog to the other, most dangerous first.
pub fn compare(before: Side, after: Side) -> Vec<Change> {
    inspected(
        before,
        after,
        &[
            services::inspect,
            objectives::inspect,
            alerts::inspect,
            conditions::inspect,
            metrics::inspect,
            routes::inspect,
            owners::inspect,
            platform::inspect,
        ],
    )
}

/// Who is told of alerts instead of whom.
pub(crate) fn told(before: Side, after: Side) -> Vec<Change> {
    inspected(before, after, &[routes::told, owners::told])
}

fn inspected(before: Side, after: Side, inspect: &[fn(&mut Comparison)]) -> Vec<Change> {
    let services = pairs::services(before.catalog, after.catalog);
    let alerts = pairs::alerts(before.catalog, after.catalog);
    let metrics = pairs::metrics(before.catalog, after.catalog);
    let mut comparison = Comparison {
        before,
        after,
        services,
        alerts,
        metrics,
        changes: Vec::new(),
    };
    for inspect in inspect {
        inspect(&mut comparison);
    }
    let mut changes = comparison.changes;
    changes.sort_by_key(|change| change.class);
    changes
}
