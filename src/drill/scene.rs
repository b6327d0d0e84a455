//! The servers of a drill as they are looked at: what is active, and when all is quiet.

use super::Drill;
use super::rows::{called, subject};
use super::servers::{Stage, ask};
use crate::catalog::Duration;
use crate::diagnostic::plural;
use crate::drill::receiver::Receiver;
use crate::simulation::Fleet;
use crate::simulation::behaviour::Behaviours;
use crate::value::Value;
use anyhow::{Result, bail};
use std::time::Instant;

/// Between two looks.
pub(crate) const PACE: std::time::Duration = std::time::Duration::from_millis(25);

/// Prometheus reads its targets some seconds after its start; a machine under load takes longer.
const START: std::time::Duration = std::time::Duration::from_secs(120);

/// An alert that Prometheus holds pending or firing.
pub(crate) struct Active {
    pub name: String,
    /// The service or the group that it is about; empty: neither.
    pub subject: String,
    /// Or pending.
    pub firing: bool,
    pub value: f64,
    pub description: String,
}

/// Everything that is needed to watch.
pub(crate) struct Scene<'a> {
    pub drill: &'a Drill<'a>,
    pub fleet: &'a Fleet,
    pub receiver: &'a Receiver,
    pub stage: &'a Stage,
    pub start: Instant,
    /// Alerts that fire while everything is healthy, as a watchdog does.
    pub always: Vec<String>,
    /// What a fault must lead to, worked out once for the whole drill.
    pub behaviours: Behaviours<'a>,
}

impl Scene<'_> {
    pub(crate) fn tell(&self, line: &str) {
        self.drill.tell(self.start, line);
    }

    /// As long as it would have been, in whole seconds.
    pub(crate) fn written(&self, real: std::time::Duration) -> Duration {
        Duration((real.as_secs_f64() * self.drill.time_scale) as u64 * 1000)
    }

    /// Since a moment, as written.
    pub(crate) fn since(&self, moment: Instant) -> Duration {
        self.written(moment.elapsed())
    }

    /// Whether it is an alert of the catalog.
    pub(crate) fn ours(&self, name: &str) -> bool {
        self.drill
            .catalog
            .alerts
            .iter()
            .any(|alert| alert.name == name)
    }

    /// Alerts that are not inactive; None: no answer, look again.
    pub(crate) async fn active(&self) -> Option<Vec<Active>> {
        let answer = ask(&self.stage.prometheus, "/api/v1/alerts".into()).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let all = answer["data"]["alerts"].as_array()?.iter();
        let read = |one: &Value| Active {
            name: text(&one["labels"]["alertname"]),
            subject: subject(&one["labels"]),
            firing: one["state"] == "firing",
            value: text(&one["value"]).parse().unwrap_or(f64::NAN),
            description: text(&one["annotations"]["description"]),
        };
        let known = all.map(read).filter(|one| !self.reads_recorded(&one.name));
        Some(known.collect())
    }

    /// Whether an alert reads what a rule of the catalog's own records: which traffic of a stand-in makes it fire, nobody says.
    pub(crate) fn reads_recorded(&self, name: &str) -> bool {
        let alert = self.drill.catalog.alert(name);
        alert.is_some_and(|alert| !alert.recorded(self.drill.catalog).is_empty())
    }

    /// Everything is scraped, alerts have somewhere to go, and none is about to fire but those that always do: their names.
    pub(crate) async fn ready(&self) -> Result<Vec<String>> {
        for name in &self.stage.left_out {
            self.tell(&format!(
                "left out: the job {name}, which no stand-in answers for"
            ));
        }
        self.tell("waiting for Prometheus to scrape the stand-ins");
        // What is on disk may not have all of them.
        let jobs = self.stage.jobs.iter();
        let jobs = jobs.filter(|job| self.drill.catalog.service(job).is_some());
        let (mut total, mut wanted) = (0, 0);
        for job in jobs {
            total += 1;
            wanted += self.fleet.addresses(job).len();
        }
        let mut quiet = 0;
        let mut seen = String::new();
        while self.start.elapsed() < START {
            let targets = ask(
                &self.stage.prometheus,
                "/api/v1/targets?state=active".into(),
            )
            .await
            .unwrap_or_default();
            let ups = targets["data"]["activeTargets"]
                .items()
                .filter(|target| target["health"] == "up");
            let ours = ups
                .filter(|target| {
                    target["labels"]["job"]
                        .as_str()
                        .is_some_and(|job| self.drill.catalog.service(job).is_some())
                })
                .count();
            let senders = ask(&self.stage.prometheus, "/api/v1/alertmanagers".into())
                .await
                .unwrap_or_default();
            let sends = senders["data"]["activeAlertmanagers"]
                .as_array()
                .is_some_and(|list| !list.is_empty());
            let active = self.active().await;
            let always = |one: &Active| one.firing && !self.ours(&one.name);
            let calm = active
                .as_ref()
                .is_some_and(|active| active.iter().all(always));
            quiet = if ours == wanted && sends && calm {
                quiet + 1
            } else {
                0
            };
            // Some evaluations in a row, with every signal recorded.
            if quiet > 20 && self.start.elapsed() > self.drill.real(Duration(180_000)) {
                let scraped = match total {
                    1 => "the service is scraped".to_string(),
                    _ => format!("{total} services are scraped"),
                };
                self.tell(&format!("{scraped} and all is quiet"));
                return Ok(active.into_iter().flatten().map(|one| one.name).collect());
            }
            seen = format!("{ours} of {} answer the scrapes", plural(total, "service"));
            if let Some(first) = active.iter().flatten().find(|one| !always(one)) {
                let called = called(&first.name, &first.subject);
                seen = format!("{seen}; {called} is active although nothing is broken");
            }
            tokio::time::sleep(PACE).await;
        }
        bail!("the drill could not begin within {START:?}: {seen}")
    }
}
