//! What Prometheus makes of an annotation: generated unit tests must write it out.

use super::refuse;
use minijinja::Error;
use minijinja::value::Value;

/// Replaces `{{ $labels.x }}`, `{{ $value }}` and its humanized forms, and takes one side of `{{ if eq $value 0.0 }}`;
/// anything else in braces is refused, so that a template that grows one notices.
pub(crate) fn expand(text: &str, labels: &Value, value: f64) -> Result<String, Error> {
    if let Some((before, rest)) = text.split_once("{{ if eq $value 0.0 }}") {
        let sides = rest
            .split_once("{{ else }}")
            .and_then(|(zero, rest)| Some((zero, rest.split_once("{{ end }}")?)));
        let (zero, (other, after)) =
            sides.ok_or_else(|| refuse(format!("{text:?} has no else, or no end")))?;
        let side = if value == 0.0 { zero } else { other };
        return expand(&format!("{before}{side}{after}"), labels, value);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inner, after) = behind
            .split_once("}}")
            .ok_or_else(|| refuse(format!("{text:?} opens {{{{ and never closes it")))?;
        out.push_str(before);
        out.push_str(&action(inner.trim(), labels, value)?);
        rest = after;
    }
    Ok(out + rest)
}

fn action(inner: &str, labels: &Value, value: f64) -> Result<String, Error> {
    let pipeline: Vec<&str> = inner.split('|').map(str::trim).collect();
    match pipeline.as_slice() {
        [label] if label.starts_with("$labels.") => {
            let found = labels.get_attr(&label["$labels.".len()..])?;
            Ok(if found.is_undefined() {
                String::new()
            } else {
                found.to_string()
            })
        }
        ["$value"] => Ok(general(value, 17)),
        ["$value", "humanizePercentage"] => Ok(general(value * 100.0, 4) + "%"),
        ["$value", "humanize"] => Ok(humanize(value)),
        ["$value", "humanize1024"] => Ok(humanize_binary(value)),
        ["$value", "humanizeDuration"] => Ok(humanize_duration(value)),
        ["$value", printf] | [printf] if printed(printf, value).is_some() => {
            Ok(printed(printf, value).unwrap_or_default())
        }
        _ => Err(refuse(format!(
            "unit tests cannot write out {{{{ {inner} }}}}"
        ))),
    }
}

/// `printf "%.1f"` of the value, as Go prints a float64; None: a call with anything else in it.
fn printed(call: &str, value: f64) -> Option<String> {
    let (format, rest) = call
        .strip_prefix("printf")?
        .trim()
        .strip_prefix('"')?
        .split_once('"')?;
    if !matches!(rest.trim(), "" | "$value") {
        return None;
    }
    let mut out = String::new();
    let mut verbs = 0;
    let mut pieces = format.split('%');
    out.push_str(pieces.next()?);
    while let Some(piece) = pieces.next() {
        // `%%` is a percent sign.
        if piece.is_empty() {
            out.push('%');
            out.push_str(pieces.next()?);
            continue;
        }
        let end = piece.find(|c: char| c.is_ascii_alphabetic())?;
        let digits: Option<i32> = match &piece[..end] {
            "" => None,
            precision => Some(precision.strip_prefix('.')?.parse().ok()?),
        };
        out.push_str(&match &piece[end..=end] {
            "f" => format!("{value:.*}", usize::try_from(digits.unwrap_or(6)).ok()?),
            "g" | "v" => general(value, digits.unwrap_or(17).max(1)),
            _ => return None,
        });
        out.push_str(&piece[end + 1..]);
        verbs += 1;
    }
    (verbs == 1).then_some(out)
}

/// With a prefix of the SI: 1500 → `1.5k`, 0.002 → `2m`.
fn humanize(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        return small(value);
    }
    scaled(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"])
}

/// With a prefix of powers of 1024: 1536 → `1.5ki`.
fn humanize_binary(value: f64) -> String {
    scaled(
        value,
        1024.0,
        &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"],
    )
}

/// Seconds in days, hours, minutes and seconds: 90 → `1m 30s`, 2.5 → `2.5s`, 0.002 → `2ms`.
fn humanize_duration(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        return small(value) + "s";
    }
    let (sign, whole) = (if value < 0.0 { "-" } else { "" }, value.abs() as u64);
    let (seconds, minutes) = (whole % 60, whole / 60 % 60);
    let (hours, days) = (whole / 3600 % 24, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{}s", general(value, 4)),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

fn scaled(mut value: f64, by: f64, prefixes: &[&str]) -> String {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < by {
            break;
        }
        (value, prefix) = (value / by, next);
    }
    general(value, 4) + prefix
}

/// A number between -1 and 1 that is not 0.
fn small(mut value: f64) -> String {
    let mut prefix = "";
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        (value, prefix) = (value * 1000.0, next);
    }
    general(value, 4) + prefix
}

/// Go's `%.{digits}g`, in the plain form that shares and counts take.
fn general(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_string();
    }
    if digits >= 17 {
        return value.to_string();
    }
    let exponent = format!("{value:.*e}", (digits - 1) as usize)
        .rsplit('e')
        .next()
        .and_then(|text| text.parse::<i32>().ok())
        .unwrap_or(0);
    if !(-4..digits).contains(&exponent) {
        let text = format!("{value:.*e}", (digits - 1) as usize);
        let (mantissa, _) = text.split_once('e').unwrap_or((&text, ""));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!(
            "{mantissa}e{}{:02}",
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        );
    }
    let text = format!("{value:.*}", (digits - 1 - exponent).max(0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn annotations_read_as_prometheus_writes_them() {
        let labels = context! { job => "search" };
        let expand = |text: &str, value| expand(text, &labels, value).unwrap();
        assert_eq!(
            expand(
                "{{ $labels.job }}: {{ $value | humanizePercentage }}",
                0.10002
            ),
            "search: 10%"
        );
        assert_eq!(expand("{{$value | humanizePercentage}}", 0.05123), "5.123%");
        assert_eq!(expand("{{ $value | humanizePercentage }}", 1.0), "100%");
        assert_eq!(
            expand("{{ $value | humanizePercentage }}", 0.0000001),
            "1e-05%"
        );
        assert_eq!(
            expand(
                "{{ if eq $value 0.0 }}a {{ $labels.job }}{{ else }}b{{ end }}.",
                0.0
            ),
            "a search."
        );
        assert_eq!(
            expand("{{ if eq $value 0.0 }}a{{ else }}b{{ end }}.", 1.0),
            "b."
        );
        assert_eq!(expand("{{ $labels.nothing }}|{{ $value }}", 0.0), "|0");
        assert_eq!(expand("{{ $value | printf \"%.1f\" }} %", 2.25), "2.2 %");
        assert_eq!(expand("{{ printf \"%.0f%%\" $value }}", 97.4), "97%");
        for (value, plain, binary, duration) in [
            (0.0, "0", "0", "0s"),
            (0.002, "2m", "0.002", "2ms"),
            (2.5, "2.5", "2.5", "2.5s"),
            (90.0, "90", "90", "1m 30s"),
            (1536.0, "1.536k", "1.5ki", "25m 36s"),
            (-90_061.0, "-90.06k", "-87.95ki", "-1d 1h 1m 1s"),
            (5e8, "500M", "476.8Mi", "5787d 0h 53m 20s"),
        ] {
            assert_eq!(expand("{{ $value | humanize }}", value), plain);
            assert_eq!(expand("{{ $value | humanize1024 }}", value), binary);
            assert_eq!(expand("{{ $value | humanizeDuration }}", value), duration);
        }
    }
}
