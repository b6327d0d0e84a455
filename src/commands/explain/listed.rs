//! Everything that `explain` knows, by its sort.

use super::codes;
use crate::catalog::Catalog;
use crate::commands::keys;
use crate::kinds::Kinds;
use crate::lints::LINTS;
use crate::profiles::Profiles;
use crate::proofs::PROOFS;
use crate::value::Value;

/// One name, with what it is in a sentence.
pub(super) struct Listed {
    pub(super) sort: &'static str,
    pub(super) name: String,
    pub(super) doc: String,
    /// What else is known of a key.
    pub(super) key: Option<Value>,
}

/// All names: of a catalog, if there is one, and of what every catalog may say.
pub(super) fn all(
    catalog: Option<&Catalog>,
    kinds: &Kinds,
    profiles: &Profiles,
    schema: &Value,
) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut list = |sort: &'static str, name: &str, doc: &str| {
        found.push(Listed {
            sort,
            name: name.to_string(),
            doc: doc.to_string(),
            key: None,
        });
    };
    if let Some(catalog) = catalog {
        for service in &catalog.services {
            list(
                "service",
                &service.name,
                &format!("of group {}", service.group),
            );
        }
        for group in &catalog.groups {
            list("group", &group.key, &group.title);
        }
        for alert in &catalog.alerts {
            list("alert", &alert.name, &alert.kind.description);
        }
        for slo in &catalog.slos {
            list("objective", &slo.name, "");
        }
        for metric in catalog.declared() {
            list("metric", &metric.key, &metric.help);
        }
        for owner in &catalog.owners {
            list("owner", &owner.name, "");
        }
        for receiver in catalog.receivers.keys() {
            list("receiver", receiver, "");
        }
        for rule in &catalog.rules {
            list(
                "recording rule",
                &rule.name,
                rule.help.as_deref().unwrap_or(""),
            );
        }
    }
    for kind in kinds.iter() {
        list("kind", &kind.name, &kind.description);
    }
    for profile in profiles.names() {
        let count = profiles.metrics(profile).count();
        list(
            "profile",
            profile,
            &crate::diagnostic::plural(count, "metric"),
        );
    }
    for lint in LINTS {
        list("finding", lint.code, lint.doc);
    }
    for proof in PROOFS {
        list("finding", proof.code, proof.doc);
    }
    for (code, sentence) in codes::CODES {
        list("finding", code, sentence);
    }
    found.extend(keys::all(schema).into_iter().map(|key| Listed {
        sort: "key",
        key: Some(key.json()),
        name: key.path,
        doc: key.description,
    }));
    found
}
