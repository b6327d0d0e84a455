//! An alert of kind `promql` brings its own tests.

use super::Lint;
use crate::catalog::{Alert, Scope};
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::{self, walk::selectors};

pub(crate) const LINT: Lint = Lint {
    code: "untested-alert",
    doc: "Every other kind generates its unit tests from the threshold; a free expression needs at least one case that fires and one that is silent.",
    bad: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\n",
    good: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"checkout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog
            .alerts
            .iter()
            .filter(|alert| alert.settings.contains_key("expr") && !catalog.beyond_promtool(alert))
        {
            let tests = alert.tests();
            let fires = match (alert.about, alert.per.first()) {
                (Scope::Service, _) => "[\"SERVICE\"]".to_string(),
                (Scope::Group, None) => "[\"GROUP\"]".to_string(),
                (Scope::Platform, None) => "true".to_string(),
                (Scope::Group, Some(label)) => {
                    format!("[{{ component = \"GROUP\", {label} = \"…\" }}]")
                }
                (Scope::Platform, Some(label)) => format!("[{{ {label} = \"…\" }}]"),
            };
            let missing = match (
                tests.iter().any(|test| !test.fires.is_empty()),
                tests.iter().any(|test| test.fires.is_empty()),
            ) {
                (true, true) => continue,
                (false, true) => "no test shows that it fires",
                (true, false) => "no test shows that it is silent",
                (false, false) => "it has no tests",
            };
            let (message, help) = match reads_series(alert) {
                true => (
                    format!("`{}` is untested: {missing}", alert.name),
                    format!("add to `tests` a case with `fires = {fires}`, and one without"),
                ),
                false => (
                    format!("`{}` reads nothing: no test can make a difference", alert.name),
                    "compare something that is measured; an alert that always fires is rendered already, in self_monitoring_rules.yml: name that in a route to whoever waits for it".to_string(),
                ),
            };
            let place = Place::Key(format!("/alerts/{}", alert.name));
            found.push(Diagnostic::error("untested-alert", place, message).help(help));
        }
        found
    },
};

/// Whether samples make any difference to an alert.
fn reads_series(alert: &Alert) -> bool {
    let expr = alert.expression().and_then(|text| promql::parse(text).ok());
    expr.is_none_or(|expr| !selectors(&expr).is_empty())
}
