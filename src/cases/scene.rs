//! One service in the cases of a kind: what their expressions mean with the numbers of an alert and a branch.

use super::chosen::{Chosen, INSTANCE, Labels, SECOND};
use super::expressions::{evaluated, wrong};
use super::neighbourhood::{Neighbourhood, Sample, labelled, series, written};
use super::phases::{self, Phase};
use super::quantiles;
use super::samples;
use crate::kinds::{Case, Compares, Given, Kind, Side, Whose};
use minijinja::value::Value;
use minijinja::{Error, context};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// The label that says up to where a bucket reaches.
const BOUND: &str = "le";

/// A kind's cases about one service, with the numbers of its alert and branch.
pub struct Scene<'a> {
    pub(super) kind: &'a Kind,
    pub(super) neighbourhood: &'a Neighbourhood,
    pub(super) alert: &'a Value,
    pub(super) sample: Sample,
    pub(super) context: Value,
    pub(super) chosen: Chosen,
    /// Of one step.
    pub(super) seconds: f64,
    /// For how many steps the alert goes on once its condition is gone.
    pub(super) kept: i64,
    /// Between the moments at which a condition that must hold for longer than its rule says is looked at, in steps.
    pub(super) beat: i64,
    /// For how many steps what was once silenced stays so: as long as the shorter range of a budget sees what happened meanwhile.
    pub(super) forgotten: i64,
}

/// One of the series that a given one stands for.
pub(super) struct Copy {
    /// Its place among them, where there are several.
    pub(super) each: Option<usize>,
    /// The labels that tell it from the others.
    pub(super) labels: Vec<(String, String)>,
}

/// The time in which a scene is played.
pub struct Clock<'a> {
    /// Between samples, and between evaluations.
    pub step: &'a str,
    /// Over how long failed scrapes are bridged.
    pub bridge: &'a str,
    /// Events of counters whose ratio is compared, per step; None: as many as make the threshold exact.
    pub traffic: Option<f64>,
}

impl<'a> Scene<'a> {
    /// The scene of a branch for one service.
    pub fn new(
        kind: &'a Kind,
        neighbourhood: &'a Neighbourhood,
        alert: &'a Value,
        branch: &Value,
        (tested, sources): (&str, &Sources),
        clock: &Clock,
    ) -> Result<Scene<'a>, Error> {
        let own = sources.text(neighbourhood, tested)?;
        let alike = |other: &Value| {
            let other = other.as_str().unwrap_or_default();
            Ok(sources.text(neighbourhood, other)? == own)
        };
        let sample = neighbourhood.sample(alert, branch, tested, &alike)?;
        let named_for = |key: &str| named(alert, key, tested);
        let chosen = Chosen::of(kind, neighbourhood, alert, &named_for, &sample.service)?;
        let window = branch.get_attr("window")?;
        let mut known = BTreeMap::from([
            ("alert".to_string(), alert.clone()),
            ("branch".to_string(), branch.clone()),
            ("service".to_string(), sample.service.clone()),
            (
                "neighbour".to_string(),
                sample.neighbour.clone().unwrap_or(Value::from(())),
            ),
            (
                "metric".to_string(),
                declared_metrics(kind, neighbourhood, alert, tested)?,
            ),
            (
                "near".to_string(),
                has_neighbour_within(&sample, branch)?.into(),
            ),
            ("counted".to_string(), chosen.part_of_whole.into()),
            ("apart".to_string(), (!chosen.apart.is_empty()).into()),
            ("wait".to_string(), wait(alert, branch, clock)?),
            (
                "window".to_string(),
                if window.is_none() {
                    0.into()
                } else {
                    samples::ticks(&window.to_string(), clock.step)?.into()
                },
            ),
            (
                "bridge".to_string(),
                samples::ticks(clock.bridge, clock.step)?.into(),
            ),
            ("step".to_string(), samples::seconds(clock.step)?.into()),
            ("steps".to_string(), steps(clock)),
        ]);
        let burn = branch.get_attr("burn")?;
        let short = if burn.is_none() {
            0
        } else {
            samples::ticks(&burn.get_attr("window")?.to_string(), clock.step)?
        };
        known.insert("short".to_string(), short.into());
        known.insert("n".to_string(), numbers(kind, branch, &known, clock)?);
        if kind.counts_instances {
            let (most, ratio) = downable(alert, &sample.service)?;
            known.insert("downable".to_string(), most.into());
            known.insert("downable_ratio".to_string(), ratio.into());
        }
        for (what, table) in [("numbers", &kind.numbers), ("times", &kind.times)] {
            for (name, expression) in table {
                let value = evaluated(
                    kind,
                    &format!("{what}.{name}"),
                    expression.as_str().unwrap_or_default(),
                    &Value::from(known.clone()),
                )?;
                known.insert(name.clone(), value);
            }
        }
        Ok(Scene {
            kind,
            neighbourhood,
            alert,
            sample,
            context: Value::from(known),
            chosen,
            seconds: samples::seconds(clock.step)?,
            kept: kept(alert, clock)?,
            beat: beat(branch, clock)?,
            forgotten: short as i64,
        })
    }

    /// The services that it is about: the tested one, and those around it.
    pub(crate) fn services(&self) -> &[Value] {
        &self.sample.all
    }

    pub(super) fn value(&self, what: &str, expression: &str) -> Result<Value, Error> {
        evaluated(self.kind, what, expression, &self.context)
    }

    pub(super) fn holds(&self, what: &str, condition: Option<&String>) -> Result<bool, Error> {
        condition.map_or(Ok(true), |condition| {
            Ok(self.value(what, condition)?.is_true())
        })
    }

    pub(super) fn step(&self, what: &str, expression: &str) -> Result<i64, Error> {
        let value = self.value(what, expression)?;
        i64::try_from(value.clone()).map_err(|_| {
            wrong(
                self.kind,
                what,
                expression,
                &format!("{value} is not a step"),
            )
        })
    }

    /// The key that names the metric of a series, or that name.
    pub(super) fn key<'b>(&self, given: &'b Given) -> &'b str {
        let settings = self.alert.get_attr("settings").unwrap_or_default();
        let has = |key: &str| {
            settings
                .get_attr(key)
                .is_ok_and(|value| !value.is_undefined())
        };
        match &given.or {
            Some(other) if !has(&given.metric) && has(other) => other,
            _ => &given.metric,
        }
    }

    /// The full name of the metric of a series.
    pub(super) fn metric(&self, given: &Given) -> Result<String, Error> {
        if let Some(role) = self.role(given)? {
            return Ok(role.get_attr("metric")?.to_string());
        }
        let key = self.key(given);
        if self.kind.says(key, "metric").is_none() {
            return Ok(key.to_string());
        }
        let name = match self.declared(key)? {
            Some(declared) => declared.get_attr("name")?,
            None => self.named(key)?,
        };
        let suffix = match self.in_parts(given)? {
            true => given.suffix.as_str(),
            false => "",
        };
        Ok(format!("{name}{suffix}"))
    }

    /// Whether a series is a part of a histogram or a summary: a counter in their place has none.
    pub(super) fn in_parts(&self, given: &Given) -> Result<bool, Error> {
        if given.suffix.is_empty() || given.role.is_some() {
            return Ok(false);
        }
        Ok(match self.declared(self.key(given))? {
            Some(metric) => metric.get_attr("type")?.as_str() != Some("counter"),
            None => true,
        })
    }

    /// Whether what a series is a part of has no parts: its histogram is native.
    pub(super) fn whole(&self, given: &Given) -> Result<bool, Error> {
        if !self.in_parts(given)? {
            return Ok(false);
        }
        let declared = self.declared(self.key(given))?;
        Ok(declared
            .is_some_and(|metric| metric.get_attr("whole").is_ok_and(|whole| whole.is_true())))
    }

    /// Whether a series is of an instance: what a rule has recorded may be of a service.
    fn of_instances(&self, given: &Given) -> Result<bool, Error> {
        let key = self.key(given);
        if given.role.is_some() || self.kind.says(key, "metric").is_none() {
            return Ok(true);
        }
        let keeps = self.declared(key)?.map(|metric| metric.get_attr("keeps"));
        let keeps = keeps.transpose()?.filter(|keeps| !keeps.is_none());
        keeps.map_or(Ok(true), |keeps| {
            Ok(keeps
                .try_iter()?
                .any(|label| label.as_str() == Some(INSTANCE)))
        })
    }

    /// What the alert names as a key of the kind, for the service.
    fn named(&self, key: &str) -> Result<Value, Error> {
        let tested = self.sample.service.get_attr("name")?;
        named(self.alert, key, tested.as_str().unwrap_or_default())
    }

    /// The declared metric that a key names.
    pub(super) fn declared(&self, key: &str) -> Result<Option<&Value>, Error> {
        let named = self.named(key)?;
        Ok(self
            .neighbourhood
            .metric(named.as_str().unwrap_or_default()))
    }

    /// What the service's profile says of the metric that has the role of a series, if that names one.
    pub(super) fn role(&self, given: &Given) -> Result<Option<Value>, Error> {
        let Some(role) = &given.role else {
            return Ok(None);
        };
        let roles = self.sample.service.get_attr("roles")?;
        let found = roles.get_attr(role)?;
        if found.is_undefined() {
            let service = self.sample.service.get_attr("name")?;
            let reason = format!("no profile of `{service}` says which metric is its {role}");
            return Err(wrong(self.kind, "series", role, &reason));
        }
        Ok(Some(found))
    }

    /// The labels of a series, each with the values that it may have.
    fn possible(&self, given: &Given) -> Result<Vec<(String, Vec<String>)>, Error> {
        let mut all = Vec::new();
        if let Some(role) = self.role(given)? {
            let labels = role.get_attr("labels")?;
            for label in labels.try_iter()? {
                all.push((label.to_string(), listed(labels.get_item(&label)?)?));
            }
        }
        for (label, expression) in &given.labels {
            all.push((
                label.clone(),
                listed(self.value("series.labels", expression)?)?,
            ));
        }
        if let Some(expression) = &given.labels_from {
            let table = self.value("series.labels_from", expression)?;
            for label in table.try_iter()? {
                all.push((label.to_string(), listed(table.get_item(&label)?)?));
            }
        }
        Ok(all)
    }

    /// The labels by whose values the alert fires apart, as the tested series have them.
    pub(crate) fn per(&self) -> &[(String, String)] {
        &self.chosen.per
    }

    /// The labels of a given series, beside those that its service has; `side`: what the alert picks it by.
    fn labels(
        &self,
        given: &Given,
        part: usize,
        side: &BTreeMap<String, Labels>,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut labels = Vec::new();
        for (label, values) in self.possible(given)? {
            let index = if given.role.is_some() {
                Some(part.min(values.len().saturating_sub(1)))
            } else if given.nth < 0 {
                values.len().checked_sub(1)
            } else {
                usize::try_from(given.nth).ok()
            };
            let value = index
                .and_then(|index| values.get(index))
                .or(values.first())
                .cloned()
                .unwrap_or_default();
            labels.push((label, value));
        }
        let picked = side.get(self.key(given)).into_iter().flatten();
        // What is not read has other values than the kind's own of what is.
        if !std::ptr::eq(side, &self.chosen.inside) {
            labels.retain(|(label, _)| !picked.clone().any(|(other, _)| other == label));
        }
        let picked: Labels = picked
            .filter(|(label, _)| !labels.iter().any(|(known, _)| known == label))
            .cloned()
            .collect();
        labels.extend(picked);
        let instance = match (&given.instance, &self.chosen.second) {
            // Where any instance is read, it is called as the kind calls it.
            (Some(own), Some(second)) if second == SECOND => Some(own),
            (Some(_), second) => second.as_ref(),
            (None, _) => self.chosen.instance.as_ref(),
        };
        let fixed = labels.iter().any(|(label, _)| label == INSTANCE);
        if let Some(instance) = instance.filter(|_| given.instance.is_some() || !fixed) {
            labels.retain(|(label, _)| label != INSTANCE);
            labels.push((INSTANCE.to_string(), instance.clone()));
        }
        Ok(labels)
    }

    /// Labels of a series as another service has it, whose targets have labels of their own.
    fn moved(&self, labels: &Labels, other: &Value) -> Result<Labels, Error> {
        let own = self.sample.service.get_attr("target_labels")?;
        let others = other.get_attr("target_labels")?;
        let mut moved = Labels::new();
        for (label, value) in labels {
            let of_target = label != INSTANCE && !own.get_attr(label)?.is_undefined();
            match others.get_attr(label)? {
                _ if !of_target => moved.push((label.clone(), value.clone())),
                values if values.is_undefined() => {}
                values => moved.push((label.clone(), listed(values)?.swap_remove(0))),
            }
        }
        Ok(moved)
    }

    /// How many series of an instance share what is given: two of a role that several add up to.
    pub(super) fn parts(&self, given: &Given) -> Result<usize, Error> {
        let summed = self.role(given)?.map(|role| role.get_attr("summed"));
        if !summed.transpose()?.is_some_and(|summed| summed.is_true()) {
            return Ok(1);
        }
        let possible = self.possible(given)?.into_iter();
        Ok(possible.map(|(_, values)| values.len()).max().unwrap_or(1))
    }

    /// The series that a given one stands for.
    pub(super) fn copies(&self, given: &Given) -> Result<Vec<Copy>, Error> {
        let mut all: Vec<Copy> = Vec::new();
        for (label, expression) in &given.each {
            for (index, value) in listed(self.value("series.each", expression)?)?
                .into_iter()
                .enumerate()
            {
                match all.get_mut(index) {
                    Some(copy) => copy.labels.push((label.clone(), value)),
                    None => all.push(Copy {
                        each: Some(index),
                        labels: vec![(label.clone(), value)],
                    }),
                }
            }
        }
        if given.each.is_empty() {
            all.push(Copy {
                each: None,
                labels: Vec::new(),
            });
        }
        Ok(all)
    }

    /// The texts of a part of a given series: one, several or none.
    pub(super) fn series(
        &self,
        given: &Given,
        copy: &Copy,
        part: usize,
        side: &BTreeMap<String, Labels>,
    ) -> Result<Vec<String>, Error> {
        let missing = given.instance.is_some() && self.chosen.second.is_none();
        if missing || !self.holds("series.when", given.when.as_ref())? {
            return Ok(Vec::new());
        }
        let mut metric = self.metric(given)?;
        let mut labels = self.labels(given, part, side)?;
        labels.extend(copy.labels.iter().cloned());
        if self.whole(given)? {
            metric.truncate(metric.len() - given.suffix.len());
            labels.retain(|(label, _)| label != BOUND);
        }
        let service = &self.sample.service;
        if !self.of_instances(given)? {
            labels.retain(|(label, _)| label != INSTANCE);
            let others: &[Value] = match given.of {
                Whose::Service => return Ok(vec![labelled(&metric, service, &labels)?]),
                Whose::Neighbour => self.sample.neighbour.as_slice(),
                _ => &[],
            };
            return others
                .iter()
                .map(|other| labelled(&metric, other, &self.moved(&labels, other)?))
                .collect();
        }
        Ok(match given.of {
            Whose::Service => vec![series(&metric, service, &labels)?],
            Whose::Neighbour => self
                .sample
                .neighbour
                .iter()
                .map(|other| series(&metric, other, &self.moved(&labels, other)?))
                .collect::<Result<_, _>>()?,
            Whose::Others => {
                let name = service.get_attr("name")?;
                let others = self
                    .sample
                    .all
                    .iter()
                    .filter(|other| other.get_attr("name").is_ok_and(|other| other != name));
                others
                    .map(|other| series(&metric, other, &self.moved(&labels, other)?))
                    .collect::<Result<_, _>>()?
            }
            Whose::Stranger => vec![written(
                &metric,
                &[("instance".to_string(), "stranger:1".to_string())],
            )],
            Whose::Probe => {
                labels.insert(0, ("job".to_string(), "health-probe".to_string()));
                vec![labelled(&metric, service, &labels)?]
            }
        })
    }

    /// The upper bound of the bucket that a part of a given series is; None: it is no bucket.
    pub(super) fn bound(
        &self,
        given: &Given,
        copy: &Copy,
        part: usize,
        side: &BTreeMap<String, Labels>,
    ) -> Result<Option<f64>, Error> {
        let mut labels = self.labels(given, part, side)?;
        labels.extend(copy.labels.iter().cloned());
        let bound = labels.into_iter().find(|(label, _)| label == BOUND);
        Ok(bound.and_then(|(_, value)| value.parse().ok()))
    }

    /// The phases of one of a case's series, by its name.
    pub(super) fn phases(&self, case: &Case, name: &str, copy: &Copy) -> Result<Vec<Phase>, Error> {
        let context = match copy.each {
            Some(each) => context! { each, ..self.context.clone() },
            None => self.context.clone(),
        };
        let number = |expression: &str| {
            let value = evaluated(self.kind, &case.name, expression, &context)?;
            f64::try_from(value.clone()).map_err(|_| {
                wrong(
                    self.kind,
                    &case.name,
                    expression,
                    &format!("{value} is not a number"),
                )
            })
        };
        let given = self.kind.series.get(name);
        let role = given.map_or(Ok(None), |given| self.role(given))?;
        let divisor = role.map(|role| role.get_attr("divisor")).transpose()?;
        let many = divisor.and_then(|divisor| f64::try_from(divisor).ok());
        case.series
            .get(name)
            .into_iter()
            .flatten()
            .map(|phase| Ok(phases::read(phase, &number)?.times(many.unwrap_or(1.0))))
            .collect()
    }

    /// Whether a case can be shown here.
    pub(super) fn shown(&self, case: &Case) -> Result<bool, Error> {
        let apart = self.chosen.per.iter().any(|(label, _)| label == INSTANCE);
        let together = !apart && self.chosen.second.is_some();
        Ok((together || !case.together) && self.holds(&case.name, case.when.as_ref())?)
    }
}

/// One value, or those of a list.
fn listed(value: Value) -> Result<Vec<String>, Error> {
    if value.kind() == minijinja::value::ValueKind::Seq {
        Ok(value.try_iter()?.map(|one| one.to_string()).collect())
    } else {
        Ok(vec![value.to_string()])
    }
}

/// Key of the kind → the declared metric that the alert names there.
fn declared_metrics(
    kind: &Kind,
    neighbourhood: &Neighbourhood,
    alert: &Value,
    tested: &str,
) -> Result<Value, Error> {
    let metric_of = |key: &String| {
        let name = named(alert, key, tested).ok()?;
        Some((key.clone(), neighbourhood.metric(name.as_str()?)?.clone()))
    };
    let keys = kind.keys.keys();
    let metrics: BTreeMap<String, Value> = keys
        .filter(|key| kind.says(key, "metric").is_some())
        .filter_map(metric_of)
        .collect();
    Ok(Value::from(metrics))
}

/// The metric that a key of the alert names, for one of its services: where several stand for each other, the one that it emits.
fn named(alert: &Value, key: &str, tested: &str) -> Result<Value, Error> {
    let reads = alert.get_attr("reads")?.get_attr(key)?;
    if !reads.is_undefined() {
        for read in reads.try_iter()? {
            let mut services = read.get_attr("services")?.try_iter()?;
            if services.any(|service| service.as_str() == Some(tested)) {
                return read.get_attr("metric");
            }
        }
    }
    alert.get_attr("settings")?.get_attr(key)
}

/// Which metrics each service has for what an alert reads, as a text that is the same for those that have the same.
pub struct Sources {
    roles: Vec<String>,
    /// For each key of the alert the metrics that some services have for it, and what it names for all others.
    keys: Vec<(HashMap<String, String>, String)>,
    /// The metric while which the alert is silent, where who exposes it decides for whom.
    silent: Option<String>,
    /// What services say of themselves, each once: its place stands for it in a text, which need not hold all of it.
    said: RefCell<Vec<Value>>,
}

impl Sources {
    /// As the alert says it.
    pub fn of(kind: &Kind, alert: &Value) -> Result<Sources, Error> {
        let mut keys = Vec::new();
        let reads = alert.get_attr("reads")?;
        for key in reads.try_iter()? {
            let mut of_services = HashMap::new();
            for read in reads.get_item(&key)?.try_iter()? {
                let metric = read.get_attr("metric")?.to_string();
                for service in read.get_attr("services")?.try_iter()? {
                    let first = of_services.entry(service.to_string());
                    first.or_insert_with(|| metric.clone());
                }
            }
            let named = alert.get_attr("settings")?.get_item(&key)?.to_string();
            keys.push((of_services, named));
        }
        let roles = kind.roles().into_iter().map(str::to_string).collect();
        let unless = alert.get_attr("unless")?;
        let own = !unless.is_none() && unless.get_attr("names")?.is_none();
        let silent = own.then(|| unless.get_attr("metric")).transpose()?;
        Ok(Sources {
            roles,
            keys,
            silent: silent.map(|metric| metric.to_string()),
            said: RefCell::default(),
        })
    }

    /// Whether a service has all that is read by its role: of one that has not there is nothing to test.
    pub(crate) fn known(&self, neighbourhood: &Neighbourhood, name: &str) -> Result<bool, Error> {
        let Some(service) = neighbourhood.service(name) else {
            return Ok(false);
        };
        let roles = service.get_attr("roles")?;
        for role in &self.roles {
            if roles.get_attr(role)?.is_undefined() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn text(&self, neighbourhood: &Neighbourhood, name: &str) -> Result<String, Error> {
        let mut text = String::new();
        for role in &self.roles {
            if let Some(service) = neighbourhood.service(name) {
                let said = service.get_attr("roles")?.get_attr(role)?;
                text += &format!("{} ", self.place(said));
            }
        }
        for (of_services, named) in &self.keys {
            text += of_services.get(name).unwrap_or(named);
        }
        if let Some(metric) = &self.silent
            && neighbourhood.emits(name, metric)?
        {
            text += " ";
            text += metric;
        }
        Ok(text)
    }

    fn place(&self, said: Value) -> usize {
        let mut known = self.said.borrow_mut();
        let place = known.iter().position(|known| *known == said);
        place.unwrap_or_else(|| {
            known.push(said);
            known.len() - 1
        })
    }
}

/// How many steps an alert goes on once its condition is gone.
fn kept(alert: &Value, clock: &Clock) -> Result<i64, Error> {
    let kept = alert.get_attr("keep_firing_for")?;
    if kept.is_none() || kept.is_undefined() {
        return Ok(0);
    }
    let steps = samples::ticks(&kept.to_string(), clock.step)?;
    Ok(i64::try_from(steps).unwrap_or(i64::MAX))
}

/// After how many steps what a branch with a longer `for` looks at is at the same place of a step again.
fn beat(branch: &Value, clock: &Clock) -> Result<i64, Error> {
    let hold = branch.get_attr("hold")?;
    if hold.is_none() || hold.is_undefined() {
        return Ok(1);
    }
    let beat = samples::seconds(&hold.get_attr("step")?.to_string())?;
    let step = samples::seconds(clock.step)?;
    let whole = |steps: &i64| (*steps as f64 * step) % beat == 0.0;
    Ok((1..=10_000).find(whole).unwrap_or(1))
}

/// How many of its instances can be down while the first is up, among those that an alert takes together, and their ratio.
fn downable(alert: &Value, service: &Value) -> Result<(i64, f64), Error> {
    let per = alert.get_attr("per")?;
    let mut parts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (at, instance) in service.get_attr("instances")?.try_iter()?.enumerate() {
        let labels = instance.get_attr("labels")?;
        let mut part = String::new();
        for label in per.try_iter()? {
            part += &format!("{:?} ", labels.get_item(&label)?);
        }
        let (down, all) = parts.entry(part).or_default();
        *down += i64::from(at > 0);
        *all += 1;
    }
    let replicas = i64::try_from(service.get_attr("replicas")?)?;
    if replicas > 1 {
        parts = BTreeMap::from([(String::new(), (replicas - 1, replicas))]);
    }
    let most = parts.values().map(|(down, _)| *down).max().unwrap_or(0);
    let ratios = parts.values().map(|(down, all)| *down as f64 / *all as f64);
    Ok((most, ratios.fold(0.0, f64::max)))
}

/// Whether the neighbour of the service is in the same branch.
fn has_neighbour_within(sample: &Sample, branch: &Value) -> Result<bool, Error> {
    let Some(neighbour) = &sample.neighbour else {
        return Ok(false);
    };
    let name = neighbour.get_attr("name")?;
    let services = branch.get_attr("services")?;
    let mut services = services.try_iter()?;
    Ok(services.any(|service| service == name))
}

/// `wait(start)`: when the alert fires, whose condition holds from a step on.
fn wait(alert: &Value, branch: &Value, clock: &Clock) -> Result<Value, Error> {
    let (branch, step) = (branch.clone(), clock.step.to_string());
    let shortest = alert.get_attr("shortest_for")?.to_string();
    Ok(Value::from_function(move |start: i64| {
        samples::wait(&branch, &shortest, start.max(0).unsigned_abs(), &step)
    }))
}

/// `steps("1h")`: how many steps a duration takes, rounded up.
fn steps(clock: &Clock) -> Value {
    let step = clock.step.to_string();
    Value::from_function(move |duration: String| samples::ticks(&duration, &step))
}

/// Values just below, at and just above the threshold of a branch; `short` is the one at which it is still silent, `past` the one at
/// which it fires, and `far` one far beyond.
fn numbers(
    kind: &Kind,
    branch: &Value,
    known: &BTreeMap<String, Value>,
    clock: &Clock,
) -> Result<Value, Error> {
    let Some(compares) = &kind.compares else {
        return Ok(Value::from(()));
    };
    let written = |key: &str| branch.get_attr(key).and_then(f64::try_from);
    let (side, limit) = match (written("above"), written("below")) {
        (Ok(above), _) => (Side::Above, above),
        (_, Ok(below)) => (Side::Below, below),
        _ => {
            let message = "a kind that compares needs a key `above` or `below`, or one with `side`";
            return Err(wrong(kind, "compares", "n", message));
        }
    };
    let over = |over: &Option<String>| -> Result<f64, Error> {
        let Some(expression) = over else {
            return Ok(1.0);
        };
        let value = evaluated(
            kind,
            "compares.over",
            expression,
            &Value::from(known.clone()),
        )?;
        f64::try_from(value)
            .map_err(|_| wrong(kind, "compares.over", expression, "it is not a number"))
    };
    let window = branch.get_attr("window")?.to_string();
    let listed = |what: &str, expression: &str| -> Result<Vec<f64>, Error> {
        let value = evaluated(kind, what, expression, &Value::from(known.clone()))?;
        value.try_iter()?.map(f64::try_from).collect()
    };
    let around = match (compares, clock.traffic) {
        (
            Compares::Quantile {
                quantile,
                bounds,
                native,
                scale,
            },
            _,
        ) => {
            let number = |what: &str, expression: &str| -> Result<f64, Error> {
                let value = evaluated(kind, what, expression, &Value::from(known.clone()))?;
                f64::try_from(value)
                    .map_err(|_| wrong(kind, what, expression, "it is not a number"))
            };
            let quantile = number("compares.quantile", quantile)?;
            let scale = number("compares.scale", scale)?;
            let bounds = listed("compares.bounds", bounds)?;
            let native = match native {
                Some(expression) => {
                    let known = Value::from(known.clone());
                    evaluated(kind, "compares.native", expression, &known)?.is_true()
                }
                None => false,
            };
            let bounds = (bounds.as_slice(), native);
            return Ok(quantiles::samples(limit, side, quantile, bounds, scale));
        }
        (Compares::Ratio, None) => samples::ratio(limit, &window, clock.step)?,
        (Compares::Ratio, Some(total)) => {
            context! { total, below => 0.99 * limit * total, at => (), above => (1.01 * limit * total).min(total) }
        }
        (Compares::Rate { over: divisor }, _) => {
            samples::rate_samples(limit, over(divisor)?, &window, clock.step)?
        }
        (
            Compares::Level {
                over: divisor,
                whole,
            },
            _,
        ) => samples::gauge_samples(limit, over(divisor)?, side, *whole),
    };
    Ok(match side {
        Side::Above => {
            let far = around.get_attr("double")?;
            context! { short => around.get_attr("below")?, past => around.get_attr("above")?, far, ..around }
        }
        Side::Below => {
            context! { short => around.get_attr("above")?, past => around.get_attr("below")?, far => around.get_attr("half")?, ..around }
        }
    })
}
