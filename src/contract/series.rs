//! What is known of a set of series without running anything: which targets they come from, which labels they have.

use crate::contract::domain::Domain;
use crate::contract::targets::{Target, Targets};
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// What a sample means: decides which functions may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricType {
    /// Only goes up, but for restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Of each sample all buckets: a native histogram, which is no number.
    Histogram,
    /// Either of them: who exposes it does not say.
    Untyped,
    /// Worked out from others.
    Derived,
}

/// Series that are alike: of the same targets, with the same labels.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSet {
    /// Where they come from; empty for series of no target.
    pub targets: FixedBitSet,
    /// The targets' labels that they still have.
    pub carried: BTreeSet<String>,
    /// Labels of their own, with their values.
    pub labels: BTreeMap<String, Domain>,
    pub kind: MetricType,
}

impl SeriesSet {
    /// Series without labels or targets.
    pub(crate) fn bare(targets: &Targets) -> SeriesSet {
        SeriesSet {
            targets: targets.none(),
            carried: BTreeSet::new(),
            labels: BTreeMap::new(),
            kind: MetricType::Derived,
        }
    }

    /// Whether each sample is a native histogram.
    pub(crate) fn native(&self) -> bool {
        self.kind == MetricType::Histogram
    }

    /// Whether they have the label.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.carried.contains(label) || self.labels.contains_key(label)
    }

    /// The labels that they have of one of their targets.
    pub(crate) fn labels_of<'t>(
        &'t self,
        target: &'t Target,
    ) -> impl Iterator<Item = (&'t str, &'t str)> {
        let carried = target.labels.iter();
        carried
            .filter(|(label, _)| self.carried.contains(*label))
            .map(|(label, value)| (label.as_str(), value.as_str()))
    }

    /// The names of all labels.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.carried
            .iter()
            .chain(self.labels.keys())
            .map(String::as_str)
            .collect()
    }

    /// With only (or without) the labels of a list.
    pub(crate) fn keep_labels(mut self, keep: impl Fn(&str) -> bool) -> SeriesSet {
        self.carried.retain(|label| keep(label));
        self.labels.retain(|label, _| keep(label));
        self.kind = MetricType::Derived;
        self
    }

    /// With a label of its own, over the target's if it was that.
    pub(crate) fn with(mut self, label: &str, domain: Domain) -> SeriesSet {
        self.carried.remove(label);
        self.labels.insert(label.to_string(), domain);
        self
    }

    /// The part of these that meets the other side on labels that `compared` picks; None when they can never meet.
    pub(crate) fn meeting(
        &self,
        other: &SeriesSet,
        compared: impl Fn(&str) -> bool,
        targets: &Targets,
    ) -> Option<SeriesSet> {
        let names = |series: &SeriesSet| {
            series
                .names()
                .into_iter()
                .filter(|name| compared(name))
                .map(str::to_string)
                .collect::<BTreeSet<_>>()
        };
        if names(self) != names(other) {
            return None;
        }
        let mut met = self.clone();
        // A target's other labels follow from its job and its address. Neither is enough: services may share an address, the
        // health probes share a job.
        let identity = ["instance", "job"].map(|label| {
            compared(label) && self.carried.contains(label) && other.carried.contains(label)
        });
        for label in names(self) {
            match (self.labels.get(&label), other.labels.get(&label)) {
                (Some(own), Some(others)) if !own.overlaps(others) => return None,
                (None, None) if identity == [true, true] => {
                    met.targets.intersect_with(&other.targets)
                }
                (None, None)
                    if identity == [false, false]
                        || ["instance", "job"].contains(&label.as_str()) =>
                {
                    met.targets
                        .intersect_with(&targets.alike(&other.targets, &label));
                }
                (None, Some(others)) => {
                    met.targets.intersect_with(&valued(others, &label, targets))
                }
                (Some(own), None) if valued(own, &label, targets).is_disjoint(&other.targets) => {
                    return None;
                }
                _ => {}
            }
        }
        let lost = met.targets.is_clear() && !self.targets.is_clear();
        (!lost).then_some(met)
    }
}

/// The targets whose label has a value of the domain.
fn valued(domain: &Domain, label: &str, targets: &Targets) -> FixedBitSet {
    match domain {
        Domain::Pattern(_) => targets.all(),
        Domain::Values(values) => targets.with_any(label, values.iter().map(String::as_str)),
    }
}

/// One entry for series that differ only in their targets.
pub(crate) fn merged(all: Vec<SeriesSet>) -> Vec<SeriesSet> {
    let mut merged: Vec<SeriesSet> = Vec::new();
    for series in all {
        match merged.iter_mut().find(|known| {
            (&known.carried, &known.labels, known.kind)
                == (&series.carried, &series.labels, series.kind)
        }) {
            Some(known) => known.targets.union_with(&series.targets),
            None => merged.push(series),
        }
    }
    merged
}
