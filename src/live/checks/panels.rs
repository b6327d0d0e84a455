//! What the dashboards would show: every query of every panel, run.

use super::rules::{COSTLY, too_costly};
use super::{CheckContext, Checked};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::live::endpoint::Refusal;
use crate::live::panels::{self, PanelQuery};
use crate::live::prometheus::{Running, query};
use crate::live::workers::{self, each};
use std::collections::{BTreeMap, HashSet};

/// Runs every query of every panel. A panel about alerts is empty while there are none.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Option<Checked> {
    let queries = panels::queries(context.rendered, context.catalog);
    if queries.is_empty() {
        return None;
    }
    // Of many services each query costs seconds, and there are dozens.
    let shown = sampled(context, &queries);
    let numbered: Vec<(usize, &PanelQuery)> = queries.iter().enumerate().collect();
    let answers = each(&numbered, workers::QUERIES, |(index, panel)| {
        if shown.contains(index) {
            return Ok(true);
        }
        let series = query(&context.prometheus, &context.client, &panel.expression)?;
        Ok(!series.is_empty())
    });
    let mut findings = Vec::new();
    let mut late = 0;
    let mut shows: BTreeMap<(&str, &str), Shows> = BTreeMap::new();
    for (panel, answer) in queries.iter().zip(answers) {
        let seen = match &answer {
            Ok(something) if *something || panel.expression.contains("ALERTS") => Shows::Something,
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
    let unrecorded = unrecorded(context, running);
    let waits = |key: &(&str, &str)| {
        let mut own = queries
            .iter()
            .filter(|one| (one.file.as_str(), one.panel.as_str()) == *key);
        own.any(|one| unrecorded.iter().any(|name| one.expression.contains(name)))
    };
    // What no rule records is a matter of rules, and not of time.
    let blank_ones = shows.iter().filter(|(_, seen)| **seen == Shows::Nothing);
    let (rules, time): (Vec<_>, Vec<_>) = blank_ones.map(|(key, _)| *key).partition(waits);
    let output = &context.catalog.platform.output;
    for (panels, help) in [(&rules, UNRECORDED), (&time, WAIT)] {
        findings.extend(blank(panels, output, help));
    }
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

/// What to do about panels that show nothing.
const WAIT: &str = "rates need two scrapes, and counters that were counted: wait a minute, or generate requests with --traffic";
const UNRECORDED: &str = "they read what rules record that Prometheus does not have: load those first (`rules-not-loaded`)";

/// Samples that are asked for in one query.
const TOGETHER: usize = 20;

/// The queries whose sample shows something, by their place. What is not among them is asked by itself, whatever the reason.
fn sampled(context: &CheckContext, queries: &[PanelQuery]) -> HashSet<usize> {
    let samples = queries.iter().enumerate();
    let samples = samples.filter_map(|(index, panel)| {
        let sample = panel.sample.as_ref()?;
        Some(format!(
            "label_replace(count({sample}), \"query\", \"{index}\", \"\", \"\")"
        ))
    });
    let samples: Vec<String> = samples.collect();
    let batches: Vec<&[String]> = samples.chunks(TOGETHER).collect();
    let found = each(&batches, workers::QUERIES, |batch| {
        let asked = batch.join(" or ");
        query(&context.prometheus, &context.client, &asked).unwrap_or_default()
    });
    let indices = found.iter().flatten();
    indices
        .filter_map(|one| one["metric"]["query"].as_str()?.parse().ok())
        .collect()
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

/// Series that rendered rules record, and none that Prometheus has loaded.
fn unrecorded(context: &CheckContext, running: &Running) -> Vec<String> {
    let loaded: HashSet<&str> = running
        .rules()
        .filter_map(|rule| rule["name"].as_str())
        .collect();
    let rendered = context.rendered.rules();
    let recorded = rendered.filter_map(|(_, _, rule)| rule["record"].as_str());
    let lost = recorded.filter(|name| !loaded.contains(name));
    lost.map(str::to_string).collect()
}

/// One finding for each dashboard with panels that show nothing.
fn blank(panels: &[(&str, &str)], output: &str, help: &str) -> Vec<Diagnostic> {
    let mut blank: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, panel) in panels {
        blank.entry(file).or_default().push(panel);
    }
    let finding = move |(file, panels): (&str, Vec<&str>)| {
        let message = format!(
            "{} {} nothing: {}",
            plural(panels.len(), "panel"),
            if panels.len() == 1 { "shows" } else { "show" },
            panels.join(", ")
        );
        Diagnostic::warning(
            "panel-without-data",
            Place::File(format!("{output}/{file}")),
            message,
        )
        .help(help)
    };
    blank.into_iter().map(finding).collect()
}
