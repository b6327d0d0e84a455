//! Which services emit which metrics.

use super::{Metric, Service};
use std::collections::HashMap;

/// The metrics' keys → each metric, and the indices of the services that emit it, in order.
pub(crate) struct Emitters<'a>(HashMap<&'a str, (&'a Metric, Vec<usize>)>);

impl<'a> Emitters<'a> {
    pub(super) fn of(services: &[Service], metrics: &'a [Metric]) -> Emitters<'a> {
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
        Emitters(
            metrics
                .iter()
                .map(|metric| (metric.key.as_str(), (metric, emitters(metric))))
                .collect(),
        )
    }

    /// The services that emit a metric, by index; none of one that is not known.
    pub(super) fn of_one(&self, metric: &str) -> &[usize] {
        self.0.get(metric).map_or(&[], |(_, emitters)| emitters)
    }

    /// Whether a metric has a label of its own, beside those of its targets.
    pub(super) fn has_label(&self, metric: &str, label: &str) -> bool {
        let known = self.0.get(metric);
        known.is_some_and(|(metric, _)| metric.labels.contains_key(label))
    }

    /// The services that emit all of the metrics; those of one that is not declared are not known, and not asked.
    pub(super) fn of_all(&self, metrics: &[&str], services: usize) -> Vec<usize> {
        let known = metrics.iter().filter_map(|key| self.0.get(key));
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
