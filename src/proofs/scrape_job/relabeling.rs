//! What `metric_relabel_configs` make of a metric that is expected: its series are relabeled, and looked at again.

use super::promised::Family;
use crate::contract::domain::Domain;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::promql::Matcher;
use crate::promql::matchers::{Judge, pattern};
use crate::promql::walk::selectors;
use crate::stack::Stack;
use std::collections::{BTreeSet, HashMap};

/// The most series of one family that are relabeled to see what becomes of them.
const SAMPLES: usize = 600;

/// The most targets of a job whose series are.
const TARGETS: usize = 4;

/// What rules behind the scrape take from a family, or make of it: its series are relabeled, one for each value that rules or
/// expressions tell apart.
pub(super) fn lost_or_changed(
    stack: &Stack,
    rules: &[Rule],
    family: &Family,
    service: &str,
) -> Option<(String, &'static str)> {
    let name = family.name.as_str();
    let read: Vec<(&String, &Domain)> = family
        .labels
        .iter()
        .filter(|(label, _)| {
            rules.iter().any(|rule| {
                !rule.of_names() && (rule.sources.contains(label) || rule.target == **label)
            })
        })
        .collect();
    let selectors: Vec<_> = stack
        .expressions
        .iter()
        .flat_map(|expression| selectors(&expression.ast))
        .filter(|selector| selector.name.as_deref() == Some(name))
        .collect();
    let matchers = |label: &str| -> Vec<&Matcher> {
        let all = selectors
            .iter()
            .flat_map(|selector| &selector.matchers.matchers);
        all.filter(|matcher| matcher.name == label).collect()
    };
    let plain: Labels = family
        .labels
        .keys()
        .map(|label| (label.clone(), "x".to_string()))
        .chain([("__name__".to_string(), name.to_string())])
        .collect();
    let of_job = stack.contract.targets.with("job", service);
    let targets = of_job
        .ones()
        .take(TARGETS)
        .map(|index| &stack.contract.targets.list[index].labels);
    let mut samples: Vec<Labels> = targets
        .map(|target| {
            let mut sample = target.clone();
            sample.extend(plain.clone());
            sample
        })
        .collect();
    for (label, domain) in &read {
        let values = values_told_apart(label, domain, rules, &matchers(label));
        let grown = samples.iter().flat_map(|sample| {
            values.iter().map(|value| {
                let mut sample = sample.clone();
                sample.insert(label.to_string(), value.clone());
                sample
            })
        });
        samples = grown.take(SAMPLES).collect();
    }
    let mut after: HashMap<Labels, Labels> = HashMap::new();
    let lasting = "let the rules touch only what the catalog and its runtime do not promise";
    let mut left = false;
    for before in samples {
        let told = |label: &str| !matchers(label).is_empty();
        match relabeled(rules, before.clone()) {
            Relabeled::Dropped => {
                let lost = match read.as_slice() {
                    [] => Some(String::new()),
                    // A bucket less is a coarser histogram; the last one counts all.
                    [(label, _)] if *label == "le" && !told(label) => {
                        (before["le"] == "+Inf").then(|| " with le=\"+Inf\"".to_string())
                    }
                    read => read
                        .iter()
                        .all(|(_, domain)| matches!(domain, Domain::Values(_)))
                        .then(|| read[0].0)
                        .or_else(|| {
                            read.iter()
                                .map(|(label, _)| *label)
                                .find(|label| told(label))
                        })
                        .map(|label| format!(" with {label}=\"{}\"", before[label])),
                };
                if let Some(which) = lost {
                    return Some((
                        format!("`{name}` of `{service}`{which} is dropped after the scrape"),
                        lasting,
                    ));
                }
            }
            Relabeled::Kept(labels) => {
                left = true;
                for (label, value) in &before {
                    let now = labels.get(label).map_or("", String::as_str);
                    let reads = |value: &str| -> Vec<bool> {
                        let judges = matchers(label).into_iter().map(Judge::of);
                        judges.map(|judge| judge.picks(value)).collect()
                    };
                    let of_target = !family.labels.contains_key(label);
                    let lost = now != value
                        && (now.is_empty()
                            || of_target
                            || value == "x"
                            || reads(value) != reads(now));
                    if lost {
                        return Some((
                            format!(
                                "`{name}` of `{service}` is changed after the scrape: its `{label}`"
                            ),
                            lasting,
                        ));
                    }
                }
                if let Some(other) = after.insert(labels, before.clone()) {
                    let differs = read
                        .iter()
                        .find(|(label, _)| other[*label] != before[*label]);
                    let label = differs.map_or("", |(label, _)| label.as_str());
                    return Some((
                        format!(
                            "`{name}` of `{service}` loses samples: {label}=\"{}\" and {label}=\"{}\" become one series after the scrape, and Prometheus keeps the first",
                            other.get(label).map_or("", String::as_str),
                            before.get(label).map_or("", String::as_str)
                        ),
                        "relabeling adds nothing up: do that in a recording rule, or let the service expose less",
                    ));
                }
            }
        }
    }
    (!left).then(|| {
        (
            format!("`{name}` of `{service}` is dropped after the scrape"),
            lasting,
        )
    })
}

/// Values of a label that rules and expressions may tell apart.
pub(super) fn values_told_apart(
    label: &str,
    domain: &Domain,
    rules: &[Rule],
    matchers: &[&Matcher],
) -> Vec<String> {
    let mut values: BTreeSet<String> = BTreeSet::new();
    if let Domain::Values(all) = domain {
        return all.clone();
    }
    let own = rules.iter().filter(|rule| rule.sources == [label]);
    let mut patterns: Vec<String> = own.map(|rule| rule.pattern.clone()).collect();
    patterns.extend(matchers.iter().map(|matcher| pattern(matcher)));
    for pattern in &patterns {
        let picked = domain.example(pattern, true);
        let mut more = vec![domain.example(pattern, false)];
        let inside = Domain::Pattern(pattern.clone());
        if let Some(first) = &picked {
            // One more of which the rule makes the same.
            let copying = rules.iter().filter(|rule| rule.sources == [label]);
            for alike in copying.filter_map(|rule| rule.alike(first)) {
                let alike = Domain::Pattern(alike);
                more.push(alike.example(&regex_syntax::escape(first), false));
            }
            more.push(inside.example(&regex_syntax::escape(first), false));
        }
        more.extend(patterns.iter().map(|other| inside.example(other, true)));
        more.push(picked);
        values.extend(
            more.into_iter()
                .flatten()
                .filter(|value| domain.holds(value)),
        );
    }
    // And some that are near each other.
    for _ in 0..4 {
        let known: Vec<String> = values
            .iter()
            .map(|value| regex_syntax::escape(value))
            .collect();
        match domain.example(&known.join("|"), false) {
            Some(value) => values.insert(value),
            None => break,
        };
    }
    values.into_iter().collect()
}
