//! Breaks one service at a time and watches: inactive, pending, firing, delivered, inactive, resolved.

use super::breakage::{Breakage, Broken, Planned};
use super::rows::called;
use super::scene::{Active, PACE, Scene};
use super::servers::Stage;
use super::{Drill, Row, Verdict, cause, inhibition};
use crate::catalog::{Alert, Branch, Catalog, Duration, NO_ONE, Scope};
use crate::drill::receiver::{Notification, Receiver};
use crate::simulation::Fleet;
use crate::simulation::behaviour::Behaviours;
use crate::simulation::fault::Fault;
use anyhow::Result;
use std::time::Instant;

/// Between the names of several who are told.
const AND: &str = ", ";

/// How often is said what is waited for.
const TOLD: std::time::Duration = std::time::Duration::from_secs(10);

/// How long is waited for an alert, in real time since its fault began or ended.
struct Limits {
    /// Until its condition holds: a fault without an effect has none later either.
    effect: std::time::Duration,
    /// Until somebody is told.
    told: std::time::Duration,
    /// Until nothing is active any more.
    over: std::time::Duration,
}

/// An alert that is over at Prometheus; its all-clear is still on the way.
struct Settling {
    row: usize,
    fixed: Instant,
    from: usize,
}

/// Every alert, every branch of it, then whether the Alertmanager holds back what it should.
pub(crate) async fn all(
    drill: &Drill<'_>,
    fleet: &Fleet,
    receiver: &Receiver,
    stage: &Stage,
) -> Result<Vec<Row>> {
    let mut scene = Scene {
        drill,
        fleet,
        receiver,
        stage,
        start: Instant::now(),
        always: Vec::new(),
        behaviours: Behaviours::of(drill.catalog)?,
    };
    scene.always = scene.ready().await?;
    let planned = planned(&scene)?;
    let mut rows = Vec::new();
    let mut settling = Vec::new();
    let many = planned.len();
    for (index, (alert, branch, service, breakage)) in planned.into_iter().enumerate() {
        // Fired again before its all-clear, an alert would not be notified of again.
        if rows
            .iter()
            .any(|row: &Row| row.alert == alert.name && row.subject == service)
        {
            scene
                .settle(&mut rows, &std::mem::take(&mut settling))
                .await;
        }
        scene.tell(&format!(
            "{} of {many}: {}",
            index + 1,
            called(&alert.name, &service)
        ));
        let from = receiver.since(0).len();
        let (row, fixed) = scene.one(alert, branch, &service, breakage, &rows).await?;
        if row.verdict == Verdict::Passed {
            settling.push(Settling {
                row: rows.len(),
                fixed,
                from,
            });
        }
        rows.push(row);
    }
    scene.settle(&mut rows, &settling).await;
    if let Some(row) = inhibition::row(drill, stage).await {
        scene.tell(&format!(
            "inhibition: {}",
            if row.verdict == Verdict::Passed {
                "holds"
            } else {
                "fails"
            }
        ));
        rows.push(row);
    }
    Ok(rows)
}

/// Every alert and every branch of it, with what is broken for it and how.
fn planned<'a>(scene: &Scene<'a>) -> Result<Vec<Planned<'a>>> {
    let mut planned = Vec::new();
    for alert in &scene.drill.alerts {
        if alert.kind.faults.is_empty() {
            planned.extend(scene.of_a_test(alert));
            continue;
        }
        // Each way of burning a budget is a branch of the same services, and one fault is all of them.
        let mut known: Vec<&[String]> = Vec::new();
        for branch in &alert.branches {
            if known.contains(&branch.services.as_slice()) {
                continue;
            }
            known.push(&branch.services);
            let unseen = unseen(alert, scene.drill.catalog);
            for (service, fault) in Fault::of_branch(&scene.behaviours, alert, branch)? {
                let breakage = match fault {
                    _ if unseen.is_some() => Breakage::Unknown(unseen.clone().unwrap_or_default()),
                    Some(fault) => Breakage::Fault(fault),
                    None => Breakage::Unknown("no fault of its kind shows on its services".into()),
                };
                planned.push((*alert, branch, service.to_string(), breakage));
            }
        }
    }
    Ok(planned)
}

/// Why no stand-in can show what an alert compares: nothing was there a week ago, text has no native histograms, and what a rule records
/// is exposed by nobody.
fn unseen(alert: &Alert, catalog: &Catalog) -> Option<String> {
    let compares = alert.kind.compares.is_some();
    if let Some(recorded) = alert.recorded(catalog).first() {
        return Some(format!(
            "it reads {recorded}, which a rule records: no stand-in knows what leads to a value of it"
        ));
    }
    let back = alert.kind.reads_back.as_ref();
    if let Some(back) = back.and_then(|key| alert.settings.get(key)?.as_str()) {
        return Some(format!(
            "it compares with what was {back} ago, and a drill has no such past"
        ));
    }
    let metrics = alert.metrics().into_iter();
    let mut metrics = metrics.filter_map(|(_, name, _)| catalog.metric(name));
    let native = metrics.find(|metric| compares && metric.whole)?;
    Some(format!(
        "it reads the native histogram {}, which stand-ins cannot write: they answer with text",
        native.name
    ))
}

impl Scene<'_> {
    /// From the fault to Prometheus' all-clear, and when the fault ended.
    async fn one(
        &self,
        alert: &Alert,
        branch: &Branch,
        subject: &str,
        breakage: Breakage,
        before: &[Row],
    ) -> Result<(Row, Instant)> {
        let routed = &self.routed(alert, branch, subject);
        let called = called(&alert.name, subject);
        if let Breakage::Unknown(reason) = breakage {
            self.tell(&format!("{called}: {reason}"));
            let row = Row {
                verdict: Verdict::NotDrilled(reason),
                ..Row::new(&alert.name, subject, "-", routed)
            };
            return Ok((row, Instant::now()));
        }
        let mut row = Row::new(&alert.name, subject, &breakage.to_string(), routed);
        let from = self.receiver.since(0).len();
        let broken = self.broken(&breakage, alert, subject)?;
        self.begin(&breakage, subject);
        self.tell(&format!("{called}: {breakage}"));
        let began = Instant::now();
        let limits = self.limits(alert, branch, &broken);
        let mut said = Instant::now();
        while row.delivered.is_none() && row.verdict == Verdict::Passed {
            self.look(&mut row, &broken, began, from, before).await;
            let failed = row.verdict != Verdict::Passed;
            // What else is seen meanwhile is not why.
            if failed
                && row.firing.is_some()
                && row.delivered.is_none()
                && let Some(cause) = cause::held_back(self.stage, &row).await
            {
                row.verdict = Verdict::Passed;
                row.fail_with(cause.reason, cause.help);
            }
            let unseen = row.pending.is_none() && row.firing.is_none();
            if said.elapsed() > TOLD {
                said = Instant::now();
                let (awaited, limit) = match (unseen, row.firing) {
                    (true, _) => ("its condition does not hold yet", limits.effect),
                    (false, None) => ("pending", limits.told),
                    (false, Some(_)) => ("firing, no notification yet", limits.told),
                };
                self.tell(&format!(
                    "{called}: {awaited}, given up in {} s",
                    limit.saturating_sub(began.elapsed()).as_secs()
                ));
            }
            if began.elapsed() > limits.told || (unseen && began.elapsed() > limits.effect) {
                let cause = match row.firing {
                    Some(_) => cause::untold(self.stage, &row).await,
                    None => {
                        let scale = self.drill.time_scale;
                        cause::silent(self.stage, &row, branch, scale).await
                    }
                };
                let reason = format!("{}, within {}", cause.reason, self.since(began));
                row.fail_with(reason, cause.help);
            }
        }
        if row.pending.is_none() && row.firing.is_some() && branch.r#for.0 > 0 {
            row.fail("was never pending");
        }
        self.end(&breakage, subject);
        let fixed = Instant::now();
        self.until_quiet(&mut row, &broken, began, from, before, limits.over)
            .await;
        Ok((row, fixed))
    }

    /// Everybody who is to be told.
    fn routed(&self, alert: &Alert, branch: &Branch, subject: &str) -> String {
        let catalog = &self.drill.catalog;
        let mut subjects = catalog.subjects(alert, branch).into_iter();
        let subject = subjects.find(|known| known.name().unwrap_or_default() == subject);
        let told = subject.map_or(Vec::new(), |subject| {
            catalog.told(&catalog.about(alert, subject, &branch.severity))
        });
        let names: Vec<&str> = told.iter().map(|told| told.receiver).collect();
        match names.is_empty() {
            true => NO_ONE.to_string(),
            false => names.join(AND),
        }
    }

    /// Twice what it should take, and some seconds for the machine.
    fn limits(&self, alert: &Alert, branch: &Branch, broken: &Broken) -> Limits {
        let settings = &self.drill.catalog.alertmanager;
        let burns = |alert: &Alert| {
            let branches = alert.branches.iter();
            let windows = branches.filter_map(|branch| Some(branch.burn.as_ref()?.window.0));
            windows.max().unwrap_or_default()
        };
        let hold = branch.hold.map_or(0, |hold| hold.range.0);
        let holds = branch.window.unwrap_or_default().0 + hold + burns(alert);
        let told = holds + branch.r#for.0 + settings.group_wait.0 + settings.group_interval.0;
        // What is spent of a budget is seen until the shorter ranges have forgotten it, by whichever alert.
        let alerts = &self.drill.catalog.alerts;
        let kept = alerts.iter().filter_map(|one| Some(one.keep_firing_for?.0));
        let seen = alerts.iter().map(burns).max().unwrap_or_default();
        let over = told + kept.max().unwrap_or_default() + seen;
        let twice = |written: u64| {
            self.drill.real(Duration(written + 300_000)) * 2
                + self.drill.real(broken.lasts) * 2
                + std::time::Duration::from_secs(10)
        };
        Limits {
            effect: twice(holds),
            told: twice(told),
            over: twice(over),
        }
    }

    /// One look at Prometheus and the receiver.
    async fn look(
        &self,
        row: &mut Row,
        wanted: &Broken,
        began: Instant,
        from: usize,
        before: &[Row],
    ) {
        let active = self.active().await.unwrap_or_default();
        let notifications = self.receiver.since(from);
        self.note_progress(row, wanted, began, &active);
        self.note_delivery(row, began, &notifications);
        let (firing, told) = self.stray(row, wanted, &active, &notifications, before);
        let told = match (told, firing) {
            (None, Some(one)) => {
                // What the Alertmanager holds back, nobody is told of.
                let held = cause::is_held_back(self.stage, &one.name, &one.subject).await;
                (!held).then(|| called(&one.name, &one.subject))
            }
            (told, _) => told,
        };
        if let Some(stray) = told {
            row.fail(format!("{stray} fired too"));
        }
        tokio::time::sleep(PACE).await;
    }

    /// When the row's alert is first seen pending, and firing with which value.
    fn note_progress(&self, row: &mut Row, wanted: &Broken, began: Instant, active: &[Active]) {
        let Some(mine) = active
            .iter()
            .find(|one| one.name == row.alert && one.subject == row.subject)
        else {
            return;
        };
        let now = self.since(began);
        if mine.firing && row.firing.is_none() {
            row.firing = Some(now);
            self.tell(&format!("{}: firing: {}", row.called(), mine.description));
            if let Some(value) = wanted.value.filter(|value| *value != mine.value) {
                row.fail(format!(
                    "fired with the value {} instead of {value}",
                    mine.value
                ));
            }
        } else if !mine.firing && row.pending.is_none() {
            row.pending = Some(now);
            self.tell(&format!("{}: pending", row.called()));
        }
    }

    /// When its first notification arrives, and where.
    fn note_delivery(&self, row: &mut Row, began: Instant, notifications: &[Notification]) {
        let arrived = notifications
            .iter()
            .find(|note| note.firing && note.alert == row.alert && note.subject == row.subject);
        if let (Some(note), None) = (arrived, row.delivered) {
            row.delivered = Some(self.written(note.at.saturating_duration_since(began)));
            self.tell(&format!("{}: delivered to {}", row.called(), note.receiver));
            if !row.receiver.split(AND).any(|one| one == note.receiver) {
                row.fail(format!("was delivered to {}", note.receiver));
            }
        }
    }

    /// Alerts that the fault should not trigger: one that fires at Prometheus, and the name of one that the receiver was told of.
    fn stray<'a>(
        &self,
        row: &Row,
        wanted: &Broken,
        active: &'a [Active],
        notifications: &[Notification],
        before: &[Row],
    ) -> (Option<&'a Active>, Option<String>) {
        // What a fault does to an expression of the catalog's own, and an invented input to anything, only their tests know.
        let unknown = |name: &str, subject: &str| {
            let alert = self.drill.catalog.alert(name);
            let own = alert.is_some_and(|alert| {
                alert.about != Scope::Service
                    || (alert.kind.faults.is_empty() && subject == row.subject)
            });
            own || wanted.played.iter().any(|service| service == subject)
        };
        let expected = |name: &str, subject: &str| {
            (subject == row.subject && wanted.triggers.iter().any(|alert| alert == name))
                || unknown(name, subject)
                || self.reads_recorded(name)
                || self.always.iter().any(|always| always == name)
        };
        // A service that is down may have other alerts at Prometheus: the Alertmanager holds them back.
        let hidden = |subject: &str| wanted.unreachable && subject == row.subject;
        let firing = active
            .iter()
            .find(|one| one.firing && !expected(&one.name, &one.subject) && !hidden(&one.subject));
        let earlier = |note: &Notification| {
            before
                .iter()
                .any(|row| row.alert == note.alert && row.subject == note.subject)
        };
        let notified = notifications
            .iter()
            .find(|note| note.firing && !expected(&note.alert, &note.subject) && !earlier(note));
        let notified = notified.map(|note| called(&note.alert, &note.subject));
        (firing, notified)
    }

    /// Until nothing of the catalog is active any more.
    async fn until_quiet(
        &self,
        row: &mut Row,
        wanted: &Broken,
        began: Instant,
        from: usize,
        before: &[Row],
        limit: std::time::Duration,
    ) {
        let fixed = Instant::now();
        let mut said = fixed;
        loop {
            self.look(row, wanted, began, from, before).await;
            let active = self.active().await;
            let ours = active.map(|active| -> Vec<String> {
                let ours = active.iter().filter(|one| self.ours(&one.name));
                ours.map(|one| called(&one.name, &one.subject)).collect()
            });
            let left = match ours.as_deref() {
                Some([]) => return,
                Some([one]) => one.clone(),
                Some([one, more @ ..]) => format!("{one} and {} more", more.len()),
                None => "unknown, as Prometheus does not answer".to_string(),
            };
            if fixed.elapsed() > limit {
                return row.fail(format!(
                    "still active {} after the fault had ended: {left}",
                    self.since(fixed)
                ));
            }
            if said.elapsed() > TOLD {
                said = Instant::now();
                self.tell(&format!(
                    "{}: the fault has ended, still active: {left}; given up in {} s",
                    row.called(),
                    limit.saturating_sub(fixed.elapsed()).as_secs()
                ));
            }
        }
    }

    async fn settle(&self, rows: &mut [Row], settling: &[Settling]) {
        let settings = &self.drill.catalog.alertmanager;
        let limit =
            self.drill.real(settings.group_interval) * 2 + std::time::Duration::from_secs(10);
        let began = Instant::now();
        for one in settling {
            let row = &mut rows[one.row];
            loop {
                let clear = |note: &Notification| {
                    !note.firing && note.alert == row.alert && note.subject == row.subject
                };
                if let Some(note) = self.receiver.since(one.from).into_iter().find(clear) {
                    row.resolved = Some(self.written(note.at.saturating_duration_since(one.fixed)));
                    self.tell(&format!("{}: resolved", row.called()));
                    break;
                }
                if began.elapsed() > limit {
                    row.fail("its all-clear was never delivered");
                    break;
                }
                tokio::time::sleep(PACE).await;
            }
        }
    }
}
