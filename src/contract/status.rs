//! The values of an HTTP status label that mean a server error, however the services write them.

use crate::contract::domain::Domain;
use crate::value::Map;
use serde::Serialize;
use std::collections::BTreeMap;

/// Labels that say how a request was answered, the usual first: of clients, of promhttp and prometheus-net, of middlewares for
/// Express and Flask, of OpenTelemetry's conventions, of Envoy.
pub const LABELS: [&str; 7] = [
    "status",
    "code",
    "status_code",
    "http_response_status_code",
    "http_status_code",
    "response_code",
    "response_code_class",
];

/// Which of its labels says how the requests of a metric were answered, by what it declares.
pub fn label(labels: &Map) -> Option<&'static str> {
    LABELS.into_iter().find(|label| labels.contains_key(label))
}

/// How the requests of a metric tell errors from other answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answers {
    /// The label that says it.
    pub label: String,
    /// A regular expression that matches errors, as a matcher of PromQL has it.
    pub errors: String,
    /// The label → one or more values that are errors.
    pub failing: BTreeMap<String, Vec<String>>,
    /// The label → one or more values that are not.
    pub answering: BTreeMap<String, Vec<String>>,
    /// The label → the pattern of errors.
    pub like: BTreeMap<String, String>,
}

/// How a metric with these labels tells errors; `errors`: the label and the pattern, where its profile says so.
pub(crate) fn answers(labels: &Map, errors: &BTreeMap<String, String>) -> Option<Answers> {
    let of = |label: &str, errors: String, failed: Vec<String>, answered: Vec<String>| Answers {
        label: label.to_string(),
        failing: [(label.to_string(), failed)].into(),
        answering: [(label.to_string(), answered)].into(),
        like: [(label.to_string(), errors.clone())].into(),
        errors,
    };
    if let Some((label, pattern)) = errors.first_key_value() {
        let domain = Domain::declared(labels.get(label)?);
        let [failed, answered] = [true, false].map(|matching| {
            examples(
                &domain,
                pattern,
                matching,
                if matching { &FAILED } else { &ANSWERED },
            )
        });
        let told = !failed.is_empty() && !answered.is_empty();
        return told.then(|| of(label, pattern.clone(), failed, answered));
    }
    let label = label(labels)?;
    let found = outcomes(&Domain::declared(labels.get(label)?)).ok()?;
    Some(of(label, found.errors, found.failed, found.answered))
}

/// What 5xx looks like, the usual first: codes and their groups (`503`, `5xx`, `5XX`), the class alone (Envoy's
/// `response_code_class`), a code with its reason (`500 Internal Server Error`), the words (Spring's `SERVER_ERROR`).
const SERVER_ERRORS: [&str; 4] = ["5..", "5", "5[0-9]{2}[ _-].+", "(?i:server.?error)"];

/// Preferred in tests, where a label can have them.
const FAILED: [&str; 6] = ["500", "503", "599", "5xx", "5XX", "5"];
const ANSWERED: [&str; 8] = ["404", "200", "400", "201", "4xx", "2xx", "4", "2"];

/// How the values of a label tell server errors from other answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcomes {
    /// A regular expression that matches the server errors, as a matcher of PromQL has it.
    pub errors: String,
    /// One or more values that are server errors.
    pub failed: Vec<String>,
    /// One or more values that are not.
    pub answered: Vec<String>,
}

/// What a label's values lack for a ratio of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// No value means a server error: the ratio would always be 0.
    Errors,
    /// Every value means one: the ratio would always be 1.
    Others,
}

/// Tells the values of a label apart.
pub(crate) fn outcomes(domain: &Domain) -> Result<Outcomes, Lacks> {
    let mut patterns: Vec<&str> = Vec::new();
    for pattern in SERVER_ERRORS {
        // Of a list, each pattern that picks something more; of a pattern, which may allow anything, the first that does.
        let more = match domain {
            Domain::Values(values) => {
                let picks = |pattern: &str, value: &String| {
                    Domain::Values(vec![value.clone()])
                        .example(pattern, true)
                        .is_some()
                };
                values.iter().any(|value| {
                    picks(pattern, value) && !patterns.iter().any(|known| picks(known, value))
                })
            }
            Domain::Pattern(_) => patterns.is_empty() && domain.example(pattern, true).is_some(),
        };
        if more {
            patterns.push(pattern);
        }
    }
    let errors = patterns.join("|");
    if errors.is_empty() {
        return Err(Lacks::Errors);
    }
    let failed = examples(domain, &errors, true, &FAILED);
    let answered = examples(domain, &errors, false, &ANSWERED);
    if answered.is_empty() {
        Err(Lacks::Others)
    } else {
        Ok(Outcomes {
            errors,
            failed,
            answered,
        })
    }
}

/// Values of the domain on one side of the pattern: of a list all, of a pattern the preferred ones that it allows, or any.
fn examples(domain: &Domain, errors: &str, matching: bool, preferred: &[&str]) -> Vec<String> {
    let fits = |value: &str| {
        Domain::Values(vec![value.to_string()])
            .example(errors, matching)
            .is_some()
    };
    let mut found: Vec<String> = preferred
        .iter()
        .filter(|value| domain.holds(value) && fits(value))
        .map(ToString::to_string)
        .collect();
    if let Domain::Values(values) = domain {
        let more: Vec<&String> = values
            .iter()
            .filter(|value| fits(value) && !found.contains(value))
            .collect();
        found.extend(more.into_iter().cloned());
    }
    if found.is_empty() {
        domain.example(errors, matching).into_iter().collect()
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Domain {
        Domain::Values(values.iter().map(ToString::to_string).collect())
    }

    fn pattern(text: &str) -> Domain {
        Domain::Pattern(text.into())
    }

    #[test]
    fn server_errors_are_known_however_they_are_written() {
        for (domain, errors, failed, answered) in [
            (pattern("[1-5][0-9]{2}"), "5..", "500", "404"),
            (pattern(".+"), "5..", "500", "404"),
            (pattern("(2|3|4|5)xx"), "5..", "5xx", "4xx"),
            (pattern("[1-5]"), "5", "5", "4"),
            (pattern("[a-z_]+"), "(?i:server.?error)", "servererror", "a"),
            (list(&["200", "201", "400", "500"]), "5..", "500", "200"),
            (list(&["2XX", "5XX"]), "5..", "5XX", "2XX"),
            (
                list(&["200 OK", "500 Internal Server Error"]),
                "5[0-9]{2}[ _-].+",
                "500 Internal Server Error",
                "200 OK",
            ),
            (
                list(&["SUCCESS", "CLIENT_ERROR", "SERVER_ERROR"]),
                "(?i:server.?error)",
                "SERVER_ERROR",
                "SUCCESS",
            ),
            (
                list(&["ok", "502", "server-error"]),
                "5..|(?i:server.?error)",
                "502",
                "ok",
            ),
        ] {
            let found = outcomes(&domain).unwrap_or_else(|lacks| panic!("{domain}: {lacks:?}"));
            assert_eq!(
                (
                    found.errors.as_str(),
                    found.failed[0].as_str(),
                    found.answered[0].as_str()
                ),
                (errors, failed, answered),
                "{domain}"
            );
        }
    }

    #[test]
    fn a_label_may_lack_either() {
        for domain in [
            list(&["200", "404"]),
            list(&["OK", "UNAVAILABLE"]),
            pattern("[1-4]xx"),
        ] {
            assert_eq!(outcomes(&domain).unwrap_err(), Lacks::Errors, "{domain}");
        }
        for domain in [list(&["500", "503"]), pattern("5[0-9]{2}")] {
            assert_eq!(outcomes(&domain).unwrap_err(), Lacks::Others, "{domain}");
        }
    }
}
