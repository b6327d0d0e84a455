//! What Prometheus scrapes, as its rendered configuration says: targets, their labels, their intervals.

use crate::catalog::Duration;
use crate::json::Parts;
use crate::promql::matchers::Judge;
use crate::promql::{MatchOp, Matcher};
use fixedbitset::FixedBitSet;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One target with the labels that its series get.
#[derive(Debug)]
pub struct Target {
    /// `job`, `instance` and the static labels.
    pub labels: BTreeMap<String, String>,
    /// Between scrapes.
    pub interval: Duration,
}

/// All targets; sets of them are bits in their order.
#[derive(Debug, Default)]
pub struct Targets {
    /// In the order of the configuration.
    pub list: Vec<Target>,
    /// Label → value → the indices of the targets that have it: as bits they would grow with the square of the targets.
    by_value: HashMap<String, BTreeMap<String, Vec<usize>>>,
    /// Every distinct set of label names, with its targets.
    shapes: Vec<(BTreeSet<String>, FixedBitSet)>,
    picked: RefCell<HashMap<(String, String, String), FixedBitSet>>,
}

impl Targets {
    pub(crate) fn read(config: &Value) -> Targets {
        let global = config["global"]["scrape_interval"].as_str().unwrap_or("1m");
        let mut list = Vec::new();
        for job in config["scrape_configs"].items() {
            let interval = Duration::parse(job["scrape_interval"].as_str().unwrap_or(global))
                .unwrap_or_default();
            for group in job["static_configs"].items() {
                for address in group["targets"].texts() {
                    let mut labels = BTreeMap::from([
                        (
                            "job".to_string(),
                            job["job_name"].as_str().unwrap_or_default().to_string(),
                        ),
                        ("instance".to_string(), address.to_string()),
                    ]);
                    let own = group["labels"].entries();
                    labels.extend(own.filter_map(|(label, value)| {
                        Some((label.clone(), value.as_str()?.to_string()))
                    }));
                    list.push(Target { labels, interval });
                }
            }
        }
        let mut targets = Targets {
            list,
            ..Targets::default()
        };
        targets.index();
        targets
    }

    fn index(&mut self) {
        for (index, target) in self.list.iter().enumerate() {
            for (label, value) in &target.labels {
                self.by_value
                    .entry(label.clone())
                    .or_default()
                    .entry(value.clone())
                    .or_default()
                    .push(index);
            }
        }
        let mut shapes: BTreeMap<BTreeSet<&String>, FixedBitSet> = BTreeMap::new();
        for (index, target) in self.list.iter().enumerate() {
            shapes
                .entry(target.labels.keys().collect())
                .or_insert_with(|| self.none())
                .insert(index);
        }
        self.shapes = shapes
            .into_iter()
            .map(|(labels, targets)| (labels.into_iter().cloned().collect(), targets))
            .collect();
    }

    /// The targets of a set apart by the names of their labels, in the order of those.
    pub(crate) fn apart(
        &self,
        set: &FixedBitSet,
    ) -> impl Iterator<Item = (&BTreeSet<String>, FixedBitSet)> {
        let within = move |targets: &FixedBitSet| {
            let mut within = targets.clone();
            within.intersect_with(set);
            within
        };
        self.shapes
            .iter()
            .map(move |(labels, targets)| (labels, within(targets)))
            .filter(|(_, targets)| !targets.is_clear())
    }

    pub(crate) fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.list.len())
    }

    pub(crate) fn all(&self) -> FixedBitSet {
        let mut all = self.none();
        all.insert_range(..);
        all
    }

    /// The targets with this value of a label.
    pub(crate) fn with(&self, label: &str, value: &str) -> FixedBitSet {
        self.with_any(label, [value])
    }

    /// The targets with one of these values of a label.
    pub(crate) fn with_any<'a>(
        &self,
        label: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> FixedBitSet {
        let mut set = self.none();
        let Some(known) = self.by_value.get(label) else {
            return set;
        };
        values
            .into_iter()
            .filter_map(|value| known.get(value))
            .flatten()
            .for_each(|index| set.insert(*index));
        set
    }

    /// Every target that shares its value of a label with one of the set.
    pub(crate) fn alike(&self, set: &FixedBitSet, label: &str) -> FixedBitSet {
        let mut alike = set.clone();
        let shared = self
            .by_value
            .get(label)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|with| with.len() > 1);
        let meeting = shared.filter(|with| with.iter().any(|index| set.contains(*index)));
        meeting.flatten().for_each(|index| alike.insert(*index));
        alike
    }

    /// Whether any target has the label.
    pub(crate) fn have(&self, label: &str) -> bool {
        self.by_value.contains_key(label)
    }

    /// The values of a label.
    pub(crate) fn values(&self, label: &str) -> impl Iterator<Item = &str> + Clone {
        self.by_value
            .get(label)
            .into_iter()
            .flat_map(|values| values.keys().map(String::as_str))
    }

    /// The targets that a matcher on one of their labels picks; a label that a target lacks is empty.
    pub(crate) fn matching(&self, matcher: &Matcher) -> FixedBitSet {
        if matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty() {
            return self.with(&matcher.name, &matcher.value);
        }
        let key = (
            matcher.name.clone(),
            matcher.op.to_string(),
            matcher.value.clone(),
        );
        if let Some(known) = self.picked.borrow().get(&key) {
            return known.clone();
        }
        let judge = Judge::of(matcher);
        let mut picked = if judge.picks("") {
            self.all()
        } else {
            self.none()
        };
        for (value, set) in self.by_value.get(&matcher.name).into_iter().flatten() {
            let matches = judge.picks(value);
            set.iter().for_each(|index| picked.set(*index, matches));
        }
        self.picked.borrow_mut().insert(key, picked.clone());
        picked
    }
}
