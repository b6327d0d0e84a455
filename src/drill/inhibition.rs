//! Whether the Alertmanager holds back the other alerts of a service that is down, and only those.

use super::servers::{Stage, TIMEOUT, ask};
use super::{Drill, Row};
use crate::catalog::Alert;
use crate::live::http::Client;
use crate::value::{Value, json};
use std::time::Duration;

/// Posts a service's down alert beside another of its alerts, and the same alert of another service; None: there is nothing to hold back.
pub(crate) async fn row(drill: &Drill<'_>, stage: &Stage) -> Option<Row> {
    let (down, other, [broken, healthy]) = pair(drill)?;
    let mut row = Row::new(
        "inhibition",
        &broken,
        &format!("{} beside {}", down.name, other.name),
        "-",
    );
    let alerts = json!([
        labels(drill, down, &broken)?,
        labels(drill, other, &broken)?,
        labels(drill, other, &healthy)?
    ]);
    let url = format!("{}/api/v2/alerts", stage.alertmanager.url);
    let posted = tokio::task::spawn_blocking(move || {
        let json = [("content-type", "application/json")];
        Client::new(TIMEOUT, None).and_then(|client| client.post(&url, &json, &alerts.to_string()))
    })
    .await;
    if !posted.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200)) {
        row.fail("the Alertmanager takes no alerts");
        return Some(row);
    }
    let mut states = (String::new(), String::new());
    // It takes a moment until the alerts have gone through its inhibitor.
    for _ in 0..40 {
        let alerts = ask(&stage.alertmanager, "/api/v2/alerts".into())
            .await
            .unwrap_or_default();
        states = (
            state(&alerts, &other.name, &broken),
            state(&alerts, &other.name, &healthy),
        );
        if states == ("suppressed".into(), "active".into()) {
            return Some(row);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    row.fail_with(
        format!(
            "{} is {} for {broken}, which is down, and {} for {healthy}, which is not",
            other.name, states.0, states.1
        ),
        "look at `inhibit_rules` in the Alertmanager's configuration that is drilled",
    );
    Some(row)
}

/// An alert and a second one that is held back while the first fires, with two services that have both.
fn pair<'a>(drill: &Drill<'a>) -> Option<(&'a Alert, &'a Alert, [String; 2])> {
    let down = *drill
        .alerts
        .iter()
        .find(|alert| alert.kind.holds_back_others)?;
    let mut others = drill.catalog.alerts.iter();
    others.find_map(|other| {
        let covers = &other.covers;
        let mut both = covers
            .iter()
            .filter(|service| down.covers.contains(service));
        let services = [both.next()?.clone(), both.next()?.clone()];
        (!other.kind.holds_back_others).then_some((down, other, services))
    })
}

/// The state of a service's alert among those that the Alertmanager has; empty where it does not have it.
fn state(alerts: &Value, alert: &str, job: &str) -> String {
    let found = alerts
        .items()
        .find(|one| one["labels"]["alertname"] == alert && one["labels"]["job"] == job);
    found
        .and_then(|one| one["status"]["state"].as_str().map(str::to_string))
        .unwrap_or_default()
}

/// An alert as Prometheus would send it.
fn labels(drill: &Drill, alert: &Alert, service: &str) -> Option<Value> {
    let branch = alert.branch_of(service)?;
    let group = &drill.catalog.service(service)?.group;
    Some(
        json!({"labels": {"alertname": alert.name, "job": service, "service": service, "component": group, "severity": branch.severity}}),
    )
}
