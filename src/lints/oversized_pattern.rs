//! A label's pattern must fit into the generated metrics.py.

use super::Lint;
use crate::catalog::pattern::{Automaton, Refused};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "oversized-pattern",
    doc: "metrics.py holds each pattern as an automaton, so that a value is judged in one pass whatever a client sends; this one would be a file of megabytes.",
    bad: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { task = \".{1000}.{1000}.{1000}.{1000}.{1000}.{1000}\" }\n",
    good: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { task = \".{0,1000}\" }\n",
    check: |catalog, _| {
        let labels = catalog.declared().flat_map(|metric| {
            metric
                .labels
                .iter()
                .map(move |(label, declared)| (metric, label, declared))
        });
        let refused = labels.filter_map(|(metric, label, declared)| {
            match Automaton::of(declared.as_str()?) {
                Err(Refused::Size(reason)) => Some((metric, label, reason)),
                _ => None,
            }
        });
        refused
            .map(|(metric, label, reason)| {
                Diagnostic::error(
                    "oversized-pattern",
                    Place::Value(format!("/metrics/{}/labels/{label}", metric.key)),
                    format!("the pattern of `{label}` is too large: {reason}"),
                )
                .help("repeat less, or list the values")
            })
            .collect()
    },
};
