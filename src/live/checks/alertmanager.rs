//! The Alertmanager: whether Prometheus sends to it, and whether it routes as rendered.

use super::{Checked, Inquiry, first, remedy};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::json::Parts;
use crate::live::loaded::{alertmanager_config, differences};
use crate::live::prometheus::Running;
use crate::yaml;
use serde_json::Value;

fn place(inquiry: &Inquiry) -> Place {
    let file = inquiry
        .rendered
        .iter()
        .find(|file| file.value.get("receivers").is_some() && file.value.get("route").is_some());
    Place::File(format!(
        "{}/{}",
        inquiry.catalog.platform.output,
        file.map_or("", |file| file.path.as_str())
    ))
}

/// In what its configuration differs from the rendered one; `Err` says why it could not be asked.
pub fn config_differences(inquiry: &Inquiry) -> Result<(String, Vec<String>), Diagnostic> {
    let status = inquiry
        .alertmanager
        .json(&inquiry.client, "/api/v2/status")
        .map_err(|refusal| {
            let message = format!(
                "{}; alerts notify nobody",
                inquiry.alertmanager.sentence(&refusal)
            );
            Diagnostic::error("alertmanager-unreachable", place(inquiry), message)
                .help(remedy(&refusal, "--alertmanager-url"))
        })?;
    let version = status["versionInfo"]["version"]
        .as_str()
        .unwrap_or_default()
        .to_string();
    let loaded =
        yaml::parse(status["config"]["original"].as_str().unwrap_or_default()).unwrap_or_default();
    if !loaded.is_object() {
        let message = format!(
            "what answers at {} is not an Alertmanager: it has no configuration",
            inquiry.alertmanager.url
        );
        return Err(
            Diagnostic::error("alertmanager-unreachable", place(inquiry), message)
                .help("give its address with --alertmanager-url"),
        );
    }
    let found = alertmanager_config(inquiry.rendered)
        .map_or_else(Vec::new, |rendered| differences(rendered, &loaded, "", 0));
    Ok((version, found))
}

/// Prometheus knows where to send alerts, and who is there routes them as rendered.
pub fn checked(inquiry: &Inquiry, running: &Running) -> Checked {
    let mut findings = Vec::new();
    if running.alertmanagers.is_empty() {
        let message = "Prometheus knows no Alertmanager: alerts fire and notify nobody";
        findings.push(
            Diagnostic::error(
                "no-alertmanager",
                Place::Key("/prometheus/alertmanagers".into()),
                message,
            )
            .help("load the rendered configuration, whose `alerting` names it"),
        );
    }
    let (version, found) = match config_differences(inquiry) {
        Ok(answer) => answer,
        Err(finding) => {
            findings.push(finding);
            return Checked::new("alertmanager", "-", "could not be asked", findings);
        }
    };
    if !found.is_empty() {
        let message = format!(
            "the Alertmanager routes otherwise than rendered: {}",
            first(&found, 3)
        );
        let help = super::prometheus::reload_command(inquiry, "alertmanager");
        findings
            .push(Diagnostic::error("alertmanager-not-loaded", place(inquiry), message).help(help));
    }
    let state = if findings.is_empty() { "ok" } else { "differs" };
    let told = if inquiry.catalog.notifies() {
        plural(receivers(inquiry), "receiver")
    } else {
        "no one is notified".to_string()
    };
    Checked::new(
        "alertmanager",
        state,
        format!("{version}, {told}"),
        findings,
    )
}

fn receivers(inquiry: &Inquiry) -> usize {
    let all =
        alertmanager_config(inquiry.rendered).and_then(|config| config["receivers"].as_array());
    all.into_iter()
        .flatten()
        .filter(|receiver| receiver["name"] != "null")
        .count()
}

/// The receiver of an alert's severity, as rendered: the first route that matches, else the root's.
pub fn receiver(inquiry: &Inquiry, severity: &str) -> String {
    let Some(config) = alertmanager_config(inquiry.rendered) else {
        return String::new();
    };
    let matches = |route: &&Value| {
        let matchers = route["matchers"].texts();
        matchers
            .map(|matcher| matcher.replace(' ', ""))
            .all(|matcher| matcher == format!("severity=\"{severity}\""))
    };
    let route = config["route"]["routes"]
        .items()
        .find(matches)
        .unwrap_or(&config["route"]);
    route["receiver"].as_str().unwrap_or_default().to_string()
}
