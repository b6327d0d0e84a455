//! Every label set that an alert of this stack can carry: the catalog's alerts for their services, and the other rendered ones.

use super::inhibition::Inhibition;
use super::matchers::{Comparison, Labels, Matcher};
use super::relabeling::Relabeling;
use super::routes::Route;
use crate::catalog::owners::{About, Told};
use crate::catalog::{self, Branch, Catalog, Scope, Service, Subject};
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::json::plain;
use crate::stack::Stack;
use crate::stack::expressions::Usage;
use crate::stack::files::Files;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Not meant to reach anybody, such as a watchdog.
pub(crate) const NOT_FOR_PEOPLE: &str = "none";

/// What says which service, or which other job, an alert is about.
const SUBJECT: [&str; 2] = ["service", "job"];

/// Services of one group that nothing here tells apart stand for each other, as long as there is another to be confused with.
const ALIKE: usize = 2;

/// So many values of a label that has more.
const VALUES: usize = 4;

/// One alert that can fire.
#[derive(Clone, Debug)]
pub struct Firing {
    /// Its name as the rule has it.
    pub name: String,
    pub(crate) severity: String,
    /// As the rule makes them.
    pub made: Labels,
    /// As the Alertmanager gets them; None: Prometheus drops the alert.
    pub sent: Option<Labels>,
    /// Whether it is one of the catalog's.
    pub(crate) of_catalog: bool,
    /// Whether its rule is the user's own, of `[extra]`.
    pub(crate) own: bool,
    /// Whether it explains the other alerts of its service.
    pub(crate) holds_back_others: bool,
}

impl Firing {
    /// As the Alertmanager gets them; without any if it does not.
    pub fn labels(&self) -> &Labels {
        self.sent.as_ref().unwrap_or(&self.made)
    }

    /// The service, or the other job, that it is about.
    pub fn subject(&self) -> Option<&str> {
        let labels = SUBJECT.iter().filter_map(|label| self.made.get(*label));
        labels.map(String::as_str).next()
    }

    /// Whether both are about one service. A rule of the user's may call its service otherwise than the job that it reads.
    pub(crate) fn is_about_the_same(&self, other: &Firing) -> bool {
        let one_job = || {
            let job = self.made.get("job");
            job.is_some() && job == other.made.get("job")
        };
        let same = self.subject().is_some() && self.subject() == other.subject();
        same || (!(self.of_catalog && other.of_catalog) && one_job())
    }

    /// A label beside those that every alert has, by which both fire apart, with their values of it.
    pub(crate) fn differs_from<'a>(&'a self, other: &'a Firing) -> Option<(&'a str, [&'a str; 2])> {
        let mut apart = self
            .made
            .iter()
            .filter(|(label, _)| !FIXED.contains(&label.as_str()));
        apart.find_map(|(label, value)| {
            let theirs = other.made.get(label).filter(|theirs| *theirs != value)?;
            Some((label.as_str(), [value.as_str(), theirs.as_str()]))
        })
    }

    /// `Down` of `checkout`.
    pub(crate) fn called(&self) -> String {
        match self.subject() {
            Some(subject) => format!("`{}` of `{subject}`", self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// 0 is the worst; what the catalog does not know is the least.
    pub(crate) fn rank(&self, catalog: &Catalog) -> usize {
        catalog.severities.rank(&self.severity)
    }

    /// Whether the catalog means somebody to be told of it. Where it tells nobody of anything, receivers may still come: then
    /// whatever it knows is taken to be meant.
    pub(crate) fn pages(&self, catalog: &Catalog) -> bool {
        match catalog.notifies() {
            true => !self.told(catalog).is_empty(),
            false => catalog.severities.knows(&self.severity),
        }
    }

    /// What the catalog knows of it, whatever labels it is sent with.
    pub(crate) fn about<'a>(&'a self, catalog: &'a Catalog) -> About<'a> {
        let made = |label: &str| self.made.get(label).map_or("", String::as_str);
        let alert = self.of_catalog.then(|| catalog.alert(&self.name)).flatten();
        let group = || {
            let mut groups = catalog.groups.iter();
            groups.find(|group| group.key == made("component"))
        };
        let owner = match (alert, catalog.service(made("job"))) {
            (Some(alert), Some(service)) => catalog.owner(alert, service),
            (Some(alert), None) => {
                catalog.owner(alert, group().map_or(Subject::Platform, Subject::Group))
            }
            (None, Some(service)) => service
                .owner
                .as_deref()
                .or(catalog.platform.owner.as_deref()),
            _ => catalog.platform.owner.as_deref(),
        };
        let service = catalog.service(made("job"));
        About {
            alert: &self.name,
            severity: &self.severity,
            owner: owner.unwrap_or_default(),
            group: made("component"),
            service: made("job"),
            labels: catalog.with_sent(self.made.clone(), service, &[]),
            ..About::default()
        }
    }

    /// Everybody whom the catalog tells of it.
    pub(crate) fn told<'c>(&self, catalog: &'c Catalog) -> Vec<Told<'c>> {
        catalog.told(&self.about(catalog))
    }
}

/// What can fire.
pub struct Alerts {
    /// As it is.
    pub real: Vec<Firing>,
    /// Also with the other severities of the catalog, which an override may give any service.
    pub(crate) possible: Vec<Firing>,
}

impl Alerts {
    /// Of a stack, as far as the routes and inhibitions can tell alerts apart.
    pub(crate) fn of(stack: &Stack, tree: Option<&Route>, rules: &[Inhibition]) -> Alerts {
        let routes = tree.map_or(Vec::new(), Route::all);
        let way = Way::of(stack.files.config().unwrap_or(&Value::Null));
        let of_relabeling = way.relabeling.asked();
        let asked: Vec<&Matcher> = routes
            .iter()
            .flat_map(|route| &route.matchers)
            .chain(&of_relabeling)
            .chain(
                rules
                    .iter()
                    .flat_map(|rule| rule.source.iter().chain(&rule.target)),
            )
            .collect();
        let more = More::of(stack, &asked);
        let mut alerts = Alerts {
            real: Vec::new(),
            possible: Vec::new(),
        };
        let catalog = stack.catalog;
        for (service, covered) in services(catalog, &asked, way.relabeling.written) {
            for (index, branch) in covered {
                let alert = &catalog.alerts[index];
                alerts.add(catalog, (alert, branch), service.into(), &more, &way);
            }
        }
        for alert in catalog
            .alerts
            .iter()
            .filter(|alert| alert.about != Scope::Service)
        {
            for (branch, subject) in catalog.all_subjects(alert) {
                alerts.add(catalog, (alert, branch), subject, &more, &way);
            }
        }
        let own = stack.files.alerts().filter(|(file, ..)| file.is_own());
        let own: BTreeSet<&str> = own
            .filter_map(|(_, _, rule)| rule["alert"].as_str())
            .collect();
        for (name, made) in &more.others {
            let firing = Firing {
                name: name.clone(),
                severity: made.get("severity").cloned().unwrap_or_default(),
                sent: way.sent(made),
                made: made.clone(),
                of_catalog: false,
                own: own.contains(name.as_str()),
                holds_back_others: false,
            };
            let known = catalog
                .severities
                .names()
                .filter(|_| made.contains_key("severity"));
            for severity in known.filter(|severity| *severity != firing.severity) {
                let mut other = made.clone();
                other.insert("severity".to_string(), severity.to_string());
                alerts.possible.push(Firing {
                    severity: severity.to_string(),
                    sent: way.sent(&other),
                    made: other,
                    ..firing.clone()
                });
            }
            alerts.possible.push(firing.clone());
            alerts.real.push(firing);
        }
        alerts
    }
}

impl Alerts {
    /// One of the catalog's, with what its expression adds to it.
    fn add(
        &mut self,
        catalog: &Catalog,
        (alert, branch): (&catalog::Alert, &Branch),
        subject: Subject,
        more: &More,
        way: &Way,
    ) {
        for severity in catalog.severities.names() {
            let mut own = labels(alert, branch, subject);
            own.insert("severity".to_string(), severity.to_string());
            for made in more.with(&alert.name, &own) {
                let firing = Firing {
                    name: alert.name.clone(),
                    severity: severity.to_string(),
                    sent: way.sent(&made),
                    made,
                    of_catalog: true,
                    own: false,
                    holds_back_others: alert.kind.holds_back_others,
                };
                self.possible.push(firing.clone());
                if branch.severity == severity {
                    self.real.push(firing);
                }
            }
        }
    }
}

/// What Prometheus does to an alert before it is sent: the external labels that it lacks, then relabeling.
pub struct Way {
    external: Labels,
    relabeling: Relabeling,
}

impl Way {
    /// Of a configuration.
    pub fn of(config: &Value) -> Way {
        let external = config["global"]["external_labels"].entries();
        let rules = &config["alerting"]["alert_relabel_configs"];
        Way {
            external: external
                .map(|(label, value)| (label.clone(), plain(value)))
                .collect(),
            relabeling: Relabeling::of(rules),
        }
    }

    /// What is sent; None: it is dropped.
    pub fn sent(&self, made: &Labels) -> Option<Labels> {
        let mut labels = made.clone();
        for (label, value) in &self.external {
            labels.entry(label.clone()).or_insert_with(|| value.clone());
        }
        self.relabeling.after_at_worst(labels)
    }
}

/// Alerts by their places in the catalog, each with the branch that covers a service.
type Covered<'c> = Vec<(usize, &'c Branch)>;

/// The services whose alerts are looked at: of those with the same alerts that no matcher tells apart, a few.
fn services<'a>(
    catalog: &'a Catalog,
    asked: &[&Matcher],
    every: bool,
) -> Vec<(&'a Service, Covered<'a>)> {
    let mut alerts: HashMap<&str, Covered> = HashMap::new();
    for (index, alert) in catalog.alerts.iter().enumerate() {
        for branch in &alert.branches {
            for name in &branch.services {
                let of_service = alerts.entry(name).or_default();
                of_service.push((index, branch));
            }
        }
    }
    let about: Vec<&&Matcher> = asked
        .iter()
        .filter(|matcher| ["job", "service", "component"].contains(&matcher.name.as_str()))
        .collect();
    let of_targets: BTreeSet<&str> = asked
        .iter()
        .map(|matcher| matcher.name.as_str())
        .filter(|name| !FIXED.contains(name))
        .collect();
    // Its alerts with their severities, what each matcher says of it, its group, what its targets have of what is asked for.
    type Class<'c> = (Vec<(usize, &'c str)>, Vec<bool>, &'c str, Vec<String>);
    let mut kept: HashMap<Class, usize> = HashMap::new();
    let chosen = catalog.services.iter().filter_map(|service| {
        let picks = |matcher: &&&Matcher| {
            matcher.picks(match matcher.name.as_str() {
                "component" => &service.group,
                _ => &service.name,
            })
        };
        let mut own = alerts.remove(service.name.as_str()).unwrap_or_default();
        let severities = own
            .iter()
            .map(|(index, branch)| (*index, branch.severity.as_str()));
        let key = (
            severities.collect(),
            about.iter().map(picks).collect(),
            service.group.as_str(),
            of_targets
                .iter()
                .filter_map(|label| service.target_labels.get(*label).map(Value::to_string))
                .collect(),
        );
        let known = kept.entry(key).or_default();
        *known += 1;
        // Of several branches of one alert the first counts.
        own.dedup_by_key(|(index, _)| *index);
        (every || *known <= ALIKE).then_some((service, own))
    });
    chosen.collect()
}

/// The labels that every alert carries that is about a service, or about something else.
pub fn labels<'c>(
    alert: &catalog::Alert,
    branch: &Branch,
    subject: impl Into<Subject<'c>>,
) -> Labels {
    let own = [
        ("alertname", alert.name.as_str()),
        ("severity", branch.severity.as_str()),
    ];
    let own = own.into_iter().chain(subject.into().labels());
    let own = own.map(|(label, value)| (label.to_string(), value.to_string()));
    alert.labels.clone().into_iter().chain(own).collect()
}

/// Labels that an alert of the catalog has of itself and of its service.
const FIXED: [&str; 5] = ["alertname", "severity", "job", "service", "component"];

/// What a series has of its targets beside that, each with the job: all values that a matcher asks for, and a few others.
fn of_targets(stack: &Stack, series: &SeriesSet, asked: &[&Matcher]) -> Vec<Labels> {
    let carried = series.carried.iter();
    let carried: Vec<&String> = carried
        .filter(|label| !FIXED.contains(&label.as_str()))
        .collect();
    if carried.is_empty() {
        return vec![Labels::new()];
    }
    let wanted = |label: &str, value: &str| {
        let mut own = asked.iter().filter(|matcher| matcher.name == label);
        own.any(|matcher| matcher.picks(value))
    };
    let targets = &stack.contract.targets.list;
    let mut many: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found: BTreeSet<Labels> = BTreeSet::new();
    for target in series.targets.ones().map(|index| &targets[index]) {
        let job = target.labels.get("job").map_or("", String::as_str);
        let own = carried.iter();
        let own =
            own.filter_map(|label| Some(((*label).clone(), target.labels.get(*label)?.clone())));
        let mut set: Labels = own.collect();
        let is_asked = set.iter().any(|(label, value)| wanted(label, value));
        let known = many.entry(job).or_default();
        set.insert("job".to_string(), job.to_string());
        // Of a label that is found while Prometheus runs every value is possible.
        for matcher in asked.iter().filter(|one| target.open.contains(&one.name)) {
            let mut values = matcher.value.split('|').chain([matcher.value.as_str()]);
            if let Some(value) = values.find(|value| !value.is_empty() && matcher.picks(value))
                && set.contains_key(&matcher.name)
            {
                let mut other = set.clone();
                other.insert(matcher.name.clone(), value.to_string());
                found.insert(other);
            }
        }
        if (*known < VALUES || is_asked) && found.insert(set) {
            *known += 1;
        }
    }
    match found.is_empty() {
        true => vec![Labels::new()],
        false => found.into_iter().collect(),
    }
}

/// What the expressions add to that.
struct More {
    /// Alert of the catalog → sets of further labels.
    further: HashMap<String, Vec<Labels>>,
    /// Alerts that the catalog does not know, with all their labels.
    others: BTreeSet<(String, Labels)>,
}

impl More {
    fn of(stack: &Stack, asked: &[&Matcher]) -> More {
        let mut more = More {
            further: HashMap::new(),
            others: BTreeSet::new(),
        };
        let mut read = BTreeSet::new();
        for expression in stack.used(Usage::Alert) {
            let name = plain(&expression.owner["alert"]);
            read.insert(name.clone());
            for series in expression.series(&stack.contract) {
                let series = stack
                    .contract
                    .labeled(series.clone(), &expression.owner["labels"]);
                let sets = samples(&series, asked);
                if stack.catalog.alert(&name).is_some() {
                    let further = more.further.entry(name.clone()).or_default();
                    for mut set in sets {
                        set.retain(|label, _| !FIXED.contains(&label.as_str()));
                        for of_target in of_targets(stack, &series, asked) {
                            let mut whole = set.clone();
                            whole.extend(of_target);
                            if !further.contains(&whole) {
                                further.push(whole);
                            }
                        }
                    }
                } else {
                    for set in sets {
                        more.others.extend(carried(stack, &series, &name, &set));
                    }
                }
            }
        }
        // What cannot be read, or returns nothing as far as is known, has its own labels at least.
        for (_, _, rule) in stack.files.alerts() {
            let name = plain(&rule["alert"]);
            let has = more.others.iter().any(|(known, _)| *known == name);
            if stack.catalog.alert(&name).is_none() && !(read.contains(&name) && has) {
                let labels = own_labels(rule);
                more.others.insert((name, labels));
            }
        }
        more
    }

    /// The label sets of one alert of the catalog.
    fn with(&self, alert: &str, own: &Labels) -> Vec<Labels> {
        let further = self.further.get(alert).into_iter().flatten();
        // What targets of another service have is not its own.
        let of_job = |set: &&Labels| set.get("job").is_none_or(|job| own.get("job") == Some(job));
        let further: Vec<&Labels> = further.filter(of_job).collect();
        if further.is_empty() {
            return vec![own.clone()];
        }
        let set = |more: &Labels| {
            let mut set = own.clone();
            set.extend(more.clone());
            set
        };
        further.into_iter().map(set).collect()
    }
}

fn own_labels(rule: &Value) -> Labels {
    let own = rule["labels"].entries();
    let labels = own.map(|(label, value)| (label.clone(), plain(value)));
    let name = ("alertname".to_string(), plain(&rule["alert"]));
    labels.chain([name]).collect()
}

/// The label sets of a series with what its targets have, one for each distinct one.
fn carried(stack: &Stack, series: &SeriesSet, name: &str, own: &Labels) -> Vec<(String, Labels)> {
    let mut own = own.clone();
    own.insert("alertname".to_string(), name.to_string());
    let targets = &stack.contract.targets.list;
    let mut sets = BTreeSet::new();
    for index in series.targets.ones() {
        let mut set = own.clone();
        for label in &series.carried {
            let value = targets[index].labels.get(label).cloned();
            set.insert(label.clone(), value.unwrap_or_default());
        }
        sets.insert(set);
        if sets.len() > 2 * VALUES {
            break;
        }
    }
    if sets.is_empty() {
        sets.insert(own);
    }
    let named = |set: Labels| (name.to_string(), set);
    sets.into_iter().map(named).collect()
}

/// A few sets of the labels of its own that a series can have, those that matchers ask for among them.
fn samples(series: &SeriesSet, asked: &[&Matcher]) -> Vec<Labels> {
    let values = series.labels.iter().map(|(label, domain)| {
        let asked = asked.iter().filter(|matcher| matcher.name == *label);
        (label, sampled(domain, asked.copied()))
    });
    let values: Vec<(&String, Vec<String>)> = values.collect();
    let most = values.iter().map(|(_, values)| values.len()).max();
    let set = |round: usize| {
        let pairs = values.iter().filter(|(_, values)| !values.is_empty());
        pairs
            .map(|(label, values)| ((*label).clone(), values[round % values.len()].clone()))
            .collect()
    };
    (0..most.unwrap_or(1).max(1)).map(set).collect()
}

fn sampled<'m>(domain: &Domain, asked: impl Iterator<Item = &'m Matcher>) -> Vec<String> {
    let mut found: Vec<String> = match domain {
        Domain::Values(values) => values.iter().take(VALUES).cloned().collect(),
        Domain::Pattern(_) => {
            let first = domain.example(".+", true);
            let other = first
                .as_ref()
                .and_then(|first| domain.example(&format!("|\\Q{first}\\E"), false));
            first.into_iter().chain(other).collect()
        }
    };
    for matcher in asked {
        let pattern = matches!(
            matcher.comparison,
            Comparison::Matches | Comparison::NotMatches
        );
        found.extend(match pattern {
            true => domain.example(&matcher.value, true),
            false => Some(matcher.value.clone()).filter(|value| domain.holds(value)),
        });
    }
    found.dedup();
    found
}

/// The labels of the alerts that a tree is asked about: one set for each alert and severity; where routes ask for more than
/// those, one for each service too.
pub fn asked(files: Files, catalog: &Catalog, asked: &BTreeSet<&str>) -> Vec<Labels> {
    let by_service = asked
        .iter()
        .any(|label| !["alertname", "severity"].contains(label));
    let mut found = BTreeSet::new();
    for alert in &catalog.alerts {
        for branch in &alert.branches {
            if !by_service {
                found.insert(BTreeMap::from([
                    ("alertname".to_string(), alert.name.clone()),
                    ("severity".to_string(), branch.severity.clone()),
                ]));
                continue;
            }
            let subjects = catalog.subjects(alert, branch).into_iter();
            found.extend(subjects.map(|subject| labels(alert, branch, subject)));
        }
    }
    let named: BTreeSet<&str> = catalog
        .alerts
        .iter()
        .map(|alert| alert.name.as_str())
        .collect();
    for (_, _, rule) in files.alerts() {
        let foreign = rule["alert"].as_str().filter(|name| !named.contains(name));
        found.extend(foreign.map(|_| own_labels(rule)));
    }
    let Some(config) = files.prometheus().next() else {
        return found.into_iter().collect();
    };
    let way = Way::of(&config.value);
    let found: BTreeSet<Labels> = found.iter().filter_map(|made| way.sent(made)).collect();
    found.into_iter().collect()
}
