//! The monitoring's own jobs and containers have names too.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

/// Scrape jobs and containers that are rendered for every catalog.
pub(super) const TAKEN: [&str; 5] = [
    "prometheus",
    "alertmanager",
    "grafana",
    "blackbox-exporter",
    "health-probe",
];

pub(crate) const LINT: Lint = Lint {
    code: "reserved-name",
    doc: "Prometheus, the Alertmanager, Grafana and the blackbox exporter are scraped and started beside the services, so a service of that name would be duplicated and Prometheus would not start.",
    bad: "[services.grafana]\ngroup = \"web\"\nport = 8002\n",
    good: "[services.dashboards]\ngroup = \"web\"\nport = 8002\n",
    check: |catalog, _| {
        let taken = catalog
            .services
            .iter()
            .filter(|service| TAKEN.contains(&service.name.as_str()));
        taken
            .map(|service| {
                Diagnostic::error(
                    "reserved-name",
                    Place::Key(format!("/services/{}", service.name)),
                    format!("`{}` is the monitoring's own name", service.name),
                )
                .help("call the service something else")
            })
            .collect()
    },
};
