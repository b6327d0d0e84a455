//! An objective is a percentage, and its budget can burn fast enough for somebody to be told.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "slo-objective",
    doc: "0.999 is meant as 99.9 %, and would be an objective that everything meets. Of an objective that is low even an outage burns the budget more slowly than any burn rate that somebody is told of, and a window of less than an hour is over before an alert looks back.",
    bad: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 0.999\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n",
    good: "[prometheus]\nretention = \"30d\"\n\n[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for slo in &catalog.slos {
            let at = |key: &str| Place::Value(format!("/slos/{}/{key}", step(&slo.name)));
            if slo.objective <= 1.0 {
                let percent = (slo.objective * 1e8).round() / 1e6;
                found.push(
                    Diagnostic::error(
                        "slo-objective",
                        at("objective"),
                        format!("an objective of {} % is met by everything", slo.objective),
                    )
                    .help(format!(
                        "an objective is in percent: did you mean {percent}?"
                    )),
                );
                continue;
            }
            for alert in slo.alerts.iter().filter(|alert| alert.burns.is_empty()) {
                let short = alert.is_beyond(slo.window);
                let (place, message, help) = if short {
                    (
                        at("window"),
                        format!(
                            "a window of {} is over before `{}` looks back",
                            slo.window, alert.name
                        ),
                        "make the window several days at the least, 30d as most do; for a shorter time use an alert of kind `error_ratio` or `ratio`",
                    )
                } else {
                    (
                        at("objective"),
                        format!(
                            "`{}` can never fire: when everything fails, a budget of {} % burns too slowly",
                            alert.name,
                            100.0 * slo.budget
                        ),
                        "raise the objective, or make the window shorter; for an objective so low use an alert of kind `error_ratio` or `ratio`",
                    )
                };
                // An objective that nobody watches has no rates to draw either.
                let watched = slo.alerts.iter().any(|alert| !alert.burns.is_empty());
                let wrong = match watched {
                    true => Diagnostic::warning("slo-objective", place, message),
                    false => Diagnostic::error("slo-objective", place, message),
                };
                found.push(wrong.help(help));
            }
        }
        found
    },
};
