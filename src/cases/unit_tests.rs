//! A kind's cases as unit tests for promtool.

use super::expressions::{evaluated, wrong};
use super::neighbourhood::labelled;
use super::phases;
use super::scene::Scene;
use crate::kinds::Case;
use minijinja::value::Value;
use minijinja::{Error, context};

const STATES: [&str; 3] = ["inactive", "pending", "firing"];

/// What must be seen of a case, and when.
#[derive(Default)]
struct Looks {
    /// Step, state and value of the alert.
    checks: Vec<Value>,
    /// Step and value of what it compares.
    signal: Vec<Value>,
    /// The last step of all.
    last: i64,
}

impl Scene<'_> {
    /// The cases as unit tests: `name`, `series`, `given` (series and values), `checks` (step, state, value) and `signal`
    /// (step, value). Of a service that the catalog excepts only the first, in which the alert is silent.
    pub(crate) fn tests(&self, excepted: bool) -> Result<Vec<Value>, Error> {
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
            let looks = self.looks(case, excepted)?;
            let series = self.given(case, looks.last)?;
            let name = if excepted {
                "is silent for it, which the catalog excepts"
            } else {
                &case.name
            };
            tests.push(
                context! { name, series, given => self.constants(looks.last)?, checks => looks.checks, signal => looks.signal, excepted },
            );
        }
        Ok(tests)
    }

    /// What must be seen of a case; of an alert that the catalog excepts only that it is silent.
    fn looks(&self, case: &Case, excepted: bool) -> Result<Looks, Error> {
        let mut looks = Looks::default();
        for seen in &case.seen {
            let at = self.step(&case.name, &seen.at)?;
            if at < 0 || !self.holds(&case.name, seen.when.as_ref())? {
                continue;
            }
            looks.last = looks.last.max(at);
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
                looks.checks.push(Value::from(vec![
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
                looks.signal.push(Value::from(vec![
                    Value::from(at),
                    self.value(&case.name, value)?,
                ]));
            }
        }
        Ok(looks)
    }

    /// The series of a case and their values, up to and with the last step that is looked at.
    fn given(&self, case: &Case, last: i64) -> Result<Vec<Value>, Error> {
        let mut series = Vec::new();
        for name in case.series.keys() {
            let given = self
                .kind
                .series
                .get(name)
                .ok_or_else(|| wrong(self.kind, &case.name, name, "there is no such series"))?;
            let values = phases::notation(&self.phases(case, name)?, last + 1);
            series.extend(
                self.series(given)?
                    .into_iter()
                    .map(|text| Value::from(vec![text, values.clone()])),
            );
        }
        Ok(series)
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
