//! Whoever reaches the machine may not silence its alerts.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use std::net::IpAddr;

pub(crate) const LINT: Lint = Lint {
    code: "open-to-all",
    doc: "Published at every address of the machine and without a password, Prometheus tells whoever asks all that it knows, and the Alertmanager lets anybody silence what is to wake people. Docker's rules come before those of a firewall on the machine.",
    bad: "[compose]\nmonitoring_address = \"0.0.0.0\"\n",
    good: "[compose]\nmonitoring_address = \"127.0.0.1\"\n",
    check: |catalog, _| {
        let address = catalog.compose.monitoring_address.parse::<IpAddr>();
        if !address.is_ok_and(|address| address.is_unspecified()) {
            return Vec::new();
        }
        let (prometheus, alertmanager) = (&catalog.prometheus, &catalog.alertmanager);
        let contained = prometheus.runs_on == "compose";
        let open = [
            (
                "Prometheus",
                contained && prometheus.basic_auth_user.is_none(),
            ),
            (
                "the Alertmanager",
                alertmanager.runs_on == "compose" && alertmanager.basic_auth_user.is_none(),
            ),
        ];
        let open: Vec<&str> = open
            .into_iter()
            .filter_map(|(name, open)| open.then_some(name))
            .collect();
        if open.is_empty() {
            return Vec::new();
        }
        let message = format!(
            "whoever reaches this machine may use {}: at every address, and without a password",
            open.join(" and ")
        );
        let place = Place::Value("/compose/monitoring_address".to_string());
        vec![
            Diagnostic::warning("open-to-all", place, message)
                .help("write `basic_auth_user` in [prometheus] and [alertmanager], or the address of a network in which only you are; or accept it in `[compose]` with `allow`"),
        ]
    },
};
