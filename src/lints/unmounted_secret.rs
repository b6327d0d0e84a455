//! A secret's file is where the Alertmanager's container can read it.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::json::Parts;

/// The folder that the rendered compose file mounts for secrets.
const FOLDER: &str = "/etc/alertmanager/secrets/";

pub(crate) const LINT: Lint = Lint {
    code: "unmounted-secret",
    doc: "The Alertmanager runs in a container that sees its secrets in one folder; a file elsewhere is not there, and the notification fails when it is needed.",
    bad: "[receivers.on-call]\npagerduty = { routing_key_file = \"/run/key\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    good: "[receivers.on-call]\npagerduty = { routing_key_file = \"/etc/alertmanager/secrets/key\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for (receiver, integrations) in &catalog.receivers {
            for (integration, settings) in integrations.entries() {
                let files = settings.entries().filter(|(key, _)| key.ends_with("_file"));
                for (key, file) in files
                    .filter(|(_, file)| file.as_str().is_some_and(|file| !file.starts_with(FOLDER)))
                {
                    let place = Place::Value(format!("/receivers/{receiver}/{integration}/{key}"));
                    found.push(
                        Diagnostic::error(
                            "unmounted-secret",
                            place,
                            format!("the Alertmanager's container has no {file}"),
                        )
                        .help(format!("put the file under `{FOLDER}`")),
                    );
                }
            }
        }
        found
    },
};
