//! What is done to the stand-ins so that an alert fires: a fault of its kind, or its own test, played.

use super::scene::Scene;
use crate::catalog::alerts::{Expected, OwnTest};
use crate::catalog::{Alert, Branch, Duration, Scope};
use crate::simulation::fault::Fault;
use crate::simulation::replay::{self, Replay};
use anyhow::Result;
use std::collections::BTreeMap;
use std::fmt;

/// What is broken, and how.
pub(crate) enum Breakage {
    Fault(Fault),
    Test {
        name: String,
        /// When the test says that the alert fires.
        at: Duration,
        /// What each service exposes meanwhile, by instance.
        played: BTreeMap<String, Vec<Replay>>,
    },
    /// Nothing that stand-ins do trips the alert: why.
    Unknown(String),
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Breakage::Fault(fault) => fault.fmt(f),
            Breakage::Test { name, .. } => write!(f, "its test: {name}"),
            Breakage::Unknown(_) => f.write_str("-"),
        }
    }
}

/// What must be seen, and what else may be.
#[derive(Default)]
pub(crate) struct Broken {
    /// Names of the alerts of the service that fire.
    pub triggers: Vec<String>,
    /// The value with which the alert fires, where it is known.
    pub value: Option<f64>,
    /// Whether no scrape reaches the service.
    pub unreachable: bool,
    /// Services that expose what a test says, to which anything may happen.
    pub played: Vec<String>,
    /// How long it takes by itself until the alert's condition holds.
    pub lasts: Duration,
}

/// What is broken for one alert of one service, group or the platform, which has no name.
pub(crate) type Planned<'a> = (&'a Alert, &'a Branch, String, Breakage);

impl<'a> Scene<'a> {
    /// The alert's first test that fires and that stand-ins can play, for what it fires for; else why there is none.
    pub(super) fn of_a_test(&self, alert: &'a Alert) -> Option<Planned<'a>> {
        let mut reasons = Vec::new();
        for test in alert.tests() {
            let Some(subject) = test.fires.first().map(subject) else {
                continue;
            };
            let branches = alert.branches.iter();
            let mut of = branches.filter(|branch| {
                let subjects = self.drill.catalog.subjects(alert, branch).into_iter();
                let mut names = subjects.map(|known| known.name().unwrap_or_default());
                names.any(|name| name == subject)
            });
            let Some(branch) = of.next() else { continue };
            match self.playable(alert, &test, &subject) {
                Ok(played) => {
                    let (name, at) = (test.name.to_string(), test.at);
                    return Some((alert, branch, subject, Breakage::Test { name, at, played }));
                }
                Err(reason) => reasons.push((branch, subject, reason)),
            }
        }
        let first = reasons.into_iter().next().or_else(|| {
            let mut all = self.drill.catalog.all_subjects(alert);
            let (branch, subject) = all.next()?;
            let name = subject.name().unwrap_or_default().to_string();
            Some((branch, name, "no test of its own fires".to_string()))
        });
        let (branch, subject, reason) = first?;
        Some((alert, branch, subject, Breakage::Unknown(reason)))
    }

    fn playable(
        &self,
        alert: &Alert,
        test: &OwnTest,
        subject: &str,
    ) -> Result<BTreeMap<String, Vec<Replay>>, String> {
        let told = |reason| format!("its test `{}` cannot be played: {reason}", test.name);
        let played = replay::of_test(test, self.drill.catalog).map_err(told)?;
        for (service, instances) in &played {
            let there = self.fleet.addresses(service).len();
            if instances.len() > there {
                return Err(told(format!(
                    "it has {} instances of `{service}`, the drill has {there}",
                    instances.len()
                )));
            }
        }
        let own = played
            .get(subject)
            .filter(|_| alert.about == Scope::Service);
        let down = own.is_some_and(|own| own.iter().all(|replay| replay.down));
        if down {
            return Err(told(format!(
                "`{subject}` is down in it, which holds its other alerts back"
            )));
        }
        Ok(played)
    }

    /// What a breakage leads to.
    pub(super) fn broken(
        &self,
        breakage: &Breakage,
        alert: &Alert,
        subject: &str,
    ) -> Result<Broken> {
        Ok(match breakage {
            Breakage::Fault(fault) => {
                let expected = fault.expected(&self.behaviours, alert, subject)?;
                Broken {
                    triggers: expected.triggers,
                    value: expected.value,
                    unreachable: expected.unreachable,
                    ..Broken::default()
                }
            }
            Breakage::Test { at, played, .. } => Broken {
                triggers: vec![alert.name.clone()],
                played: played.keys().cloned().collect(),
                lasts: *at,
                ..Broken::default()
            },
            Breakage::Unknown(_) => Broken::default(),
        })
    }

    pub(super) fn begin(&self, breakage: &Breakage, subject: &str) {
        match breakage {
            Breakage::Fault(fault) => {
                self.fleet.set(subject, Some(fault.clone()));
            }
            Breakage::Test { played, .. } => played
                .iter()
                .for_each(|(service, instances)| self.fleet.play(service, instances)),
            Breakage::Unknown(_) => {}
        }
    }

    pub(super) fn end(&self, breakage: &Breakage, subject: &str) {
        match breakage {
            Breakage::Fault(_) => {
                self.fleet.set(subject, None);
            }
            Breakage::Test { played, .. } => played
                .keys()
                .for_each(|service| self.fleet.play(service, &[])),
            Breakage::Unknown(_) => {}
        }
    }
}

/// The service or the group that a test expects the alert for; empty: the platform.
fn subject(expected: &Expected) -> String {
    match expected {
        Expected::Named(name) => (*name).to_string(),
        Expected::Labelled(labels) => {
            let named = ["service", "job", "component"].into_iter();
            let mut named = named.filter_map(|label| labels.get(label)?.as_str());
            named.next().unwrap_or_default().to_string()
        }
        Expected::Whole => String::new(),
    }
}
