//! The text in which services expose their metrics: Prometheus' format 0.0.4 and OpenMetrics, with the place of each mistake.

mod cursor;

use cursor::Cursor;
use std::collections::{HashMap, HashSet};

/// Everything that one scrape says.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// Family → its `# TYPE`.
    pub types: HashMap<String, String>,
    /// Series that a Prometheus has as native histograms.
    pub natives: HashSet<String>,
    /// In the order of the text.
    pub samples: Vec<Sample>,
    /// Family → its `# HELP`, escapes read.
    pub helps: HashMap<String, String>,
    /// What Prometheus takes and other readers refuse.
    pub flaws: Vec<ParseError>,
    /// The newest time that is written beside a value, in seconds of Unix time; None: none is.
    pub newest: Option<f64>,
    sampled: HashSet<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// With its suffix: `_total`, `_bucket` …
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
    /// From 1.
    pub line: usize,
}

/// Why a text is not an exposition, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub reason: String,
}

const TYPES: [&str; 9] = [
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "unknown",
    "info",
    "stateset",
    "gaugehistogram",
];

impl Sample {
    /// The value of a label; empty when it has none, as in Prometheus.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels
            .iter()
            .find(|(label, _)| label == name)
            .map_or("", |(_, value)| value)
    }

    /// Name and labels as one text, in the labels' order.
    pub(crate) fn series(&self) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        if labels.is_empty() {
            self.name.clone()
        } else {
            format!("{}{{{}}}", self.name, labels.join(","))
        }
    }
}

impl Exposition {
    /// The type of the family that a sample belongs to: by its own name, else by the name without its suffix.
    pub(crate) fn type_of(&self, sample: &str) -> Option<&str> {
        let stem = ["_total", "_bucket", "_sum", "_count", "_created", "_info"]
            .iter()
            .find_map(|suffix| sample.strip_suffix(suffix));
        self.types
            .get(sample)
            .or_else(|| self.types.get(stem?))
            .map(String::as_str)
    }
}

/// Reads a scrape's body; `openmetrics` is what its Content-Type says.
pub(crate) fn parse(body: &[u8], openmetrics: bool) -> Result<Exposition, ParseError> {
    let text = std::str::from_utf8(body).map_err(|error| not_text(body, error.valid_up_to()))?;
    let mut exposition = Exposition::default();
    let mut ended = false;
    let lines = text
        .strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .enumerate()
        .filter(|_| !text.is_empty());
    for (index, line) in lines {
        let mut cursor = Cursor::new(line, index + 1);
        if ended {
            return Err(cursor.error("there is text after `# EOF`"));
        }
        cursor.skip_blanks();
        if cursor.at_end() {
            continue;
        }
        if cursor.take('#') {
            ended = exposition.comment(&mut cursor, openmetrics)?;
        } else {
            exposition.sample(&mut cursor, openmetrics)?;
        }
    }
    if openmetrics && !ended {
        let line = text.lines().count() + 1;
        return Err(ParseError {
            line,
            column: 1,
            reason: "the text does not end with `# EOF`, which OpenMetrics asks for".into(),
        });
    }
    Ok(exposition)
}

fn not_text(body: &[u8], at: usize) -> ParseError {
    let before = &body[..at];
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    ParseError {
        line,
        column,
        reason: format!("byte 0x{:02x} is not UTF-8 text", body[at]),
    }
}

impl Exposition {
    /// A line behind `#`; true when it is the last one.
    fn comment(&mut self, cursor: &mut Cursor, openmetrics: bool) -> Result<bool, ParseError> {
        cursor.skip_blanks();
        let word = cursor.word();
        match word {
            "EOF" if openmetrics => return Ok(true),
            "HELP" | "TYPE" => {}
            _ => return Ok(false),
        }
        cursor.skip_blanks();
        let start = cursor.at();
        let name = cursor.metric_name()?;
        cursor.blank()?;
        if word == "HELP" {
            cursor.skip_blanks();
            let text = cursor.rest().replace("\\n", " ").replace("\\\\", "\\");
            if self.helps.insert(name.clone(), text).is_some() {
                let flaw = cursor.error_at(start, format!("a second `# HELP` for `{name}`"));
                self.flaws.push(flaw);
            }
            return Ok(false);
        }
        cursor.skip_blanks();
        let kind_at = cursor.at();
        let kind = cursor.rest().trim_end_matches([' ', '\t']);
        if !TYPES.contains(&kind) {
            return Err(cursor.error_at(
                kind_at,
                format!("`{}` is not a metric type", kind.escape_debug()),
            ));
        }
        if self.sampled.contains(&name) {
            return Err(cursor.error_at(
                start,
                format!("the `# TYPE` of `{name}` comes after its samples"),
            ));
        }
        if self.types.insert(name.clone(), kind.to_string()).is_some() {
            let flaw = cursor.error_at(start, format!("a second `# TYPE` for `{name}`"));
            self.flaws.push(flaw);
        }
        Ok(false)
    }

    fn sample(&mut self, cursor: &mut Cursor, openmetrics: bool) -> Result<(), ParseError> {
        let line = cursor.line;
        let mut name = if cursor.peek() == Some('{') {
            String::new()
        } else {
            cursor.bare_name()?
        };
        cursor.skip_blanks();
        let labels = if cursor.take('{') {
            cursor.labels(&mut name)?
        } else {
            Vec::new()
        };
        if name.is_empty() {
            return Err(cursor.error("the series has no name"));
        }
        cursor.skip_blanks();
        let value = cursor.number()?;
        cursor.skip_blanks();
        if !cursor.at_end() && cursor.peek() != Some('#') {
            let time = cursor.timestamp(openmetrics)?;
            self.newest = Some(self.newest.map_or(time, |known| known.max(time)));
            cursor.skip_blanks();
        }
        if openmetrics && cursor.take('#') {
            cursor.exemplar()?;
        }
        if !cursor.at_end() {
            return Err(cursor.error("there is text after the value"));
        }
        self.sampled.insert(name.clone());
        self.samples.push(Sample {
            name,
            labels,
            value,
            line,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
