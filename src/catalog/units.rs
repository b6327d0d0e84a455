//! Durations, sizes and numbers with a unit, as Prometheus and people write them.

use crate::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// Milliseconds; written in Prometheus' notation, `1h30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

/// Bytes; written with a unit, `512MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// The most that Prometheus, the Alertmanager and PromQL can count: 64 bits of nanoseconds with a sign, some 292 years.
const LONGEST: u64 = i64::MAX as u64 / 1_000_000;

/// The most that they and Docker can count: 64 bits of bytes with a sign.
const LARGEST: u64 = i64::MAX as u64;

/// Largest first; a year is 365 days, as in Prometheus.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

impl Duration {
    /// From `1h30m`; None when it is not a duration, or longer than the 292 years that Prometheus can count.
    pub fn parse(text: &str) -> Option<Duration> {
        Duration::read(text).filter(|duration| duration.0 <= LONGEST)
    }

    /// Whether it is a duration, and longer than Prometheus can count.
    pub(crate) fn too_long(text: &str) -> bool {
        Duration::read(text).is_some_and(|duration| duration.0 > LONGEST)
    }

    /// As written; what does not fit 64 bits of milliseconds is the most that does.
    fn read(text: &str) -> Option<Duration> {
        if text == "0" {
            return Some(Duration(0));
        }
        let mut rest = text;
        let mut total = 0u64;
        let mut smallest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number = whole(&rest[..digits])?;
            rest = &rest[digits..];
            let letters = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (_, factor) = DURATION_UNITS
                .iter()
                .find(|(unit, _)| *unit == &rest[..letters])?;
            if *factor >= smallest {
                return None;
            }
            smallest = *factor;
            total = total.saturating_add(number.saturating_mul(*factor));
            rest = &rest[letters..];
        }
        (!text.is_empty()).then_some(Duration(total))
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl fmt::Display for Duration {
    /// The shortest exact form below a day's unit: `90m` stays `1h30m`, `15d` stays `15d`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == 0 {
            return write!(f, "0s");
        }
        let mut rest = self.0;
        for (unit, factor) in DURATION_UNITS
            .iter()
            .filter(|(unit, _)| !matches!(*unit, "y" | "w"))
        {
            if rest >= *factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl Size {
    /// From `512MiB`; None when it is not a size, or 8 EiB and more, which nothing can count.
    pub fn parse(text: &str) -> Option<Size> {
        Size::read(text).filter(|size| size.0 <= LARGEST)
    }

    /// As Prometheus and its exporters read it, to whom `10MB` is ten times 1,024² bytes (github.com/alecthomas/units).
    pub(crate) fn binary(text: &str) -> Option<Size> {
        Size::parse(&text.replace("KB", "KiB").replace("MB", "MiB"))
    }

    /// Whether it is a size, and larger than anything can count.
    pub(crate) fn too_large(text: &str) -> bool {
        Size::read(text).is_some_and(|size| size.0 > LARGEST)
    }

    fn read(text: &str) -> Option<Size> {
        let (unit, factor) = SIZE_UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
        let number = &text[..text.len() - unit.len()];
        let (number, part) = number.split_once('.').unwrap_or((number, "0"));
        let bytes = whole(number)?.saturating_mul(*factor);
        // A byte is not divided: `0.3MiB` is what fits.
        let scale = 10u128.checked_pow(u32::try_from(part.len()).ok()?)?;
        let part = u128::from(whole(part)?) * u128::from(*factor) / scale;
        Some(Size(bytes.saturating_add(u64::try_from(part).ok()?)))
    }
}

/// A whole number of any length; what does not fit is the most that does.
fn whole(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (unit, factor) = SIZE_UNITS[..4]
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// A threshold as the catalog has it: a number, a time (`2500ms`), a size (`10GiB`) or a percentage, of which the unit of what is
/// compared says what number it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// In the unit of what is compared.
    Number(f64),
    Time(Duration),
    Size(Size),
    /// `5%`: 0.05 of a ratio, 5 of percent.
    Percent(f64),
}

/// What a threshold in quotes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Time,
    Size,
    Percentage,
}

impl Quantity {
    /// Of a text; None: none of these.
    pub(crate) fn of(text: &str) -> Option<Quantity> {
        if Duration::parse(text).is_some() {
            return Some(Quantity::Time);
        }
        if Size::parse(text).is_some() {
            return Some(Quantity::Size);
        }
        percentage(text).map(|_| Quantity::Percentage)
    }

    /// As people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Quantity::Time => "time",
            Quantity::Size => "size",
            Quantity::Percentage => "percentage",
        }
    }

    /// The units of what it can be compared with, the first the usual one.
    pub(crate) fn units(self) -> &'static [&'static str] {
        match self {
            Quantity::Time => &["seconds", "milliseconds", "microseconds", "minutes"],
            Quantity::Size => &["bytes", "kilobytes", "megabytes"],
            Quantity::Percentage => &["ratio", "percent"],
        }
    }
}

/// `12.5%` as 12.5.
fn percentage(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let value: f64 = number.parse().ok()?;
    (digits(whole) && digits(part) && value.is_finite()).then_some(value)
}

impl Bound {
    /// As written; None: it is no threshold.
    pub(crate) fn read(written: &Value) -> Option<Bound> {
        let Value::String(text) = written else {
            return written.as_f64().map(Bound::Number);
        };
        let time = Duration::parse(text).map(Bound::Time);
        let size = || Size::parse(text).map(Bound::Size);
        time.or_else(size)
            .or_else(|| percentage(text).map(Bound::Percent))
    }

    /// The number with which a value of a unit is compared.
    pub(crate) fn in_unit(self, unit: Option<&str>) -> f64 {
        match self {
            Bound::Number(number) => number,
            Bound::Time(time) => match unit {
                Some("milliseconds") => time.0 as f64,
                Some("microseconds") => time.0 as f64 * 1e3,
                Some("minutes") => time.0 as f64 / 60e3,
                _ => time.seconds(),
            },
            Bound::Size(size) => match unit {
                Some("kilobytes") => size.0 as f64 / 1e3,
                Some("megabytes") => size.0 as f64 / 1e6,
                _ => size.0 as f64,
            },
            Bound::Percent(number) if unit == Some("percent") => number,
            // As exact as the decimal number that it is: 7 / 100 is 0.07, and 7 * 0.01 is not.
            Bound::Percent(number) => number / 100.0,
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bound, D::Error> {
        let written = Value::deserialize(deserializer)?;
        Bound::read(&written).ok_or_else(|| {
            let message = "is neither a number nor a time, a size or a percentage";
            D::Error::custom(format!("{written} {message}"))
        })
    }
}

/// The unit of a metric by the end of its name, as far as people write numbers with it.
pub(crate) fn by_name(metric: &str) -> Option<&'static str> {
    let base = metric.strip_suffix("_total").unwrap_or(metric);
    let known = [
        "seconds",
        "milliseconds",
        "microseconds",
        "bytes",
        "ratio",
        "percent",
    ];
    known.into_iter().find(|unit| {
        base.strip_suffix(unit)
            .is_some_and(|stem| stem.ends_with('_'))
    })
}

/// A number as people write it: 0.1 of `ratio` is `10%`, 90 `seconds` are `1m30s`, 536870912 `bytes` are `512MiB`. A number
/// without a unit is plain, one with a unit of another name has that behind it.
pub fn with_unit(value: f64, unit: Option<&str>) -> String {
    /// As many digits as a threshold can have, without what floating point adds.
    fn plain(value: f64) -> f64 {
        (value * 1e9).round() / 1e9
    }
    let whole = value >= 1.0 && value.fract() == 0.0 && value < LONGEST as f64;
    match unit {
        Some("ratio") => format!("{}%", plain(value * 100.0)),
        Some("seconds") if whole => Duration(value as u64 * 1000).to_string(),
        Some("seconds") => format!("{}s", plain(value)),
        Some("percent") => format!("{}%", plain(value)),
        Some("bytes") if whole => bytes(value as u64),
        Some("bytes") => format!("{}B", plain(value)),
        Some(unit) => format!("{} {unit}", plain(value)),
        None => plain(value).to_string(),
    }
}

/// A size as people write it, in units of 1,000 where it is no whole number of those of 1,024.
fn bytes(size: u64) -> String {
    let decimal = SIZE_UNITS.iter().filter(|(unit, _)| !unit.contains('i'));
    let mut decimal = decimal.filter(|(unit, factor)| *unit != "KB" && *factor > 1);
    match decimal.find(|(_, factor)| size.is_multiple_of(*factor) && size > 0) {
        Some((unit, factor)) if !size.is_multiple_of(1024) => format!("{}{unit}", size / factor),
        _ => Size(size).to_string(),
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        Duration::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is not a duration of at most 292 years"))
        })
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        let text = String::deserialize(deserializer)?;
        Size::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not a size below 8 EiB")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_prometheus_does() {
        for (text, milliseconds) in [
            ("15s", 15_000),
            ("1h30m", 5_400_000),
            ("15d", 1_296_000_000),
            ("500ms", 500),
            ("0s", 0),
        ] {
            assert_eq!(
                Duration::parse(text),
                Some(Duration(milliseconds)),
                "{text}"
            );
            assert_eq!(Duration(milliseconds).to_string(), text);
        }
        for (text, fits) in [
            ("292y", true),
            ("292y24w3d", true),
            ("293y", false),
            ("2562047h47m16s854ms", true),
            ("2562047h47m16s855ms", false),
            ("200y6000w", false),
        ] {
            assert_eq!(Duration::parse(text).is_some(), fits, "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "1.5h",
            "5m1h",
            "5mm",
            "-5m",
            "99999999999999999999y",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn thresholds_are_numbers_times_sizes_and_percentages() {
        let read = |text: &str| Bound::read(&Value::from(text));
        assert_eq!(read("2500ms"), Some(Bound::Time(Duration(2500))));
        assert_eq!(read("10GiB"), Some(Bound::Size(Size(10_737_418_240))));
        assert_eq!(read("500MB"), Some(Bound::Size(Size(500_000_000))));
        assert_eq!(Bound::read(&Value::from(7)), Some(Bound::Number(7.0)));
        for (text, ratio, percent) in [
            ("7%", 0.07, 7.0),
            ("12.5%", 0.125, 12.5),
            ("0.1%", 0.001, 0.1),
        ] {
            let bound = read(text).expect(text);
            assert_eq!(bound.in_unit(Some("ratio")), ratio, "{text}");
            assert_eq!(bound.in_unit(None), ratio, "{text}");
            assert_eq!(bound.in_unit(Some("percent")), percent, "{text}");
        }
        for text in [
            "", "%", "-5%", "5 %", "1e3%", ".5%", "5.%", "5", "10 GiB", "10gib", "inf%",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn times_and_sizes_are_in_the_unit_of_what_they_are_compared_with() {
        let read = |text: &str| Bound::read(&text.into()).expect("a bound");
        for (text, unit, number) in [
            ("250ms", "seconds", 0.25),
            ("250ms", "milliseconds", 250.0),
            ("2s", "microseconds", 2e6),
            ("90s", "minutes", 1.5),
            ("2GB", "megabytes", 2000.0),
            ("2kB", "kilobytes", 2.0),
            ("1KiB", "bytes", 1024.0),
        ] {
            assert_eq!(read(text).in_unit(Some(unit)), number, "{text} {unit}");
        }
    }

    #[test]
    fn numbers_read_with_their_unit() {
        for (value, unit, text) in [
            (0.1, Some("ratio"), "10%"),
            (0.07, Some("ratio"), "7%"),
            (0.125, Some("ratio"), "12.5%"),
            (2.5, Some("seconds"), "2.5s"),
            (90.0, Some("seconds"), "1m30s"),
            (0.0, Some("seconds"), "0s"),
            (536_870_912.0, Some("bytes"), "512MiB"),
            (0.5, Some("bytes"), "0.5B"),
            (500_000_000.0, Some("bytes"), "500MB"),
            (1_500.0, Some("bytes"), "1500B"),
            (97.0, Some("percent"), "97%"),
            (100.0, Some("connections"), "100 connections"),
            (0.3, None, "0.3"),
            (-2.0, None, "-2"),
        ] {
            assert_eq!(with_unit(value, unit), text);
        }
    }

    #[test]
    fn sizes_know_both_kinds_of_units() {
        assert_eq!(Size::parse("1GiB"), Some(Size(1 << 30)));
        assert_eq!(Size::parse("500MB"), Some(Size(500_000_000)));
        assert_eq!(Size(1 << 30).to_string(), "1GiB");
        assert_eq!(Size::parse("8388607TiB"), Some(Size(8_388_607 << 40)));
        assert_eq!(Size(1000).to_string(), "1000B");
        assert_eq!(Size::parse("0.5GiB"), Some(Size(512 << 20)));
        assert_eq!(Size::parse("0.3KiB"), Some(Size(307)));
        assert_eq!(Size::parse("1.50GB"), Some(Size(1_500_000_000)));
        for text in [
            "",
            "1",
            "GiB",
            ".5GiB",
            "1.GiB",
            "1.2.3GiB",
            "99999999999999TiB",
            "8388608TiB",
        ] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
