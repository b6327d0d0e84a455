//! The Alertmanager: whether Prometheus sends to it, and whether it routes as rendered.

use super::{CheckContext, Checked, first, remedy};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::json::Parts;
use crate::live::loaded::differences;
use crate::live::prometheus::Running;
use crate::yaml;

fn place(context: &CheckContext) -> Place {
    let file = context.rendered.alertmanager();
    Place::File(format!(
        "{}/{}",
        context.catalog.platform.output,
        file.map_or("", |file| file.path.as_str())
    ))
}

/// In what its configuration differs from the rendered one; `Err` says why it could not be asked.
pub(crate) fn config_differences(
    context: &CheckContext,
) -> Result<(String, Vec<String>), Diagnostic> {
    let status = context
        .alertmanager
        .json(&context.client, "/api/v2/status")
        .map_err(|refusal| {
            let message = format!(
                "{}; alerts notify nobody",
                context.alertmanager.sentence(&refusal)
            );
            Diagnostic::error("alertmanager-unreachable", place(context), message)
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
            context.alertmanager.url
        );
        return Err(
            Diagnostic::error("alertmanager-unreachable", place(context), message)
                .help("give its address with --alertmanager-url"),
        );
    }
    let found = context
        .rendered
        .alertmanager()
        .map_or_else(Vec::new, |file| differences(&file.value, &loaded, "", 0));
    Ok((version, found))
}

/// Prometheus knows where to send alerts, and who is there routes them as rendered.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
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
    let (version, found) = match config_differences(context) {
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
        let help = super::prometheus::reload_command(context, "alertmanager");
        findings
            .push(Diagnostic::error("alertmanager-not-loaded", place(context), message).help(help));
    }
    let state = if findings.is_empty() { "ok" } else { "differs" };
    let notified = if context.catalog.notifies() {
        plural(receivers(context), "receiver")
    } else {
        "no one is notified".to_string()
    };
    Checked::new(
        "alertmanager",
        state,
        format!("{version}, {notified}"),
        findings,
    )
}

fn receivers(context: &CheckContext) -> usize {
    let config = context.rendered.alertmanager().into_iter();
    config
        .flat_map(|file| file.value["receivers"].items())
        .filter(|receiver| receiver["name"] != "null")
        .count()
}
