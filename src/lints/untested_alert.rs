//! An alert of kind `promql` brings its own tests.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

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
            .filter(|alert| alert.settings.contains_key("expr"))
        {
            let tests = alert
                .settings
                .get("tests")
                .and_then(|tests| tests.as_array())
                .map_or(&[][..], Vec::as_slice);
            let fires = |test: &&serde_json::Value| {
                test["fires"]
                    .as_array()
                    .is_some_and(|services| !services.is_empty())
            };
            let missing = match (
                tests.iter().any(|test| fires(&test)),
                tests.iter().any(|test| !fires(&test)),
            ) {
                (true, true) => continue,
                (false, true) => "no test shows that it fires",
                (true, false) => "no test shows that it is silent",
                (false, false) => "it has no tests",
            };
            found.push(
                Diagnostic::error(
                    "untested-alert",
                    Place::Key(format!("/alerts/{}", alert.name)),
                    format!("`{}` is untested: {missing}", alert.name),
                )
                .help("add to `tests` a case with `fires = [\"SERVICE\"]`, and one without"),
            );
        }
        found
    },
};
