//! Whether what was adopted does what it did: the same targets, the same alerts, and of each the same receivers and the same others
//! that hold it back.

use super::played::{ADDED, Pair};
use super::told::Told;
use crate::catalog::Catalog;
use crate::contract::targets::{Lists, Target, Targets};
use crate::pipeline::Outcome;
use crate::promql::engine;
use crate::stack::Stack;
use crate::stack::notifications::alerts::{Firing, Way};
use crate::stack::notifications::inhibition::Inhibition;
use crate::stack::notifications::matchers::Labels;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs that monstack has itself.
const OWN: [&str; 3] = ["prometheus", "alertmanager", "health-probe"];

/// The alerts of the rule files, with the labels that their Alertmanager got from that Prometheus. `outcome`: all of them are rules;
/// `catalog`: it knows what only those tell of.
pub(super) fn firing(
    (outcome, catalog): (&Outcome, Option<&Catalog>),
    alerts: &BTreeSet<&str>,
    prometheus: &Value,
) -> Vec<Labels> {
    let catalog = catalog.or(outcome.catalog.as_ref());
    let (Some(catalog), Some(rendered)) = (catalog, &outcome.rendered) else {
        return Vec::new();
    };
    let stack = Stack::read(catalog, rendered);
    let Some(notifications) = stack.notifications() else {
        return Vec::new();
    };
    let way = Way::of(prometheus);
    let own = notifications.alerts.real.iter();
    let own = own.filter(|one| alerts.contains(one.name.as_str()));
    let all: BTreeSet<Labels> = own
        .filter_map(|one| {
            let mut made = one.made.clone();
            if made
                .get("job")
                .is_some_and(|job| catalog.service(job).is_some())
            {
                ADDED.iter().for_each(|label| drop(made.remove(*label)));
            }
            way.sent(&made)
        })
        .collect();
    all.into_iter().collect()
}

/// The first alert that reaches others, or at other times, and how.
pub(super) fn told(
    told: &Told,
    old: &Value,
    before: &[Labels],
    outcome: &Outcome,
) -> Option<String> {
    let (catalog, rendered) = (outcome.catalog.as_ref()?, outcome.rendered.as_ref()?);
    let stack = Stack::read(catalog, rendered);
    let new = stack.files.alertmanager()?.value.clone();
    let mut after: BTreeMap<&str, Vec<&Labels>> = BTreeMap::new();
    for one in &stack.notifications()?.alerts.real {
        let sent = one.sent.iter();
        after.entry(&one.name).or_default().extend(sent);
    }
    for labels in before {
        let name = labels.get("alertname").map_or("", String::as_str);
        let same = |other: &&&Labels| {
            let mut own = labels.iter();
            own.all(|(label, value)| other.get(label).is_none_or(|other| other == value))
        };
        for now in after.get(name).into_iter().flatten().filter(same) {
            if let Some(how) = told.differs((old, labels), (&new, now)) {
                return Some(format!("of {name} {how}"));
            }
        }
    }
    None
}

/// How the targets of the new configuration are others than those of the old one.
pub(super) fn targets(old: &Value, outcome: &Outcome) -> Vec<String> {
    let (Some(catalog), Some(rendered)) = (&outcome.catalog, &outcome.rendered) else {
        return Vec::new();
    };
    let stack = Stack::read(catalog, rendered);
    let shown = |targets: &Targets, new: bool| -> BTreeMap<(String, String), (Labels, String)> {
        let all = targets.list.iter().filter(|target| {
            let job = target.labels.get("job").map_or("", String::as_str);
            !OWN.contains(&job) && target.open.is_empty()
        });
        let one = |target: &Target| {
            let mut labels = target.labels.clone();
            let job = labels.get("job").cloned().unwrap_or_default();
            if new && catalog.service(&job).is_some() {
                ADDED.iter().for_each(|label| drop(labels.remove(*label)));
            }
            let instance = labels.get("instance").cloned().unwrap_or_default();
            let asked = format!(
                "{}://{}{} every {}",
                target.scheme, target.address, target.path, target.interval
            );
            ((job, instance), (labels, asked))
        };
        all.map(one).collect()
    };
    let [before, after] = [
        shown(&Targets::read(old, &[], &Lists::new()), false),
        shown(&stack.contract.targets, true),
    ];
    let looks = |job: &str| {
        let service = catalog.service(job);
        service.is_some_and(|service| service.discovery.is_some())
    };
    let mut said = Vec::new();
    for ((job, instance), (labels, asked)) in before.iter().filter(|((job, _), _)| !looks(job)) {
        match after.get(&(job.clone(), instance.clone())) {
            None => said.push(format!(
                "target {instance} of {job} is not scraped under this name"
            )),
            Some((_, now)) if now != asked => {
                said.push(format!(
                    "target {instance} of {job}: {now} in place of {asked}"
                ));
            }
            Some((now, _)) if now != labels => {
                let differ = labels.keys().chain(now.keys());
                let differ = differ.filter(|label| labels.get(*label) != now.get(*label));
                let differ: BTreeSet<&str> = differ.map(String::as_str).collect();
                let differ: Vec<&str> = differ.into_iter().collect();
                said.push(format!(
                    "target {instance} of {job} has another {}",
                    differ.join(", ")
                ));
            }
            Some(_) => {}
        }
    }
    said
}

/// Each target of the old configuration with its labels there and those that it has now; of a job that looks for its targets, one.
pub(super) fn called(old: &Value, stack: &Stack) -> Vec<Pair> {
    let scraped = Targets::read(old, &[], &Lists::new()).list;
    let closed = scraped.iter().filter(|target| target.open.is_empty());
    let closed: Vec<&Target> = closed.collect();
    let named = |labels: &Labels, label: &str| labels.get(label).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for job in old["scrape_configs"].items().map(|job| &job["job_name"]) {
        let job = job.as_str().unwrap_or_default();
        let of_job = |one: &&Target| named(&one.labels, "job") == job;
        let now = stack.contract.targets.list.iter().filter(of_job);
        let now: Vec<&Target> = now.filter(|target| target.open.is_empty()).collect();
        let mut old = closed.iter().copied().filter(of_job).peekable();
        let added = |labels: &Labels| -> Labels {
            let mut labels = labels.clone();
            if let Some(service) = stack.catalog.service(job) {
                let own = [service.name.clone(), service.group.clone()];
                labels.extend(ADDED.map(str::to_string).into_iter().zip(own));
            }
            labels
        };
        if old.peek().is_none() {
            let own = [("job", job), ("instance", "found.example.org:80")];
            let own: Labels = own
                .map(|(label, value)| (label.to_string(), value.to_string()))
                .into();
            found.push([of_engine(&own), of_engine(&added(&own))]);
        }
        for target in old {
            let mut labels = target.labels.clone();
            // What monstack scrapes itself in its place is called after its container.
            if OWN.contains(&job)
                && let Some(own) = now.first()
            {
                labels.insert("instance".to_string(), named(&own.labels, "instance"));
            }
            let instance = named(&labels, "instance");
            let same = now
                .iter()
                .find(|one| named(&one.labels, "instance") == instance);
            if let Some(same) = same {
                found.push([of_engine(&labels), of_engine(&same.labels)]);
            }
        }
    }
    found
}

fn of_engine(labels: &Labels) -> engine::Labels {
    labels.iter().collect()
}

/// Pairs of the old alerts of which one holds back the other now and did not, or did and does not.
pub(super) fn held_back(old: &Value, before: &[Labels], outcome: &Outcome) -> Vec<String> {
    let (Some(catalog), Some(rendered)) = (&outcome.catalog, &outcome.rendered) else {
        return Vec::new();
    };
    let stack = Stack::read(catalog, rendered);
    let Some(notifications) = stack.notifications() else {
        return Vec::new();
    };
    let rules = Inhibition::of(old);
    let real = notifications.alerts.real.iter();
    let real: Vec<&Firing> = real.filter(|one| one.sent.is_some()).collect();
    let name = |labels: &Labels| labels.get("alertname").cloned().unwrap_or_default();
    let same = |labels: &Labels| {
        let fits = real.iter().filter(|one| one.name == name(labels));
        let mut fits = fits.filter(|one| {
            let mut own = labels.iter();
            own.all(|(label, value)| one.labels().get(label).is_none_or(|other| other == value))
        });
        fits.next().copied()
    };
    let now: Vec<(&Labels, &Firing)> = before
        .iter()
        .filter_map(|labels| Some((labels, same(labels)?)))
        .collect();
    let (mut more, mut less) = (BTreeMap::new(), BTreeMap::new());
    for (source, by) in &now {
        let were = rules.iter().filter(|rule| rule.from(source));
        let were: Vec<&Inhibition> = were.collect();
        let are = notifications
            .rules
            .iter()
            .filter(|rule| rule.from(by.labels()));
        let are: Vec<&Inhibition> = are.collect();
        if were.is_empty() && are.is_empty() {
            continue;
        }
        for (target, held) in now.iter().filter(|(target, _)| target != source) {
            let was = were.iter().any(|rule| rule.holds_back(source, target));
            let is = are
                .iter()
                .any(|rule| rule.holds_back(by.labels(), held.labels()));
            let list: &mut BTreeMap<String, BTreeSet<String>> = match (was, is) {
                (true, false) => &mut less,
                (false, true) => &mut more,
                _ => continue,
            };
            let about = held
                .subject()
                .map_or(String::new(), |of| format!(" of {of}"));
            let held = format!("{}{about}", name(target));
            list.entry(name(source)).or_default().insert(held);
        }
    }
    let line = |how: &str| {
        let how = how.to_string();
        move |(source, targets): (String, BTreeSet<String>)| {
            let count = targets.len();
            let mut shown: Vec<String> = targets.into_iter().take(NAMED).collect();
            if count > shown.len() {
                shown.push(format!("{} more", count - shown.len()));
            }
            format!("while {source} fires, {how} of {}", shown.join(", "))
        }
    };
    let less = less.into_iter().map(line("you are told, as you were not,"));
    let more = more.into_iter().map(line("you are not told, as you were,"));
    less.chain(more).collect()
}

/// So many are named in one line.
const NAMED: usize = 6;
