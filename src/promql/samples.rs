//! The values of a series in a unit test, in promtool's notation: `1 2 _ 3+4x5 stale`.

use super::native::Histogram;
use std::sync::Arc;

/// How many samples a text stands for, gaps included; the reason when promtool cannot read it.
/// `histograms`: whether the oldest Prometheus that must read it knows native histograms in tests.
pub fn count(values: &str, histograms: bool) -> Result<u64, String> {
    let mut total = 0u64;
    let mut rest = values.trim_matches(white);
    while !rest.is_empty() {
        let end = if rest.starts_with("{{") || rest.starts_with("+{{") || rest.starts_with("-{{") {
            histogram_end(rest)?
        } else {
            rest.len()
        };
        let end = end.min(rest.len());
        let until = match end == rest.len() {
            true => rest.find(white).unwrap_or(rest.len()),
            false => rest[end..]
                .find(white)
                .map_or(rest.len(), |more| end + more),
        };
        let (item, behind) = rest.split_at(until);
        total = total.saturating_add(if item.contains("{{") {
            histogram(item, histograms)?
        } else {
            one(item)?
        });
        rest = behind.trim_start_matches(white);
    }
    Ok(total)
}

/// The first `most` samples: None for a gap. A text that `count` refuses is an error, and so are native histograms: see `natives`.
pub fn read(values: &str, most: usize) -> Result<Vec<Option<Value>>, String> {
    if values.contains("{{") {
        return Err("numbers and native histograms in one series are not evaluated".to_string());
    }
    count(values, false)?;
    let mut found = Vec::new();
    for item in values.split(white).filter(|item| !item.is_empty()) {
        let room = most.saturating_sub(found.len());
        if let Some(times) = item.strip_prefix('_') {
            let times = times.strip_prefix('x').map_or("1", |times| times);
            let times = times.parse().unwrap_or(usize::MAX).min(room);
            found.resize(found.len() + times, None);
            continue;
        }
        let (item, times) = match item.rsplit_once('x') {
            Some((item, times)) => (item, times.parse().unwrap_or(usize::MAX)),
            None => (item, 0),
        };
        let rest = match item.strip_prefix("stale") {
            Some(rest) => rest,
            None => signed(item, item)?,
        };
        let first = &item[..item.len() - rest.len()];
        let growth: f64 = match rest {
            "" => 0.0,
            rest => parsed(rest),
        };
        if first == "stale" {
            found.extend(std::iter::repeat_n(
                Some(Value::Stale),
                times.saturating_add(1).min(room),
            ));
            continue;
        }
        let mut value = parsed(first);
        for _ in 0..times.saturating_add(1).min(room) {
            found.push(Some(Value::Number(value)));
            value += growth;
        }
    }
    Ok(found)
}

/// One sample of the notation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    /// The end of the series.
    Stale,
}

/// Whether a text holds native histograms.
pub fn are_native(values: &str) -> bool {
    values.contains("{{")
}

/// A sample of a native histogram, or the end of its series.
pub(crate) type NativeSample = Option<Arc<Histogram>>;

/// The first `most` samples of a series of native histograms: None for a gap, and within it None for its end.
pub(crate) fn natives(values: &str, most: usize) -> Result<Vec<Option<NativeSample>>, String> {
    count(values, true)?;
    let mut found: Vec<Option<NativeSample>> = Vec::new();
    let mut rest = values.trim_matches(white);
    while !rest.is_empty() {
        let room = most.saturating_sub(found.len());
        let Some(inside) = rest.strip_prefix("{{") else {
            let end = rest.find(white).unwrap_or(rest.len());
            let (item, behind) = rest.split_at(end);
            for value in read(item, room)? {
                match value {
                    None => found.push(None),
                    Some(Value::Stale) => found.push(Some(None)),
                    Some(Value::Number(_)) => {
                        return Err(
                            "numbers and native histograms in one series are not evaluated"
                                .to_string(),
                        );
                    }
                }
            }
            rest = behind.trim_start_matches(white);
            continue;
        };
        let unclosed = || "a native histogram is not closed: `}}` is missing".to_string();
        let (inside, behind) = inside.split_once("}}").ok_or_else(unclosed)?;
        let mut value = Histogram::read(inside)?;
        rest = behind;
        let mut growth = None;
        for (sign, times) in [("+{{", 1.0), ("-{{", -1.0)] {
            if let Some(inside) = rest.strip_prefix(sign) {
                let (inside, behind) = inside.split_once("}}").ok_or_else(unclosed)?;
                growth = Some((Histogram::read(inside)?, times));
                rest = behind;
            }
        }
        let end = rest.find(white).unwrap_or(rest.len());
        let (times, behind) = rest.split_at(end);
        let times = times.strip_prefix('x').unwrap_or("0");
        let times: usize = times.parse().unwrap_or(usize::MAX);
        for _ in 0..times.saturating_add(1).min(room) {
            found.push(Some(Some(Arc::new(value.clone()))));
            if let Some((by, times)) = &growth {
                let next = value.plus(by, *times);
                value = next.ok_or("buckets of several widths at 0 are not evaluated")?;
            }
        }
        rest = behind.trim_start_matches(white);
    }
    Ok(found)
}

/// A number with its sign, as `signed` has found it.
fn parsed(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn white(character: char) -> bool {
    // A line break is none of them: promtool stops there.
    matches!(character, ' ' | '\t' | '\r')
}

/// `_`, `_x4`, `1`, `stale`, `1x4`, `1+2x3`, `-1-2x3`.
fn one(item: &str) -> Result<u64, String> {
    let unread = || format!("`{item}` is not a value of promtool's notation");
    if let Some(rest) = item.strip_prefix('_') {
        return match rest.strip_prefix('x') {
            Some(times) => repeated(times, item),
            None if rest.is_empty() => Ok(1),
            None => Err(unread()),
        };
    }
    let rest = match item.strip_prefix("stale") {
        Some(rest) => rest,
        None => signed(item, item)?,
    };
    // promtool reads on to the end of a word: `NaNx3` is one, `NaN+0x3` is not.
    let word = item[..item.len() - rest.len()].ends_with(|last: char| last.is_ascii_alphabetic());
    let (rest, grows) = if rest.starts_with(['+', '-']) {
        (signed(rest, item)?, true)
    } else {
        (rest, false)
    };
    let word = if grows {
        item[..item.len() - rest.len()].ends_with(|last: char| last.is_ascii_alphabetic())
    } else {
        word
    };
    match rest.strip_prefix('x') {
        Some(_) if word => Err(format!(
            "promtool takes the end of `{item}` for one word: `NaN+0x3` it can read, `NaNx3` not"
        )),
        // The value itself, and so many more.
        Some(times) => repeated(times, item)?.checked_add(1).ok_or_else(unread),
        None if grows => Err(format!(
            "`{item}` does not say how often: write `{item}x10`"
        )),
        None if rest.is_empty() => Ok(1),
        None => Err(unread()),
    }
}

/// What follows a number, with its sign if it has one.
fn signed<'a>(text: &'a str, item: &str) -> Result<&'a str, String> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let length = number_length(plain);
    let (number, rest) = plain.split_at(length);
    let lower = number.to_ascii_lowercase();
    if number.is_empty() {
        return Err(format!("`{item}` is not a value of promtool's notation"));
    }
    if !matches!(lower.as_str(), "inf" | "nan") && !number.parse::<f64>().is_ok_and(f64::is_finite)
    {
        return Err(format!(
            "`{number}` does not fit a sample: values end at about 1.8e308"
        ));
    }
    Ok(rest)
}

/// Bytes of the number that a text begins with: digits, a fraction, an exponent; or `Inf`, `NaN`.
fn number_length(text: &str) -> usize {
    let word = text
        .find(|character: char| !character.is_ascii_alphabetic())
        .unwrap_or(text.len());
    if matches!(
        text[..word].to_ascii_lowercase().as_str(),
        "inf" | "nan" | "infx" | "nanx"
    ) && !text[word..]
        .starts_with(|next: char| next == '_' || (word == 3 && next.is_ascii_digit()))
    {
        return 3;
    }
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let mut end = whole;
    if text[end..].starts_with('.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return 0;
        }
        end += 1 + fraction;
    }
    if end > 0 && text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

fn repeated(times: &str, item: &str) -> Result<u64, String> {
    let plain = !times.is_empty() && times.bytes().all(|digit| digit.is_ascii_digit());
    times.parse().ok().filter(|_| plain).ok_or_else(|| {
        format!("`{item}` does not say how often: behind the `x` stands a whole number")
    })
}

/// Behind the braces of the histograms that a text begins with.
fn histogram_end(text: &str) -> Result<usize, String> {
    let mut end = 0;
    loop {
        let Some(close) = text[end..].find("}}") else {
            return Err("a native histogram is not closed: `}}` is missing".to_string());
        };
        end += close + 2;
        if !["+{{", "-{{"]
            .iter()
            .any(|next| text[end..].starts_with(next))
        {
            return Ok(end);
        }
    }
}

/// `{{schema:1 sum:3 count:2 buckets:[1 1]}}`, also grown and repeated; what is inside is promtool's own.
fn histogram(item: &str, known: bool) -> Result<u64, String> {
    if !known {
        return Err("it holds a native histogram, which promtool reads from 2.48 on".to_string());
    }
    let rest = &item[item.rfind("}}").map_or(0, |close| close + 2)..];
    match rest.strip_prefix('x') {
        Some(times) => Ok(repeated(times, rest)?.saturating_add(1)),
        None if rest.is_empty() => Ok(1),
        None => Err(format!("`{rest}` is not a value of promtool's notation")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted_as_promtool_does() {
        for (values, samples) in [
            ("1", 1),
            ("1 2 3", 3),
            ("  1\t2 ", 2),
            ("1x4", 5),
            ("0x20", 21),
            ("1+1x4", 5),
            ("-1-0.5x2 7", 4),
            ("_ _x3 stale", 5),
            ("stale+1x2 inf+1x2 NaN-1x2", 9),
            ("1e3 1.5e-3x1 .5 5. Inf -Inf NaN nan", 9),
            ("017 08 1.x3 1x03 1e5x2", 13),
            ("+1 1e308", 2),
            ("4x9999999999", 10_000_000_000),
            ("", 0),
        ] {
            assert_eq!(count(values, false), Ok(samples), "{values}");
        }
        assert_eq!(
            count(
                "{{schema:1 sum:3 count:2}} {{count:1}}x3 {{count:1}}+{{count:2}}x4",
                true
            ),
            Ok(10)
        );
    }

    #[test]
    fn native_histograms_grow_end_and_have_gaps() {
        let counts = |values: &str| -> Result<Vec<Option<Option<f64>>>, String> {
            let found = natives(values, 9)?.into_iter();
            let count = |one: NativeSample| one.map(|histogram| histogram.count);
            Ok(found.map(|one| one.map(count)).collect())
        };
        assert_eq!(
            counts(
                "{{count:1}}+{{count:2}}x2 _ stale {{schema:3 sum:-.5 count:4 n_offset:-1 n_buckets:[4]}}-{{count:1}}x9"
            ),
            Ok([1.0, 3.0, 5.0]
                .map(|count| Some(Some(count)))
                .into_iter()
                .chain([None, Some(None)])
                .chain([4.0, 3.0, 2.0, 1.0].map(|count| Some(Some(count))))
                .collect())
        );
        for values in [
            "{{count:1}} 2",
            "{{custom_values:[1 2]}}",
            "{{schema:9}}",
            "{{schema:one}}",
            "{{buckets:[1}}",
            "{{bucket:1}}",
            "{{count}}",
        ] {
            assert!(counts(values).is_err(), "{values}");
        }
    }

    #[test]
    fn what_promtool_cannot_read_is_told() {
        for values in [
            "4 x 20 oops",
            "1e999",
            "-1e999",
            "x",
            "1x",
            "1x-3",
            "1x1.5",
            "1+1",
            "1 +",
            "one",
            "1,2",
            "1;2",
            "stale3",
            "_3",
            "_x",
            "0x1f",
            "1++1x2",
            "1e",
            "1_000",
            "1x99999999999999999999",
            "{{count:1}}",
            "5m",
            "$1",
            "--1",
            "1+infx2",
            "stalex2",
            "NaNx2",
            "infx3",
            "1 2\n3",
            "1.5.x3",
            "1 x3",
            "- 1",
        ] {
            assert!(
                count(values, false).is_err(),
                "{values}: {:?}",
                count(values, false)
            );
        }
        assert!(count("{{count:1", true).is_err() && count("{{count:1}}y", true).is_err());
    }
}
