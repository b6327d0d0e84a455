//! The health probes: whether Prometheus hears of every probed service, and what.

use super::{CheckContext, Checked};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::prometheus::{Running, query};
use crate::value::Value;
use std::collections::HashMap;

/// The job that asks the blackbox exporter.
pub(crate) const JOB: &str = "health-probe";

/// What the last probes said, by service.
pub(crate) struct Probes {
    success: HashMap<String, f64>,
    status: HashMap<String, f64>,
}

impl Probes {
    /// Asks Prometheus for all of them at once.
    pub(crate) fn ask(context: &CheckContext) -> Probes {
        let values = |metric: &str| {
            let expression = format!("min by (service) ({metric}{{job=\"{JOB}\"}})");
            let series =
                query(&context.prometheus, &context.client, &expression).unwrap_or_default();
            let one = |one: &Value| {
                Some((
                    one["metric"]["service"].as_str()?.to_string(),
                    one["value"][1].as_str()?.parse().ok()?,
                ))
            };
            series.iter().filter_map(one).collect()
        };
        Probes {
            success: values("probe_success"),
            status: values("probe_http_status_code"),
        }
    }

    /// What is known of a probed service: what was seen, or what stops it.
    pub(crate) fn verdict(
        &self,
        context: &CheckContext,
        running: &Running,
        service: &Service,
    ) -> Result<String, Diagnostic> {
        let at = || Place::Key(format!("/services/{}", service.name));
        let name = &service.name;
        let Some(target) = running
            .targets
            .iter()
            .find(|target| target.job == JOB && target.service == *name)
        else {
            let message =
                format!("{name}: its health check is not made: the job {JOB} has no target for it");
            return Err(Diagnostic::error("probe-target-missing", at(), message)
                .help("just after its start Prometheus takes some seconds; later, load the rendered configuration"));
        };
        match (target.health.as_str(), self.success.get(name)) {
            ("down", _) => Err(unanswered(context, at(), name, &target.error)),
            ("up", Some(success)) if *success > 0.0 => Ok("the probe succeeds".into()),
            ("up", Some(_)) => {
                let status = self.status.get(name).copied().unwrap_or(0.0);
                let how = if status > 0.0 {
                    format!("is answered with {status}")
                } else {
                    "gets no answer in time".into()
                };
                let message = format!(
                    "{name} is scraped, but its health check fails: the blackbox exporter's request for {} {how}",
                    service.health_path
                );
                Err(Diagnostic::error("probe-fails", at(), message)
                    .help("the exporter's /probe with module=health, debug=true and this target tells every step; only 2xx is healthy, a redirect is not"))
            }
            _ => Err(Diagnostic::error(
                "probe-unknown",
                at(),
                format!("{name}: its health has not been probed yet"),
            )
            .help("wait for one scrape interval: --wait 60s")),
        }
    }
}

/// The exporter did not answer: that says nothing of the service.
fn unanswered(context: &CheckContext, place: Place, service: &str, error: &str) -> Diagnostic {
    let address = &context.catalog.blackbox.address;
    let help = if error.contains("400") {
        "it does not know the module `health`: mount the rendered folder monitoring/blackbox and restart it".to_string()
    } else {
        format!(
            "start the blackbox exporter where Prometheus looks for it, at {address} (`[blackbox] address`)"
        )
    };
    let message = format!(
        "{service}: its health check is not made: the blackbox exporter gives no answer: {error}"
    );
    Diagnostic::error("probe-target-down", place, message).help(help)
}

/// Whether every probed service is healthy as the exporter sees it. What this machine sees too is reported once, by the services' own check; `healthy` are those that look healthy from here.
pub(crate) fn checked(
    context: &CheckContext,
    running: &Running,
    healthy: &[&str],
) -> Option<Checked> {
    let probed: Vec<&Service> = context
        .catalog
        .services
        .iter()
        .filter(|service| service.health_probe)
        .collect();
    if probed.is_empty() {
        return None;
    }
    if !running.jobs().contains(&JOB) {
        return Some(Checked::new(
            "probes",
            format!("0/{}", probed.len()),
            format!("the job {JOB} is not loaded"),
            Vec::new(),
        ));
    }
    let probes = Probes::ask(context);
    let (mut fine, mut findings) = (0, Vec::new());
    for service in &probed {
        match probes.verdict(context, running, service) {
            Ok(_) => fine += 1,
            Err(finding)
                if finding.code == "probe-fails" && !healthy.contains(&service.name.as_str()) => {}
            Err(finding) => findings.push(finding.of(&service.name)),
        }
    }
    // One exporter that is gone is one finding, not one for each service.
    let silent = findings
        .iter()
        .filter(|finding| finding.code == "probe-target-down")
        .count();
    if silent > 1 && silent == probed.len() {
        findings.truncate(1);
        findings[0].service = None;
        findings[0].message = findings[0].message.replacen(
            &format!("{}: its health check is", probed[0].name),
            "no health check is",
            1,
        );
    }
    Some(Checked::new(
        "probes",
        format!("{fine}/{}", probed.len()),
        "health checks of the blackbox exporter succeed",
        findings,
    ))
}
