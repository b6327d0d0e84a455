//! No secret is written where a file is meant.

use super::{Check, Example, Finding, Proof};
use serde_json::Value;

/// Keys of the Alertmanager and Prometheus whose value is a secret; each has a twin that ends in `_file`.
const SECRETS: [&str; 12] = [
    "api_url",
    "slack_api_url",
    "routing_key",
    "service_key",
    "auth_password",
    "smtp_auth_password",
    "password",
    "bearer_token",
    "credentials",
    "api_key",
    "token",
    "client_secret",
];

pub const PROOF: Proof = Proof {
    code: "literal-secret",
    doc: "What is rendered is committed: a token in it is known to everybody who reads the repository, for ever.",
    example: Example::Template {
        file: "monitoring/alertmanager/alertmanager.yml",
        good: "receiver: \"null\"\n  group_by",
        bad: "receiver: \"null\"\n  token: \"s3cret\"\n  group_by",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let configs = stack.configs().chain(stack.routing());
        for file in configs {
            walk(&file.value, String::new(), &mut |pointer, key| {
                found.push(Finding::at(
                    &file.path,
                    pointer,
                    format!("`{key}` holds a secret"),
                    format!("write it into a file and name that with `{key}_file`"),
                ));
            });
        }
        found
    }),
};

fn walk(value: &Value, pointer: String, found: &mut impl FnMut(String, &str)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let pointer = format!("{pointer}/{key}");
                if SECRETS.contains(&key.as_str()) && value.is_string() {
                    found(pointer, key);
                } else {
                    walk(value, pointer, found);
                }
            }
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| walk(value, format!("{pointer}/{index}"), found)),
        _ => {}
    }
}
