//! Some alert reaches a human.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "no-one-notified",
    doc: "Every severity goes to the null receiver, or critical alerts do: they fire, are seen by whoever opens the Alertmanager, and wake no one.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let routes = &catalog.alertmanager.routes;
        let (place, message) = match routes.get("critical").map(String::as_str) {
            _ if !catalog.notifies() => (
                "/alertmanager/routes",
                "no alert notifies anyone: every severity goes to the null receiver",
            ),
            // Left out, it is an error: lesser alerts notify someone. Said by name it is a decision, and still worth knowing.
            Some("null") => (
                "/alertmanager/routes/critical",
                "no one is notified of critical alerts: they go to the null receiver",
            ),
            _ => return Vec::new(),
        };
        let known: Vec<&str> = catalog.receivers.keys().map(String::as_str).collect();
        let help = match known.as_slice() {
            [] => "write who is notified, as in `[receivers.on-call]` with `webhook = { url = \"https://…\" }`, and `critical = \"on-call\"` under `[alertmanager.routes]`; or accept it in `[alertmanager]` with `allow`".to_string(),
            [first, ..] => format!("write `critical = \"{first}\"` under `[alertmanager.routes]`, or accept it in `[alertmanager]` with `allow`"),
        };
        vec![
            Diagnostic::notice("no-one-notified", Place::Key(place.to_string()), message)
                .help(help),
        ]
    },
};
