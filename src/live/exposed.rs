//! What a service exposes, held against the metric contract of the catalog.

mod buckets;
mod labels;
mod read;
mod series;

use super::exposition::{Exposition, Sample};
use crate::catalog::{Alert, Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::parse;
use crate::promql::walk::selectors;
use crate::stack::files::Files;
use crate::value::Value;
use buckets::Bounds;
use labels::Patterns;
use read::Selections;
pub(crate) use series::{backwards, falls};
use std::collections::{HashMap, HashSet};

/// The declared metrics of each service, their patterns compiled once.
pub(crate) struct Declared<'a> {
    catalog: &'a Catalog,
    emitted: HashMap<&'a str, Vec<&'a Metric>>,
    patterns: Patterns<'a>,
    bounds: Bounds<'a>,
    selections: Selections<'a>,
}

/// What a service exposes of a declared metric.
pub(crate) struct Series<'a> {
    pub metric: &'a Metric,
    /// Of the samples that are counted here; of a histogram, its buckets.
    pub name: String,
    pub count: usize,
    /// Events that were counted; 0 where it counts none.
    pub events: f64,
}

/// How one service keeps the contract.
#[derive(Default)]
pub(crate) struct Kept<'a> {
    /// What it should expose and does not.
    pub missing: Vec<&'a Metric>,
    /// Where something is missing, families that no metric of the catalog is called as, each with its type.
    pub others: Vec<(String, String)>,
    pub exposed: Vec<Series<'a>>,
    pub findings: Vec<Diagnostic>,
}

/// Names under which a declared metric has samples.
pub(crate) fn sample_names(metric: &Metric) -> Vec<String> {
    match metric.r#type.as_str() {
        "histogram" => ["_bucket", "_sum", "_count"]
            .iter()
            .map(|suffix| format!("{}{suffix}", metric.name))
            .collect(),
        "summary" => {
            let own = (!metric.quantiles.is_empty()).then_some("");
            ["_sum", "_count"]
                .into_iter()
                .chain(own)
                .map(|suffix| format!("{}{suffix}", metric.name))
                .collect()
        }
        _ => vec![metric.name.clone()],
    }
}

/// So many series of one metric of one instance are more than people have listed the values of.
const MANY_SERIES: usize = 5_000;

impl<'a> Declared<'a> {
    pub(crate) fn new(catalog: &'a Catalog, rendered: Files<'a>) -> Declared<'a> {
        let mut emitted: HashMap<&str, Vec<&Metric>> = HashMap::new();
        for metric in catalog.exposed() {
            metric
                .services
                .iter()
                .for_each(|service| emitted.entry(service).or_default().push(metric));
        }
        let mut declared = Declared {
            catalog,
            emitted,
            patterns: Patterns::new(&catalog.metrics),
            bounds: Bounds::of(catalog),
            selections: Selections::of(catalog),
        };
        for (_, _, rule) in rendered.rules() {
            let name = rule["alert"].as_str().or(rule["record"].as_str());
            let Ok(expr) = parse(rule["expr"].as_str().unwrap_or_default()) else {
                continue;
            };
            for selector in selectors(&expr) {
                declared.bounds.add(name.unwrap_or_default(), selector);
                declared.selections.add(name.unwrap_or_default(), selector);
            }
        }
        declared
    }

    /// Everything that a scrape says against it.
    pub(crate) fn check(&self, service: &Service, exposition: &Exposition) -> Kept<'a> {
        let mut kept = Kept::default();
        let mut by_name: HashMap<&str, Vec<&Sample>> = HashMap::new();
        for sample in &exposition.samples {
            by_name.entry(&sample.name).or_default().push(sample);
        }
        for metric in self
            .emitted
            .get(service.name.as_str())
            .into_iter()
            .flatten()
            .copied()
        {
            let samples: Vec<&Sample> = sample_names(metric)
                .iter()
                .filter_map(|name| by_name.get(name.as_str()))
                .flatten()
                .copied()
                .collect();
            if samples.is_empty() {
                match exposition.type_of(&metric.name) {
                    Some(_) => kept.findings.push(without_series(service, metric)),
                    None => kept.missing.push(metric),
                }
                continue;
            }
            kept.exposed.push(exposed(metric, &samples));
            kept.findings.extend(wrong_type(
                service,
                metric,
                exposition.type_of(&samples[0].name),
            ));
            kept.findings
                .extend(self.without_number(service, metric, &samples));
            let labels = self.patterns.judge(service, metric, &samples);
            kept.findings
                .extend(self.bounds.judge(service, metric, &samples));
            let blind = self.selections.judge(service, metric, &samples);
            // Where other values are written, those that are missing are not a matter of time.
            let renamed = labels.iter().any(|one| one.code == "label-value");
            kept.findings.extend(labels);
            kept.findings.extend(blind.map(|finding| match renamed {
                true => finding.help("first mend what is said of the values of its labels"),
                false => finding,
            }));
        }
        if !kept.missing.is_empty() {
            let known: HashSet<&str> = self
                .catalog
                .metrics
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            let others = by_name.keys().filter_map(|name| {
                let r#type = exposition.type_of(name).unwrap_or("untyped");
                let parts = ["_bucket", "_sum", "_count"];
                let mut ends = parts
                    .iter()
                    .filter(|_| ["histogram", "summary"].contains(&r#type));
                let family = ends.find_map(|end| name.strip_suffix(end)).unwrap_or(name);
                let own = !known.contains(family) && !family.ends_with("_created");
                own.then(|| (family.to_string(), r#type.to_string()))
            });
            kept.others = others.collect();
        }
        kept.findings
            .extend(self.undeclared(service, exposition, &by_name));
        kept.findings
            .extend(series::duplicates(service, exposition));
        kept.findings
            .extend(self.process_metrics(service, &by_name));
        kept
    }

    /// A metric of very many series that nobody declares: it costs memory and time, and no alert or panel reads it.
    fn undeclared(
        &self,
        service: &Service,
        exposition: &Exposition,
        by_name: &HashMap<&str, Vec<&Sample>>,
    ) -> Option<Diagnostic> {
        let many = by_name.iter().filter(|(_, all)| all.len() >= MANY_SERIES);
        let (name, samples) = many
            .filter(|(name, _)| {
                let mut own = self
                    .emitted
                    .get(service.name.as_str())
                    .into_iter()
                    .flatten();
                !own.any(|metric| sample_names(metric).iter().any(|own| own == *name))
            })
            .max_by_key(|(name, all)| (all.len(), **name))?;
        let mut values: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (label, value) in samples.iter().flat_map(|sample| &sample.labels) {
            values.entry(label).or_default().insert(value);
        }
        let most = values
            .into_iter()
            .map(|(label, values)| (values.len(), label));
        let because = most.max().map_or_else(String::new, |(count, label)| {
            format!(", as its label {label} has {count} values")
        });
        let message = format!(
            "{}: {name} has {} of its {} series{because}, and the catalog does not declare it",
            service.name,
            samples.len(),
            exposition.samples.len()
        );
        let place = Place::Key(format!("/services/{}", service.name));
        Some(Diagnostic::warning("many-series", place, message).help("take that label out of the metric in the code, or the metric where nobody reads it; if it is meant so, declare it under [metrics]; `sample_limit` of the service bounds what it may cost"))
    }

    /// A metric that has series, and no number in any of them. The quantiles of a summary are none while nothing happens.
    fn without_number(
        &self,
        service: &Service,
        metric: &Metric,
        samples: &[&Sample],
    ) -> Option<Diagnostic> {
        let own = |sample: &&&Sample| metric.r#type != "summary" || sample.name != metric.name;
        let mut values = samples.iter().filter(own).peekable();
        values.peek()?;
        if !values.all(|sample| sample.value.is_nan()) {
            return None;
        }
        let blind = cannot_fire(readers(self.catalog, service, metric));
        let place = Place::Key(format!("/metrics/{}", metric.key));
        let message = format!(
            "{}: {} is NaN in all its series, which is neither above nor below anything{blind}",
            service.name, metric.name
        );
        Some(Diagnostic::error("metric-nan", place, message).help(
            "look at what the service measures: expose a number, or no series as long as there is none",
        ))
    }

    /// What memory and CPU alerts read comes from the client library, unless something took it away.
    fn process_metrics(
        &self,
        service: &Service,
        by_name: &HashMap<&str, Vec<&Sample>>,
    ) -> Vec<Diagnostic> {
        let mut missing: Vec<(&Alert, &str)> = Vec::new();
        for alert in &self.catalog.alerts {
            let roles = alert.kind.roles().into_iter();
            for role in roles.filter_map(|role| service.roles.get(role)) {
                let name = role.metric.as_str();
                let first = missing.iter().all(|(_, known)| *known != name);
                if first && !by_name.contains_key(name) && alert.covers_service(&service.name) {
                    missing.push((alert, name));
                }
            }
        }
        missing
            .into_iter()
            .map(|(alert, name)| {
                let message = format!("{}: {name} is not exposed, so {} can never fire for it", service.name, alert.name);
                let help = match service.runtime.as_str() {
                    "python" => "expose the client library's default registry; its multiprocess mode drops all process_* metrics".to_string(),
                    runtime => format!("expose what the client library of {runtime} says of its process, or name another `runtime` or profile: see `monstack explain SERVICE`"),
                };
                Diagnostic::error("process-metric-missing", Place::Key(format!("/services/{}", service.name)), message)
                    .help(help)
            })
            .collect()
    }
}

/// The alerts of a service that read a metric.
pub(crate) fn readers<'a>(
    catalog: &'a Catalog,
    service: &Service,
    metric: &Metric,
) -> impl Iterator<Item = &'a str> {
    let reads = |alert: &&Alert| {
        let mut read = alert.metrics().into_iter();
        alert.covers_service(&service.name) && read.any(|(_, key, _)| key == metric.key)
    };
    let alerts = catalog.alerts.iter().filter(reads);
    alerts.map(|alert| alert.name.as_str())
}

/// What follows for alerts that see nothing, as the end of a message.
pub(crate) fn cannot_fire<'a>(alerts: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = alerts.into_iter().collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; {} cannot fire for it", names.join(", ")),
    }
}

fn exposed<'a>(metric: &'a Metric, samples: &[&Sample]) -> Series<'a> {
    let name = &samples[0].name;
    let counts = match metric.r#type.as_str() {
        "counter" => Some(metric.name.clone()),
        "histogram" | "summary" => Some(format!("{}_count", metric.name)),
        _ => None,
    };
    let counted = samples
        .iter()
        .filter(|sample| counts.as_ref() == Some(&sample.name));
    Series {
        metric,
        name: name.clone(),
        count: samples.iter().filter(|sample| sample.name == *name).count(),
        events: counted.map(|sample| sample.value).sum(),
    }
}

/// Whether nobody can say beforehand which series there will be.
pub(crate) fn open_ended(metric: &Metric) -> bool {
    metric.labels.values().any(Value::is_string)
}

fn without_series(service: &Service, metric: &Metric) -> Diagnostic {
    let (code, place) = (
        "metric-without-series",
        Place::Key(format!("/metrics/{}", metric.key)),
    );
    let message = format!(
        "{}: {} is registered but has no series yet",
        service.name, metric.name
    );
    if open_ended(metric) {
        return Diagnostic::notice(code, place, message)
            .help("it gets one with its first event, as nobody can list the values of its labels beforehand; that event is not counted as an increase");
    }
    Diagnostic::warning(code, place, message)
        .help("initialise its label values at start: the first event of a series that did not exist is not counted as an increase")
}

fn wrong_type(service: &Service, metric: &Metric, exposed: Option<&str>) -> Option<Diagnostic> {
    let exposed = exposed.unwrap_or("untyped");
    if exposed == metric.r#type || metric.counted_of.is_some() {
        return None;
    }
    let place = Place::Value(format!("/metrics/{}/type", metric.key));
    let message = format!(
        "{}: {} is a {exposed}, and the contract says {}",
        service.name, metric.name, metric.r#type
    );
    let help =
        "correct the code or the contract: functions such as rate() are right for one type only";
    Some(match exposed {
        "untyped" | "unknown" => Diagnostic::warning("metric-type", place, message).help(help),
        _ => Diagnostic::error("metric-type", place, message).help(help),
    })
}
