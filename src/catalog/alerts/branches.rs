//! The services of an alert sorted by their setting: one branch of the rule per distinct one.

use super::{Alert, Override, Signal};
use crate::catalog::{Metric, Service, schema, snake, units::Duration};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a branch with a longer `for` than its rule waits for the rest of it: so many samples in so long a range.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Hold {
    /// Range of the subquery.
    pub range: Duration,
    /// Step of the subquery: the evaluation interval.
    pub step: Duration,
    /// The condition held at all of them.
    pub samples: u64,
}

/// The services of an alert that share one setting.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// The alert fires above it.
    pub above: Option<f64>,
    /// How far back the condition looks.
    pub window: Option<Duration>,
    /// How long the condition holds first.
    pub r#for: Duration,
    /// Decides the route.
    pub severity: String,
    /// Names of the services.
    pub services: Vec<String>,
    /// Select only these jobs; empty: all but `except`.
    pub only: Vec<String>,
    /// Select all jobs but these.
    pub except: Vec<String>,
    /// The name of the recorded series that it compares.
    pub signal: String,
    /// Present when its `for` is longer than the rule's.
    pub hold: Option<Hold>,
}

impl Alert {
    /// Gives every service that emits what the alert reads to the branch with its setting.
    pub(super) fn branch(&mut self, above: Option<f64>, services: &[Service], metrics: &[Metric]) {
        let read: Vec<BTreeSet<&str>> = self
            .metrics()
            .iter()
            .filter_map(|(_, key, _)| metrics.iter().find(|metric| metric.key == *key))
            .map(|metric| metric.services.iter().map(String::as_str).collect())
            .collect();
        let able: Vec<&Service> = services.iter().filter(|service| read.iter().all(|emitters| emitters.contains(service.name.as_str()))).collect();
        let mut branches = vec![self.setting(above, &Override::default())];
        let (mut covers, mut excepts) = (Vec::new(), Vec::new());
        for service in able {
            let differs = service.overrides.get(&self.name).cloned().unwrap_or_default();
            if differs.enabled == Some(false) {
                excepts.push(service.name.clone());
                continue;
            }
            covers.push(service.name.clone());
            let wanted = self.setting(above, &differs);
            match branches.iter_mut().find(|branch| branch.same(&wanted)) {
                Some(branch) => branch.services.push(service.name.clone()),
                None => branches.push(Branch { services: vec![service.name.clone()], ..wanted }),
            }
        }
        let own = branches.remove(0);
        for branch in &mut branches {
            branch.only = branch.services.clone();
        }
        if !own.services.is_empty() {
            let apart = excepts.iter().chain(branches.iter().flat_map(|branch| &branch.only)).cloned().collect();
            branches.insert(0, Branch { except: apart, ..own });
        }
        (self.covers, self.excepts, self.branches) = (covers, excepts, branches);
    }

    /// What the branches share: one rule's `for`, and one recorded series per window.
    pub(super) fn share(&mut self, platform: &Value, step: Duration) {
        let stem = format!("job:{}_{}:{}", platform["metric_prefix"].as_str().unwrap_or_default(), snake(&self.name), self.kind);
        self.shortest_for = self.branches.iter().map(|branch| branch.r#for).min().unwrap_or(self.r#for);
        self.mixed_severity = self.branches.iter().any(|branch| branch.severity != self.severity);
        for branch in &mut self.branches {
            branch.signal = branch.window.map_or(stem.clone(), |window| format!("{stem}_{window}"));
            let longer = branch.r#for.0 - self.shortest_for.0;
            let samples = longer.div_ceil(step.0) + 1;
            branch.hold = (longer > 0).then_some(Hold { range: Duration(samples * step.0), step, samples });
            match self.signals.iter_mut().find(|signal| signal.name == branch.signal) {
                Some(signal) if !signal.only.is_empty() => signal.only.extend(branch.only.iter().cloned()),
                Some(_) => {}
                None => self.signals.push(Signal { name: branch.signal.clone(), window: branch.window, only: branch.only.clone() }),
            }
        }
    }

    fn setting(&self, above: Option<f64>, differs: &Override) -> Branch {
        // What the kind does not read makes no difference.
        let reads = |key: &str| schema::kind(&self.kind).is_some_and(|kind| schema::properties(kind).any(|(known, _)| known == key));
        Branch {
            above: differs.above.filter(|_| reads("above")).or(above),
            window: differs.window.filter(|_| reads("window")).or(self.window),
            r#for: differs.r#for.unwrap_or(self.r#for),
            severity: differs.severity.clone().unwrap_or_else(|| self.severity.clone()),
            services: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
            signal: String::new(),
            hold: None,
        }
    }
}

impl Branch {
    fn same(&self, other: &Branch) -> bool {
        (self.above, self.window, self.r#for, &self.severity) == (other.above, other.window, other.r#for, &other.severity)
    }
}
