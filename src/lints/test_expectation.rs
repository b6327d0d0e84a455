//! What an alert's own tests expect can come true: services that it covers, at a time at which it can fire.

use super::{Lint, names};
use crate::catalog::{Alert, Catalog};
use crate::diagnostic::{Diagnostic, Place, suggestion};

pub(crate) const LINT: Lint = Lint {
    code: "test-expectation",
    doc: "A test that expects a service which is not there, or an alert before its `for` is over, fails whatever the expression says.",
    bad: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"chekout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    good: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"checkout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    check: |catalog, _| {
        catalog
            .alerts
            .iter()
            .flat_map(|alert| of(alert, catalog))
            .collect()
    },
};

fn of(alert: &Alert, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for test in alert.tests() {
        for (index, name) in test.fires.iter().enumerate() {
            let place = Place::Value(format!("{}/fires/{index}", test.pointer));
            let Some(branch) = alert.branch_of(name) else {
                let known = catalog.service(name).is_some();
                let message = match known {
                    true => format!(
                        "`{}` does not cover `{name}`, so it cannot fire for it",
                        alert.name
                    ),
                    false => format!(
                        "there is no service `{name}` that `{}` could fire for",
                        alert.name
                    ),
                };
                let help = if known {
                    "choose a service that the alert covers".to_string()
                } else {
                    suggestion(name, alert.covers.iter().map(String::as_str))
                };
                found.push(Diagnostic::error("test-expectation", place, message).help(help));
                continue;
            };
            if test.fires[..index].contains(name) {
                found.push(
                    Diagnostic::error("test-expectation", place, format!("`{name}` is duplicated"))
                        .help("remove one of the two"),
                );
            } else if test.at < branch.r#for {
                let message = format!(
                    "at {} the alert cannot fire for `{name}` yet: its condition has to hold for {}",
                    test.at, branch.r#for
                );
                found.push(
                    Diagnostic::error(
                        "test-expectation",
                        Place::Value(format!("{}/at", test.pointer)),
                        message,
                    )
                    .also(place, "expected to fire")
                    .help(format!("look later than {}", branch.r#for)),
                );
            }
        }
        let nowhere: Vec<&str> = test
            .fires
            .iter()
            .map(String::as_str)
            .filter(|name| !test.series().any(|(series, _)| of_job(series, name)))
            .collect();
        if !nowhere.is_empty()
            && found.is_empty()
            && !alert.settings["expr"]
                .as_str()
                .is_some_and(|expr| expr.contains("absent") || expr.contains("label_"))
        {
            let message = format!(
                "no series of the test `{}` is one of {}, which it expects to fire",
                test.name,
                names(nowhere.iter().copied())
            );
            let help = format!(
                "Prometheus gives every series of a service the label job: write `metric{{job=\"{}\"}}`",
                nowhere[0]
            );
            found.push(
                Diagnostic::warning(
                    "test-expectation",
                    Place::Value(format!("{}/series", test.pointer)),
                    message,
                )
                .help(help),
            );
        }
    }
    found
}

/// Whether a series is a service's: it has the job, or is recorded, and so may have lost it.
fn of_job(series: &str, name: &str) -> bool {
    // What is pushed may have a job of its own.
    let label =
        |quote: char| ["job", "service"].map(|label| format!("{label}={quote}{name}{quote}"));
    let written: String = series
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    series.split('{').next().unwrap_or_default().contains(':')
        || ['"', '\'', '`']
            .into_iter()
            .flat_map(label)
            .any(|label| written.contains(&label))
}
