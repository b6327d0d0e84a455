//! A kind that rates a metric needs a counter, one that looks at its value a gauge.

use super::Lint;
use crate::catalog::{Alert, Catalog};
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Kind;
use std::sync::Arc;

pub(crate) const LINT: Lint = Lint {
    code: "wrong-metric-type",
    doc: "The rate of a gauge takes every decrease for a restart and gives plausible nonsense; promtool says SUCCESS.",
    bad: "[alerts.Errors]\nkind = \"ratio\"\nerrors = \"orders_active\"\ntotal = \"requests_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.order_errors_total]\ntype = \"counter\"\nhelp = \"Failed orders\"\n\n[alerts.Errors]\nkind = \"ratio\"\nerrors = \"order_errors_total\"\ntotal = \"requests_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            for (key, name, wanted) in alert.named_metrics() {
                let Some(metric) = catalog
                    .metric(name)
                    .filter(|metric| wanted != "any" && metric.r#type != wanted)
                    .filter(|metric| !alert.kind.takes(key, &metric.r#type))
                else {
                    continue;
                };
                let place = Place::Value(format!("/alerts/{}/{key}", alert.name));
                let message = match metric.keeps {
                    Some(_) => format!("`{name}` is what a rule records, `{key}` needs a {wanted}"),
                    None => format!("`{name}` is a {}, `{key}` needs a {wanted}", metric.r#type),
                };
                let wrong = Diagnostic::error("wrong-metric-type", place, message);
                found.push(match &metric.profile {
                    Some(profile) => wrong.help(format!(
                        "name a {wanted}: that it is a {} says the profile `{profile}`",
                        metric.r#type
                    )),
                    None if metric.keeps.is_some() => {
                        let help = format!("name a {wanted}; {}", readers(catalog, &metric.r#type));
                        wrong
                            .also(Place::Key(metric.table()), "recorded here")
                            .help(help)
                    }
                    None => wrong
                        .also(
                            Place::Value(format!("{}/type", metric.table())),
                            "declared here",
                        )
                        .help(format!(
                            "name a {wanted}; {}; or fix the type, if it is not a {}",
                            readers(catalog, &metric.r#type),
                            metric.r#type
                        )),
                });
            }
            found.extend(beside(catalog, alert));
        }
        found
    },
};

/// A counter of how much says nothing without one of how often, which a histogram keeps itself.
fn beside(catalog: &Catalog, alert: &Alert) -> Option<Diagnostic> {
    let mut keys = alert.kind.keys.iter();
    let (needed, first, wanted) = keys.find_map(|(needed, said)| {
        let (first, wanted) = said.get("beside")?.as_object()?.iter().next()?;
        Some((needed, first, wanted.as_str()?))
    })?;
    let metric = catalog.metric(alert.settings.get(first)?.as_str()?)?;
    let (name, sort, table) = (&metric.key, &metric.r#type, alert.table());
    let has = alert.settings.contains_key(needed);
    match (metric.r#type == wanted, has) {
        (true, false) => {
            let place = Place::Value(format!("{table}/{first}"));
            let message = format!(
                "`{name}` is a {sort}, and `{}` has no `{needed}`",
                alert.written_name()
            );
            let help = format!(
                "name the counter of how often as `{needed}`, or a histogram or summary as `{first}`, which counts that itself"
            );
            Some(Diagnostic::error("wrong-metric-type", place, message).help(help))
        }
        (false, true) if alert.kind.takes(first, sort) => {
            let place = Place::Value(format!("{table}/{needed}"));
            let message =
                format!("`{name}` is a {sort}, which counts itself what `{needed}` is to count");
            let help = format!("leave `{needed}` out, or name a {wanted} as `{first}`");
            Some(Diagnostic::error("wrong-metric-type", place, message).help(help))
        }
        _ => None,
    }
}

/// Which kinds of alerts a metric of a type is for.
fn readers(catalog: &Catalog, sort: &str) -> String {
    let reads = |kind: &&Arc<Kind>| {
        let mut keys = kind
            .keys
            .iter()
            .filter(|(_, said)| said.get("of_profile").is_none() && said["metric"] != "any");
        !kind.slos && keys.any(|(key, _)| kind.takes(key, sort))
    };
    let kinds = catalog.kinds.iter().filter(reads);
    let kinds: Vec<String> = kinds.map(|kind| format!("`{}`", kind.name)).collect();
    let takes_promql = |kind: &&Arc<Kind>| kind.keys.values().any(|said| said["names"] == "promql");
    match (kinds.as_slice(), catalog.kinds.iter().find(takes_promql)) {
        ([], Some(kind)) => format!(
            "what a {sort} says is written as `kind = \"{}\"`",
            kind.name
        ),
        (kinds, _) => format!("a {sort} is for alerts of kind {}", kinds.join(", ")),
    }
}
