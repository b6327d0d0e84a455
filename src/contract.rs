//! The closed metric contract: every series that can exist, from the catalog, the rendered targets and the rendered rules.

pub mod domain;
pub mod evaluate;
pub mod series;
pub mod status;
pub mod targets;

use crate::catalog::{Catalog, Metric};
use domain::Domain;
use evaluate::nodes;
use fixedbitset::FixedBitSet;
use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr};
use serde_json::{Map, Value};
use series::{Kind, Series, merged};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;
use targets::Targets;

static PROFILES: LazyLock<Value> = LazyLock::new(|| toml::from_str(include_str!("contract/profiles.toml")).expect("profiles.toml is TOML"));

/// Every series that can exist.
pub struct Contract {
    /// What is scraped.
    pub targets: Targets,
    families: HashMap<String, Vec<Series>>,
    meets: RefCell<HashMap<(Domain, String, String), bool>>,
    parsed: RefCell<HashMap<String, Result<Rc<Expr>, String>>>,
}

impl Contract {
    /// What the catalog's services expose to the targets of a rendered Prometheus configuration.
    pub fn new(catalog: &Catalog, config: &Value) -> Contract {
        let targets = Targets::read(config);
        let mut contract = Contract { targets, families: HashMap::new(), meets: RefCell::default(), parsed: RefCell::default() };
        contract.profile("target", contract.targets.all());
        for job in ["prometheus", "alertmanager", "health-probe"] {
            contract.profile(job, contract.targets.with("job", job));
        }
        let services = |wanted: &dyn Fn(&crate::catalog::Service) -> bool| {
            let names = catalog.services.iter().filter(|service| wanted(service)).map(|service| service.name.as_str());
            names.fold(contract.targets.none(), |mut set, name| {
                set.union_with(&contract.targets.with("job", name));
                set
            })
        };
        let python = services(&|service| service.runtime == "python");
        let runtimes: Vec<(&str, FixedBitSet)> = ["node", "go"].map(|runtime| (runtime, services(&|service| service.runtime == runtime))).into();
        contract.profile("collector", python.clone());
        contract.profile("python", python);
        for (runtime, set) in runtimes {
            contract.profile(runtime, set);
        }
        for metric in &catalog.metrics {
            contract.declare(metric);
        }
        contract.alerts();
        contract
    }

    fn profile(&mut self, name: &str, targets: FixedBitSet) {
        if targets.is_clear() {
            return;
        }
        for (metric, about) in PROFILES[name].as_object().into_iter().flatten() {
            let kind = if about["type"] == "counter" { Kind::Counter } else { Kind::Gauge };
            let labels = about["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let labels: Map<String, Value> = labels.map(|label| (label.to_string(), Value::from(".*"))).collect();
            self.expose(metric, kind, &labels, targets.clone());
        }
    }

    fn declare(&mut self, metric: &Metric) {
        let emitters = metric.services.iter().fold(self.targets.none(), |mut set, name| {
            set.union_with(&self.targets.with("job", name));
            set
        });
        match metric.r#type.as_str() {
            "histogram" => {
                let mut buckets = metric.labels.clone();
                buckets.insert("le".to_string(), Value::from(".+"));
                self.expose(&format!("{}_bucket", metric.name), Kind::Counter, &buckets, emitters.clone());
                self.expose(&format!("{}_sum", metric.name), Kind::Counter, &metric.labels, emitters.clone());
                self.expose(&format!("{}_count", metric.name), Kind::Counter, &metric.labels, emitters);
            }
            "counter" => self.expose(&metric.name, Kind::Counter, &metric.labels, emitters),
            _ => self.expose(&metric.name, Kind::Gauge, &metric.labels, emitters),
        }
    }

    /// Series on targets, apart for targets with different labels.
    fn expose(&mut self, name: &str, kind: Kind, labels: &Map<String, Value>, emitters: FixedBitSet) {
        let labels = labels.iter().map(|(label, written)| (label.clone(), Domain::declared(written))).collect();
        let mut shapes: HashMap<BTreeSet<String>, FixedBitSet> = HashMap::new();
        for index in emitters.ones() {
            let carried = self.targets.list[index].labels.keys().cloned().collect();
            shapes.entry(carried).or_insert_with(|| self.targets.none()).insert(index);
        }
        let mut series: Vec<Series> =
            shapes.into_iter().map(|(carried, targets)| Series { targets, carried, labels: std::clone::Clone::clone(&labels), kind }).collect();
        series.sort_by(|a, b| a.carried.cmp(&b.carried));
        self.families.entry(name.to_string()).or_default().extend(series);
    }

    /// `ALERTS`, which Prometheus writes itself; the alerts' own labels are known once their rules are recorded.
    fn alerts(&mut self) {
        let mut series = Series::bare(&self.targets).with("alertname", Domain::any()).with("severity", Domain::any());
        series.targets = self.targets.all();
        series.kind = Kind::Gauge;
        series.carried = ["job", "service", "component"].map(str::to_string).into();
        let state = Domain::Values(vec!["pending".to_string(), "firing".to_string()]);
        self.families.insert("ALERTS_FOR_STATE".to_string(), vec![series.clone()]);
        self.families.insert("ALERTS".to_string(), vec![series.with("alertstate", state)]);
    }

    /// Adds what a recording rule writes.
    pub fn record(&mut self, name: &str, expr: &Expr, labels: &Value) {
        let series = nodes(expr, self).pop().map_or(Vec::new(), |whole| whole.series);
        let recorded = series.into_iter().map(|series| self.labeled(series, labels)).collect();
        let family = self.families.entry(name.to_string()).or_default();
        let known = std::mem::take(family);
        *family = merged(known.into_iter().chain(std::convert::identity::<Vec<Series>>(recorded)).collect());
    }

    /// A rule's own labels over those of its expression; labels that are a target's are the target's.
    pub fn labeled(&self, series: Series, labels: &Value) -> Series {
        let mut series = Series { kind: Kind::Gauge, ..series };
        let written: Vec<(&String, &str)> = labels.as_object().into_iter().flatten().filter_map(|(label, value)| Some((label, value.as_str()?))).collect();
        for (label, value) in &written {
            series = series.with(label, Domain::Values(vec![value.to_string()]));
        }
        if series.targets.is_clear() && written.iter().any(|(label, _)| *label == "job") {
            let known: Vec<&(&String, &str)> = written.iter().filter(|(label, _)| self.targets.have(label)).collect();
            let mut targets = self.targets.all();
            known.iter().for_each(|(label, value)| targets.intersect_with(&self.targets.with(label, value)));
            if !targets.is_clear() {
                series.carried.extend(known.iter().map(|(label, _)| label.to_string()));
                series.labels.retain(|label, _| !series.carried.contains(label));
                series.targets = targets;
            }
        }
        series
    }

    /// The values that a label has in the series.
    pub fn values(&self, series: &Series, label: &str) -> Domain {
        if !series.carried.contains(label) {
            return series.labels.get(label).cloned().unwrap_or_else(|| Domain::Values(vec![String::new()]));
        }
        let values: BTreeSet<&String> = series.targets.ones().filter_map(|index| self.targets.list[index].labels.get(label)).collect();
        Domain::Values(values.into_iter().cloned().collect())
    }

    /// All series of a name; empty when nobody writes it.
    pub fn family(&self, name: &str) -> &[Series] {
        self.families.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody writes it.
    pub fn knows(&self, name: &str) -> bool {
        self.families.contains_key(name)
    }

    /// Every name that somebody writes.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.families.keys().map(String::as_str)
    }

    /// The part of the series that all matchers pick.
    pub fn picked(&self, series: &Series, matchers: &[Matcher]) -> Option<Series> {
        let mut picked = series.clone();
        for matcher in matchers.iter().filter(|matcher| matcher.name != "__name__") {
            if picked.carried.contains(&matcher.name) {
                picked.targets.intersect_with(&self.targets.picked(matcher));
                if picked.targets.is_clear() {
                    return None;
                }
            } else if !picked.labels.get(&matcher.name).map_or_else(|| matcher.is_match(""), |domain| self.meets(domain, matcher)) {
                return None;
            }
        }
        Some(picked)
    }

    fn meets(&self, domain: &Domain, matcher: &Matcher) -> bool {
        let key = (domain.clone(), matcher.op.to_string(), matcher.value.clone());
        *self.meets.borrow_mut().entry(key).or_insert_with(|| domain.meets(matcher))
    }

    /// The syntax of an expression, parsed once; the reason when it has none.
    pub fn parse(&self, text: &str) -> Result<Rc<Expr>, String> {
        let mut parsed = self.parsed.borrow_mut();
        parsed.entry(text.to_string()).or_insert_with(|| parser::parse(text).map(Rc::new)).clone()
    }
}
