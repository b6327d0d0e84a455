//! Parts of a date, UTC.

use chrono::{DateTime, Datelike, Months, Timelike, Utc};

/// Whether a number is a time that has a date. Of others Go's conversion makes some date or other.
pub(super) fn has_date(seconds: f64) -> bool {
    seconds.abs() < 1e11
}

/// The part that a function names, of a Unix time in seconds; None: no part of a date has this name.
pub(super) fn part(function: &str, seconds: f64) -> Option<f64> {
    let date: Option<DateTime<Utc>> = DateTime::from_timestamp(seconds as i64, 0);
    let of =
        |number: fn(DateTime<Utc>) -> u32| date.map_or(f64::NAN, |date| f64::from(number(date)));
    Some(match function {
        "minute" => of(|date| date.minute()),
        "hour" => of(|date| date.hour()),
        "day_of_week" => of(|date| date.weekday().num_days_from_sunday()),
        "day_of_month" => of(|date| date.day()),
        "day_of_year" => of(|date| date.ordinal()),
        "days_in_month" => of(|date| {
            let first = date.date_naive().with_day(1);
            let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
            first.zip(next).map_or(0, |(first, next)| {
                u32::try_from((next - first).num_days()).unwrap_or(0)
            })
        }),
        "month" => of(|date| date.month()),
        "year" => date.map_or(f64::NAN, |date| f64::from(date.year())),
        _ => return None,
    })
}
