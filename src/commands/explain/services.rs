//! What is known of a service, and what watches it.

use super::{Row, objective, row};
use crate::catalog::{Catalog, Service, origin, schema};
use crate::json::plain;
use crate::source::Source;
use crate::value::{Value, to_value};

pub(super) fn service_rows(service: &Service, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/services/{}/{key}", service.name));
    let mut rows = vec![
        row("group", &service.group, source, at("group")),
        row("port", service.port, source, at("port")),
    ];
    if let Some(owner) = service.owner.as_ref().or(catalog.platform.owner.as_ref()) {
        let set = origin(source, service, "owner");
        let set = set.unwrap_or_else(|| "/platform/owner".to_string());
        rows.push(row("owner", owner, source, Some(set)));
    }
    let values = to_value(service).unwrap_or_default();
    for (key, _) in schema::settings() {
        let value = match (key.as_str(), said(&values[key])) {
            // Its `targets` say that.
            ("runs_on", _) if !service.targets.is_empty() => continue,
            ("memory_limit", _) => service.memory_limit.to_string(),
            (_, Some(value)) => value,
            (_, None) => continue,
        };
        rows.push(row(key, value, source, origin(source, service, key)));
    }
    rows.extend(
        service
            .image
            .as_ref()
            .map(|image| row("image", image, source, at("image"))),
    );
    rows.push(row("target", service.addresses(), source, None));
    let emitted = catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name));
    rows.extend(emitted.map(|metric| {
        row(
            "emits",
            &metric.name,
            source,
            Some(format!("/metrics/{}", metric.key)),
        )
    }));
    // Which of its metrics alerts read as its memory, its CPU time, its start.
    rows.extend(service.roles.iter().map(|(role, known)| {
        let metric = match known.summed {
            true => format!("the sum of {}", known.metric),
            false => known.metric.clone(),
        };
        row(role, metric, source, origin(source, service, "runtime"))
    }));
    rows.extend(objective::of_service(service, catalog, source));
    for alert in &catalog.alerts {
        if alert.covers.contains(&service.name) {
            rows.push(row(
                "alert",
                &alert.name,
                source,
                Some(format!("/alerts/{}", alert.name)),
            ));
        } else if alert.excepts.contains(&service.name) {
            let why = service
                .overrides
                .get(&alert.name)
                .and_then(|differs| differs.reason.clone())
                .unwrap_or_default();
            rows.push(row(
                "no alert",
                format!("{}: {why}", alert.name),
                source,
                Some(format!("/services/{}/alerts/{}", service.name, alert.name)),
            ));
        }
    }
    rows
}

/// A setting in a line; None: there is nothing to it.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(table) => {
            let entries = table.iter().filter(|(_, value)| **value != false);
            let entries =
                entries.filter_map(|(key, value)| Some(format!("{key} = {}", said(value)?)));
            let all = entries.collect::<Vec<_>>().join(", ");
            (!all.is_empty()).then_some(all)
        }
        other => Some(plain(other)),
    }
}
