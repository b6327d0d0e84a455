//! A service that does something: every series that it can have, each with a number of its own.

use super::series;
use crate::contract::domain::Domain;
use crate::contract::series::MetricType;
use crate::promql::Expr;
use crate::promql::engine::Labels;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use std::collections::BTreeSet;

/// What two instances of a service measure, so that the largest, the mean and the sum differ.
const INSTANCES: [(&str, f64); 2] = [("one:1", 1.0), (SECOND, 3.0)];

/// The second of them.
pub(crate) const SECOND: &str = "two:1";

/// So many values of a label are tried, and so many series of a metric.
const VALUES: usize = 4;
const SERIES: usize = 32;

/// So many buckets of a histogram.
const BOUNDS: usize = 8;

/// Every series that a service can have of some metrics, as far as labels differ in what is asked of them.
pub(crate) fn busy_service<'m>(
    stack: &Stack,
    job: &str,
    metrics: impl Iterator<Item = &'m str>,
    exprs: &[&Expr],
) -> Vec<(Labels, f64, f64)> {
    let contract = &stack.contract;
    let own = contract.targets.with("job", job);
    let mut found = Vec::new();
    for (place, name) in metrics.enumerate() {
        for set in contract
            .family(name)
            .iter()
            .filter(|set| !set.targets.is_disjoint(&own))
        {
            let Some(target) = set.targets.intersection(&own).next() else {
                continue;
            };
            let carried: Vec<(String, String)> = set
                .labels_of(&contract.targets.list[target])
                .map(|(label, value)| (label.to_string(), value.to_string()))
                .collect();
            let mut all: Vec<Vec<(String, String)>> = vec![carried];
            for (label, domain) in &set.labels {
                let asked = (exprs.iter())
                    .flat_map(|expr| selectors(expr))
                    .flat_map(|selector| &selector.matchers.matchers);
                let asked = asked
                    .filter(|matcher| matcher.name == *label)
                    .map(|matcher| matcher.value.clone());
                let patterns =
                    asked.chain(["5..".to_string(), "2..".to_string(), "4..".to_string()]);
                let values: BTreeSet<String> = patterns
                    .filter_map(|pattern| domain.example(&pattern, true))
                    .chain(domain.example(".+", true))
                    .collect();
                let values: Vec<String> = match (label.as_str(), domain) {
                    ("le", Domain::Values(bounds)) => bounds_of(bounds),
                    _ => values.into_iter().take(VALUES).collect(),
                };
                all = all
                    .into_iter()
                    .flat_map(|labels| {
                        values.iter().map(move |value| {
                            [labels.clone(), vec![(label.clone(), value.clone())]].concat()
                        })
                    })
                    .collect();
                all.truncate(SERIES);
            }
            for (index, labels) in all.iter().enumerate() {
                for (instance, size) in INSTANCES {
                    let written = labels.iter().map(|(label, value)| {
                        (
                            label.as_str(),
                            if label == "instance" {
                                instance
                            } else {
                                value.as_str()
                            },
                        )
                    });
                    // Primes make sums and ratios of different series differ.
                    let number = size * (1.0 + index as f64 * 7.0 + place as f64 * 13.0);
                    let within = labels.iter().find(|(label, _)| label == "le");
                    let number = match within.and_then(|(_, bound)| share_below(bound)) {
                        // Buckets hold what those below them hold, too.
                        Some(share) => size * share * (1.0 + place as f64 * 13.0),
                        None => number,
                    };
                    let counts = matches!(set.kind, MetricType::Counter | MetricType::Histogram);
                    let (value, slope) = if counts {
                        (0.0, number / 100.0)
                    } else {
                        (number, 0.0)
                    };
                    found.push((series(name, written), value, slope));
                }
            }
        }
    }
    found
}

/// Some of the bounds of a histogram, from the lowest to the last.
fn bounds_of(all: &[String]) -> Vec<String> {
    let number = |bound: &String| bound.parse::<f64>().unwrap_or(f64::INFINITY);
    let mut sorted: Vec<&String> = all.iter().collect();
    sorted.sort_by(|one, other| number(one).total_cmp(&number(other)));
    let step = sorted.len().div_ceil(BOUNDS - 1).max(1);
    let last = sorted.last().copied();
    let some = sorted.iter().copied().step_by(step);
    let mut some: Vec<String> = some.cloned().collect();
    some.extend(last.filter(|last| !some.contains(last)).cloned());
    some
}

/// How much of all observations is below a bound: more below each that is higher.
fn share_below(bound: &str) -> Option<f64> {
    let bound: f64 = match bound {
        "+Inf" => return Some(1.0),
        bound => bound.parse().ok()?,
    };
    Some(bound.max(0.0) / (bound.max(0.0) + 1.0))
}
