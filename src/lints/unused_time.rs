//! A time is that of somebody, or of something.

use super::Lint;
use super::unknown_time::named;
use crate::catalog::times::MONTHS;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use crate::value::Value;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "unused-time",
    doc: "A time that no route, owner, alert or objective names changes nothing: whoever wrote down the nights or the maintenance believes that nobody is called then.",
    bad: "[times.nights]\nhours = \"18:00-08:00\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[times.nights]\nhours = \"18:00-08:00\"\n\n[[routes]]\nreceivers = \"on-call\"\nmute = \"nights\"\n",
    check: |catalog, source| {
        let named: BTreeSet<&str> = named(source).into_iter().map(|(_, time)| time).collect();
        let never = catalog.times.iter().filter(|time| {
            let mut intervals = time.intervals.iter();
            intervals.all(|interval| !has_a_day(interval))
        });
        let never: Vec<Diagnostic> = never
            .map(|time| {
                let place = Place::Key(format!("/times/{}/days_of_month", step(&time.name)));
                let message = format!("`{}` never comes: its months have none of these days", time.name);
                Diagnostic::error("unused-time", place, message)
                    .help("write days that each of its months has; `-1` is the last of a month, however long it is")
            })
            .collect();
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
        .chain(never)
        .collect()
    },
};

/// Whether any of the months of an interval of the Alertmanager has one of its days, in a year that has a 29 February.
fn has_a_day(interval: &Value) -> bool {
    const LENGTHS: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let ranges = |key: &str| {
        let texts = interval[key].as_array().into_iter().flatten();
        let texts = texts.filter_map(Value::as_str).map(|text| {
            let (from, to) = text.split_once(':').unwrap_or((text, text));
            (from.to_string(), to.to_string())
        });
        texts.collect::<Vec<(String, String)>>()
    };
    let (months, days) = (ranges("months"), ranges("days_of_month"));
    let month = |name: &String| MONTHS.iter().position(|known| known == name);
    let counted = |(from, to): &(String, String), index: usize| {
        let (from, to) = (month(from), month(to));
        from.is_none_or(|from| from <= index) && to.is_none_or(|to| index <= to)
    };
    let mut all = LENGTHS.iter().enumerate().filter(|(index, _)| {
        months.is_empty() || months.iter().any(|range| counted(range, *index))
    });
    all.any(|(_, length)| {
        let day = |text: &String| {
            let day: Option<i64> = text.parse().ok();
            day.map(|day| if day < 0 { length + 1 + day } else { day })
        };
        let held = |(from, to): &(String, String)| match (day(from), day(to)) {
            (Some(from), Some(to)) => from.max(1) <= to.min(*length),
            _ => true,
        };
        days.is_empty() || days.iter().any(held)
    })
}
