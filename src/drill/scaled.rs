//! The rendered files with every duration divided: scrapes, evaluations, windows, `for`, groups.

use crate::catalog::Duration;
use crate::value::Value;

/// Keys whose value is a duration.
const DURATIONS: [&str; 11] = [
    "scrape_interval",
    "scrape_timeout",
    "evaluation_interval",
    "interval",
    "for",
    "keep_firing_for",
    "query_offset",
    "refresh_interval",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// Divides every duration of a configuration or rule file.
pub(crate) fn document(value: &mut Value, factor: f64) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "expr" => *text = expression(text, factor),
                    Value::String(text) if DURATIONS.contains(&key.as_str()) => {
                        *text = divided(text, factor)
                    }
                    other => document(other, factor),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| document(item, factor)),
        _ => {}
    }
}

/// Never zero, unless it was.
fn divided(text: &str, factor: f64) -> String {
    match Duration::parse(text) {
        Some(Duration(0)) | None => text.to_string(),
        Some(Duration(milliseconds)) => {
            Duration(((milliseconds as f64 / factor).round() as u64).max(1)).to_string()
        }
    }
}

/// Divides the durations of a PromQL expression: ranges, steps and offsets; names, numbers and texts stay.
pub(crate) fn expression(text: &str, factor: f64) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut brackets = 0;
    while let Some(first) = rest.chars().next() {
        brackets += i32::from(first == '[') - i32::from(first == ']');
        // `a:5m` is a name; `[10m:15s]` has a step.
        let named = brackets == 0 && out.ends_with(':');
        let end = match first {
            '"' | '\'' | '`' => quoted(rest, first),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let token = &rest[..end];
        if first.is_ascii_digit() && !named {
            out.push_str(&divided(token, factor))
        } else {
            out.push_str(token)
        }
        rest = &rest[end..];
    }
    out
}

/// Of a name or a number; the colon is looked at where it matters.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_durations_are_divided() {
        let text = "sum(rate(job:5m:x_5m:ratio_15m{a=\"5m\\\"[1h]\",b='2h'}[5m] offset 1h30m)) > 0.5 # [10m]\nand max_over_time(y[10m:15s])[1e3]";
        let wanted = "sum(rate(job:5m:x_5m:ratio_15m{a=\"5m\\\"[1h]\",b='2h'}[3s] offset 54s)) > 0.5 # [10m]\nand max_over_time(y[6s:150ms])[1e3]";
        assert_eq!(expression(text, 100.0), wanted);
        assert_eq!(
            expression("vector(1073741824) - 5", 100.0),
            "vector(1073741824) - 5"
        );
    }

    #[test]
    fn a_document_is_scaled_by_its_keys() {
        let mut value = crate::value::json!({"groups": [{"rules": [{"expr": "up[5m]", "for": "5m", "labels": {"for": "x"}}]}], "global": {"scrape_timeout": "10s"}, "name": "5m", "for": "0s"});
        document(&mut value, 1000.0);
        assert_eq!(
            value,
            crate::value::json!({"groups": [{"rules": [{"expr": "up[300ms]", "for": "300ms", "labels": {"for": "x"}}]}], "global": {"scrape_timeout": "10ms"}, "name": "5m", "for": "0s"})
        );
    }
}
