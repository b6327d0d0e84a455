//! Receivers of an alertmanager.yml as those of a catalog: what tells somebody, and the secrets that it takes, which become files.

use super::super::init::draft::slug;
use super::super::init::jobs::toml;
use crate::catalog::NO_ONE;
use crate::catalog::schema::SCHEMA;
use crate::json::plain;
use crate::stack::notifications::receivers::tells_of_the_end;
use crate::value::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Where the Alertmanager reads its secrets, in a container or without one, and where those are on this machine.
const SEEN: &str = "/etc/alertmanager/secrets/";
const HERE: &str = "secrets/alertmanager/";

/// Whoever is told, as a catalog says it.
#[derive(Clone, Default)]
pub(super) struct Receivers {
    /// Name in the configuration → the names in the catalog that tell by the same means; one that tells nobody is the null receiver.
    pub(super) named: BTreeMap<String, Vec<String>>,
    /// Name in the catalog → its table.
    pub(super) tables: BTreeMap<String, Value>,
    /// Secrets that stand in the configuration: path from the folder of the catalog on → text.
    pub(super) secrets: BTreeMap<String, String>,
    /// What differs.
    pub(super) changed: Vec<String>,
}

/// What the configuration says for all receivers, by the beginning of its key: the integration, and whether the key loses it.
const FOR_ALL: [(&str, &str); 9] = [
    ("smtp_", "email"),
    ("slack_", "slack"),
    ("opsgenie_", "opsgenie"),
    ("victorops_", "victorops"),
    ("wechat_api_", "wechat"),
    ("telegram_", "telegram"),
    ("mattermost_", "mattermost"),
    ("rocketchat_", "rocketchat"),
    ("jira_", "jira"),
];

/// What says what is so without it.
const USUAL: [(&str, &str); 8] = [
    ("require_tls", "true"),
    ("hello", "localhost"),
    ("follow_redirects", "true"),
    ("type", "Bearer"),
    ("url", "https://events.pagerduty.com/v2/enqueue"),
    ("api_url", "https://api.opsgenie.com/"),
    (
        "api_url",
        "https://alert.victorops.com/integrations/generic/20131114/alert/",
    ),
    ("api_url", "https://api.telegram.org"),
];

/// Where an integration says how it is let in, level by level; a catalog says the same beside its other keys.
const LEVELS: [&str; 4] = ["http_config", "basic_auth", "authorization", "sigv4"];

/// What a catalog has a text of its own for, where nothing is said.
const WORDS: [&str; 4] = ["title", "text", "message", "description"];

/// How a message looks, by integration: what a catalog has no key for is left out, and said; who is told, and when, stays as it is.
const LOOKS: [(&str, &[&str]); 9] = [
    (
        "slack",
        &[
            "title_link",
            "pretext",
            "fallback",
            "footer",
            "fields",
            "short_fields",
            "callback_id",
            "image_url",
            "thumb_url",
            "link_names",
            "mrkdwn_in",
            "message_text",
        ],
    ),
    (
        "pagerduty",
        &["client", "client_url", "images", "links", "source"],
    ),
    ("email", &["headers", "html", "text", "threading"]),
    (
        "opsgenie",
        &[
            "source",
            "details",
            "entity",
            "actions",
            "note",
            "update_alerts",
        ],
    ),
    ("telegram", &["parse_mode"]),
    ("discord", &["content", "username", "avatar_url"]),
    ("msteams", &["summary"]),
    (
        "pushover",
        &["url", "url_title", "html", "monospace", "sound", "ttl"],
    ),
    ("victorops", &["monitoring_tool", "custom_fields"]),
];

impl Receivers {
    /// Those that `used` names; or why one of them cannot be said.
    pub(super) fn of(
        config: &Value,
        used: &BTreeSet<&str>,
        on_host: bool,
    ) -> Result<Receivers, String> {
        let mut all = Receivers::default();
        let mut by_words = BTreeSet::new();
        for receiver in config["receivers"].items() {
            let name = plain(&receiver["name"]);
            if !used.contains(name.as_str()) {
                continue;
            }
            let mut parts: Vec<Map> = Vec::new();
            for (key, entries) in receiver.entries() {
                let Some(integration) = key.strip_suffix("_configs") else {
                    continue;
                };
                for (index, entry) in entries.items().enumerate() {
                    let said = all
                        .entry(&config["global"], (&name, integration), entry, on_host)
                        .map_err(|why| format!("receiver {name}: {why}"))?;
                    let words = |key: &&str| properties(integration).get(*key).is_some();
                    let mut words = WORDS.iter().filter(|key| words(key));
                    if words.any(|key| said.get(key).is_none()) {
                        by_words.insert(name.clone());
                    }
                    if parts.len() <= index {
                        parts.push(Map::new());
                    }
                    parts[index].insert(integration.to_string(), Value::Object(said));
                }
            }
            let called = slug(&name, 50).unwrap_or("receiver".to_string());
            let mut names = Vec::new();
            for part in parts {
                let free = |one: &String| one != NO_ONE && !all.tables.contains_key(one);
                let mut numbers = 2..;
                let mut wanted = called.clone();
                while !free(&wanted) {
                    wanted = format!("{called}-{}", numbers.next().unwrap_or(2));
                }
                all.tables.insert(wanted.clone(), Value::Object(part));
                names.push(wanted);
            }
            if !names.is_empty() && names != [name.clone()] {
                all.changed
                    .push(format!("receiver {name} is called {}", names.join(" and ")));
            }
            if names.is_empty() {
                names.push(NO_ONE.to_string());
            }
            all.named.insert(name, names);
        }
        if !by_words.is_empty() {
            let names: Vec<String> = by_words.into_iter().collect();
            all.changed.push(format!(
                "what {} is told is in monstack's words wherever your receiver has none of its own",
                names.join(", ")
            ));
        }
        Ok(all)
    }

    /// What an entry says, as a receiver's table of that integration.
    fn entry(
        &mut self,
        global: &Value,
        (receiver, integration): (&str, &str),
        entry: &Value,
        on_host: bool,
    ) -> Result<Map, String> {
        let known = properties(integration);
        if known.is_null() {
            return Err(format!("a catalog has no `{integration}`"));
        }
        // Each key with its value, and with whose it is: what holds for all is one secret.
        let mut said: BTreeMap<String, (Value, &str)> = BTreeMap::new();
        let flat = flat(entry);
        let has = |key: &str| {
            let stem = key.strip_suffix("_file").unwrap_or(key);
            let mut keys = flat.iter().map(|(key, _)| key.as_str());
            keys.any(|own| own.strip_suffix("_file").unwrap_or(own) == stem)
        };
        for (key, value) in global.entries() {
            let mut prefixes = FOR_ALL.iter();
            let own = prefixes
                .find_map(|(prefix, of)| key.strip_prefix(prefix).filter(|_| *of == integration));
            if let Some(own) = own.filter(|own| !has(own)) {
                said.insert(own.to_string(), (value.clone(), integration));
            }
        }
        if let Some(for_all) = global.get("http_config").filter(|_| !has("http_config")) {
            for (key, value) in flat_level(for_all) {
                said.entry(key).or_insert((value, integration));
            }
        }
        for (key, value) in flat {
            said.insert(key, (value, receiver));
        }
        let mut table = Map::new();
        for (key, (value, whose)) in said {
            let file = format!("{key}_file");
            let text = plain(&value);
            if USUAL.contains(&(key.as_str(), text.as_str())) && known.get(&key).is_none() {
                continue;
            }
            let secret = known.get(&file).is_some() && (known.get(&key).is_none() || opens(&text));
            if secret {
                let name = format!("{}-{key}", slug(whose, 40).unwrap_or_default());
                table.insert(file, json!(self.secret(&name, &text)));
            } else if key.ends_with("_file") && known.get(&key).is_some() {
                let own = match text.strip_prefix(SEEN) {
                    Some(_) if !on_host => text.clone(),
                    _ if on_host && text.starts_with('/') => text.clone(),
                    _ => {
                        let last = text.rsplit('/').next().unwrap_or(&text);
                        let from = if on_host { SEEN } else { HERE };
                        self.changed.push(format!(
                            "what your Alertmanager reads as {text} is read from {from}{last} here"
                        ));
                        format!("{SEEN}{last}")
                    }
                };
                table.insert(key, json!(own));
            } else if known.get(&key).is_some() {
                table.insert(key, value);
            } else if looks(integration).contains(&key.as_str()) {
                let said = format!(
                    "receiver {whose}: its {integration} has no {key} any more, for which a catalog has no key"
                );
                if !self.changed.contains(&said) {
                    self.changed.push(said);
                }
            } else if !value.is_null() {
                return Err(format!("`{integration}` of a catalog has no `{key}`"));
            }
        }
        let ends = table
            .get("send_resolved")
            .map_or_else(|| tells_of_the_end(integration), |said| *said == true);
        match ends {
            true => drop(table.remove("send_resolved")),
            false => drop(table.insert("send_resolved".to_string(), json!(false))),
        }
        let required = requires(integration);
        match required.iter().find(|key| !table.contains_key(key)) {
            Some(key) => Err(format!(
                "its `{integration}` says no `{}`, which a catalog needs",
                key.strip_suffix("_file").unwrap_or(key)
            )),
            None => Ok(table),
        }
    }

    /// A secret as a file: what stands twice is one.
    fn secret(&mut self, name: &str, text: &str) -> String {
        let mut known = self.secrets.iter();
        let path = known.find(|(_, known)| *known == text);
        let path = path.map(|(path, _)| path.clone());
        let path = path.unwrap_or_else(|| {
            let mut path = format!("{HERE}{name}");
            while self.secrets.contains_key(&path) {
                path += "-2";
            }
            self.secrets.insert(path.clone(), text.to_string());
            path
        });
        read_at(&path)
    }

    /// Whoever a receiver of the configuration is, in the catalog.
    pub(super) fn names(&self, receiver: &str) -> Vec<String> {
        self.named
            .get(receiver)
            .cloned()
            .unwrap_or(vec![NO_ONE.to_string()])
    }

    /// Leaves out what a catalog refuses of a receiver, where it can be told without; whether it can.
    pub(super) fn without(&mut self, pointer: &str, why: &str) -> bool {
        let mut steps = pointer.split('/').skip(1);
        let (Some("receivers"), Some(name), Some(integration), Some(key)) =
            (steps.next(), steps.next(), steps.next(), steps.next())
        else {
            return false;
        };
        let table = self.tables.get_mut(name);
        let table = table.and_then(|table| table.get_mut(integration)?.as_object_mut());
        let needed = requires(integration).contains(&key) || key.ends_with("_file");
        let left_out = !needed && table.is_some_and(|table| table.remove(key).is_some());
        if left_out {
            let said = format!("receiver {name}: its {key} is monstack's in place of yours: {why}");
            self.changed.push(said);
        }
        left_out
    }

    /// Leaves out the texts that do not go through all alerts of a notification; whether there are any.
    pub(super) fn without_words(&mut self, why: &str) -> bool {
        let mut found = Vec::new();
        for (name, table) in &self.tables {
            for (integration, said) in table.entries() {
                let all = said.entries();
                let all = all.filter(|(key, text)| {
                    WORDS.contains(&key.as_str()) && !plain(text).contains("range")
                });
                found.extend(all.map(|(key, _)| format!("/receivers/{name}/{integration}/{key}")));
            }
        }
        let mut left_out = false;
        for pointer in found {
            left_out |= self.without(&pointer, why);
        }
        left_out
    }

    /// `[receivers]` as TOML.
    pub(super) fn says(&self) -> String {
        let lines = self.tables.iter();
        let lines = lines.filter_map(|(name, table)| Some(format!("{name} = {}\n", toml(table)?)));
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => String::new(),
            false => format!("\n[receivers]\n{lines}"),
        }
    }
}

/// Where the Alertmanager reads a secret that was written here.
pub(super) fn read_at(path: &str) -> String {
    path.replacen(HERE, SEEN, 1)
}

/// The keys that a catalog has for an integration.
fn properties(integration: &str) -> &'static Value {
    let receiver = "/properties/receivers/additionalProperties/properties";
    let known = SCHEMA.pointer(&format!("{receiver}/{integration}/properties"));
    known.unwrap_or(&Value::Null)
}

/// What of an integration is only how its messages look.
fn looks(integration: &str) -> &'static [&'static str] {
    let known = LOOKS.iter().find(|(of, _)| *of == integration);
    known.map_or(&[], |(_, keys)| keys)
}

/// Those that it needs.
fn requires(integration: &str) -> Vec<&'static str> {
    let receiver = "/properties/receivers/additionalProperties/properties";
    let known = SCHEMA.pointer(&format!("{receiver}/{integration}/required"));
    known.map_or(Vec::new(), |known| known.texts().collect())
}

/// An entry without its levels.
fn flat(entry: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (key, value) in entry.entries() {
        match LEVELS.contains(&key.as_str()) {
            true => all.extend(flat_level(value)),
            false => all.push((key.clone(), value.clone())),
        }
    }
    all
}

fn flat_level(level: &Value) -> Vec<(String, Value)> {
    let inside = flat(level).into_iter();
    let called = |key: String| match key.as_str() {
        "bearer_token" => "credentials".to_string(),
        "bearer_token_file" => "credentials_file".to_string(),
        _ => key,
    };
    inside.map(|(key, value)| (called(key), value)).collect()
}

/// Whether an address lets somebody in: it has a password or a query, or a part that nobody would think of.
fn opens(address: &str) -> bool {
    let path = address.split("://").nth(1).unwrap_or_default();
    let made_up = |part: &str| {
        let has = |of: fn(char) -> bool| part.chars().any(of);
        part.len() >= 12
            && has(|c| c.is_ascii_digit())
            && has(|c| c.is_ascii_alphabetic())
            && !part.contains('.')
    };
    path.contains(['@', '?']) || path.split('/').skip(1).any(made_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_for_all_is_each_ones_and_secrets_are_files() {
        let config = json!({
            "global": {"slack_api_url": "https://hooks.example.org/T0", "smtp_smarthost": "mail:25", "smtp_from": "a@example.org",
                "smtp_require_tls": true},
            "receivers": [
                {"name": "Web Team", "slack_configs": [{"channel": "#a"}, {"channel": "#b", "send_resolved": true}],
                    "email_configs": [{"to": "b@example.org"}]},
                {"name": "hook", "webhook_configs": [{"url": "http://10.0.0.1:80/x", "http_config": {"basic_auth":
                    {"username": "u", "password": "hunter2"}}}]},
                {"name": "blackhole"}, {"name": "unused", "slack_configs": [{"http_config": {"proxy_url": "http://proxy:3128"}}]},
                {"name": "links", "slack_configs": [{"channel": "#c", "title_link": "https://example.org", "fields": []}]}]});
        let used = BTreeSet::from(["Web Team", "hook", "blackhole"]);
        let all = Receivers::of(&config, &used, false).expect("sayable");
        assert_eq!(all.names("Web Team"), ["web-team", "web-team-2"]);
        assert_eq!(all.names("blackhole"), ["null"]);
        let url = "/etc/alertmanager/secrets/slack-api_url";
        assert_eq!(
            all.tables["web-team"]["slack"],
            json!({"channel": "#a", "api_url_file": url, "send_resolved": false})
        );
        assert_eq!(
            all.tables["web-team-2"]["slack"],
            json!({"channel": "#b", "api_url_file": url})
        );
        assert_eq!(
            all.tables["web-team"]["email"]["smarthost"],
            json!("mail:25")
        );
        let password = "/etc/alertmanager/secrets/hook-password";
        assert_eq!(
            all.tables["hook"]["webhook"],
            json!({"url": "http://10.0.0.1:80/x", "username": "u", "password_file": password})
        );
        assert_eq!(
            all.secrets.get("secrets/alertmanager/hook-password"),
            Some(&"hunter2".to_string())
        );
        assert!(!all.says().contains("hunter2"));
        let used = BTreeSet::from(["unused"]);
        let why = Receivers::of(&config, &used, false).err();
        assert_eq!(
            why.as_deref(),
            Some("receiver unused: `slack` of a catalog has no `proxy_url`")
        );
        let used = BTreeSet::from(["links"]);
        let all = Receivers::of(&config, &used, false).expect("only its looks are lost");
        assert!(all.tables["links"]["slack"].get("title_link").is_none());
        let lost = |key: &str| all.changed.iter().any(|said| said.contains(key));
        assert!(lost("title_link") && lost("fields"), "{:?}", all.changed);
    }

    #[test]
    fn an_address_that_lets_in_is_a_secret() {
        for (address, wanted) in [
            ("https://hooks.example.org/shop", false),
            ("http://alerts.internal:8080/alertmanager/webhook", false),
            ("https://example.org/hook?key=1", true),
            ("https://hooks.example.org/T0/x1y2z3a4b5c6d7", true),
        ] {
            assert_eq!(opens(address), wanted, "{address}");
        }
    }
}
