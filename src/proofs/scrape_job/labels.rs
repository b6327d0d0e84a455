//! The labels of targets, and of all that leaves Prometheus: what they push aside, and what nothing tells apart.

use crate::catalog::{Catalog, Metric, Service};
use crate::contract::relabel::Labels;
use crate::contract::targets::{Target, Targets};
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use std::collections::{HashMap, HashSet};

/// Targets that nothing tells apart: each scrape of one is out of order beside the other's, and is dropped.
pub(super) fn indistinguishable(targets: &Targets, config: &File) -> Vec<Diagnostic> {
    let mut known: HashMap<&Labels, &Target> = HashMap::new();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for target in &targets.list {
        let first = *known.entry(&target.labels).or_insert(target);
        let asked = |target: &Target| {
            let params = target.params.values().flatten();
            let params = params.map(|value| format!(" for {value}"));
            format!(
                "{}{}{}",
                target.address,
                target.path,
                params.collect::<String>()
            )
        };
        let (one, other) = (asked(first), asked(target));
        if one != other && seen.insert(target.job) {
            found.push(place::at(
                &config.path,
                &target.pointer,
                format!(
                    "{one} and {other} have the same labels: their samples are one series, and most of them are dropped"
                ),
                "leave `instance` to Prometheus, or give each a label of its own",
            ));
        }
    }
    found
}

/// A label that a target has and the catalog does not give it, where the service's own series have one of that name: theirs is then
/// called `exported_…`, and nobody finds it.
pub(super) fn pushing_series_aside(
    config: &File,
    catalog: &Catalog,
    service: &Service,
    target: &Target,
) -> Option<Diagnostic> {
    let more = |label: &&String| {
        !["job", "service", "component", "instance"].contains(&label.as_str())
            && !service.target_labels.contains_key(*label)
    };
    let mut more = target.labels.keys().filter(more);
    let has = |metric: &&Metric, label: &str| {
        let own = match metric.r#type.as_str() {
            "histogram" => label == "le",
            "summary" => label == "quantile",
            _ => false,
        };
        metric.services.contains(&service.name) && (own || metric.labels.contains_key(label))
    };
    let (label, metric) = more.find_map(|label| {
        let mut declared = catalog.declared();
        Some((label, declared.find(|metric| has(metric, label))?))
    })?;
    let group = target.pointer.split("/targets/").next().unwrap_or_default();
    let pointer = format!("{group}/labels/{label}");
    let message = format!(
        "the target of `{}` has a label `{label}`, and so have the series of `{}`: theirs becomes `exported_{label}`",
        service.name, metric.name
    );
    let help = "remove it from the target, or give it another name";
    (!service.honor_labels).then(|| {
        let mut found = place::at(&config.path, pointer, message, help);
        found.subjects.push(pushed_aside(label));
        found
    })
}

/// What a finding is about, and what others follow from: a label that a target has in the place of its series.
pub(in crate::proofs) fn pushed_aside(label: &str) -> String {
    format!("label {label}")
}

/// A service whose own labels win over those of its job, without the catalog's saying so.
pub(super) fn overruled_by_service(
    config: &File,
    catalog: &Catalog,
    index: usize,
    service: &str,
) -> Option<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let said = catalog.service(service);
    let unsaid = !said.is_some_and(|service| service.honor_labels);
    (job["honor_labels"] == true && unsaid).then(|| {
        place::at(
            &config.path,
            format!("/scrape_configs/{index}/honor_labels"),
            format!(
                "`{service}` may call itself another service: its own labels win over those of the job"
            ),
            "remove it",
        )
    })
}

/// Labels that everything leaves this Prometheus with: of two clusters or environments, only they say which one it is.
pub(super) fn missing_external(config: &File, catalog: &Catalog) -> Vec<Diagnostic> {
    let said = &config.value["global"]["external_labels"];
    let labels = catalog.prometheus.external_labels.iter();
    let lost = labels.filter(|(label, value)| plain(&said[label.as_str()]) != **value);
    lost.map(|(label, value)| {
        let pointer = match said.get(label) {
            Some(_) => format!("/global/external_labels/{label}"),
            None => "/global".to_string(),
        };
        place::at(
            &config.path,
            pointer,
            format!(
                "alerts and samples leave this Prometheus without `{label}=\"{value}\"`, which the catalog gives them"
            ),
            "render `external_labels` from the catalog",
        )
    })
    .collect()
}
