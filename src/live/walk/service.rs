//! The links between Prometheus and the service: reachable, parsed, scraped, healthy, complete.

use super::Walk;
use crate::diagnostic::Diagnostic;
use crate::live::checks::services::Visit;
use crate::live::checks::targets::{Scrapes, down, flapping, target, unknown};
use crate::live::checks::{CheckContext, probes::Probes};
use crate::live::probe::ProbeStage;
use crate::live::prometheus::Running;

/// Reachable, http, parsed, scraped; whether the walk goes on.
pub(crate) fn way(
    walk: &mut Walk,
    context: &CheckContext,
    running: &Running,
    visit: &mut Visit,
) -> bool {
    let service = visit.service;
    let mut ended = std::mem::take(&mut visit.way);
    let samples = match visit.elsewhere {
        true => "by Prometheus".to_string(),
        false => format!("{} samples", visit.samples),
    };
    let refused = |(stage, _): &(ProbeStage, Diagnostic)| *stage == ProbeStage::Reachable;
    let fine = match visit.elsewhere && ended.iter().all(refused) {
        true => "from Prometheus, though not from this machine",
        false => "from this machine",
    };
    let http = match visit.elsewhere {
        true => "Prometheus is answered, though this machine is not",
        false => "200",
    };
    let note = visit.http.first().map(|note| note.message.clone());
    let links = [
        (ProbeStage::Reachable, Vec::new(), fine.to_string()),
        (
            ProbeStage::Http,
            std::mem::take(&mut visit.http),
            note.unwrap_or_else(|| http.into()),
        ),
        (ProbeStage::Parsed, Vec::new(), samples),
    ];
    // Where one instance ends the way, it ends there; what is behind it was not seen of that one.
    let last = ended
        .iter()
        .filter(|(_, one)| one.stops())
        .map(|(stage, _)| *stage)
        .min();
    for (stage, mut findings, fine) in links {
        let (here, later) = ended.into_iter().partition(|(at, _)| *at == stage);
        ended = later;
        findings.extend(
            here.into_iter()
                .map(|(_, finding): (_, Diagnostic)| finding),
        );
        let goes_on = walk.found(stage.link(), findings, fine);
        if !goes_on || last == Some(stage) {
            return goes_on;
        }
    }
    let Some(target) = target(running, service) else {
        return walk.goes_on();
    };
    let scrapes = Scrapes::failed(context, Some(&service.name)).remove(&service.name);
    let (found, fine) = match (target.health.as_str(), &scrapes) {
        ("up", None) => (Vec::new(), "up".to_string()),
        ("up", Some(scrapes)) => {
            let flaps = scrapes.flap().then(|| flapping(service, scrapes));
            let fine = format!("up; {}", scrapes.described());
            (flaps.into_iter().collect(), fine)
        }
        ("down", scrapes) => {
            let down = down(context, service, target, scrapes.as_ref());
            (vec![down], String::new())
        }
        _ => (vec![unknown(service, target)], String::new()),
    };
    walk.found("scraped", found, fine)
}

/// The health path, asked from this machine where it gets through, then what the blackbox exporter reported to Prometheus.
pub(crate) fn healthy(
    walk: &mut Walk,
    context: &CheckContext,
    running: &Running,
    visit: &mut Visit,
) -> bool {
    let service = visit.service;
    // Where nothing answers, health was not asked: that is said at the link where it ends.
    if !visit.healthy && !visit.elsewhere && visit.health.is_empty() {
        return walk.goes_on();
    }
    let mut findings = std::mem::take(&mut visit.health);
    let mut fine = match visit.elsewhere {
        true => "not asked: only Prometheus reaches the service".to_string(),
        false => {
            let doors = context.reach.doors(service);
            let asked: Vec<&str> = doors.iter().map(|door| door.health.as_str()).collect();
            asked.join(", ")
        }
    };
    if service.health_probe {
        match Probes::ask(context).verdict(context, running, service) {
            Ok(seen) => fine += &format!("; {seen}"),
            Err(finding) => findings.push(finding.of(&service.name)),
        }
    }
    walk.found("health", findings, fine)
}

/// Whether everything declared is exposed, as it was declared, and Prometheus has it.
pub(crate) fn metrics(walk: &mut Walk, context: &CheckContext, visit: &mut Visit) -> bool {
    let service = visit.service;
    let metrics = context.catalog.exposed();
    let declared = metrics.filter(|metric| metric.services.contains(&service.name));
    let mut findings = std::mem::take(&mut visit.absent);
    findings.append(&mut visit.contract);
    if !visit.scraped && !visit.elsewhere && findings.is_empty() {
        return walk.goes_on();
    }
    let fine = format!(
        "{} declared, all exposed{}",
        declared.count(),
        idle(context, visit)
    );
    walk.found("metrics", findings, fine)
}

/// Traffic that nothing counts: the handlers may not increment.
fn idle(context: &CheckContext, visit: &Visit) -> String {
    let alerts = context.catalog.alerts.iter();
    let keys = alerts.filter(|alert| alert.covers_service(&visit.service.name));
    let totals = keys.filter_map(|alert| {
        ["requests", "total"]
            .iter()
            .find_map(|key| alert.settings.get(key)?.as_str())
    });
    let silent = |key: &str| {
        let mut exposed = visit.exposed.iter();
        let series = exposed.find(|series| series.metric.key == key)?;
        (series.events == 0.0).then_some(series.metric.name.as_str())
    };
    let mut silent: Vec<&str> = totals.filter_map(silent).collect();
    silent.dedup();
    if silent.is_empty() {
        return String::new();
    }
    format!(
        "; {} has counted nothing: no requests yet, or no handler increments it",
        silent.join(", ")
    )
}
