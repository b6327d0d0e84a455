//! An objective says what is counted, once.

use super::Lint;
use crate::catalog::slos::{counted, one_counter};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "slo-counts",
    doc: "An objective is about failures among events: those of one counter that a label tells (`errors = { metric = …, where = … }`), those of a counter of their own beside that of all attempts (`errors` and `total`), or durations above a bucket of a histogram (`latency`). With none of them there is no ratio, and with two nobody knows which is meant.",
    bad: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = \"requests_total\"\n",
    good: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n",
    check: |_, source| {
        let written = source.value["slos"].as_object();
        let mut found = Vec::new();
        for (name, slo) in written.into_iter().flatten() {
            let at = |key: &str| Place::Key(format!("/slos/{}/{key}", step(name)));
            let has = |key: &str| slo.get(key).is_some();
            let one = one_counter(slo);
            let split = slo["errors"].is_object();
            let asked = |key: &str| slo[key]["where"].as_object();
            // In a label by which all events are chosen failures are told no further.
            let twice = asked("errors")
                .zip(asked("total"))
                .and_then(|(failures, events)| {
                    let mut failures = failures.iter();
                    let other = |label: &String, values: &Value| {
                        events.get(label).is_some_and(|other| other != values)
                    };
                    failures.find(|(label, values)| other(label, values))
                });
            let same = counted(&slo["errors"]) == counted(&slo["total"]);
            let wrong = if has("errors") && has("latency") {
                Some((
                    "latency",
                    "`errors` and `latency` are two objectives".to_string(),
                    "make it two tables: each has a budget of its own",
                ))
            } else if let Some((label, _)) = twice.filter(|_| one) {
                Some((
                    "total/where",
                    format!(
                        "`errors` tells failures by `{label}`, and `total` chooses events by it"
                    ),
                    "choose events by another label than the one that tells failures; or write it in `errors` alone",
                ))
            } else if same && has("total") && !split {
                Some((
                    "total",
                    "`errors` and `total` are the same counter".to_string(),
                    "tell failures by a label: `errors = { metric = \"requests_total\", where = { status = \"5..\" } }`",
                ))
            } else if has("errors") && !split && !has("total") {
                Some((
                    "errors",
                    format!("`{name}` counts failures, and not of how many"),
                    "name the counter of all attempts with `total`; of one counter, tell failures by a label: `errors = { metric = \"requests_total\", where = { status = \"5..\" } }`",
                ))
            } else if !has("errors") && has("total") {
                Some((
                    "total",
                    format!("`{name}` counts attempts, and not those that fail"),
                    "name the counter of failures with `errors`",
                ))
            } else if !has("errors") && !has("latency") {
                Some((
                    "",
                    format!("`{name}` does not say what is counted"),
                    "write what fails, as in `errors = { metric = \"requests_total\", where = { status = \"5..\" } }`, or what is slow: `latency = { metric = \"request_duration_seconds\", below = \"500ms\" }`",
                ))
            } else {
                None
            };
            if let Some((key, message, help)) = wrong {
                let place = match key {
                    "" => Place::Key(format!("/slos/{}", step(name))),
                    key => at(key),
                };
                found.push(Diagnostic::error("slo-counts", place, message).help(help));
            }
        }
        found
    },
};
