//! The closed metric contract: every series that can exist, from the catalog, the rendered targets and the rendered rules.

pub(crate) mod bounds;
pub mod domain;
pub(crate) mod evaluate;
pub(crate) mod exposed;
pub(crate) mod filtered;
mod node;
pub(crate) mod relabel;
pub mod series;
pub mod status;
pub mod targets;
pub(crate) mod units;
pub(crate) mod values;

use crate::catalog::Catalog;
use crate::promql::matchers::{Judge, picks};
use crate::promql::{self, Expr, MatchOp, Matcher};
use crate::value::Value;
use bounds::Limits;
use domain::Domain;
use evaluate::{nodes, picked};
use fixedbitset::FixedBitSet;
use series::{MetricType, SeriesSet, merged};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use targets::{Lists, Targets};
use values::{Base, Bounds, Unit};

/// What is known of recorded values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) unit: Option<Unit>,
    pub(crate) bounds: Option<Bounds>,
    /// What it takes of each bucket of several histograms, other than all that was counted: `max`.
    pub(crate) picked: Option<String>,
}

/// What the values of alerts are in, by name, where the catalog says so.
fn compared(catalog: &Catalog) -> HashMap<String, Base> {
    let alerts = catalog.alerts.iter();
    let said = alerts.filter_map(|alert| {
        let base = Base::named(alert.unit.as_deref()?)?;
        Some((alert.name.clone(), base))
    });
    said.collect()
}

/// The shortest time between two evaluations of a rule of the catalog; None: there are rules of others.
fn evaluated(catalog: &Catalog) -> Option<u64> {
    let own = catalog.rules.iter().filter_map(|rule| rule.interval);
    let all = own.chain([catalog.prometheus.evaluation_interval]);
    let shortest = all.map(|interval| interval.0).min();
    shortest.filter(|interval| *interval > 0 && catalog.extra.rules.is_empty())
}

/// Every series that can exist.
pub struct Contract {
    pub targets: Targets,
    families: HashMap<String, Vec<SeriesSet>>,
    /// What the catalog says that a metric is in, by its name.
    units: HashMap<String, Base>,
    /// What the catalog compares an alert's value with is in, by the alert's name.
    compared: HashMap<String, Base>,
    /// What the catalog spells out → the targets of which it does so: what a profile says of it there is not needed.
    refined: HashMap<String, FixedBitSet>,
    /// Targets that hand on what others push to them, with the labels that all of that has.
    handing: Vec<(FixedBitSet, Vec<String>)>,
    /// Whether Prometheus is of version 2, which stores bounds as they are written.
    older: bool,
    /// What profiles list that services run on, and what Prometheus writes of a target.
    never_negative: HashSet<String>,
    /// What is known of the values that rules record, by name.
    values: HashMap<String, Recorded>,
    pub(crate) limits: Limits,
    /// How often what is recorded is evaluated, at most; None: rules that others wrote are evaluated as often as they like.
    recorded_every: Option<u64>,
    /// No target is scraped more often than this.
    pace: Cell<u64>,
    meets: RefCell<HashMap<(String, String, String), bool>>,
    parsed: RefCell<HashMap<String, Result<Rc<Expr>, String>>>,
    /// Label → of some targets its values: nearly all expressions are of the same targets.
    carried: RefCell<HashMap<String, HashMap<FixedBitSet, Rc<Domain>>>>,
}

impl Contract {
    /// What the catalog's services expose to the targets of a rendered Prometheus configuration.
    pub(crate) fn new<'v>(catalog: &Catalog, config: &'v Value, lists: &Lists<'v>) -> Contract {
        let targets = Targets::read(config, &catalog.services, lists);
        let tag = catalog.prometheus.image.rsplit(':').next();
        let tag = tag.unwrap_or_default();
        let mut contract = Contract {
            targets,
            families: HashMap::new(),
            units: HashMap::new(),
            compared: compared(catalog),
            refined: HashMap::new(),
            handing: Vec::new(),
            older: tag.trim_start_matches('v').starts_with("2."),
            never_negative: HashSet::new(),
            values: HashMap::new(),
            limits: Limits::of(catalog),
            recorded_every: evaluated(catalog),
            pace: Cell::new(0),
            meets: RefCell::default(),
            parsed: RefCell::default(),
            carried: RefCell::default(),
        };
        let profiles = &catalog.profiles;
        contract.profile(profiles, "target", contract.targets.all());
        for job in ["prometheus", "alertmanager", "health-probe"] {
            contract.profile(profiles, job, contract.targets.with("job", job));
        }
        if !catalog.prometheus.remote_write.is_empty() {
            let own = contract.targets.with("job", "prometheus");
            contract.profile(profiles, "prometheus_remote_write", own);
        }
        // Both servers are programs in Go.
        for job in ["prometheus", "alertmanager"] {
            contract.profile(profiles, "go", contract.targets.with("job", job));
        }
        let services = |wanted: &dyn Fn(&crate::catalog::Service) -> bool| {
            let names = catalog
                .services
                .iter()
                .filter(|service| wanted(service))
                .map(|service| service.name.as_str());
            contract.targets.with_any("job", names)
        };
        let handing = catalog
            .services
            .iter()
            .filter(|service| !service.hands_on.is_empty());
        let handing = handing.map(|service| {
            let targets = contract.targets.with("job", &service.name);
            (targets, service.hands_on.to_vec())
        });
        let handing = handing.collect();
        let python = services(&|service| service.runtime == "python");
        let runtimes: BTreeSet<&str> = catalog
            .services
            .iter()
            .map(|service| service.runtime.as_str())
            .collect();
        let runtimes: Vec<(&str, FixedBitSet)> = runtimes
            .into_iter()
            .map(|runtime| (runtime, services(&|service| service.runtime == runtime)))
            .collect();
        let named: BTreeSet<&String> = catalog
            .services
            .iter()
            .flat_map(|service| &service.profiles)
            .collect();
        // What is of a service's runtime is added with that.
        let others: Vec<(&String, FixedBitSet, FixedBitSet)> = named
            .into_iter()
            .map(|name| {
                let exposing = |own: bool| {
                    services(&|service: &crate::catalog::Service| {
                        let other = service.profiles.contains(name) && service.runtime != *name;
                        other && service.own_profiles.contains(name) == own
                    })
                };
                (name, exposing(true), exposing(false))
            })
            .collect();
        contract.handing = handing;
        for metric in catalog.declared().filter(|metric| metric.spelled_out) {
            let emitters = metric.services.iter().map(String::as_str);
            let emitters = contract.targets.with_any("job", emitters);
            contract.refined.insert(metric.name.clone(), emitters);
        }
        contract.profile(profiles, "collector", python);
        // What a service says of itself goes before what is true of all with its runtime.
        for (name, own, handed) in others {
            contract.profile(profiles, name, own);
            contract.handed_profile(profiles, name, handed);
        }
        for (runtime, set) in runtimes {
            contract.profile(profiles, runtime, set);
        }
        for (job, own) in &catalog.extra.jobs {
            for name in &own.profiles {
                contract.profile(profiles, name, contract.targets.of_job(config, job));
            }
            contract.relabeled(config, job);
        }
        let mut encrypted = contract.targets.none();
        for service in catalog
            .services
            .iter()
            .filter(|service| service.health_probe && service.scheme == "https")
        {
            encrypted.union_with(&contract.targets.with("service", &service.name));
        }
        encrypted.intersect_with(&contract.targets.with("job", "health-probe"));
        contract.profile(profiles, "https-probe", encrypted);
        for metric in catalog.declared() {
            contract.declare(metric);
        }
        for rule in &catalog.rules {
            let unit = rule.unit.as_deref().and_then(Base::named);
            contract
                .units
                .extend(unit.map(|unit| (rule.name.clone(), unit)));
        }
        contract.alerts(None, None, &[]);
        contract
    }

    /// Adds what a recording rule writes.
    pub(crate) fn record(&mut self, name: &str, expr: &Expr, labels: &Value) {
        let mut all = nodes(expr, self);
        let whole = all.last();
        let buckets = |node: &&evaluate::Node| node.series.iter().all(|series| series.has("le"));
        let picked = whole
            .filter(buckets)
            .and_then(|whole| picked(whole, &all, self));
        let Some(whole) = all.pop() else {
            return;
        };
        let (unit, bounds) = (whole.unit, whole.bounds);
        let series = whole.series;
        match self.values.get_mut(name) {
            None => {
                let known = Recorded {
                    unit,
                    bounds,
                    picked,
                };
                self.values.insert(name.to_string(), known);
            }
            Some(known) => {
                known.picked = known.picked.take().or(picked);
                let either = |known: Bounds| bounds.map(|more| known.either(more));
                known.bounds = known.bounds.and_then(either);
                known.unit = known
                    .unit
                    .take()
                    .filter(|known| unit.as_ref() == Some(known));
            }
        }
        let recorded: Vec<SeriesSet> = series
            .into_iter()
            .map(|series| self.labeled(series, labels))
            .collect();
        let family = self.families.entry(name.to_string()).or_default();
        let mut all = std::mem::take(family);
        all.extend(recorded);
        *family = merged(all);
    }

    /// A rule's own labels over those of its expression; labels that are a target's are the target's.
    pub(crate) fn labeled(&self, series: SeriesSet, labels: &Value) -> SeriesSet {
        let mut series = SeriesSet {
            kind: match series.native() {
                true => MetricType::Histogram,
                false => MetricType::Gauge,
            },
            ..series
        };
        let written: Vec<(&String, &str)> = labels
            .entries()
            .filter_map(|(label, value)| Some((label, value.as_str()?)))
            .collect();
        for (label, value) in &written {
            series = series.with(label, Domain::Values(vec![value.to_string()]));
        }
        if series.targets.is_clear() && written.iter().any(|(label, _)| *label == "job") {
            let known: Vec<(&str, &str)> = written
                .iter()
                .filter(|(label, _)| self.targets.have(label))
                .map(|(label, value)| (label.as_str(), *value))
                .collect();
            let targets = self.targets.with_all(&known);
            if !targets.is_clear() {
                series
                    .carried
                    .extend(known.iter().map(|(label, _)| label.to_string()));
                series
                    .labels
                    .retain(|label, _| !series.carried.contains(label));
                series.targets = targets;
            }
        }
        series
    }

    /// The values that a label has in the series.
    pub(crate) fn values(&self, series: &SeriesSet, label: &str) -> Domain {
        if !series.carried.contains(label) {
            return series
                .labels
                .get(label)
                .cloned()
                .unwrap_or_else(|| Domain::Values(vec![String::new()]));
        }
        self.of_targets(&series.targets, label)
    }

    /// The values of a label that is a target's.
    fn of_targets(&self, targets: &FixedBitSet, label: &str) -> Domain {
        let values = self.targets.values_of(targets, label);
        Domain::Values(values.into_iter().cloned().collect())
    }

    /// The same of several: of one list what targets say, once for all that are of targets.
    pub(crate) fn domains<'s>(
        &self,
        all: impl IntoIterator<Item = &'s SeriesSet>,
        label: &str,
    ) -> Vec<Domain> {
        let shared = self.shared_domains(all, label).into_iter();
        shared.map(Rc::unwrap_or_clone).collect()
    }

    /// The same, to be looked at.
    pub(crate) fn shared_domains<'s>(
        &self,
        all: impl IntoIterator<Item = &'s SeriesSet>,
        label: &str,
    ) -> Vec<Rc<Domain>> {
        let mut found = Vec::new();
        let mut carried: Option<FixedBitSet> = None;
        for series in all {
            match (series.carried.contains(label), &mut carried) {
                (false, _) => found.push(Rc::new(self.values(series, label))),
                (true, Some(union)) => union.union_with(&series.targets),
                (true, union) => *union = Some(series.targets.clone()),
            }
        }
        found.extend(carried.map(|targets| {
            let mut known = self.carried.borrow_mut();
            let known = known.entry(label.to_string()).or_default();
            known.get(&targets).cloned().unwrap_or_else(|| {
                let values = Rc::new(self.of_targets(&targets, label));
                known.insert(targets, values.clone());
                values
            })
        }));
        found
    }

    /// What the catalog says that the values of a series are in; None: it says nothing, and the name may.
    pub(crate) fn declared_unit(&self, name: &str) -> Option<Base> {
        let known = |name: &str| self.units.get(name).copied();
        known(name).or_else(|| known(name.strip_suffix("_sum")?))
    }

    /// What the catalog says that the value of an alert is in.
    pub(crate) fn unit_of_alert(&self, name: &str) -> Option<Base> {
        self.compared.get(name).copied()
    }

    /// What is known of the values that rules record under a name; None: no rule does.
    pub(crate) fn recorded(&self, name: &str) -> Option<&Recorded> {
        self.values.get(name)
    }

    /// All series of a name; empty when nobody writes it.
    pub fn family(&self, name: &str) -> &[SeriesSet] {
        self.families.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody writes it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.families.contains_key(name)
    }

    /// Every name that somebody writes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.families.keys().map(String::as_str)
    }

    /// The part of the series that all matchers pick.
    pub fn select(&self, series: &SeriesSet, matchers: &[Matcher]) -> Option<SeriesSet> {
        let mut targets = series.targets.clone();
        // What is left of a label; None: it is not there any more.
        let mut narrowed: BTreeMap<&str, Option<Domain>> = BTreeMap::new();
        for matcher in matchers.iter().filter(|matcher| matcher.name != "__name__") {
            let name = matcher.name.as_str();
            if series.carried.contains(name) {
                targets.intersect_with(&self.targets.matching(matcher));
                if targets.is_clear() {
                    return None;
                }
                continue;
            }
            let known = match narrowed.get(name) {
                Some(left) => left.as_ref(),
                None => series.labels.get(name),
            };
            if !known.map_or_else(|| picks(matcher, ""), |known| self.meets(known, matcher)) {
                return None;
            }
            // What is matched with `=` has that one value from here on, and of a list those stay that are matched.
            let Some(known) = known else { continue };
            let left = match (known, &matcher.op) {
                (_, MatchOp::Equal) if matcher.value.is_empty() => None,
                (_, MatchOp::Equal) => Some(Domain::Values(vec![matcher.value.clone()])),
                (Domain::Values(values), _) => {
                    let judge = Judge::of(matcher);
                    let left = values.iter().filter(|value| judge.picks(value));
                    Some(Domain::Values(left.cloned().collect()))
                }
                _ => continue,
            };
            narrowed.insert(name, left);
        }
        let labels = series.labels.iter().filter_map(|(name, domain)| {
            let left = match narrowed.remove(name.as_str()) {
                Some(left) => left?,
                None => domain.clone(),
            };
            Some((name.clone(), left))
        });
        Some(SeriesSet {
            labels: labels.collect(),
            targets,
            carried: series.carried.clone(),
            kind: series.kind,
        })
    }

    fn meets(&self, domain: &Domain, matcher: &Matcher) -> bool {
        let Domain::Pattern(pattern) = domain else {
            return domain.meets(matcher);
        };
        let (op, value) = (matcher.op.to_string(), matcher.value.clone());
        let mut known = self.meets.borrow_mut();
        let known = known.entry((pattern.clone(), op, value));
        *known.or_insert_with(|| domain.meets(matcher))
    }

    /// What is so of targets that are scraped no more often than this, in milliseconds.
    pub(crate) fn at_pace<T>(&self, interval: u64, found: impl FnOnce(&Contract) -> T) -> T {
        let before = self.pace.replace(interval);
        let found = found(self);
        self.pace.set(before);
        found
    }

    /// The syntax of an expression, parsed once; the reason when it has none.
    pub fn parse(&self, text: &str) -> Result<Rc<Expr>, String> {
        let mut parsed = self.parsed.borrow_mut();
        parsed
            .entry(text.to_string())
            .or_insert_with(|| promql::parse(text).map(Rc::new))
            .clone()
    }
}
