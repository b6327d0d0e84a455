//! One case, run.

use crate::cases::Trial;
use crate::catalog::times::MONTHS;
use crate::catalog::{Alert, Branch, Duration};
use crate::diagnostic::plural;
use crate::evaluation::rules::{Active, Outcome, Rule, Rules, State};
use crate::evaluation::steady::{Steady, counts};
use crate::evaluation::unit_tests::{Series, labels, recorded};
use crate::go_template::functions::significant;
use crate::promql::engine::{Axis, Failure, Labels, Memory, Millis, Release};
use crate::promql::samples;
use chrono::{DateTime, Datelike, TimeDelta};

/// What came of an alert's cases.
#[derive(Default)]
pub(super) struct Play<'a> {
    /// The first of each class that something is wrong with.
    pub(super) wrong: Vec<Wrong>,
    /// The services that something is wrong for.
    pub(super) services: Vec<&'a str>,
}

impl<'a> Play<'a> {
    pub(super) fn add(&mut self, wrong: Wrong, class: &[&'a str]) {
        self.wrong.push(wrong);
        for service in class {
            if !self.services.contains(service) {
                self.services.push(service);
            }
        }
    }
}

/// A case that does not hold.
pub(super) struct Wrong {
    pub(super) case: String,
    /// What was seen instead, and when.
    pub(super) what: String,
    /// The recording rule to blame, where what it gives is promised too.
    pub(super) signal: Option<String>,
    /// What the rules that the alert reads gave for the service at that moment.
    pub(super) readings: Vec<(String, String)>,
}

/// Where and when a case is run.
#[derive(Clone, Copy)]
pub(super) struct World {
    pub(super) release: Release,
    /// The time of its first step: 0 is midnight, the beginning of a Thursday.
    pub(super) begin: Millis,
    pub(super) others: Others,
}

/// What is expected of alerts that are not the one that is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// None fires, and none is there for the tested service.
    Silent,
    /// Other services have series that no case gives: what fires for them is of no interest.
    OfOtherServices,
    /// The service has more to fire for.
    Any,
}

/// A case with its series read, for all worlds in which it is run.
pub(super) struct Staged<'t> {
    trial: &'t Trial,
    step: Millis,
    given: Series,
}

impl<'t> Staged<'t> {
    pub(super) fn of(trial: &'t Trial, step: &str) -> Staged<'t> {
        let step = millis(step);
        let mut given = Series::default();
        give(&mut given, trial, (step, steps(trial.last)), Some);
        Staged { trial, step, given }
    }
}

/// From the first step to this one.
fn steps(last: i64) -> usize {
    usize::try_from(last + 1).unwrap_or(0)
}

/// Adds the series of a case with other labels, or without some; what cannot be read is not given.
fn give(
    given: &mut Series,
    trial: &Trial,
    (step, count): (Millis, usize),
    other: impl Fn(Labels) -> Option<Labels>,
) {
    for (series, values) in &trial.series {
        if let Some(labels) = labels(series).ok().and_then(&other) {
            let _ = given.add(labels, values, (step, count));
        }
    }
}

/// Runs a case; None: it holds.
pub(super) fn play(
    (alert, branch): (&Alert, &Branch),
    promise: &Labels,
    rules: &[&Rule],
    staged: &Staged,
    world: World,
) -> Option<Wrong> {
    let Staged { trial, step, given } = staged;
    let axis = Axis {
        start: world.begin,
        step: *step,
        count: steps(trial.last),
    };
    let mut memory = given.from(world.begin);
    let outcomes = run(rules, axis, world.release, &mut memory);
    let stage = Stage {
        alert,
        branch: Some(branch),
        promise,
        rules,
        memory: &memory,
        begin: world.begin,
        others: world.others,
        step: *step,
        trial,
    };
    let failure = rules.iter().zip(&outcomes).find_map(|(rule, outcome)| {
        let failure = outcome.failure.as_ref()?;
        Some(stage.failed(rule, failure))
    });
    failure
        .or_else(|| stage.signal())
        .or_else(|| stage.states(&outcomes))
}

/// How much a rule that somebody else wrote does in a case as the kind promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    Different,
    /// Where scrapes fail, or the value has just gone back, the kind goes on firing and the rule does not.
    LessSteady,
    Same,
}

/// A rule that somebody else wrote, and how it is tried.
pub(super) struct Outsider<'a> {
    /// The alert's name.
    pub(super) name: &'a str,
    /// Its rule, and those that it reads.
    pub(super) rules: &'a [&'a Rule],
    /// Whether it must tell its alerts apart by no other labels than the kind does.
    pub(super) apart: bool,
    pub(super) is_service: &'a dyn Fn(&str) -> bool,
    /// Gives a series the labels that it really has, beside those that a case is about.
    pub(super) whole: &'a dyn Fn(Labels) -> Labels,
    pub(super) step: &'a str,
}

/// Steps of a case beyond which nobody's rule is run: a year of minutes.
const LONGEST: usize = 366 * 24 * 60;

/// Runs a case over it; `known` are the labels by which the kind tells its alerts apart.
pub(super) fn likeness(
    outsider: &Outsider,
    known: &Labels,
    trial: &Trial,
    release: Release,
) -> Likeness {
    let Outsider {
        name,
        rules,
        apart,
        is_service,
        whole,
        step,
    } = *outsider;
    let step = millis(step);
    let count = steps(trial.last);
    // A number that is no duration in the rule may be years as one: such an alert is another one.
    if count > LONGEST {
        return Likeness::Different;
    }
    let axis = from_the_start(step, count);
    let mut values = trial.series.iter().map(|(_, values)| values);
    let gaps = values.any(|values| values.contains('_') || values.contains("stale"));
    let mut given = Series::default();
    give(&mut given, trial, (step, count), |labels| {
        Some(whole(labels))
    });
    let mut memory = given.from(0);
    let outcomes = run(rules, axis, release, &mut memory);
    if outcomes.iter().any(|outcome| outcome.failure.is_some()) {
        return Likeness::Different;
    }
    let actives = rules.iter().zip(&outcomes);
    let actives = actives.filter(|(rule, _)| rule.alert.is_some() && rule.name == name);
    let actives: Vec<&Active> = actives.flat_map(|(_, outcome)| &outcome.alerts).collect();
    let own = |active: &&&Active| {
        let mut labels = known.iter();
        labels.all(|(label, value)| active.labels.get(label) == value)
    };
    let told = |label: &str| {
        let constant = || {
            let rule = rules
                .iter()
                .find(|rule| rule.alert.is_some() && rule.name == name);
            rule.is_some_and(|rule| rule.constant_labels().any(|(known, _)| known == label))
        };
        ["alertname", "job", "service", "component"].contains(&label)
            || !known.get(label).is_empty()
            || constant()
    };
    let more = |active: &&Active| active.labels.iter().any(|(label, _)| !told(label));
    if apart && actives.iter().any(more) {
        return Likeness::Different;
    }
    let mut fired = false;
    let mut found = Likeness::Same;
    for check in &trial.checks {
        let index = usize::try_from(check.at).unwrap_or(0);
        let is = |active: &&&Active| active.states[index] != State::Inactive;
        let (mine, others): (Vec<&&Active>, Vec<&&Active>) =
            actives.iter().filter(is).partition(own);
        // What nobody scrapes is of no interest.
        let firing = |active: &&&&Active| {
            active.states[index] == State::Firing && is_service(active.labels.get("job"))
        };
        if apart && mine.len() > 1 || others.iter().any(|active| firing(&active)) {
            return Likeness::Different;
        }
        let states = mine.iter().map(|active| active.states[index]);
        let states: Vec<State> = states.collect();
        let state = match states.contains(&State::Firing) {
            true => "firing",
            false => states.first().map_or("inactive", |state| word(*state)),
        };
        if state == check.state {
            fired |= state == "firing";
        } else if check.state != "inactive" && (gaps || fired) {
            found = Likeness::LessSteady;
        } else {
            return Likeness::Different;
        }
    }
    found
}

/// How many worlds that stay as they are two rules are compared in.
const WORLDS: usize = 200;

/// Whether two alerts fire for the same label sets in worlds in which nothing changes: each series of these has a level of its own,
/// or counts at one. `labels` are those by which they are compared, `near` the numbers around which levels are.
pub(super) fn alike_when_steady(
    alerts: [(&str, &[&Rule]); 2],
    read: &[Labels],
    (labels_of, apart, silences): (&[&str], bool, Option<&str>),
    near: &[f64],
    (step, last): (&str, i64),
    release: Release,
) -> bool {
    let step = millis(step);
    let count = steps(last);
    let mut worlds = Steady::around(near);
    let series: Vec<&Labels> = read.iter().collect();
    (0..WORLDS).all(|_| {
        let mut given = Vec::new();
        for (labels, level) in read.iter().zip(worlds.levels(&series)) {
            // What silences an alert is 0 or 1, however that is asked for.
            let level = match silences == Some(labels.get("__name__")) {
                true => f64::from(u8::from(level > 0.0)),
                false => level,
            };
            let counts = counts(labels.get("__name__"));
            let values = (0..count).map(|at| {
                let seconds = step as f64 / 1000.0 * at as f64;
                Some(samples::Value::Number(match counts {
                    true => level.abs() * seconds,
                    false => level,
                }))
            });
            given.push((labels, values.collect::<Vec<_>>()));
        }
        let fires = |(name, rules): (&str, &[&Rule])| {
            let mut memory = Memory::default();
            for (labels, values) in &given {
                memory.add(recorded((*labels).clone(), values.clone(), step));
            }
            let axis = from_the_start(step, count);
            let outcomes = run(rules, axis, release, &mut memory);
            let of_alert = rules.iter().zip(&outcomes);
            let of_alert = of_alert.filter(|(rule, _)| rule.alert.is_some() && rule.name == name);
            let actives = of_alert.flat_map(|(_, outcome)| &outcome.alerts);
            let firing = actives.filter(|active| active.states.last() == Some(&State::Firing));
            let mut found: Vec<Labels> = firing
                .map(|active| active.labels.filtered(|label| labels_of.contains(&label)))
                .collect();
            found.sort();
            if !apart {
                found.dedup();
            }
            found
        };
        fires(alerts[0]) == fires(alerts[1])
    })
}

/// A service that fails together with others.
pub(super) struct Member {
    /// The labels that its alert promises.
    pub(super) promise: Labels,
    /// The case in which the alert fires for it.
    pub(super) trial: Trial,
}

/// Runs the failures of several services at once; the service for which the alert does not fire then.
pub(super) fn together(
    alert: &Alert,
    members: &[Member],
    rules: &[&Rule],
    step: &str,
    releases: &[Release],
) -> Option<(Wrong, String)> {
    let step = millis(step);
    let last = members.iter().map(|member| member.trial.last).max()?;
    let count = steps(last);
    let mut given = Series::default();
    for Member { promise, trial } in members {
        let service = promise.get("service");
        let own = |labels: Labels| Some(labels).filter(|labels| labels.get("service") == service);
        give(&mut given, trial, (step, count), own);
    }
    releases
        .iter()
        .find_map(|release| missed(alert, members, rules, (&given, step, count), *release))
}

/// The same for one release.
fn missed(
    alert: &Alert,
    members: &[Member],
    rules: &[&Rule],
    (given, step, count): (&Series, Millis, usize),
    release: Release,
) -> Option<(Wrong, String)> {
    let mut memory = given.from(0);
    let outcomes = run(rules, from_the_start(step, count), release, &mut memory);
    members.iter().find_map(|member| {
        let stage = Stage {
            alert,
            branch: None,
            promise: &member.promise,
            rules,
            memory: &memory,
            begin: 0,
            others: Others::Silent,
            step,
            trial: &member.trial,
        };
        let promised = member.promise.with("alertname", &alert.name);
        let fires = |at: i64| {
            let active = outcomes.iter().flat_map(|outcome| &outcome.alerts);
            let index = usize::try_from(at).unwrap_or(0);
            let promised = |active: &Active| {
                let mut labels = promised.iter();
                labels.all(|(label, value)| active.labels.get(label) == value)
            };
            active
                .clone()
                .any(|active| promised(active) && active.states[index] == State::Firing)
        };
        let mut firing = member.trial.checks.iter();
        let check = firing.find(|check| check.state == "firing" && !fires(check.at))?;
        let what = format!(
            "with {} failing at once it does not fire for `{}` after {}",
            plural(members.len(), "service"),
            member.promise.get("service"),
            stage.when(check.at)
        );
        let service = member.promise.get("service").to_string();
        Some((stage.wrong(what, None, check.at), service))
    })
}

fn from_the_start(step: Millis, count: usize) -> Axis {
    Axis {
        start: 0,
        step,
        count,
    }
}

fn run(rules: &[&Rule], axis: Axis, release: Release, memory: &mut Memory) -> Vec<Outcome> {
    let rules = Rules {
        rules: rules.to_vec(),
        axis,
        release,
    };
    rules.run(memory)
}

fn millis(step: &str) -> Millis {
    Duration::parse(step)
        .and_then(|step| Millis::try_from(step.0).ok())
        .unwrap_or(1)
        .max(1)
}

/// In milliseconds.
pub(super) const HOUR: Millis = 3_600_000;

/// From the first day of Unix time on.
const WEEK: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// A case that has been run.
struct Stage<'a> {
    alert: &'a Alert,
    /// Whose case it is; None: those of several are run at once.
    branch: Option<&'a Branch>,
    promise: &'a Labels,
    rules: &'a [&'a Rule],
    memory: &'a Memory,
    begin: Millis,
    others: Others,
    step: Millis,
    trial: &'a Trial,
}

impl Stage<'_> {
    fn wrong(&self, what: String, signal: Option<&str>, at: i64) -> Wrong {
        let records = self.rules.iter().filter(|rule| rule.alert.is_none());
        let mut readings: Vec<(String, String)> = Vec::new();
        for rule in records {
            if readings.iter().all(|(name, _)| *name != rule.name) {
                let given = match self.value(&rule.name, at) {
                    Some(value) => format!("is {} for the service", significant(value, 6)),
                    None => "has no series for the service".to_string(),
                };
                readings.push((rule.name.clone(), given));
            }
        }
        Wrong {
            case: self.trial.name.clone(),
            what,
            signal: signal.map(str::to_string),
            readings,
        }
    }

    fn failed(&self, rule: &Rule, failure: &Failure) -> Wrong {
        let what = match failure.certain {
            true => format!("`{}` fails: {}", rule.name, failure.reason),
            false => format!("`{}` cannot be run here: {}", rule.name, failure.reason),
        };
        self.wrong(what, rule.alert.is_none().then_some(&rule.name), 0)
    }

    /// What a recording rule gives for the tested service at a step.
    fn value(&self, record: &str, at: i64) -> Option<f64> {
        let time = self.begin + self.step * at;
        let series = self.memory.family(record).iter();
        let mut own = series.filter(|series| {
            let mut labels = self.promise.iter();
            labels.all(|(label, value)| label == "severity" || series.labels.get(label) == value)
        });
        let samples = &own.next()?.samples;
        let sample = samples.iter().find(|sample| sample.time == time)?;
        (!sample.is_stale()).then_some(sample.value)
    }

    fn when(&self, at: i64) -> String {
        let passed = Duration((self.step * at.max(0)).unsigned_abs());
        let hours = self.begin / HOUR;
        let day = WEEK[(hours / 24) as usize % WEEK.len()];
        match hours / 24 {
            _ if hours == 0 => passed.to_string(),
            0..7 => format!("{passed} from {day} {}:00 UTC on", hours % 24),
            days => {
                let date = DateTime::UNIX_EPOCH + TimeDelta::days(days);
                let month = MONTHS[date.month0() as usize];
                let year = match date.year() {
                    1970 => String::new(),
                    year => format!(" {year}"),
                };
                format!("{passed} from {} {month}{year} on", date.day())
            }
        }
    }

    /// What the alert compares, against what the case says.
    fn signal(&self) -> Option<Wrong> {
        let branch = self.branch?;
        self.trial.signal.iter().find_map(|(at, expected)| {
            let got = self.value(&branch.signal, *at);
            let expected = f64::try_from(expected.clone()).ok();
            let same = match (got, expected) {
                (None, None) => true,
                (Some(got), Some(expected)) => alike(got, expected),
                _ => false,
            };
            let word =
                |value: Option<f64>| value.map_or("nothing".to_string(), |value| value.to_string());
            (!same).then(|| {
                self.wrong(
                    format!(
                        "after {} `{}` gives {}, and it should give {}",
                        self.when(*at),
                        branch.signal,
                        word(got),
                        word(expected)
                    ),
                    Some(&branch.signal),
                    *at,
                )
            })
        })
    }

    /// The states of the alert, against what the case says.
    fn states(&self, outcomes: &[Outcome]) -> Option<Wrong> {
        let of_alert =
            |(rule, _): &(&&Rule, &Outcome)| rule.alert.is_some() && rule.name == self.alert.name;
        let mut alerts = self.rules.iter().zip(outcomes).filter(of_alert);
        let actives: Vec<&Active> = alerts
            .by_ref()
            .flat_map(|(_, outcome)| &outcome.alerts)
            .collect();
        let promised = self.promise.with("alertname", &self.alert.name);
        // A label that is the same for everybody splits nothing and hides nothing: a team, a product.
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.alert.is_some() && rule.name == self.alert.name);
        let more: Vec<&str> = rule
            .iter()
            .flat_map(|rule| rule.constant_labels())
            .map(|(label, _)| label)
            .filter(|label| promised.get(label).is_empty())
            .collect();
        for check in &self.trial.checks {
            let index = usize::try_from(check.at).unwrap_or(0);
            let when = self.when(check.at);
            let mut own = State::Inactive;
            for active in &actives {
                let state = active.states[index];
                if state == State::Inactive {
                    continue;
                }
                if active.labels.filtered(|label| !more.contains(&label)) == promised {
                    own = state;
                    let expected = f64::try_from(check.value.clone()).ok();
                    let value = active.values[index];
                    if let Some(expected) = expected
                        .filter(|expected| state == State::Firing && !alike(value, *expected))
                    {
                        let what = format!(
                            "after {when} it fires with the value {value}, and it should with {expected}"
                        );
                        return Some(self.wrong(what, None, check.at));
                    }
                } else if match self.others {
                    Others::Any => false,
                    _ if active.labels.get("job") == promised.get("job") => true,
                    others => others == Others::Silent && state == State::Firing,
                } {
                    let what = format!(
                        "after {when} it is {} with the labels {}, and {}",
                        word(state),
                        active.labels.filtered(|label| label != "alertname"),
                        match check.state.as_str() {
                            "inactive" => "nothing should".to_string(),
                            _ => format!("only {} should", self.promise),
                        }
                    );
                    return Some(self.wrong(what, None, check.at));
                }
            }
            if word(own) != check.state {
                let what = format!(
                    "after {when} it is {}, and it should be {}",
                    word(own),
                    check.state
                );
                return Some(self.wrong(what, None, check.at));
            }
        }
        None
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Inactive => "inactive",
        State::Pending => "pending",
        State::Firing => "firing",
    }
}

/// Rates are rounded differently from the numbers of a case.
fn alike(got: f64, expected: f64) -> bool {
    got == expected || (got - expected).abs() <= 1e-6 * got.abs().max(expected.abs())
}
