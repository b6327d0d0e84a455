//! Labels whose values a kind's cases leave open: what holds of the one that a case gives must hold of all that are asked for alike.

use super::scene::Scene;
use crate::contract::domain::Domain;
use crate::kinds::Whose;
use minijinja::Error;
use std::collections::BTreeSet;

/// A declared label of a metric that the cases give.
#[derive(Debug)]
pub(crate) struct OpenLabel {
    /// The metric's full name, as its series have it.
    pub(crate) metric: String,
    pub(crate) label: String,
    /// The values that it is declared to have.
    pub(crate) domain: Domain,
    /// Where the alert fires apart by its values: the one that the cases give.
    pub(crate) told: Option<String>,
    /// The patterns by which the alert itself tells its values apart.
    pub(crate) asked: BTreeSet<String>,
}

impl Scene<'_> {
    /// Of all series of the service, without those that the kind gives a value of its own.
    pub(crate) fn open_labels(&self) -> Result<Vec<OpenLabel>, Error> {
        let mut all: Vec<OpenLabel> = Vec::new();
        for given in self.kind.series.values() {
            let named = self.kind.says(self.key(given), "metric").is_some();
            if given.of != Whose::Service || given.role.is_some() || !named {
                continue;
            }
            let Some(declared) = self.declared(self.key(given))? else {
                continue;
            };
            let metric = self.metric(given)?;
            let mut like = self.like(given)?;
            like.extend(self.asked(self.key(given))?);
            let labels = declared.get_attr("labels")?;
            let labels = serde_json::to_value(labels).unwrap_or_default();
            let own =
                |label: &str| given.labels.contains_key(label) || given.each.contains_key(label);
            for (label, written) in labels.as_object().into_iter().flatten() {
                if own(label) {
                    continue;
                }
                let asked = like.iter().filter(|like| like.label == *label);
                let asked = asked.map(|like| like.pattern.clone());
                let known = |open: &&mut OpenLabel| open.metric == metric && open.label == *label;
                match all.iter_mut().find(known) {
                    Some(open) => open.asked.extend(asked),
                    None => all.push(OpenLabel {
                        metric: metric.clone(),
                        label: label.clone(),
                        domain: Domain::declared(written),
                        told: self
                            .per()
                            .iter()
                            .find(|(per, _)| per == label)
                            .map(|(_, value)| value.clone()),
                        asked: asked.collect(),
                    }),
                }
            }
        }
        Ok(all)
    }
}
