//! The results as JUnit's XML, which CI systems show as tests: a test for each check and for each service.

use super::Results;
use crate::diagnostic::{Diagnostic, visible};
use std::fmt::Write;

/// One test: what it is about, and its errors.
struct Test<'a> {
    suite: &'a str,
    name: &'a str,
    errors: Vec<&'a Diagnostic>,
}

/// The whole document.
pub(crate) fn document(results: &Results) -> String {
    let mut tests = Vec::new();
    for check in &results.checks {
        let own = check.findings.iter();
        let own = own.filter(|finding| finding.stops() && finding.service.is_none());
        tests.push(Test {
            suite: "stack",
            name: check.what,
            errors: own.collect(),
        });
    }
    for row in &results.services {
        let own = results
            .about(&row.service)
            .filter(|finding| finding.stops());
        tests.push(Test {
            suite: "services",
            name: &row.service,
            errors: own.collect(),
        });
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failed = |tests: &[&Test]| tests.iter().filter(|test| !test.errors.is_empty()).count();
    let all: Vec<&Test> = tests.iter().collect();
    let _ = writeln!(
        out,
        "<testsuites name=\"monstack verify\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        all.len(),
        failed(&all)
    );
    for suite in ["stack", "services"] {
        let own: Vec<&Test> = all
            .iter()
            .copied()
            .filter(|test| test.suite == suite)
            .collect();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{suite}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
            own.len(),
            failed(&own)
        );
        own.iter().for_each(|test| one(&mut out, test));
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

/// Of several errors a test has one failure, as the readers of the format expect.
fn one(out: &mut String, test: &Test) {
    let (suite, name) = (test.suite, escaped(test.name));
    let Some(first) = test.errors.first() else {
        let _ = writeln!(
            out,
            "    <testcase classname=\"monstack.{suite}\" name=\"{name}\"/>"
        );
        return;
    };
    let text: Vec<String> = test
        .errors
        .iter()
        .map(|error| {
            escaped(&format!(
                "{}: {} To do: {}",
                error.code, error.message, error.help
            ))
        })
        .collect();
    let _ = writeln!(
        out,
        "    <testcase classname=\"monstack.{suite}\" name=\"{name}\">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
        first.code,
        escaped(&first.message),
        text.join("\n")
    );
}

/// Text between tags or quotes; what XML cannot hold at all is shown.
fn escaped(text: &str) -> String {
    let text = visible::line(text);
    let text = visible::without_commands(&text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_text() {
        assert_eq!(
            escaped("<a href=\"x\">&\u{1b}\n"),
            "&lt;a href=&quot;x&quot;&gt;&amp;\\u{1b}\\n"
        );
    }
}
