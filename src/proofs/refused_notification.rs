//! A notification is one that the service which gets it takes.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{Diagnostic, Severity};
use crate::json::plain;
use crate::stack::notifications::alerts::{Firing, NOT_FOR_PEOPLE};
use crate::stack::notifications::receivers::{host, tells_of_the_end};
use crate::stack::notifications::{matchers::Labels, texts};
use crate::value::Value;

pub(crate) const PROOF: Proof = Proof {
    code: "refused-notification",
    doc: "The Alertmanager sends what it is told to; a service that refuses it, or a message without words, is seen only when nobody comes.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/receivers/name=null/email_configs",
        bad: r#"[{"to": "team@example.org", "from": "shop@example.org", "smarthost": "mail.example.org:587", "html": ""}]"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(notifications) = stack.notifications() else {
            return found;
        };
        let file = notifications.file;
        let severities: Vec<&str> = stack.catalog.severities.names().collect();
        for receiver in &notifications.receivers {
            for (pointer, integration, entry) in receiver.integrations() {
                let mut say = |key: &str, severity, message: String, help: &str| {
                    found.push(Diagnostic {
                        severity,
                        ..place::at(&file.path, format!("{pointer}{key}"), message, help)
                    });
                };
                match integration {
                    "pagerduty" => {
                        if let Some(value) = level(entry, &severities, &notifications.alerts.real) {
                            say(
                                "/severity",
                                Severity::Error,
                                format!(
                                    "PagerDuty knows no severity `{value}`, and refuses the event"
                                ),
                                "it takes critical, error, warning and info",
                            );
                        }
                    }
                    "email" => {
                        let empty =
                            |key: &str| entry[key].as_str().unwrap_or_default().trim().is_empty();
                        if entry.get("html").is_some() && empty("html") && empty("text") {
                            say(
                                "/html",
                                Severity::Error,
                                "the mails have no body".to_string(),
                                "leave `html` out for the usual one, or write `text`",
                            );
                        }
                        if in_the_clear(entry, &file.value["global"]) {
                            say(
                                "",
                                Severity::Warning,
                                "the login is not given without TLS, so that no mail is sent"
                                    .to_string(),
                                "leave `require_tls` out",
                            );
                        }
                    }
                    "sns" => {
                        if let Some((host, region)) = elsewhere(entry) {
                            say(
                                "/api_url",
                                Severity::Error,
                                format!(
                                    "the messages are signed for {region}, and {host} is of another region"
                                ),
                                "leave `api_url` out: the Alertmanager asks the region of `sigv4`",
                            );
                        }
                    }
                    _ => {}
                }
                let told = notifications.alerts.real.first();
                if let Some(key) = told.and_then(|told| mute(entry, told.labels())) {
                    say(
                        &format!("/{key}"),
                        Severity::Error,
                        format!(
                            "while an alert fires, `{key}` says nothing: it speaks of resolved alerts only"
                        ),
                        "let the text speak of `.Alerts`, or of `.Alerts.Firing`",
                    );
                }
                if let Some(keys) = told.and_then(|told| blank(integration, entry, told.labels())) {
                    say(
                        &format!("/{}", keys[0]),
                        Severity::Error,
                        "the messages have no words: what they are made of says nothing"
                            .to_string(),
                        "leave one of them out for the usual text, or write what fires and where",
                    );
                }
                if let Some((key, labels)) = told.and_then(|told| {
                    Some((wordless(integration, entry, told.labels())?, told.labels()))
                }) {
                    let alert = labels.get("alertname").map_or("an alert", String::as_str);
                    say(
                        &format!("/{key}"),
                        Severity::Error,
                        format!(
                            "when {alert} has ended, nothing is left of the message: `{key}` speaks of firing alerts only"
                        ),
                        "let the text speak of `.Alerts`, or of `.Alerts.Resolved` too; or write `send_resolved = false`",
                    );
                }
            }
        }
        found
    }),
};

/// Integrations with the keys that make up their message, of which one must have words; what is left out has some of its own.
const MESSAGES: [(&str, &[&str]); 11] = [
    ("telegram", &["message"]),
    ("webex", &["message"]),
    ("wechat", &["message"]),
    ("sns", &["message"]),
    ("opsgenie", &["message"]),
    ("mattermost", &["text"]),
    ("slack", &["title", "text"]),
    ("rocketchat", &["title", "text"]),
    ("discord", &["title", "message"]),
    ("msteams", &["title", "text"]),
    ("msteamsv2", &["title", "text"]),
];

/// The texts of a message where none says anything while an alert fires, nor when it has ended.
fn blank(integration: &str, entry: &Value, labels: &Labels) -> Option<&'static [&'static str]> {
    let (_, keys) = MESSAGES.iter().find(|(kind, _)| *kind == integration)?;
    // Slack's messages can be made of these alone.
    if ["fields", "pretext"]
        .iter()
        .any(|key| entry.get(*key).is_some())
    {
        return None;
    }
    let says_nothing = |key: &str| {
        let text = entry.get(key).and_then(Value::as_str);
        [true, false].iter().all(|fires| {
            let written = text.and_then(|text| texts::written(text, labels, *fires).ok());
            written.is_some_and(|written| written.trim().is_empty())
        })
    };
    keys.iter().all(|key| says_nothing(key)).then_some(*keys)
}

/// The last of the texts that all say something while an alert fires, and nothing when it has ended, which is told too.
fn wordless<'k>(integration: &str, entry: &Value, labels: &Labels) -> Option<&'k str> {
    let resolved = entry["send_resolved"].as_bool();
    if !resolved.unwrap_or(tells_of_the_end(integration)) {
        return None;
    }
    let (_, keys) = MESSAGES.iter().find(|(kind, _)| *kind == integration)?;
    let mut speaks = false;
    for key in *keys {
        let text = entry.get(*key)?.as_str()?;
        let [firing, ended] = [true, false].map(|fires| texts::written(text, labels, fires).ok());
        if !ended?.trim().is_empty() {
            return None;
        }
        speaks |= !firing?.trim().is_empty();
    }
    keys.last().copied().filter(|_| speaks)
}

/// What people read of a notification, by whatever integration it comes.
const WORDS: [&str; 8] = [
    "title",
    "text",
    "message",
    "state_message",
    "description",
    "summary",
    "html",
    "subject",
];

/// A text that says something when an alert has ended, and nothing while it fires.
fn mute(entry: &Value, labels: &Labels) -> Option<&'static str> {
    let says =
        |text: &str, fires| Some(!texts::written(text, labels, fires).ok()?.trim().is_empty());
    let mut words = WORDS.into_iter();
    words.find(|key| {
        let text = entry[*key].as_str().unwrap_or_default();
        says(text, true) == Some(false) && says(text, false) == Some(true)
    })
}

/// https://developer.pagerduty.com/docs/send-alert-event
const LEVELS: [&str; 4] = ["critical", "error", "warning", "info"];

/// A severity that an event may have and PagerDuty does not know: as it is written, or as it is of one of the alerts.
fn level(entry: &Value, severities: &[&str], alerts: &[Firing]) -> Option<String> {
    let text = entry["severity"].as_str()?.trim();
    let told = alerts
        .iter()
        .filter(|firing| firing.severity != NOT_FOR_PEOPLE);
    let mut alerts = told.take(MOST).map(Firing::labels);
    let first = alerts.next().cloned().unwrap_or_default();
    // An override may give any alert another severity of the catalog.
    let of_each = severities.iter().map(|severity| {
        let mut labels = first.clone();
        labels.insert("severity".to_string(), severity.to_string());
        labels
    });
    let mut all = of_each.chain(alerts.cloned());
    all.find_map(|labels| {
        let written = texts::written(text, &labels, true).ok()?;
        let known = LEVELS.contains(&written.trim());
        (!known).then(|| written.trim().to_string())
    })
}

/// The host of Amazon that an integration asks, and the region that its messages are signed for, if that is another.
fn elsewhere(entry: &Value) -> Option<(&str, &str)> {
    let region = entry.pointer("/sigv4/region")?.as_str()?;
    let host = host(entry["api_url"].as_str()?);
    let other = host.contains("amazonaws.com") && !host.split('.').any(|part| part == region);
    other.then_some((host, region))
}

/// So many alerts are looked at.
const MOST: usize = 200;

/// Go's client gives a password only to a server that speaks TLS, or to this machine:
/// https://pkg.go.dev/net/smtp#PlainAuth
fn in_the_clear(entry: &Value, global: &Value) -> bool {
    let either = |key: &str| match entry.get(key) {
        Some(own) => own.clone(),
        None => global[format!("smtp_{key}").as_str()].clone(),
    };
    let smarthost = plain(&either("smarthost"));
    let (host, port) = smarthost.rsplit_once(':').unwrap_or((&smarthost, ""));
    let password = entry
        .entries()
        .chain(global.entries())
        .any(|(key, _)| key.ends_with("auth_password") || key.ends_with("auth_password_file"));
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    either("require_tls") == Value::Bool(false) && password && port != "465" && !local
}
