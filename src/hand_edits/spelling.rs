//! How the value of a key can read in a generated file, and which value another text there would be. What is tried is then
//! judged by rendering: a spelling that is missing here only leaves an edit unexplained.

use crate::catalog::{Duration, Size, with_unit};
use crate::value::Value;

/// One way in which a value reads.
#[derive(Clone, Debug)]
pub(crate) struct Spelling {
    pub(crate) text: String,
    back: Back,
}

/// What another text in its place means.
#[derive(Clone, Copy, Debug)]
enum Back {
    /// The value as it is read.
    Same,
    /// What JSON says between quotes.
    Quoted,
    /// A number so many times the value.
    Times(f64),
    /// A count of seconds, of a duration.
    Seconds,
    /// A duration, of a number of seconds.
    Duration,
    /// A count of bytes, of a size.
    Bytes,
    /// A size with a unit, of a number of bytes.
    Size,
    /// As compose writes sizes, of a size.
    Compose,
}

/// Every way in which a value may read.
pub(crate) fn spellings(value: &Value) -> Vec<Spelling> {
    let mut found: Vec<Spelling> = Vec::new();
    let mut add = |text: String, back| {
        if !text.is_empty() && !found.iter().any(|known| known.text == text) {
            found.push(Spelling { text, back });
        }
    };
    match value {
        Value::String(text) => {
            add(text.clone(), Back::Same);
            let quoted = Value::from(text.as_str()).to_string();
            add(quoted[1..quoted.len() - 1].to_string(), Back::Quoted);
            if let Some(duration) = Duration::parse(text) {
                add(duration.to_string(), Back::Same);
                add(duration.seconds().to_string(), Back::Seconds);
            }
            if let Some(size) = Size::parse(text) {
                add(size.to_string(), Back::Same);
                add(size.0.to_string(), Back::Bytes);
                for (unit, factor) in COMPOSE {
                    if size.0.is_multiple_of(factor) {
                        add(format!("{}{unit}", size.0 / factor), Back::Compose);
                        break;
                    }
                }
            }
        }
        Value::Number(number) => {
            add(number.to_string(), Back::Same);
            let Some(number) = number.as_f64() else {
                return found;
            };
            add(format!("{number:?}"), Back::Same);
            add(round(number * 100.0), Back::Times(100.0));
            add(round(number * 1000.0), Back::Times(1000.0));
            add(with_unit(number, Some("seconds")), Back::Duration);
            add(with_unit(number, Some("bytes")), Back::Size);
        }
        Value::Bool(flag) => add(flag.to_string(), Back::Same),
        _ => {}
    }
    found
}

/// Units of compose, largest first.
const COMPOSE: [(&str, u64); 4] = [("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("b", 1)];

impl Spelling {
    /// The value that another text in its place means, as it would be written in the catalog; None: it means none.
    pub(crate) fn value(&self, text: &str) -> Option<String> {
        if text.is_empty() || text.trim() != text || text.contains('\n') {
            return None;
        }
        let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
        match self.back {
            Back::Same => Some(text.to_string()),
            Back::Quoted => serde_json::from_str(&format!("\"{text}\"")).ok(),
            Back::Times(factor) => number().map(|number| round(number / factor)),
            Back::Seconds => {
                let milliseconds = (number()? * 1000.0).round();
                (0.0..=9e15)
                    .contains(&milliseconds)
                    .then(|| Duration(milliseconds as u64).to_string())
            }
            Back::Duration => Duration::parse(text).map(|duration| round(duration.seconds())),
            Back::Bytes => text.parse().ok().map(|bytes| Size(bytes).to_string()),
            Back::Size => Size::parse(text).map(|size| size.0.to_string()),
            Back::Compose => COMPOSE.iter().find_map(|(unit, factor)| {
                let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
                Some(Size(count.checked_mul(*factor)?).to_string())
            }),
        }
    }
}

/// Without what floating point adds.
fn round(number: f64) -> String {
    ((number * 1e9).round() / 1e9).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn what_a_file_says_otherwise_is_another_value() {
        for (value, old, new, wanted) in [
            (json!(0.1), "0.1", "0.15", "0.15"),
            (json!(0.07), "7", "11", "0.11"),
            (json!(2), "2.0", "1.5", "1.5"),
            (json!(90), "1m30s", "2m", "120"),
            (json!(536_870_912), "512MiB", "1GiB", "1073741824"),
            (json!("5m"), "300", "90", "1m30s"),
            (json!("90m"), "1h30m", "2h", "2h"),
            (json!("1GiB"), "1g", "512m", "512MiB"),
            (json!("1GiB"), "1073741824", "2147483648", "2GiB"),
            (json!("a \"b\""), "a \\\"b\\\"", "a \\\"c\\\"", "a \"c\""),
        ] {
            let all = spellings(&value);
            let spelling = all.iter().find(|spelling| spelling.text == old);
            let spelling = spelling.unwrap_or_else(|| panic!("{value} is not {old}: {all:?}"));
            assert_eq!(
                spelling.value(new).as_deref(),
                Some(wanted),
                "{value} {old}"
            );
        }
    }
}
