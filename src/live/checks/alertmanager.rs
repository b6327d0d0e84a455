//! The Alertmanager: whether Prometheus sends to it, and whether it routes as rendered.

use super::{CheckContext, Checked, first, remedy};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::json::{Parts, plain};
use crate::live::endpoint::Refusal;
use crate::live::loaded::differences;
use crate::live::prometheus::Running;
use crate::yaml;
use serde_json::Value;

/// Where the rendered configuration is.
fn path(context: &CheckContext) -> String {
    let file = context.rendered.alertmanager();
    format!(
        "{}/{}",
        context.catalog.platform.output,
        file.map_or("", |file| file.path.as_str())
    )
}

fn place(context: &CheckContext) -> Place {
    Place::File(path(context))
}

/// What an Alertmanager runs.
struct Loaded {
    version: String,
    /// In what its configuration differs from the rendered one.
    differences: Vec<String>,
    /// Receivers that are only there.
    foreign: Vec<String>,
}

/// What the Alertmanager runs; `Err` says why it could not be asked.
fn loaded(context: &CheckContext, running: &Running) -> Result<Loaded, Diagnostic> {
    let status = context
        .alertmanager
        .json(&context.client, "/api/v2/status")
        .map_err(|refusal| {
            let sentence = context.alertmanager.sentence(&refusal);
            let dead = matches!(refusal, Refusal::Failed(_));
            let message = match running.sends_to(&context.alertmanager.url) {
                true if dead => format!("{sentence}; alerts notify nobody"),
                true => format!("{sentence}; whether anybody is notified was not seen"),
                false => format!(
                    "{sentence}; Prometheus sends to {}, whether anybody is notified was not seen",
                    first(&running.alertmanagers, 3)
                ),
            };
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
    let mut found = Loaded {
        version,
        differences: Vec::new(),
        foreign: Vec::new(),
    };
    let Some(file) = context.rendered.alertmanager() else {
        return Ok(found);
    };
    found.receivers(&file.value["receivers"], &loaded["receivers"]);
    let rest = file.value.entries().filter(|(key, _)| *key != "receivers");
    let rest = rest
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let rest = Value::Object(rest);
    found.differences.extend(differences(&rest, &loaded, "", 0));
    Ok(found)
}

impl Loaded {
    /// Receivers by their names: others may have some of their own.
    fn receivers(&mut self, wanted: &Value, there: &Value) {
        let named = |all: &Value, name: &Value| {
            let mut all = all.items();
            all.find(|one| one["name"] == *name).cloned()
        };
        for receiver in wanted.items() {
            let name = plain(&receiver["name"]);
            match named(there, &receiver["name"]) {
                Some(other) => {
                    let path = format!("receiver {name}");
                    let found =
                        differences(&with_headers(receiver), &with_headers(&other), &path, 0);
                    self.differences.extend(found);
                }
                None => self
                    .differences
                    .push(format!("the receiver {name} is not loaded")),
            }
        }
        let more = there
            .items()
            .filter(|one| named(wanted, &one["name"]).is_none());
        let more = more.map(|one| format!("the receiver {}", plain(&one["name"])));
        self.foreign.extend(more);
    }
}

/// A receiver with the names of its mails' headers in lower case: an Alertmanager says `Subject` however it was written.
fn with_headers(receiver: &Value) -> Value {
    let mut receiver = receiver.clone();
    let mails = receiver
        .get_mut("email_configs")
        .and_then(Value::as_array_mut);
    for headers in mails
        .into_iter()
        .flatten()
        .filter_map(|mail| mail.get_mut("headers"))
    {
        *headers = Value::Object(
            headers
                .entries()
                .map(|(name, value)| (name.to_lowercase(), value.clone()))
                .collect(),
        );
    }
    receiver
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
    let Loaded {
        version,
        differences: found,
        foreign,
    } = match loaded(context, running) {
        Ok(answer) => answer,
        Err(finding) => {
            findings.push(finding);
            return Checked::new("alertmanager", "-", "could not be asked", findings);
        }
    };
    if !found.is_empty() {
        let asked = &context.alertmanager.url;
        let message = format!(
            "the Alertmanager at {asked} routes otherwise than rendered: {}",
            first(&found, 3)
        );
        let reload = super::prometheus::reload_command(context, "alertmanager");
        let here = format!("let it read {} as it is here, then {reload}", path(context));
        let help = match running.sends_to(asked) {
            true => here,
            false => format!(
                "Prometheus sends to {}: is that another one? Then ask it with --alertmanager-url; else {here}",
                first(&running.alertmanagers, 3)
            ),
        };
        findings
            .push(Diagnostic::error("alertmanager-not-loaded", place(context), message).help(help));
    }
    if found.is_empty()
        && !running.alertmanagers.is_empty()
        && !running.sends_to(&context.alertmanager.url)
    {
        let message = format!(
            "Prometheus sends to {}, and {} was asked",
            first(&running.alertmanagers, 3),
            context.alertmanager.url
        );
        findings.push(
            Diagnostic::error("another-alertmanager", place(context), message)
                .help("give the address of the one that Prometheus sends to with --alertmanager-url, or correct `alertmanagers` under [prometheus]"),
        );
    }
    let state = if findings.is_empty() { "ok" } else { "differs" };
    findings.extend(super::prometheus::foreign(
        place(context),
        "the Alertmanager",
        &foreign,
    ));
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
