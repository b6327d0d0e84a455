//! An alert kind that selects by a label needs the metric to have it.

use super::Lint;
use crate::catalog::{Alert, Catalog, Metric, OF_ALERTS, Service};
use crate::contract::status;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::step;
use crate::value::Value;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "missing-label",
    doc: "The alert's kind selects by a label that the metric is not declared to have, so its selector could never match.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = \"[1-5][0-9]{2}\" }\n\n[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            for (key, property) in &alert.kind.keys {
                let Some(metric) = alert
                    .settings
                    .get(key)
                    .and_then(|value| value.as_str())
                    .and_then(|key| catalog.metric(key))
                else {
                    continue;
                };
                let wanted = property["labels"]
                    .items()
                    .filter_map(|label| label.as_str());
                for label in wanted.filter(|label| !metric.labels.contains_key(label)) {
                    found.push(
                        Diagnostic::error(
                            "missing-label",
                            Place::Value(format!("/alerts/{}/{key}", alert.name)),
                            format!("`{}` has no label `{label}`", metric.key),
                        )
                        .also(
                            Place::Key(format!("/metrics/{}", metric.key)),
                            "declared here",
                        )
                        .help(format!(
                            "declare the label `{label}` on the metric: kind `{}` selects by it",
                            alert.kind.name
                        )),
                    );
                }
            }
        }
        found.extend(unlabelled(catalog));
        found.extend(unanswered(catalog));
        found.extend(unasked(catalog));
        found.extend(of_targets_alone(catalog));
        found
    },
};

/// The labels of the targets that expose a metric.
fn targets<'a>(catalog: &'a Catalog, metric: &Metric) -> BTreeSet<&'a str> {
    let services = catalog.services_of(&metric.services);
    // What a rule has summed up away is none of what it records.
    let kept = |label: &&str| {
        metric
            .keeps
            .as_ref()
            .is_none_or(|keeps| keeps.contains(*label))
    };
    services
        .flat_map(|service| service.target_labels.keys().map(String::as_str))
        .filter(kept)
        .collect()
}

/// A service that an alert covers and of whose targets only some have a label.
fn in_part<'c>(
    catalog: &'c Catalog,
    alert: &'c Alert,
    metric: &Metric,
    label: &str,
) -> Option<&'c str> {
    if metric.labels.contains_key(label) {
        return None;
    }
    let services = alert.covers.iter().map(String::as_str);
    let mut services = services.filter(|name| {
        let service = catalog.service(name);
        let values = service.and_then(|service| service.target_labels.get(label));
        values.is_some_and(|values| values.texts().any(str::is_empty))
    });
    services.next()
}

/// Labels that an alert selects by, or fires apart by, and that a metric which it reads does not have.
fn unasked(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in catalog.written_alerts() {
        let table = alert.table();
        for (key, name, _) in alert.metrics() {
            let Some(metric) = catalog.metric(name) else {
                continue;
            };
            let filter = alert.said_filter(key);
            let filtered = filter.into_iter().flat_map(|filter| {
                let wanted = filter.r#where.keys().map(|label| (label, "where"));
                wanted.chain(filter.except.keys().map(|label| (label, "except")))
            });
            let mut asked: Vec<(&String, Place)> = filtered
                .map(|(label, side)| {
                    let pointer = format!("{table}/{key}/{side}/{}", step(label));
                    (label, Place::Key(pointer))
                })
                .collect();
            let selects = asked.len();
            let apart = alert.per.iter().enumerate();
            asked.extend(
                apart.map(|(at, label)| (label, Place::Value(format!("{table}/per/{at}")))),
            );
            let of_targets = targets(catalog, metric);
            let own = metric.labels.keys().map(String::as_str);
            let known: Vec<&str> = own.chain(of_targets.iter().copied()).collect();
            for (at, (label, place)) in asked.into_iter().enumerate() {
                if let Some(service) =
                    in_part(catalog, alert, metric, label).filter(|_| at >= selects)
                {
                    let message = format!(
                        "`{}` fires apart by `{label}`, and not all targets of `{service}` have it",
                        alert.written_name()
                    );
                    found.push(
                        Diagnostic::error("missing-label", place, message).help(format!(
                            "write it in `labels` of every one of its `targets`, or of `{service}`"
                        )),
                    );
                    continue;
                }
                if at >= selects && OF_ALERTS.contains(&label.as_str()) {
                    let message = format!(
                        "an alert has a `{label}` of its own, in place of that of the series"
                    );
                    let help = format!(
                        "leave it out of `per`; `where = {{ {label} = … }}` chooses among the series"
                    );
                    found.push(Diagnostic::error("missing-label", place, message).help(help));
                    continue;
                }
                if known.contains(&label.as_str()) {
                    continue;
                }
                if Service::OF_ALL.contains(&label.as_str()) {
                    let (message, help) = match at < selects {
                        true => (
                            format!(
                                "`{}` selects services by the label `{label}`",
                                alert.written_name()
                            ),
                            "write `services = [\"…\"]` or `groups = [\"…\"]` in the alert",
                        ),
                        false => (
                            format!("an alert fires for each `{label}` already"),
                            "leave it out of `per`",
                        ),
                    };
                    found.push(Diagnostic::error("missing-label", place, message).help(help));
                    continue;
                }
                let message = format!("`{name}` has no label `{label}`");
                let wrong = Diagnostic::error("missing-label", place, message);
                let otherwise = match (&metric.profile, metric.labels.is_empty()) {
                    (Some(profile), _) => {
                        format!("choose a label that the profile `{profile}` lists")
                    }
                    _ if metric.keeps.is_some() => {
                        format!("keep it in the rule's expression, as in `by ({label}, …)`")
                    }
                    (None, true) => {
                        format!("declare its labels: `labels = {{ {label} = \".+\" }}`")
                    }
                    (None, false) => "declare the label on the metric".to_string(),
                };
                let help = suggestion_or(label, known.iter().copied(), &otherwise);
                let wrong = wrong.help(help);
                found.push(match metric.profile {
                    Some(_) => wrong,
                    None => wrong.also(Place::Key(metric.table()), "declared here"),
                });
            }
        }
    }
    found
}

/// What alerts that read no metric but `up` fire apart by, and their targets do not have.
fn of_targets_alone(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let alerts = catalog.written_alerts();
    for alert in alerts.filter(|alert| !alert.kind.names_metrics() && alert.expression().is_none())
    {
        for (at, label) in alert.per.iter().enumerate() {
            let place = Place::Value(format!("{}/per/{at}", alert.table()));
            if label == "instance" || Service::OF_ALL.contains(&label.as_str()) {
                let message = format!(
                    "`{}` counts instances of a service: by `{label}` there is nothing to count",
                    alert.written_name()
                );
                let help = "name a label by which some of its targets belong together, such as a rack or a zone";
                found.push(Diagnostic::error("missing-label", place, message).help(help));
                continue;
            }
            if OF_ALERTS.contains(&label.as_str()) {
                let message =
                    format!("an alert has a `{label}` of its own, in place of that of its targets");
                let help = "leave it out of `per`";
                found.push(Diagnostic::error("missing-label", place, message).help(help));
                continue;
            }
            let services = || catalog.services_of(&alert.covers);
            let without = |service: &&Service| {
                let values = service.target_labels.get(label);
                values.is_none_or(|values| values.texts().any(str::is_empty))
            };
            let lacking: Vec<&Service> = services().filter(without).collect();
            let Some(first) = lacking.first() else {
                continue;
            };
            let more = match lacking.len() {
                1 => String::new(),
                all => format!(" (and {} more)", all - 1),
            };
            let message = format!(
                "not all targets of `{}`{more} have a label `{label}`",
                first.name
            );
            let known = services().flat_map(|service| service.target_labels.keys());
            let known = known
                .map(String::as_str)
                .filter(|known| *known != "instance" && known != label);
            let otherwise = format!(
                "write it in `labels` of every one of their `targets`, as in `labels = {{ {label} = \"…\" }}`, or name the services that have it: `services = […]` in the alert"
            );
            let help = suggestion_or(label, known, &otherwise);
            found.push(Diagnostic::error("missing-label", place, message).help(help));
        }
    }
    found
}

/// Services of an alert that fires apart by a label which others of its targets have.
fn unlabelled(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in catalog.written_alerts() {
        let table = alert.table();
        let read = alert.metrics().into_iter();
        let read: Vec<&Metric> = read
            .filter_map(|(_, name, _)| catalog.metric(name))
            .collect();
        for (at, label) in alert.per.iter().enumerate() {
            let of_own = read.iter().any(|metric| metric.labels.contains_key(label));
            let has = |name: &String| {
                let service = catalog.service(name);
                service.is_some_and(|service| service.target_labels.contains_key(label))
            };
            let known = |metric: &&Metric| targets(catalog, metric).contains(label.as_str());
            let known = !of_own && read.iter().any(known);
            let lacking: Vec<&String> = alert.covers.iter().filter(|name| !has(name)).collect();
            let Some(first) = lacking.first().filter(|_| known) else {
                continue;
            };
            let more = match lacking.len() {
                1 => String::new(),
                all => format!(" (and {} more)", all - 1),
            };
            let message = format!("the targets of `{first}`{more} have no label `{label}`");
            let help = format!(
                "give it one, as in `labels = {{ {label} = \"…\" }}`, or name the services that have it: `services = […]` in the alert"
            );
            let wrong = Diagnostic::error(
                "missing-label",
                Place::Value(format!("{table}/per/{at}")),
                message,
            );
            found.push(wrong.help(help));
        }
    }
    found
}

/// Requests that no label tells apart by how they were answered; one whose values cannot tell errors is another finding.
fn unanswered(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in catalog.written_alerts() {
        for (key, name, _) in alert.metrics() {
            let asked = alert.kind.says(key, "answers").is_some();
            let Some(metric) = catalog.metric(name).filter(|_| asked) else {
                continue;
            };
            if !metric.errors.is_empty() || status::label(&metric.labels).is_some() {
                continue;
            }
            // Where the alert names none, the metric is the place.
            let place = match alert.settings.get(key).and_then(Value::as_str) == Some(name) {
                true => Place::Value(format!("/alerts/{}/{key}", alert.name)),
                false => Place::Key(format!("/alerts/{}", alert.name)),
            };
            let message = format!("`{name}` has no label `{}`", status::LABELS[0]);
            let labels = status::LABELS.map(|label| format!("`{label}`"));
            let help = format!(
                "declare the label on the metric that says how a request was answered: kind `{}` selects by it, and knows {}",
                alert.kind.name,
                labels.join(", ")
            );
            let wrong = Diagnostic::error("missing-label", place, message).help(help);
            found.push(match metric.profile {
                Some(_) => wrong,
                None => wrong.also(Place::Key(metric.table()), "declared here"),
            });
        }
    }
    found
}
