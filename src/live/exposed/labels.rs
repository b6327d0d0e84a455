//! Label values, held against what the contract lets them be.

use crate::catalog::{Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposition::Sample;
use crate::promql::re2::anchored;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::{BTreeSet, HashMap};

/// Pattern → what it matches.
pub(crate) struct Patterns<'a>(HashMap<&'a str, Regex>);

impl<'a> Patterns<'a> {
    /// Those that the labels of the metrics are declared with.
    pub(crate) fn new(metrics: &'a [Metric]) -> Patterns<'a> {
        let written = metrics
            .iter()
            .flat_map(|metric| metric.labels.values())
            .filter_map(Value::as_str);
        Patterns(
            written
                .filter_map(|pattern| Some((pattern, Regex::new(&anchored(pattern).ok()?).ok()?)))
                .collect(),
        )
    }

    /// Values outside the contract, labels that are missing, values that look like ids.
    pub(crate) fn judge(
        &self,
        service: &Service,
        metric: &Metric,
        samples: &[&Sample],
    ) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (label, declared) in &metric.labels {
            let values = samples.iter().map(|sample| value(sample, label)).collect();
            findings.extend(self.values(service, metric, (label, declared), &values));
        }
        findings.extend(undeclared(service, metric, samples));
        findings
    }

    /// What is wrong with the values of one label.
    fn values(
        &self,
        service: &Service,
        metric: &Metric,
        (label, declared): (&str, &Value),
        values: &BTreeSet<&str>,
    ) -> Option<Diagnostic> {
        let (service, name) = (&service.name, &metric.name);
        let place = Place::Value(format!("/metrics/{}/labels/{label}", metric.key));
        let outside: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| !self.accepts(declared, value))
            .collect();
        if outside == [""] {
            let message = format!("{service}: {name} has series without the label `{label}`");
            let help = format!("set `{label}` wherever the metric is counted");
            return Some(Diagnostic::error("label-missing", place, message).help(help));
        }
        if !outside.is_empty() {
            let message = format!(
                "{service}: {name}{{{label}}} is {}, which the contract does not know",
                shown(&outside)
            );
            let help = format!(
                "write one of its values ({}); alerts that match `{label}` do not see the others",
                plain(declared)
            );
            return Some(Diagnostic::error("label-value", place, message).help(help));
        }
        let id = values
            .iter()
            .find(|value| declared.is_string() && looks_like_id(value))?;
        let message = format!(
            "{service}: {name}{{{label}={id:?}}} looks like an id: {} values so far",
            values.len()
        );
        let help =
            "label with the route's template (`/items/{item_id}`), never with what a user sent";
        Some(Diagnostic::warning("id-like-label", place, message).help(help))
    }

    fn accepts(&self, declared: &Value, value: &str) -> bool {
        match declared {
            Value::Array(listed) => listed.iter().any(|one| one == value),
            Value::String(pattern) => self
                .0
                .get(pattern.as_str())
                .is_none_or(|regex| regex.is_match(value)),
            _ => true,
        }
    }
}

/// The value of a label of the contract, which a service itself exposes under the name that it has before Prometheus makes room.
fn value<'a>(sample: &'a Sample, label: &str) -> &'a str {
    match (sample.label(label), label.strip_prefix("exported_")) {
        ("", Some(own)) => sample.label(own),
        (value, _) => value,
    }
}

/// Labels that are there and that the contract does not know.
fn undeclared(service: &Service, metric: &Metric, samples: &[&Sample]) -> Option<Diagnostic> {
    let names = samples
        .iter()
        .flat_map(|sample| sample.labels.iter())
        // An empty one is none to Prometheus: a Pushgateway writes such an `instance`.
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.as_str());
    let own = |name: &str| match metric.r#type.as_str() {
        "histogram" => name == "le",
        "summary" => name == "quantile",
        _ => false,
    };
    let undeclared: BTreeSet<&str> = names
        .filter(|name| {
            let declared = |name: &str| metric.labels.contains_key(name);
            !declared(name) && !declared(&format!("exported_{name}")) && !own(name)
        })
        .collect();
    if undeclared.is_empty() {
        return None;
    }
    let names: Vec<&str> = undeclared.into_iter().collect();
    let message = format!(
        "{}: {} has labels that the contract does not know: {}",
        service.name,
        metric.name,
        shown(&names)
    );
    let place = Place::Key(format!("/metrics/{}", metric.key));
    Some(
        Diagnostic::warning("label-undeclared", place, message)
            .help("declare them, or remove them from the code"),
    )
}

/// A number of six digits, a long hexadecimal word, or a path with a number of its own.
fn looks_like_id(value: &str) -> bool {
    value.split(['/', ':']).any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let hexadecimal = part
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let whole = !part.is_empty() && digits == part.len();
        (whole && (part.len() >= 6 || value.contains('/')))
            || (hexadecimal && part.len() >= 16 && digits > 0)
    })
}

fn shown(values: &[&str]) -> String {
    let first: Vec<String> = values
        .iter()
        .take(5)
        .map(|value| format!("{:?}", value.chars().take(60).collect::<String>()))
        .collect();
    let more = if values.len() > 5 {
        format!(" and {} more", values.len() - 5)
    } else {
        String::new()
    };
    format!("{}{more}", first.join(", "))
}

fn plain(declared: &Value) -> String {
    match declared {
        Value::Array(listed) => shown(&listed.iter().filter_map(Value::as_str).collect::<Vec<_>>()),
        other => other.as_str().unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinguished_from_routes() {
        for id in [
            "/items/17",
            "123456",
            "/u/550e8400-e29b-41d4-a716-446655440000",
            "d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert!(looks_like_id(id), "{id}");
        }
        for route in [
            "/health",
            "/items/{item_id}",
            "200",
            "/v1/items",
            "GET",
            "/api/v2",
            "",
        ] {
            assert!(!looks_like_id(route), "{route}");
        }
    }
}
