//! No secret is written where a file is meant.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::document::walk;

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

pub(crate) const PROOF: Proof = Proof {
    code: "literal-secret",
    doc: "What is rendered is committed: a token in it is known to everybody who reads the repository, permanently.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/alerting/alertmanagers/*/basic_auth",
        bad: r#"{"username": "prometheus", "password": "s3cret"}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let configs = stack.files.prometheus().chain(stack.files.alertmanager());
        for file in configs {
            walk(&file.value, &mut |pointer, key, value| {
                if SECRETS.contains(&key) && value.is_string() {
                    found.push(place::at(
                        &file.path,
                        pointer,
                        format!("`{key}` holds a secret"),
                        format!("write it into a file and name that with `{key}_file`"),
                    ));
                }
            });
        }
        found
    }),
};
