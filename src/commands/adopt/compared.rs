//! Whether what was adopted does what it did: the same targets, and the same receivers for every alert.

use super::told::Told;
use crate::contract::targets::{Target, Targets};
use crate::pipeline::Outcome;
use crate::stack::Stack;
use crate::stack::notifications::alerts::Way;
use crate::stack::notifications::matchers::Labels;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a catalog adds to every series of a service.
const ADDED: [&str; 2] = ["service", "component"];

/// The alerts of the rule files, with the labels that their Alertmanager got from that Prometheus. `outcome`: all of them are rules.
pub(super) fn firing(
    outcome: &Outcome,
    alerts: &BTreeSet<&str>,
    prometheus: &Value,
) -> Vec<Labels> {
    let (Some(catalog), Some(rendered)) = (&outcome.catalog, &outcome.rendered) else {
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
    let own = ["prometheus", "alertmanager", "health-probe"];
    let shown = |targets: &Targets, new: bool| -> BTreeMap<(String, String), (Labels, String)> {
        let all = targets.list.iter().filter(|target| {
            let job = target.labels.get("job").map_or("", String::as_str);
            !own.contains(&job) && target.open.is_empty()
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
        shown(&Targets::read(old, &[]), false),
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
