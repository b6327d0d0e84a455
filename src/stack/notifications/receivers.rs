//! Whom the Alertmanager tells, and by what: the integrations of its receivers, with what the configuration says for all.

use crate::json::{Parts, plain};
use crate::stack::document::walk;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where the catalog's keys of an integration stand in the configuration: integration, key, the places in an entry, and the
/// key that holds for all entries.
/// https://prometheus.io/docs/alerting/latest/configuration/
const PLACES: [(&str, &str, &[&str], &str); 9] = [
    ("slack", "channel", &["/channel"], ""),
    (
        "slack",
        "api_url_file",
        &["/api_url_file"],
        "slack_api_url_file",
    ),
    ("pagerduty", "routing_key_file", &["/routing_key_file"], ""),
    ("email", "to", &["/to"], ""),
    ("email", "from", &["/from"], "smtp_from"),
    ("email", "smarthost", &["/smarthost"], "smtp_smarthost"),
    (
        "email",
        "auth_username",
        &["/auth_username"],
        "smtp_auth_username",
    ),
    (
        "email",
        "auth_password_file",
        &["/auth_password_file"],
        "smtp_auth_password_file",
    ),
    ("webhook", "url", &["/url"], ""),
];

/// A bearer token of any integration that speaks HTTP.
const CREDENTIALS: [&str; 2] = [
    "/http_config/authorization/credentials_file",
    "/http_config/bearer_token_file",
];

/// Keys whose value the Alertmanager connects to.
const CONNECTS: [&str; 6] = [
    "url",
    "api_url",
    "webhook_url",
    "smarthost",
    "proxy_url",
    "token_url",
];

/// The same for all receivers, behind the name of their integration.
const FOR_ALL: [&str; 3] = ["_url", "_smarthost", "_api_host"];

/// One receiver of the configuration.
pub(crate) struct Receiver<'a> {
    /// Where it stands.
    pub(crate) pointer: String,
    pub(crate) name: &'a str,
    written: &'a Value,
    global: &'a Value,
}

/// Every receiver, in order.
pub(crate) fn all(alertmanager: &Value) -> Vec<Receiver<'_>> {
    let list = alertmanager["receivers"].items().enumerate();
    list.map(|(index, written)| Receiver {
        pointer: format!("/receivers/{index}"),
        name: written["name"].as_str().unwrap_or_default(),
        written,
        global: &alertmanager["global"],
    })
    .collect()
}

/// What may hold the password of a user at a mail server, in an entry; behind `smtp_` it holds for all.
const PASSWORDS: [&str; 4] = [
    "auth_password",
    "auth_password_file",
    "auth_secret",
    "auth_secret_file",
];

impl<'a> Receiver<'a> {
    /// Entries that log in to a mail server without a password.
    pub(crate) fn without_password(&self) -> Vec<String> {
        let mut found = self.integrations();
        found.retain(|(_, integration, entry)| {
            let said = |key: &str| {
                entry.get(key).is_some() || self.global.get(format!("smtp_{key}")).is_some()
            };
            *integration == "email" && said("auth_username") && !PASSWORDS.into_iter().any(said)
        });
        found
            .into_iter()
            .map(|(pointer, ..)| format!("{pointer}/auth_username"))
            .collect()
    }

    /// Its entries: pointer, integration, entry.
    pub(crate) fn integrations(&self) -> Vec<(String, &'a str, &'a Value)> {
        let mut found = Vec::new();
        for (key, list) in self.written.entries() {
            let Some(integration) = key.strip_suffix("_configs") else {
                continue;
            };
            let entries = list.items().enumerate();
            found.extend(entries.map(|(index, entry)| {
                (
                    format!("{}/{key}/{index}", self.pointer),
                    integration,
                    entry,
                )
            }));
        }
        found
    }

    /// In what no entry is what the catalog says of an integration: pointer, key, what is there, what the catalog says.
    /// None: one entry is.
    pub(crate) fn differs(&self, integration: &str, said: &Value) -> Option<Differs> {
        let entries = self.integrations();
        let entries = entries.iter().filter(|(_, kind, _)| *kind == integration);
        let all = entries.map(|(pointer, _, entry)| {
            let wrong = said.entries().find_map(|(key, said)| {
                let said = plain(said);
                let there = self.there(integration, key, entry);
                // Others may be written to as well.
                let same = there.as_ref().is_some_and(|there| match key.as_str() {
                    "to" => mailboxes(&said).is_subset(&mailboxes(there)),
                    _ => *there == said,
                });
                (!same).then(|| (key.clone(), there, said))
            });
            wrong.map(|(key, there, said)| Differs {
                pointer: pointer.clone(),
                key,
                there,
                said,
            })
        });
        let all: Vec<Option<Differs>> = all.collect();
        match all.iter().any(Option::is_none) {
            true => None,
            false => Some(all.into_iter().flatten().next().unwrap_or(Differs {
                pointer: self.pointer.clone(),
                key: String::new(),
                there: None,
                said: String::new(),
            })),
        }
    }

    fn there(&self, integration: &str, key: &str, entry: &Value) -> Option<String> {
        let at = |places: &[&str]| {
            let mut places = places.iter();
            places.find_map(|place| entry.pointer(place)).map(plain)
        };
        if key == "credentials_file" {
            return at(&CREDENTIALS);
        }
        let mut known = PLACES.iter();
        let place = known.find(|(kind, own, ..)| *kind == integration && *own == key);
        let Some((_, _, places, for_all)) = place else {
            return at(&[&format!("/{key}")]);
        };
        at(places).or_else(|| self.global.get(*for_all).map(plain))
    }

    /// What it connects to: pointer and address.
    pub(crate) fn connects(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (pointer, _, entry) in self.integrations() {
            walk(entry, &mut |inside, key, value| {
                if CONNECTS.contains(&key) {
                    let text = value.as_str().filter(|text| !text.contains("{{"));
                    found.extend(text.map(|text| (format!("{pointer}{inside}"), text.to_string())));
                }
            });
        }
        found
    }
}

/// What the configuration says for all receivers: pointer and address.
pub(crate) fn for_all(alertmanager: &Value) -> Vec<(String, String)> {
    let settings = alertmanager["global"].entries();
    let addresses = settings.filter(|(key, _)| FOR_ALL.iter().any(|end| key.ends_with(end)));
    addresses
        .filter_map(|(key, value)| Some((format!("/global/{key}"), value.as_str()?.to_string())))
        .collect()
}

/// The addresses of `Name <who@where>, who@where`.
fn mailboxes(text: &str) -> BTreeSet<&str> {
    let address = |one: &'_ str| -> usize { one.rfind('<').map_or(0, |at| at + 1) };
    text.split(',')
        .map(|one| one[address(one)..].trim().trim_end_matches('>'))
        .collect()
}

/// How an entry is not what the catalog says.
pub(crate) struct Differs {
    pub(crate) pointer: String,
    /// Empty: there is no entry at all.
    pub(crate) key: String,
    pub(crate) there: Option<String>,
    pub(crate) said: String,
}

/// The host of an address: of a URL, or of host:port.
pub(crate) fn host(address: &str) -> &str {
    let authority = address.rsplit("://").next().unwrap_or_default();
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}
