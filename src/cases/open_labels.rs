//! Labels whose values a kind's cases leave open: what holds of the one that a case gives must hold of all that are asked for alike.

use super::chosen::INSTANCE;
use super::scene::Scene;
use crate::contract::domain::Domain;
use crate::kinds::Whose;
use crate::value::to_value;
use minijinja::Error;
use minijinja::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A declared label of a metric that the cases give.
#[derive(Debug)]
pub struct OpenLabel {
    /// The metric's full name, as its series have it.
    pub(crate) metric: String,
    pub(crate) label: String,
    /// The values that it is declared to have.
    pub(crate) domain: Domain,
    /// The only value of those that the cases give for which another one stands; None: for any.
    pub(crate) given: Option<String>,
    /// Whether the alert fires apart by its values.
    pub(crate) told: bool,
    /// The patterns by which the alert itself tells its values apart.
    pub(crate) asked: BTreeSet<String>,
}

impl Scene<'_> {
    /// Of all series of the service, without those that the kind gives a value of its own.
    pub(crate) fn open_labels(&self) -> Result<Vec<OpenLabel>, Error> {
        let mut all: Vec<OpenLabel> = Vec::new();
        let instances = self.instances()?;
        for given in self.kind.series.values() {
            if given.of != Whose::Service || !self.holds("series.when", given.when.as_ref())? {
                continue;
            }
            let key = self.key(given);
            let named = given.role.is_none() && self.kind.says(key, "metric").is_some();
            let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
            if let Some(declared) = self.declared(key)?.filter(|_| named) {
                let labels = to_value(declared.get_attr("labels")?).unwrap_or_default();
                let labels = labels.entries();
                domains.extend(labels.map(|(label, of)| (label.clone(), Domain::declared(of))));
            }
            let mut first: BTreeMap<String, String> = BTreeMap::new();
            if let Some(role) = self.role(given)? {
                let all = to_value(role.get_attr("domains")?).unwrap_or_default();
                let examples = to_value(role.get_attr("labels")?).unwrap_or_default();
                for (label, of) in all.entries() {
                    // Of the series that add up, one has the other value.
                    let own = examples[label][0].as_str().unwrap_or_default();
                    first.insert(label.clone(), own.to_string());
                    domains.insert(label.clone(), Domain::declared(of));
                }
            }
            if instances.len() > 1 {
                domains.insert(INSTANCE.to_string(), Domain::Values(instances.clone()));
            }
            domains.retain(|label, _| {
                !given.labels.contains_key(label) && !given.each.contains_key(label)
            });
            let metric = self.metric(given)?;
            let like = self.like(given)?;
            let filter = self.filter(key)?;
            for (label, domain) in domains {
                let alike = like.iter().filter(|like| like.label == label);
                let alike = alike.map(|like| like.pattern.clone());
                let wanted = filter.asks().filter(|(of, ..)| *of == label);
                let asked = alike.chain(wanted.map(|(_, pattern, _)| pattern));
                let known = |open: &&mut OpenLabel| open.metric == metric && open.label == label;
                if let Some(open) = all.iter_mut().find(known) {
                    open.asked.extend(asked);
                    continue;
                }
                let mut per = self.per().iter();
                let per = per.find(|(per, _)| *per == label);
                let per = per.map(|(_, value)| value.clone());
                let own = first.get(&label);
                let first = instances.first().filter(|_| label == INSTANCE).or(own);
                all.push(OpenLabel {
                    asked: asked.collect(),
                    told: per.is_some(),
                    given: per.or_else(|| first.cloned()),
                    metric: metric.clone(),
                    domain,
                    label,
                });
            }
        }
        Ok(all)
    }

    /// The addresses of the service's instances.
    fn instances(&self) -> Result<Vec<String>, Error> {
        let instances = self.sample.service.get_attr("instances")?;
        let address = |instance: Value| Ok(instance.get_attr("address")?.to_string());
        instances.try_iter()?.map(address).collect()
    }
}
