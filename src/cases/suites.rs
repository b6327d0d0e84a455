//! The unit tests of alerts, for templates.

use super::neighbourhood::Neighbourhood;
use super::scene::{Clock, Scene, Sources};
use super::{refuse, samples};
use crate::kinds::{Kind, Kinds};
use minijinja::value::Value;
use minijinja::{Error, context};
use std::sync::Arc;

/// The unit tests of alerts, for templates.
pub(crate) struct Suites {
    neighbourhood: Neighbourhood,
    kinds: Arc<Kinds>,
    four_scrapes: String,
    evaluation_interval: String,
}

impl Suites {
    /// Of a catalog, as templates see it: `of(alert)`.
    pub(crate) fn of(
        catalog: &Value,
        kinds: &Arc<Kinds>,
        four_scrapes: String,
    ) -> Result<Value, Error> {
        let neighbourhood = Neighbourhood::of(
            &catalog.get_attr("services")?,
            &catalog.get_attr("metrics")?,
        )?;
        let evaluation_interval = catalog
            .get_attr("prometheus")?
            .get_attr("evaluation_interval")?
            .to_string();
        let suites = Suites {
            neighbourhood,
            kinds: kinds.clone(),
            four_scrapes,
            evaluation_interval,
        };
        Ok(context! { of => Value::from_function(move |alert: Value| suites.of_alert(&alert)) })
    }

    /// Of the services of a branch the first, and the first of those that call the same thing otherwise.
    fn one_of_each(&self, sources: &Sources, branch: &Value) -> Result<Vec<Value>, Error> {
        let mut found: Vec<(String, Value)> = Vec::new();
        for service in branch.get_attr("services")?.try_iter()? {
            let name = service.as_str().unwrap_or_default();
            let source = sources.text(&self.neighbourhood, name)?;
            if !found.iter().any(|(known, _)| *known == source) {
                found.push((source, service));
            }
        }
        Ok(found.into_iter().map(|(_, service)| service).collect())
    }

    /// Whether it reads a native histogram, as a key of its kind or as its objective does.
    fn natives(&self, kind: &Kind, alert: &Value) -> Result<bool, Error> {
        let settings = alert.get_attr("settings")?;
        for key in kind.keys.keys() {
            if kind.says(key, "metric").is_none() {
                continue;
            }
            let named = settings.get_attr(key)?;
            let metric = self
                .neighbourhood
                .metric(named.as_str().unwrap_or_default());
            let whole = metric.map(|metric| metric.get_attr("whole")).transpose()?;
            if whole.is_some_and(|whole| whole.is_true()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `step`, `tests` and `natives` (whether samples of native histograms are given) of an alert: for each branch those of its first service, and of the first service that is excepted,
    /// and the first that the alert does not name.
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
        let mut left_out = Vec::new();
        let sources = Sources::of(kind, alert)?;
        for list in ["excepts", "spares"] {
            for service in alert.get_attr(list)?.try_iter()? {
                if sources.known(&self.neighbourhood, service.as_str().unwrap_or_default())? {
                    left_out.push(service);
                    break;
                }
            }
        }
        let mut tried = Vec::new();
        for branch in &branches {
            let firsts = self.one_of_each(&sources, branch)?;
            tried.extend(firsts.into_iter().map(|service| (branch, service, false)));
        }
        if let Some(branch) = branches.first() {
            tried.extend(left_out.into_iter().map(|service| (branch, service, true)));
        }
        for (branch, service, excepted) in tried {
            let scene = Scene::new(
                kind,
                &self.neighbourhood,
                alert,
                branch,
                (service.as_str().unwrap_or_default(), &sources),
                &clock,
            )?;
            for test in scene.tests(excepted)? {
                tests.push(context! { branch, service => scene.sample.service.clone(), ..test });
            }
        }
        let natives = self.natives(kind, alert)?;
        Ok(context! { step, tests, natives })
    }
}
