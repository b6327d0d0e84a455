//! The services of an alert sorted by their setting: one branch of the rule per distinct one.

use super::Read;
use super::{Alert, Scope, Signal};
use crate::catalog::emitters::Emitters;
use crate::catalog::profiled::Profiled;
use crate::catalog::{Override, Service, snake, units::Duration, with_unit};
use crate::kinds::Side;
use crate::value::Value;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// How a branch with a longer `for` than its rule waits for the rest of it: so many samples in so long a range.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Hold {
    /// Range of the subquery.
    pub range: Duration,
    /// Step of the subquery: the evaluation interval, or a multiple of it.
    pub step: Duration,
    /// The condition held at all of them.
    pub samples: u64,
}

/// Samples of the longest subquery but one: more cost a server much, promtool refuses more than ten thousand, and a
/// thousandth of a wait makes no difference to anybody.
const MOST_SAMPLES: u64 = 1000;

impl Hold {
    /// Over what a `for` is longer than the shortest; None where it is not.
    fn over(longer: u64, evaluation_interval: Duration) -> Option<Hold> {
        let step =
            evaluation_interval.0 * longer.div_ceil(evaluation_interval.0 * MOST_SAMPLES).max(1);
        let samples = longer.div_ceil(step) + 1;
        (longer > 0).then_some(Hold {
            range: Duration(samples * step),
            step: Duration(step),
            samples,
        })
    }
}

/// The services of an alert that share one setting.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// The alert fires above it.
    pub above: Option<f64>,
    /// The alert fires below it.
    pub below: Option<f64>,
    /// Whether it fires at its threshold too.
    pub includes: bool,
    /// The window of the condition.
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
    /// What must hold too, where it watches how fast a budget burns.
    pub burn: Option<StillBurning>,
}

/// The shorter range that tells that a budget still burns.
#[derive(Clone, Debug, Serialize)]
pub struct StillBurning {
    /// How many times faster than one that lasts for the objective's window.
    pub factor: f64,
    /// Back to when.
    pub window: Duration,
    /// The name of the recorded series that it compares.
    pub signal: String,
}

/// What distinguishes branches; a threshold by its bits, of which zero has two.
type Setting = (Option<u64>, Option<Duration>, Duration, String);

impl Alert {
    /// What a key names is read of the services that emit it; of others what their profiles have instead, where nobody chose the metric.
    pub(super) fn read(&mut self, services: &[Service], emitters: &Emitters, profiled: &Profiled) {
        let kind = self.kind.clone();
        for key in kind.keys.keys() {
            let (Some(role), Some(written)) = (
                kind.says(key, "of_profile").and_then(Value::as_str),
                self.settings.get(key).and_then(Value::as_str),
            ) else {
                continue;
            };
            let own = emitters.of_one(written);
            let is = kind.says(key, "role").and_then(Value::as_str);
            let is = is.filter(|_| self.reads_whole()).map(str::to_string);
            let named = |indices: &mut dyn Iterator<Item = usize>| -> Vec<String> {
                indices.map(|index| services[index].name.clone()).collect()
            };
            let mut read = Vec::new();
            if !own.is_empty() {
                read.push(Read {
                    role: is.clone(),
                    metric: written.to_string(),
                    services: named(&mut own.iter().copied()),
                });
            }
            if kind.says(key, "default").and_then(Value::as_str) == Some(written) {
                let wanted = kind.says(key, "metric").and_then(Value::as_str);
                for (metric, having) in profiled.having(role, wanted.unwrap_or("any")) {
                    let mut others = having.iter().copied().filter(|index| !own.contains(index));
                    let services = named(&mut others);
                    if !services.is_empty() {
                        read.push(Read {
                            role: is.clone(),
                            metric: metric.clone(),
                            services,
                        });
                    }
                }
            }
            // What only services have that the alert is not about, its rule has no series of.
            let about = |read: &Read| {
                let mut having = services
                    .iter()
                    .filter(|one| read.services.contains(&one.name));
                having.any(|service| self.is_about(service))
            };
            if self.is_narrowed() && read.iter().any(about) {
                read.retain(about);
            }
            if let Some(first) = read.first() {
                self.settings
                    .insert(key.clone(), first.metric.as_str().into());
                self.reads.insert(key.clone(), read);
            }
        }
    }

    /// Gives every service that emits what the alert reads to the branch with its setting.
    /// shared: others than services, such as Prometheus itself, may have it too.
    pub(super) fn branch(
        &mut self,
        limit: Option<f64>,
        services: &[Service],
        emitters: &Emitters,
        shared: bool,
    ) {
        let metrics = self.metrics().into_iter();
        let read: Vec<&str> = metrics
            .filter(|(key, ..)| !self.reads.contains_key(*key))
            .map(|(_, metric, _)| metric)
            .collect();
        // Of metrics that stand for each other one is enough.
        let read_of: Vec<HashSet<&String>> = self
            .reads
            .values()
            .map(|read| read.iter().flat_map(|read| &read.services).collect())
            .collect();
        let has = |service: &&Service| read_of.iter().all(|read| read.contains(&service.name));
        let reached = |service: &&Service| {
            self.filters.iter().all(|(key, filter)| {
                let metric = self.settings.get(key).and_then(Value::as_str);
                let metric = metric.unwrap_or_default();
                filter.reaches(service, |label| emitters.has_label(metric, label))
            })
        };
        // What is written as PromQL is about those that emit what it reads.
        let keys = self.kind.keys.iter();
        let mut written = keys
            .filter(|(_, property)| property["names"] == "promql")
            .filter_map(|(key, _)| self.settings.get(key)?.as_str());
        let emitting = written
            .next()
            .and_then(|expr| emitters.of_any(expr, services));
        let able = emitters
            .of_all(&read, services.len())
            .into_iter()
            .filter(|index| emitting.as_ref().is_none_or(|known| known.contains(index)))
            .map(|index| &services[index])
            .filter(has)
            .filter(reached);
        let (able, spared): (Vec<&Service>, Vec<&Service>) =
            able.partition(|service| self.is_about(service));
        self.spares = spared
            .into_iter()
            .map(|service| service.name.clone())
            .collect();
        if self.about != Scope::Service {
            self.cover_whole(&able);
            if !self.is_idle() {
                self.branches = vec![self.setting(limit, &Override::default())];
            }
            return;
        }
        let mut branches = vec![self.setting(limit, &Override::default())];
        let mut known: HashMap<Setting, usize> = HashMap::from([(branches[0].distinguished(), 0)]);
        let (mut covers, mut excepts) = (Vec::new(), Vec::new());
        for service in able {
            let Some(differs) = service.overrides.get(&self.name) else {
                covers.push(service.name.clone());
                branches[0].services.push(service.name.clone());
                continue;
            };
            if differs.enabled == Some(false) {
                excepts.push(service.name.clone());
                continue;
            }
            covers.push(service.name.clone());
            let wanted = self.setting(limit, differs);
            let index = *known
                .entry(wanted.distinguished())
                .or_insert(branches.len());
            if index == branches.len() {
                branches.push(wanted);
            }
            branches[index].services.push(service.name.clone());
        }
        let own = branches.remove(0);
        for branch in &mut branches {
            branch.only = branch.services.clone();
        }
        if !own.services.is_empty() {
            let apart = excepts
                .iter()
                .chain(branches.iter().flat_map(|branch| &branch.only))
                .cloned()
                .collect();
            // Who is named is selected; who is not can then be anybody, also a service of a later catalog.
            let branch = if self.is_narrowed() || shared {
                Branch {
                    only: own.services.clone(),
                    ..own
                }
            } else {
                Branch {
                    except: apart,
                    ..own
                }
            };
            branches.insert(0, branch);
        }
        (self.covers, self.excepts, self.branches) = (covers, excepts, branches);
        self.read_of_its_own();
    }

    /// Of metrics that stand for each other, those of services that it is about: another runtime's has no series that it asks for.
    fn read_of_its_own(&mut self) {
        let Alert {
            covers,
            reads,
            settings,
            ..
        } = self;
        for (key, read) in reads {
            let own = |read: &Read| read.services.iter().any(|name| covers.contains(name));
            if read.iter().any(own) {
                read.retain(own);
                settings.insert(key.clone(), read[0].metric.as_str().into());
            }
        }
    }

    /// What the branches share: one rule's `for`, and one recorded series per window.
    pub(super) fn share(&mut self, platform: &Value, step: Duration) {
        let stem = format!(
            "job:{}_{}:{}",
            platform["metric_prefix"].as_str().unwrap_or_default(),
            snake(self.written_name()),
            self.kind.name
        );
        self.shortest_for = self
            .branches
            .iter()
            .map(|branch| branch.r#for)
            .min()
            .unwrap_or(self.r#for);
        self.mixed_severity = self
            .branches
            .iter()
            .any(|branch| branch.severity != self.severity);
        let mut known: HashMap<String, usize> = HashMap::new();
        for branch in &mut self.branches {
            branch.signal = branch
                .window
                .map_or(stem.clone(), |window| format!("{stem}_{window}"));
            branch.hold = Hold::over(branch.r#for.0 - self.shortest_for.0, step);
            match known
                .get(&branch.signal)
                .map(|index| &mut self.signals[*index])
            {
                Some(signal) if !signal.only.is_empty() => {
                    signal.only.extend(branch.only.iter().cloned())
                }
                Some(_) => {}
                None => {
                    known.insert(branch.signal.clone(), self.signals.len());
                    self.signals.push(Signal {
                        name: branch.signal.clone(),
                        window: branch.window,
                        only: branch.only.clone(),
                    });
                }
            }
        }
    }

    fn setting(&self, limit: Option<f64>, differs: &Override) -> Branch {
        // What the kind does not read makes no difference.
        let reads = |key: &str| self.kind.reads(key);
        let own = self.threshold.as_deref();
        let here = own.and_then(|key| differs.threshold(key));
        let limit = here
            .map(|bound| bound.in_unit(self.unit.as_deref()))
            .or(limit);
        Branch {
            above: limit.filter(|_| self.side == Side::Above),
            below: limit.filter(|_| self.side == Side::Below),
            includes: self.includes,
            window: differs.window.filter(|_| reads("window")).or(self.window),
            r#for: differs.r#for.unwrap_or(self.r#for),
            severity: differs
                .severity
                .clone()
                .unwrap_or_else(|| self.severity.clone()),
            services: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
            signal: String::new(),
            hold: None,
            burn: None,
        }
    }
}

impl Branch {
    /// The threshold, and on which side of it the alert fires.
    pub fn limit(&self) -> Option<(Side, f64)> {
        let above = self.above.map(|limit| (Side::Above, limit));
        above.or(self.below.map(|limit| (Side::Below, limit)))
    }

    /// The same as people read it: `above 10%`.
    pub fn says_limit(&self, unit: Option<&str>) -> Option<String> {
        let (side, limit) = self.limit()?;
        Some(format!(
            "{} {}",
            side.word_of(self.includes),
            with_unit(limit, unit)
        ))
    }

    fn distinguished(&self) -> Setting {
        // Adding zero makes one of the two zeros.
        (
            self.limit().map(|(_, limit)| (limit + 0.0).to_bits()),
            self.window,
            self.r#for,
            self.severity.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Hold, MOST_SAMPLES};

    #[test]
    fn a_long_wait_has_no_more_samples_than_a_server_bears() {
        let over = |longer: u64, interval: u64| {
            Hold::over(longer, Duration(interval)).map(|hold| (hold.step.0, hold.samples))
        };
        assert_eq!(over(0, 15_000), None);
        assert_eq!(over(60_000, 15_000), Some((15_000, 5)));
        assert_eq!(over(61_000, 15_000), Some((15_000, 6)));
        // A day that is looked at every 7 s would be 12,343 samples.
        let day = Hold::over(86_400_000, Duration(7_000)).expect("it waits");
        assert!(
            day.samples <= MOST_SAMPLES + 1
                && day.step.0.is_multiple_of(7_000)
                && day.range.0 >= 86_400_000,
            "{day:?}"
        );
    }
}
