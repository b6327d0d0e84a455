//! What stands in braces is something that Prometheus can fill in.

use super::Lint;
use crate::catalog::placeholders::{Part, known, parts};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::json::Parts;
use crate::source::{Source, step};

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
            .flat_map(|(table, name)| unknown(&format!("/{table}/{}", step(name)), source))
            .collect()
    },
};

fn unknown(table: &str, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let written = source.value.pointer(&format!("{table}/annotations"));
    let own = written.into_iter().flat_map(Parts::entries);
    let own = own.map(|(name, _)| format!("annotations/{}", step(name)));
    let keys = ["summary", "description"].map(str::to_string).into_iter();
    for key in keys.chain(own) {
        let place = format!("{table}/{key}");
        let text = source.value.pointer(&place).and_then(|text| text.as_str());
        for part in parts(text.unwrap_or_default()) {
            let Part::Unknown(name) = part else { continue };
            let all: Vec<String> = known().collect();
            found.push(
                Diagnostic::error(
                    "unknown-placeholder",
                    Place::Value(place.clone()),
                    format!("there is no placeholder `{{{name}}}`"),
                )
                .help(suggestion(name, all.iter().map(String::as_str))),
            );
        }
    }
    found
}
