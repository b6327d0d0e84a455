//! What can be wrong with a stand-in: what kinds of alerts say of a service, and what can go wrong on the way to it.

use super::behaviour::{Behaviours, FaultBehaviour};
use crate::catalog::{Alert, Branch, Catalog, Service};
use crate::diagnostic::suggestion;
use crate::kinds::Kinds;
use anyhow::{Result, bail};
use std::fmt;
use std::rc::Rc;

/// What goes wrong between a service and whoever asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Down,
    HealthFails,
    Slow,
    MetricMissing,
    Reset,
    WrongContentType,
    Hanging,
    Garbage,
    Endless,
    Redirect,
    Unauthorized,
}

/// Each with its name on the command line, and what the service then does.
const TRANSPORT: [(Transport, &str, &str); 11] = [
    (Transport::Down, "down", "refuses connections"),
    (
        Transport::HealthFails,
        "health-fails",
        "answers its health path with 503; its metrics stay healthy",
    ),
    (
        Transport::Slow,
        "slow",
        "answers only after the scrape timeout",
    ),
    (
        Transport::MetricMissing,
        "metric-missing",
        "leaves out a declared metric; `metric-missing:NAME` chooses it",
    ),
    (
        Transport::Reset,
        "reset",
        "lets counters go backwards, as several workers do that share a port",
    ),
    (
        Transport::WrongContentType,
        "wrong-content-type",
        "sends its metrics as JSON text",
    ),
    (
        Transport::Hanging,
        "hanging",
        "accepts connections and never answers",
    ),
    (
        Transport::Garbage,
        "garbage",
        "sends bytes that are not metrics",
    ),
    (Transport::Endless, "endless", "never ends its answer"),
    (
        Transport::Redirect,
        "redirect",
        "redirects its metrics to another path",
    ),
    (Transport::Unauthorized, "unauthorized", "answers 401"),
];

/// Those that fail every scrape.
const UNREACHABLE: [Transport; 7] = [
    Transport::Down,
    Transport::Slow,
    Transport::Hanging,
    Transport::Garbage,
    Transport::Endless,
    Transport::Unauthorized,
    Transport::WrongContentType,
];

/// A fault by name, and what it is about where that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// As it is called on the command line.
    pub name: String,
    /// An alert's name, or a metric's without the prefix.
    pub about: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)?;
        self.about
            .as_ref()
            .map_or(Ok(()), |about| write!(f, ":{about}"))
    }
}

/// Every fault of these kinds and of the way to a service: its name, and what the service then does.
pub fn all(kinds: &Kinds) -> Vec<(&str, &str)> {
    let of_kinds = kinds.iter().flat_map(|kind| &kind.faults);
    let of_kinds = of_kinds.map(|fault| (fault.name.as_str(), fault.does.as_str()));
    let mut all: Vec<(&str, &str)> = of_kinds.collect();
    for (_, name, does) in TRANSPORT {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, does));
        }
    }
    all
}

impl Fault {
    /// From `NAME` or `NAME:ABOUT`, for a service of the catalog.
    pub fn parse(text: &str, catalog: &Catalog, service: &str) -> Result<Fault> {
        let (name, about) = match text.split_once(':') {
            Some((name, about)) => (name, Some(about.to_string())),
            None => (text, None),
        };
        let names: Vec<&str> = all(&catalog.kinds)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        if !names.contains(&name) {
            bail!("there is no fault `{name}`: {}", suggestion(name, names));
        }
        let name = name.to_string();
        let fault = Fault { name, about };
        fault.check(catalog, service)?;
        Ok(fault)
    }

    /// What goes wrong on the way to the service; None: the service itself has the fault.
    pub fn transport(&self) -> Option<Transport> {
        let mut all = TRANSPORT.iter();
        all.find(|(_, name, _)| *name == self.name)
            .map(|(transport, ..)| *transport)
    }

    /// A fault that changes nothing would teach nothing.
    fn check(&self, catalog: &Catalog, service: &str) -> Result<()> {
        let of_kind = catalog
            .kinds
            .iter()
            .find(|kind| kind.faults.iter().any(|fault| fault.name == self.name));
        if let Some(kind) = of_kind {
            let chosen = kind.names_metrics();
            if let Some(about) = self.about.as_ref().filter(|_| !chosen) {
                bail!("`{}` takes no `:{about}`", self.name);
            }
            if chosen
                && self
                    .triggers(&Behaviours::of(catalog)?, service)?
                    .is_empty()
            {
                let covering = catalog.alerts.iter();
                let covering = covering.filter(|alert| alert.covers_service(service));
                let able: Vec<&str> = covering.map(|alert| alert.name.as_str()).collect();
                let able = if able.is_empty() {
                    "none".to_string()
                } else {
                    able.join(", ")
                };
                bail!("`{self}` triggers no alert of `{service}`, which is covered by {able}");
            }
            return Ok(());
        }
        if self.transport() != Some(Transport::MetricMissing) {
            if let Some(about) = &self.about {
                bail!("`{}` takes no `:{about}`", self.name);
            }
            return Ok(());
        }
        let emitted =
            |metric: &&crate::catalog::Metric| metric.services.iter().any(|name| name == service);
        let declared = catalog.metrics.iter().filter(emitted);
        let declared: Vec<&str> = declared.map(|metric| metric.key.as_str()).collect();
        match &self.about {
            Some(about) if !declared.contains(&about.as_str()) => {
                bail!(
                    "`{service}` declares no metric `{about}`: {}",
                    suggestion(about, declared)
                )
            }
            None if declared.is_empty() => {
                bail!("`{service}` declares no metric that could be missing")
            }
            _ => Ok(()),
        }
    }

    /// Every way to trigger a branch of an alert, and on which service: for the second another one than for the first, because
    /// the all-clear of the first is still on its way. None: its kind says no fault, so none is known.
    pub fn of_branch<'a>(
        behaviours: &Behaviours,
        alert: &Alert,
        branch: &'a Branch,
    ) -> Result<Vec<(&'a str, Option<Fault>)>> {
        let mut ways: Vec<(&str, Option<Fault>)> = Vec::new();
        for spec in &alert.kind.faults {
            let mut able = Vec::new();
            for name in &branch.services {
                let Some(service) = behaviours.catalog().service(name) else {
                    continue;
                };
                let behaviour = behaviours.one(alert, service)?;
                let mut faults = behaviour.faults.iter();
                let fault = faults.find(|fault| fault.name == spec.name);
                if fault.is_some_and(|fault| can_be_seen(fault, service)) {
                    able.push(name.as_str());
                }
                if able
                    .iter()
                    .any(|name| ways.iter().all(|(used, _)| used != name))
                {
                    break;
                }
            }
            let fresh = able
                .iter()
                .find(|name| ways.iter().all(|(used, _)| used != *name));
            let about = alert.kind.names_metrics().then(|| alert.name.clone());
            let name = spec.name.clone();
            ways.extend(
                fresh
                    .or(able.first())
                    .map(|service| (*service, Some(Fault { name, about }))),
            );
        }
        if ways.is_empty() {
            ways.extend(
                branch
                    .services
                    .first()
                    .map(|service| (service.as_str(), None)),
            );
        }
        Ok(ways)
    }

    /// The alerts that this fault of a service triggers: those it is about, and those that see the same series differ.
    pub fn triggers<'a>(
        &self,
        behaviours: &Behaviours<'a>,
        service: &str,
    ) -> Result<Vec<&'a Alert>> {
        let Some(service) = behaviours.catalog().service(service) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let mut chosen = Vec::new();
        for alert in behaviours.alerts_of(&service.name) {
            let behaviour = behaviours.one(alert, service)?;
            let mut faults = behaviour.faults.iter();
            let fault = match self.transport() {
                Some(transport) if UNREACHABLE.contains(&transport) => {
                    faults.find(|fault| fault.stops("up"))
                }
                _ => faults.find(|fault| fault.name == self.name),
            };
            if let Some(fault) = fault {
                let differs = fault.series.iter().filter(|moving| {
                    let mut healthy = behaviour.healthy.iter();
                    healthy.all(|known| {
                        (&known.metric, &known.like, known.moves)
                            != (&moving.metric, &moving.like, moving.moves)
                    })
                });
                let differs: Vec<String> = differs.map(|moving| moving.metric.clone()).collect();
                if self.about.as_ref() == Some(&alert.name) {
                    chosen.clone_from(&differs);
                }
                found.push((alert, differs));
            }
        }
        if self.about.is_some() && self.transport().is_none() {
            found.retain(|(_, differs)| !chosen.is_empty() && *differs == chosen);
        }
        Ok(found.into_iter().map(|(alert, _)| alert).collect())
    }

    /// What must be seen of an alert under it.
    pub fn expected(
        &self,
        behaviours: &Behaviours,
        alert: &Alert,
        service: &str,
    ) -> Result<Expected> {
        let triggers = self.triggers(behaviours, service)?;
        let triggers = triggers
            .into_iter()
            .map(|alert| alert.name.clone())
            .collect();
        let behaviour = match behaviours.catalog().service(service) {
            Some(service) => behaviours.one(alert, service)?,
            None => Rc::default(),
        };
        let mut faults = behaviour.faults.iter();
        let fault = faults.find(|fault| fault.name == self.name);
        Ok(Expected {
            triggers,
            value: fault.and_then(|fault| fault.value),
            unreachable: fault.is_some_and(|fault| fault.stops("up")),
        })
    }
}

/// What a fault must lead to.
pub struct Expected {
    /// Names of the alerts of the service that fire.
    pub triggers: Vec<String>,
    /// The value with which the alert that it is about fires, where that does not depend on how long the fault has lasted.
    pub value: Option<f64>,
    /// Whether no scrape reaches the service.
    pub unreachable: bool,
}

/// A health check can fail by itself only where it is asked at a path of its own.
fn can_be_seen(fault: &FaultBehaviour, service: &Service) -> bool {
    let health_only = fault.stops("probe_success") && !fault.stops("up");
    !health_only || service.health_path != service.metrics_path
}
