//! Files of unit tests, as `promtool test rules` runs them.

use super::rules::{Active, Library, Outcome, Rule, Rules, Shown, State, millis};
use crate::promql::engine::{
    Axis, Engine, Failure, Labels, Memory, Millis, NAME, Recorded, RecordedNative, Release, Sample,
};
use crate::promql::samples::{self, Value as Given};
use crate::promql::{Expr, MatchOp, parse};
use crate::value::Value;
use std::borrow::Cow;
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

/// The rules that files of tests load.
pub(crate) struct Loaded<'a> {
    /// The groups of the rule files with their names, in the order in which those are named.
    pub(crate) groups: Vec<(String, Vec<&'a Rule>)>,
    library: Library<'a>,
}

impl<'a> Loaded<'a> {
    /// Groups, and the names of those that are evaluated in an order of their own.
    pub(crate) fn of(groups: Vec<(String, Vec<&'a Rule>)>, order: &[String]) -> Loaded<'a> {
        // A group that is not named comes first.
        let place = |name: &str| {
            let place = order.iter().position(|known| known == name);
            place.map_or(0, |at| at + 1)
        };
        let mut sorted: Vec<&(String, Vec<&Rule>)> = groups.iter().collect();
        sorted.sort_by_key(|(name, _)| place(name));
        let rules = sorted.into_iter().flat_map(|(_, rules)| rules);
        let library = Library::of(rules.copied().collect());
        Loaded { groups, library }
    }

    /// All of them.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &'a Rule> {
        self.groups.iter().flat_map(|(_, rules)| rules).copied()
    }
}

/// A file of tests over the rules that it loads.
pub(crate) struct Suite<'a> {
    file: &'a Value,
    parsed: Parsed<'a>,
    interval: Millis,
    loaded: &'a Loaded<'a>,
    instead: Option<(&'a Rule, &'a Rule)>,
}

/// Reads an expression.
type Parsed<'a> = &'a dyn Fn(&str) -> Result<Rc<Expr>, String>;

/// promtool's, where a file says none.
const INTERVAL: Millis = 60_000;

impl<'a> Suite<'a> {
    /// The tests of a file; `parsed` reads their expressions.
    pub(crate) fn new(file: &'a Value, loaded: &'a Loaded<'a>, parsed: Parsed<'a>) -> Suite<'a> {
        let interval = file["evaluation_interval"].as_str().and_then(millis);
        Suite {
            file,
            parsed,
            interval: interval.unwrap_or(INTERVAL).max(1),
            loaded,
            instead: None,
        }
    }

    /// The same with one rule in place of another, of which it reads no more.
    pub(crate) fn with(self, rule: &'a Rule, instead_of: &'a Rule) -> Suite<'a> {
        Suite {
            instead: Some((instead_of, rule)),
            ..self
        }
    }

    /// The rules that alerts and expressions depend on, in their order.
    fn needed<'e>(
        &self,
        alerts: impl Iterator<Item = &'e str>,
        asked: impl Iterator<Item = &'e Expr>,
    ) -> Vec<&'a Rule> {
        let mut needed = self.loaded.library.needed(alerts, asked);
        if let Some((known, other)) = self.instead {
            for rule in &mut needed {
                if std::ptr::eq(*rule, known) {
                    *rule = other;
                }
            }
        }
        needed
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
            match test {
                Ok(test) => test.run(self, releases),
                Err(broken) => releases.iter().map(|of| (*of, broken.clone())).collect(),
            }
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
    let groups = loaded.iter();
    let groups = groups.map(|(name, rules)| (name.clone(), rules.iter().collect()));
    let order = file["group_eval_order"].texts().map(str::to_string);
    let loaded = Loaded::of(groups.collect(), &order.collect::<Vec<_>>());
    let suite = Suite::new(file, &loaded, &|text| parse(text).map(Rc::new));
    found.extend(suite.found(&[release]).map(|(_, found)| found));
    found
}

/// One test.
struct Test<'a> {
    pointer: &'a str,
    expressions: Vec<Asked<'a>>,
    alerts: Vec<Awaited<'a>>,
    given: Series,
    last: Millis,
    unknown: Option<Found>,
}

/// An expression that is asked in a test.
struct Asked<'a> {
    index: usize,
    expr: Result<Rc<Expr>, String>,
    at: Millis,
    case: &'a Value,
}

/// An alert of which a test says whether it fires.
struct Awaited<'a> {
    index: usize,
    name: &'a str,
    at: Millis,
    case: &'a Value,
}

/// Series that are given to rules, from a moment that is 0 here.
#[derive(Default)]
pub(crate) struct Series {
    numbers: Vec<Recorded>,
    natives: Vec<RecordedNative>,
}

impl Series {
    /// Adds the first so many samples of a series, as promtool's notation has its values; the reason, when they are not evaluated.
    pub(crate) fn add(
        &mut self,
        labels: Labels,
        values: &str,
        (step, count): (Millis, usize),
    ) -> Result<(), String> {
        match samples::are_native(values) {
            true => {
                let values = samples::natives(values, count)?;
                self.natives.push(recorded_natives(labels, values, step));
            }
            false => {
                let values = samples::read(values, count)?;
                self.numbers.push(recorded(labels, values, step));
            }
        }
        Ok(())
    }

    /// The same series from a moment on. Of one that is given twice promtool takes the last.
    pub(crate) fn from(&self, begin: Millis) -> Memory {
        let mut memory = Memory::default();
        for Recorded { labels, samples } in &self.numbers {
            let later = samples.iter().map(|sample| Sample {
                time: begin + sample.time,
                ..*sample
            });
            memory.give(Recorded {
                labels: labels.clone(),
                samples: later.collect(),
            });
        }
        for (labels, samples) in &self.natives {
            let later = samples.iter().cloned();
            let later = later.map(|(time, value)| (begin + time, value));
            memory.give_native((labels.clone(), later.collect()));
        }
        memory
    }
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
        let time = |case: &Value, list: &str, index: usize| match case["eval_time"].as_str() {
            None => Ok(0),
            Some(text) => millis(text).ok_or_else(|| {
                broken(
                    format!("/{list}/{index}/eval_time"),
                    format!("`{text}` is not a duration"),
                )
            }),
        };
        let mut expressions = Vec::new();
        for (index, case) in value["promql_expr_test"].items().enumerate() {
            let text = case["expr"].as_str().unwrap_or_default();
            expressions.push(Asked {
                index,
                expr: parsed(text),
                at: time(case, "promql_expr_test", index)?,
                case,
            });
        }
        let mut alerts = Vec::new();
        for (index, case) in value["alert_rule_test"].items().enumerate() {
            alerts.push(Awaited {
                index,
                name: case["alertname"].as_str().unwrap_or_default(),
                at: time(case, "alert_rule_test", index)?,
                case,
            });
        }
        let last = (expressions.iter().map(|asked| asked.at))
            .chain(alerts.iter().map(|awaited| awaited.at))
            .max()
            .unwrap_or(0);
        let step = value["interval"].as_str().and_then(millis);
        let step = step.unwrap_or(interval).max(1);
        // promtool loads no sample after the last evaluation.
        let end = last - last.rem_euclid(interval);
        let most = usize::try_from(end / step + 1).unwrap_or(usize::MAX);
        let mut given = Series::default();
        let mut unknown = None;
        for (index, series) in value["input_series"].items().enumerate() {
            let place = || format!("/input_series/{index}");
            let text = series["series"].as_str().unwrap_or_default();
            let labels =
                labels(text).map_err(|reason| broken(format!("{}/series", place()), reason))?;
            let values = &series["values"];
            let values = values
                .as_str()
                .map_or_else(|| Cow::Owned(values.to_string()), Cow::Borrowed);
            if let Err(reason) = given.add(labels, &values, (step, most)) {
                unknown = Some(Found::Unknown {
                    pointer: format!("{pointer}{}/values", place()),
                    reason,
                });
            }
        }
        Ok(Test {
            pointer,
            expressions,
            alerts,
            given,
            last,
            unknown,
        })
    }

    fn run(&self, suite: &Suite, releases: &[Release]) -> Vec<(Release, Found)> {
        if let Some(unknown) = &self.unknown {
            let unknown = releases.iter().map(|of| (*of, unknown.clone()));
            return unknown.collect();
        }
        let names = self.alerts.iter().map(|awaited| awaited.name);
        let asked = self.expressions.iter();
        let asked = asked.filter_map(|asked| asked.expr.as_deref().ok());
        let needed = suite.needed(names, asked);
        let axis = Axis {
            start: 0,
            step: suite.interval,
            count: usize::try_from(self.last / suite.interval + 1).unwrap_or(0),
        };
        let expected = self.alerts.iter().map(Awaited::expected);
        let expected: Vec<Vec<String>> = expected.collect();
        let samples = self.expressions.iter().map(Asked::expected);
        let samples: Vec<Result<Samples, String>> = samples.collect();
        let mut found = Vec::new();
        for release in releases {
            let rules = Rules {
                rules: needed.clone(),
                axis,
                release: *release,
            };
            let mut memory = self.given.from(0);
            let outcomes = rules.run(&mut memory);
            let failures = outcomes
                .iter()
                .filter_map(|outcome| outcome.failure.as_ref());
            let failures = failures.map(|failure| failed(self.pointer.to_string(), failure));
            found.extend(failures.map(|failed| (*release, failed)));
            for (awaited, expected) in self.alerts.iter().zip(&expected) {
                let got = firing(
                    &rules,
                    &outcomes,
                    awaited.name,
                    (awaited.at / suite.interval) as usize,
                );
                let pointer = || format!("{}/alert_rule_test/{}", self.pointer, awaited.index);
                let wrong = match got {
                    Ok(got) if got == *expected => continue,
                    Ok(got) => Found::Mismatch(Mismatch {
                        pointer: pointer(),
                        at: awaited.at,
                        expected: expected.clone(),
                        got,
                    }),
                    Err(reason) => Found::Unknown {
                        pointer: pointer(),
                        reason,
                    },
                };
                found.push((*release, wrong));
            }
            let engine = rules.engine(&memory);
            for (asked, expected) in self.expressions.iter().zip(&samples) {
                let pointer = || format!("{}/promql_expr_test/{}", self.pointer, asked.index);
                let wrong = match &asked.expr {
                    Ok(expr) => compared(&engine, expr, asked.at, expected, &pointer),
                    Err(reason) => Some(Found::Broken {
                        pointer: pointer(),
                        reason: reason.clone(),
                    }),
                };
                found.extend(wrong.map(|wrong| (*release, wrong)));
            }
        }
        found
    }
}

impl Awaited<'_> {
    /// The alerts that must fire, sorted.
    fn expected(&self) -> Vec<String> {
        let expected = self.case["exp_alerts"].items().map(|alert| {
            let labels = pairs(&alert["exp_labels"]);
            let labels: Labels = labels.collect();
            described(
                &labels.with("alertname", self.name),
                pairs(&alert["exp_annotations"]),
            )
        });
        let mut expected: Vec<String> = expected.collect();
        expected.sort();
        expected
    }
}

/// What an expression gives, sorted.
type Samples = Vec<(Labels, f64)>;

impl Asked<'_> {
    /// The samples that must be there; the reason, when one has no labels that can be read.
    fn expected(&self) -> Result<Samples, String> {
        let expected = self.case["exp_samples"].items().map(|sample| {
            let labels = labels(sample["labels"].as_str().unwrap_or_default())?;
            Ok((labels, number(&sample["value"])))
        });
        Ok(sorted(expected.collect::<Result<_, String>>()?))
    }
}

fn sorted(mut samples: Samples) -> Samples {
    samples.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.total_cmp(y)));
    samples
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
    expected: &Result<Samples, String>,
    pointer: &dyn Fn() -> String,
) -> Option<Found> {
    let engine = Engine {
        shown: Some((at, at)),
        ..*engine
    };
    let found = match engine.series(expr, Axis::one(at)) {
        Ok(found) => found,
        Err(failure) => return Some(failed(pointer(), &failure)),
    };
    let expected = match expected {
        Ok(expected) => expected,
        Err(reason) => {
            return Some(Found::Broken {
                pointer: pointer(),
                reason: reason.clone(),
            });
        }
    };
    let got = found
        .into_iter()
        .filter_map(|series| Some((series.labels, series.values[0]?)));
    let got = sorted(got.collect());
    let same = got.len() == expected.len()
        && got
            .iter()
            .zip(expected)
            .all(|((a, x), (b, y))| a == b && alike(*x, *y));
    let written = |samples: &Samples| {
        let one = |(labels, value): &(Labels, f64)| format!("{labels} {value}");
        samples.iter().map(one).collect()
    };
    (!same).then(|| {
        Found::Mismatch(Mismatch {
            pointer: pointer(),
            at,
            expected: written(expected),
            got: written(&got),
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

/// The alerts of a name that fire at an evaluation, with their annotations, sorted.
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
            let shown = Shown::of(&active.sample, active.values[evaluation]);
            let annotations = alert.annotations.iter().map(|(name, template)| {
                let text = match shown.filled(template) {
                    Ok(text) => text,
                    Err(problem) if problem.certain => {
                        format!("<error expanding template: {}>", problem.reason)
                    }
                    Err(problem) => return Err(problem.reason),
                };
                Ok((name.clone(), text))
            });
            let annotations = annotations.collect::<Result<Vec<_>, String>>()?;
            found.push(described(&active.labels, annotations.into_iter()));
        }
    }
    found.sort();
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
        let (label, behind) = rest.split_once('=')?;
        let (value, behind) = behind.strip_prefix('"')?.split_once('"')?;
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
