//! What the catalog's own recording rules leave, read as metrics: an alert may name one. Worked out from the expression alone, for
//! targets are known only once they are rendered; the proofs hold what is recorded against those.

use super::rules::RecordingRule;
use super::{Metric, Service, units};
use crate::profiles::{Profiles, Type, of_scrapes};
use crate::promql::engine::metric;
use crate::promql::matchers::picks;
use crate::promql::token::{
    T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_DIV, T_GROUP, T_LOR, T_MUL, T_STDVAR, T_TOPK,
};
use crate::promql::walk::{children, selector, selectors, text};
use crate::promql::{
    AggregateExpr, BinaryExpr, Call, Expr, MatchOp, VectorMatchCardinality, VectorSelector,
    compared, grouped, parse, returns_bool,
};
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What one expression leaves.
#[derive(Clone, Default)]
struct Left {
    /// The services of which there can be anything, by index.
    services: BTreeSet<usize>,
    /// Labels of metrics and rules, with their values.
    labels: Map,
    /// Labels of targets that are kept.
    keeps: BTreeSet<String>,
    unit: Option<String>,
}

/// Everything that expressions can read.
pub(super) struct Recordings<'a> {
    services: &'a [Service],
    declared: &'a [Metric],
    profiles: &'a Profiles,
    rules: &'a [RecordingRule],
    known: BTreeMap<String, Option<Left>>,
}

impl<'a> Recordings<'a> {
    pub(super) fn of(
        services: &'a [Service],
        declared: &'a [Metric],
        profiles: &'a Profiles,
        rules: &'a [RecordingRule],
    ) -> Recordings<'a> {
        Recordings {
            services,
            declared,
            profiles,
            rules,
            known: BTreeMap::new(),
        }
    }

    /// The rules of these names as metrics; without those whose series do not say which service they are of.
    pub(super) fn metrics(mut self, named: &BTreeSet<&str>) -> Vec<Metric> {
        let rules = self.rules;
        let read = rules.iter().filter(|rule| named.contains(&*rule.name));
        let read = read.filter_map(|rule| {
            let left = self.rule(&rule.name)?;
            let told = |label: &&str| left.keeps.contains(*label);
            let services = left
                .services
                .iter()
                .map(|at| self.services[*at].name.clone());
            Service::OF_ALL.iter().all(told).then(|| Metric {
                key: rule.name.clone(),
                name: rule.name.clone(),
                spelled_out: true,
                r#type: "gauge".to_string(),
                help: rule.help.clone().unwrap_or_default(),
                services: services.collect(),
                unit: left.unit.clone(),
                per_second: 1.0,
                labels: left.labels.clone(),
                keeps: Some(left.keeps.clone()),
                recorded_of: self.exposed_of(&rule.name, &mut BTreeSet::new()),
                ..Metric::default()
            })
        });
        read.collect()
    }

    /// What services expose that a rule reads, itself or through others.
    fn exposed_of(&self, name: &str, seen: &mut BTreeSet<String>) -> Vec<String> {
        let rule = self.rules.iter().find(|rule| rule.name == name);
        let Some(rule) = rule.filter(|_| seen.insert(name.to_string())) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let expr = parse(&rule.expr).ok();
        for read in expr.iter().flat_map(selectors).filter_map(metric) {
            let more = match self.rules.iter().any(|rule| rule.name == read) {
                true => self.exposed_of(read, seen),
                false => vec![read.to_string()],
            };
            found.extend(more.into_iter().filter(|name| !of_scrapes(name)));
        }
        found.sort();
        found.dedup();
        found
    }

    fn rule(&mut self, name: &str) -> Option<Left> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        // One that reads itself has nothing to read when it is first evaluated.
        self.known.insert(name.to_string(), None);
        let rules = self.rules;
        let rule = rules.iter().find(|rule| rule.name == name)?;
        let mut left = parse(&rule.expr).ok().and_then(|expr| self.left(&expr));
        if let Some(left) = &mut left {
            // Named as is usual, level:metric:operations, what is divided says so.
            let operations = name.rsplit(':').next().filter(|last| *last != name);
            let mut words = operations.into_iter().flat_map(|words| words.split('_'));
            left.unit = rule.unit.clone().or(left.unit.take());
            if left.unit.is_none() && words.any(|word| word == "ratio") {
                left.unit = Some("ratio".to_string());
            }
            for (label, value) in &rule.labels {
                left.keeps.remove(label);
                left.labels
                    .insert(label.clone(), vec![value.clone()].into());
            }
        }
        self.known.insert(name.to_string(), left.clone());
        left
    }

    fn left(&mut self, expr: &Expr) -> Option<Left> {
        if let Some(selector) = selector(expr) {
            return self.selected(selector);
        }
        match expr {
            Expr::Aggregate(aggregate) => self.aggregated(aggregate),
            Expr::Binary(binary) => self.combined(binary),
            Expr::Call(call) => self.called(call),
            Expr::Paren(_) | Expr::Unary(_) | Expr::Subquery(_) => {
                self.left(children(expr).next()?)
            }
            _ => None,
        }
    }

    fn selected(&mut self, selector: &VectorSelector) -> Option<Left> {
        let name = metric(selector)?;
        let mut left = match self.rules.iter().any(|rule| rule.name == name) {
            true => self.rule(name)?,
            false => self.exposed(name)?,
        };
        for matcher in &selector.matchers.matchers {
            // What is asked for by one value has that one alone.
            if let (MatchOp::Equal, Some(values)) =
                (&matcher.op, left.labels.get_mut(&matcher.name))
            {
                *values = vec![matcher.value.clone()].into();
            }
            let of_services = ["job", "service"].contains(&&*matcher.name);
            if of_services && left.keeps.contains(&matcher.name) {
                let services = self.services;
                left.services
                    .retain(|at| picks(matcher, &services[*at].name));
            }
        }
        Some(left)
    }

    /// A metric that services expose, declared or of a profile.
    fn exposed(&self, name: &str) -> Option<Left> {
        let part = ["_bucket", "_sum", "_count"].iter();
        let base = part.clone().find_map(|end| name.strip_suffix(end));
        let mut left = Left::default();
        let mut found = false;
        for known in [Some(name), base].into_iter().flatten() {
            let own = self.declared.iter().filter(|metric| metric.name == known);
            for metric in own {
                found = true;
                let emits = |service: &Service| metric.services.contains(&service.name);
                let called = metric.unit.as_deref().or_else(|| units::by_name(known));
                self.add(&mut left, &emits, &metric.labels, called);
            }
            for (service, exposed) in self.of_profiles(known) {
                found = true;
                let histogram = exposed.r#type == Type::Histogram && name.ends_with("_bucket");
                let mut labels = exposed.labels.clone();
                if histogram {
                    labels.insert("le".to_string(), ".+".into());
                }
                let unit = exposed.unit.as_deref().or_else(|| units::by_name(known));
                let one = |other: &Service| other.name == service.name;
                self.add(&mut left, &one, &labels, unit);
            }
            if found {
                break;
            }
        }
        if of_scrapes(name) {
            found = true;
            self.add(&mut left, &|_| true, &Map::new(), units::by_name(name));
        }
        if name.ends_with("_bucket") && base.is_some() {
            left.labels.entry("le").or_insert_with(|| ".+".into());
            left.unit = None;
        }
        if name.ends_with("_count") {
            left.unit = None;
        }
        found.then_some(left)
    }

    fn of_profiles(&self, name: &str) -> Vec<(&'a Service, &'a crate::profiles::Exposed)> {
        let all = self.services.iter();
        let all = all.filter_map(|service| {
            let mut profiles = service.exposes.iter();
            let exposed =
                profiles.find_map(|profile| self.profiles.get(profile)?.metrics.get(name))?;
            Some((service, exposed))
        });
        all.collect()
    }

    fn add(
        &self,
        left: &mut Left,
        emits: &dyn Fn(&Service) -> bool,
        labels: &Map,
        unit: Option<&str>,
    ) {
        let first = left.services.is_empty();
        for (at, service) in self.services.iter().enumerate() {
            if emits(service) {
                left.services.insert(at);
                left.keeps.extend(service.target_labels.keys().cloned());
            }
        }
        left.keeps.extend(Service::OF_ALL.map(str::to_string));
        left.keeps.insert("instance".to_string());
        for (label, values) in labels {
            either(&mut left.labels, label, values);
        }
        match first {
            true => left.unit = unit.map(str::to_string),
            false if left.unit.as_deref() != unit => left.unit = None,
            false => {}
        }
    }

    fn aggregated(&mut self, aggregate: &AggregateExpr) -> Option<Left> {
        let mut left = self.left(&aggregate.expr)?;
        let op = aggregate.op.id();
        if [T_TOPK, T_BOTTOMK].contains(&op) {
            return Some(left);
        }
        left.keep(grouped(aggregate.modifier.as_ref()));
        if [T_COUNT, T_COUNT_VALUES, T_GROUP, T_STDVAR].contains(&op) {
            left.unit = None;
        }
        if op == T_COUNT_VALUES {
            let label = aggregate.param.as_deref().and_then(text)?;
            left.labels.insert(label.to_string(), ".+".into());
        }
        Some(left)
    }

    fn called(&mut self, call: &Call) -> Option<Left> {
        let arguments: Vec<&Expr> = call.args.args.iter().map(|argument| &**argument).collect();
        let name = call.func.name;
        if ["absent", "absent_over_time", "scalar", "vector", "time"].contains(&name) {
            return None;
        }
        let mut read = arguments.iter().filter(|argument| reads(argument));
        let mut left = self.left(read.next()?)?;
        match name {
            "label_replace" | "label_join" => {
                let label = text(arguments.get(1)?)?;
                // Whose it is then, only the proofs can say.
                if left.keeps.contains(label) {
                    return None;
                }
                left.labels.insert(label.to_string(), ".*".into());
            }
            "histogram_quantile" => {
                left.labels.remove("le");
                let base = selectors(arguments.get(1)?)
                    .first()
                    .copied()
                    .and_then(metric);
                let base =
                    base.map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_string());
                left.unit = base.and_then(|base| self.exposed(&base)?.unit);
            }
            "rate" | "irate" | "deriv" => {
                // Seconds a second are how busy something is.
                let busy = left
                    .unit
                    .filter(|unit| unit == "seconds" && name != "deriv");
                left.unit = busy.map(|_| "cores".to_string());
            }
            name if KEEP_UNIT.contains(&name) => {}
            _ => left.unit = None,
        }
        Some(left)
    }

    fn combined(&mut self, binary: &BinaryExpr) -> Option<Left> {
        let constant = |expr: &Expr| !reads(expr);
        let op = binary.op.id();
        let scales = [T_MUL, T_DIV].contains(&op);
        let mut left = match (constant(&binary.lhs), constant(&binary.rhs)) {
            (true, true) => return None,
            (true, false) | (false, true) => {
                let vector = if constant(&binary.lhs) {
                    &binary.rhs
                } else {
                    &binary.lhs
                };
                let mut left = self.left(vector)?;
                left.unit = left.unit.filter(|_| !scales);
                left
            }
            (false, false) => {
                let (mut one, mut other) = (self.left(&binary.lhs)?, self.left(&binary.rhs)?);
                let same = one.unit == other.unit;
                if op == T_LOR {
                    for (label, values) in &other.labels {
                        either(&mut one.labels, label, values);
                    }
                    one.services.extend(other.services);
                    one.keeps = one.keeps.intersection(&other.keeps).cloned().collect();
                    one.unit = one.unit.filter(|_| same);
                    return Some(one);
                }
                let cardinality = binary.modifier.as_ref().map(|modifier| &modifier.card);
                let both: BTreeSet<usize> = match binary.op.to_string() == "unless" {
                    true => one.services.clone(),
                    false => one
                        .services
                        .intersection(&other.services)
                        .copied()
                        .collect(),
                };
                let sets = binary.op.is_set_operator();
                match cardinality {
                    Some(VectorMatchCardinality::ManyToOne(more)) => one.take(&other, &more.labels),
                    Some(VectorMatchCardinality::OneToMany(more)) => {
                        other.take(&one, &more.labels);
                        std::mem::swap(&mut one, &mut other);
                    }
                    // What is compared with a total of everybody is of one side alone.
                    _ if sets => {}
                    _ => one.keep(compared(binary)),
                }
                // A side without services of its own, a total of all, takes nobody away.
                let whole = |left: &Left| left.keeps.contains("job");
                one.services = match whole(&other) {
                    true => both,
                    false => one.services,
                };
                let names = |expr: &Expr| -> BTreeSet<String> {
                    let read = selectors(expr).into_iter().filter_map(metric);
                    read.map(str::to_string).collect()
                };
                let alike = || names(&binary.lhs) == names(&binary.rhs);
                one.unit = match op {
                    T_DIV if same && (one.unit.is_some() || alike()) => Some("ratio".to_string()),
                    T_MUL | T_DIV => None,
                    _ => one.unit,
                };
                one
            }
        };
        if returns_bool(binary) {
            left.unit = None;
        }
        Some(left)
    }
}

impl Left {
    fn keep(&mut self, kept: impl Fn(&str) -> bool) {
        self.labels.retain(|label, _| kept(label));
        self.keeps.retain(|label| kept(label));
    }

    /// Labels that the one side of a match gives to each of the many.
    fn take(&mut self, other: &Left, labels: &[String]) {
        for label in labels {
            if let Some(values) = other.labels.get(label) {
                self.labels.insert(label.clone(), values.clone());
            }
            if other.keeps.contains(label) {
                self.keeps.insert(label.clone());
            }
        }
    }
}

/// Functions whose result is in what they are given.
const KEEP_UNIT: [&str; 17] = [
    "increase",
    "delta",
    "idelta",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "last_over_time",
    "quantile_over_time",
    "abs",
    "ceil",
    "floor",
    "round",
    "clamp",
    "clamp_min",
    "clamp_max",
    "predict_linear",
];

/// Whether an expression reads any series, so that it is no number.
fn reads(expr: &Expr) -> bool {
    selector(expr).is_some() || children(expr).any(reads)
}

/// Adds the values of a label to those that it has otherwise.
fn either(labels: &mut Map, label: &str, values: &Value) {
    let Some(known) = labels.get_mut(label) else {
        labels.insert(label.to_string(), values.clone());
        return;
    };
    if known == values {
        return;
    }
    match (known.as_array_mut(), values.as_array()) {
        (Some(listed), Some(more)) => {
            let more = more.iter().filter(|value| !listed.contains(value));
            let more: Vec<Value> = more.cloned().collect();
            listed.extend(more);
        }
        _ => *known = ".*".into(),
    }
}
