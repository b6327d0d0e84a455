//! Which services emit which metrics.

use super::{Metric, Service};
use crate::profiles::{Profiles, of_scrapes};
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::promql::{Expr, parse};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

pub(crate) struct Emitters<'a> {
    /// The metrics' keys → each metric, and the indices of the services that emit it, in order.
    by_key: HashMap<&'a str, (&'a Metric, Vec<usize>)>,
    profiles: &'a Profiles,
    /// Who emits a metric by its full name, and what a profile lists, once an expression asks.
    named: OnceCell<Named<'a>>,
}

/// Full name → services, and profile → services, by index.
type Named<'a> = (HashMap<&'a str, Vec<usize>>, HashMap<String, Vec<usize>>);

impl<'a> Emitters<'a> {
    pub(super) fn of(
        services: &[Service],
        metrics: &'a [Metric],
        profiles: &'a Profiles,
    ) -> Emitters<'a> {
        let index: HashMap<&str, usize> = services
            .iter()
            .enumerate()
            .map(|(index, service)| (service.name.as_str(), index))
            .collect();
        let emitters = |metric: &Metric| {
            let mut emitters: Vec<usize> = metric
                .services
                .iter()
                .filter_map(|name| index.get(name.as_str()).copied())
                .collect();
            emitters.sort_unstable();
            emitters
        };
        Emitters {
            by_key: metrics
                .iter()
                .map(|metric| (metric.key.as_str(), (metric, emitters(metric))))
                .collect(),
            profiles,
            named: OnceCell::new(),
        }
    }

    /// The services that emit a metric, by index; none of one that is not known.
    pub(super) fn of_one(&self, metric: &str) -> &[usize] {
        self.by_key
            .get(metric)
            .map_or(&[], |(_, emitters)| emitters)
    }

    /// The services that emit anything of what an expression reads; None: any may have what it reads, as of a scrape or a recorded
    /// series.
    pub(super) fn of_any(&self, expr: &str, services: &[Service]) -> Option<BTreeSet<usize>> {
        let expr: Expr = parse(expr).ok()?;
        let mut found = BTreeSet::new();
        let read = selectors(&expr);
        for selector in &read {
            let name = metric(selector).filter(|name| !of_scrapes(name))?;
            let parts = ["_bucket", "_sum", "_count"];
            let base = parts.iter().find_map(|part| name.strip_suffix(part));
            let emitters = self.of_name(name, services);
            let emitters = match base.filter(|_| emitters.is_empty()) {
                Some(base) => self.of_name(base, services),
                None => emitters,
            };
            if emitters.is_empty() {
                return None;
            }
            found.extend(emitters);
        }
        (!read.is_empty()).then_some(found)
    }

    /// The services that emit a metric of this full name, declared or of a profile.
    fn of_name(&self, name: &str, services: &[Service]) -> BTreeSet<usize> {
        let (by_name, by_profile) = self.named.get_or_init(|| {
            let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
            for (metric, emitters) in self.by_key.values() {
                by_name.entry(&metric.name).or_default().extend(emitters);
            }
            let mut by_profile: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, service) in services.iter().enumerate() {
                for profile in service.exposes.iter() {
                    by_profile.entry(profile.clone()).or_default().push(index);
                }
            }
            (by_name, by_profile)
        });
        let lists = |profile: &str| {
            let known = self.profiles.get(profile);
            known.is_some_and(|known| known.metrics.contains_key(name))
        };
        let profiled = by_profile.iter().filter(|(profile, _)| lists(profile));
        let profiled = profiled.flat_map(|(_, services)| services);
        let declared = by_name.get(name).into_iter().flatten();
        declared.chain(profiled).copied().collect()
    }

    /// Whether a metric has a label of its own, beside those of its targets.
    pub(super) fn has_label(&self, metric: &str, label: &str) -> bool {
        let known = self.by_key.get(metric);
        known.is_some_and(|(metric, _)| metric.labels.contains_key(label))
    }

    /// The services that emit all of the metrics; those of one that is not declared are not known, and not asked.
    pub(super) fn of_all(&self, metrics: &[&str], services: usize) -> Vec<usize> {
        let known = metrics.iter().filter_map(|key| self.by_key.get(key));
        let mut read: Vec<&Vec<usize>> = known.map(|(_, emitters)| emitters).collect();
        // The shortest list decides how many services are looked at.
        read.sort_by_key(|emitters| emitters.len());
        match read.split_first() {
            Some((shortest, others)) => shortest
                .iter()
                .copied()
                .filter(|service| {
                    others
                        .iter()
                        .all(|emitters| emitters.binary_search(service).is_ok())
                })
                .collect(),
            None => (0..services).collect(),
        }
    }
}
