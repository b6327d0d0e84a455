//! A declared metric is read somewhere.

use super::{Check, Example, Finding, Proof};
use crate::contract::evaluate::children;
use crate::diagnostic::Severity;
use promql_parser::parser::Expr;
use std::collections::HashSet;
use std::rc::Rc;

pub const PROOF: Proof = Proof {
    code: "unused-metric",
    doc: "No rule and no panel reads the metric: its series are stored and nobody looks.",
    example: Example::Template {
        file: "monitoring/grafana/dashboards/contract.yml",
        good: "contract.domain.push(metric)",
        bad: "growing().push(metric)",
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
            read_by(&expression.ast, &mut read);
        }
        let unused = stack.catalog.metrics.iter().filter(|metric| {
            !["", "_bucket", "_sum", "_count"]
                .iter()
                .any(|part| read.contains(format!("{}{part}", metric.name).as_str()))
        });
        unused
            .map(|metric| Finding {
                severity: Severity::Warning,
                ..Finding::at(
                    "",
                    format!("/metrics/{}", metric.key),
                    format!("nothing reads `{}`", metric.name),
                    "alert on it, draw it, or take it out",
                )
            })
            .collect()
    }),
};

fn read_by<'a>(expr: &'a Expr, read: &mut HashSet<&'a str>) {
    match expr {
        Expr::VectorSelector(selector) => read.extend(selector.name.as_deref()),
        Expr::MatrixSelector(matrix) => read.extend(matrix.vs.name.as_deref()),
        other => children(other)
            .into_iter()
            .for_each(|child| read_by(child, read)),
    }
}
