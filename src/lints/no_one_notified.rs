//! Some alert reaches a human.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub const LINT: Lint = Lint {
    code: "no-one-notified",
    doc: "Every severity goes to the null receiver, or critical alerts do: they fire, are seen by whoever opens the Alertmanager, and wake no one.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, source| {
        let routes = &catalog.alertmanager.routes;
        let first = catalog.severities.first();
        let (place, message) = match routes.get(first).map(String::as_str) {
            // The routes of an own Alertmanager's configuration take them all.
            _ if !catalog.notifies() && !catalog.extra.alertmanager.is_empty() => {
                return Vec::new();
            }
            _ if !catalog.notifies() => (
                match source.contains("/alertmanager") {
                    true => "/alertmanager/routes".to_string(),
                    false => "/platform".to_string(),
                },
                "no alert notifies anyone: every severity goes to the null receiver".to_string(),
            ),
            // Left out, it is an error: lesser alerts notify someone. Said by name it is a decision, and still worth knowing.
            Some("null") => (
                format!("/alertmanager/routes/{first}"),
                format!("no one is notified of {first} alerts: they go to the null receiver"),
            ),
            _ => return Vec::new(),
        };
        let known: Vec<&str> = catalog.receivers.keys().map(String::as_str).collect();
        let help = match known.as_slice() {
            [] => format!(
                "write who is notified, as in `[receivers.on-call]` with `webhook = {{ url = \"https://…\" }}`, and `{first} = \"on-call\"` under `[alertmanager.routes]`; or accept it in `[alertmanager]` with `allow`"
            ),
            [receiver, ..] => format!(
                "write `{first} = \"{receiver}\"` under `[alertmanager.routes]`, or accept it in `[alertmanager]` with `allow`"
            ),
        };
        vec![Diagnostic::notice("no-one-notified", Place::Key(place), message).help(help)]
    },
};
