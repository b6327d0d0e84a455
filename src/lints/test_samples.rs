//! The series of own tests are in promtool's notation, and no more of them than promtool can hold.

use super::Lint;
use crate::catalog::alerts::OwnTest;
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::Expr;
use crate::promql::MatchOp;
use crate::promql::{parse, samples};
use crate::source::step;
use std::collections::HashMap;

/// Of one test. promtool keeps them all in memory; a year of one series every half minute fits.
const MOST_SAMPLES: u64 = 1_000_000;

/// promtool evaluates every rule so many times until a test is over; at once a minute this is 69 days.
const MOST_STEPS: u64 = 100_000;

/// Rendered tests evaluate the rules once a minute or more often, in milliseconds.
const RENDERED_STEP: u64 = 60_000;

pub(crate) const LINT: Lint = Lint {
    code: "test-samples",
    doc: "promtool stops at the first test that it cannot read, so that no test of the file is run; a test of millions of samples takes all the memory, or hours.",
    bad: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101 x 20\" }, fires = [\"checkout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    good: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"checkout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    check: |catalog, _| {
        let alerts = catalog.alerts.iter().map(|alert| {
            let expr = alert.expression().unwrap_or_default();
            of(alert.tests(), expr, catalog)
        });
        let rules = catalog.rules.iter();
        let rules = rules.map(|rule| of(rule.tests(), &rule.expr, catalog));
        alerts.chain(rules).flatten().collect()
    },
};

fn of(tests: Vec<OwnTest>, expr: &str, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for test in tests {
        let mut total = 0u64;
        let mut known: HashMap<String, &str> = HashMap::new();
        let mut last = 0u64;
        for (series, values) in test.series() {
            let pointer = format!("{}/series/{}", test.pointer, step(series));
            let name = |message: String, help: &str| {
                Diagnostic::error("test-samples", Place::Key(pointer.clone()), message)
                    .help(help.to_string())
            };
            match identity(series) {
                Err(reason) => found.push(name(
                    format!("`{series}` is not a series: {reason}"),
                    "write it as `metric{label=\"value\"}`",
                )),
                Ok(identity) => {
                    if let Some(other) = known.insert(identity, series) {
                        found.push(name(
                            format!("`{series}` is the same series as `{other}`"),
                            "one series has one list of values: remove one of the two",
                        ));
                    }
                }
            }
            let wrong = |message: String, help: &str| {
                Diagnostic::error("test-samples", Place::Value(pointer.clone()), message)
                    .help(help.to_string())
            };
            match samples::count(values, catalog.prometheus.at_least(2, 48)) {
                Err(reason) => found.push(wrong(
                    format!("the values of `{series}` cannot be read: {reason}"),
                    "values are separated by spaces; `5x10` is 5 eleven times, `0+2x10` goes from 0 to 20, `_x10` leaves ten out, `stale` ends the series",
                )),
                Ok(0) => found.push(wrong(format!("`{series}` has no samples"), "give it values, such as `1x20`, or remove the series")),
                Ok(count) => {
                    total = total.saturating_add(count);
                    last = last.max(count - 1);
                }
            }
        }
        if total > MOST_SAMPLES {
            let place = Place::Value(format!("{}/series", test.pointer));
            let message = format!(
                "the test `{}` has {total} samples, and promtool would keep them all in memory",
                test.name
            );
            found.push(
                Diagnostic::error("test-samples", place, message)
                    .help(format!("{MOST_SAMPLES} at most: let the series be shorter, or its samples further apart with `every`")),
            );
        }
        let steps = test.at.0 / test.every.0.clamp(1, RENDERED_STEP);
        if steps > MOST_STEPS {
            let message = format!(
                "the test `{}` is over after {steps} steps, and promtool would evaluate every rule at each of them",
                test.name
            );
            let help = format!(
                "{MOST_STEPS} at most: look at it earlier; a step is a minute, or what `every` says if that is less"
            );
            found.push(
                Diagnostic::error(
                    "test-samples",
                    Place::Value(format!("{}/at", test.pointer)),
                    message,
                )
                .help(help),
            );
        }
        // A series is still read for five minutes after its last sample.
        let end = Duration(last.saturating_mul(test.every.0));
        let ends_early = end.0.saturating_add(300_000) < test.at.0 && found.is_empty();
        if ends_early && !expr.contains("absent") {
            let message = format!(
                "the test `{}` looks at {}, and its last sample is at {end}",
                test.name, test.at
            );
            let help = "a series that has ended says nothing of the threshold: give it more values, or look earlier";
            found.push(
                Diagnostic::notice(
                    "test-samples",
                    Place::Value(format!("{}/at", test.pointer)),
                    message,
                )
                .help(help),
            );
        }
    }
    found
}

/// The series as one text that is the same however it is written.
fn identity(series: &str) -> Result<String, String> {
    let tree =
        parse(series).map_err(|reason| reason.lines().next().unwrap_or_default().to_string())?;
    let Expr::VectorSelector(selector) = tree else {
        return Err("it is an expression".to_string());
    };
    if selector.offset.is_some() || selector.at.is_some() {
        return Err("it is moved in time".to_string());
    }
    if !selector.matchers.or_matchers.is_empty()
        || selector
            .matchers
            .matchers
            .iter()
            .any(|matcher| !matches!(matcher.op, MatchOp::Equal))
    {
        return Err("its labels are given with `=`, each with one value".to_string());
    }
    let Some(name) = selector.name.as_deref() else {
        return Err("it has no metric name in front of its labels".to_string());
    };
    let mut labels: Vec<(&str, &str)> = selector
        .matchers
        .matchers
        .iter()
        .map(|matcher| (matcher.name.as_str(), matcher.value.as_str()))
        .collect();
    labels.sort_unstable();
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("its label `{}` is duplicated", pair[0].0));
    }
    Ok(format!("{name}{labels:?}"))
}
