//! A night is shorter than a day.

use super::Lint;
use super::unknown_time::named;
use crate::diagnostic::{Diagnostic, Place};
use crate::json::names;
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "swapped-hours",
    doc: "Hours over midnight begin on one day and end on the next: `03:30-02:00` is all of the day but an hour and a half. Muted at such a time, people are told of next to nothing.",
    bad: "[receivers.on-call]\nwebhook = { url = \"https://pager.example.org/\" }\n\n[alerts.Busy]\nkind = \"threshold\"\nmetric = \"orders_active\"\nabove = 100\nfor = \"5m\"\nseverity = \"warning\"\n\n[alertmanager.routes]\nwarning = \"on-call\"\n\n[[routes]]\nalert = \"Busy\"\nreceivers = \"on-call\"\nmute = \"backup\"\n\n[times.backup]\nhours = \"03:30-02:00\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"https://pager.example.org/\" }\n\n[alerts.Busy]\nkind = \"threshold\"\nmetric = \"orders_active\"\nabove = 100\nfor = \"5m\"\nseverity = \"warning\"\n\n[alertmanager.routes]\nwarning = \"on-call\"\n\n[[routes]]\nalert = \"Busy\"\nreceivers = \"on-call\"\nmute = \"backup\"\n\n[times.backup]\nhours = \"02:00-03:30\"\n",
    check: |_, source| {
        let muted: Vec<&str> = named(source)
            .into_iter()
            .filter(|(pointer, _)| pointer.contains("/mute"))
            .map(|(_, time)| time)
            .collect();
        let mut found = Vec::new();
        for (name, time) in source.value["times"].entries() {
            if !muted.contains(&name.as_str()) {
                continue;
            }
            for (from, to) in names(&time["hours"])
                .iter()
                .filter_map(|text| text.split_once('-'))
            {
                let Some((begins, ends)) = minutes(from).zip(minutes(to)) else {
                    continue;
                };
                if begins <= ends || DAY - begins + ends <= LONGEST {
                    continue;
                }
                let left = begins - ends;
                let message = format!(
                    "`{name}` is from {from} until {to} on the next day: who is muted then is told for {}h{:02}m a day",
                    left / 60,
                    left % 60
                );
                found.push(
                    Diagnostic::error(
                        "swapped-hours",
                        Place::Value(format!("/times/{}/hours", step(name))),
                        message,
                    )
                    .help(format!(
                        "write `{to}-{from}`; where it is meant so, name that time with `active`"
                    )),
                );
            }
        }
        found
    },
};

const DAY: u32 = 24 * 60;

/// No night, and no evening with a night, is longer.
const LONGEST: u32 = 18 * 60;

fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    Some(hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?)
}
