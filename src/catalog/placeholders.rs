//! Placeholders in what the catalog says of an alert: `{service} is {value} behind`, as Prometheus fills it in, and as people read it
//! where nothing has fired.

use serde::Serialize;

/// Those that stand for a label of the alert, and how they are read without one.
const LABELS: [(&str, &str); 4] = [
    ("service", "the service"),
    ("component", "the group"),
    ("severity", "the severity"),
    ("instance", "the instance"),
];

/// What is written behind `value:`, and the unit that it prints the value in.
const FORMATS: [(&str, &str); 4] = [
    ("percent", "ratio"),
    ("duration", "seconds"),
    ("bytes", "bytes"),
    ("number", ""),
];

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Part<'a> {
    Plain(&'a str),
    /// What a label of the alert says.
    Label(&'a str),
    /// What the alert compares, in a unit that is written, or in its own.
    Value(Option<&'static str>),
    /// Braces with anything else in them.
    Unknown(&'a str),
}

/// The parts of a text, in order.
pub(crate) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((inner, after)) = behind.split_once('}') else {
            break;
        };
        if !before.is_empty() {
            parts.push(Part::Plain(before));
        }
        parts.push(part(inner));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest));
    }
    parts
}

fn part(inner: &str) -> Part<'_> {
    if let Some(label) = inner.strip_prefix("label:") {
        let mut chars = label.chars();
        let first = chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        return match first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            true => Part::Label(label),
            false => Part::Unknown(inner),
        };
    }
    if let Some((label, _)) = LABELS.iter().find(|(label, _)| *label == inner) {
        return Part::Label(label);
    }
    match inner.strip_prefix("value") {
        Some("") => Part::Value(None),
        Some(format) => {
            let known = FORMATS
                .iter()
                .find(|(name, _)| format.strip_prefix(':') == Some(*name));
            known.map_or(Part::Unknown(inner), |(_, unit)| Part::Value(Some(unit)))
        }
        None => Part::Unknown(inner),
    }
}

/// Everything that can stand in braces.
pub(crate) fn known() -> impl Iterator<Item = String> {
    let labels = LABELS.iter().map(|(label, _)| label.to_string());
    let formats = FORMATS.iter().map(|(name, _)| format!("value:{name}"));
    let others = ["value".to_string(), "label:NAME".to_string()];
    labels.chain(others).chain(formats)
}

/// What the catalog says of an alert in its own words, as people read it where nothing has fired.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Spoken {
    pub summary: Option<String>,
    pub description: Option<String>,
}

/// As Prometheus fills it in. `own` gives what a label of the rule itself says: Prometheus fills in those of the expression only.
pub(super) fn annotation(
    text: &str,
    unit: Option<&str>,
    own: &dyn Fn(&str) -> Option<String>,
) -> String {
    let one = |part: Part| match part {
        Part::Plain(text) => text.to_string(),
        Part::Label(label) => own(label).unwrap_or_else(|| format!("{{{{ $labels.{label} }}}}")),
        Part::Value(written) => value(written.or(unit)),
        Part::Unknown(inner) => format!("({inner})"),
    };
    parts(text).into_iter().map(one).collect()
}

/// A text of an annotation as the catalog writes it: what Prometheus fills in becomes placeholders. None: no placeholder says that.
pub fn written_back(annotation: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = annotation;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inner, mut after) = behind.split_once("}}")?;
        text += before;
        let inner = inner.trim();
        if let Some(label) = inner.strip_prefix("$labels.") {
            match LABELS.iter().any(|(known, _)| *known == label) {
                true => text += &format!("{{{label}}}"),
                false => text += &format!("{{label:{label}}}"),
            }
        } else {
            let of = |unit: &str| value(Some(unit));
            let here = &rest[before.len()..];
            let (name, unit) = FORMATS
                .iter()
                .find(|(_, unit)| here.starts_with(&of(unit)))?;
            after = &here[of(unit).len()..];
            text += &format!("{{value:{name}}}");
        }
        rest = after;
    }
    Some(text + rest)
}

/// The value with its unit, as short as people say it.
fn value(unit: Option<&str>) -> String {
    let (function, behind) = match unit.unwrap_or_default() {
        "ratio" => ("humanizePercentage", ""),
        "seconds" => ("humanizeDuration", ""),
        "bytes" => ("humanize1024", "B"),
        "percent" => ("humanize", "%"),
        "milliseconds" => ("humanize", " ms"),
        "microseconds" => ("humanize", " µs"),
        "minutes" => ("humanize", " min"),
        "kilobytes" => ("humanize", " kB"),
        "megabytes" => ("humanize", " MB"),
        "cores" => ("humanize", " cores"),
        "celsius" => ("humanize", " °C"),
        "volts" => ("humanize", " V"),
        "amperes" => ("humanize", " A"),
        "joules" => ("humanize", " J"),
        _ => ("humanize", ""),
    };
    format!("{{{{ $value | {function} }}}}{behind}")
}

/// As people read it, where `own` gives what a label is known to say. A sentence begins with a capital.
pub(super) fn spoken(text: &str, own: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for part in parts(text) {
        let begins = out.trim_end().is_empty() || out.trim_end().ends_with(['.', '!', '?']);
        let word = match part {
            Part::Plain(text) => {
                out += text;
                continue;
            }
            Part::Label(label) => {
                match (own(label), LABELS.iter().find(|(known, _)| *known == label)) {
                    (Some(own), _) => {
                        out += &own;
                        continue;
                    }
                    (None, Some((_, words))) => words.to_string(),
                    (None, None) => format!("the {}", label.replace('_', " ")),
                }
            }
            Part::Value(_) => "the value".to_string(),
            Part::Unknown(inner) => inner.to_string(),
        };
        let mut chars = word.chars();
        match chars.next().filter(|_| begins) {
            Some(first) => out.extend(first.to_uppercase().chain(chars)),
            None => out += &word,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_by_prometheus() {
        let own = |label: &str| (label == "severity").then(|| "warning".to_string());
        let said = |text: &str| annotation(text, Some("ratio"), &own);
        assert_eq!(
            said("{service}: {value} of {label:pool} are used"),
            "{{ $labels.service }}: {{ $value | humanizePercentage }} of {{ $labels.pool }} are used"
        );
        assert_eq!(said("{value:bytes}"), "{{ $value | humanize1024 }}B");
        assert_eq!(said("{severity}"), "warning");
        assert_eq!(annotation("{value}", None, &own), "{{ $value | humanize }}");
        assert_eq!(parts("{valu}"), [Part::Unknown("valu")]);
        assert_eq!(parts("{value:percnt}"), [Part::Unknown("value:percnt")]);
        assert_eq!(parts("{label:}"), [Part::Unknown("label:")]);
    }

    #[test]
    fn where_nothing_has_fired_they_are_words() {
        let read = |text: &str| spoken(text, &|_| None);
        assert_eq!(
            read("{service} is late. {value} behind, for {label:queue_name}"),
            "The service is late. The value behind, for the queue name"
        );
        let search = |_: &str| Some("search".to_string());
        assert_eq!(
            written_back(
                "{{ $labels.service }}: {{ $value | humanizePercentage }} of {{ $labels.pool }}"
            )
            .as_deref(),
            Some("{service}: {value:percent} of {label:pool}")
        );
        assert_eq!(written_back("{{ query `up` }}"), None);
        assert_eq!(spoken("{service} is slow", &search), "search is slow");
    }
}
