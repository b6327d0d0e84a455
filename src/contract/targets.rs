//! What Prometheus scrapes, as its rendered configuration says: targets, their labels, their intervals.

use crate::catalog::Duration;
use fixedbitset::FixedBitSet;
use promql_parser::label::{MatchOp, Matcher};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

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
    by_value: HashMap<String, BTreeMap<String, FixedBitSet>>,
    /// The sets of more than one target of each label.
    shared: HashMap<String, Vec<FixedBitSet>>,
    picked: RefCell<HashMap<(String, String, String), FixedBitSet>>,
}

impl Targets {
    /// Reads a Prometheus configuration.
    pub fn read(config: &Value) -> Targets {
        let global = config["global"]["scrape_interval"].as_str().unwrap_or("1m");
        let mut list = Vec::new();
        for job in config["scrape_configs"].as_array().into_iter().flatten() {
            let interval = Duration::parse(job["scrape_interval"].as_str().unwrap_or(global)).unwrap_or_default();
            for group in job["static_configs"].as_array().into_iter().flatten() {
                for address in group["targets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let mut labels = BTreeMap::from([
                        ("job".to_string(), job["job_name"].as_str().unwrap_or_default().to_string()),
                        ("instance".to_string(), address.to_string()),
                    ]);
                    let own = group["labels"].as_object().into_iter().flatten();
                    labels.extend(own.filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string()))));
                    list.push(Target { labels, interval });
                }
            }
        }
        let mut targets = Targets { list, ..Targets::default() };
        targets.index();
        targets
    }

    fn index(&mut self) {
        for (index, target) in self.list.iter().enumerate() {
            for (label, value) in &target.labels {
                let set = self.by_value.entry(label.clone()).or_default().entry(value.clone()).or_insert_with(|| FixedBitSet::with_capacity(self.list.len()));
                set.insert(index);
            }
        }
        let several = |sets: &BTreeMap<String, FixedBitSet>| sets.values().filter(|set| set.count_ones(..) > 1).cloned().collect();
        self.shared = self.by_value.iter().map(|(label, sets)| (label.clone(), several(sets))).collect();
    }

    /// No targets.
    pub fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.list.len())
    }

    /// All targets.
    pub fn all(&self) -> FixedBitSet {
        let mut all = self.none();
        all.insert_range(..);
        all
    }

    /// The targets with this value of a label.
    pub fn with(&self, label: &str, value: &str) -> FixedBitSet {
        self.by_value.get(label).and_then(|values| values.get(value)).cloned().unwrap_or_else(|| self.none())
    }

    /// Every target that shares its value of a label with one of the set.
    pub fn alike(&self, set: &FixedBitSet, label: &str) -> FixedBitSet {
        let mut alike = set.clone();
        let shared = self.shared.get(label).into_iter().flatten();
        shared.filter(|with| !with.is_disjoint(set)).for_each(|with| alike.union_with(with));
        alike
    }

    /// Whether any target has the label.
    pub fn have(&self, label: &str) -> bool {
        self.by_value.contains_key(label)
    }

    /// The values of a label.
    pub fn values(&self, label: &str) -> impl Iterator<Item = &str> + Clone {
        self.by_value.get(label).into_iter().flat_map(|values| values.keys().map(String::as_str))
    }

    /// The targets that a matcher on one of their labels picks; a label that a target lacks is empty.
    pub fn picked(&self, matcher: &Matcher) -> FixedBitSet {
        if matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty() {
            return self.with(&matcher.name, &matcher.value);
        }
        let key = (matcher.name.clone(), matcher.op.to_string(), matcher.value.clone());
        if let Some(known) = self.picked.borrow().get(&key) {
            return known.clone();
        }
        let mut picked = if matcher.is_match("") { self.all() } else { self.none() };
        for (value, set) in self.by_value.get(&matcher.name).into_iter().flatten() {
            match matcher.is_match(value) {
                true => picked.union_with(set),
                false => picked.difference_with(set),
            }
        }
        self.picked.borrow_mut().insert(key, picked.clone());
        picked
    }
}
