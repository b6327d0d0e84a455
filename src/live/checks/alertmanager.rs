//! The Alertmanager: whether Prometheus sends to it, and whether it routes as rendered.

use super::delivery::{called, possible, texts};
use super::{CheckContext, Checked, first, remedy};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::json::plain;
use crate::live::endpoint::Refusal;
use crate::live::loaded::differences;
use crate::live::prometheus::Running;
use crate::stack::notifications::alerts::Way;
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::routes::Route;
use crate::value::{Value, json};
use crate::yaml;
use std::collections::BTreeSet;

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
    differences: Vec<Difference>,
    /// Receivers that are only there.
    foreign: Vec<String>,
    config: Value,
}

/// In what a configuration is another one than that which was rendered.
struct Difference {
    about: About,
    text: String,
}

/// Whom a difference concerns.
enum About {
    /// Whoever is told through it.
    Receiver(String),
    /// Whoever is routed otherwise by it.
    Routes,
    All,
}

/// What the Alertmanager runs; `Err` says why it could not be asked.
fn loaded(context: &CheckContext, running: &Running) -> Result<Loaded, Diagnostic> {
    let status = context
        .alertmanager
        .json(&context.client, "/api/v2/status")
        .map_err(|refusal| {
            let sentence = context.alertmanager.sentence(&refusal);
            // Who has a route prefix, or is another program, answers so to Prometheus too.
            let there = format!("{}/api/", context.alertmanager.url);
            let mut sends = running.alertmanagers.iter();
            let elsewhere = matches!(refusal, Refusal::Status(404, _))
                && sends.any(|address| address.starts_with(&there));
            let dead = elsewhere || matches!(refusal, Refusal::Failed(_));
            let message = match running.sends_to(&context.alertmanager.url) {
                true if dead => format!("{sentence}; alerts notify nobody"),
                true => format!("{sentence}; whether anybody is notified was not seen"),
                false => format!(
                    "{sentence}; Prometheus sends to {}, whether anybody is notified was not seen",
                    first(&running.alertmanagers, 3)
                ),
            };
            let help = match elsewhere {
                true => "Prometheus sends to the same address: start the Alertmanager there, and without `--web.route-prefix`".to_string(),
                false => remedy(&refusal, "--alertmanager-url"),
            };
            Diagnostic::error("alertmanager-unreachable", place(context), message).help(help)
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
        config: loaded,
    };
    if let Some(file) = context.rendered.alertmanager() {
        (found.differences, found.foreign) = between(&file.value, &found.config);
    }
    Ok(found)
}

/// In what a configuration differs from the rendered one, and receivers that are only there: others may have some of their own.
fn between(rendered: &Value, other: &Value) -> (Vec<Difference>, Vec<String>) {
    let mut found = Vec::new();
    let mut add = |about: &dyn Fn() -> About, texts: Vec<String>| {
        let one = |text| Difference {
            about: about(),
            text,
        };
        found.extend(texts.into_iter().map(one));
    };
    let (wanted, there) = (&rendered["receivers"], &other["receivers"]);
    let named = |all: &Value, name: &Value| {
        let mut all = all.items();
        all.find(|one| one["name"] == *name).cloned()
    };
    for receiver in wanted.items() {
        let name = plain(&receiver["name"]);
        let texts = match named(there, &receiver["name"]) {
            Some(other) => {
                let path = format!("receiver {name}");
                differences(&with_headers(receiver), &with_headers(&other), &path, 0)
            }
            None => vec![format!("the receiver {name} is not loaded")],
        };
        add(&|| About::Receiver(name.clone()), texts);
    }
    let part = |key: &str, whole: &Value| json!({key: whole[key]});
    add(
        &|| About::Routes,
        differences(&part("route", rendered), &part("route", other), "", 0),
    );
    let rest = |whole: &Value| {
        let rest = whole.entries();
        let rest = rest.filter(|(key, _)| !["receivers", "route"].contains(&key.as_str()));
        Value::Object(
            rest.map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    };
    add(
        &|| About::All,
        differences(&rest(rendered), &rest(other), "", 0),
    );
    let more = there
        .items()
        .filter(|one| named(wanted, &one["name"]).is_none());
    let more = more.map(|one| format!("the receiver {}", plain(&one["name"])));
    (found, more.collect())
}

/// Whether another configuration than the rendered one tells of a service's alerts otherwise.
pub(super) fn concerns(context: &CheckContext, service: &str, other: &Value) -> bool {
    let Some(file) = context.rendered.alertmanager() else {
        return false;
    };
    let (found, _) = between(&file.value, other);
    let whom = Whom::of(context, Some(service), &file.value, other);
    found.iter().any(|one| whom.has(one, false))
}

/// Who is told of a service's alerts.
struct Whom {
    receivers: BTreeSet<String>,
    /// Whether another configuration routes some of them otherwise.
    rerouted: bool,
    /// Of one that others are told of, what it is and who.
    others: Option<String>,
}

impl Whom {
    /// Of one service, or of all.
    fn of(context: &CheckContext, service: Option<&str>, rendered: &Value, other: &Value) -> Whom {
        let mut whom = Whom {
            receivers: BTreeSet::new(),
            rerouted: false,
            others: None,
        };
        let (Some(wanted), Some(there)) = (Route::of(rendered), Route::of(other)) else {
            whom.rerouted = true;
            return whom;
        };
        let way = Way::of(context.rendered.config().unwrap_or(&Value::Null));
        for (_, made) in possible(context, service) {
            let Some(labels) = way.sent(&made) else {
                continue;
            };
            let ends = wanted.ends(&labels);
            let receivers = ends.iter().map(|route| route.receiver().to_string());
            whom.receivers.extend(receivers);
            whom.add(&labels, ends, there.ends(&labels));
        }
        // What is not of the catalog is about the monitoring itself, and of no service.
        let rules = context.rendered.alerts().map(|(_, _, rule)| rule);
        let own = rules.filter(|rule| {
            let name = rule["alert"].as_str().unwrap_or_default();
            service.is_none() && context.catalog.alert(name).is_none()
        });
        for rule in own {
            let mut made = texts(&rule["labels"]);
            let name = rule["alert"].as_str().unwrap_or_default();
            made.insert("alertname".to_string(), name.to_string());
            if let Some(labels) = way.sent(&made) {
                whom.add(&labels, wanted.ends(&labels), there.ends(&labels));
            }
        }
        whom
    }

    /// Where an alert ends, as rendered and there.
    fn add(&mut self, labels: &Labels, wanted: Vec<&Route>, there: Vec<&Route>) {
        if self.others.is_none() {
            let (wanted, there) = (names(&wanted), names(&there));
            self.others = (wanted != there).then(|| {
                let name = called(labels);
                format!("{there} is told of {name}, rendered is {wanted}")
            });
        }
        self.rerouted |= otherwise(&wanted, &there);
    }

    /// Whether a difference concerns them; of all services together every receiver does.
    fn has(&self, difference: &Difference, of_all: bool) -> bool {
        match &difference.about {
            About::Receiver(name) => of_all || self.receivers.contains(name),
            About::Routes => self.rerouted,
            About::All => true,
        }
    }
}

/// Whether an alert that ends in some routes is told otherwise than in others.
fn otherwise(wanted: &[&Route], there: &[&Route]) -> bool {
    let settings = |route: &Route| Value::Object(route.settings.clone());
    let mut both = wanted.iter().zip(there);
    wanted.len() != there.len()
        || both.any(|(wanted, there)| {
            !differences(&settings(wanted), &settings(there), "", 0).is_empty()
        })
}

/// The receivers of some routes, for people.
fn names(routes: &[&Route]) -> String {
    let mut names: Vec<&str> = routes.iter().map(|route| route.receiver()).collect();
    names.dedup();
    match names.is_empty() {
        true => "nobody".to_string(),
        false => names.join(" and "),
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

/// Prometheus sends alerts nowhere.
fn unknown_to(running: &Running) -> Option<Diagnostic> {
    let place = Place::Key("/prometheus/alertmanagers".into());
    let code = "no-alertmanager";
    let configured = running.config["alerting"]["alertmanagers"].items().next();
    if !running.alertmanagers.is_empty() {
        return None;
    }
    if let (Some(_), Some(age)) = (configured, running.settling()) {
        let message = format!(
            "Prometheus was started, or read its configuration, {age} s ago and has not yet looked for its Alertmanager"
        );
        let waits = Diagnostic::warning(code, place, message);
        return Some(waits.help("wait for some seconds: --wait 60s"));
    }
    let help = match configured {
        Some(_) => {
            "its configuration names one, and its service discovery finds none: see the page Status, Service Discovery, and its log"
        }
        None => "load the rendered configuration, whose `alerting` names it",
    };
    let message = "Prometheus knows no Alertmanager: alerts fire and notify nobody";
    Some(Diagnostic::error(code, place, message).help(help))
}

/// Prometheus knows where to send alerts, and who is there routes them as rendered.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
    about(context, running, None)
}

/// The same for the alerts of one service: what is different for others only is a notice.
pub(crate) fn about(context: &CheckContext, running: &Running, service: Option<&str>) -> Checked {
    let mut findings = Vec::new();
    findings.extend(unknown_to(running));
    let Loaded {
        version,
        differences: found,
        foreign,
        config,
    } = match loaded(context, running) {
        Ok(answer) => answer,
        Err(finding) => {
            findings.push(finding);
            return Checked::new("alertmanager", "-", "could not be asked", findings);
        }
    };
    let rendered = context.rendered.alertmanager();
    let whom = rendered
        .filter(|_| !found.is_empty())
        .map(|file| Whom::of(context, service, &file.value, &config));
    let (found, of_others): (Vec<Difference>, Vec<Difference>) =
        found.into_iter().partition(|one| {
            let all = service.is_none();
            whom.as_ref().is_none_or(|whom| whom.has(one, all))
        });
    let others = whom.and_then(|whom| whom.others);
    let others = others.map_or_else(String::new, |others| format!("; so {others}"));
    let texts = |all: Vec<Difference>| all.into_iter().map(|one| one.text).collect::<Vec<_>>();
    let (found, of_others) = (texts(found), texts(of_others));
    if !of_others.is_empty() {
        let whom = match service {
            Some(_) => "does not concern this service",
            None => "changes nothing of who is told of the alerts rendered here, nor when",
        };
        let message = format!(
            "the Alertmanager routes otherwise than rendered, which {whom}: {}",
            first(&of_others, 3)
        );
        let reload = super::prometheus::reload_command(context, "alertmanager");
        findings.push(
            Diagnostic::notice("alertmanager-not-loaded", place(context), message).help(format!(
                "leave it so where the routes are shared with others; else let it read {} as it is here, then {reload}",
                path(context)
            )),
        );
    }
    if !found.is_empty() {
        let asked = &context.alertmanager.url;
        let message = format!(
            "the Alertmanager at {asked} routes otherwise than rendered: {}{others}",
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
    let right = !findings.iter().any(Diagnostic::stops);
    let state = if right { "ok" } else { "differs" };
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
