//! One disk does not hold back what is said of another.

use super::Lint;
use crate::catalog::owners::Selector;
use crate::catalog::{Alert, Catalog};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "inhibited-across",
    doc: "Alerts that fire apart, for each disk, queue or machine, hold back each other's where an inhibition does not say that they are of the same: while one disk is full, nobody is told that another fills up.",
    bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\nlabels = { queue = [\"mail\", \"print\"] }\n\n[metrics.queue_stuck]\ntype = \"gauge\"\nhelp = \"1 while a queue does not move\"\nlabels = { queue = [\"mail\", \"print\"] }\n\n[alerts.QueueLong]\nkind = \"threshold\"\nmetric = \"queue_length\"\nabove = 100\nper = [\"queue\"]\n\n[alerts.QueueStuck]\nkind = \"threshold\"\nmetric = \"queue_stuck\"\nabove = 0\nper = [\"queue\"]\n\n[inhibit.queues]\nsource = { alert = \"QueueStuck\" }\ntarget = { alert = \"QueueLong\" }\n",
    good: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\nlabels = { queue = [\"mail\", \"print\"] }\n\n[metrics.queue_stuck]\ntype = \"gauge\"\nhelp = \"1 while a queue does not move\"\nlabels = { queue = [\"mail\", \"print\"] }\n\n[alerts.QueueLong]\nkind = \"threshold\"\nmetric = \"queue_length\"\nabove = 100\nper = [\"queue\"]\n\n[alerts.QueueStuck]\nkind = \"threshold\"\nmetric = \"queue_stuck\"\nabove = 0\nper = [\"queue\"]\n\n[inhibit.queues]\nsource = { alert = \"QueueStuck\" }\ntarget = { alert = \"QueueLong\" }\nequal = [\"job\", \"queue\"]\n",
    check,
};

fn check(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for inhibition in &catalog.inhibitions {
        // Of all alerts of a severity, or of a service, somebody has said that one is enough.
        let named = |side: &str| source.contains(&format!("{}/{side}/alert", inhibition.pointer));
        if inhibition.equal.is_empty() || !named("source") || !named("target") {
            continue;
        }
        let picked = |selector: &Selector| -> Vec<&Alert> {
            let alerts = catalog.alerts.iter();
            alerts
                .filter(|alert| catalog.abouts(alert).any(|about| selector.may_pick(&about)))
                .collect()
        };
        let (sources, targets) = (picked(&inhibition.source), picked(&inhibition.target));
        let pairs = sources
            .iter()
            .flat_map(|from| targets.iter().map(move |to| (from, to)));
        let apart = pairs.filter_map(|(from, to)| {
            let missing = |label: &&String| {
                to.per.contains(label)
                    && !inhibition.equal.contains(label)
                    && !inhibition
                        .equal
                        .iter()
                        .any(|other| other == INSTANCE && of_targets(catalog, label))
            };
            let lost: Vec<&String> = from.per.iter().filter(missing).collect();
            (!lost.is_empty()).then_some((*from, *to, lost))
        });
        let mut apart: Vec<_> = apart.collect();
        if apart.is_empty() {
            continue;
        }
        let (from, to, lost) = apart.swap_remove(0);
        let words: Vec<String> = lost.iter().map(|label| format!("`{label}`")).collect();
        let mut equal: BTreeSet<&String> = inhibition.equal.iter().collect();
        equal.extend(lost);
        let equal: Vec<String> = equal.iter().map(|label| format!("\"{label}\"")).collect();
        let message = format!(
            "while `{}` fires for one {}, nobody is told of `{}` for any other",
            from.name,
            words.join(" and "),
            to.name
        );
        let at = format!("{}/equal", inhibition.pointer);
        let place = match source.contains(&at) {
            true => Place::Value(at),
            false => Place::Key(inhibition.pointer.clone()),
        };
        found.push(
            Diagnostic::error("inhibited-across", place, message)
                .help(format!("write `equal = [{}]`", equal.join(", "))),
        );
    }
    found
}

/// The label by which targets are told apart, whatever else they have.
const INSTANCE: &str = "instance";

/// Whether a label is one of targets, which `instance` decides.
fn of_targets(catalog: &Catalog, label: &str) -> bool {
    catalog.services.iter().any(|service| {
        let found = service.discovery.iter();
        service.labels.contains_key(label)
            || found
                .flat_map(|found| found.labels.keys())
                .any(|known| known == label)
            || service
                .instances
                .iter()
                .any(|one| one.labels.contains_key(label))
    })
}
