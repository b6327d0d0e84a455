//! From an alert that fires to whoever is told of it: what Prometheus sends, how the Alertmanager routes and inhibits it, and
//! what its receivers are.

pub mod alerts;
pub(crate) mod delivery;
pub mod inhibition;
pub mod matchers;
pub mod receivers;
pub(crate) mod relabeling;
pub mod routes;
pub(crate) mod server;
pub(crate) mod texts;
pub mod times;

use crate::catalog::Catalog;
use crate::catalog::owners::Told;
use crate::contract::domain::Domain;
use crate::diagnostic::{mistyped_part, surely_meant};
use crate::render::File;
use crate::stack::Stack;
use alerts::{Alerts, Firing};
use inhibition::{Inhibition, Unreadable};
use matchers::{Comparison, Matcher};
use receivers::Receiver;
use routes::Route;
use server::{RETENTION, Server};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use times::Intervals;

/// The Alertmanager's configuration, and every alert that can come to it.
pub struct Notifications<'a> {
    pub(crate) file: &'a File,
    /// None: it has none, and the Alertmanager does not start.
    pub(crate) tree: Option<Route>,
    /// The rules that can be read.
    pub rules: Vec<Inhibition>,
    /// The sides of the others.
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) intervals: Intervals,
    pub(crate) receivers: Vec<Receiver<'a>>,
    pub alerts: Alerts,
    /// The Alertmanagers that compose starts.
    pub(crate) servers: Vec<Server>,
    catalog: &'a Catalog,
    /// Receiver → places of alerts in `alerts.real`.
    told: OnceCell<HashMap<String, Vec<usize>>>,
}

/// An alert with the routes by which it gets to those whom the catalog promises it to.
pub(crate) struct Promised<'n> {
    pub(crate) firing: &'n Firing,
    /// Every route that it ends in.
    pub(crate) ends: Vec<&'n Route>,
    /// Those of them that tell whom the catalog says; all, where that is nobody.
    pub(crate) kept: Vec<&'n Route>,
    /// Everybody whom the catalog tells, with the routes by which they are.
    pub(crate) told: Vec<(Told<'n>, Vec<&'n Route>)>,
}

/// Labels of which every value is known that an alert can have.
const CLOSED: [&str; 5] = ["alertname", "severity", "job", "service", "component"];

impl<'a> Notifications<'a> {
    /// None: nothing of the stack is an Alertmanager's.
    pub(crate) fn of(stack: &Stack<'a>) -> Option<Notifications<'a>> {
        let file = stack.files.alertmanager()?;
        let tree = Route::of(&file.value);
        let (mut rules, mut unreadable) = (Vec::new(), Vec::new());
        for rule in Inhibition::all(&file.value) {
            match rule {
                Ok(rule) => rules.push(rule),
                Err(side) => unreadable.push(side),
            }
        }
        Some(Notifications {
            alerts: Alerts::of(stack, tree.as_ref(), &rules),
            intervals: Intervals::of(&file.value),
            receivers: receivers::all(&file.value),
            servers: Server::all(&stack.containers),
            catalog: stack.catalog,
            file,
            tree,
            rules,
            unreadable,
            told: OnceCell::new(),
        })
    }

    /// A value that a matcher lists among others, which no alert has and is surely mistyped, and what was meant.
    pub(crate) fn mistyped<'m>(&self, matchers: &'m [Matcher]) -> Option<(&'m str, &'m str, &str)> {
        let lists = [Comparison::Matches, Comparison::NotMatches];
        let listed = matchers
            .iter()
            .filter(|matcher| lists.contains(&matcher.comparison))
            .filter(|matcher| CLOSED.contains(&matcher.name.as_str()));
        let mut mistyped = listed.filter_map(|matcher| {
            let possible = self.alerts.possible.iter();
            let known: BTreeSet<&str> = possible
                .filter_map(|firing| firing.labels().get(&matcher.name))
                .map(String::as_str)
                .collect();
            let (part, meant) = mistyped_part(&matcher.value, known.iter().copied())?;
            Some((matcher.name.as_str(), part, meant))
        });
        mistyped.next()
    }

    /// What was meant by a label that no alert has, or by the value of one of which all are known, where that is surely mistyped.
    pub(crate) fn meant(&self, matchers: &[Matcher]) -> Option<&str> {
        let labels = || self.alerts.possible.iter().map(Firing::labels);
        let mut asked = matchers.iter().filter(|matcher| !matcher.value.is_empty());
        asked.find_map(|matcher| {
            let names: BTreeSet<&str> = labels()
                .flat_map(|all| all.keys())
                .map(String::as_str)
                .collect();
            if !names.contains(matcher.name.as_str()) {
                return surely_meant(&matcher.name, names.iter().copied());
            }
            let closed = CLOSED.contains(&matcher.name.as_str());
            let values = labels().filter_map(|all| all.get(&matcher.name));
            let values: BTreeSet<&str> = values.map(String::as_str).collect();
            match matcher.comparison {
                Comparison::Equal if closed => surely_meant(&matcher.value, values.iter().copied()),
                // A pattern has to match the whole value.
                Comparison::Matches if closed && !values.iter().any(|one| matcher.picks(one)) => {
                    let part = format!(".*(?:{}).*", matcher.value);
                    let has = |value: &&str| {
                        let alone = Domain::Values(vec![value.to_string()]);
                        alone.example(&part, true).is_some()
                    };
                    values.iter().copied().find(has)
                }
                _ => None,
            }
        })
    }

    /// The alerts that can come to a receiver, whatever stands before its routes: their places in `alerts.real`.
    pub(crate) fn told(&self, receiver: &str) -> &[usize] {
        let told = self.told.get_or_init(|| {
            let mut told: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, firing) in self.alerts.real.iter().enumerate() {
                let tree = self.tree.iter();
                let reached = tree.flat_map(|tree| tree.reached(&[firing.labels()]));
                let receivers: BTreeSet<&str> = reached.map(Route::receiver).collect();
                for receiver in receivers {
                    told.entry(receiver.to_string()).or_default().push(index);
                }
            }
            told
        });
        told.get(receiver).map_or(&[], Vec::as_slice)
    }

    /// Whether a receiver tells anybody.
    pub(crate) fn tells(&self, receiver: &str) -> bool {
        let mut named = self.receivers.iter();
        named.any(|one| one.name == receiver && !one.integrations().is_empty())
    }

    /// Whether a receiver of the configuration is one of the catalog's: by its name, or because it tells by all the same means.
    fn is(&self, receiver: &str, wanted: &str) -> bool {
        let alike = || {
            let mut named = self.receivers.iter();
            let one = named.find(|one| one.name == receiver)?;
            let wanted = self.catalog.receivers.get(wanted)?;
            let mut means = wanted.entries();
            Some(means.all(|(integration, said)| one.differs(integration, said).is_none()))
        };
        receiver == wanted || alike().unwrap_or(false)
    }

    /// Every alert that is meant for people, and where it ends.
    pub(crate) fn promised(&self) -> Vec<Promised<'_>> {
        let Some(tree) = &self.tree else {
            return Vec::new();
        };
        let meant =
            self.alerts.real.iter().filter(|firing| {
                firing.severity != alerts::NOT_FOR_PEOPLE && firing.sent.is_some()
            });
        meant
            .map(|firing| {
                let ends = tree.ends(firing.labels());
                let by = |receiver: &str| -> Vec<&Route> {
                    let ends = ends.iter().copied();
                    ends.filter(|end| self.is(end.receiver(), receiver))
                        .collect()
                };
                let told = firing.told(self.catalog).into_iter();
                let told: Vec<(Told, Vec<&Route>)> =
                    told.map(|told| (told, by(told.receiver))).collect();
                // Where an own alert does not go by the catalog's routes, its own ones are all there are.
                let own = firing.own && told.iter().all(|(_, by)| by.is_empty());
                let kept = ends.iter().copied().filter(|end| {
                    let mut by = told.iter().flat_map(|(_, by)| by);
                    own || told.is_empty() || by.any(|route| route.pointer == end.pointer)
                });
                Promised {
                    firing,
                    kept: kept.collect(),
                    ends: ends.clone(),
                    told,
                }
            })
            .collect()
    }

    /// How long the Alertmanagers remember what they have notified: the one that forgets first.
    pub(crate) fn retention(&self) -> crate::catalog::Duration {
        let all = self.servers.iter().map(Server::retention);
        all.min().unwrap_or(RETENTION)
    }
}
