//! Why an alert did not come as far as a receiver: what the drill's own servers say of it.

use super::Row;
use super::rows::{TIMING, called, subject};
use super::scene::PACE;
use super::servers::{Stage, ask};
use crate::catalog::{Branch, Duration};
use crate::value::Value;

/// Why, and what to do.
pub(super) struct Cause {
    pub reason: String,
    pub help: String,
}

impl Cause {
    fn of(reason: impl Into<String>, help: impl Into<String>) -> Cause {
        Cause {
            reason: reason.into(),
            help: help.into(),
        }
    }
}

/// Of an alert that fired, and no notification came.
pub(super) async fn untold(stage: &Stage, row: &Row) -> Cause {
    let Some(all) = ask(&stage.alertmanager, ALL.into()).await else {
        return Cause::of("fired, but no notification came", TIMING);
    };
    let Some(alert) = own(&all, row) else {
        return Cause::of(
            "fired, and the Alertmanager does not have it",
            "look at `alert_relabel_configs` under `alerting` in Prometheus' configuration: they may drop it",
        );
    };
    let held = suppressed(alert, &all);
    held.unwrap_or_else(|| Cause::of("fired, but no notification came", TIMING))
}

const ALL: &str = "/api/v2/alerts?active=true&silenced=true&inhibited=true";

/// The row's alert among those that the Alertmanager has.
fn own<'a>(all: &'a Value, row: &Row) -> Option<&'a Value> {
    all.items().find(|one| {
        let labels = &one["labels"];
        labels["alertname"] == row.alert.as_str() && subject(labels) == row.subject
    })
}

/// What keeps an alert that fires from being told; None: nothing that the Alertmanager knows.
pub(super) async fn held_back(stage: &Stage, row: &Row) -> Option<Cause> {
    let all = ask(&stage.alertmanager, ALL.into()).await?;
    suppressed(own(&all, row)?, &all)
}

/// Whether the Alertmanager has an alert and tells nobody of it while another one fires; it may be on its way there.
pub(super) async fn is_held_back(stage: &Stage, name: &str, about: &str) -> bool {
    for _ in 0..2 {
        let all = ask(&stage.alertmanager, ALL.into()).await;
        let all = all.unwrap_or_default();
        let mut same = all.items().filter(|one| {
            let labels = &one["labels"];
            labels["alertname"] == name && subject(labels) == about
        });
        if let Some(alert) = same.next() {
            return alert["status"]["inhibitedBy"].items().next().is_some();
        }
        tokio::time::sleep(PACE).await;
    }
    false
}

fn suppressed(alert: &Value, all: &Value) -> Option<Cause> {
    let status = &alert["status"];
    if let Some(by) = status["inhibitedBy"].texts().next() {
        let other = all.items().find(|one| one["fingerprint"] == by);
        let other = other.map_or_else(
            || "another alert".to_string(),
            |other| {
                let name = other["labels"]["alertname"].as_str().unwrap_or_default();
                called(name, &subject(&other["labels"]))
            },
        );
        return Some(Cause::of(
            format!("fired and was suppressed by {other}"),
            "an entry of `inhibit_rules` in the Alertmanager's configuration holds it back while that one fires",
        ));
    }
    let muted = status["mutedBy"].texts().next()?;
    Some(Cause::of(
        format!("fired and is muted now by the time interval {muted}"),
        "its route tells nobody at this hour of the day",
    ))
}

/// Of an alert that did not fire.
pub(super) async fn silent(stage: &Stage, row: &Row, branch: &Branch, time_scale: f64) -> Cause {
    let answer = ask(&stage.prometheus, "/api/v1/rules?type=alert".into()).await;
    let answer = answer.unwrap_or_default();
    let groups = answer["data"]["groups"].items();
    let mut rules = groups.flat_map(|group| group["rules"].items());
    let Some(rule) = rules.find(|rule| rule["name"] == row.alert.as_str()) else {
        return Cause::of(
            "did not fire: no rule has its name",
            "look at the rule file that is drilled",
        );
    };
    if let Some(error) = rule["lastError"].as_str().filter(|text| !text.is_empty()) {
        return Cause::of(
            format!("did not fire: its rule fails to evaluate: {error}"),
            "correct its expression",
        );
    }
    let held = rule["duration"].as_f64().unwrap_or_default() * time_scale;
    let held = Duration((held.round() * 1000.0) as u64);
    if row.pending.is_some() && held > branch.r#for {
        return Cause::of(
            format!(
                "did not fire: its rule waits {held}, and its `for` in the catalog is {}",
                branch.r#for
            ),
            "drill what services.toml says with --fresh, or look at the rule file that is drilled",
        );
    }
    if row.pending.is_none() {
        let query = rule["query"].as_str().unwrap_or_default();
        return Cause::of(
            format!("did not fire: its condition `{query}` returned nothing"),
            "the fault was there for all of that time: look at the condition; --fresh drills what services.toml says",
        );
    }
    Cause::of("did not fire", TIMING)
}
