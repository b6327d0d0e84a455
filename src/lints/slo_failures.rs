//! The failures of an objective are some of its events, and not all.

use super::Lint;
use super::exchanged_ratio::{only_words_of_success, success_picked};
use crate::catalog::filters::as_pattern;
use crate::contract::domain::Domain;
use crate::contract::filtered::values;
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::step;
use regex_automata::meta::Regex;
use std::sync::LazyLock;

/// Of an answer over HTTP or gRPC, however the services write it, what the objective wants more of.
static GOOD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(2..|2xx|2XX|2|(?i:ok|success.*))$").expect("it is a pattern"));

pub(crate) const LINT: Lint = Lint {
    code: "slo-failures",
    doc: "The objective tells failures by labels of a counter. A label that the counter does not have, or a value that it cannot have, is never met, so the budget would be whole permanently; a filter that every event meets would say that everything fails.",
    bad: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5xx\" } }\n",
    good: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for slo in &catalog.slos {
            let key = slo.counts.errors.as_deref().unwrap_or_default();
            let Some(metric) = catalog.metric(key) else {
                continue;
            };
            let table = format!("/slos/{}/errors/where", step(&slo.name));
            let mut whole = !slo.counts.r#where.is_empty();
            for (label, written) in &slo.counts.r#where {
                let place = format!("{table}/{}", step(label));
                let Some(declared) = metric.labels.get(label) else {
                    let known: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
                    found.push(
                        Diagnostic::error(
                            "slo-failures",
                            Place::Key(place),
                            format!("`{key}` has no label `{label}`"),
                        )
                        .also(Place::Key(format!("/metrics/{key}")), "declared here")
                        .help(match known.is_empty() {
                            true => format!("declare `{label}` among its labels"),
                            false => suggestion(label, known),
                        }),
                    );
                    whole = false;
                    continue;
                };
                let domain = Domain::declared(declared);
                let pattern = as_pattern(written);
                if values(&domain, &pattern, true).is_empty() {
                    found.push(
                        Diagnostic::error(
                            "slo-failures",
                            Place::Value(place),
                            format!("`{label}` can have no value that /{pattern}/ matches"),
                        )
                        .also(
                            Place::Value(format!("/metrics/{key}/labels/{}", step(label))),
                            format!("it is one of {domain}"),
                        )
                        .help("write the values that mean a failure, as the services write them"),
                    );
                    whole = false;
                }
                let picked = values(&domain, &pattern, true);
                let good = |value: &String| GOOD.is_match(value.as_str());
                let answers = label.contains("status") || label.contains("code");
                let worded = success_picked(declared, &pattern, true)
                    .or_else(|| only_words_of_success(written).then(|| pattern.clone()));
                if worded.is_some() || answers && !picked.is_empty() && picked.iter().all(good) {
                    let well = worded.as_ref().or(picked.first()).unwrap_or(&pattern);
                    found.push(
                        Diagnostic::error(
                            "slo-failures",
                            Place::Value(format!("{table}/{}", step(label))),
                            format!("/{pattern}/ picks what has gone well, such as {well}"),
                        )
                        .help("write the values that mean a failure: of HTTP statuses `5..`"),
                    );
                }
                let statuses = statuses(&domain, &pattern).filter(|_| answers);
                if let Some((failed, gone_well)) = statuses {
                    let place = Place::Value(format!("{table}/{}", step(label)));
                    let help = "write the values that mean a failure: of HTTP statuses `5..`";
                    let message = match (failed.is_empty(), gone_well.first()) {
                        (true, None) => Some(format!("/{pattern}/ picks no status of HTTP")),
                        (false, Some(well)) => Some(format!(
                            "/{pattern}/ picks answers such as {well} beside {}",
                            failed[0]
                        )),
                        _ => None,
                    };
                    found.extend(message.map(|message| {
                        Diagnostic::error("slo-failures", place, message).help(help)
                    }));
                }
                whole &= values(&domain, &pattern, false).is_empty();
            }
            if whole {
                found.push(
                    Diagnostic::error(
                        "slo-failures",
                        Place::Value(table),
                        format!("every event of `{key}` is a failure by this"),
                    )
                    .also(Place::Key(format!("/metrics/{key}")), "declared here")
                    .help("tell failures by a label that other events have too, with other values"),
                );
            }
        }
        found
    },
};

/// The statuses of HTTP (https://www.iana.org/assignments/http-status-codes): `5*` picks 555, which nobody answers.
const STATUSES: [&str; 60] = [
    "100", "101", "102", "103", "200", "201", "202", "203", "204", "205", "206", "207", "208",
    "226", "300", "301", "302", "303", "304", "305", "307", "308", "400", "401", "402", "403",
    "404", "405", "406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416",
    "417", "421", "422", "423", "424", "425", "426", "428", "429", "431", "451", "500", "501",
    "502", "503", "504", "505", "506", "507", "508", "511",
];

/// Of a label whose values are statuses, those that a pattern picks: of errors, and of answers that are none. None: they are
/// something else, or a list says which there are.
fn statuses(domain: &Domain, pattern: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    let open = matches!(domain, Domain::Pattern(_));
    let has = |status: &str| domain.example(status, true).is_some();
    if !open || !["200", "404", "500"].into_iter().all(has) {
        return None;
    }
    let asked = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    let picked = STATUSES.into_iter().filter(|status| asked.is_match(status));
    Some(picked.partition(|status| status.starts_with(['4', '5'])))
}
