//! Rules over time, as Prometheus' rule manager evaluates them: what is recorded, and the states of alerts.

use crate::catalog::Duration;
use crate::go_template::{self, Problem, Template, Value as TemplateValue, of_prometheus};
use crate::promql::engine::{
    self, Axis, ByLabels, Engine, Evaluated, Failure, LOOKBACK, Labels, Memory, Millis, NAME,
    Recorded, Release, Sample, Series,
};
use crate::promql::matchers::picks;
use crate::promql::walk::{children, selector, selectors};
use crate::promql::{AtModifier, Expr, MatchOp, Matcher, VectorSelector};
use crate::value::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// Under which Prometheus keeps the alerts of all rules.
const ALERTS: &str = "ALERTS";

/// One rule, ready to be evaluated.
#[derive(Clone)]
pub struct Rule {
    pub name: String,
    pub expr: Rc<Expr>,
    pub(crate) labels: Vec<(String, Template)>,
    /// None: it records.
    pub alert: Option<Alert>,
    /// Whether it says `start()` or `end()`.
    names_its_instant: bool,
    /// The labels that it gives to what it records, the name first; none of an alert.
    recorded: Vec<(Rc<str>, Rc<str>)>,
    /// Names that its expression reads; None: it reads whatever there is.
    reads: Option<HashSet<String>>,
}

/// What an alerting rule has beyond its condition.
#[derive(Clone)]
pub struct Alert {
    /// `for`.
    pub hold: Millis,
    /// `keep_firing_for`.
    pub keep: Millis,
    pub(crate) annotations: Vec<(String, Template)>,
}

impl Rule {
    /// Reads a rule of a rule file; the reason, when Prometheus would not load it.
    pub fn read(
        rule: &Value,
        parsed: &mut dyn FnMut(&str) -> Result<Rc<Expr>, String>,
    ) -> Result<Rule, String> {
        let text = rule["expr"].as_str().map(str::to_string);
        let text = text.or_else(|| rule["expr"].as_f64().map(|number| number.to_string()));
        let expr = parsed(&text.ok_or("it has no expression")?)?;
        let reads = selectors(&expr)
            .into_iter()
            .map(|selector| engine::metric(selector).map(str::to_string))
            .collect();
        let templates = |key: &str| {
            let entries = rule[key].entries();
            entries
                .map(|(name, value)| {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_string);
                    let template = go_template::parse(&text)
                        .map_err(|problem| format!("`{name}`: {}", problem.reason))?;
                    Ok((name.to_string(), template))
                })
                .collect::<Result<Vec<_>, String>>()
        };
        let time = |key: &str| match rule[key].as_str() {
            None => Ok(0),
            Some(text) => millis(text).ok_or_else(|| format!("`{text}` is not a duration")),
        };
        let alert = match rule.get("alert") {
            None => None,
            Some(_) => Some(Alert {
                hold: time("for")?,
                keep: time("keep_firing_for")?,
                annotations: templates("annotations")?,
            }),
        };
        let name = rule["alert"].as_str().or(rule["record"].as_str());
        let name = name.ok_or("it has no name")?;
        let labels = templates("labels")?;
        // What records has no templates: Prometheus takes the text as it is.
        let own = labels.iter().map(|(name, template)| {
            let text = template.constant().unwrap_or_default();
            (name.as_str().into(), text.into())
        });
        let named = std::iter::once((NAME.into(), name.into()));
        let recorded = match alert {
            Some(_) => Vec::new(),
            None => named.chain(own).collect(),
        };
        Ok(Rule {
            names_its_instant: names_its_instant(&expr),
            name: name.to_string(),
            recorded,
            expr,
            labels,
            alert,
            reads,
        })
    }

    /// The same alert, without its `for`.
    pub fn at_once(&self) -> Rule {
        let mut rule = self.clone();
        if let Some(alert) = &mut rule.alert {
            alert.hold = 0;
        }
        rule
    }

    /// The name under which its series are found.
    fn written(&self) -> &str {
        match self.alert {
            Some(_) => ALERTS,
            None => &self.name,
        }
    }
}

/// A duration as Prometheus writes it.
pub(super) fn millis(text: &str) -> Option<Millis> {
    Millis::try_from(Duration::parse(text)?.0).ok()
}

/// Rules by what they write.
pub struct Library<'a> {
    rules: Vec<&'a Rule>,
    recorded: HashMap<&'a str, Vec<usize>>,
    alerts: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Library<'a> {
    /// Rules in the order in which they are evaluated.
    pub fn of(rules: Vec<&'a Rule>) -> Library<'a> {
        let (mut recorded, mut alerts) = (HashMap::new(), HashMap::new());
        for (index, rule) in rules.iter().enumerate() {
            let by_name: &mut HashMap<&str, Vec<usize>> = match rule.alert {
                Some(_) => &mut alerts,
                None => &mut recorded,
            };
            by_name.entry(&rule.name).or_default().push(index);
        }
        Library {
            rules,
            recorded,
            alerts,
        }
    }

    /// The rules that alerts and expressions depend on, in their order.
    pub fn needed<'e>(
        &self,
        alerts: impl Iterator<Item = &'e str>,
        asked: impl Iterator<Item = &'e Expr>,
    ) -> Vec<&'a Rule> {
        let mut taken = BTreeSet::new();
        let mut open: Vec<&VectorSelector> = asked.flat_map(selectors).collect();
        for index in alerts.filter_map(|name| self.alerts.get(name)).flatten() {
            if taken.insert(*index) {
                open.extend(selectors(&self.rules[*index].expr));
            }
        }
        let mut seen: HashSet<&str> = HashSet::new();
        while let Some(selector) = open.pop() {
            if let Some(name) = engine::metric(selector)
                && name != ALERTS
                && !seen.insert(name)
            {
                continue;
            }
            for index in self.writers(selector) {
                if taken.insert(index) {
                    open.extend(selectors(&self.rules[index].expr));
                }
            }
        }
        taken.into_iter().map(|index| self.rules[index]).collect()
    }

    /// The rules that write what a selector can read.
    fn writers(&self, selector: &VectorSelector) -> Vec<usize> {
        let matchers = &selector.matchers.matchers;
        let of_alerts: Vec<&Matcher> = matchers
            .iter()
            .filter(|matcher| matcher.name == "alertname")
            .collect();
        let is_read = |name: &str| of_alerts.iter().all(|matcher| picks(matcher, name));
        let one = of_alerts.iter().find(|one| one.op == MatchOp::Equal);
        match (engine::metric(selector), one) {
            (Some(ALERTS), Some(one)) => {
                let alerts = self.alerts.get(one.value.as_str());
                let alerts = alerts.filter(|_| is_read(&one.value));
                alerts.cloned().unwrap_or_default()
            }
            (Some(name), _) if name != ALERTS => {
                self.recorded.get(name).cloned().unwrap_or_default()
            }
            (name, _) => (0..self.rules.len())
                .filter(|index| match self.rules[*index].alert {
                    Some(_) => is_read(&self.rules[*index].name),
                    None => name.is_none(),
                })
                .collect(),
        }
    }
}

impl Rule {
    /// The same rule with another expression, which reads no more than its own does.
    pub fn with(&self, expr: Expr) -> Rule {
        Rule {
            expr: Rc::new(expr),
            ..self.clone()
        }
    }

    /// Its own labels that are always the same.
    pub(crate) fn constant_labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self.labels.iter();
        labels.filter_map(|(name, template)| Some((name.as_str(), template.constant()?)))
    }
}

/// Rules so that each comes after those that it reads, where that is possible.
pub fn in_dependency_order(rules: Vec<&Rule>) -> Vec<&Rule> {
    let mut sorted: Vec<&Rule> = Vec::with_capacity(rules.len());
    let mut open = rules;
    while !open.is_empty() {
        let waiting: HashMap<&str, usize> = open.iter().fold(HashMap::new(), |mut all, rule| {
            *all.entry(rule.written()).or_default() += 1;
            all
        });
        let ready = |rule: &&Rule| match &rule.reads {
            None => false,
            Some(reads) => reads
                .iter()
                .all(|name| !waiting.contains_key(name.as_str())),
        };
        let (now, later): (Vec<&Rule>, Vec<&Rule>) = open.iter().partition(|rule| ready(rule));
        if now.is_empty() {
            // They read each other, or whatever there is.
            sorted.extend(later);
            break;
        }
        sorted.extend(now);
        open = later;
    }
    sorted
}

/// The state of an alert at an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Inactive,
    Pending,
    Firing,
}

/// One alert of a rule: its labels, and how it goes.
#[derive(Clone, Debug)]
pub struct Active {
    /// With the rule's labels and `alertname`.
    pub labels: Labels,
    /// What templates see: the labels of the sample.
    pub(crate) sample: Labels,
    /// At each evaluation.
    pub states: Vec<State>,
    /// The value of the condition; where it does not hold, the last one.
    pub(crate) values: Vec<f64>,
}

/// What a rule did over the evaluations.
#[derive(Debug, Default)]
pub struct Outcome {
    pub alerts: Vec<Active>,
    /// Why it has no result.
    pub(crate) failure: Option<Failure>,
}

/// Rules in the order in which they are evaluated, at equidistant evaluations.
pub struct Rules<'a> {
    pub rules: Vec<&'a Rule>,
    pub axis: Axis,
    pub release: Release,
}

impl<'a> Rules<'a> {
    /// Evaluates all of them; what they write is added to the data.
    pub fn run(&self, memory: &mut Memory) -> Vec<Outcome> {
        if self.in_order() {
            return self
                .rules
                .iter()
                .map(|rule| {
                    let found = self.evaluated(rule, memory, self.axis);
                    let mut outcome = Outcome::default();
                    match found {
                        Ok(series) => {
                            let mut alerts = Alerts::default();
                            let mut slots = Slots::of(rule, &series);
                            for (index, time) in self.axis.instants().enumerate() {
                                alerts.see(rule, &series, &mut slots, index, time);
                            }
                            outcome.alerts = alerts.known;
                            self.write(rule, series, &outcome.alerts, memory);
                        }
                        Err(failure) => outcome.failure = Some(failure),
                    }
                    outcome
                })
                .collect();
        }
        self.step_by_step(memory)
    }

    /// Whether every rule only reads what rules before it write: then each is evaluated once for all instants.
    fn in_order(&self) -> bool {
        let rules = || self.rules.iter().enumerate();
        // Of several that write one name the last counts.
        let written: HashMap<&str, usize> = rules()
            .map(|(index, rule)| (rule.written(), index))
            .collect();
        let before = |name: &String, index: usize| {
            let writer = written.get(name.as_str());
            writer.is_none_or(|writer| *writer < index)
        };
        rules().all(|(index, rule)| {
            let reads = rule.reads.as_ref();
            reads.is_some_and(|reads| reads.iter().all(|name| before(name, index)))
        })
    }

    fn step_by_step(&self, memory: &mut Memory) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut alerts: Vec<Alerts> = Vec::new();
        let mut before: Vec<Vec<Labels>> = Vec::new();
        outcomes.resize_with(self.rules.len(), Outcome::default);
        alerts.resize_with(self.rules.len(), Alerts::default);
        before.resize_with(self.rules.len(), Vec::new);
        for time in self.axis.instants() {
            for (index, rule) in self.rules.iter().enumerate() {
                let series = match self.evaluated(rule, memory, Axis::one(time)) {
                    Ok(series) => series,
                    Err(failure) => {
                        outcomes[index].failure.get_or_insert(failure);
                        continue;
                    }
                };
                let mut slots = Slots::of(rule, &series);
                alerts[index].see(rule, &series, &mut slots, 0, time);
                let now: Vec<(Labels, f64)> = match rule.alert {
                    None => series
                        .into_iter()
                        .filter_map(|series| Some((series.labels, series.values[0]?)))
                        .collect(),
                    Some(_) => alerts[index]
                        .known
                        .iter()
                        .filter_map(|alert| Some((alert.shown(*alert.states.last()?)?, 1.0)))
                        .collect(),
                };
                let gone: Vec<Labels> = before[index]
                    .iter()
                    .filter(|labels| now.iter().all(|(known, _)| known != *labels))
                    .cloned()
                    .collect();
                before[index] = now.iter().map(|(labels, _)| labels.clone()).collect();
                let samples = now
                    .into_iter()
                    .map(|(labels, value)| (labels, Sample { time, value }))
                    .chain(gone.into_iter().map(|labels| (labels, Sample::stale(time))));
                for (labels, sample) in samples {
                    memory.add(Recorded {
                        labels,
                        samples: vec![sample],
                    });
                }
            }
        }
        for (outcome, alerts) in outcomes.iter_mut().zip(alerts) {
            outcome.alerts = alerts.known;
        }
        outcomes
    }

    /// The series of a rule with its own labels.
    fn evaluated(&self, rule: &Rule, memory: &Memory, axis: Axis) -> Evaluated<Vec<Series>> {
        let engine = self.engine(memory);
        let found = if rule.names_its_instant && axis.count > 1 {
            instant_by_instant(&engine, &rule.expr, axis)?
        } else {
            engine.series(&rule.expr, axis)?
        };
        if rule.alert.is_some() {
            return Ok(found);
        }
        let labeled = found.into_iter().map(|series| Series {
            labels: series.labels.with_each(rule.recorded.iter().cloned()),
            ..series
        });
        engine::merged(labeled.collect())
    }

    pub(crate) fn engine<'m>(&self, memory: &'m Memory) -> Engine<'m> {
        Engine {
            data: memory,
            release: self.release,
            lookback: LOOKBACK,
            subquery_step: self.axis.step,
            shown: None,
        }
    }

    fn write(&self, rule: &Rule, series: Vec<Series>, alerts: &[Active], memory: &mut Memory) {
        if rule.alert.is_none() {
            for Series { labels, values } in series {
                memory.add(self.recorded(labels, values.into_iter()));
            }
            return;
        }
        for alert in alerts {
            for state in [State::Pending, State::Firing] {
                if !alert.states.contains(&state) {
                    continue;
                }
                if let Some(labels) = alert.shown(state) {
                    let states = alert.states.iter();
                    let values = states.map(|now| (*now == state).then_some(1.0));
                    memory.add(self.recorded(labels, values));
                }
            }
        }
    }

    /// A series as it is stored: where its values end it is stale.
    fn recorded(&self, labels: Labels, values: impl Iterator<Item = Option<f64>>) -> Recorded {
        let mut samples = Vec::with_capacity(self.axis.count);
        let mut there = false;
        for (time, value) in self.axis.instants().zip(values) {
            match value {
                Some(value) => samples.push(Sample { time, value }),
                None if there => samples.push(Sample::stale(time)),
                None => {}
            }
            there = value.is_some();
        }
        Recorded { labels, samples }
    }
}

impl Active {
    /// The labels of its series in `ALERTS`; None while it is inactive.
    fn shown(&self, state: State) -> Option<Labels> {
        let word = match state {
            State::Inactive => return None,
            State::Pending => "pending",
            State::Firing => "firing",
        };
        let shown = [(NAME, "ALERTS"), ("alertstate", word)];
        Some(self.labels.with_each(shown))
    }
}

/// The alerts of one rule, on their way through time.
#[derive(Default)]
struct Alerts {
    known: Vec<Active>,
    by_labels: ByLabels<usize>,
    since: Vec<Millis>,
    /// When a condition was last seen to hold, of those that are kept firing.
    kept: Vec<Option<Millis>>,
    /// Which conditions hold at the evaluation that is seen.
    holds: Vec<bool>,
    evaluations: usize,
}

/// Which alert each series is, once it was seen; none where the labels of an alert tell its value.
struct Slots(Vec<Option<usize>>);

impl Slots {
    fn of(rule: &Rule, series: &[Series]) -> Slots {
        let constant = |(_, template): &(String, Template)| template.constant().is_some();
        let stays = rule.labels.iter().all(constant);
        Slots(vec![None; if stays { series.len() } else { 0 }])
    }
}

impl Alerts {
    /// The alert of a sample.
    fn slot(&mut self, rule: &Rule, sample: &Labels, value: f64) -> usize {
        let labels = labeled(rule, sample, value);
        let new = self.known.len();
        *self.by_labels.entry(labels.clone()).or_insert_with(|| {
            self.known.push(Active {
                labels,
                sample: sample.clone(),
                states: vec![State::Inactive; self.evaluations],
                values: vec![f64::NAN; self.evaluations],
            });
            self.since.push(0);
            self.kept.push(None);
            self.holds.push(false);
            new
        })
    }

    /// One evaluation.
    fn see(
        &mut self,
        rule: &Rule,
        series: &[Series],
        slots: &mut Slots,
        index: usize,
        time: Millis,
    ) {
        let Some(alert) = &rule.alert else { return };
        self.holds.fill(false);
        for (number, one) in series.iter().enumerate() {
            let Some(value) = one.values[index] else {
                continue;
            };
            let slot = match slots.0.get(number) {
                Some(Some(slot)) => *slot,
                _ => self.slot(rule, &one.labels, value),
            };
            if let Some(known) = slots.0.get_mut(number) {
                *known = Some(slot);
            }
            self.holds[slot] = true;
            let known = &mut self.known[slot];
            if known
                .states
                .last()
                .is_none_or(|state| *state == State::Inactive)
            {
                self.since[slot] = time;
            }
            known.values.push(value);
        }
        self.evaluations += 1;
        for (slot, known) in self.known.iter_mut().enumerate() {
            let before = known.states.last().copied().unwrap_or(State::Inactive);
            let mut next = State::Inactive;
            if self.holds[slot] {
                self.kept[slot] = None;
                next = if before == State::Firing || time - self.since[slot] >= alert.hold {
                    State::Firing
                } else {
                    State::Pending
                };
            } else {
                let last = known.values.last().copied().unwrap_or(f64::NAN);
                known.values.push(last);
                if before == State::Firing && alert.keep > 0 {
                    let since = *self.kept[slot].get_or_insert(time);
                    if time - since < alert.keep {
                        next = State::Firing;
                    }
                }
            }
            known.states.push(next);
        }
    }
}

/// Whether a selector or a subquery is pinned to the instant of the evaluation.
fn names_its_instant(expr: &Expr) -> bool {
    let at = match expr {
        Expr::Subquery(subquery) => subquery.at.as_ref(),
        _ => selector(expr).and_then(|selector| selector.at.as_ref()),
    };
    matches!(at, Some(AtModifier::Start | AtModifier::End)) || children(expr).any(names_its_instant)
}

/// Each instant as a query of its own.
fn instant_by_instant(engine: &Engine, expr: &Expr, axis: Axis) -> Evaluated<Vec<Series>> {
    let mut all = Vec::new();
    for (index, time) in axis.instants().enumerate() {
        let one = Engine {
            shown: Some((time, time)),
            ..*engine
        };
        let found = one.series(expr, Axis::one(time))?;
        all.extend(found.into_iter().map(|series| {
            let mut values = vec![None; axis.count];
            values[index] = series.values[0];
            Series { values, ..series }
        }));
    }
    engine::merged(all)
}

/// The labels of an alert: those of the sample without its name, under those of the rule.
fn labeled(rule: &Rule, sample: &Labels, value: f64) -> Labels {
    let own = rule.labels.iter().map(|(name, template)| {
        let text = match template.constant() {
            Some(text) => Cow::Borrowed(text),
            // Prometheus writes the error into the label too.
            None => Cow::Owned(expanded(template, sample, value).unwrap_or_else(|problem| {
                format!("<error expanding template: {}>", problem.reason)
            })),
        };
        (name.as_str(), text)
    });
    let named = ("alertname", Cow::Borrowed(rule.name.as_str()));
    sample.without_name().with_each(own.chain([named]))
}

/// A template of a label or an annotation, filled in.
pub(crate) fn expanded(
    template: &Template,
    sample: &Labels,
    value: f64,
) -> Result<String, Problem> {
    Shown::of(sample, value).filled(template)
}

/// The same where each label that it names has one value.
pub(crate) fn filled(template: &Template, label: &str, value: f64) -> Result<String, Problem> {
    let named = template
        .keys("labels")
        .into_iter()
        .map(|name| (name, label));
    expanded(template, &named.collect(), value)
}

/// What the templates of an alert see of it.
pub(super) struct Shown {
    fields: TemplateValue,
    variables: [(&'static str, TemplateValue); 4],
}

impl Shown {
    pub(super) fn of(sample: &Labels, value: f64) -> Shown {
        let labels = sample
            .iter()
            .map(|(name, value)| (name.to_string(), TemplateValue::text(value)));
        let labels = TemplateValue::Map(Rc::new(labels.collect()));
        let value = TemplateValue::Float(value);
        let none = TemplateValue::Map(Rc::new(BTreeMap::new()));
        let fields = BTreeMap::from([
            ("Labels".to_string(), labels.clone()),
            ("Value".to_string(), value.clone()),
            ("ExternalLabels".to_string(), none.clone()),
            ("ExternalURL".to_string(), TemplateValue::text("")),
        ]);
        Shown {
            fields: TemplateValue::Struct(Rc::new(fields)),
            variables: [
                ("labels", labels),
                ("value", value),
                ("externalLabels", none),
                ("externalURL", TemplateValue::text("")),
            ],
        }
    }

    pub(super) fn filled(&self, template: &Template) -> Result<String, Problem> {
        template.execute(self.fields.clone(), &self.variables, &of_prometheus)
    }
}
