//! What alerts and objectives read that no catalog declares: metrics of profiles, by their own names or by what they are to the service.

use super::slos::counted;
use super::{Metric, Service, entries};
use crate::kinds::Kinds;
use crate::profiles::{Exposed, Profiles, Spec, Type};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The profile of what Prometheus itself writes of every target.
const TARGET: &str = "target";

/// The counters that a histogram and a summary have: of events, and of what they add up to.
const PARTS: [&str; 2] = ["_count", "_sum"];

/// Metrics of profiles that the catalog reads, as if it had declared them.
#[derive(Debug, Default)]
pub(super) struct Profiled {
    metrics: Vec<Metric>,
    /// A role, and the type that is needed → the metrics' keys with the services of each, by index.
    roles: BTreeMap<(String, String), Having>,
}

/// Metrics by their keys, each with the services that have it, by index.
type Having = Vec<(String, Vec<usize>)>;

/// One series name of a profile's metric, and what it counts.
struct Wanted<'a> {
    name: String,
    r#type: &'a str,
}

impl Profiled {
    pub(super) fn of(
        catalog: &Value,
        kinds: &Kinds,
        profiles: &Profiles,
        services: &[Service],
        declared: &[Metric],
    ) -> Profiled {
        let mut found = Profiled::default();
        for (name, wanted) in named(catalog, kinds) {
            if declared.iter().any(|metric| metric.key == name) {
                continue;
            }
            let part = PARTS
                .iter()
                .find_map(|end| Some((*end, name.strip_suffix(end)?)));
            let part = part.and_then(|(end, of)| {
                let mut own = declared.iter();
                let own = own.find(|metric| metric.key == of && metric.r#type != wanted);
                own.map(|own| (end, own))
            });
            match part {
                Some((end, own)) => {
                    let emits = |service: &&Service| own.services.contains(&service.name);
                    for service in services.iter().filter(emits) {
                        found.part(own, end, wanted, &BTreeMap::new(), service);
                    }
                }
                None => found.by_name(name, wanted, profiles, services),
            }
        }
        for (role, wanted) in by_role(catalog, kinds) {
            if !found.roles.contains_key(&(role.clone(), wanted.clone())) {
                found.by_role(&role, &wanted, profiles, services, declared);
            }
        }
        found
    }

    pub(super) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.metrics.iter().cloned()
    }

    /// Whether a metric is one of a profile.
    pub(super) fn has(&self, key: &str) -> bool {
        self.metrics.iter().any(|metric| metric.key == key)
    }

    /// Adds what rules of the catalog's own record.
    pub(super) fn record(&mut self, recorded: Vec<Metric>) {
        self.metrics.extend(recorded);
    }

    /// What a profile says that a metric of it is in.
    pub(super) fn unit(&self, key: &str) -> Option<&str> {
        let mut metrics = self.metrics.iter().filter(|metric| metric.key == key);
        metrics.find_map(|metric| metric.unit.as_deref())
    }

    /// The labels of a metric of a profile.
    pub(super) fn labels(&self, key: &str) -> Option<&Map> {
        let metric = self.metrics.iter().find(|metric| metric.key == key);
        metric.map(|metric| &metric.labels)
    }

    /// The labels of targets that are kept in what a rule records; None: no rule records it.
    pub(super) fn kept(&self, key: &str) -> Option<&BTreeSet<String>> {
        let metric = self.metrics.iter().find(|metric| metric.key == key);
        metric?.keeps.as_ref()
    }

    /// The metrics that have a role for services, where they are of a type: each with the indices of those services.
    pub(super) fn having(&self, role: &str, wanted: &str) -> &[(String, Vec<usize>)] {
        let known = self.roles.get(&(role.to_string(), wanted.to_string()));
        known.map_or(&[], Vec::as_slice)
    }

    /// A metric that is called by its own name, which is its key then.
    fn by_name(&mut self, name: &str, wanted: &str, profiles: &Profiles, services: &[Service]) {
        for service in services {
            // What a service says of itself goes before what is true of all with its runtime, and what Prometheus writes of every
            // target is no service's own.
            let own = service.profiles.iter().chain([&service.runtime]);
            for profile in own.map(String::as_str).chain([TARGET]) {
                let metrics = profiles.get(profile).into_iter();
                let mut metrics = metrics.flat_map(|known| &known.metrics);
                let listed = metrics.find_map(|(metric, exposed)| {
                    // What is listed with another type is a finding of its own.
                    let series = series(metric, exposed, wanted)
                        .filter(|series| series.name == name)
                        .or_else(|| summed(metric, exposed, wanted))
                        .filter(|series| series.name == name)
                        .or_else(|| series(metric, exposed, "any"))?;
                    let part = (series.name != *metric).then(|| metric.clone());
                    (series.name == name).then_some((series, exposed, part))
                });
                if let Some((series, exposed, part)) = listed {
                    let role = profiles.get(profile).and_then(|known| {
                        let mut roles = known.roles.values();
                        roles.find(|spec| name.starts_with(&spec.metric))
                    });
                    let metric = as_declared(&series, exposed, role, profile);
                    self.add(
                        Metric {
                            key: name.to_string(),
                            counted_of: metric.counted_of.or(part),
                            ..metric
                        },
                        service,
                    );
                    break;
                }
            }
        }
    }

    fn by_role(
        &mut self,
        role: &str,
        wanted: &str,
        profiles: &Profiles,
        services: &[Service],
        declared: &[Metric],
    ) {
        let mut having = Having::new();
        for (index, service) in services.iter().enumerate() {
            let specs = profiles.specs(&service.runtime, &service.profiles);
            let Some((profile, exposed, spec)) = specs.get(role) else {
                continue;
            };
            // What the catalog declares under this name says more than the profile.
            let own = declared.iter().find(|metric| {
                metric.services.contains(&service.name)
                    && (metric.name == spec.metric
                        || metric.name == format!("{}_count", spec.metric))
            });
            let key = match (own, exposed) {
                (Some(own), _) => self.part(own, PARTS[0], wanted, &spec.errors, service),
                (None, Some(exposed)) => series(&spec.metric, exposed, wanted).map(|series| {
                    let metric = as_declared(&series, exposed, Some(*spec), profile);
                    self.add(metric, service)
                }),
                (None, None) => None,
            };
            let Some(key) = key else { continue };
            match having.iter_mut().find(|(known, _)| *known == key) {
                Some((_, services)) => services.push(index),
                None => having.push((key, vec![index])),
            }
        }
        let place = (role.to_string(), wanted.to_string());
        self.roles.insert(place, having);
    }

    /// The key of what a declared metric says in a type: its own, or that of a part of a histogram.
    fn part(
        &mut self,
        own: &Metric,
        end: &str,
        wanted: &str,
        errors: &BTreeMap<String, String>,
        service: &Service,
    ) -> Option<String> {
        if own.r#type == wanted {
            return Some(own.key.clone());
        }
        // A native histogram has no series that counts its events.
        let several = ["histogram", "summary"].contains(&own.r#type.as_str()) && !own.whole;
        let counts = wanted == "counter" && several;
        counts.then(|| {
            let metric = Metric {
                key: format!("{}{end}", own.key),
                name: format!("{}{end}", own.name),
                r#type: wanted.to_string(),
                errors: errors.clone(),
                buckets: Vec::new(),
                native: false,
                quantiles: Vec::new(),
                services: Vec::new(),
                profile: Some(service.runtime.clone()),
                counted_of: Some(own.name.clone()),
                ..own.clone()
            };
            self.add(metric, service)
        })
    }

    /// Has a service emit a metric, and says the metric's key.
    fn add(&mut self, metric: Metric, service: &Service) -> String {
        let same = |known: &&mut Metric| {
            known.name == metric.name
                && known.labels == metric.labels
                && known.r#type == metric.r#type
        };
        if let Some(known) = self.metrics.iter_mut().find(same) {
            if !known.services.contains(&service.name) {
                known.services.push(service.name.clone());
            }
            return known.key.clone();
        }
        let taken = |key: &str| self.metrics.iter().any(|known| known.key == key);
        let mut key = metric.key.clone();
        if taken(&key) {
            key = metric.name.clone();
        }
        while taken(&key) {
            key += "_too";
        }
        self.metrics.push(Metric {
            key: key.clone(),
            services: vec![service.name.clone()],
            ..metric
        });
        key
    }
}

/// What a metric of a profile is as a metric of a type.
fn series<'a>(name: &str, exposed: &Exposed, wanted: &'a str) -> Option<Wanted<'a>> {
    let whole = |r#type| {
        Some(Wanted {
            name: name.to_string(),
            r#type,
        })
    };
    match (exposed.r#type, wanted) {
        // A native histogram has no series that counts its events.
        (_, "counter") if exposed.whole() => None,
        (Type::Histogram | Type::Summary, "counter") => Some(Wanted {
            name: format!("{name}_count"),
            r#type: "counter",
        }),
        (Type::Counter, "counter") | (Type::Untyped, "counter") => whole("counter"),
        (Type::Gauge, "gauge") | (Type::Untyped, "gauge") => whole("gauge"),
        (Type::Histogram, "histogram") => whole("histogram"),
        (Type::Summary, "summary") => whole("summary"),
        (listed, "any") => whole(match listed {
            Type::Counter => "counter",
            Type::Histogram => "histogram",
            Type::Summary => "summary",
            Type::Gauge | Type::Untyped => "gauge",
        }),
        _ => None,
    }
}

/// What the events of a histogram or a summary of a profile add up to, where a counter is asked for.
fn summed<'a>(name: &str, exposed: &Exposed, wanted: &'a str) -> Option<Wanted<'a>> {
    let parted = matches!(exposed.r#type, Type::Histogram | Type::Summary);
    let several = parted && !exposed.whole();
    (several && wanted == "counter").then(|| Wanted {
        name: format!("{name}{}", PARTS[1]),
        r#type: wanted,
    })
}

fn as_declared(series: &Wanted, exposed: &Exposed, role: Option<&Spec>, profile: &str) -> Metric {
    let family = role.map_or(series.name.as_str(), |spec| spec.metric.as_str());
    let whole = !series.name.ends_with("_count") || exposed.r#type.word() == series.r#type;
    let counted = series.name != family && series.name == format!("{family}_count");
    Metric {
        key: series.name.clone(),
        name: series.name.clone(),
        spelled_out: true,
        r#type: series.r#type.to_string(),
        help: if exposed.help.is_empty() {
            format!("{}, as {profile} says it", series.name)
        } else {
            exposed.help.clone()
        },
        labels: exposed.labels.clone(),
        services: Vec::new(),
        groups: Vec::new(),
        buckets: if series.r#type == "histogram" {
            exposed.buckets.clone()
        } else {
            Vec::new()
        },
        native: exposed.native && series.r#type == "histogram",
        whole: exposed.whole() && series.r#type == "histogram",
        unit: whole.then(|| exposed.unit.clone()).flatten(),
        per_second: 1.0,
        quantiles: if series.r#type == "summary" {
            exposed.quantiles.clone()
        } else {
            Vec::new()
        },
        errors: role.map(|spec| spec.errors.clone()).unwrap_or_default(),
        profile: Some(profile.to_string()),
        counted_of: counted.then(|| family.to_string()),
        written: Map::new(),
        keeps: None,
        recorded_of: Vec::new(),
    }
}

/// The metrics that alerts compare, with the type that each must have.
pub(super) fn compared<'a>(catalog: &'a Value, kinds: &'a Kinds) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for (_, written) in entries(catalog, "alerts") {
        let kind = written["kind"].as_str().and_then(|kind| kinds.get(kind));
        for (key, about) in kind.iter().flat_map(|kind| &kind.keys) {
            if let (Some(name), Some(wanted)) =
                (written[key.as_str()].as_str(), about["metric"].as_str())
            {
                found.push((name, wanted));
            }
        }
    }
    found
}

/// The metrics that silence alerts and objectives.
pub(super) fn silencing(catalog: &Value) -> impl Iterator<Item = &str> {
    let both = entries(catalog, "alerts").chain(entries(catalog, "slos"));
    both.filter_map(|(_, written)| written["unless"]["metric"].as_str())
}

/// The same of objectives too, and of what silences either.
fn named<'a>(catalog: &'a Value, kinds: &'a Kinds) -> Vec<(&'a str, &'a str)> {
    let mut found = compared(catalog, kinds);
    found.extend(silencing(catalog).map(|name| (name, "gauge")));
    for (_, written) in entries(catalog, "slos") {
        let (errors, latency) = (&written["errors"], &written["latency"]);
        let counters = [errors, &written["total"]].into_iter();
        found.extend(counters.filter_map(counted).map(|name| (name, "counter")));
        found.extend(counted(&latency["metric"]).map(|name| (name, "histogram")));
    }
    found
}

/// The roles that metrics have for alerts which do not name one, with the type that each must have.
fn by_role(catalog: &Value, kinds: &Kinds) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (_, written) in entries(catalog, "alerts") {
        let kind = written["kind"].as_str().and_then(|kind| kinds.get(kind));
        for (key, about) in kind.iter().flat_map(|kind| &kind.keys) {
            let Some(role) = about["of_profile"].as_str() else {
                continue;
            };
            if written[key.as_str()] == about["default"] {
                let wanted = about["metric"].as_str().unwrap_or("any");
                found.push((role.to_string(), wanted.to_string()));
            }
        }
    }
    found
}
