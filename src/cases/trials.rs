//! A kind's cases for one service: what is given, and what must be seen.

use super::chosen::Labels;
use super::expressions::{evaluated, wrong};
use super::native::{self, Holds};
use super::neighbourhood::labelled;
use super::phases::{self, Phase};
use super::scene::Scene;
use crate::kinds::{Case, Given, Whose};
use minijinja::value::Value;
use minijinja::{Error, context};
use std::collections::BTreeMap;

const STATES: [&str; 3] = ["inactive", "pending", "firing"];

/// One case, with its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// What it shows.
    pub(crate) name: String,
    /// Series and values, as promtool writes them.
    pub(crate) series: Vec<(String, String)>,
    /// What must be seen of the alert.
    pub(crate) checks: Vec<Check>,
    /// Step → what the alert compares; None: there is nothing.
    pub(crate) signal: Vec<(i64, Value)>,
    /// The last step that is looked at.
    pub(crate) last: i64,
}

impl Trial {
    /// Whether the alert is seen to fire.
    pub(crate) fn fires(&self) -> bool {
        self.checks.iter().any(|check| check.state == STATES[2])
    }

    /// Nothing is seen of the alert.
    pub(super) fn silence(&mut self) {
        for check in &mut self.checks {
            check.state = STATES[0].to_string();
            check.value = Value::from(());
        }
    }

    /// The same of an alert that goes on for so many steps once its condition is gone: it is still there where it would have
    /// ended, and ends that much later.
    fn keep(&mut self, steps: i64) {
        if steps == 0 {
            return;
        }
        let state = |check: &Check, is: usize| check.state == STATES[is];
        self.checks.sort_by_key(|check| check.at);
        let fired = self.checks.iter().rposition(|check| state(check, 2));
        let Some(last) = fired else {
            return;
        };
        let behind = self.checks.split_off(last + 1);
        let fires = self.checks[last].at;
        let first = self.checks.iter().position(|check| state(check, 2));
        // Between two looks at which it fires it may have been kept.
        let first = first.map_or(fires, |first| self.checks[first].at);
        self.checks
            .retain(|check| check.at < first || state(check, 2));
        let ended = behind.iter().find(|check| state(check, 0));
        // Its condition was there at the last look, and no longer than until now.
        let goes_on = ended.filter(|check| check.at - fires < steps);
        let goes_on = goes_on.map(|check| Check {
            at: check.at,
            state: STATES[2].to_string(),
            value: Value::from(()),
        });
        let ends = behind.last().filter(|check| state(check, 0));
        let ends = ends.map(|check| Check {
            at: check.at + steps,
            ..check.clone()
        });
        self.checks.extend(goes_on.into_iter().chain(ends));
        self.last = self
            .checks
            .iter()
            .map(|check| check.at)
            .fold(self.last, i64::max);
    }
}

/// A look at the alert.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// The step.
    pub(crate) at: i64,
    /// `inactive`, `pending` or `firing`.
    pub(crate) state: String,
    /// The value with which it fires; none: whatever it is.
    pub(crate) value: Value,
}

impl Scene<'_> {
    /// The cases that can be shown here; of a service that the catalog excepts only the first, in which the alert is silent.
    pub(crate) fn trials(&self, excepted: bool) -> Result<Vec<Trial>, Error> {
        let most = if excepted { 1 } else { usize::MAX };
        let mut trials = Vec::new();
        let (mut firing, mut silenced) = (None, Vec::new());
        for case in &self.kind.cases {
            if trials.len() < most && self.shown(case)? {
                let trial = self.trial(case, excepted)?;
                if firing.is_none() && trial.fires() {
                    firing = Some((case, trial.clone()));
                }
                silenced.extend(self.silenced_throughout(case, &trial)?);
                trials.push(trial);
            }
        }
        if let Some((case, trial)) = firing {
            trials.extend(self.silenced(case, &trial)?);
            trials.extend(silenced);
        }
        Ok(trials)
    }

    /// One of the cases in which the alert fires: which one, counts on over all of them.
    pub(crate) fn firing(&self, which: usize) -> Result<Option<Trial>, Error> {
        let mut all = Vec::new();
        for case in &self.kind.cases {
            if self.shown(case)? {
                let trial = self.looks(case, false)?;
                if trial.fires() {
                    all.push((case, trial));
                }
            }
        }
        if all.is_empty() {
            return Ok(None);
        }
        let (case, mut trial) = all.swap_remove(which % all.len());
        self.give_all(&mut trial, case, 0)?;
        Ok(Some(trial))
    }

    fn trial(&self, case: &Case, excepted: bool) -> Result<Trial, Error> {
        let mut trial = self.looks(case, excepted)?;
        self.give_all(&mut trial, case, 0)?;
        Ok(trial)
    }

    /// A case without its series.
    fn looks(&self, case: &Case, excepted: bool) -> Result<Trial, Error> {
        let mut trial = Trial {
            name: if excepted {
                "is silent for it, which the catalog excepts".to_string()
            } else {
                case.name.clone()
            },
            series: Vec::new(),
            checks: Vec::new(),
            signal: Vec::new(),
            last: 0,
        };
        for seen in &case.seen {
            let at = self.step(&case.name, &seen.at)?;
            if at < 0 || !self.holds(&case.name, seen.when.as_ref())? {
                continue;
            }
            trial.last = trial.last.max(at);
            if let Some(state) = &seen.is {
                let state = match state {
                    _ if excepted => STATES[0].to_string(),
                    state if STATES.contains(&state.as_str()) => state.clone(),
                    state => self.value(&case.name, state)?.to_string(),
                };
                let value = seen.value.as_ref();
                let value = value
                    .map(|value| self.value(&case.name, value))
                    .transpose()?;
                trial.checks.push(Check {
                    at,
                    state,
                    value: value.unwrap_or(Value::from(())),
                });
            }
            // Of a service that is left out nothing need be recorded.
            if let Some(value) = seen.signal.as_ref().filter(|_| !excepted) {
                trial.signal.push((at, self.value(&case.name, value)?));
            }
        }
        if !excepted {
            trial.keep(self.kept);
        }
        Ok(trial)
    }

    /// Adds all series of a case, which begins after so many steps.
    pub(super) fn give_all(
        &self,
        trial: &mut Trial,
        case: &Case,
        begins: i64,
    ) -> Result<(), Error> {
        self.give(trial, (case, begins), &self.chosen.inside, &|_| true)?;
        // What is not read, and what is another alert, is as it should not be where this fires, and fires where this should not.
        if let Some(other) = self.opposite(case)? {
            let own = |given: &Given| given.of == Whose::Service && given.instance.is_none();
            let unread =
                |given: &Given| own(given) && self.chosen.outside.contains_key(self.key(given));
            self.give(trial, (other, begins), &self.chosen.outside, &unread)?;
            let apart =
                |given: &Given| own(given) && self.chosen.apart.contains_key(self.key(given));
            if other.healthy && !case.alone {
                self.give(trial, (other, begins), &self.chosen.apart, &apart)?;
            }
        }
        Ok(())
    }

    /// Of a case in which the alert is silent that of its fault, and of any other the healthy one.
    fn opposite(&self, case: &Case) -> Result<Option<&Case>, Error> {
        let faults = self.kind.faults.iter();
        let of_fault = |other: &Case| faults.clone().any(|fault| fault.case == other.name);
        // A kind that fires on either side of its threshold has some for each.
        for other in &self.kind.cases {
            let opposite = match case.healthy {
                true => of_fault(other),
                false => other.healthy,
            };
            if opposite && self.shown(other)? {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Adds the series of a case, as one side of what the alert picks.
    fn give(
        &self,
        trial: &mut Trial,
        (case, begins): (&Case, i64),
        side: &BTreeMap<String, Labels>,
        wanted: &dyn Fn(&Given) -> bool,
    ) -> Result<(), Error> {
        // Series of native histograms, each with its parts.
        let mut natives: Vec<(String, Vec<native::Part>)> = Vec::new();
        for name in case.series.keys() {
            let given = self
                .kind
                .series
                .get(name)
                .ok_or_else(|| wrong(self.kind, &case.name, name, "there is no such series"))?;
            if !wanted(given) {
                continue;
            }
            let parts = self.parts(given)?;
            for copy in self.copies(given)? {
                let phases = self.phases(case, name, &copy)?.into_iter();
                let phases: Vec<Phase> = phases
                    .map(|phase| phase.times(1.0 / parts as f64))
                    .collect();
                // What is of others was there before.
                let phases = match given.of {
                    Whose::Service | Whose::Probe => phases::later(phases, begins),
                    _ => phases::longer(phases, begins),
                };
                let values = phases::notation(&phases, trial.last + 1, self.seconds);
                for part in 0..parts {
                    let series = self.series(given, &copy, part, side)?.into_iter();
                    if !self.whole(given)? {
                        let given = series.map(|text| (text, values.clone()));
                        trial.series.extend(given);
                        continue;
                    }
                    let holds = match self.bound(given, &copy, part, side)? {
                        Some(bound) => Holds::Within(bound),
                        None if given.suffix == "_sum" => Holds::Sum,
                        None => Holds::All,
                    };
                    for text in series {
                        let part = (holds, values.clone());
                        match natives.iter_mut().find(|(known, _)| *known == text) {
                            Some((_, parts)) => parts.push(part),
                            None => natives.push((text, vec![part])),
                        }
                    }
                }
            }
        }
        let steps = usize::try_from(trial.last + 1).unwrap_or(0);
        for (text, parts) in natives {
            trial.series.push((text, native::merged(&parts, steps)?));
        }
        Ok(())
    }

    /// The same for templates: `name`, `per` (label → value), `series`, `given` (series and values of recording_rules.yml), `checks` (step, state, value)
    /// and `signal` (step, value).
    pub(super) fn tests(&self, excepted: bool) -> Result<Vec<Value>, Error> {
        let test = |trial: Trial| {
            let given = self.constants(trial.last)?;
            let checks = trial.checks.into_iter();
            let checks: Vec<Value> = checks
                .map(|check| Value::from(vec![check.at.into(), check.state.into(), check.value]))
                .collect();
            let signal = trial.signal.into_iter();
            let signal: Vec<Value> = signal
                .map(|(at, value)| Value::from(vec![at.into(), value]))
                .collect();
            let series = trial.series.into_iter();
            let series: Vec<Value> = series
                .map(|(series, values)| Value::from(vec![series, values]))
                .collect();
            let per: BTreeMap<String, String> = self.chosen.per.iter().cloned().collect();
            Ok(context! { name => trial.name, per, series, given, checks, signal, excepted })
        };
        self.trials(excepted)?.into_iter().map(test).collect()
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
}
