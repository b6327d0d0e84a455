//! No two things write the same series: declared metrics with all that a client exposes for them, what a runtime, Prometheus
//! and its friends expose by themselves, and what alerts record.

use super::{Check, Example, Proof, place};
use crate::catalog::{Catalog, Metric};
use crate::diagnostic::{Diagnostic, Severity};
use crate::profiles::{of_scrapes, of_servers};
use std::collections::{BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "metric-collision",
    doc: "A name that is exposed twice makes Prometheus drop samples or the whole scrape, and a query reads two things as one. A histogram also exposes _bucket, _sum and _count, and clients add _created.",
    example: Example::Catalog {
        bad: "[metrics.wait_seconds]\ntype = \"histogram\"\nhelp = \"Time waited\"\n\n[metrics.wait_seconds_count]\ntype = \"gauge\"\nhelp = \"Who waits\"\n",
        good: "[metrics.wait_seconds]\ntype = \"histogram\"\nhelp = \"Time waited\"\n\n[metrics.waiting]\ntype = \"gauge\"\nhelp = \"Who waits\"\n",
    },
    check: Check::Stack(|stack| {
        let mut found = declared(stack.catalog);
        found.extend(given(stack.catalog));
        found.extend(alike(stack.catalog));
        found
    }),
};

/// Every name of a sample that clients expose for a metric.
fn samples(metric: &Metric) -> Vec<String> {
    let name = &metric.name;
    match metric.r#type.as_str() {
        "histogram" => ["", "_bucket", "_sum", "_count", "_created"]
            .iter()
            .map(|suffix| format!("{name}{suffix}"))
            .collect(),
        "summary" => ["", "_sum", "_count", "_created"]
            .iter()
            .map(|suffix| format!("{name}{suffix}"))
            .collect(),
        "counter" => vec![name.clone(), format!("{}_created", family(metric))],
        _ => vec![name.clone()],
    }
}

/// What OpenMetrics calls it: a counter without its suffix.
fn family(metric: &Metric) -> &str {
    if metric.r#type == "counter" {
        metric.name.trim_end_matches("_total")
    } else {
        &metric.name
    }
}

/// Declared metrics of one service against each other.
fn declared(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut writers: HashMap<String, Vec<&Metric>> = HashMap::new();
    let mut families: HashMap<&str, &Metric> = HashMap::new();
    let mut found = Vec::new();
    let share = |one: &Metric, other: &Metric| {
        let services: HashSet<&String> = one.services.iter().collect();
        other
            .services
            .iter()
            .find(|service| services.contains(service))
            .cloned()
    };
    for metric in catalog.declared() {
        let mut told = false;
        for sample in samples(metric) {
            let others = writers.entry(sample.clone()).or_default();
            let met = others
                .iter()
                .find_map(|other| Some((*other, share(other, metric)?)));
            if let (Some((other, service)), false) = (met, told) {
                let message = format!(
                    "`{service}` would expose `{sample}` twice: for the {} `{}` and for the {} `{}`",
                    other.r#type, other.key, metric.r#type, metric.key
                );
                found.push(place::in_catalog(
                    format!("/metrics/{}", metric.key),
                    message,
                    "give one of the two another name",
                ));
                told = true;
            }
            others.push(metric);
        }
        let python = |name: &String| {
            catalog
                .service(name)
                .is_some_and(|service| service.runtime == "python")
        };
        match families.insert(family(metric), metric).filter(|_| !told) {
            Some(other) if share(other, metric).is_some_and(|service| python(&service)) => {
                let message = format!(
                    "Python's client takes the {} `{}` and the {} `{}` for one metric",
                    other.r#type, other.key, metric.r#type, metric.key
                );
                let help = "the generated MetricsCollector keeps them apart; a service that registers both by itself does not start. Another name, such as one in `_active`, avoids it";
                found.push(Diagnostic {
                    severity: Severity::Notice,
                    ..place::in_catalog(format!("/metrics/{}", metric.key), message, help)
                });
            }
            _ => {}
        }
    }
    found
}

/// Declared metrics against what is there without being declared.
fn given(catalog: &Catalog) -> Vec<Diagnostic> {
    let servers = of_servers();
    let known = &catalog.profiles;
    let all = catalog.services.iter();
    let runtimes: HashMap<&str, HashSet<&str>> = all
        .map(|service| service.runtime.as_str())
        .map(|runtime| (runtime, known.metrics(runtime).collect()))
        .collect();
    let mut found = Vec::new();
    for metric in catalog.declared() {
        let emitters = catalog.services_of(&metric.services);
        let of: BTreeSet<&str> = emitters
            .clone()
            .map(|service| service.runtime.as_str())
            .collect();
        let profiles: BTreeSet<&String> = emitters.flat_map(|service| &service.profiles).collect();
        // Who declares the buckets of what a profile lists says more of the same thing.
        let mut named = of
            .iter()
            .copied()
            .chain(profiles.iter().map(|name| name.as_str()));
        if named.any(|profile| {
            catalog
                .profiles
                .refined(profile, &metric.name, &metric.r#type)
        }) {
            continue;
        }
        let names = samples(metric);
        let runtime = |name: &str| {
            of.iter().copied().find(|runtime| {
                known.of_client(runtime, name)
                    || runtimes
                        .get(runtime)
                        .is_some_and(|known| known.contains(name))
            })
        };
        let who = names.iter().find_map(|name| {
            let name = name.as_str();
            let server = if of_scrapes(name) {
                Some("Prometheus, for every target")
            } else if metric.spelled_out {
                // Who spells it out watches another of those servers, in a job of its own.
                None
            } else {
                servers.get(name).copied()
            };
            let who = server.map(str::to_string).or_else(|| {
                runtime(name).map(|runtime| format!("the client library of {runtime}"))
            });
            let who = who.or_else(|| {
                let profile = profiles.iter().find(|profile| {
                    let mut known = catalog.profiles.metrics(profile);
                    known.any(|known| known == name)
                });
                profile.map(|profile| format!("what the profile `{profile}` is about"))
            });
            who.map(|who| (name.to_string(), who))
        });
        if let Some((name, who)) = who {
            let message = format!("`{name}` is written by {who} already");
            found.push(place::in_catalog(format!("/metrics/{}", metric.key),
                message,
                "give the metric another name, or the platform another `metric_prefix`; what is written already need not be declared",
            ));
        }
    }
    found
}

/// Alerts whose names differ in capitals only: they would record one series, and share a section of the runbook.
fn alike(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for alert in &catalog.alerts {
        if let Some(other) = known.insert(alert.name.to_lowercase(), &alert.name) {
            let message = format!(
                "`{}` and `{other}` differ in capitals only: they would record the same series and share a section of the runbook",
                alert.name
            );
            found.push(place::in_catalog(
                format!("/alerts/{}", alert.name),
                message,
                "give one of the two another name",
            ));
        }
    }
    found
}
