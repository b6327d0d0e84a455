//! A metric's label may not be named like a label of its target.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

/// Labels that every target has, and those that Prometheus and the rules set.
const TAKEN: [&str; 7] = [
    "job",
    "instance",
    "service",
    "component",
    "alertname",
    "alertstate",
    "severity",
];

pub(crate) const LINT: Lint = Lint {
    code: "label-collision",
    doc: "The target's label wins and the metric's own becomes `exported_…`, so every rule and panel on it matches nothing.",
    bad: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { job = \".+\" }\n",
    good: "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\nlabels = { task = \".+\" }\n",
    check: |catalog, _| {
        let labels = catalog
            .metrics
            .iter()
            .flat_map(|metric| metric.labels.keys().map(move |label| (metric, label)));
        labels
            .filter_map(|(metric, label)| {
                let reason = match label.as_str() {
                    taken if TAKEN.contains(&taken) => {
                        format!("it would arrive as `exported_{label}`")
                    }
                    "le" | "quantile" if metric.r#type == "histogram" => {
                        "the histogram has it already".to_string()
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
                    .help("give the label another name, in the catalog and in the service"),
                )
            })
            .collect()
    },
};
