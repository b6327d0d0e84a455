//! Findings as one document for other programs: SARIF for code hosts, JUnit's XML for CI systems.

use super::cut::cut;
use super::print::{location, text};
use super::{Diagnostic, Severity, visible};
use crate::source::Source;
use crate::value::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Findings, each with the catalog that it was found in.
pub(crate) type Findings<'a> = [(&'a Source, &'a Diagnostic)];

/// SARIF 2.1.0. `doc` says what a code means; `failed`: why nothing could run.
/// https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
pub fn sarif(
    findings: &Findings,
    doc: impl Fn(&str) -> Option<String>,
    failed: Option<&str>,
) -> Value {
    let codes: BTreeMap<&str, usize> = {
        let mut codes: Vec<&str> = findings.iter().map(|(_, found)| found.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
            .into_iter()
            .enumerate()
            .map(|(index, code)| (code, index))
            .collect()
    };
    let rules: Vec<Value> = codes
        .keys()
        .map(|code| {
            let mut rule = json!({
                "id": code,
                "help": {"text": format!("monstack explain {code}")},
            });
            if let Some(doc) = doc(code) {
                rule["fullDescription"] = json!({"text": doc});
            }
            rule
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|(source, found)| result(&cut(found), source, codes.get(found.code)))
        .collect();
    let mut invocation = json!({"executionSuccessful": failed.is_none()});
    if let Some(failed) = failed {
        invocation["toolExecutionNotifications"] =
            json!([{"level": "error", "message": {"text": visible::line(failed)}}]);
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "monstack", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn result(found: &Diagnostic, source: &Source, rule: Option<&usize>) -> Value {
    let place = |place: &super::Place| {
        let (file, line, column) = location(place, source);
        json!({
            "artifactLocation": {"uri": uri(&file)},
            "region": {"startLine": line.max(1), "startColumn": column.max(1)},
        })
    };
    let level = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    };
    let others: Vec<Value> = found
        .others
        .iter()
        .map(|(other, text)| {
            json!({"physicalLocation": place(other), "message": {"text": visible::line(text)}})
        })
        .collect();
    json!({
        "ruleId": found.code, "ruleIndex": rule, "level": level,
        "message": {"text": with_help(found)},
        "locations": [{"physicalLocation": place(&found.place)}],
        "relatedLocations": others,
    })
}

/// What is wrong and what to do, on lines of their own.
pub fn with_help(found: &Diagnostic) -> String {
    let message = visible::line(&found.message);
    match found.help.is_empty() {
        true => message.into_owned(),
        false => format!("{message}\nhelp: {}", visible::line(&found.help)),
    }
}

/// A path as a relative reference: what is no part of one is escaped.
pub fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// JUnit's XML: every error is a test that failed, every other finding one that passed and says something; without any there is
/// one that passed. `failed`: why nothing could run.
pub fn junit(findings: &Findings, failed: Option<&str>) -> String {
    let errors = findings.iter().filter(|(_, found)| found.stops()).count();
    let broken = usize::from(failed.is_some());
    let tests = (findings.len() + broken).max(1);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"monstack\" tests=\"{tests}\" failures=\"{errors}\" errors=\"{broken}\">\n"
    );
    if let Some(failed) = failed {
        let _ = writeln!(
            out,
            "    <testcase classname=\"monstack\" name=\"run\"><error message=\"{}\"/></testcase>",
            escaped(&visible::line(failed))
        );
    }
    for (source, found) in findings {
        let found = &cut(found);
        let (file, line, _) = location(&found.place, source);
        let name = format!("{}: {}:{line}: {}", found.code, file, found.message);
        let picture = escaped(&text(found, source, false));
        let (open, close) = match found.stops() {
            true => (
                format!(
                    "<failure type=\"{}\" message=\"{}\">",
                    found.code,
                    escaped(&visible::line(&found.message))
                ),
                "</failure>",
            ),
            false => ("<system-out>".to_string(), "</system-out>"),
        };
        let _ = writeln!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\">{open}{picture}{close}</testcase>",
            escaped(&visible::line(&file)),
            escaped(&visible::line(&name))
        );
    }
    if findings.is_empty() && failed.is_none() {
        out += "    <testcase classname=\"monstack\" name=\"everything is proved\"/>\n";
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// Text as XML has it; what no XML can hold was made visible before.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references_and_text_is_xml() {
        assert_eq!(uri("./a b/ü.toml"), "a%20b/%C3%BC.toml");
        assert_eq!(
            escaped("a < \"b\" & c\u{1}"),
            "a &lt; &quot;b&quot; &amp; c\u{fffd}"
        );
    }
}
