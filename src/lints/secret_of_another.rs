//! One file is one secret.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::value::{Value, to_value};
use std::collections::BTreeMap;

pub(crate) const LINT: Lint = Lint {
    code: "secret-of-another",
    doc: "A file that is read as the address of a web hook and as a key of another service is only one of them: what is sent with the other is refused, and nobody is notified.",
    bad: "[alertmanager.routes]\ncritical = \"on-call\"\nwarning = \"team\"\n\n[receivers.team]\nslack = { channel = \"#shop\", api_url_file = \"/etc/alertmanager/secrets/pagerduty\" }\n\n[receivers.on-call]\npagerduty = { routing_key_file = \"/etc/alertmanager/secrets/pagerduty\" }\n",
    good: "[alertmanager.routes]\ncritical = \"on-call\"\nwarning = \"team\"\n\n[receivers.team]\nslack = { channel = \"#shop\", api_url_file = \"/etc/alertmanager/secrets/slack\" }\n\n[receivers.on-call]\npagerduty = { routing_key_file = \"/etc/alertmanager/secrets/pagerduty\" }\n",
    check: |catalog, _| {
        let receivers = to_value(&catalog.receivers).unwrap_or_default();
        let mut files: BTreeMap<String, (String, String)> = BTreeMap::new();
        let mut found = Vec::new();
        for (name, receiver) in receivers.entries() {
            for (integration, settings) in receiver.entries() {
                let read = settings.entries().filter_map(|(key, value)| match value {
                    Value::String(path) if key.ends_with("_file") => Some((key, path)),
                    _ => None,
                });
                for (key, path) in read {
                    let (what, place) = (
                        format!("{integration}.{key}"),
                        format!("/receivers/{name}/{integration}/{key}"),
                    );
                    match files.get(path) {
                        Some((other, at)) if *other != what => found.push(
                            Diagnostic::error(
                                "secret-of-another",
                                Place::Value(place),
                                format!("`{path}` is read as `{key}` of {integration}, and as another secret"),
                            )
                            .also(Place::Value(at.clone()), "here")
                            .help("give each secret a file of its own"),
                        ),
                        Some(_) => {}
                        None => drop(files.insert(path.clone(), (what, place))),
                    }
                }
            }
        }
        found
    },
};
