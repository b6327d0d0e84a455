//! What the dashboards would show: every query of every panel, run.

use super::{Checked, Inquiry};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::endpoint::Refusal;
use crate::live::panels;
use crate::live::prometheus::query;
use crate::live::workers::{self, each};
use std::collections::BTreeMap;

/// Runs every query of every panel. A panel about alerts is empty while there are none.
pub fn checked(inquiry: &Inquiry) -> Option<Checked> {
    let queries = panels::queries(inquiry.rendered, inquiry.catalog);
    if queries.is_empty() {
        return None;
    }
    let answers = each(&queries, workers::QUERIES, |panel| query(&inquiry.prometheus, &inquiry.client, &panel.expression));
    let mut findings = Vec::new();
    let mut late = None;
    let mut shows: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for (panel, answer) in queries.iter().zip(answers) {
        let something = match answer {
            Ok(series) => !series.is_empty() || panel.expression.contains("ALERTS"),
            Err(Refusal::Failed(failure)) => {
                late.get_or_insert((&panel.file, &panel.panel, failure));
                true
            }
            Err(refusal) => {
                let reason = if let Refusal::Status(_, reason) = &refusal { reason.clone() } else { inquiry.prometheus.sentence(&refusal) };
                let message = format!("panel `{}`: `{}`: {reason}", panel.panel, panel.expression);
                findings.push(
                    Diagnostic::error("panel-query-fails", Place::File(format!("generated/{}", panel.file)), message).help("mend the dashboard's template"),
                );
                true
            }
        };
        *shows.entry((&panel.file, &panel.panel)).or_default() |= something;
    }
    if let Some((file, panel, failure)) = late {
        let message = format!("the query of panel `{panel}` got no answer from Prometheus: {failure}");
        findings.push(Diagnostic::warning("panel-not-answered", Place::File(format!("generated/{file}")), message).help("give it more time with --timeout"));
    }
    let mut blank: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((file, panel), _) in shows.iter().filter(|(_, something)| !**something) {
        blank.entry(file).or_default().push(panel);
    }
    for (file, panels) in &blank {
        let message = format!("{} panels show nothing: {}", panels.len(), panels.join(", "));
        findings.push(
            Diagnostic::warning("panel-without-data", Place::File(format!("generated/{file}")), message)
                .help("rates need two scrapes, and counters that were counted: wait a minute, or generate requests with --traffic"),
        );
    }
    let full = shows.values().filter(|something| **something).count();
    Some(Checked::new("panels", format!("{full}/{}", shows.len()), format!("show something; {} queries ran", queries.len()), findings))
}
