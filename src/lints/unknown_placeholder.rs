//! What stands in braces is something that Prometheus can fill in.

use super::Lint;
use crate::catalog::Catalog;
use crate::catalog::placeholders::{Part, known, parts};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::{Source, step};
use crate::value::Value;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-placeholder",
    doc: "Braces in what an alert says are filled in when it fires: with the service, its value, a label. Whoever is woken would read a misspelt one as it stands.",
    bad: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\ndescription = \"{servce} uses {value} of its memory.\"\n",
    good: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\ndescription = \"{service} uses {value} of its memory.\"\n",
    check: |catalog, source| {
        let alerts = catalog.written_alerts().filter(|alert| alert.slo.is_none());
        let alerts = alerts.map(|alert| ("alerts", alert.written_name()));
        let slos = catalog.slos.iter().map(|slo| ("slos", slo.name.as_str()));
        let tables = alerts.chain(slos);
        tables
            .flat_map(|(table, name)| {
                let labels = labels(catalog, name);
                unknown(&format!("/{table}/{}", step(name)), &labels, source)
            })
            .collect()
    },
};

/// The labels that the alerts of a name may have beside those of every alert.
fn labels<'c>(catalog: &'c Catalog, name: &str) -> BTreeSet<&'c str> {
    let alerts = catalog.alerts.iter();
    let alerts = alerts.filter(|alert| alert.written_name() == name);
    let own = alerts.flat_map(|alert| {
        let metrics = alert.metrics().into_iter();
        let read = metrics.filter_map(|(_, metric, _)| catalog.metric(metric));
        let read = read.flat_map(|metric| metric.labels.keys());
        let own = alert.per.iter().chain(alert.labels.keys());
        read.chain(own).map(String::as_str)
    });
    own.collect()
}

fn unknown(table: &str, labels: &BTreeSet<&str>, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let written = source.value.pointer(&format!("{table}/annotations"));
    let own = written.into_iter().flat_map(Value::entries);
    let own = own.map(|(name, _)| format!("annotations/{}", step(name)));
    let keys = ["summary", "description"].map(str::to_string).into_iter();
    for key in keys.chain(own) {
        let place = format!("{table}/{key}");
        let text = source.value.pointer(&place).and_then(|text| text.as_str());
        for part in parts(text.unwrap_or_default()) {
            let Part::Unknown(name) = part else { continue };
            let all: Vec<String> = known().collect();
            let help = match labels.contains(name) {
                true => format!("`{name}` is a label: did you mean `{{label:{name}}}`?"),
                false => suggestion(name, all.iter().map(String::as_str)),
            };
            found.push(
                Diagnostic::error(
                    "unknown-placeholder",
                    Place::Value(place.clone()),
                    format!("there is no placeholder `{{{name}}}`"),
                )
                .help(help),
            );
        }
    }
    found
}
