//! The series that rules read, held against those that there are: a rule that picks none sees nothing, and says nothing of it.

use super::{open_ended, sample_names};
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposition::Sample;
use crate::promql::matchers::picks;
use crate::promql::walk::selectors;
use crate::promql::{Matcher, parse};
use crate::stack::files::Files;
use std::collections::HashMap;

/// What one rule picks by labels whose values the catalog lists.
struct Selection {
    rule: String,
    /// About the job; of the rest only those about labels of the metric.
    job: Vec<Matcher>,
    own: Vec<Matcher>,
}

/// Name of a series → what rules pick of it.
pub(crate) struct Selections(HashMap<String, Vec<Selection>>);

impl Selections {
    /// Those of the rules of the stack.
    pub(crate) fn read(catalog: &Catalog, rendered: Files) -> Selections {
        let listed = |metric: &&Metric| !metric.labels.is_empty() && !open_ended(metric);
        let metrics = catalog.metrics.iter().filter(listed);
        let named: HashMap<String, &Metric> = metrics
            .flat_map(|metric| {
                sample_names(metric)
                    .into_iter()
                    .map(move |name| (name, metric))
            })
            .collect();
        let mut found: HashMap<String, Vec<Selection>> = HashMap::new();
        for (_, _, rule) in rendered.rules().filter(|_| !named.is_empty()) {
            let text = rule["expr"].as_str().unwrap_or_default();
            let mentioned = named.keys().any(|name| text.contains(name.as_str()));
            let Ok(expr) = parse(if mentioned { text } else { "0" }) else {
                continue;
            };
            let name = rule["alert"].as_str().or(rule["record"].as_str());
            for selector in selectors(&expr) {
                let series = selector.name.as_deref().unwrap_or_default();
                let Some(metric) = named.get(series) else {
                    continue;
                };
                let matchers = &selector.matchers.matchers;
                let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<Matcher> {
                    let some = matchers.iter().filter(|matcher| wanted(&matcher.name));
                    some.cloned().collect()
                };
                let own = of(&|label| metric.labels.contains_key(label));
                if own.is_empty() {
                    continue;
                }
                found
                    .entry(series.to_string())
                    .or_default()
                    .push(Selection {
                        rule: name.unwrap_or_default().to_string(),
                        job: of(&|label| label == "job"),
                        own,
                    });
            }
        }
        Selections(found)
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
            .filter_map(|name| Some((name, self.0.get(name)?)));
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
