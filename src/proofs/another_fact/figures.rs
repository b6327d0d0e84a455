//! Numbers as people write them: with a unit, or with a word for one.

use crate::catalog::{Duration, Size};
use crate::stack::sentences::Word;

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Nothing,
    Time,
    Size,
    /// An address, a version: digits that are no number.
    Text,
}

/// A number, in the unit that all of its kind are compared in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    of: Of,
    text: String,
}

/// Words for a unit, in seconds; percent in hundredths.
const WORDS: [(&str, f64); 7] = [
    ("second", 1.0),
    ("minute", 60.0),
    ("hour", 3_600.0),
    ("day", 86_400.0),
    ("week", 604_800.0),
    ("percent", 0.01),
    ("%", 0.01),
];

const GIBIBYTE: f64 = 1_073_741_824.0;

/// Numbers as words, from 0.
const COUNTED: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];

impl Figure {
    /// A number, or whatever else begins with a digit; None: it is a word.
    pub(super) fn of(word: &str) -> Option<Figure> {
        let mut counted = COUNTED.iter();
        if let Some(value) = counted.position(|name| name.eq_ignore_ascii_case(word)) {
            return Some(Figure {
                value: value as f64,
                of: Of::Nothing,
                text: String::new(),
            });
        }
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let figure = |value, of| Figure {
            value,
            of,
            text: String::new(),
        };
        let bare = |value| figure(value, Of::Nothing);
        let hundredth = |digits: &str| Some(bare(digits.parse::<f64>().ok()? / 100.0));
        let known = word.parse().ok().map(bare);
        let known = known.or_else(|| word.strip_suffix('%').and_then(hundredth));
        let known = known
            .or_else(|| Duration::parse(word).map(|time| figure(time.seconds(), Of::Time)))
            .or_else(|| Size::parse(word).map(|size| figure(size.0 as f64, Of::Size)))
            .or_else(|| {
                // As containers have it.
                let whole = word.strip_suffix('g')?.parse::<f64>().ok()?;
                Some(figure(whole * GIBIBYTE, Of::Size))
            });
        Some(known.unwrap_or(Figure {
            value: f64::NAN,
            of: Of::Text,
            text: word.to_string(),
        }))
    }

    /// Whether it is the same, however it is written.
    pub(super) fn is(&self, other: &Figure) -> bool {
        match self.of == Of::Text || other.of == Of::Text {
            true => self.text == other.text,
            false => (self.value - other.value).abs() <= 1e-9 * self.value.abs().max(1e-9),
        }
    }

    /// Whether it is a number and no more.
    pub(super) fn is_bare(&self) -> bool {
        self.of == Of::Nothing
    }
}

/// A word with what it is as a number; a word for a unit belongs to the number before it.
pub(super) fn read<'a>(words: &[Word<'a>]) -> Vec<(Word<'a>, Option<Figure>)> {
    let mut found: Vec<(Word, Option<Figure>)> = Vec::new();
    for word in words {
        let unit = word.text.trim_end_matches('s').to_ascii_lowercase();
        let unit = WORDS.iter().find(|(name, _)| *name == unit);
        if let (Some((name, factor)), Some((_, Some(before)))) = (unit, found.last_mut())
            && before.is_bare()
        {
            before.value *= factor;
            if !["percent", "%"].contains(name) {
                before.of = Of::Time;
            }
            continue;
        }
        found.push((*word, Figure::of(word.text)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        let read = |text| {
            let words = crate::stack::sentences::of_text(text);
            read(&words[0].words).remove(0).1.unwrap()
        };
        for (one, other, same) in [
            ("5m", "300s", true),
            ("5m", "5 minutes", true),
            ("1h30m", "90m", true),
            ("10m", "ten minutes", true),
            ("5 %", "0.05", true),
            ("512MiB", "0.5GiB", true),
            ("1g", "1024MiB", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("5m", "10m", false),
            ("2 hours", "2 days", false),
            ("8101", "8102", false),
        ] {
            assert_eq!(read(one).is(&read(other)), same, "{one} {other}");
        }
        assert!(Figure::of("fifteen").is_none());
    }
}
