//! The catalog's own tests of `promql` alerts, run with promtool where it is there: as they are rendered, on copies of the
//! rule files in a temporary folder. Nothing else in monstack runs promtool.

mod document;
mod failure;
mod promtool;

use crate::diagnostic::{Diagnostic, Place, plural};
use crate::pipeline::Outcome;
use crate::stack::files::Files;
use crate::stack::own_tests::OwnTests;
use anyhow::{Context, Result};
use document::{Document, Test, only};
use failure::failure;
use promtool::{Ended, Promtool};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Of all tests together. One takes some ten milliseconds; what takes longer than this says more of the machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the tests of a proved catalog: those that fail are errors at their place, and what was not run is a notice.
/// An error is one of the machine.
pub(crate) fn run(outcome: &mut Outcome) -> Result<()> {
    let (Some(catalog), Some(rendered), false) =
        (&outcome.catalog, &outcome.rendered, outcome.failed())
    else {
        return Ok(());
    };
    let own = OwnTests::of(catalog);
    let files = Files::of(&rendered.files);
    let documents: Vec<Document> = files
        .tests()
        .filter_map(|file| Document::of(file, &own.of_file(file)))
        .collect();
    let Some(first) = documents
        .first()
        .and_then(|document| document.tests.first())
    else {
        return Ok(());
    };
    let alerts: BTreeSet<&str> = documents
        .iter()
        .flat_map(|document| &document.tests)
        .map(|test| test.alert.as_str())
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let (why, what_to_do) = match runtime.block_on(tried(&documents, &alerts, files))? {
        Tried::Ran(found) => {
            outcome.diagnostics.extend(found);
            return Ok(());
        }
        Tried::Missing => (
            "promtool is not on the PATH".to_string(),
            "install Prometheus, which brings it (Debian's package prometheus), and render again; or run, where it is",
        ),
        Tried::TooLong => (
            format!("promtool took longer than {} seconds", TIMEOUT.as_secs()),
            "look at the alerts earlier or put the samples further apart; or run, with more time",
        ),
    };
    let by_hand = documents.iter().map(|document| {
        let path = &document.file.path;
        format!("promtool test rules {}/{path}", rendered.output)
    });
    let by_hand = by_hand.collect::<Vec<_>>().join("; ");
    let place = Place::Key(format!("/alerts/{}/tests", first.alert));
    let count = plural(alerts.len(), "alert");
    let not_run = format!("the tests of {count} were not run: {why}");
    outcome.diagnostics.push(
        Diagnostic::notice("tests-not-run", place, not_run)
            .help(format!("{what_to_do}: {by_hand}")),
    );
    Ok(())
}

enum Tried {
    Ran(Vec<Diagnostic>),
    Missing,
    /// Not all of them came to an end in time.
    TooLong,
}

/// All documents, until one of them cannot be run.
async fn tried(
    documents: &[Document<'_>],
    alerts: &BTreeSet<&str>,
    files: Files<'_>,
) -> Result<Tried> {
    let promtool = Promtool::until(Instant::now() + TIMEOUT)?;
    let mut found = Vec::new();
    let together = entangled(files);
    for document in documents {
        let own: BTreeSet<&str> = document
            .tests
            .iter()
            .map(|test| test.alert.as_str())
            .collect();
        let alerts = if together { alerts } else { &own };
        let rules = document.rules(files);
        for (name, file) in &rules {
            promtool.write(
                name,
                &file.map_or_else(String::new, |file| only(file, alerts)),
            )?;
        }
        let names: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
        match tried_alone(document, &names, &promtool).await? {
            Tried::Ran(failed) => found.extend(failed),
            not_run => return Ok(not_run),
        }
    }
    Ok(Tried::Ran(found))
}

/// One document: a single run where every test passes, and one for each test where not, so that it is known which fails.
async fn tried_alone(
    document: &Document<'_>,
    rules: &[&str],
    promtool: &Promtool,
) -> Result<Tried> {
    let all: Vec<&Test> = document.tests.iter().collect();
    match promtool.run(&document.with(&all, rules)).await? {
        Ended::Missing => return Ok(Tried::Missing),
        Ended::TooLong => return Ok(Tried::TooLong),
        Ended::Passed => return Ok(Tried::Ran(Vec::new())),
        Ended::Failed(_) => {}
    }
    let mut found = Vec::new();
    for test in &document.tests {
        match promtool.run(&document.with(&[test], rules)).await? {
            Ended::Missing => return Ok(Tried::Missing),
            Ended::TooLong => return Ok(Tried::TooLong),
            Ended::Passed => {}
            Ended::Failed(output) => found.push(failure(test, &output)),
        }
    }
    if found.is_empty() {
        let place = Place::Key(format!("/alerts/{}/tests", all[0].alert));
        let message = "promtool passes every test alone, and not all of them together";
        found.push(
            Diagnostic::error("test-fails", place, message)
                .help("run promtool on the rendered tests"),
        );
    }
    Ok(Tried::Ran(found))
}

/// Whether the condition of some alert reads what other alerts do: then they cannot be tried without each other.
fn entangled(files: Files) -> bool {
    files.alerts().any(|(_, _, rule)| {
        rule["expr"]
            .as_str()
            .is_some_and(|expr| expr.contains("ALERTS") || expr.contains("__name__"))
    })
}
