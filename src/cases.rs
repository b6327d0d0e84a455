//! A kind's cases for one service: the series that are given, and what must be seen of the alert, at which step.
//!
//! What stands in `kind.toml` are expressions; here they get the numbers of an alert, a branch and a service. Unit tests for
//! promtool, stand-ins and the drill read the same.

pub mod neighbourhood;
pub mod phases;
pub mod samples;

use crate::kinds::{Case, Compares, Given, Kind, Kinds, Whose};
use minijinja::value::{Object, Value, from_args};
use minijinja::{Environment, Error, ErrorKind, Expression, State, UndefinedBehavior, context};
use neighbourhood::{Neighbourhood, Sample, labelled, series, written};
use phases::{Moves, Phase};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

static EXPRESSIONS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_function("outcomes", samples::outcomes_of);
    environment
});

/// Compiled once: the same expressions are asked for every alert of a kind.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Expression<'static, 'static>>>>> =
    LazyLock::new(Mutex::default);

/// The value of an expression.
fn evaluate(text: &str, context: &Value) -> Result<Value, Error> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let expression = match compiled.get(text) {
        Some(expression) => expression.clone(),
        None => {
            let expression = Arc::new(EXPRESSIONS.compile_expression_owned(text.to_string())?);
            compiled.insert(text.to_string(), expression.clone());
            expression
        }
    };
    drop(compiled);
    expression.eval(context)
}

/// A kind's cases about one service, with the numbers of its alert and branch.
pub struct Scene<'a> {
    kind: &'a Kind,
    neighbourhood: &'a Neighbourhood,
    alert: &'a Value,
    sample: Sample,
    context: Value,
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
        tested: &str,
        clock: &Clock,
    ) -> Result<Scene<'a>, Error> {
        let sample = neighbourhood.sample(alert, branch, tested)?;
        let window = branch.get_attr("window")?;
        let (step, shortest) = (
            clock.step.to_string(),
            alert.get_attr("shortest_for")?.to_string(),
        );
        let waiting = branch.clone();
        let wait = Value::from_function(move |start: i64| {
            samples::wait(&waiting, &shortest, start.max(0).unsigned_abs(), &step)
        });
        let within = |name: &Value| {
            branch.get_attr("services").and_then(|services| {
                services
                    .try_iter()
                    .map(|mut all| all.any(|one| one == *name))
            })
        };
        let near = sample
            .neighbour
            .as_ref()
            .map(|neighbour| neighbour.get_attr("name").and_then(|name| within(&name)))
            .transpose()?
            .unwrap_or(false);
        let settings = alert.get_attr("settings")?;
        let metric_of = |key: &String| {
            Some((
                key.clone(),
                neighbourhood
                    .metric(settings.get_attr(key).ok()?.as_str()?)?
                    .clone(),
            ))
        };
        let metrics: BTreeMap<String, Value> = kind
            .keys
            .keys()
            .filter(|key| kind.says(key, "metric").is_some())
            .filter_map(metric_of)
            .collect();
        let mut known = BTreeMap::from([
            ("alert".to_string(), alert.clone()),
            ("branch".to_string(), branch.clone()),
            ("service".to_string(), sample.service.clone()),
            ("metric".to_string(), Value::from(metrics)),
            ("near".to_string(), near.into()),
            ("wait".to_string(), wait),
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
        ]);
        known.insert("n".to_string(), numbers(kind, branch, &known, clock)?);
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
        })
    }

    fn value(&self, what: &str, expression: &str) -> Result<Value, Error> {
        evaluated(self.kind, what, expression, &self.context)
    }

    fn holds(&self, what: &str, condition: Option<&String>) -> Result<bool, Error> {
        condition.map_or(Ok(true), |condition| {
            Ok(self.value(what, condition)?.is_true())
        })
    }

    fn step(&self, what: &str, expression: &str) -> Result<i64, Error> {
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

    /// The full name of the metric of a series.
    fn metric(&self, given: &Given) -> Result<String, Error> {
        if self.kind.says(&given.metric, "metric").is_none() {
            return Ok(given.metric.clone());
        }
        let named = self.alert.get_attr("settings")?.get_attr(&given.metric)?;
        let declared = self
            .neighbourhood
            .metric(named.as_str().unwrap_or_default());
        Ok(declared
            .map(|metric| metric.get_attr("name"))
            .transpose()?
            .unwrap_or(named)
            .to_string())
    }

    /// The values that a label of a series may have.
    fn label(&self, expression: &str) -> Result<Vec<String>, Error> {
        let value = self.value("series.labels", expression)?;
        if value.kind() == minijinja::value::ValueKind::Seq {
            Ok(value.try_iter()?.map(|one| one.to_string()).collect())
        } else {
            Ok(vec![value.to_string()])
        }
    }

    /// The texts of a given series: one, several or none.
    fn series(&self, given: &Given) -> Result<Vec<String>, Error> {
        if !self.holds("series.when", given.when.as_ref())? {
            return Ok(Vec::new());
        }
        let metric = self.metric(given)?;
        let mut labels = Vec::new();
        for (label, expression) in &given.labels {
            let values = self.label(expression)?;
            let index = if given.nth < 0 {
                values.len().checked_sub(1)
            } else {
                usize::try_from(given.nth).ok()
            };
            let value = index
                .and_then(|index| values.get(index))
                .or(values.first())
                .cloned()
                .unwrap_or_default();
            labels.push((label.clone(), value));
        }
        labels.extend(
            given
                .instance
                .clone()
                .map(|instance| ("instance".to_string(), instance)),
        );
        let service = &self.sample.service;
        Ok(match given.of {
            Whose::Service => vec![series(&metric, service, &labels)?],
            Whose::Neighbour => self
                .sample
                .neighbour
                .iter()
                .map(|other| series(&metric, other, &labels))
                .collect::<Result<_, _>>()?,
            Whose::Others => {
                let name = service.get_attr("name")?;
                let others = self
                    .sample
                    .all
                    .iter()
                    .filter(|other| other.get_attr("name").is_ok_and(|other| other != name));
                others
                    .map(|other| series(&metric, other, &labels))
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

    /// The phases of a case's series, by its name.
    fn phases(&self, case: &Case, name: &str) -> Result<Vec<Phase>, Error> {
        let number = |expression: &str| {
            let value = self.value(&case.name, expression)?;
            f64::try_from(value.clone()).map_err(|_| {
                wrong(
                    self.kind,
                    &case.name,
                    expression,
                    &format!("{value} is not a number"),
                )
            })
        };
        case.series
            .get(name)
            .into_iter()
            .flatten()
            .map(|phase| phases::read(phase, &number))
            .collect()
    }

    /// Whether a case can be shown here.
    fn shown(&self, case: &Case) -> Result<bool, Error> {
        self.holds(&case.name, case.when.as_ref())
    }

    /// The cases as unit tests: `name`, `series`, `given` (series and values), `checks` (step, state, value) and `signal`
    /// (step, value). Of a service that the catalog excepts only the first, in which the alert is silent.
    fn tests(&self, excepted: bool) -> Result<Vec<Value>, Error> {
        let mut tests = Vec::new();
        for case in self
            .kind
            .cases
            .iter()
            .take(if excepted { 1 } else { usize::MAX })
        {
            if !self.shown(case)? {
                continue;
            }
            let (mut checks, mut signal, mut last) = (Vec::new(), Vec::new(), 0);
            for seen in &case.seen {
                let at = self.step(&case.name, &seen.at)?;
                if at < 0 || !self.holds(&case.name, seen.when.as_ref())? {
                    continue;
                }
                last = last.max(at);
                if let Some(state) = &seen.is {
                    let state = if STATES.contains(&state.as_str()) {
                        state.clone()
                    } else {
                        self.value(&case.name, state)?.to_string()
                    };
                    let value = seen
                        .value
                        .as_ref()
                        .map(|value| self.value(&case.name, value))
                        .transpose()?
                        .unwrap_or(Value::from(()));
                    checks.push(Value::from(vec![
                        at.into(),
                        if excepted {
                            "inactive".into()
                        } else {
                            Value::from(state)
                        },
                        value,
                    ]));
                }
                if let Some(value) = &seen.signal {
                    signal.push(Value::from(vec![
                        Value::from(at),
                        self.value(&case.name, value)?,
                    ]));
                }
            }
            let mut series = Vec::new();
            for name in case.series.keys() {
                let given =
                    self.kind.series.get(name).ok_or_else(|| {
                        wrong(self.kind, &case.name, name, "there is no such series")
                    })?;
                let values = phases::notation(&self.phases(case, name)?, last + 1);
                series.extend(
                    self.series(given)?
                        .into_iter()
                        .map(|text| Value::from(vec![text, values.clone()])),
                );
            }
            let name = if excepted {
                "is silent for it, which the catalog excepts"
            } else {
                &case.name
            };
            tests.push(
                context! { name, series, given => self.constants(last)?, checks, signal, excepted },
            );
        }
        Ok(tests)
    }

    /// What recording_rules.yml says of the services of the sample, there throughout.
    fn constants(&self, last: i64) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        for (record, expression) in &self.kind.constants {
            for service in &self.sample.all {
                let of = context! { service, ..self.context.clone() };
                let value = evaluated(
                    self.kind,
                    &format!("constants.{record}"),
                    expression.as_str().unwrap_or_default(),
                    &of,
                )?;
                all.push(Value::from(vec![
                    Value::from(record.as_str()),
                    Value::from(labelled("", service, &[])?),
                    Value::from(format!("{value}x{last}")),
                ]));
            }
        }
        Ok(all)
    }

    /// How the service's own series are while it is healthy: what the case with `healthy` gives, for each series its metric,
    /// the values of its labels, and how it moves at each step.
    pub fn healthy(&self) -> Result<Vec<Moving>, Error> {
        let case = self.kind.cases.iter().find(|case| case.healthy);
        case.map_or(Ok(Vec::new()), |case| self.moving(case, 0))
    }

    /// The same under a fault, at the step at which the alert is first seen firing, and the value with which it fires.
    pub fn faulty(&self, fault: &str) -> Result<(Vec<Moving>, Option<f64>), Error> {
        let fault = self.kind.faults.iter().find(|known| known.name == fault);
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
            let mut like = BTreeMap::new();
            for (label, expression) in &given.like {
                let pattern = self.value("series.like", expression)?.to_string();
                like.insert(label.clone(), pattern);
            }
            if let Some(moves) = phases::at(&self.phases(case, name)?, step) {
                all.push(Moving {
                    metric: self.metric(given)?,
                    like,
                    moves,
                });
            }
        }
        Ok(all)
    }
}

/// How one of a service's series moves.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The metric's full name.
    pub metric: String,
    /// Label → the pattern of its values in the series that move so; empty: all that nothing else is said of.
    pub like: BTreeMap<String, String>,
    /// At each step.
    pub moves: Moves,
}

const STATES: [&str; 3] = ["inactive", "pending", "firing"];

fn evaluated(kind: &Kind, what: &str, expression: &str, context: &Value) -> Result<Value, Error> {
    evaluate(expression, context).map_err(|error| {
        wrong(
            kind,
            what,
            expression,
            error.detail().unwrap_or(&error.kind().to_string()),
        )
    })
}

/// A mistake in a kind.toml, found when its expressions got their numbers.
fn wrong(kind: &Kind, what: &str, expression: &str, reason: &str) -> Error {
    refuse(format!(
        "templates/kinds/{}/kind.toml: `{expression}` of `{what}`: {reason}",
        kind.name
    ))
}

/// Values just below, at and just above the threshold of a branch.
fn numbers(
    kind: &Kind,
    branch: &Value,
    known: &BTreeMap<String, Value>,
    clock: &Clock,
) -> Result<Value, Error> {
    let Some(compares) = &kind.compares else {
        return Ok(Value::from(()));
    };
    let above = branch.get_attr("above")?;
    let above = f64::try_from(above).map_err(|_| {
        wrong(
            kind,
            "compares",
            "above",
            "a kind that compares needs a key `above`",
        )
    })?;
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
    match (compares, clock.traffic) {
        (Compares::Ratio, None) => samples::ratio(above, &window, clock.step),
        (Compares::Ratio, Some(total)) => Ok(
            context! { total, below => 0.99 * above * total, at => (), above => (1.01 * above * total).min(total) },
        ),
        (Compares::Rate { over: divisor }, _) => {
            samples::rate_samples(above, over(divisor)?, &window, clock.step)
        }
        (Compares::Level { over: divisor }, _) => Ok(samples::gauge_samples(above, over(divisor)?)),
    }
}

/// The unit tests of alerts, for templates.
#[derive(Debug)]
pub struct Suites {
    neighbourhood: Neighbourhood,
    kinds: Arc<Kinds>,
    four_scrapes: String,
    evaluation_interval: String,
}

impl Suites {
    /// Of a catalog, as templates see it.
    pub fn of(catalog: &Value, kinds: &Arc<Kinds>, four_scrapes: String) -> Result<Value, Error> {
        let neighbourhood = Neighbourhood::of(
            &catalog.get_attr("services")?,
            &catalog.get_attr("metrics")?,
        )?;
        let evaluation_interval = catalog
            .get_attr("prometheus")?
            .get_attr("evaluation_interval")?
            .to_string();
        Ok(Value::from_object(Suites {
            neighbourhood,
            kinds: kinds.clone(),
            four_scrapes,
            evaluation_interval,
        }))
    }

    /// `step` and `tests` of an alert: for each branch those of its first service, and of the first service that is excepted.
    fn of_alert(&self, alert: &Value) -> Result<Value, Error> {
        let name = alert.get_attr("kind")?.get_attr("name")?;
        let kind = self
            .kinds
            .get(name.as_str().unwrap_or_default())
            .ok_or_else(|| refuse(format!("there is no kind {name}")))?;
        let step = samples::test_step(alert, &self.four_scrapes, &self.evaluation_interval)?;
        let clock = Clock {
            step: &step,
            bridge: &self.four_scrapes,
            traffic: None,
        };
        let mut tests = Vec::new();
        let branches: Vec<Value> = alert.get_attr("branches")?.try_iter()?.collect();
        let excepted = alert.get_attr("excepts")?.try_iter()?.next();
        let first =
            |branch: &Value| Ok::<_, Error>(branch.get_attr("services")?.try_iter()?.next());
        let mut tried = Vec::new();
        for branch in &branches {
            tried.extend(first(branch)?.map(|service| (branch, service, false)));
        }
        tried.extend(
            excepted.and_then(|service| branches.first().map(|branch| (branch, service, true))),
        );
        for (branch, service, excepted) in tried {
            let scene = Scene::new(
                kind,
                &self.neighbourhood,
                alert,
                branch,
                service.as_str().unwrap_or_default(),
                &clock,
            )?;
            for test in scene.tests(excepted)? {
                tests.push(context! { branch, service => scene.sample.service.clone(), ..test });
            }
        }
        Ok(context! { step, tests })
    }
}

impl Object for Suites {
    /// `of(alert)`.
    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method != "of" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let (alert,) = from_args::<(&Value,)>(args)?;
        self.of_alert(alert)
    }
}
