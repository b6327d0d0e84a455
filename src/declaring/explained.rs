//! What need not be declared: what the runtime and the profiles of a service say already, and which profile would say most of the rest.

use crate::catalog::{Catalog, Service};
use crate::profiles::{Profiles, of_scrapes};
use std::collections::{BTreeMap, HashSet};

/// So many names that no other profile has are not there by chance.
const ENOUGH: usize = 5;

/// Of a runtime fewer are needed: a service has one, and two of its names are no chance.
fn enough(runtime: bool) -> usize {
    if runtime { 2 } else { ENOUGH }
}

/// A profile that a service has without saying so.
#[derive(Debug, PartialEq)]
pub(crate) struct Advice {
    pub profile: String,
    /// Whether it is that of a runtime, which a service has one of.
    pub runtime: bool,
    /// The metrics that it explains.
    pub metrics: Vec<String>,
}

/// Whether Prometheus, the service's runtime or one of its profiles exposes the metric.
pub(crate) fn explained(catalog: &Catalog, service: &Service, metric: &str) -> bool {
    let named = service.profiles.iter().chain([&service.runtime]);
    of_scrapes(metric)
        || catalog.profiles.of_client(&service.runtime, metric)
        || named
            .filter_map(|name| catalog.profiles.get(name))
            .any(|profile| profile.metrics.contains_key(metric))
}

/// The profiles that would explain most of what is left, the best one first. What several have, such as process_*, tells none of
/// them from another.
pub(crate) fn advice(profiles: &Profiles, service: &Service, left: &[&str]) -> Vec<Advice> {
    let mut names = profiles.names();
    // Of two names of a profile the one that people know: who has it need not know what it is the same as.
    let meant: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let first = profiles.first_name(name);
            (first != *name).then(|| first.to_string())
        })
        .collect();
    names.retain(|name| !meant.iter().any(|meant| meant == name));
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        for metric in profiles.metrics(name) {
            *owners.entry(metric).or_default() += 1;
        }
    }
    let mut left: HashSet<&str> = left.iter().copied().collect();
    let mut found = Vec::new();
    let mut candidates: Vec<(usize, usize, &str)> = names
        .into_iter()
        .filter(|name| *name != service.runtime && !service.profiles.iter().any(|own| own == name))
        .map(|name| {
            let own: Vec<&str> = profiles
                .metrics(name)
                .filter(|metric| owners[metric] == 1)
                .collect();
            let hits = own.iter().filter(|metric| left.contains(**metric)).count();
            (hits, own.len(), name)
        })
        .filter(|(hits, own, name)| {
            *hits > 0 && (2 * hits >= *own || *hits >= enough(profiles.runtime(name).is_some()))
        })
        .collect();
    candidates.sort_by(|one, other| other.0.cmp(&one.0).then(one.2.cmp(other.2)));
    for (_, _, name) in candidates {
        let runtime = profiles.runtime(name).is_some();
        let exposes: HashSet<&str> = profiles.metrics(name).collect();
        let mut metrics: Vec<String> = left
            .extract_if(|metric| {
                exposes.contains(metric) || (runtime && profiles.of_client(name, metric))
            })
            .map(str::to_string)
            .collect();
        metrics.sort();
        if !metrics.is_empty() {
            found.push(Advice {
                profile: name.to_string(),
                runtime,
                metrics,
            });
        }
    }
    found.sort_by_key(|advice: &Advice| !advice.runtime);
    found
}
