//! What a metric is, who exposes it and who reads it; and what a recording rule records.

use super::{Row, row};
use crate::catalog::rules::RecordingRule;
use crate::catalog::{Alert, Catalog, Metric, Service};
use crate::json::plain;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::source::{Source, step};

pub(super) fn metric_rows(metric: &Metric, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/metrics/{}/{key}", step(&metric.key)));
    let labels: Vec<String> = metric
        .labels
        .iter()
        .map(|(label, values)| format!("{label} {}", plain(values)))
        .collect();
    let reads = |alert: &&Alert| {
        let branches = alert.settings.values();
        branches
            .into_iter()
            .any(|value| plain(value).contains(&metric.key))
    };
    let alerts: Vec<&str> = catalog
        .alerts
        .iter()
        .filter(reads)
        .map(|alert| alert.name.as_str())
        .collect();
    let itself = Some(format!("/metrics/{}", step(&metric.key)));
    let services = metric.services.join(", ");
    let form = match (metric.native, metric.whole) {
        (true, true) => Some("native: all buckets in one sample"),
        (true, false) => Some("native and with buckets, which rules and panels read"),
        (false, _) => None,
    };
    let form = form.map(|form| row("form", form, source, at("native")));
    let first = [
        row("metric", &metric.name, source, itself),
        row("type", &metric.r#type, source, at("type")),
    ];
    let rest = [
        row("help", &metric.help, source, at("help")),
        row("labels", labels.join(", "), source, at("labels")),
        row("services", services, source, at("services")),
        row("alerts", alerts.join(", "), source, None),
    ];
    first.into_iter().chain(form).chain(rest).collect()
}

/// What a profile says of a metric that services expose.
pub(super) fn exposed_rows(name: &str, catalog: &Catalog) -> Option<Vec<Row>> {
    let plainly = |key: &str, value: String| -> Row { (key.to_string(), value, None) };
    let has = |profile: &&String| {
        catalog
            .profiles
            .metrics(profile)
            .any(|metric| metric == name)
    };
    let exposing = |service: &&Service| service.exposes.iter().any(|profile| has(&profile));
    let services: Vec<&Service> = catalog.services.iter().filter(exposing).collect();
    let profile = services.first()?.exposes.iter().find(has)?;
    let listed = catalog.profiles.get(profile)?.metrics.get(name)?;
    let labels = listed.labels.iter();
    let labels: Vec<String> = labels
        .map(|(label, values)| format!("{label} {}", plain(values)))
        .collect();
    let names: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let reads = |alert: &&Alert| {
        let metrics = alert.metrics();
        let expr = alert.expression().is_some_and(|expr| expr.contains(name));
        expr || metrics.iter().any(|(_, read, _)| *read == name)
    };
    let alerts = catalog.alerts.iter().filter(reads);
    let alerts: Vec<&str> = alerts.map(|alert| alert.name.as_str()).collect();
    let mut rows = vec![
        plainly("metric", name.to_string()),
        plainly("type", listed.r#type.word().to_string()),
        plainly("help", listed.help.clone()),
        plainly("labels", labels.join(", ")),
        plainly("profile", profile.clone()),
        plainly("services", names.join(", ")),
        plainly("alerts", alerts.join(", ")),
    ];
    rows.retain(|(_, value, _)| !value.is_empty());
    Some(rows)
}

pub(super) fn rule_rows(rule: &RecordingRule, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/rules/{}/{key}", rule.name));
    let interval = rule
        .interval
        .unwrap_or(catalog.prometheus.evaluation_interval);
    let set = match rule.interval {
        Some(_) => at("interval"),
        None => Some("/prometheus/evaluation_interval".to_string()),
    };
    let mut rows = vec![
        row("expr", rule.expr.trim(), source, at("expr")),
        row("interval", interval, source, set),
    ];
    rows.extend(
        rule.labels.iter().map(|(label, value)| {
            row(label, value, source, at(&format!("labels/{}", step(label))))
        }),
    );
    rows.extend(
        rule.help
            .iter()
            .map(|help| row("help", help, source, at("help"))),
    );
    let tests = rule.tests().into_iter();
    rows.extend(tests.map(|test| row("test", test.name, source, Some(test.pointer.clone()))));
    let reads = |expr: &str| {
        crate::promql::parse(expr).is_ok_and(|expr| {
            selectors(&expr)
                .into_iter()
                .any(|selector| metric(selector) == Some(rule.name.as_str()))
        })
    };
    let rules = catalog.rules.iter().filter(|other| reads(&other.expr));
    rows.extend(rules.map(|other| {
        row(
            "read by",
            &other.name,
            source,
            Some(format!("/rules/{}", other.name)),
        )
    }));
    let alerts = catalog
        .alerts
        .iter()
        .filter(|alert| alert.expression().is_some_and(reads));
    rows.extend(alerts.map(|alert| {
        row(
            "read by",
            &alert.name,
            source,
            Some(format!("/alerts/{}", alert.name)),
        )
    }));
    rows
}
