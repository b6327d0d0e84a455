//! A secret's file is where the Alertmanager's container can read it.

use super::{Lint, set_at};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;

/// The folder that the rendered compose file mounts for secrets.
const FOLDER: &str = "/etc/alertmanager/secrets/";

pub(crate) const LINT: Lint = Lint {
    code: "unmounted-secret",
    doc: "The Alertmanager runs in a container that sees its secrets in one folder; a file elsewhere is not there, and the notification fails when it is needed.",
    bad: "[receivers.on-call]\npagerduty = { routing_key_file = \"/run/key\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    good: "[receivers.on-call]\npagerduty = { routing_key_file = \"/etc/alertmanager/secrets/key\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, source| {
        let mut found = relative(catalog, source);
        let mut files: Vec<(String, &str)> = Vec::new();
        for (receiver, integrations) in &catalog.receivers {
            for (integration, settings) in integrations.entries() {
                let named = settings.entries().filter(|(key, _)| key.ends_with("_file"));
                files.extend(named.filter_map(|(key, file)| {
                    let pointer = format!("/receivers/{receiver}/{integration}/{key}");
                    Some((pointer, file.as_str()?))
                }));
            }
        }
        let aws = catalog.alertmanager.aws_credentials_file.iter();
        files.extend(aws.map(|file| ("/alertmanager/aws_credentials_file".into(), file.as_str())));
        // It looks for templates, certificates and what lets it in over HTTP beside its configuration, and for a receiver's secret where
        // it was started.
        if catalog.alertmanager.runs_on == "host" {
            let below = files.into_iter().filter(|(pointer, file)| {
                let key = pointer.rsplit('/').next().unwrap_or_default();
                !file.starts_with('/') && !["credentials_file", "password_file"].contains(&key)
            });
            found.extend(below.map(|(pointer, file)| {
                let message = format!(
                    "the Alertmanager looks for {file} in the folder in which it was started, and under systemd that is /"
                );
                let place = Place::Value(pointer);
                let error = Diagnostic::error("unmounted-secret", place, message);
                error.help("name the file by its whole path, as in /etc/alertmanager/secrets/key")
            }));
            return found;
        }
        let elsewhere = files
            .into_iter()
            .filter(|(_, file)| !file.starts_with(FOLDER));
        found.extend(elsewhere.map(|(pointer, file)| {
            Diagnostic::error(
                "unmounted-secret",
                Place::Value(pointer),
                format!("the Alertmanager's container has no {file}"),
            )
            .help(format!(
                "write a path under {FOLDER}: what lies in the folder of secrets is there"
            ))
        }));
        found
    },
};

/// Without a container, the folder in which the blackbox exporter was started decides what a path means that does not begin with a slash;
/// Prometheus looks from its configuration on.
fn relative(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    if catalog.prometheus.runs_on != "host" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for service in catalog.services.iter().filter(|one| one.health_probe) {
        for (table, file) in service.files().filter(|(_, file)| !file.starts_with('/')) {
            found.push(
                Diagnostic::error(
                    "unmounted-secret",
                    set_at(source, service, table),
                    format!(
                        "the blackbox exporter looks for {file} in the folder in which it was started"
                    ),
                )
                .help("name the file by its whole path: without a container nothing says where that is"),
            );
        }
    }
    found
}
