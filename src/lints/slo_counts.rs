//! An objective says what is counted, once.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

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
            let split = slo["errors"].is_object();
            let wrong = if has("errors") && has("latency") {
                Some((
                    "latency",
                    "`errors` and `latency` are two objectives".to_string(),
                    "make it two tables: each has a budget of its own",
                ))
            } else if split && has("total") {
                Some((
                    "total",
                    "`errors` tells failures among the events of one counter, and `total` names another".to_string(),
                    "remove `total`, or name a counter of failures: `errors = \"NAME\"`",
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
