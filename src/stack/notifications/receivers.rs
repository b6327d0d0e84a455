//! Whom the Alertmanager tells, and by what: the integrations of its receivers, with what the configuration says for all.

use crate::json::plain;
use crate::source::step;
use crate::stack::document::walk;
use crate::value::Value;
use std::collections::BTreeSet;

/// Where the catalog's keys of an integration stand in the configuration, if that is not an entry's own key, or what holds for all
/// entries can take its place: integration, key, the place in an entry, and the key that holds for all entries.
/// https://prometheus.io/docs/alerting/latest/configuration/
const PLACES: [(&str, &str, &str, &str); 20] = [
    ("slack", "api_url_file", "", "slack_api_url_file"),
    ("email", "from", "", "smtp_from"),
    ("email", "smarthost", "", "smtp_smarthost"),
    ("email", "auth_username", "", "smtp_auth_username"),
    ("email", "auth_password_file", "", "smtp_auth_password_file"),
    ("opsgenie", "api_key_file", "", "opsgenie_api_key_file"),
    ("telegram", "bot_token_file", "", "telegram_bot_token_file"),
    (
        "mattermost",
        "webhook_url_file",
        "",
        "mattermost_webhook_url_file",
    ),
    ("victorops", "api_key_file", "", "victorops_api_key_file"),
    ("wechat", "api_secret_file", "", "wechat_api_secret_file"),
    ("wechat", "corp_id", "", "wechat_api_corp_id"),
    ("rocketchat", "api_url", "", "rocketchat_api_url"),
    ("rocketchat", "token_file", "", "rocketchat_token_file"),
    (
        "rocketchat",
        "token_id_file",
        "",
        "rocketchat_token_id_file",
    ),
    ("jira", "api_url", "", "jira_api_url"),
    ("sns", "region", "/sigv4/region", ""),
    ("sns", "profile", "/sigv4/profile", ""),
    ("sns", "role_arn", "/sigv4/role_arn", ""),
    ("jira", "username", "/http_config/basic_auth/username", ""),
    (
        "webhook",
        "username",
        "/http_config/basic_auth/username",
        "",
    ),
];

/// The same of any integration that speaks HTTP, in each place that it may have.
const LOGINS: [(&str, &[&str]); 2] = [
    (
        "credentials_file",
        &[
            "/http_config/authorization/credentials_file",
            "/http_config/bearer_token_file",
        ],
    ),
    ("password_file", &["/http_config/basic_auth/password_file"]),
];

/// Keys that say who is told, where the catalog has them too: what it does not say is not there.
const WHO: [(&str, &[&str]); 9] = [
    ("slack", &["channel"]),
    ("telegram", &["chat_id", "message_thread_id"]),
    ("opsgenie", &["responders"]),
    ("mattermost", &["channel"]),
    ("rocketchat", &["channel"]),
    ("victorops", &["routing_key"]),
    ("sns", &["topic_arn", "target_arn", "phone_number"]),
    ("wechat", &["to_user", "to_party", "to_tag"]),
    ("jira", &["project", "priority"]),
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

/// Whether an integration tells of the end of an alert, unless the configuration says otherwise: `VSendResolved` of its defaults.
pub fn tells_of_the_end(integration: &str) -> bool {
    !["email", "slack", "wechat", "rocketchat"].contains(&integration)
}

/// One receiver of the configuration.
pub struct Receiver<'a> {
    /// Where it stands.
    pub(crate) pointer: String,
    pub name: &'a str,
    written: &'a Value,
    global: &'a Value,
}

/// Every receiver, in order.
pub fn all(alertmanager: &Value) -> Vec<Receiver<'_>> {
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
    pub fn integrations(&self) -> Vec<(String, &'a str, &'a Value)> {
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

    /// What tells others than those of the catalog: integrations that it does not name, and keys that say whom. Pointer, and what it is.
    pub(crate) fn besides(&self, said: &Value) -> Vec<(String, Besides)> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for (pointer, integration, entry) in self.integrations() {
            let Some(said) = said.get(integration).filter(|_| seen.insert(integration)) else {
                found.push((pointer, Besides::Integration(integration.to_string())));
                continue;
            };
            let who = WHO.iter().filter(|(kind, _)| *kind == integration);
            for key in who.flat_map(|(_, keys)| *keys) {
                if said.get(*key).is_none() && entry.get(*key).is_some() {
                    let key = key.to_string();
                    found.push((
                        format!("{pointer}/{key}"),
                        Besides::Key(integration.to_string(), key),
                    ));
                }
            }
        }
        found
    }

    fn there(&self, integration: &str, key: &str, entry: &Value) -> Option<String> {
        let at = |place: &str| entry.pointer(place).map(plain);
        if let Some((_, places)) = LOGINS.iter().find(|(login, _)| *login == key) {
            return places.iter().find_map(|place| at(place));
        }
        let own = format!("/{}", step(key));
        if key == "send_resolved" {
            return at(&own).or_else(|| Some(tells_of_the_end(integration).to_string()));
        }
        let mut known = PLACES.iter();
        let place = known.find(|(kind, own, ..)| *kind == integration && *own == key);
        let Some((_, _, place, for_all)) = place else {
            return at(&own);
        };
        at(if place.is_empty() { &own } else { place })
            .or_else(|| self.global.get(*for_all).map(plain))
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

/// What a receiver has and the catalog does not say.
pub(crate) enum Besides {
    /// Another integration, or a second of one.
    Integration(String),
    /// A key of an integration.
    Key(String, String),
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
