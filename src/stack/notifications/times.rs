//! When a route notifies: its intervals, evaluated over a week, or over years where they speak of dates.

use super::routes::{Route, TIMES};
use crate::catalog::times::{MONTHS, WEEKDAYS};
use crate::json::plain;
use crate::value::Value;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Timelike, Utc};
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// Minutes of a day.
const DAY: usize = 24 * 60;

/// How far zones are from UTC, in quarters of an hour.
const OFFSETS: std::ops::RangeInclusive<i64> = -48..=56;

/// A range with both ends.
type Range = (i64, i64);

/// One entry of an interval: all that it speaks of must be so. Its time zone is not looked at for a length: it shifts days.
#[derive(PartialEq)]
struct Interval {
    /// On the days on which it holds.
    minutes: Minutes,
    weekdays: Option<Vec<Range>>,
    days: Option<Vec<Range>>,
    months: Option<Vec<Range>>,
    years: Option<Vec<Range>>,
    zone: String,
}

/// Every interval of a configuration by its name, wherever it is defined.
pub struct Intervals(BTreeMap<String, Vec<Interval>>);

/// The minutes of a day at which something holds.
type Minutes = FixedBitSet;

/// The names of the intervals that a route heeds, in the order of TIMES; None: it has no such key.
pub(crate) type Heeded<'n> = [Option<Vec<&'n str>>; 2];

/// What a route of the configuration heeds.
pub fn heeded(route: &Route) -> Heeded<'_> {
    TIMES.map(|key| Some(route.settings.get(key)?.texts().collect()))
}

impl Intervals {
    /// `time_intervals`, and the older `mute_time_intervals`.
    pub fn of(alertmanager: &Value) -> Intervals {
        let lists = ["time_intervals", "mute_time_intervals"];
        let named = lists.iter().flat_map(|key| alertmanager[*key].items());
        let read = |named: &Value| {
            let entries = named["time_intervals"].items().map(Interval::read);
            (plain(&named["name"]), entries.collect())
        };
        Intervals(named.map(read).collect())
    }

    /// Whether no route can heed any.
    pub(crate) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an interval has this name.
    pub(crate) fn have(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether an interval holds at a minute of a day.
    pub fn hold(&self, name: &str, day: NaiveDate, minute: usize) -> bool {
        self.on(&[name], day)[minute]
    }

    /// The minutes of a day at which any of several intervals holds.
    fn on(&self, names: &[&str], day: NaiveDate) -> Minutes {
        let mut minutes = Minutes::with_capacity(DAY);
        let all = names.iter().filter_map(|name| self.0.get(*name)).flatten();
        for interval in all.filter(|interval| interval.is_on(day)) {
            minutes.union_with(&interval.minutes);
        }
        minutes
    }

    /// The minutes of a day at which any of several routes notifies.
    fn open(&self, routes: &[Heeded], day: NaiveDate) -> Minutes {
        let mut any = Minutes::with_capacity(DAY);
        for [mute, active] in routes {
            let mut open = match active {
                Some(names) => self.on(names, day),
                None => whole_day(),
            };
            if let Some(names) = mute {
                open.difference_with(&self.on(names, day));
            }
            any.union_with(&open);
        }
        any
    }

    /// The time zones of the intervals that routes heed.
    fn zones(&self, routes: &[Heeded]) -> BTreeSet<&str> {
        let names = routes.iter().flatten().flatten().flatten();
        let intervals = names.filter_map(|name| self.0.get(*name)).flatten();
        intervals.map(|interval| interval.zone.as_str()).collect()
    }

    /// Where some routes notify at other times than others, which heed other intervals: how, in a sentence.
    pub fn differ(
        &self,
        routes: &[Heeded],
        (others, wanted): (&Intervals, &[Heeded]),
    ) -> Option<String> {
        let names = || routes.iter().flatten().flatten().flatten();
        let same = |name: &&str| self.0.get(*name) == others.0.get(*name);
        if routes == wanted && names().all(same) {
            return None;
        }
        let [is, should] = [self.zones(routes), others.zones(wanted)];
        let days = || self.days().chain(others.days());
        let differs = days().find_map(|day| {
            let [is, should] = [self.open(routes, day), others.open(wanted, day)];
            let minute = (0..DAY).find(|minute| is[*minute] != should[*minute])?;
            Some((day, minute, is[minute]))
        });
        let list = |zones: &BTreeSet<&str>| zones.iter().copied().collect::<Vec<_>>().join(", ");
        match differs {
            // Hours of no zone are those of any: only where both heed some do zones matter.
            None if is != should && !is.is_empty() && !should.is_empty() => Some(format!(
                "by the hours of {} instead of {}",
                list(&is),
                list(&should)
            )),
            None => None,
            Some((day, minute, told)) => {
                let dates = others.dates() || self.dates();
                let at = moment(day, minute, dates);
                Some(match told {
                    true => format!("{at} too, when the catalog tells nobody"),
                    false => format!("not {at}, when the catalog tells somebody"),
                })
            }
        }
    }

    /// When some routes notify and others do not, as `Monday at 02:00`.
    pub(crate) fn silent_while(&self, silent: &[&Route], notify: &[&Route]) -> Option<String> {
        let [silent, notify] = [silent, notify].map(|routes| {
            let heeded = routes.iter().map(|route| heeded(route));
            heeded.collect::<Vec<Heeded>>()
        });
        if silent
            .iter()
            .any(|heeded| heeded.iter().all(Option::is_none))
        {
            return None;
        }
        self.days().find_map(|day| {
            let mut open = self.open(&notify, day);
            open.difference_with(&self.open(&silent, day));
            let minute = open.ones().next()?;
            Some(moment(day, minute, self.dates()))
        })
    }

    /// Whether none of the routes notifies at an instant; `Err` names the zones of hours that decide it, as nothing here knows
    /// what time it is there.
    pub fn silent_at(&self, routes: &[&Route], at: DateTime<Utc>) -> Result<bool, Vec<&str>> {
        let heeded: Vec<Heeded> = routes.iter().map(|route| heeded(route)).collect();
        let silent = |at: DateTime<Utc>| {
            let minute = (at.hour() * 60 + at.minute()) as usize;
            !self.open(&heeded, at.date_naive())[minute]
        };
        let zones = self.zones(&heeded);
        let elsewhere: Vec<&str> = zones.into_iter().filter(|zone| *zone != "UTC").collect();
        if elsewhere.is_empty() {
            return Ok(silent(at));
        }
        let mut quarters = OFFSETS.map(|quarter| silent(at + TimeDelta::minutes(quarter * 15)));
        let first = quarters.next().unwrap_or_default();
        match quarters.all(|other| other == first) {
            true => Ok(first),
            false => Err(elsewhere),
        }
    }

    /// Whether any interval speaks of dates.
    fn dates(&self) -> bool {
        self.0.values().flatten().any(|interval| {
            interval.days.is_some() || interval.months.is_some() || interval.years.is_some()
        })
    }

    /// Whether any of the routes notifies at some time.
    pub(crate) fn ever_notify(&self, routes: &[&Route]) -> bool {
        let heeded: Vec<Heeded> = routes.iter().map(|route| heeded(route)).collect();
        let always = |heeded: &Heeded| heeded.iter().all(Option::is_none);
        heeded.iter().any(always) || self.days().any(|day| !self.open(&heeded, day).is_clear())
    }

    /// The most minutes in a row during which none of the routes notifies; None: they never do.
    pub(crate) fn longest_silence(&self, routes: &[&Route]) -> Option<usize> {
        if routes
            .iter()
            .any(|route| TIMES.iter().all(|key| !route.settings.contains_key(key)))
        {
            return Some(0);
        }
        let heeded: Vec<Heeded> = routes.iter().map(|route| heeded(route)).collect();
        let (mut longest, mut now, mut open) = (0, 0, false);
        for day in self.days() {
            let minutes = self.open(&heeded, day);
            for notifies in (0..DAY).map(|minute| minutes[minute]) {
                now = if notifies { 0 } else { now + 1 };
                longest = longest.max(now);
                open |= notifies;
            }
        }
        open.then_some(longest)
    }

    /// The minutes of an average week during which none of the routes notifies.
    pub(crate) fn silence_of_a_week(&self, routes: &[&Route]) -> usize {
        let heeded: Vec<Heeded> = routes.iter().map(|route| heeded(route)).collect();
        let always = |heeded: &Heeded| heeded.iter().all(Option::is_none);
        if routes.is_empty() || heeded.iter().any(always) {
            return 0;
        }
        let (mut silent, mut days) = (0, 0);
        for day in self.days() {
            silent += self.open(&heeded, day).count_zeroes(..);
            days += 1;
        }
        silent * 7 / days.max(1)
    }

    /// Whether any of the routes notifies at some time of a working day, from nine to five.
    pub(crate) fn notify_by_day(&self, routes: &[&Route]) -> bool {
        let heeded: Vec<Heeded> = routes.iter().map(|route| heeded(route)).collect();
        let always = |heeded: &Heeded| heeded.iter().all(Option::is_none);
        let works = |day: &NaiveDate| day.weekday().num_days_from_monday() < 5;
        heeded.iter().any(always)
            || self.days().filter(works).any(|day| {
                let open = self.open(&heeded, day);
                (9 * 60..17 * 60).any(|minute| open[minute])
            })
    }

    /// Enough days to see all: two weeks; years where an interval speaks of days of the month, of months or years.
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let dates = self.dates();
        let all = self.0.values().flatten();
        let years = all.filter_map(|interval| interval.years.as_ref()).flatten();
        let years: Vec<i64> = years.flat_map(|(from, to)| [*from, *to]).collect();
        // A year before and one behind those that are named; a leap year and what is between two of them where none is.
        let from = years.iter().min().map_or(2024, |first| first - 1);
        let to = years
            .iter()
            .max()
            .map_or(2027, |last| (last + 1).min(from + 30));
        let start = i32::try_from(from)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1))
            .unwrap_or_default();
        let count = if dates {
            (to - from + 1).max(1) * 366
        } else {
            14
        };
        (0..count.unsigned_abs()).filter_map(move |day| start.checked_add_days(Days::new(day)))
    }
}

impl Interval {
    fn read(entry: &Value) -> Interval {
        let list = |key: &str, read: &dyn Fn(&str) -> Option<i64>| {
            let list = entry.get(key).filter(|list| list.is_array())?;
            let ranges = list.items().filter_map(|text| range(&plain(text), read));
            let ranges: Vec<Range> = ranges.collect();
            (!list.items().as_slice().is_empty()).then_some(ranges)
        };
        let named = |names: &'static [&'static str], first: i64| {
            move |text: &str| {
                let at = names.iter().position(|name| *name == text);
                at.map(|at| at as i64 + first).or_else(|| text.parse().ok())
            }
        };
        let times = entry["times"].items().filter_map(|range| {
            let [from, to] = ["start_time", "end_time"].map(|key| minute(&plain(&range[key])));
            Some(from?..to?.min(DAY))
        });
        let times: Vec<_> = times.collect();
        let mut minutes = match times.is_empty() {
            true => whole_day(),
            false => Minutes::with_capacity(DAY),
        };
        for range in times.into_iter().filter(|range| !range.is_empty()) {
            minutes.insert_range(range);
        }
        Interval {
            minutes,
            weekdays: list("weekdays", &named(&WEEKDAYS, 0)),
            days: list("days_of_month", &|text| text.parse().ok()),
            months: list("months", &named(&MONTHS, 1)),
            years: list("years", &|text| text.parse().ok()),
            zone: match plain(&entry["location"]).as_str() {
                "" | "null" | "Etc/UTC" => "UTC".to_string(),
                zone => zone.to_string(),
            },
        }
    }

    /// Whether it holds on a day at all.
    fn is_on(&self, day: NaiveDate) -> bool {
        let within = |ranges: &Option<Vec<Range>>, value: i64| {
            let mut ranges = ranges.iter().flatten();
            ranges.any(|(from, to)| (*from..=*to).contains(&value))
        };
        let says =
            |ranges: &Option<Vec<Range>>, value: i64| ranges.is_none() || within(ranges, value);
        let last = i64::from(day.num_days_in_month());
        // Negative days count from the end of the month.
        let of_month = |at: i64| if at < 0 { last + at + 1 } else { at };
        let days = self.days.as_ref().map(|ranges| {
            let ranges = ranges.iter();
            ranges
                .map(|(from, to)| (of_month(*from).max(1), of_month(*to).min(last)))
                .collect()
        });
        let weekday = i64::from(day.weekday().num_days_from_sunday());
        says(&self.weekdays, weekday)
            && says(&days, i64::from(day.day()))
            && says(&self.months, i64::from(day.month()))
            && says(&self.years, i64::from(day.year()))
    }
}

/// `a:b`, or `a` alone.
fn range(text: &str, read: &dyn Fn(&str) -> Option<i64>) -> Option<Range> {
    let text = text.to_lowercase();
    let (from, to) = text.split_once(':').unwrap_or((&text, &text));
    Some((read(from.trim())?, read(to.trim())?))
}

/// `09:30`; the end of the day is `24:00`.
fn minute(text: &str) -> Option<usize> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<usize>().ok()? * 60 + minutes.parse::<usize>().ok()?)
}

/// `on a Monday at 08:00`, with the date where dates matter.
fn moment(day: NaiveDate, minute: usize, dates: bool) -> String {
    let date = match dates {
        true => format!(" ({day})"),
        false => String::new(),
    };
    let (weekday, hour) = (day.format("%A"), minute / 60);
    format!("on a {weekday} at {hour:02}:{:02}{date}", minute % 60)
}

fn whole_day() -> Minutes {
    let mut minutes = Minutes::with_capacity(DAY);
    minutes.insert_range(..);
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn silence(interval: Value, route: Value) -> Option<usize> {
        let config = json!({"time_intervals": [{"name": "x", "time_intervals": [interval]}], "route": route});
        let root = Route::of(&config).unwrap();
        Intervals::of(&config).longest_silence(&[&root])
    }

    #[test]
    fn silence_is_as_long_as_its_intervals() {
        let muted = || json!({"mute_time_intervals": ["x"]});
        let active = || json!({"active_time_intervals": ["x"]});
        let nights = json!({"times": [{"start_time": "00:00", "end_time": "06:00"}, {"start_time": "22:00", "end_time": "24:00"}]});
        assert_eq!(silence(nights.clone(), muted()), Some(8 * 60));
        assert_eq!(silence(nights, active()), Some(16 * 60));
        let weekdays = json!({"weekdays": ["monday:friday"]});
        assert_eq!(silence(weekdays.clone(), muted()), Some(5 * DAY));
        assert_eq!(silence(weekdays, active()), Some(2 * DAY));
        assert_eq!(silence(json!({}), muted()), None);
        assert_eq!(silence(json!({}), active()), Some(0));
        let last = json!({"days_of_month": ["-1"], "months": ["2", "march:april"]});
        assert_eq!(silence(last.clone(), muted()), Some(DAY));
        // From May to the last day of February.
        assert_eq!(silence(last, active()), Some(303 * DAY));
        assert_eq!(
            silence(json!({"years": ["2030:2031"]}), muted()),
            Some(730 * DAY)
        );
    }

    #[test]
    fn hours_of_another_zone_are_only_known_where_they_are_the_same_everywhere() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let silent = |times: Value, zone: &str| {
            let interval = json!({"times": times, "location": zone});
            let config = json!({"time_intervals": [{"name": "x", "time_intervals": [interval]}], "route": {"mute_time_intervals": ["x"]}});
            let root = Route::of(&config).unwrap();
            let intervals = Intervals::of(&config);
            let silent = intervals.silent_at(&[&root], at);
            silent.map_err(|zones| zones.join(","))
        };
        // It is 22:13 in UTC.
        let night = json!([{"start_time": "22:00", "end_time": "24:00"}]);
        assert_eq!(silent(night.clone(), "UTC"), Ok(true));
        assert_eq!(silent(night, "Asia/Tokyo"), Err("Asia/Tokyo".to_string()));
        let always = json!([{"start_time": "00:00", "end_time": "24:00"}]);
        assert_eq!(silent(always, "Asia/Tokyo"), Ok(true));
    }

    #[test]
    fn days_count_from_both_ends_of_the_month() {
        let config = json!({"mute_time_intervals": [{"name": "x", "time_intervals": [{"days_of_month": ["-3:-1", "1"]}]}]});
        let intervals = Intervals::of(&config);
        let on = |month, day| {
            let day = NaiveDate::from_ymd_opt(2025, month, day).unwrap();
            intervals.hold("x", day, 0)
        };
        assert_eq!(
            [on(2, 1), on(2, 2), on(2, 25), on(2, 26), on(2, 28)],
            [true, false, false, true, true]
        );
    }
}
