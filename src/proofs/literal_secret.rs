//! No secret is written where a file is meant, and no password is the one that everybody knows.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::secrets::LITERAL;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::text::{filled, scalar};
use crate::stack::document::walk;

/// Keys of the Alertmanager, Prometheus and Grafana whose value is a secret. Those of the first two have a twin that ends in
/// `_file`.
const SECRETS: [&str; 15] = [
    "slack_api_url",
    "bot_token",
    "user_key",
    "webhook_url",
    "alert_source_token",
    "token_id",
    "api_secret",
    "app_token",
    "auth_secret",
    "telegram_bot_token",
    "service_key",
    "auth_password",
    "smtp_auth_password",
    "api_key",
    "basicAuthPassword",
];

/// Keys that are secrets for one integration of the Alertmanager, and an address or a name for others.
const SECRETS_OF: [(&str, &str); 2] = [
    ("api_url", "slack_configs"),
    ("routing_key", "pagerduty_configs"),
];

/// Words in the name of an environment variable whose value is one.
const WORDS: [&str; 6] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "PRIVATE_KEY",
];

/// Last words of such names, too short to be looked for in others.
const SHORT: [&str; 3] = ["PASS", "PWD", "PW"];

/// Last words of names whose value is an address, with a scheme or without.
const ADDRESSES: [&str; 5] = ["URL", "URI", "DSN", "ADDR", "ADDRESS"];

/// Last words of names that say something about a secret: where it is, how long, for how long.
const ABOUT: [&str; 20] = [
    "FILE",
    "PATH",
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "HEADER",
    "NAME",
    "TYPE",
    "TTL",
    "LIFETIME",
    "EXPIRY",
    "EXPIRATION",
    "TIMEOUT",
    "SECONDS",
    "DAYS",
    "LENGTH",
    "POLICY",
    "ISSUER",
    "ALGORITHM",
];

pub(crate) const PROOF: Proof = Proof {
    code: "literal-secret",
    doc: "What is rendered is committed: a token in it is known to everybody who reads the repository, permanently. The password that Grafana starts with when it is told of none is known to everybody.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/alerting/alertmanagers/*/basic_auth",
        bad: r#"{"username": "prometheus", "password": "s3cret"}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.configurations() {
            walk(&file.value, &mut |pointer, key, value| {
                let mut of_one = SECRETS_OF.iter();
                let secret =
                    is_secret(key) || of_one.any(|(own, of)| *own == key && pointer.is_inside(of));
                let held = secret && value.is_string();
                let in_url = value
                    .as_str()
                    .is_some_and(|text| key.ends_with("url") && password_in_url(text));
                if held || in_url {
                    found.push(place::at(
                        &file.path,
                        pointer.to_string(),
                        format!("`{key}` holds a secret"),
                        format!("write it into a file and name that with `{key}_file`"),
                    ));
                }
            });
        }
        found.extend(sources(stack));
        for container in &stack.containers.containers {
            found.extend(written(container));
        }
        found.extend(stack.containers.running("grafana").filter_map(known_to_all));
        found.extend(
            stack
                .containers
                .running("grafana")
                .filter_map(everybody_rules),
        );
        found
    }),
};

/// Secrets in data sources; `$__file{…}` and `$VARIABLE` are read when Grafana starts.
fn sources(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (file, pointer, source) in stack.files.datasources() {
        walk(source, &mut |inside, key, value| {
            let secret = inside.is_inside("secureJsonData") || is_secret(key);
            let text = value.as_str().unwrap_or_default();
            if secret && !text.is_empty() && !text.starts_with('$')
                || key == "url" && password_in_url(text)
            {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}{inside}"),
                    format!("`{key}` holds a secret"),
                    "write it into a file and name that as `$__file{/run/secrets/NAME}`",
                ));
            }
        });
    }
    found
}

/// Secrets in a container's environment and command.
fn written(container: &Container) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |pointer: String, what: String| {
        found.push(place::at(
            &container.file.path,
            pointer,
            what,
            "write it into a file, mount that as a secret, and name its path",
        ))
    };
    for (name, value) in &container.environment {
        let upper = name.to_uppercase();
        let last = upper.rsplit('_').next().unwrap_or_default();
        let word = WORDS.iter().any(|word| upper.contains(word)) || SHORT.contains(&last);
        let secret = word && !ABOUT.contains(&last);
        let value = value.as_deref().unwrap_or_default();
        // A variable without a default comes from outside, a path leads to a file, and a switch is none.
        let plain = !value.is_empty()
            && !value.starts_with("${")
            && !read_by_grafana(container, name)
            && !value.starts_with('/')
            && !["true", "false"].contains(&value);
        let pointer = match container.value["environment"].is_object() {
            true => container.at(&format!("environment/{name}")),
            false => container.at("environment"),
        };
        if plain
            && (secret
                || password_in_url(value)
                || ADDRESSES.contains(&last) && password_in_authority(&filled(value)))
        {
            say(
                pointer,
                format!("`{name}` of `{}` holds a secret", container.name),
            );
        }
    }
    for key in ["command", "entrypoint"] {
        let words = container.value[key]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .enumerate();
        let all = words
            .map(|(index, word)| (format!("{key}/{index}"), scalar(word)))
            .chain([(key.to_string(), scalar(&container.value[key]))]);
        for (pointer, word) in all {
            let Some(word) = word else {
                continue;
            };
            let option = word.split_whitespace().any(|word| {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                let name = name.to_uppercase().replace('-', "_");
                WORDS.iter().any(|word| name.ends_with(word))
                    && !value.is_empty()
                    && !value.starts_with("${")
                    && !value.starts_with('/')
            });
            if option || password_in_url(&word) {
                say(
                    container.at(&pointer),
                    format!("the command of `{}` holds a secret", container.name),
                );
            }
        }
    }
    found
}

/// Whether Grafana reads a variable's value from elsewhere when it starts: `$__file{…}`, of which Compose wants the dollar twice.
fn read_by_grafana(container: &Container, name: &str) -> bool {
    let environment = &container.value["environment"];
    let written = environment[name].as_str().or_else(|| {
        let mut list = environment.texts();
        list.find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
    });
    container.process.name == Some("grafana")
        && written.is_some_and(|text| text.starts_with("$$__"))
}

/// Whether a URL has a password.
fn password_in_url(text: &str) -> bool {
    let text = filled(text);
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    password_in_authority(rest)
}

/// Whether an address without its scheme has one.
fn password_in_authority(text: &str) -> bool {
    let authority = text.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user
        .and_then(|user| user.split_once(':'))
        .map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with(['$', '{', '<']))
}

fn is_secret(key: &str) -> bool {
    LITERAL.contains(&key) || SECRETS.contains(&key)
}

/// Whether Grafana makes whoever comes an administrator.
fn everybody_rules(container: &Container) -> Option<Diagnostic> {
    let said = |name: &str| container.variable(name).unwrap_or_default().to_lowercase();
    let anonymous = said("GF_AUTH_ANONYMOUS_ENABLED") == "true";
    let role = said("GF_AUTH_ANONYMOUS_ORG_ROLE");
    let (does, help) =
        if said("GF_AUTH_PROXY_ENABLED") == "true" && said("GF_AUTH_PROXY_WHITELIST").is_empty() {
            (
                "believes whoever writes a name into a header, from wherever it is asked",
                "name the proxies in `GF_AUTH_PROXY_WHITELIST`",
            )
        } else if said("GF_USERS_ALLOW_SIGN_UP") == "true" {
            (
                "lets everybody make an account of his own, so that its password keeps nobody out",
                "let `GF_USERS_ALLOW_SIGN_UP` be false",
            )
        } else if said("GF_USERS_AUTO_ASSIGN_ORG_ROLE") == "admin" {
            (
                "makes an administrator of whoever logs in",
                "let `GF_USERS_AUTO_ASSIGN_ORG_ROLE` be Viewer",
            )
        } else {
            let does = match role.as_str() {
                "admin" if anonymous => "lets everybody in as an administrator, without a password",
                "editor" if anonymous => "lets everybody in as an editor, without a password",
                _ => return None,
            };
            (does, "let `GF_AUTH_ANONYMOUS_ORG_ROLE` be Viewer")
        };
    Some(place::in_container(
        container,
        "environment",
        format!("`{}` {does}", container.name),
        help,
    ))
}

/// Whether Grafana starts with the password of its documentation.
fn known_to_all(container: &Container) -> Option<Diagnostic> {
    let said = |name: &str| container.environment.iter().any(|(key, _)| key == name);
    let file = said("GF_SECURITY_ADMIN_PASSWORD__FILE");
    let own_settings = container
        .mounts
        .iter()
        .any(|mount| ["/etc/grafana/grafana.ini", "/etc/grafana"].contains(&mount.target.as_str()));
    let elsewhere = container.told_elsewhere
        || said("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION")
        || own_settings;
    (!file && !said("GF_SECURITY_ADMIN_PASSWORD") && !elsewhere).then(|| {
        place::in_container(
            container,
            "environment",
            format!(
                "`{}` starts with the password `admin`, which everybody knows",
                container.name
            ),
            "name a file with another in `GF_SECURITY_ADMIN_PASSWORD__FILE`",
        )
    })
}
