//! Labels of the series that a case gives, where an alert reads only some of a metric's series, or fires apart by their labels.

use super::neighbourhood::Neighbourhood;
use super::refuse;
use crate::catalog::filters::Filter;
use crate::contract::domain::Domain;
use crate::contract::filtered::admits;
use crate::kinds::Kind;
use crate::value::to_value;
use minijinja::Error;
use minijinja::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Label → value of a series, beside those of its service.
pub(super) type Labels = Vec<(String, String)>;

/// For each key of the kind that names a metric.
#[derive(Default)]
pub(super) struct Chosen {
    /// Key → labels of series that are read.
    pub(super) inside: BTreeMap<String, Labels>,
    /// The same with another value of what the alert fires apart by; without those that have none.
    pub(super) apart: BTreeMap<String, Labels>,
    /// Key → labels of series of the same metric that nothing reads; without those that have none.
    pub(super) outside: BTreeMap<String, Labels>,
    /// The values of the alert's `per`.
    pub(super) per: Labels,
    /// Where the alert picks instances: the address of one that it reads.
    pub(super) instance: Option<String>,
    /// What another instance is called that it reads too; None: it reads only one.
    pub(super) second: Option<String>,
    /// Whether the whole of a ratio counts its part too, of the same metric.
    pub(super) part_of_whole: bool,
}

/// What one key reads.
struct Read {
    key: String,
    metric: String,
    domains: BTreeMap<String, Domain>,
    filter: Filter,
    whole_of: Option<String>,
    /// Whether its series are of instances: what a rule has recorded may not be.
    of_instances: bool,
}

/// Another instance, where any is read.
pub(super) const SECOND: &str = "second:1";

/// The label that every target has of its own.
pub(super) const INSTANCE: &str = "instance";

/// What a kind reads that names no metric.
const UP: &str = "up";

/// More values of a label than these are not tried.
const CANDIDATES: usize = 8;

/// Of a label that nobody asks for by a value, so many tell one series from another.
const UNASKED: usize = 3;

/// More sets of labels than these are not tried.
const TRIED: usize = 20_000;

impl Chosen {
    /// Of an alert for a service; `named`: the metric that a key names for it.
    pub(super) fn of(
        kind: &Kind,
        neighbourhood: &Neighbourhood,
        alert: &Value,
        named: &dyn Fn(&str) -> Result<Value, Error>,
        service: &Value,
    ) -> Result<Chosen, Error> {
        let written = to_value(alert.get_attr("filters")?).unwrap_or_default();
        let per = alert.get_attr("per")?;
        let per: Vec<String> = per.try_iter()?.map(|label| label.to_string()).collect();
        let mut chosen = Chosen::default();
        let targets = service.get_attr("target_labels")?;
        let targets = to_value(targets).unwrap_or_default();
        let targets = domains(&targets);
        let mut reads = Vec::new();
        for (key, said) in &kind.keys {
            if said.get("metric").is_none() {
                continue;
            }
            let metric = named(key)?;
            let Some(metric) = metric.as_str().and_then(|name| neighbourhood.metric(name)) else {
                continue;
            };
            let labels = to_value(metric.get_attr("labels")?).unwrap_or_default();
            let mut all = targets.clone();
            let keeps = to_value(metric.get_attr("keeps")?).unwrap_or_default();
            let kept = |label: &str| keeps.is_null() || keeps.texts().any(|kept| kept == label);
            all.retain(|label, _| kept(label));
            all.extend(domains(&labels));
            reads.push(Read {
                key: key.clone(),
                metric: metric.get_attr("name")?.to_string(),
                domains: all,
                filter: Filter::of(&written[key.as_str()]),
                whole_of: said["whole_of"].as_str().map(str::to_string),
                of_instances: kept(INSTANCE),
            });
        }
        if !kind.names_metrics() {
            reads.push(Read {
                key: UP.to_string(),
                metric: UP.to_string(),
                domains: targets,
                filter: Filter::default(),
                whole_of: None,
                of_instances: true,
            });
        }
        if reads.iter().all(|read| read.of_instances) {
            chosen.second = Some(SECOND.to_string());
        }
        if written.entries().next().is_none() && per.is_empty() {
            return Ok(chosen);
        }
        // What asks for more has fewer series to choose from.
        reads.sort_by_key(|read| std::cmp::Reverse(read.filter.asks().count()));
        let mut mentioned: BTreeSet<String> = per.iter().cloned().collect();
        for read in &reads {
            mentioned.extend(read.filter.asks().map(|(label, ..)| label.to_string()));
        }
        let instances = instances(service, &reads)?;
        let values: BTreeMap<String, Vec<String>> = mentioned
            .iter()
            .map(|label| match label.as_str() {
                INSTANCE => (label.clone(), instances.clone()),
                label => (label.to_string(), candidates(label, &reads)),
            })
            .collect();
        let sets: Vec<Vec<Labels>> = reads.iter().map(|read| sets(read, &values)).collect();
        // What an alert fires apart by is the same in all that it reads together.
        let apart = sets_of(&per, &values);
        let taken = |own: &Labels| {
            let mut found: BTreeMap<String, Labels> = BTreeMap::new();
            for (read, sets) in reads.iter().zip(&sets) {
                let labels = sets
                    .iter()
                    .filter(|labels| agree(own, labels))
                    .filter(|labels| read.takes(labels, &reads))
                    .min_by_key(|labels| {
                        // What is compared is of the same series, where labels do not tell the two apart.
                        let others = found.values().filter(|other| !agree(labels, other));
                        (read.preference(labels, &reads), others.count())
                    })?;
                found.insert(read.key.clone(), labels.clone());
            }
            Some((own.clone(), found))
        };
        let mut known = apart.iter();
        let Some((own, inside)) = known.by_ref().find_map(taken) else {
            return Err(refuse(
                "no series has the labels that the alert asks for with `where` and `except`",
            ));
        };
        chosen.part_of_whole = reads.iter().any(|whole| {
            let of = |part: &&Read| {
                Some(&part.key) == whole.whole_of.as_ref() && part.metric == whole.metric
            };
            let part = reads.iter().find(of);
            part.is_some_and(|part| admits(&whole.filter, &inside[&part.key]))
        });
        if mentioned.contains(INSTANCE) {
            let on = |instance: &String| {
                reads.iter().all(|read| {
                    let own = inside[&read.key].iter();
                    let own = own.filter(|(label, _)| label != INSTANCE).cloned();
                    let moved = (INSTANCE.to_string(), instance.clone());
                    admits(&read.filter, &own.chain([moved]).collect::<Labels>())
                })
            };
            let read = instances.iter().filter(|instance| on(instance));
            let own = inside.values().flatten();
            chosen.instance = own
                .filter(|(label, _)| label == INSTANCE)
                .map(|(_, instance)| instance.clone())
                .next();
            let second = SECOND.to_string();
            let others = std::iter::once(&second)
                .filter(|second| on(second))
                .chain(read);
            let mut others = others.filter(|other| Some(*other) != chosen.instance.as_ref());
            chosen.second = others.next().cloned();
        }
        chosen.inside = inside;
        let differs = |other: &&Labels| other.iter().all(|label| !own.contains(label));
        if !per.is_empty() {
            chosen.apart = known
                .filter(differs)
                .find_map(taken)
                .map(|(_, found)| found)
                .unwrap_or_default();
        }
        for (read, sets) in reads.iter().zip(&sets) {
            let same = |other: &&Read| other.metric == read.metric;
            // Of one metric they are the same for all keys.
            let mut before = reads.iter().take_while(|other| other.key != read.key);
            if before.any(|other| same(&other)) {
                continue;
            }
            let unread = |labels: &Labels| {
                let mut others = reads.iter().filter(same);
                others.all(|other| !admits(&other.filter, labels))
            };
            if let Some(labels) = sets.iter().find(|labels| unread(labels)) {
                chosen.outside.insert(read.key.clone(), labels.clone());
            }
        }
        chosen.per = own;
        Ok(chosen)
    }
}

impl Read {
    /// Whether it reads series with these labels, and nothing reads them that should not.
    fn takes(&self, labels: &Labels, reads: &[Read]) -> bool {
        let mut others = reads.iter().filter(|other| {
            let whole = other.whole_of.as_ref() == Some(&self.key);
            other.key != self.key && other.metric == self.metric && !whole
        });
        admits(&self.filter, labels) && !others.any(|other| admits(&other.filter, labels))
    }

    /// Of a part, what the whole counts too comes first.
    fn preference(&self, labels: &Labels, reads: &[Read]) -> usize {
        let mut wholes = reads.iter().filter(|other| {
            other.whole_of.as_ref() == Some(&self.key) && other.metric == self.metric
        });
        usize::from(!wholes.all(|whole| admits(&whole.filter, labels)))
    }
}

/// The values of labels as they are declared.
fn domains(labels: &crate::value::Value) -> BTreeMap<String, Domain> {
    let labels = labels.entries();
    labels
        .map(|(label, declared)| (label.clone(), Domain::declared(declared)))
        .collect()
}

/// Addresses of a service's instances, the first first, one that it does not have, and some on each side of what is asked for.
fn instances(service: &Value, reads: &[Read]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for instance in service.get_attr("instances")?.try_iter()? {
        found.push(instance.get_attr("address")?.to_string());
    }
    found.push("third:1".to_string());
    for read in reads {
        for (label, pattern, is) in read.filter.asks() {
            if label == INSTANCE {
                let side = Domain::Pattern(".+".to_string());
                found.extend(side.example(&pattern, is));
                found.extend(side.example(&pattern, !is));
            }
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|instance| known.insert(instance.clone()));
    Ok(found)
}

/// Values of a label: on each side of each pattern that somebody asks for, as far as every metric with the label can have them.
fn candidates(label: &str, reads: &[Read]) -> Vec<String> {
    let domains: Vec<&Domain> = reads
        .iter()
        .filter_map(|read| read.domains.get(label))
        .collect();
    let asked = reads.iter().flat_map(|read| read.filter.asks());
    let patterns: Vec<String> = asked
        .filter(|(of, ..)| *of == label)
        .map(|(_, pattern, _)| pattern)
        .collect();
    let mut found: Vec<String> = Vec::new();
    for domain in &domains {
        if let Domain::Values(values) = domain {
            found.extend(values.iter().take(CANDIDATES).cloned());
        }
        for pattern in &patterns {
            let side = Domain::Pattern(pattern.clone());
            for other in &patterns {
                found.extend(side.example(other, true));
                found.extend(side.example(other, false));
            }
            found.extend(domain.example(pattern, true));
            found.extend(domain.example(pattern, false));
        }
        found.extend(["a", "b", "/a", "/b", "1", "2"].map(str::to_string));
        found.extend(domain.example(".*", true));
        found.extend(domain.example(".+", true));
    }
    let mut known = BTreeSet::new();
    found.retain(|value| {
        let possible = domains.iter().any(|domain| domain.holds(value));
        !value.is_empty() && possible && known.insert(value.clone())
    });
    if patterns.is_empty() {
        found.truncate(UNASKED);
    }
    found
}

/// All sets of values of the labels.
fn sets_of(labels: &[String], values: &BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    let mut all: Vec<Labels> = vec![Vec::new()];
    for label in labels {
        let known = values.get(label).map_or(&[][..], Vec::as_slice);
        let longer = all.iter().flat_map(|set| {
            known.iter().map(move |value| {
                let mut set = set.clone();
                set.push((label.clone(), value.clone()));
                set
            })
        });
        let longer: Vec<Labels> = longer.take(TRIED).collect();
        if !longer.is_empty() {
            all = longer;
        }
    }
    all
}

/// The sets of those labels that a metric has.
fn sets(read: &Read, values: &BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    let has = |label: &&String| {
        (*label == INSTANCE && read.of_instances) || read.domains.contains_key(*label)
    };
    let labels: Vec<String> = values.keys().filter(has).cloned().collect();
    // One that two metrics have may have other values in each of them.
    let own = |label: &String| {
        let known = values.get(label).into_iter().flatten();
        let domain = read.domains.get(label);
        let possible = |value: &&String| domain.is_none_or(|domain| domain.holds(value));
        (label.clone(), known.filter(possible).cloned().collect())
    };
    let values = labels.iter().map(own).collect();
    sets_of(&labels, &values)
}

/// Whether none of the labels has another value in the other set.
fn agree(one: &Labels, other: &Labels) -> bool {
    one.iter().all(|(label, value)| {
        let mut same = other.iter().filter(|(known, _)| known == label);
        same.all(|(_, known)| known == value)
    })
}
