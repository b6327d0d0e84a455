//! A route that goes on, and another that leads to the same receiver.

use super::Lint;
use crate::catalog::owners::Told;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "notified-twice",
    doc: "After a route with `continue` the alert also goes where its severity does. Where both lead to one receiver it is notified twice of the same alert.",
    bad: "[receivers.chat]\nwebhook = { url = \"https://chat.example.org/\" }\n\n[alertmanager.routes]\ncritical = \"chat\"\nwarning = \"chat\"\n\n[alerts.Gone]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[[routes]]\nalert = \"Gone\"\nreceivers = [\"chat\"]\ncontinue = true\n",
    good: "[receivers.chat]\nwebhook = { url = \"https://chat.example.org/\" }\n\n[alertmanager.routes]\ncritical = \"chat\"\nwarning = \"chat\"\n\n[alerts.Gone]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[[routes]]\nalert = \"Gone\"\nreceivers = [\"chat\"]\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        if !catalog.notices.iter().any(|notice| notice.goes_on) {
            return found;
        }
        let mut known = BTreeSet::new();
        for alert in &catalog.alerts {
            for (branch, subject) in catalog.all_subjects(alert) {
                let about = catalog.about(alert, subject, &branch.severity);
                // Times may part them, and a label that differs each time.
                let always = |told: &&Told| {
                    told.by.is_none_or(|notice| {
                        let timeless = notice.mute.is_empty() && notice.active.is_empty();
                        timeless && notice.of.picks(&about)
                    })
                };
                let told = catalog.told(&about);
                let told: Vec<&Told> = told.iter().filter(always).collect();
                for (at, one) in told.iter().enumerate() {
                    let mut later = told[at + 1..].iter();
                    let Some(notice) = one.by else { continue };
                    if later.all(|other| other.receiver != one.receiver)
                        || !known.insert((&notice.pointer, one.receiver))
                    {
                        continue;
                    }
                    let message = format!(
                        "`{}` is notified twice of `{}`: by this route, and by one behind it",
                        one.receiver, alert.name
                    );
                    let place = Place::Key(notice.pointer.clone());
                    let help = "take `continue` away, or name another receiver";
                    found.push(Diagnostic::warning("notified-twice", place, message).help(help));
                }
            }
        }
        found
    },
};
