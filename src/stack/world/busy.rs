//! A service that does something: every series that it can have, each with a number of its own.

use super::series;
use crate::contract::series::MetricType;
use crate::promql::Expr;
use crate::promql::engine::Labels;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use std::collections::BTreeSet;

/// What two instances of a service measure, so that the largest, the mean and the sum differ.
const INSTANCES: [(&str, f64); 2] = [("one:1", 1.0), ("two:1", 3.0)];

/// So many values of a label are tried, and so many series of a metric.
const VALUES: usize = 4;
const SERIES: usize = 32;

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
                let values: Vec<String> = values.into_iter().take(VALUES).collect();
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
