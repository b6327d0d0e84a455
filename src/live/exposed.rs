//! What a service exposes, held against the metric contract of the catalog.

use super::exposition::{Exposition, Sample};
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::fault::covers;
use regex_automata::meta::Regex;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The declared metrics, their patterns compiled once.
pub struct Declared<'a> {
    catalog: &'a Catalog,
    patterns: HashMap<&'a str, Regex>,
}

/// How one service keeps the contract.
#[derive(Default)]
pub struct Kept<'a> {
    /// What it should expose and does not.
    pub missing: Vec<&'a Metric>,
    /// Everything else.
    pub findings: Vec<Diagnostic>,
}

/// Names under which a declared metric has samples.
pub fn sample_names(metric: &Metric) -> Vec<String> {
    match metric.r#type.as_str() {
        "histogram" => ["_bucket", "_sum", "_count"].iter().map(|suffix| format!("{}{suffix}", metric.name)).collect(),
        _ => vec![metric.name.clone()],
    }
}

impl<'a> Declared<'a> {
    /// Of a catalog.
    pub fn new(catalog: &'a Catalog) -> Declared<'a> {
        let written = catalog.metrics.iter().flat_map(|metric| metric.labels.values()).filter_map(Value::as_str);
        let patterns = written.filter_map(|pattern| Some((pattern, Regex::new(&format!("^(?:{pattern})$")).ok()?))).collect();
        Declared { catalog, patterns }
    }

    /// Everything that a scrape says against it.
    pub fn check(&self, service: &Service, exposition: &Exposition) -> Kept<'a> {
        let mut kept = Kept::default();
        let mut by_name: HashMap<&str, Vec<&Sample>> = HashMap::new();
        for sample in &exposition.samples {
            by_name.entry(&sample.name).or_default().push(sample);
        }
        for metric in self.catalog.metrics.iter().filter(|metric| metric.services.contains(&service.name)) {
            let samples: Vec<&Sample> = sample_names(metric).iter().filter_map(|name| by_name.get(name.as_str())).flatten().copied().collect();
            if samples.is_empty() {
                match exposition.type_of(&metric.name) {
                    Some(_) => kept.findings.push(without_series(service, metric)),
                    None => kept.missing.push(metric),
                }
                continue;
            }
            kept.findings.extend(wrong_type(service, metric, exposition.type_of(&samples[0].name)));
            kept.findings.extend(self.labels(service, metric, &samples));
        }
        kept.findings.extend(duplicates(service, exposition));
        kept.findings.extend(self.process_metrics(service, &by_name));
        kept
    }

    /// Values outside the contract, labels that are missing, values that look like ids.
    fn labels(&self, service: &Service, metric: &Metric, samples: &[&Sample]) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (label, declared) in &metric.labels {
            let values: BTreeSet<&str> = samples.iter().map(|sample| sample.label(label)).collect();
            let place = Place::Value(format!("/metrics/{}/labels/{label}", metric.key));
            let outside: Vec<&str> = values.iter().copied().filter(|value| !self.accepts(declared, value)).collect();
            if outside == [""] {
                let message = format!("{}: {} has series without the label `{label}`", service.name, metric.name);
                findings.push(Diagnostic::error("label-missing", place, message).help(format!("set `{label}` wherever the metric is counted")));
            } else if !outside.is_empty() {
                let message = format!("{}: {}{{{label}}} is {}, which the contract does not know", service.name, metric.name, shown(&outside));
                let help = format!("write one of its values ({}); alerts that match `{label}` do not see the others", plain(declared));
                findings.push(Diagnostic::error("label-value", place, message).help(help));
            } else if let Some(id) = values.iter().find(|value| declared.is_string() && looks_like_id(value)) {
                let message = format!("{}: {}{{{label}={id:?}}} looks like an id: {} values so far", service.name, metric.name, values.len());
                findings.push(
                    Diagnostic::warning("id-like-label", place, message)
                        .help("label with the route's template (`/items/{item_id}`), never with what a user sent"),
                );
            }
        }
        let undeclared: BTreeSet<&str> = samples
            .iter()
            .flat_map(|sample| sample.labels.iter().map(|(name, _)| name.as_str()))
            .filter(|name| !metric.labels.contains_key(*name) && *name != "le")
            .collect();
        if !undeclared.is_empty() {
            let names: Vec<&str> = undeclared.into_iter().collect();
            let message = format!("{}: {} has labels that the contract does not know: {}", service.name, metric.name, shown(&names));
            findings.push(
                Diagnostic::warning("label-undeclared", Place::Key(format!("/metrics/{}", metric.key)), message)
                    .help("declare them, or take them out of the code"),
            );
        }
        findings
    }

    fn accepts(&self, declared: &Value, value: &str) -> bool {
        match declared {
            Value::Array(listed) => listed.iter().any(|one| one == value),
            Value::String(pattern) => self.patterns.get(pattern.as_str()).is_none_or(|regex| regex.is_match(value)),
            _ => true,
        }
    }

    /// What memory and CPU alerts read comes from the client library, unless something took it away.
    fn process_metrics(&self, service: &Service, by_name: &HashMap<&str, Vec<&Sample>>) -> Vec<Diagnostic> {
        let needed = [("memory_ratio", "process_resident_memory_bytes"), ("cpu_ratio", "process_cpu_seconds_total")];
        let read = |kind: &str| self.catalog.alerts.iter().find(|alert| alert.kind == kind && covers(alert, &service.name));
        let missing = needed.into_iter().filter(|(_, name)| !by_name.contains_key(name)).filter_map(|(kind, name)| Some((read(kind)?, name)));
        missing
            .map(|(alert, name)| {
                let message = format!("{}: {name} is not exposed, so {} can never fire for it", service.name, alert.name);
                Diagnostic::error("process-metric-missing", Place::Key(format!("/services/{}", service.name)), message)
                    .help("expose the client library's default registry; its multiprocess mode drops all process_* metrics")
            })
            .collect()
    }
}

fn without_series(service: &Service, metric: &Metric) -> Diagnostic {
    let message = format!("{}: {} is registered but has no series yet", service.name, metric.name);
    Diagnostic::warning("metric-without-series", Place::Key(format!("/metrics/{}", metric.key)), message)
        .help("initialise its label values at start: the first event of a series that did not exist is not counted as an increase")
}

fn wrong_type(service: &Service, metric: &Metric, exposed: Option<&str>) -> Option<Diagnostic> {
    let exposed = exposed.unwrap_or("untyped");
    if exposed == metric.r#type {
        return None;
    }
    let place = Place::Value(format!("/metrics/{}/type", metric.key));
    let message = format!("{}: {} is a {exposed}, and the contract says {}", service.name, metric.name, metric.r#type);
    let help = "correct the code or the contract: functions such as rate() are right for one type only";
    Some(match exposed {
        "untyped" | "unknown" => Diagnostic::warning("metric-type", place, message).help(help),
        _ => Diagnostic::error("metric-type", place, message).help(help),
    })
}

fn duplicates(service: &Service, exposition: &Exposition) -> Option<Diagnostic> {
    let mut seen = HashSet::new();
    let double = exposition.samples.iter().find(|sample| {
        let mut labels: Vec<_> = sample.labels.iter().collect();
        labels.sort();
        !seen.insert((&sample.name, labels))
    })?;
    let message = format!("{}: line {} repeats the series {}", service.name, double.line, double.series());
    Some(
        Diagnostic::error("duplicate-series", Place::Key(format!("/services/{}", service.name)), message)
            .help("expose each series once: Prometheus keeps one of them"),
    )
}

/// A counter that is smaller than it was a moment ago.
pub fn backwards(service: &Service, before: &Exposition, after: &Exposition) -> Option<Diagnostic> {
    let counts = |name: &str| name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_bucket");
    let old: HashMap<_, f64> =
        before.samples.iter().filter(|sample| counts(&sample.name)).map(|sample| ((sample.name.as_str(), sample.labels.as_slice()), sample.value)).collect();
    let fallen = after.samples.iter().find_map(|sample| {
        let old = *old.get(&(sample.name.as_str(), sample.labels.as_slice()))?;
        (sample.value < old).then_some((sample, old))
    });
    let (sample, old) = fallen?;
    let message = format!("{}: the counter {} goes backwards, from {old} to {}", service.name, sample.series(), sample.value);
    let help = "several workers answer in turn, each with its own registry: run one worker a port, or the client library's multiprocess mode";
    Some(Diagnostic::error("counter-backwards", Place::Key(format!("/services/{}", service.name)), message).help(help))
}

/// A number of six digits, a long hexadecimal word, or a path with a number of its own.
fn looks_like_id(value: &str) -> bool {
    value.split(['/', ':']).any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let hexadecimal = part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let whole = !part.is_empty() && digits == part.len();
        (whole && (part.len() >= 6 || value.contains('/'))) || (hexadecimal && part.len() >= 16 && digits > 0)
    })
}

fn shown(values: &[&str]) -> String {
    let first: Vec<String> = values.iter().take(5).map(|value| format!("{:?}", value.chars().take(60).collect::<String>())).collect();
    let more = if values.len() > 5 { format!(" and {} more", values.len() - 5) } else { String::new() };
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
    fn ids_are_told_from_routes() {
        for id in ["/items/17", "123456", "/u/550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e"] {
            assert!(looks_like_id(id), "{id}");
        }
        for route in ["/health", "/items/{item_id}", "200", "/v1/items", "GET", "/api/v2", ""] {
            assert!(!looks_like_id(route), "{route}");
        }
    }
}
