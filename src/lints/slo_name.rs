//! What an objective is called leaves its alerts and its series a name of their own.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use std::collections::HashMap;

pub(crate) const LINT: Lint = Lint {
    code: "slo-name",
    doc: "The alerts of an objective and all that is recorded of it are called after it. Two objectives, or an alert, with the same names would be one for silences, links and the inhibition.",
    bad: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n\n[slos.Paying]\nobjective = 99\nerrors = { metric = \"requests_total\", where = { status = \"4..\" } }\n",
    good: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n\n[slos.asking]\nobjective = 99\nerrors = { metric = \"requests_total\", where = { status = \"4..\" } }\n",
    check: |catalog, source| {
        let mut known: HashMap<&str, String> = HashMap::new();
        for name in source.value["alerts"]
            .as_object()
            .into_iter()
            .flat_map(|alerts| alerts.keys())
        {
            known.insert(name, format!("/alerts/{}", step(name)));
        }
        for rule in &catalog.rules {
            known.insert(&rule.name, format!("/rules/{}", step(&rule.name)));
        }
        let mut found = Vec::new();
        for slo in &catalog.slos {
            let table = format!("/slos/{}", step(&slo.name));
            let alerts = slo.alerts.iter().map(|alert| alert.name.as_str());
            let mut taken = None;
            for name in alerts.chain(slo.recorded.names()) {
                match known.get(name) {
                    Some(first) if *first != table => {
                        taken = taken.or(Some((name, first.clone())));
                    }
                    Some(_) => {}
                    None => drop(known.insert(name, table.clone())),
                }
            }
            if let Some((name, first)) = taken {
                found.push(
                    Diagnostic::error(
                        "slo-name",
                        Place::Key(table),
                        format!("`{name}` would be of two tables"),
                    )
                    .also(Place::Key(first), "it is of this one already")
                    .help("give one of the two another name"),
                );
            }
        }
        found
    },
};
