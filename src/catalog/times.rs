//! `[times.NAME]`: when somebody is told, or is not.

use crate::json::names;
use crate::value::{Map, Value, json};
use serde::Serialize;

/// As the Alertmanager counts them.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// From the first on.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    pub name: String,
    /// As the Alertmanager reads them: it knows no hours that go over midnight, and no weekend from Saturday to Sunday.
    pub intervals: Vec<Value>,
    /// As people read it.
    pub says: String,
}

impl Time {
    pub(super) fn all(catalog: &Value) -> Vec<Time> {
        let all = catalog["times"].entries();
        all.map(|(name, written)| Time {
            name: name.clone(),
            intervals: intervals(written),
            says: says(written),
        })
        .collect()
    }
}

fn intervals(written: &Value) -> Vec<Value> {
    let list = |key: &str| names(&written[key]);
    let weekdays = days(&list("weekdays"), &WEEKDAYS);
    // The part before midnight, and the part behind it, which belongs to the night that began the day before.
    let (mut same, mut next) = (Vec::new(), Vec::new());
    for hours in list("hours") {
        let Some((start, end)) = hours.split_once('-') else {
            continue;
        };
        if start < end {
            same.push(json!({"start_time": start, "end_time": end}));
            continue;
        }
        same.push(json!({"start_time": start, "end_time": "24:00"}));
        if end != "00:00" {
            next.push(json!({"start_time": "00:00", "end_time": end}));
        }
    }
    let interval = |times: Vec<Value>, shift: usize| {
        let mut interval = Map::new();
        let mut say = |key: &str, values: Vec<Value>| {
            if !values.is_empty() {
                interval.insert(key.to_string(), values.into());
            }
        };
        say("times", times);
        say("weekdays", ranges(&weekdays, shift, &WEEKDAYS));
        let dates = list("days_of_month").into_iter();
        say("days_of_month", dates.map(Value::from).collect());
        let months = days(&list("months"), &MONTHS);
        say("months", ranges(&months, 0, &MONTHS));
        if let Some(zone) = written["time_zone"].as_str().filter(|zone| *zone != "UTC") {
            interval.insert("location".to_string(), zone.into());
        }
        Value::Object(interval)
    };
    let mut all = Vec::new();
    if !same.is_empty() || next.is_empty() {
        all.push(interval(same, 0));
    }
    if !next.is_empty() {
        all.push(interval(next, 1));
    }
    all
}

/// Which of the names a list of names and ranges holds; a range may go over the end.
fn days(written: &[String], names: &[&str]) -> Vec<bool> {
    let mut held = vec![false; names.len()];
    let at = |name: &str| names.iter().position(|known| *known == name);
    for range in written {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        let (Some(from), Some(to)) = (at(from), at(to)) else {
            continue;
        };
        let mut day = from;
        held[day] = true;
        while day != to {
            day = (day + 1) % names.len();
            held[day] = true;
        }
    }
    held
}

/// The same as ranges that end behind where they begin; each `shift` later.
fn ranges(held: &[bool], shift: usize, names: &[&str]) -> Vec<Value> {
    let many = names.len();
    let on = |day: usize| held[(day + many - shift) % many];
    let mut ranges = Vec::new();
    let mut day = 0;
    while day < many {
        let from = day;
        while day < many && on(day) {
            day += 1;
        }
        match day - from {
            0 => day += 1,
            1 => ranges.push(names[from].into()),
            _ => ranges.push(format!("{}:{}", names[from], names[day - 1]).into()),
        }
    }
    ranges
}

/// `monday:friday, 18:00-08:00, Europe/Berlin`.
fn says(written: &Value) -> String {
    let keys = ["weekdays", "days_of_month", "months", "hours", "time_zone"];
    let all = keys.iter().flat_map(|key| names(&written[*key]));
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_that_begins_on_a_weekday_ends_on_the_next() {
        let nights = json!({"weekdays": ["monday:friday"], "hours": ["18:00-08:00"], "time_zone": "Europe/Berlin"});
        assert_eq!(
            intervals(&nights),
            [
                json!({"times": [{"start_time": "18:00", "end_time": "24:00"}], "weekdays": ["monday:friday"], "location": "Europe/Berlin"}),
                json!({"times": [{"start_time": "00:00", "end_time": "08:00"}], "weekdays": ["tuesday:saturday"], "location": "Europe/Berlin"}),
            ]
        );
    }

    #[test]
    fn ranges_may_go_over_the_end() {
        let weekend = json!({"weekdays": "saturday:sunday", "months": "november:february", "time_zone": "UTC"});
        assert_eq!(
            intervals(&weekend),
            [
                json!({"weekdays": ["sunday", "saturday"], "months": ["january:february", "november:december"]})
            ]
        );
        let until_midnight = json!({"hours": ["22:00-00:00"]});
        assert_eq!(
            intervals(&until_midnight),
            [json!({"times": [{"start_time": "22:00", "end_time": "24:00"}]})]
        );
    }
}
