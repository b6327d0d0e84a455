//! What the dashboards would show: every query of every panel, run.

use super::rules::{COSTLY, too_costly};
use super::{CheckContext, Checked};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::live::endpoint::Refusal;
use crate::live::panels::{self, PanelQuery};
use crate::live::prometheus::query;
use crate::live::workers::{self, each};
use std::collections::BTreeMap;

/// Runs every query of every panel. A panel about alerts is empty while there are none.
pub(crate) fn checked(context: &CheckContext) -> Option<Checked> {
    let queries = panels::queries(context.rendered, context.catalog);
    if queries.is_empty() {
        return None;
    }
    let answers = each(&queries, workers::QUERIES, |panel| {
        let ask = |expression: &str| query(&context.prometheus, &context.client, expression);
        // Of many services each query costs seconds, and there are dozens.
        let sampled = panel.sample.as_ref().and_then(|sample| ask(sample).ok());
        match sampled.filter(|series| !series.is_empty()) {
            Some(series) => Ok(series),
            None => ask(&panel.expression),
        }
    });
    let mut findings = Vec::new();
    let mut late = 0;
    let mut shows: BTreeMap<(&str, &str), Shows> = BTreeMap::new();
    for (panel, answer) in queries.iter().zip(answers) {
        let seen = match &answer {
            Ok(series) if !series.is_empty() || panel.expression.contains("ALERTS") => {
                Shows::Something
            }
            Ok(_) => Shows::Nothing,
            Err(_) => Shows::Unknown,
        };
        let known = shows.entry((&panel.file, &panel.panel)).or_default();
        *known = seen.max(*known);
        if let Err(refusal) = answer {
            // An overloaded Prometheus is one finding, however many queries it leaves without an answer.
            let unanswered = overloaded(&refusal);
            if !(unanswered && late > 0) {
                findings.push(refused(context, panel, &refusal));
            }
            late += usize::from(unanswered);
        }
    }
    findings.extend(blank(&shows, &context.catalog.platform.output));
    let mut seen = shows.values();
    let full = seen.clone().filter(|seen| **seen == Shows::Something);
    let full = full.count();
    let unanswered = match (late, seen.any(|seen| *seen == Shows::Unknown)) {
        (0, _) | (_, false) => String::new(),
        (late, true) => format!(", {late} got no answer"),
    };
    Some(Checked::new(
        "panels",
        format!("{full}/{}", shows.len()),
        format!(
            "show something; {} queries ran{unanswered}",
            queries.len() - late
        ),
        findings,
    ))
}

/// What is known of a panel, by all its queries.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Shows {
    #[default]
    Nothing,
    /// A query of it got no answer.
    Unknown,
    Something,
}

/// Whether it is not the query that is wrong.
fn overloaded(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Failed(_) => true,
        Refusal::Status(status, reason) => *status == 503 || too_costly(reason),
        _ => false,
    }
}

fn refused(context: &CheckContext, panel: &PanelQuery, refusal: &Refusal) -> Diagnostic {
    let place = Place::File(format!(
        "{}/{}",
        context.catalog.platform.output, panel.file
    ));
    let unanswered = |failure: &dyn std::fmt::Display, help: &str| {
        let message = format!(
            "the query of panel `{}` got no answer from Prometheus: {failure}",
            panel.panel
        );
        Diagnostic::warning("panel-not-answered", place.clone(), message).help(help)
    };
    let reason = match refusal {
        Refusal::Failed(failure) => return unanswered(failure, "give it more time with --timeout"),
        Refusal::Status(_, reason) if overloaded(refusal) => {
            return unanswered(reason, COSTLY);
        }
        Refusal::Status(_, reason) => reason.clone(),
        other => context.prometheus.sentence(other),
    };
    let message = format!("panel `{}`: `{}`: {reason}", panel.panel, panel.expression);
    Diagnostic::error("panel-query-fails", place, message).help("fix the dashboard's template")
}

/// One finding for each dashboard with panels that show nothing.
fn blank(shows: &BTreeMap<(&str, &str), Shows>, output: &str) -> Vec<Diagnostic> {
    let mut blank: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((file, panel), _) in shows.iter().filter(|(_, seen)| **seen == Shows::Nothing) {
        blank.entry(file).or_default().push(panel);
    }
    let finding = move |(file, panels): (&str, Vec<&str>)| {
        let message = format!(
            "{} {} nothing: {}",
            plural(panels.len(), "panel"),
            if panels.len() == 1 { "shows" } else { "show" },
            panels.join(", ")
        );
        Diagnostic::warning("panel-without-data", Place::File(format!("{output}/{file}")), message)
            .help("rates need two scrapes, and counters that were counted: wait a minute, or generate requests with --traffic")
    };
    blank.into_iter().map(finding).collect()
}
