//! A time is that of somebody, or of something.

use super::Lint;
use super::unknown_time::named;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "unused-time",
    doc: "A time that no route, owner, alert or objective names changes nothing: whoever wrote down the nights or the maintenance believes that nobody is called then.",
    bad: "[times.nights]\nhours = \"18:00-08:00\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[times.nights]\nhours = \"18:00-08:00\"\n\n[[routes]]\nreceivers = \"on-call\"\nmute = \"nights\"\n",
    check: |catalog, source| {
        let named: BTreeSet<&str> = named(source).into_iter().map(|(_, time)| time).collect();
        let times = catalog.times.iter().map(|time| time.name.as_str());
        let idle = times.filter(|time| !named.contains(time));
        idle.map(|time| {
            Diagnostic::warning(
                "unused-time",
                Place::Key(format!("/times/{}", step(time))),
                format!("nothing is muted or active at `{time}`"),
            )
            .help(format!(
                "write `mute = \"{time}\"` or `active = \"{time}\"` at a route, an owner or an alert's `hours`, or remove it"
            ))
        })
        .collect()
    },
};
