//! A metric's label may not be named like a label of its target.

use super::Lint;
use crate::catalog::access::parted;
use crate::catalog::{Catalog, Metric, OF_ALERTS, Service, TAKEN, origin};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Whether every target, or every alert, has a label of this name anyway.
fn is_set(label: &str) -> bool {
    TAKEN.contains(&label) || OF_ALERTS.contains(&label)
}

pub(crate) const LINT: Lint = Lint {
    code: "label-collision",
    doc: "The target's label wins and the metric's own becomes `exported_…`, so every rule and panel on it matches nothing.",
    bad: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { job = \".+\" }\n",
    good: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { task = \".+\" }\n",
    check: |catalog, source| {
        let labels = catalog
            .declared()
            .flat_map(|metric| metric.labels.keys().map(move |label| (metric, label)));
        let of_target = |metric: &Metric, label: &str| {
            let mut emitters = catalog.services_of(&metric.services);
            emitters.find(|service| {
                !service.honor_labels
                    && label != "instance"
                    && service.target_labels.contains_key(label)
            })
        };
        // What is pushed keeps its own where the target's give way; so that it can be told whose it is, they still have theirs.
        let kept = |metric: &Metric, label: &str| {
            let mut emitters = catalog.services_of(&metric.services);
            ["job", "instance"].contains(&label) && emitters.all(|service| service.honor_labels)
        };
        let handed = |metric: &Metric, label: &str| {
            let mut emitters = catalog.services_of(&metric.services);
            emitters.any(|service| service.hands_on.iter().any(|own| own == label))
        };
        let mut found: Vec<Diagnostic> = labels
            .filter_map(|(metric, label)| {
                let reason = match label.as_str() {
                    own if kept(metric, own) => return None,
                    taken if TAKEN.contains(&taken) => {
                        format!("it would arrive as `exported_{label}`")
                    }
                    own if let Some(service) = of_target(metric, own) => {
                        format!("the targets of `{}` have it, and it would arrive as `exported_{label}`", service.name)
                    }
                    "le" | "quantile" if ["histogram", "summary"].contains(&metric.r#type.as_str()) => {
                        format!("the {} has it already", metric.r#type)
                    }
                    // So a label of the service's own arrives that its target has too.
                    pushed if pushed.strip_prefix("exported_").is_some_and(|own| TAKEN.contains(&own)) => {
                        return None;
                    }
                    reserved if reserved.starts_with("exported_") => {
                        "Prometheus gives such names away itself".to_string()
                    }
                    _ => return None,
                };
                let place = Place::Key(format!("/metrics/{}/labels/{label}", metric.key));
                Some(
                    Diagnostic::error(
                        "label-collision",
                        place,
                        format!("the label `{label}` is taken: {reason}"),
                    )
                    .help(match handed(metric, label) {
                        true => format!("remove it: what is pushed has `exported_{label}`, and `per` and filters may name that"),
                        false => "give the label another name, in the catalog and in the service".to_string(),
                    }),
                )
            })
            .collect();
        for service in &catalog.services {
            for (at, target) in source.value["services"][&service.name]["targets"]
                .items()
                .enumerate()
            {
                let taken = target["labels"].entries();
                // A target may be called otherwise than by its address; what is asked through another is what is asked for.
                let named = service.through.is_none();
                let taken =
                    taken.filter(|(label, _)| is_set(label) && !(named && *label == "instance"));
                found.extend(taken.map(|(label, _)| {
                    let place = format!("/services/{}/targets/{at}/labels/{label}", service.name);
                    let message = format!("the label `{label}` of a target is set already");
                    Diagnostic::error("label-collision", Place::Key(place), message)
                        .help("give the label another name")
                }));
            }
            let mut names = BTreeSet::new();
            for (at, one) in service.instances.iter().enumerate() {
                if !names.insert(&one.address) && one.labels.contains_key("instance") {
                    let place = format!("/services/{}/targets/{at}", service.name);
                    let message = format!(
                        "another target of `{}` is called `{}` too",
                        service.name, one.address
                    );
                    found.push(Diagnostic::error("label-collision", Place::Key(place), message).help(
                        "give each its own `instance`: their series would be the same, and Prometheus keeps those of one",
                    ));
                }
            }
            found.extend(one_machine(service));
            found.extend(of_a_profile(catalog, source, service));
            for label in service.labels.keys().filter(|label| is_set(label)) {
                let place = origin(source, service, &format!("labels/{label}"));
                found.push(
                    Diagnostic::error(
                        "label-collision",
                        Place::Key(place.unwrap_or_else(|| format!("/services/{}", service.name))),
                        format!("the label `{label}` of a target is set already"),
                    )
                    .help("give the label another name"),
                );
            }
        }
        found
    },
};

/// Labels of a service that push those aside by which an alert reads what its profiles expose.
fn of_a_profile(catalog: &Catalog, source: &Source, service: &Service) -> Option<Diagnostic> {
    if service.honor_labels || service.labels.is_empty() {
        return None;
    }
    catalog.written_alerts().find_map(|alert| {
        let reads = alert.named_metrics().into_iter();
        let mut taken = reads.filter_map(|(key, read, _)| {
            let metric = catalog.metric(read).filter(|one| one.profile.is_some())?;
            let mut emitters = catalog.services_of(&metric.services);
            emitters.find(|emitter| emitter.name == service.name)?;
            let filter = alert.filters.get(key);
            let asked = filter.into_iter().flat_map(|filter| filter.asks());
            let asked = asked.map(|(label, ..)| label);
            let mut asked = asked.chain(alert.per.iter().map(String::as_str));
            let own = |label: &&str| metric.labels.contains_key(label);
            let label = asked.find(|label| own(label) && service.labels.contains_key(*label))?;
            Some((label.to_string(), metric.name.clone()))
        });
        let (label, metric) = taken.next()?;
        let place = origin(source, service, &format!("labels/{label}"))?;
        let message = format!(
            "the label `{label}` is taken: `{metric}`, by whose `{label}` `{}` tells what is wrong, would have `exported_{label}`",
            alert.written_name()
        );
        let found = Diagnostic::error("label-collision", Place::Key(place), message);
        Some(found.help("give the label of the targets another name"))
    })
}

/// Labels that name a machine.
const MACHINE: [&str; 6] = ["host", "hostname", "machine", "node", "nodename", "vm"];

/// Two addresses that are called the same machine, as a line that was copied leaves them: an alert by that label is about the wrong one.
fn one_machine(service: &Service) -> Option<Diagnostic> {
    // What is asked through an exporter is called as its owner likes.
    let instances = service.instances.iter().enumerate();
    let instances = instances.filter(|_| service.through.is_none());
    let mut known: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (at, one) in instances {
        for label in MACHINE {
            let Some(name) = one.labels.get(label) else {
                continue;
            };
            let host = parted(&one.asked).0;
            let first = *known.entry((label, name.as_str())).or_insert(host);
            if first != host {
                let place = format!("/services/{}/targets/{at}/labels/{label}", service.name);
                let message = format!("`{first}` is called `{name}` too");
                let help = format!("write the `{label}` of `{host}`");
                let found = Diagnostic::error("label-collision", Place::Value(place), message);
                return Some(found.help(help));
            }
        }
    }
    None
}
