//! What the kinds of a catalog's alerts say of its services: how their series are while they are healthy, and under each fault.

use crate::cases::neighbourhood::Neighbourhood;
use crate::cases::phases::Moves;
use crate::cases::{Clock, Moving, Scene, Sources};
use crate::catalog::{Alert, Catalog, Service};
use crate::kinds::{Compares, Side};
use crate::templates::functions::four_scrapes;
use anyhow::{Result, anyhow};
use minijinja::value::{Serde, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Requests, attempts, steps: events a second of a counter that nothing says more about.
pub(crate) const TRAFFIC: f64 = 20.0;

/// Seconds of one step of a case, when it is played.
const STEP: f64 = 15.0;

/// How one alert's kind says that a service behaves.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    /// Its series while nothing is wrong, a second instead of a step.
    pub healthy: Vec<Moving>,
    /// The same under each fault that the service can have.
    pub faults: Vec<FaultBehaviour>,
    /// The threshold, where the kind compares a ratio.
    pub above: Option<f64>,
    /// The threshold of the service, whatever it is compared with.
    pub limit: Option<f64>,
    /// Whether the alert fires below its threshold: what is healthy for it is all the more so when it is higher.
    pub below: bool,
    /// Whether its counters count seconds of real time, however fast the simulation goes.
    pub real_time: bool,
}

/// A fault, played.
#[derive(Debug)]
pub(crate) struct FaultBehaviour {
    /// As it is called on the command line.
    pub name: String,
    /// The series that differ.
    pub series: Vec<Moving>,
    /// The value with which the alert fires, where it does not depend on how long the fault has lasted.
    pub value: Option<f64>,
    /// How many of the service's instances do not have it.
    pub spares: usize,
}

impl FaultBehaviour {
    /// Whether a series is 0 under it, of all instances.
    pub(crate) fn stops(&self, metric: &str) -> bool {
        let stopped = |moving: &Moving| {
            moving.metric == metric && moving.like.is_empty() && moving.moves == Moves::Level(0.0)
        };
        self.spares == 0 && self.series.iter().any(stopped)
    }
}

/// The behaviours of a catalog's services, each kind of them worked out once.
pub(crate) struct Behaviours<'a> {
    catalog: &'a Catalog,
    neighbourhood: Neighbourhood,
    alerts: HashMap<&'a str, Value>,
    bridge: String,
    known: RefCell<HashMap<String, Rc<Behaviour>>>,
    /// Of the service that was asked for last: its alerts are asked for in a row.
    settings: RefCell<(String, Rc<str>)>,
}

impl<'a> Behaviours<'a> {
    pub(crate) fn of(catalog: &'a Catalog) -> Result<Behaviours<'a>> {
        let services = Value::from(Serde(&catalog.services));
        let metrics = Value::from(Serde(&catalog.metrics));
        let bridge = four_scrapes(&services).map_err(|error| anyhow!("{error}"))?;
        let neighbourhood =
            Neighbourhood::of(&services, &metrics).map_err(|error| anyhow!("{error}"))?;
        let alerts = catalog.alerts.iter();
        let alerts = alerts
            .map(|alert| (alert.name.as_str(), Value::from(Serde(alert))))
            .collect();
        Ok(Behaviours {
            catalog,
            neighbourhood,
            alerts,
            bridge,
            known: RefCell::default(),
            settings: RefCell::new((String::new(), Rc::from(""))),
        })
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// How an alert's kind says that a service behaves; nothing, where it does not cover it.
    pub(crate) fn one(&self, alert: &Alert, service: &Service) -> Result<Rc<Behaviour>> {
        let Some(branch) = alert.branch_of(&service.name) else {
            return Ok(Rc::default());
        };
        // Which values of what services expose lead to one that a rule records, its expression does not say.
        if !alert.recorded(self.catalog).is_empty() {
            return Ok(Rc::default());
        }
        let own = self.settings(service)?;
        let key = format!(
            "{} {:?} {:?} {own}",
            alert.name,
            branch.limit(),
            branch.window
        );
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        let behaviour = Rc::new(self.play(alert, branch, service)?);
        self.known.borrow_mut().insert(key, behaviour.clone());
        Ok(behaviour)
    }

    /// What services that behave the same have in common: all but who and where they are.
    fn settings(&self, service: &Service) -> Result<Rc<str>> {
        let mut last = self.settings.borrow_mut();
        if last.0 != service.name {
            let mut settings = service.clone();
            settings.name = String::new();
            settings.group = String::new();
            settings.port = 0;
            settings.metrics_port = None;
            settings.host.clear();
            settings.targets.clear();
            settings.health_urls.clear();
            settings.health_check.clear();
            settings.target_labels.remove("instance");
            for instance in &mut settings.instances {
                instance.address.clear();
                instance.asked.clear();
                instance.health.clear();
            }
            settings.overrides.clear();
            let text = serde_json::to_string(&settings)?;
            *last = (service.name.clone(), Rc::from(text));
        }
        Ok(last.1.clone())
    }

    fn play(
        &self,
        alert: &Alert,
        branch: &crate::catalog::Branch,
        service: &Service,
    ) -> Result<Behaviour> {
        let said = |error: minijinja::Error| anyhow!("{}", error.detail().unwrap_or("it fails"));
        let step = format!("{STEP}s");
        let clock = Clock {
            step: &step,
            bridge: &self.bridge,
            traffic: Some(TRAFFIC * STEP),
        };
        let branch_value = Value::from(Serde(branch));
        let alert_value = &self.alerts[alert.name.as_str()];
        let sources = Sources::of(&alert.kind, alert_value).map_err(said)?;
        let scene = Scene::new(
            &alert.kind,
            &self.neighbourhood,
            alert_value,
            &branch_value,
            (&service.name, &sources),
            &clock,
        )
        .map_err(said)?;
        let mut faults = Vec::new();
        for fault in &alert.kind.faults {
            let (series, value) = scene.faulty(&fault.name).map_err(said)?;
            if !series.is_empty() {
                let name = fault.name.clone();
                let value = value.filter(|_| alert.kind.compares.is_none() && fault.spares == 0);
                let series = series.into_iter().map(a_second).collect();
                faults.push(FaultBehaviour {
                    name,
                    series,
                    value,
                    spares: fault.spares,
                });
            }
        }
        let healthy = scene.healthy().map_err(said)?;
        Ok(Behaviour {
            healthy: healthy.into_iter().map(a_second).collect(),
            faults,
            above: branch
                .above
                .filter(|_| alert.kind.compares == Some(Compares::Ratio)),
            limit: branch.limit().map(|(_, limit)| limit),
            below: alert.side == Side::Below,
            real_time: matches!(alert.kind.compares, Some(Compares::Rate { .. })),
        })
    }

    /// The alerts that cover a service.
    pub(crate) fn alerts_of<'b>(
        &self,
        service: &'b str,
    ) -> impl Iterator<Item = &'a Alert> + use<'a, 'b> {
        let covers = move |alert: &&Alert| alert.covers_service(service);
        self.catalog.alerts.iter().filter(covers)
    }
}

fn a_second(mut moving: Moving) -> Moving {
    if let Moves::Rate(by, restarts) = moving.moves {
        moving.moves = Moves::Rate(by / STEP, restarts);
    }
    moving
}
