//! What alerts compare, and the values that a panel shows where they fire.

use super::essence::essence;
use super::limits::{Key, Limits};
use crate::catalog::Alert;
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::expressions::Expression;
use crate::stack::world::{Samples, World, series};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// What alerts compare.
pub(super) struct Signals<'a, 's> {
    /// Recorded name → its alert, or the alerts of whose levels it is.
    recorded: BTreeMap<&'a str, Vec<&'a Alert>>,
    /// What a signal is recorded from, in the words of `essence` → the alerts.
    essences: BTreeMap<String, Vec<&'a Alert>>,
    /// Alerts without a threshold, what they compare, and their conditions.
    pub(super) conditions: Vec<(&'a Alert, &'a str, Rc<Expr>)>,
    /// Name of an alert → its signals at their thresholds, of one service of each branch and group.
    thresholds: RefCell<HashMap<&'a str, Rc<World>>>,
    pub(super) stack: &'a Stack<'s>,
}

impl<'a, 's> Signals<'a, 's> {
    pub(super) fn of(stack: &'a Stack<'s>) -> Signals<'a, 's> {
        let mut recorded: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
        for alert in &stack.catalog.alerts {
            // A signal that two alerts share has the thresholds of both: it is looked at by its essence.
            for branch in alert
                .branches
                .iter()
                .filter(|branch| branch.limit().is_some())
            {
                let known = recorded.entry(branch.signal.as_str()).or_default();
                if known.last().is_none_or(|other| other.name != alert.name) {
                    known.push(alert);
                }
            }
        }
        let mut essences: BTreeMap<String, Vec<&Alert>> = BTreeMap::new();
        for (_, _, rule) in stack.files.rules() {
            let alerts = rule["record"].as_str().and_then(|name| recorded.get(name));
            let expr = rule["expr"]
                .as_str()
                .and_then(|text| stack.contract.parse(text).ok());
            let (Some(alerts), Some(expr)) = (alerts, expr) else {
                continue;
            };
            // A budget burns over hours: what a panel shows of this moment has no such threshold, nor has what an alert looks at apart.
            let whole = |alert: &&&Alert| alert.slo.is_none() && alert.reads_whole();
            for alert in alerts.iter().filter(whole) {
                let known = essences.entry(essence(&expr)).or_default();
                if !known.iter().any(|other| other.name == alert.name) {
                    known.push(alert);
                }
            }
        }
        let without = stack.catalog.alerts.iter().filter(|alert| {
            let mut branches = alert.branches.iter();
            alert.signals.len() == 1 && branches.all(|branch| branch.limit().is_none())
        });
        let conditions = without.filter_map(|alert| {
            let rule = stack.written_alert(&alert.name)?;
            let condition = stack.contract.parse(rule["expr"].as_str()?).ok()?;
            Some((alert, alert.signals[0].name.as_str(), condition))
        });
        Signals {
            conditions: conditions.collect(),
            recorded,
            essences,
            thresholds: RefCell::default(),
            stack,
        }
    }

    /// One service of a branch stands for all: a branch is those that do not differ.
    fn at_thresholds(&self, alert: &'a Alert) -> Rc<World> {
        let mut known = self.thresholds.borrow_mut();
        let world = known.entry(&alert.name).or_insert_with(|| {
            let mut samples = Samples::new();
            for branch in &alert.branches {
                let Some((_, limit)) = branch.limit() else {
                    continue;
                };
                for name in first_of_each_group(self.stack, &branch.services) {
                    let Some(service) = self.stack.catalog.service(name) else {
                        continue;
                    };
                    let labels = [
                        ("job", name),
                        ("service", name),
                        ("component", service.group.as_str()),
                    ];
                    samples.push((series(&branch.signal, labels), limit));
                }
            }
            Rc::new(World::plain(&samples))
        });
        world.clone()
    }

    /// The values in a panel at which alerts fire.
    pub(super) fn shown_by(&self, expression: &Expression) -> Limits<'a> {
        let mut limits = Limits::new();
        let named: BTreeSet<&str> = selectors(&expression.ast)
            .into_iter()
            .filter_map(metric)
            .collect();
        let mut alerts: Vec<&'a Alert> = named
            .iter()
            .filter_map(|name| self.recorded.get(name))
            .flatten()
            .copied()
            .collect();
        alerts.dedup_by_key(|alert| &alert.name);
        if alerts.is_empty() {
            for alert in self
                .essences
                .get(&essence(&expression.ast))
                .into_iter()
                .flatten()
            {
                for branch in &alert.branches {
                    if let Some((_, limit)) = branch.limit() {
                        limits.entry(Key(limit)).or_default().insert(&alert.name);
                    }
                }
            }
            return limits;
        }
        for alert in alerts {
            for (_, value) in self
                .at_thresholds(alert)
                .asked(&expression.ast)
                .into_iter()
                .flatten()
            {
                limits.entry(Key(value)).or_default().insert(&alert.name);
            }
        }
        limits
    }

    /// Whether it reads what an alert compares by its name.
    pub(super) fn reads_by_name(&self, expression: &Expression) -> bool {
        let mut named = selectors(&expression.ast).into_iter().filter_map(metric);
        named.any(|name| self.recorded.contains_key(name))
    }
}

/// The first service of each group.
fn first_of_each_group<'s>(stack: &Stack, services: &'s [String]) -> Vec<&'s str> {
    let mut seen = BTreeSet::new();
    let first = services.iter().filter(|name| {
        let group = stack
            .catalog
            .service(name)
            .map(|service| service.group.as_str());
        group.is_some_and(|group| seen.insert(group.to_string()))
    });
    first.map(String::as_str).collect()
}
