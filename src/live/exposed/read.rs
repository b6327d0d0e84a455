//! The series that rules read, held against those that there are: a rule that picks none sees nothing, and says nothing of it.

use super::{open_ended, sample_names};
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposition::Sample;
use crate::promql::matchers::picks;
use crate::promql::{Matcher, VectorSelector};
use std::collections::HashMap;

/// What one rule picks by labels whose values the catalog lists.
struct Selection<'a> {
    rule: &'a str,
    /// About the job; of the rest only those about labels of the metric.
    job: Vec<Matcher>,
    own: Vec<Matcher>,
}

/// What rules pick of series whose values can be listed.
pub(super) struct Selections<'a> {
    /// By the names of their series.
    metrics: HashMap<String, &'a Metric>,
    read: HashMap<String, Vec<Selection<'a>>>,
}

impl<'a> Selections<'a> {
    /// None yet.
    pub(super) fn of(catalog: &'a Catalog) -> Selections<'a> {
        let listed = |metric: &&Metric| !metric.labels.is_empty() && !open_ended(metric);
        let metrics = catalog.exposed().filter(listed);
        let named = |metric| {
            sample_names(metric)
                .into_iter()
                .map(move |name| (name, metric))
        };
        Selections {
            metrics: metrics.flat_map(named).collect(),
            read: HashMap::new(),
        }
    }

    /// What a rule picks by a selector.
    pub(super) fn add(&mut self, rule: &'a str, selector: &VectorSelector) {
        let series = selector.name.as_deref().unwrap_or_default();
        let Some(metric) = self.metrics.get(series) else {
            return;
        };
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<Matcher> {
            let matchers = selector.matchers.matchers.iter();
            let some = matchers.filter(|matcher| wanted(&matcher.name));
            some.cloned().collect()
        };
        let own = of(&|label| metric.labels.contains_key(label));
        if !own.is_empty() {
            let job = of(&|label| label == "job");
            let known = self.read.entry(series.to_string()).or_default();
            known.push(Selection { rule, job, own });
        }
    }

    /// The first selection about a service that picks none of its series.
    pub(crate) fn judge(
        &self,
        service: &Service,
        metric: &Metric,
        samples: &[&Sample],
    ) -> Option<Diagnostic> {
        let names = sample_names(metric);
        let mut read = names
            .iter()
            .filter_map(|name| Some((name, self.read.get(name)?)));
        let (name, blind) = read.find_map(|(name, all)| {
            let mut own = all
                .iter()
                .filter(|one| one.job.iter().all(|job| picks(job, &service.name)));
            let blind = own.find(|one| {
                let mut series = samples.iter().filter(|sample| sample.name == *name);
                let picked = |sample: &&Sample| {
                    let mut all = one.own.iter();
                    all.all(|matcher| picks(matcher, sample.label(&matcher.name)))
                };
                !series.any(picked)
            });
            Some((name, blind?))
        })?;
        let matchers: Vec<String> = blind.own.iter().map(Matcher::to_string).collect();
        let message = format!(
            "{}: {name} has no series with {}, which {} reads",
            service.name,
            matchers.join(", "),
            blind.rule
        );
        let place = Place::Key(format!("/metrics/{}", metric.key));
        Some(Diagnostic::warning("metric-without-series", place, message).help(
            "initialise the label values of the contract at start: the first event of a series that did not exist is not counted as an increase",
        ))
    }
}
