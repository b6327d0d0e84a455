//! The functions of templates: Go's own, and those that Prometheus adds.

use super::{Problem, Value};
use crate::promql::re2;
use regex_automata::meta::Regex;
use std::cmp::Ordering;
use std::rc::Rc;

type Result = std::result::Result<Value, Problem>;

/// A function of Go's `text/template`; None: it has no such function.
pub(super) fn of_go(name: &str, arguments: &[Value]) -> Option<Result> {
    let wrong = || Problem::certain(format!("wrong number of args for {name}"));
    let two = |compared: fn(Ordering) -> bool| match arguments {
        [left, right] => order(left, right).map(|order| Value::Bool(compared(order))),
        _ => Err(wrong()),
    };
    Some(match name {
        "eq" => match arguments {
            [left, others @ ..] if !others.is_empty() => others
                .iter()
                .map(|other| order(left, other).map(Ordering::is_eq))
                .collect::<std::result::Result<Vec<_>, _>>()
                .map(|equal| Value::Bool(equal.contains(&true))),
            _ => Err(wrong()),
        },
        "ne" => two(Ordering::is_ne),
        "lt" => two(Ordering::is_lt),
        "le" => two(Ordering::is_le),
        "gt" => two(Ordering::is_gt),
        "ge" => two(Ordering::is_ge),
        "not" => match arguments {
            [value] => Ok(Value::Bool(!value.is_true())),
            _ => Err(wrong()),
        },
        "len" => match arguments {
            [Value::Text(text)] => Ok(Value::Int(text.len() as i64)),
            [Value::Map(fields)] => Ok(Value::Int(fields.len() as i64)),
            [Value::List(items, _)] => Ok(Value::Int(items.len() as i64)),
            _ => Err(wrong()),
        },
        "index" => match arguments {
            [Value::Map(fields), Value::Text(key)] => {
                Ok(fields.get(&**key).cloned().unwrap_or(Value::text("")))
            }
            [Value::List(items, _), Value::Int(at)] => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get(at));
                item.cloned()
                    .ok_or_else(|| Problem::certain(format!("index out of range: {at}")))
            }
            _ => Err(wrong()),
        },
        "print" => Ok(Value::text(
            arguments.iter().map(Value::printed).collect::<String>(),
        )),
        "println" => {
            let all: Vec<String> = arguments.iter().map(Value::printed).collect();
            Ok(Value::text(all.join(" ") + "\n"))
        }
        "printf" => printf(arguments),
        "html" | "js" | "urlquery" | "slice" | "call" => {
            Err(Problem::unknown(format!("`{name}` is not executed")))
        }
        _ => return None,
    })
}

/// Go compares values of one basic kind only.
fn order(left: &Value, right: &Value) -> std::result::Result<Ordering, Problem> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Ok(left.cmp(right)),
        // A NaN is equal to nothing, which has no order: not equal is the best that can be said.
        (Value::Float(left), Value::Float(right)) => {
            Ok(left.partial_cmp(right).unwrap_or(Ordering::Less))
        }
        (Value::Text(left), Value::Text(right)) => Ok(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        _ => Err(Problem::certain("incompatible types for comparison")),
    }
}

fn printf(arguments: &[Value]) -> Result {
    let Some((Value::Text(format), mut values)) = arguments.split_first() else {
        return Err(Problem::certain("printf needs a format"));
    };
    let mut out = String::new();
    let mut rest = &**format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let directive = &rest[at + 1..];
        let verb = directive
            .find(|character: char| character.is_ascii_alphabetic() || character == '%')
            .ok_or_else(|| Problem::unknown(format!("`{format}` is not executed")))?;
        let (flags, letter) = (&directive[..verb], &directive[verb..=verb]);
        rest = &directive[verb + 1..];
        if letter == "%" {
            out.push('%');
            continue;
        }
        let Some((value, others)) = values.split_first() else {
            out += &format!("%!{letter}(MISSING)");
            continue;
        };
        values = others;
        let precision = flags
            .strip_prefix('.')
            .and_then(|digits| digits.parse().ok());
        let written = match (letter, value, flags) {
            ("v", value, "") | ("s", value @ Value::Text(_), "") => value.printed(),
            ("s", Value::Text(text), _) if precision.is_some() => {
                text.chars().take(precision.unwrap_or(0)).collect()
            }
            ("d", Value::Int(value), "") => value.to_string(),
            ("q", Value::Text(text), "") => format!("{text:?}"),
            ("f", Value::Float(value), "") => fixed(*value, 6),
            ("f", Value::Float(value), _) if precision.is_some() => {
                fixed(*value, precision.unwrap_or(6))
            }
            ("g", Value::Float(value), "") => shortest(*value),
            ("g", Value::Float(value), _) if precision.is_some() => {
                significant(*value, precision.unwrap_or(6))
            }
            // Go says so in the text instead of failing.
            ("d", Value::Float(_) | Value::Text(_), _)
            | ("s", Value::Float(_) | Value::Int(_), _)
            | ("e" | "f" | "g", Value::Text(_) | Value::Int(_), _) => {
                let kind = match value {
                    Value::Float(_) => "float64",
                    Value::Int(_) => "int",
                    _ => "string",
                };
                format!("%!{letter}({kind}={})", value.printed())
            }
            _ => {
                return Err(Problem::unknown(format!(
                    "`%{flags}{letter}` is not executed"
                )));
            }
        };
        out.push_str(&written);
    }
    if !values.is_empty() {
        return Err(Problem::unknown("printf has too many arguments"));
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn fixed(value: f64, digits: usize) -> String {
    special(value).map_or_else(|| format!("{value:.digits$}"), str::to_string)
}

/// As few digits as tell the number: Go's `%g` and `%v`.
pub(super) fn shortest(value: f64) -> String {
    if let Some(word) = special(value) {
        return word.to_string();
    }
    let exponent = format!("{value:e}");
    let (digits, exponent) = exponent.split_once('e').unwrap_or((&exponent, "0"));
    with_exponent(value, digits, exponent.parse().unwrap_or(0), 21)
}

/// At most so many digits, without zeros behind: Go's `%.4g`.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if let Some(word) = special(value) {
        return word.to_string();
    }
    let most = digits.max(1);
    let exponent = format!("{value:.*e}", most - 1);
    let (mantissa, exponent) = exponent.split_once('e').unwrap_or((&exponent, "0"));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let rounded: f64 = format!("{mantissa}e{exponent}").parse().unwrap_or(value);
    with_exponent(rounded, mantissa, exponent, most as i32)
}

fn with_exponent(value: f64, digits: &str, exponent: i32, most: i32) -> String {
    if exponent < -4 || exponent >= most {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        value.to_string()
    }
}

/// A function that Prometheus adds for labels and annotations; `query` and what needs a server is not executed.
pub(crate) fn of_prometheus(name: &str, arguments: &[Value]) -> Option<Result> {
    let one = || {
        arguments
            .first()
            .filter(|_| arguments.len() == 1)
            .ok_or_else(|| Problem::certain(format!("wrong number of args for {name}")))
    };
    let number = || one().and_then(as_number);
    let text = || match one() {
        Ok(Value::Text(text)) => Ok(text.to_string()),
        Ok(_) => Err(Problem::certain("wrong type for value; expected string")),
        Err(problem) => Err(problem),
    };
    let humanized = |human: fn(f64) -> String| {
        number().map(|value| {
            Value::text(match special(value) {
                Some(_) => significant(value, 4),
                None => human(value),
            })
        })
    };
    Some(match name {
        "humanize" => humanized(humanize),
        "humanize1024" => humanized(humanize1024),
        "humanizePercentage" => {
            number().map(|value| Value::text(significant(value * 100.0, 4) + "%"))
        }
        "humanizeDuration" => humanized(humanize_duration),
        "toUpper" => text().map(|text| Value::text(text.to_uppercase())),
        "toLower" => text().map(|text| Value::text(text.to_lowercase())),
        "stripPort" => text().map(|text| {
            let host = text
                .rsplit_once(':')
                .map_or(text.as_str(), |(host, _)| host);
            Value::text(host.trim_matches(['[', ']']))
        }),
        "match" => searched(arguments).map(|(regex, text, _)| Value::Bool(regex.is_match(&*text))),
        "reReplaceAll" => searched(arguments).map(|(regex, text, replacement)| {
            let mut written = String::new();
            let mut from = 0;
            for found in regex.captures_iter(&*text) {
                let Some(whole) = found.get_match() else {
                    continue;
                };
                written.push_str(&text[from..whole.start()]);
                found.interpolate_string_into(&text, &replacement, &mut written);
                from = whole.end();
            }
            Value::text(written + &text[from..])
        }),
        "title" => text().map(|text| Value::text(titled(&text))),
        "safeHtml" => text().map(Value::text),
        "stripDomain" => text().map(|text| Value::text(without_domain(&text))),
        // promtool has no address of its own; in a server it is another, and no test can say so.
        "externalURL" | "pathPrefix" if arguments.is_empty() => Ok(Value::text("")),
        "query" | "first" | "value" | "label" | "strvalue" | "sortByLabel" | "args"
        | "graphLink" | "tableLink" | "externalURL" | "pathPrefix" | "humanizeTimestamp"
        | "parseDuration" | "toTime" | "toDuration" | "now" | "toJson" | "urlQueryEscape" => {
            Err(Problem::unknown(format!("`{name}` is not executed")))
        }
        _ => return None,
    })
}

/// Every word with a capital letter, as Go's strings.Title has it.
fn titled(text: &str) -> String {
    let mut written = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match inside {
            true => written.push(letter),
            false => written.extend(letter.to_uppercase()),
        }
        inside = letter.is_alphanumeric() || letter == '_';
    }
    written
}

/// `node1.example.org:9100` → `node1:9100`; an address stays as it is.
fn without_domain(text: &str) -> String {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    };
    if host
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok()
    {
        return text.to_string();
    }
    let name = host.split('.').next().unwrap_or_default();
    match port {
        Some(port) => format!("{name}:{port}"),
        None => name.to_string(),
    }
}

/// A pattern, the text in which it is looked for, and what comes in the place of what it finds.
fn searched(arguments: &[Value]) -> std::result::Result<(Regex, Rc<str>, Rc<str>), Problem> {
    let (pattern, replacement, text) = match arguments {
        [Value::Text(pattern), Value::Text(text)] => (pattern, "".into(), text),
        [
            Value::Text(pattern),
            Value::Text(replacement),
            Value::Text(text),
        ] => (pattern, replacement.clone(), text),
        _ => return Err(Problem::certain("it takes texts")),
    };
    let regex = re2::rewritten(pattern).ok();
    let regex = regex.and_then(|pattern| Regex::new(&pattern).ok());
    let regex = regex.ok_or_else(|| Problem::certain(format!("`{pattern}` is no pattern")))?;
    Ok((regex, text.clone(), replacement))
}

fn as_number(value: &Value) -> std::result::Result<f64, Problem> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Text(text) => text
            .parse()
            .map_err(|_| Problem::certain(format!("`{text}` is not a number"))),
        _ => Err(Problem::certain("a number is expected")),
    }
}

fn humanize(value: f64) -> String {
    let prefixes =
        |steps: &'static [&str], mut value: f64, next: fn(f64) -> f64, enough: fn(f64) -> bool| {
            let mut prefix = "";
            for step in steps {
                if enough(value) {
                    break;
                }
                prefix = step;
                value = next(value);
            }
            format!("{}{prefix}", significant(value, 4))
        };
    if value == 0.0 {
        significant(value, 4)
    } else if value.abs() >= 1.0 {
        prefixes(
            &["k", "M", "G", "T", "P", "E", "Z", "Y"],
            value,
            |value| value / 1000.0,
            |value| value.abs() < 1000.0,
        )
    } else {
        prefixes(
            &["m", "u", "n", "p", "f", "a", "z", "y"],
            value,
            |value| value * 1000.0,
            |value| value.abs() >= 1.0,
        )
    }
}

fn humanize1024(mut value: f64) -> String {
    let mut prefix = "";
    if value.abs() > 1.0 {
        for step in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
            if value.abs() < 1024.0 {
                break;
            }
            prefix = step;
            value /= 1024.0;
        }
    }
    format!("{}{prefix}", significant(value, 4))
}

fn humanize_duration(value: f64) -> String {
    if value == 0.0 {
        return significant(value, 4) + "s";
    }
    if value.abs() < 1.0 {
        return humanize(value) + "s";
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let whole = value as i64;
    let (days, hours, minutes, seconds) = (
        whole / 86400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", significant(value, 4))
    }
}
