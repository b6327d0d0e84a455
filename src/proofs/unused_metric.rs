//! A declared metric is read somewhere.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{Diagnostic, Severity};
use crate::promql::walk::selectors;
use std::collections::HashSet;
use std::rc::Rc;

pub(crate) const PROOF: Proof = Proof {
    code: "unused-metric",
    doc: "No rule and no panel reads the metric: its series are stored and nobody looks.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "*/panels",
        bad: r#"[{"type": "timeseries", "title": "Scrapes", "description": "Whether they work.", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 0}, "targets": [{"refId": "A", "expr": "up{job=~\"$job\",instance=~\"$instance\"}"}], "fieldConfig": {"defaults": {"unit": "none"}}}]"#,
    },
    check: Check::Stack(|stack| {
        let mut read = HashSet::new();
        // The same syntax stands behind every expression of one text.
        let mut seen = HashSet::new();
        for expression in stack
            .expressions
            .iter()
            .filter(|expression| seen.insert(Rc::as_ptr(&expression.ast)))
        {
            let names = selectors(&expression.ast).into_iter();
            read.extend(names.filter_map(|selector| selector.name.as_deref()));
        }
        let unused = stack.catalog.declared().filter(|metric| {
            !["", "_bucket", "_sum", "_count"]
                .iter()
                .any(|part| read.contains(format!("{}{part}", metric.name).as_str()))
        });
        unused
            .map(|metric| Diagnostic {
                severity: Severity::Warning,
                ..place::in_catalog(
                    format!("/metrics/{}", metric.key),
                    format!("nothing reads `{}`", metric.name),
                    "alert on it, draw it, or remove it",
                )
            })
            .collect()
    }),
};
