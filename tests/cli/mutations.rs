//! No catalog makes it panic, however it was edited; in process, because a panic is then the test's own.

use crate::CATALOG;
use monstack::pipeline::prove;
use proptest::prelude::*;
use proptest::sample::select;
use std::path::Path;

/// A catalog that says more than the small one: metrics, overrides, receivers.
fn long() -> String {
    let metrics = "\n[metrics.requests_total]\ntype = \"counter\"\nhelp = \"Requests\"\n[metrics.requests_total.labels]\nmethod = [\"GET\", \"POST\"]\nendpoint = \".+\"\nstatus = \"[1-5][0-9]{2}\"\n";
    let alerts = "\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.10\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n\n[services.checkout.alerts.Errors]\nabove = 0.2\n";
    format!("{CATALOG}{metrics}{alerts}")
}

/// Proved, or refused with a reason at a place that exists.
fn judge(text: &str) -> Result<(), TestCaseError> {
    let outcome = prove(text, Path::new("tests/cases")).expect("never an error of the machine");
    for diagnostic in &outcome.diagnostics {
        let (_, line, _) = monstack::diagnostic::location(&diagnostic.place, &outcome.source);
        prop_assert!(
            !diagnostic.message.is_empty() && line >= 1,
            "{diagnostic:?}"
        );
        monstack::diagnostic::print(
            std::slice::from_ref(diagnostic),
            &outcome.source,
            Default::default(),
            true,
        );
    }
    prop_assert!(
        outcome.failed() || (outcome.rendered.is_some() && text.parse::<toml::Table>().is_ok()),
        "{text}"
    );
    Ok(())
}

/// What people and machines put where a value should be.
const VALUES: [&str; 22] = [
    "",
    "0",
    "-1",
    "70000",
    "9223372036854775807",
    "1e400",
    "nan",
    "-inf",
    "0.1",
    "true",
    "\"\"",
    "\"0s\"",
    "\"9999999999y\"",
    "\"1s\"",
    "\"{{ $x }}\"",
    "\"(\"",
    "\"[\"",
    "\"é\\u0000\"",
    "[]",
    "[[]]",
    "{}",
    "1979-05-27",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_may_be_replaced(at in 0usize..2000, length in 0usize..12, bytes in "[\\[\\]{}=\"'#.a-z0-9\r\n\\\\é -]{0,8}") {
        let text = long();
        // The catalog is ASCII: every byte is a character.
        let start = at % text.len();
        let end = (start + length).min(text.len());
        judge(&format!("{}{bytes}{}", &text[..start], &text[end..]))?;
    }

    #[test]
    fn any_line_may_be_lost_doubled_or_moved(from in 0usize..200, to in 0usize..200, way in 0..3) {
        let text = long();
        let mut lines: Vec<&str> = text.lines().collect();
        let (from, to) = (from % lines.len(), to % lines.len());
        match way {
            0 => drop(lines.remove(from)),
            1 => lines.insert(to, lines[from]),
            _ => lines.swap(from, to),
        }
        judge(&lines.join("\n"))?;
    }

    #[test]
    fn any_value_may_be_another(line in 0usize..200, value in select(&VALUES[..])) {
        let text = long();
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        let keys: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].contains(" = ")).collect();
        let at = keys[line % keys.len()];
        lines[at] = format!("{} = {value}", lines[at].split(" = ").next().unwrap_or_default());
        judge(&lines.join("\n"))?;
    }
}
