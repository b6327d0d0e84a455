//! Which alerts a fault triggers, and which fault triggers an alert.

use super::Fault;
use super::transport::UNREACHABLE;
use crate::catalog::{Alert, Branch, Service};
use crate::simulation::behaviour::{Behaviours, FaultBehaviour};
use anyhow::Result;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a fault must lead to.
pub(crate) struct Expected {
    /// Names of the alerts of the service that fire.
    pub triggers: Vec<String>,
    /// The value with which the alert that it is about fires, where that does not depend on how long the fault has lasted.
    pub value: Option<f64>,
    /// Whether no scrape reaches the service.
    pub unreachable: bool,
}

impl Fault {
    /// Every way to trigger a branch of an alert, and on which service: for the second another one than for the first, because
    /// the all-clear of the first is still on its way. None: its kind says no fault, so none is known.
    pub(crate) fn of_branch<'a>(
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
    pub(crate) fn triggers<'a>(
        &self,
        behaviours: &Behaviours<'a>,
        service: &str,
    ) -> Result<Vec<&'a Alert>> {
        let Some(service) = behaviours.catalog().service(service) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let mut chosen = Vec::new();
        // Instances that are spared are the same, however those that are not are counted.
        let mut spares = 0;
        for alert in behaviours.alerts_of(&service.name) {
            let behaviour = behaviours.one(alert, service)?;
            let same = behaviour
                .faults
                .iter()
                .filter(|fault| fault.name == self.name);
            spares = same.map(|fault| fault.spares).fold(spares, usize::max);
        }
        for alert in behaviours.alerts_of(&service.name) {
            let behaviour = behaviours.one(alert, service)?;
            let mut faults = behaviour.faults.iter();
            let fault = match self.transport() {
                Some(transport) if UNREACHABLE.contains(&transport) => {
                    faults.find(|fault| fault.stops("up"))
                }
                _ => faults.find(|fault| {
                    fault.name == self.name || (spares > 0 && fault.spares == spares)
                }),
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
        // What fails spends budgets, and what spends a budget fails: both see the same series.
        let touched: BTreeSet<String> = found
            .iter()
            .flat_map(|(_, differs)| differs.iter().cloned())
            .collect();
        let budgets = found.iter().any(|(alert, _)| alert.slo.is_some());
        for alert in behaviours.alerts_of(&service.name) {
            let known = found.iter().any(|(known, _)| known.name == alert.name);
            if known || (alert.slo.is_none() && !budgets) {
                continue;
            }
            let behaviour = behaviours.one(alert, service)?;
            let mut series = behaviour.faults.iter().flat_map(|fault| &fault.series);
            if series.any(|moving| touched.contains(&moving.metric)) {
                found.push((alert, Vec::new()));
            }
        }
        Ok(found.into_iter().map(|(alert, _)| alert).collect())
    }

    /// What must be seen of an alert under it.
    pub(crate) fn expected(
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

/// A health check can fail by itself only where it is asked at a path of its own.
fn can_be_seen(fault: &FaultBehaviour, service: &Service) -> bool {
    let health_only = fault.stops("probe_success") && !fault.stops("up");
    !health_only || service.health_path != service.metrics_path
}
