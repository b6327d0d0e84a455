//! Whether who is to be told of what fires is told, of one service or of all: `why` and `verify` say the same.

use super::delivery::{
    Delivery, broken, foreign_alert, idle_silences, silences, suppressed, told, told_twice,
};
use super::schedule::{Schedule, not_yet};
use super::{CheckContext, Checked};
use crate::diagnostic::{Diagnostic, Place, Severity, plural};
use crate::live::prometheus::Running;
use crate::stack::notifications::receivers;
use std::collections::BTreeSet;

/// What becomes of the alerts of a service: what holds them back now, receivers that refuse them, when they are told, and what
/// keeps any alert from being told.
pub(crate) fn of_service(
    context: &CheckContext,
    running: &Running,
    delivery: &Delivery,
    service: &str,
    through: &BTreeSet<String>,
) -> Vec<Diagnostic> {
    let place = at(context, service);
    let mut found = suppressed(delivery, service, &place);
    found.extend(silences(context, delivery, Some(service), &place));
    found.extend(refused(context, through, &place));
    if let Some(schedule) = Schedule::of(delivery) {
        found.extend(not_yet(running, delivery, &schedule, service, &place));
    }
    found.extend(broken(context, running, delivery));
    found.extend(foreign_alert(running, delivery, service, &place));
    found.extend(told_twice(running, delivery, service, &place));
    found.extend(idle_silences(
        context,
        running,
        delivery,
        Some(service),
        &place,
    ));
    found
}

fn at(context: &CheckContext, service: &str) -> Place {
    Place::Key(match context.catalog.service(service) {
        Some(_) => format!("/services/{service}"),
        None => "/alertmanager".to_string(),
    })
}

/// An integration through which nothing has gone out since it last failed.
fn refused(
    context: &CheckContext,
    through: &BTreeSet<String>,
    place: &Place,
) -> Option<Diagnostic> {
    let told = told(context, through);
    let (integration, told) = told.iter().find(|(_, told)| told.fails())?;
    let message = format!("notifications fail: {}", told.described(integration));
    Some(Diagnostic::error("notifications-fail", place.clone(), message).help(
        "the Alertmanager's log has the receiver's answer; is its address right, and are its token and secrets?",
    ))
}

/// The integrations of receivers, as the Alertmanager counts them.
pub(crate) fn integrations(
    context: &CheckContext,
    wanted: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    let config = context.rendered.alertmanager();
    let all = config.map_or_else(Vec::new, |file| receivers::all(&file.value));
    let named = all.iter().filter(|receiver| wanted(receiver.name));
    let found = named.flat_map(|receiver| receiver.integrations());
    found
        .map(|(_, integration, _)| integration.to_string())
        .collect()
}

/// Whether alerts get from Prometheus to the Alertmanager that was asked, and from there to the receivers.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
    // Why it could not is said by the check of the Alertmanager itself.
    let Ok(delivery) = Delivery::ask(context) else {
        return Checked::new("delivery", "-", "could not be asked", Vec::new());
    };
    let mut findings = broken(context, running, &delivery);
    let everybody = at(context, "");
    findings.extend(refused(
        context,
        &integrations(context, |_| true),
        &everybody,
    ));
    let mut held = silences(context, &delivery, None, &everybody);
    held.extend(idle_silences(context, running, &delivery, None, &everybody));
    let schedule = Schedule::of(&delivery);
    // Who shares the Alertmanager sends alerts about services of its own.
    let jobs: BTreeSet<&str> = running.jobs().into_iter().collect();
    let subjects = delivery.subjects().into_iter();
    for service in subjects.filter(|service| service.is_empty() || jobs.contains(service)) {
        let place = at(context, service);
        let mut own = suppressed(&delivery, service, &place);
        if let Some(schedule) = &schedule {
            own.extend(not_yet(running, &delivery, schedule, service, &place));
        }
        own.extend(foreign_alert(running, &delivery, service, &place));
        own.extend(told_twice(running, &delivery, service, &place));
        let own = own.into_iter();
        held.extend(own.map(|finding| match service {
            "" => finding,
            service => finding.of(service),
        }));
    }
    // It is as somebody wants it, or only a matter of time.
    findings.extend(held.into_iter().map(|finding| Diagnostic {
        severity: Severity::Warning,
        ..finding
    }));
    let firing = running.rules().flat_map(|rule| rule["alerts"].items());
    let firing = firing.filter(|alert| alert["state"] == "firing").count();
    let state = match findings.iter().any(Diagnostic::stops) {
        true => "broken",
        false => "ok",
    };
    let note = format!(
        "{} in Prometheus, {} in the Alertmanager, {} in force",
        plural(firing, "firing alert"),
        delivery.alerts.len(),
        plural(delivery.silences(), "silence")
    );
    Checked::new("delivery", state, note, findings)
}
