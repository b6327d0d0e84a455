//! What promtool says of a test that fails, in words.

use super::document::Test;
use crate::diagnostic::{Diagnostic, Place};
use serde_json::json;

/// What was expected and what was seen, at the test's place.
pub(crate) fn failure(test: &Test, output: &str) -> Diagnostic {
    let name = test.written["name"]
        .as_str()
        .and_then(|title| title.split_once(": "))
        .map_or("", |(_, name)| name);
    let expected = services(
        &json!(test.written["promql_expr_test"][0]["exp_samples"])
            .to_string()
            .replace("\\\"", "\""),
    );
    let place = Place::Key(test.pointer.clone());
    let Some(got) = output
        .lines()
        .find_map(|line| line.trim().strip_prefix("got:"))
    else {
        let message = format!("promtool cannot run the test `{name}`: {}", reason(output));
        return Diagnostic::error("test-fails", place, message)
            .help("fix the series or the expression");
    };
    let seen = services(got);
    let at = test.written["promql_expr_test"][0]["eval_time"]
        .as_str()
        .unwrap_or_default();
    let instead = if !got.contains("nil") && seen.is_empty() {
        "a series without `job`".to_string()
    } else {
        said(&seen)
    };
    let message = format!(
        "the test `{name}` fails: it expects the alert to fire at {at} for {}, and it fires for {instead}",
        said(&expected)
    );
    Diagnostic::error("test-fails", place, message)
        .help("one of the two is wrong: the expression, or what the test expects of these samples")
}

/// The values of `job` in what promtool writes, in order.
fn services(text: &str) -> Vec<String> {
    let mut jobs: Vec<String> = text
        .split("job=\"")
        .skip(1)
        .filter_map(|rest| Some(format!("`{}`", rest.split('"').next()?)))
        .collect();
    jobs.sort();
    jobs
}

fn said(jobs: &[String]) -> String {
    if jobs.is_empty() {
        "no service".to_string()
    } else {
        jobs.join(", ")
    }
}

/// Why promtool could not run a test, on one line.
fn reason(output: &str) -> String {
    let lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "FAILED:" && !line.starts_with("Unit Testing"));
    lines.collect::<Vec<_>>().join(" ")
}
