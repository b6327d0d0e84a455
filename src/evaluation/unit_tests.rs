//! Files of unit tests, as `promtool test rules` runs them.

use super::rules::{Active, Library, Outcome, Rule, Rules, State, expanded, millis};
use crate::json::Parts;
use crate::promql::engine::{
    Axis, Engine, Failure, Labels, Memory, Millis, NAME, Recorded, RecordedNative, Release, Sample,
};
use crate::promql::samples::{self, Value as Given};
use crate::promql::{Expr, MatchOp, parse};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a test expects and what is, where both differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// Of the expectation in the file, as a JSON pointer.
    pub pointer: String,
    /// When, from the begin of the test.
    pub at: Millis,
    pub expected: Vec<String>,
    pub got: Vec<String>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It expects something else.
    Mismatch(Mismatch),
    /// It cannot be run, and neither can promtool run it.
    Broken { pointer: String, reason: String },
    /// It is beyond what is run here.
    Unknown { pointer: String, reason: String },
}

/// A file of tests, and the rules that it loads.
pub(crate) struct Suite<'a> {
    file: &'a Value,
    parsed: Parsed<'a>,
    interval: Millis,
    rules: Library<'a>,
}

/// The groups of rule files with their names, in the order in which they are loaded.
pub(crate) type Groups<'g, 'a> = &'g [(String, Vec<&'a Rule>)];

/// Reads an expression.
type Parsed<'a> = &'a dyn Fn(&str) -> Result<Rc<Expr>, String>;

/// promtool's, where a file says none.
const INTERVAL: Millis = 60_000;

impl<'a> Suite<'a> {
    /// The tests of a file over the groups that its rule files have; `parsed` reads their expressions.
    pub(crate) fn new(file: &'a Value, groups: Groups<'_, 'a>, parsed: Parsed<'a>) -> Suite<'a> {
        let order: Vec<&str> = file["group_eval_order"].texts().collect();
        // A group that is not named comes first.
        let place = |name: &str| {
            order
                .iter()
                .position(|known| *known == name)
                .map_or(0, |at| at + 1)
        };
        let mut sorted: Vec<&(String, Vec<&Rule>)> = groups.iter().collect();
        sorted.sort_by_key(|(name, _)| place(name));
        Suite {
            file,
            parsed,
            interval: file["evaluation_interval"]
                .as_str()
                .and_then(millis)
                .unwrap_or(INTERVAL)
                .max(1),
            rules: Library::of(
                sorted
                    .into_iter()
                    .flat_map(|(_, rules)| rules.iter().copied())
                    .collect(),
            ),
        }
    }

    /// Runs all tests for these releases.
    pub(crate) fn run(&self, releases: &[Release]) -> Vec<(Release, Found)> {
        self.found(releases).collect()
    }

    /// The same, test by test as it is asked for.
    pub(crate) fn found<'s>(
        &'s self,
        releases: &'s [Release],
    ) -> impl Iterator<Item = (Release, Found)> + use<'s, 'a> {
        let tests = self.file["tests"].items().enumerate();
        tests.flat_map(move |(index, test)| {
            let pointer = format!("/tests/{index}");
            let test = Test::read(test, &pointer, self.interval, self.parsed);
            let run = |release: Release| {
                let found = match &test {
                    Ok(test) => test.run(self, release),
                    Err(broken) => vec![broken.clone()],
                };
                found.into_iter().map(move |found| (release, found))
            };
            releases.iter().copied().flat_map(run).collect::<Vec<_>>()
        })
    }
}

/// Runs a file of tests over rule files, given in the order in which it names them.
pub fn run(file: &Value, rule_files: &[&Value], release: Release) -> Vec<Found> {
    let mut loaded: Vec<(String, Vec<Rule>)> = Vec::new();
    let mut found = Vec::new();
    for rules in rule_files {
        for group in rules["groups"].items() {
            let mut read = Vec::new();
            for rule in group["rules"].items() {
                match Rule::read(rule, &mut |text| parse(text).map(Rc::new)) {
                    Ok(rule) => read.push(rule),
                    Err(reason) => found.push(Found::Broken {
                        pointer: String::new(),
                        reason,
                    }),
                }
            }
            let name = group["name"].as_str().unwrap_or_default();
            loaded.push((name.to_string(), read));
        }
    }
    let groups: Vec<(String, Vec<&Rule>)> = loaded
        .iter()
        .map(|(name, rules)| (name.clone(), rules.iter().collect()))
        .collect();
    let suite = Suite::new(file, &groups, &|text| parse(text).map(Rc::new));
    found.extend(suite.found(&[release]).map(|(_, found)| found));
    found
}

/// One test.
struct Test<'a> {
    value: &'a Value,
    pointer: &'a str,
    /// Index, what is asked, and when.
    expressions: Vec<(usize, Result<Rc<Expr>, String>, Millis)>,
    alerts: Vec<(usize, &'a str, Millis)>,
    series: Vec<Recorded>,
    natives: Vec<RecordedNative>,
    last: Millis,
    unknown: Option<Found>,
}

impl<'a> Test<'a> {
    fn read(
        value: &'a Value,
        pointer: &'a str,
        interval: Millis,
        parsed: Parsed,
    ) -> Result<Test<'a>, Found> {
        let broken = |place: String, reason: String| Found::Broken {
            pointer: format!("{pointer}{place}"),
            reason,
        };
        let time = |case: &Value, place: &str| match case["eval_time"].as_str() {
            None => Ok(0),
            Some(text) => millis(text).ok_or_else(|| {
                broken(
                    format!("{place}/eval_time"),
                    format!("`{text}` is not a duration"),
                )
            }),
        };
        let mut expressions = Vec::new();
        for (index, case) in value["promql_expr_test"].items().enumerate() {
            let place = format!("/promql_expr_test/{index}");
            let text = case["expr"].as_str().unwrap_or_default();
            expressions.push((index, parsed(text), time(case, &place)?));
        }
        let mut alerts = Vec::new();
        for (index, case) in value["alert_rule_test"].items().enumerate() {
            let place = format!("/alert_rule_test/{index}");
            let name = case["alertname"].as_str().unwrap_or_default();
            alerts.push((index, name, time(case, &place)?));
        }
        let last = (expressions.iter().map(|(_, _, at)| *at))
            .chain(alerts.iter().map(|(_, _, at)| *at))
            .max()
            .unwrap_or(0);
        let step = value["interval"].as_str().and_then(millis);
        let step = step.unwrap_or(interval).max(1);
        let most = usize::try_from(last / step + 1).unwrap_or(usize::MAX);
        let (mut series, mut natives) = (Vec::new(), Vec::new());
        let mut unknown = None;
        for (index, given) in value["input_series"].items().enumerate() {
            let place = format!("/input_series/{index}");
            let text = given["series"].as_str().unwrap_or_default();
            let labels =
                labels(text).map_err(|reason| broken(format!("{place}/series"), reason))?;
            let values = given["values"]
                .as_str()
                .map_or_else(|| given["values"].to_string(), str::to_string);
            let read = match samples::are_native(&values) {
                true => samples::natives(&values, most)
                    .map(|values| natives.push(recorded_natives(labels, values, step))),
                false => samples::read(&values, most)
                    .map(|values| series.push(recorded(labels, values, step))),
            };
            match read {
                Ok(()) => {}
                Err(reason) => {
                    unknown = Some(Found::Unknown {
                        pointer: format!("{pointer}{place}/values"),
                        reason,
                    });
                }
            }
        }
        Ok(Test {
            value,
            pointer,
            expressions,
            alerts,
            series,
            natives,
            last,
            unknown,
        })
    }

    fn run(&self, suite: &Suite, release: Release) -> Vec<Found> {
        if let Some(unknown) = &self.unknown {
            return vec![unknown.clone()];
        }
        let names = self.alerts.iter().map(|(_, name, _)| *name);
        let asked = (self.expressions.iter()).filter_map(|(_, expr, _)| expr.as_deref().ok());
        let axis = Axis {
            start: 0,
            step: suite.interval,
            count: usize::try_from(self.last / suite.interval + 1).unwrap_or(0),
        };
        let rules = Rules {
            rules: suite.rules.needed(names, asked),
            axis,
            release,
        };
        let mut memory = Memory::default();
        // promtool loads no sample after the last evaluation.
        for Recorded { labels, samples } in &self.series {
            let loaded = samples.iter().filter(|sample| sample.time <= axis.end());
            memory.add(Recorded {
                labels: labels.clone(),
                samples: loaded.copied().collect(),
            });
        }
        for (labels, samples) in &self.natives {
            let loaded = samples.iter().filter(|(time, _)| *time <= axis.end());
            memory.add_native((labels.clone(), loaded.cloned().collect()));
        }
        let outcomes = rules.run(&mut memory);
        let mut found: Vec<Found> = outcomes
            .iter()
            .filter_map(|outcome| outcome.failure.as_ref())
            .map(|failure| failed(self.pointer.to_string(), failure))
            .collect();
        for (index, name, at) in &self.alerts {
            let got = firing(&rules, &outcomes, name, (*at / suite.interval) as usize);
            let case = &self.value["alert_rule_test"][index];
            let expected = case["exp_alerts"].items().map(|alert| {
                let labels = pairs(&alert["exp_labels"]);
                let labels: Labels = labels.collect();
                described(
                    &labels.with("alertname", name),
                    pairs(&alert["exp_annotations"]),
                )
            });
            let mut expected: Vec<String> = expected.collect();
            expected.sort();
            let pointer = format!("{}/alert_rule_test/{index}", self.pointer);
            match got {
                Ok(mut got) => {
                    got.sort();
                    if got != expected {
                        found.push(Found::Mismatch(Mismatch {
                            pointer,
                            at: *at,
                            expected,
                            got,
                        }));
                    }
                }
                Err(reason) => found.push(Found::Unknown { pointer, reason }),
            }
        }
        let engine = rules.engine(&memory);
        for (index, expr, at) in &self.expressions {
            let pointer = format!("{}/promql_expr_test/{index}", self.pointer);
            let case = &self.value["promql_expr_test"][index];
            found.extend(match expr {
                Ok(expr) => compared(&engine, expr, *at, case, pointer),
                Err(reason) => Some(Found::Broken {
                    pointer,
                    reason: reason.clone(),
                }),
            });
        }
        found
    }
}

fn failed(pointer: String, failure: &Failure) -> Found {
    let reason = failure.reason.clone();
    match failure.certain {
        true => Found::Broken { pointer, reason },
        false => Found::Unknown { pointer, reason },
    }
}

/// What an expression gives, against what its test expects.
fn compared(
    engine: &Engine,
    expr: &Expr,
    at: Millis,
    case: &Value,
    pointer: String,
) -> Option<Found> {
    let engine = Engine {
        shown: Some((at, at)),
        ..*engine
    };
    let found = match engine.series(expr, Axis::one(at)) {
        Ok(found) => found,
        Err(failure) => return Some(failed(pointer, &failure)),
    };
    let mut got: Vec<(Labels, f64)> = found
        .into_iter()
        .filter_map(|series| Some((series.labels, series.values[0]?)))
        .collect();
    let mut expected = Vec::new();
    for sample in case["exp_samples"].items() {
        match labels(sample["labels"].as_str().unwrap_or_default()) {
            Ok(labels) => expected.push((labels, number(&sample["value"]))),
            Err(reason) => return Some(Found::Broken { pointer, reason }),
        }
    }
    for samples in [&mut got, &mut expected] {
        samples.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.total_cmp(y)));
    }
    let same = got.len() == expected.len()
        && got
            .iter()
            .zip(&expected)
            .all(|((a, x), (b, y))| a == b && alike(*x, *y));
    let written = |samples: Vec<(Labels, f64)>| {
        let one = |(labels, value): (Labels, f64)| format!("{labels} {value}");
        samples.into_iter().map(one).collect()
    };
    (!same).then(|| {
        Found::Mismatch(Mismatch {
            pointer,
            at,
            expected: written(expected),
            got: written(got),
        })
    })
}

/// Rounding differs in the last digits only.
fn alike(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-10 * a.abs().max(b.abs())
}

fn number(value: &Value) -> f64 {
    let text = value.as_str().map(|text| text.to_ascii_lowercase());
    match text.as_deref() {
        Some(".inf" | "+.inf") => f64::INFINITY,
        Some("-.inf") => f64::NEG_INFINITY,
        Some(text) => text.parse().unwrap_or(f64::NAN),
        None => value.as_f64().unwrap_or(f64::NAN),
    }
}

fn pairs(value: &Value) -> impl Iterator<Item = (String, String)> {
    value.entries().map(|(name, value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_string);
        (name.to_string(), text)
    })
}

fn described(labels: &Labels, annotations: impl Iterator<Item = (String, String)>) -> String {
    let annotations: BTreeMap<String, String> = annotations.collect();
    if annotations.is_empty() {
        labels.to_string()
    } else {
        format!("{labels} {annotations:?}")
    }
}

/// The alerts of a name that fire at an evaluation, with their annotations.
fn firing(
    rules: &Rules,
    outcomes: &[Outcome],
    name: &str,
    evaluation: usize,
) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (rule, outcome) in rules.rules.iter().zip(outcomes) {
        let Some(alert) = rule.alert.as_ref().filter(|_| rule.name == name) else {
            continue;
        };
        let fires = |active: &&Active| active.states.get(evaluation) == Some(&State::Firing);
        for active in outcome.alerts.iter().filter(fires) {
            let annotations = alert
                .annotations
                .iter()
                .map(|(name, template)| {
                    let value = active.values[evaluation];
                    let text = match expanded(template, &active.sample, value) {
                        Ok(text) => text,
                        Err(problem) if problem.certain => {
                            format!("<error expanding template: {}>", problem.reason)
                        }
                        Err(problem) => return Err(problem.reason),
                    };
                    Ok((name.clone(), text))
                })
                .collect::<Result<Vec<_>, String>>()?;
            found.push(described(&active.labels, annotations.into_iter()));
        }
    }
    Ok(found)
}

/// The labels of a series that is written as most are, without an escape or a space; None: it is written otherwise.
fn plain(text: &str) -> Option<Labels> {
    let word = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    };
    let (name, rest) = text.split_once('{')?;
    let mut rest = rest.strip_suffix('}')?;
    let mut pairs = vec![(NAME, name)];
    while !rest.is_empty() {
        let (label, behind) = rest.split_once("=\"")?;
        let (value, behind) = behind.split_once('"')?;
        if !word(label) || label.contains(':') || value.is_empty() || value.contains('\\') {
            return None;
        }
        pairs.push((label, value));
        rest = match behind.strip_prefix(',') {
            Some(more) if !more.is_empty() => more,
            None if behind.is_empty() => "",
            _ => return None,
        };
    }
    word(name).then(|| pairs.into_iter().collect())
}

/// The labels of a series that is written as a selector.
pub fn labels(text: &str) -> Result<Labels, String> {
    let text = text.trim();
    if text.is_empty() || text == "{}" {
        return Ok(Labels::default());
    }
    if let Some(labels) = plain(text) {
        return Ok(labels);
    }
    let Expr::VectorSelector(selector) = parse(text)? else {
        return Err(format!("`{text}` is not a series"));
    };
    if let Some(matcher) =
        (selector.matchers.matchers.iter()).find(|matcher| matcher.op != MatchOp::Equal)
    {
        return Err(format!("`{matcher}` is not a label with its value"));
    }
    let name = selector.name.iter().map(|name| (NAME, name.as_str()));
    let rest = (selector.matchers.matchers.iter())
        .map(|matcher| (matcher.name.as_str(), matcher.value.as_str()));
    Ok(name.chain(rest).collect())
}

fn recorded_natives(
    labels: Labels,
    values: Vec<Option<samples::NativeSample>>,
    step: Millis,
) -> RecordedNative {
    let samples = values.into_iter().enumerate();
    let samples = samples.filter_map(|(index, value)| Some((step * index as Millis, value?)));
    (labels, samples.collect())
}

/// Gives a series, as promtool's notation has its values, from a moment on; what cannot be read is not given.
pub(crate) fn give(
    memory: &mut Memory,
    labels: Labels,
    values: &str,
    (begin, step, count): (Millis, Millis, usize),
) {
    if samples::are_native(values) {
        if let Ok(values) = samples::natives(values, count) {
            let (labels, mut samples) = recorded_natives(labels, values, step);
            samples.iter_mut().for_each(|(time, _)| *time += begin);
            memory.add_native((labels, samples));
        }
    } else if let Ok(values) = samples::read(values, count) {
        let mut series = recorded(labels, values, step);
        let samples = series.samples.iter_mut();
        samples.for_each(|sample| sample.time += begin);
        memory.add(series);
    }
}

pub fn recorded(labels: Labels, values: Vec<Option<Given>>, step: Millis) -> Recorded {
    let samples = values.into_iter().enumerate().filter_map(|(index, value)| {
        let time = step * index as Millis;
        Some(match value? {
            Given::Number(value) => Sample { time, value },
            Given::Stale => Sample::stale(time),
        })
    });
    Recorded {
        labels,
        samples: samples.collect(),
    }
}
