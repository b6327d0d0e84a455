//! What a route or an inhibition selects by is there.

use super::Lint;
use crate::catalog::owners::About;
use crate::catalog::{Alert, Catalog};
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, Place, mistyped, suggestion_or};
use crate::source::step;
use crate::value::Value;
use std::collections::BTreeSet;

/// Labels that a key of its own stands for, and that key.
const KEYS: [(&str, &str); 6] = [
    ("alertname", "alert"),
    ("severity", "severity"),
    ("owner", "owner"),
    ("component", "group"),
    ("job", "service"),
    ("service", "service"),
];

pub(crate) const LINT: Lint = Lint {
    code: "unmatched-selector",
    doc: "A route or an inhibition for a group or a service that is not there, or for a label that no alert has so, never takes an alert.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[[routes]]\ngroup = \"wbe\"\nreceivers = \"on-call\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[[routes]]\ngroup = \"web\"\nreceivers = \"on-call\"\n",
    check: |catalog, source| {
        let groups = catalog.groups.iter().map(|group| group.key.as_str());
        let services = catalog.services.iter().map(|service| service.name.as_str());
        let known = [
            ("group", "groups", groups.collect::<Vec<_>>()),
            ("service", "services", services.collect()),
        ];
        let routes = source.value["routes"].items().enumerate();
        let mut tables: Vec<(String, &Value)> = routes
            .map(|(at, written)| (format!("/routes/{at}"), written))
            .collect();
        for (name, written) in source.value["inhibit"].entries() {
            for side in ["source", "target"] {
                let pointer = format!("/inhibit/{}/{side}", step(name));
                tables.push((pointer, &written[side]));
            }
        }
        let mut found = Vec::new();
        let abouts = abouts(catalog);
        for (name, written) in source.value["inhibit"].entries() {
            for (at, label) in written["equal"].texts().enumerate() {
                found.extend(mistyped_equal(&abouts, written, label).map(|meant| {
                    let pointer = format!("/inhibit/{}/equal/{at}", step(name));
                    let message = format!("no alert has a label `{label}`: all are equal in it");
                    Diagnostic::error("unmatched-selector", Place::Value(pointer), message)
                        .help(format!("did you mean `{meant}`?"))
                }));
            }
        }
        for (table, written) in tables {
            let of_labels = written["labels"].entries();
            found.extend(of_labels.flat_map(|(label, values)| {
                let pointer = format!("{table}/labels/{}", step(label));
                no_such_label(catalog, &abouts, pointer, label, values)
            }));
            // One of many is not missed by the rendered routes; own alerts are known only to those.
            let alerts = catalog.alerts.iter().map(|alert| alert.name.as_str());
            let levels = catalog.levels.iter().map(|levels| levels.name.as_str());
            let alerts = alerts.chain(levels);
            let mut mistaken = |pointer: String, name: &str| {
                if let Some(meant) = mistyped(name, alerts.clone())
                    && source.value["extra"]["rules"].is_null()
                {
                    let message = format!("there is no alert `{name}`");
                    let error =
                        Diagnostic::error("unmatched-selector", Place::Value(pointer), message);
                    found.push(error.help(format!("did you mean `{meant}`?")));
                }
            };
            match &written["alert"] {
                Value::String(one) => mistaken(format!("{table}/alert"), one),
                many => {
                    for (at, one) in many.texts().enumerate() {
                        mistaken(format!("{table}/alert/{at}"), one);
                    }
                }
            }
            for (key, of, known) in &known {
                let mut lost = |pointer: String, name: &str| {
                    let refused = source.contains(&format!("/{of}/{}", step(name)));
                    if !known.contains(&name) && !refused {
                        let message = format!("there is no {key} `{name}`");
                        found.push(
                            Diagnostic::error("unmatched-selector", Place::Value(pointer), message)
                                .help(suggestion_or(
                                    name,
                                    known.iter().copied(),
                                    &format!("name a {key} of the catalog"),
                                )),
                        );
                    }
                };
                match &written[*key] {
                    Value::String(one) => lost(format!("{table}/{key}"), one),
                    many => {
                        for (at, one) in many.texts().enumerate() {
                            lost(format!("{table}/{key}/{at}"), one);
                        }
                    }
                }
            }
        }
        found
    },
};

/// Every alert of every service that it covers.
fn abouts(catalog: &Catalog) -> Vec<(&Alert, About<'_>)> {
    let mut all = Vec::new();
    for alert in &catalog.alerts {
        all.extend(catalog.abouts(alert).map(|about| (alert, about)));
    }
    all
}

/// The label that was meant by one of `equal`, which no alert has and is surely mistyped.
fn mistyped_equal<'a>(
    abouts: &'a [(&Alert, About)],
    written: &Value,
    label: &str,
) -> Option<&'a str> {
    if abouts.iter().any(|(_, about)| about.may_have_more) {
        return None;
    }
    let own = abouts.iter().flat_map(|(_, about)| {
        about
            .labels
            .keys()
            .map(String::as_str)
            .chain(about.open.iter().copied())
    });
    let known: BTreeSet<&str> = own.chain(KEYS.iter().map(|(label, _)| *label)).collect();
    let meant = mistyped(label, known.iter().copied())?;
    let listed = written["equal"].texts().any(|other| other == meant);
    (label.len() > 3 && !listed).then_some(meant)
}

/// Values of a label that no alert can have.
fn no_such_label(
    catalog: &Catalog,
    abouts: &[(&Alert, About)],
    pointer: String,
    label: &str,
    values: &Value,
) -> Vec<Diagnostic> {
    let error = |pointer: String, message: String| {
        Diagnostic::error("unmatched-selector", Place::Value(pointer), message)
    };
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == label) {
        let message = format!("alerts are chosen by `{label}` with a key of its own");
        let help = format!("write `{key} = …` beside `labels`");
        return vec![error(pointer, message).help(help)];
    }
    let value = |value: &str, pointer: String| {
        let mut all = abouts.iter();
        if all.any(|(alert, about)| {
            about.may_have(label, value) && may_be(catalog, alert, about, label, value)
        }) || abouts.is_empty()
        {
            return None;
        }
        let known: BTreeSet<&str> = abouts
            .iter()
            .filter_map(|(_, about)| about.labels.get(label).map(String::as_str))
            .collect();
        let message = format!("no alert has the label `{label}` with the value `{value}`");
        let apart = abouts.iter().any(|(_, about)| about.open.contains(&label));
        let other = match known.is_empty() {
            _ if apart => {
                format!("name a value that `{label}` has where an alert fires apart by it")
            }
            true => format!(
                "write `labels = {{ {label} = \"{value}\" }}` at an alert or a service, or name a label that is there"
            ),
            false => "name a value that an alert has, or write this one at an alert or a service"
                .to_string(),
        };
        Some(error(pointer, message).help(suggestion_or(value, known, &other)))
    };
    match values {
        Value::String(one) => value(one, pointer).into_iter().collect(),
        many => many
            .texts()
            .enumerate()
            .filter_map(|(at, one)| value(one, format!("{pointer}/{at}")))
            .collect(),
    }
}

/// Whether a label that an alert fires apart by can have a value, as far as its metrics or its targets say.
fn may_be(catalog: &Catalog, alert: &Alert, about: &About, label: &str, value: &str) -> bool {
    if about.labels.contains_key(label) || alert.expression().is_some() {
        return true;
    }
    let metrics = alert.metrics().into_iter();
    let metrics = metrics.filter_map(|(_, metric, _)| catalog.metric(metric));
    let mut of_metrics = metrics
        .filter_map(|metric| metric.labels.get(label))
        .peekable();
    if of_metrics.peek().is_some() {
        return of_metrics.all(|values| Domain::declared(values).holds(value));
    }
    let of_target = catalog.service(about.service);
    let of_target = of_target.and_then(|service| service.target_labels.get(label));
    of_target.is_none_or(|values| Domain::declared(values).holds(value))
}
