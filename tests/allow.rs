//! What the catalog accepts: a finding with a reason, for as long as it says, and nothing else.

use monstack::diagnostic::Severity;
use monstack::lints::EXAMPLE;
use monstack::pipeline::{Outcome, prove};
use std::path::Path;
use std::process::Command;

/// A gauge that is named like a counter, and what its table says besides.
fn gauge(allow: &str) -> Outcome {
    let metric = format!("[metrics.orders_total]\ntype = \"gauge\"\nhelp = \"Orders\"\n{allow}\n");
    prove(
        &format!("{EXAMPLE}{metric}"),
        Path::new(env!("CARGO_MANIFEST_DIR")),
    )
    .expect("the machine lets it run")
}

/// Codes of the errors.
fn errors(outcome: &Outcome) -> Vec<&'static str> {
    outcome
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect()
}

#[test]
fn a_finding_is_accepted_with_a_reason() {
    assert_eq!(errors(&gauge("")), ["counter-suffix"]);
    let accepted =
        gauge("allow = [{ check = \"counter-suffix\", reason = \"Others read it by this name\" }]");
    assert_eq!(errors(&accepted), [""; 0]);
    assert!(
        accepted.rendered.is_some(),
        "what is accepted does not stop the rendering"
    );
}

#[test]
fn it_is_accepted_until_its_last_day_and_no_longer() {
    let until = |day: &str| {
        gauge(&format!(
            "allow = [{{ check = \"counter-suffix\", reason = \"For now\", until = \"{day}\" }}]"
        ))
    };
    let today = chrono::Utc::now().date_naive();
    assert_eq!(errors(&until(&today.to_string())), [""; 0]);
    let expired = until(&today.pred_opt().expect("there is a day before").to_string());
    assert_eq!(errors(&expired), ["counter-suffix", "expired-allow"]);
    assert!(expired.failed());
}

#[test]
fn an_acceptance_of_nothing_is_found() {
    assert_eq!(
        errors(&gauge(
            "allow = [{ check = \"counter-sufix\", reason = \"A slip\" }]"
        )),
        ["counter-suffix", "unknown-check"]
    );
    let both = "allow = [{ check = \"counter-suffix\", reason = \"Others read it\" }, { check = \"label-collision\", reason = \"It had one\" }]";
    assert_eq!(errors(&gauge(both)), ["unused-allow"]);
}

#[test]
fn it_speaks_for_its_own_table_only() {
    let elsewhere = "[metrics.others_total]\ntype = \"counter\"\nhelp = \"Others\"\nallow = [{ check = \"counter-suffix\", reason = \"Not here\" }]";
    let found = gauge(elsewhere);
    assert!(
        errors(&found).contains(&"counter-suffix"),
        "{:?}",
        errors(&found)
    );
}

#[test]
fn a_reason_is_mandatory() {
    for allow in [
        "{ check = \"counter-suffix\" }",
        "{ check = \"counter-suffix\", reason = \"\" }",
    ] {
        let found = gauge(&format!("allow = [{allow}]"));
        assert!(
            found.failed() && found.rendered.is_none(),
            "{allow} is accepted"
        );
        let named = found.diagnostics.iter().any(|found| {
            found.message.contains("reason") || format!("{:?}", found.place).contains("/reason")
        });
        assert!(
            named,
            "{allow}: nothing is said of the reason: {:?}",
            found.diagnostics
        );
    }
}

#[test]
fn explain_says_how_to_accept_a_finding() {
    for code in ["counter-suffix", "unknown-metric"] {
        let output = Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(["explain", code])
            .output()
            .expect("monstack starts");
        let text = String::from_utf8(output.stdout).expect("it is text");
        assert!(
            text.contains(&format!("allow = [{{ check = \"{code}\", reason = \"")),
            "{text}"
        );
    }
}
