//! A declared metric is read somewhere.

use super::{Check, Example, Finding, Proof};
use crate::diagnostic::Severity;
use promql_parser::parser::Expr;
use std::collections::HashSet;

pub const PROOF: Proof = Proof {
    code: "unused-metric",
    doc: "No rule and no panel reads the metric: its series are stored and nobody looks.",
    example: Example::Template { file: "monitoring/grafana/dashboards/contract.yml", good: "part.domain + [metric]", bad: "part.domain" },
    check: Check::Stack(|stack| {
        let mut read = HashSet::new();
        for expression in &stack.expressions {
            for node in crate::contract::evaluate::nodes(&expression.ast, &stack.contract) {
                match node.expr {
                    Expr::VectorSelector(selector) => read.extend(selector.name.clone()),
                    Expr::MatrixSelector(matrix) => read.extend(matrix.vs.name.clone()),
                    _ => {}
                }
            }
        }
        let unused = stack
            .catalog
            .metrics
            .iter()
            .filter(|metric| !["", "_bucket", "_sum", "_count"].iter().any(|part| read.contains(&format!("{}{part}", metric.name))));
        unused
            .map(|metric| Finding {
                severity: Severity::Warning,
                ..Finding::at("", format!("/metrics/{}", metric.key), format!("nothing reads `{}`", metric.name), "alert on it, draw it, or take it out")
            })
            .collect()
    }),
};
