//! An alert on a metric that nobody declares could never fire.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::source::step;
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "undeclared-metric",
    doc: "An alert on a metric that nobody emits is valid PromQL and stays quiet permanently, which is just what a healthy system looks like.",
    bad: "[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"request_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[alerts.LoginErrors]\nkind = \"error_ratio\"\nrequests = \"requests_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            for (key, metric, sort) in alert.named_metrics() {
                if catalog.metric(metric).is_some() {
                    continue;
                }
                let known: Vec<&str> = catalog
                    .metrics
                    .iter()
                    .filter(|known| known.r#type == sort)
                    .map(|known| known.key.as_str())
                    .collect();
                let exposed = catalog
                    .services
                    .iter()
                    .flat_map(|service| service.exposes.iter());
                let exposed: BTreeSet<&str> = exposed
                    .flat_map(|profile| catalog.profiles.metrics(profile))
                    .collect();
                let takes = key == "unless" || alert.kind.takes(key, "gauge");
                let recorded = catalog.rules.iter().filter(|_| takes);
                let recorded = recorded.map(|rule| rule.name.as_str());
                let known: Vec<&str> = known.into_iter().chain(recorded).collect();
                let known: Vec<&str> = match nearest(metric, known.iter().copied()) {
                    // What a profile lists is meant where nothing that is declared looks like it.
                    None => known
                        .into_iter()
                        .chain(nearest(metric, exposed.iter().copied()))
                        .collect(),
                    Some(_) => known,
                };
                let place = Place::Value(format!("/alerts/{}/{key}", alert.name));
                if catalog.rules.iter().any(|rule| rule.name == metric) {
                    let message = format!(
                        "`{}` reads `{metric}`, whose series do not say which service they are of",
                        alert.written_name()
                    );
                    let help = "keep `job`, `service` and `component` in the rule's expression, as in `sum by (job, service, component) (…)`";
                    found.push(
                        Diagnostic::error("undeclared-metric", place, message)
                            .also(
                                Place::Key(format!("/rules/{}", step(metric))),
                                "recorded here",
                            )
                            .help(help),
                    );
                    continue;
                }
                // What a kind reads where nobody says otherwise is written nowhere, so the alert was not left out with it.
                if source.silent.contains(metric) {
                    let name = alert.written_name();
                    let message = format!(
                        "`{name}` reads `{metric}`, which no service of this environment emits"
                    );
                    let help = format!(
                        "take the alert away here too: `{name} = {{ enabled = false }}` under [alerts] of the environment"
                    );
                    found.push(Diagnostic::error("undeclared-metric", place, message).help(help));
                    continue;
                }
                // Expressions say the whole name, the catalog its own.
                let mut all = catalog.metrics.iter();
                if let Some(other) = all.find(|known| known.name == metric) {
                    found.push(
                        Diagnostic::error(
                            "undeclared-metric",
                            place,
                            format!(
                                "`{}` reads `{metric}`, which is how Prometheus calls `[metrics.{}]`",
                                alert.written_name(),
                                other.key
                            ),
                        )
                        .help(format!("write `{}`", other.key)),
                    );
                    continue;
                }
                // A metric that names nobody is emitted by every application, and by no exporter.
                let whose = match catalog.services.iter().any(|service| !service.application) {
                    true => ", with `services = [\"…\"]` unless every application emits it",
                    false => "",
                };
                let declared = match metric.contains(':') {
                    true => format!("`[metrics.\"{metric}\"]`, or a rule `[rules.\"{metric}\"]`"),
                    false => format!("`[metrics.{metric}]`{whose}"),
                };
                found.push(
                    Diagnostic::error(
                        "undeclared-metric",
                        place,
                        format!(
                            "`{}` reads `{metric}`, which is not declared",
                            alert.written_name()
                        ),
                    )
                    .help(match nearest(metric, known.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`, or declare {declared}"),
                        None => format!("declare {declared}, or name a profile that has it with `profiles = [\"…\"]`"),
                    }),
                );
            }
        }
        found
    },
};
