//! How the series of a service move while it is healthy, and under a fault, for stand-ins.

use super::phases::{self, Moves};
use super::scene::Scene;
use crate::catalog::filters::Filter;
use crate::kinds::{Case, Given, Whose};
use crate::value::to_value;
use minijinja::Error;
use std::collections::BTreeSet;

/// What the value of a label is like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Like {
    pub label: String,
    pub pattern: String,
    /// Whether it matches the pattern, or does not.
    pub is: bool,
}

impl Like {
    fn new(label: &str, pattern: &str) -> Like {
        Like {
            label: label.to_string(),
            pattern: pattern.to_string(),
            is: true,
        }
    }
}

impl From<(&str, String, bool)> for Like {
    /// As a filter asks.
    fn from((label, pattern, is): (&str, String, bool)) -> Like {
        Like {
            label: label.to_string(),
            pattern,
            is,
        }
    }
}

/// How one of a service's series moves.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The metric's full name.
    pub metric: String,
    /// The labels of the series that move so; empty: all that nothing else is said of.
    pub like: BTreeSet<Like>,
    /// At each step.
    pub moves: Moves,
    /// Whether it is the sum of all such series that moves so.
    pub summed: bool,
}

impl Scene<'_> {
    /// How the service's own series are while it is healthy: what the case with `healthy` gives, for each series its metric,
    /// the values of its labels, and how it moves at each step.
    pub fn healthy(&self) -> Result<Vec<Moving>, Error> {
        let case = self.kind.cases.iter().find(|case| case.healthy);
        case.map_or(Ok(Vec::new()), |case| self.moving(case, 0))
    }

    /// The same under a fault, at the step at which the alert is first seen firing, and the value with which it fires.
    pub fn faulty(&self, fault: &str) -> Result<(Vec<Moving>, Option<f64>), Error> {
        let fault = self.kind.faults.iter().find(|known| known.name == fault);
        let when = fault.and_then(|fault| fault.when.as_ref());
        if !self.holds("faults.when", when)? {
            return Ok((Vec::new(), None));
        }
        let case =
            fault.and_then(|fault| self.kind.cases.iter().find(|case| case.name == fault.case));
        let Some(case) = case else {
            return Ok((Vec::new(), None));
        };
        if !self.shown(case)? {
            return Ok((Vec::new(), None));
        }
        let fires = case
            .seen
            .iter()
            .find(|seen| seen.is.as_deref() == Some("firing"));
        let at = fires.map_or(Ok(0), |seen| self.step(&case.name, &seen.at))?;
        let value = fires.and_then(|seen| seen.value.as_ref());
        let value = value
            .map(|value| self.value(&case.name, value))
            .transpose()?;
        Ok((
            self.moving(case, at)?,
            value.and_then(|value| f64::try_from(value).ok()),
        ))
    }

    /// What the alert asks of the series of the metric that a key names.
    pub(super) fn filter(&self, key: &str) -> Result<Filter, Error> {
        let filter = self.alert.get_attr("filters")?.get_attr(key)?;
        Ok(Filter::of(&to_value(filter).unwrap_or_default()))
    }

    /// The same beside labels of their target.
    fn asked(&self, key: &str) -> Result<Vec<Like>, Error> {
        let filter = self.filter(key)?;
        let targets = self.sample.service.get_attr("target_labels")?;
        let own = |label: &str| {
            targets
                .get_attr(label)
                .is_ok_and(|known| known.is_undefined())
        };
        let asked = filter.asks().filter(|(label, ..)| own(label));
        Ok(asked.map(Like::from).collect())
    }

    /// What all series that behave like a given one have in common.
    pub(super) fn like(&self, given: &Given) -> Result<BTreeSet<Like>, Error> {
        let mut like = BTreeSet::new();
        for (label, expression) in &given.like {
            let pattern = self.value("series.like", expression)?.to_string();
            like.insert(Like::new(label, &pattern));
        }
        if let Some(expression) = &given.like_from {
            let table = self.value("series.like_from", expression)?;
            for label in table.try_iter()? {
                let pattern = table.get_item(&label)?.to_string();
                like.insert(Like::new(&label.to_string(), &pattern));
            }
        }
        // Of a histogram all series move alike.
        if !self.in_parts(given)? {
            like.extend(self.asked(self.key(given))?);
        }
        Ok(like)
    }

    fn moving(&self, case: &Case, step: i64) -> Result<Vec<Moving>, Error> {
        let mut all = Vec::new();
        for (name, given) in self
            .kind
            .series
            .iter()
            .filter(|(name, _)| case.series.contains_key(*name))
        {
            let own = matches!(given.of, Whose::Service | Whose::Probe) && given.instance.is_none();
            if !own || !self.holds("series.when", given.when.as_ref())? {
                continue;
            }
            let like = self.like(given)?;
            let summed =
                given.summed.is_some() && self.holds("series.summed", given.summed.as_ref())?;
            for copy in self.copies(given)? {
                let mut like = like.clone();
                let each = copy.labels.iter();
                like.extend(each.map(|(label, value)| Like::new(label, value)));
                if let Some(moves) = phases::at(&self.phases(case, name, &copy)?, step) {
                    all.push(Moving {
                        metric: self.metric(given)?,
                        like,
                        moves,
                        summed,
                    });
                }
            }
        }
        Ok(all)
    }
}
