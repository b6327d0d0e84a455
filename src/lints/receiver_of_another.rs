//! Two receivers are two.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "receiver-of-another",
    doc: "Receivers have two names because two teams are told. With the same address and the same secret both tell the one of them, and the other hears nothing.",
    bad: "[receivers.web-pager]\nwebhook = { url = \"https://pager.example.org/web\" }\n\n[receivers.shop-pager]\nwebhook = { url = \"https://pager.example.org/web\" }\n\n[alertmanager.routes]\ncritical = \"web-pager\"\nwarning = \"shop-pager\"\n",
    good: "[receivers.web-pager]\nwebhook = { url = \"https://pager.example.org/web\" }\n\n[receivers.shop-pager]\nwebhook = { url = \"https://pager.example.org/shop\" }\n\n[alertmanager.routes]\ncritical = \"web-pager\"\nwarning = \"shop-pager\"\n",
    check: |catalog, source| {
        let mut known: Vec<(&str, &str, Value)> = Vec::new();
        let mut found = Vec::new();
        for (receiver, integrations) in &catalog.receivers {
            for (integration, written) in integrations.entries() {
                let mut to = written.clone();
                // How it is told is not who is told.
                if let Some(table) = to.as_object_mut() {
                    table.retain(|key, _| !HOW.contains(&key.as_str()));
                }
                let mut same = known.iter();
                let same = same.find(|(_, of, known)| of == integration && *known == to);
                let at = |name: &str| format!("/receivers/{}/{}", step(name), step(integration));
                // An environment tells one of its people of what elsewhere is the matter of two.
                let brought_together = |other: &str| {
                    source.environment.is_some()
                        && (source.differs(&at(receiver)) || source.differs(&at(other)))
                };
                if let Some((other, ..)) = same.filter(|(other, ..)| !brought_together(other)) {
                    let message =
                        format!("`{receiver}` and `{other}` tell the same, by {integration}");
                    found.push(
                        Diagnostic::warning("receiver-of-another", Place::Key(at(receiver)), message)
                            .also(Place::Key(at(other)), "the other")
                            .help("give each its own address or secret; if they are one, name one of them in the routes"),
                    );
                }
                known.push((receiver, integration, to));
            }
        }
        found
    },
};

/// Keys that differ in what somebody is told, and when.
const HOW: [&str; 4] = ["send_resolved", "title", "text", "severity"];
