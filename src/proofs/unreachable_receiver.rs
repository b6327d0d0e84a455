//! Every receiver is told by the means of the catalog, at addresses that the Alertmanager can reach.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::ipv6;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::notifications::Notifications;
use crate::stack::notifications::receivers::{Besides, for_all, host};
use crate::value::Value;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "unreachable-receiver",
    doc: "A notification that goes to a host nobody runs, or by other means than the catalog says, is retried for minutes and then dropped: the Alertmanager says so in its log, and nobody is told of the alert.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/receivers/name=null/webhook_configs",
        bad: r#"[{"url": "http://localhost:9093/"}]"#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        let mut found = otherwise(stack, notifications);
        found.extend(at_home(stack, notifications));
        found.extend(another_way(stack, notifications));
        for receiver in &notifications.receivers {
            found.extend(receiver.without_password().into_iter().map(|pointer| {
                place::at(
                    &notifications.file.path,
                    pointer,
                    format!(
                        "`{}` logs in to its mail server without a password",
                        receiver.name
                    ),
                    "name its file in `auth_password_file`, or take `auth_username` away",
                )
            }));
        }
        found
    }),
};

/// Ports at which something else than mail for others is taken
/// (https://www.iana.org/assignments/service-names-port-numbers).
const TAKES_NO_MAIL: [(&str, &str); 15] = [
    ("22", "SSH"),
    ("53", "DNS"),
    ("80", "HTTP"),
    ("110", "POP3, by which mail is fetched"),
    ("143", "IMAP, by which mail is fetched"),
    ("443", "HTTPS"),
    ("993", "IMAP over TLS, by which mail is fetched"),
    ("995", "POP3 over TLS, by which mail is fetched"),
    ("3000", "Grafana"),
    ("5432", "PostgreSQL"),
    ("6379", "Redis"),
    ("8080", "HTTP"),
    ("8443", "HTTPS"),
    ("9090", "Prometheus"),
    ("9093", "the Alertmanager"),
];

/// `host:port` of an address, as far as it is written.
fn authority(address: &str) -> &str {
    let rest = address.split("://").last().unwrap_or_default();
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Receivers of the catalog that are rendered with other means, or without some.
fn otherwise(stack: &Stack, notifications: &Notifications) -> Vec<Diagnostic> {
    let path = &notifications.file.path;
    let mut found = Vec::new();
    for (name, integrations) in &stack.catalog.receivers {
        let mut named = notifications.receivers.iter();
        let Some(receiver) = named.find(|receiver| receiver.name == name) else {
            continue;
        };
        let others = receiver.besides(integrations).into_iter();
        found.extend(others.map(|(pointer, besides)| {
            let (message, help) = match besides {
                Besides::Integration(integration) => (
                    format!("`{name}` tells somebody by {integration} of whom the catalog says nothing"),
                    "write it into the catalog, or give it to a receiver of its own under `[extra]`",
                ),
                Besides::Key(integration, key) => (
                    format!("the {integration} of `{name}` has a `{key}`, and the catalog says none"),
                    "write it into the catalog, which has a key for it",
                ),
            };
            place::at(path, pointer, message, help)
        }));
        for (integration, said) in integrations.entries() {
            let Some(differs) = receiver.differs(integration, said) else {
                continue;
            };
            if differs.key.is_empty() {
                found.push(place::at(
                    path,
                    differs.pointer,
                    format!("`{name}` is rendered without its {integration}, and no one is notified through it"),
                    format!("render `{integration}_configs` for it"),
                ));
                continue;
            }
            found.push(place::at(
                path,
                format!("{}/{}", differs.pointer, differs.key),
                match differs.there {
                    Some(there) => format!(
                        "the {integration} of `{name}` has the {} `{there}`, and the catalog says `{}`",
                        differs.key, differs.said
                    ),
                    None => format!(
                        "the {integration} of `{name}` has no {}, and the catalog says `{}`",
                        differs.key, differs.said
                    ),
                },
                "render it from the catalog",
            ));
        }
    }
    found
}

/// What sends a notification another way than to its address, or lets it fail on the way, wherever it stands in `http_config`.
const WAYS: [(&str, &str); 5] = [
    ("/proxy_url", "goes through a proxy"),
    (
        "/tls_config/server_name",
        "asks for a certificate of another name",
    ),
    ("/tls_config/ca_file", "trusts other authorities"),
    (
        "/tls_config/insecure_skip_verify",
        "takes whoever answers for whom it asks",
    ),
    ("/oauth2", "asks another server for a token first"),
];

/// Settings of connections that neither the catalog nor a file of the user's says.
fn another_way(stack: &Stack, notifications: &Notifications) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut judge = |at: String, client: &Value, whose: &str, said: &dyn Fn(&str) -> bool| {
        for (way, does) in WAYS {
            let key = way.rsplit('/').next().unwrap_or_default();
            let set = client.pointer(way).is_some_and(|value| *value != false);
            if set && !said(key) {
                found.push(place::at(
                    &notifications.file.path,
                    format!("{at}{way}"),
                    format!("what {whose} is told {does}, and the catalog says none"),
                    "leave it out; the proxy of a network belongs into the container's environment, or with `[extra]` into an Alertmanager configuration of your own",
                ));
            }
        }
    };
    let global = &notifications.file.value["global"];
    let mut elsewhere = Vec::new();
    judge(
        "/global/http_config".to_string(),
        &global["http_config"],
        "every receiver",
        &|key| {
            let place = WAYS.iter().find(|(place, _)| place.ends_with(key));
            let place = place.map_or("", |(place, _)| place);
            stack.is_said_for_all(&format!("/global/http_config{place}"))
        },
    );
    for receiver in &notifications.receivers {
        let Some(said) = stack.catalog.receivers.get(receiver.name) else {
            continue;
        };
        for (pointer, integration, entry) in receiver.integrations() {
            let said = &said[integration];
            let whose = format!("`{}`", receiver.name);
            judge(
                format!("{pointer}/http_config"),
                &entry["http_config"],
                &whose,
                &|key| said.get(key).is_some() || said.get("http_config").is_some(),
            );
            // A mail has a connection of its own.
            judge(pointer.clone(), entry, &whose, &|key| {
                key != "insecure_skip_verify" || said.get("tls_config").is_some()
            });
            let key = if integration == "pagerduty" {
                "url"
            } else {
                "api_url"
            };
            let usual = ADDRESSES
                .iter()
                .find(|(global, _)| global.starts_with(integration));
            if let (Some((_, domains)), Some(address)) = (usual, entry[key].as_str())
                && said.get(key).is_none()
                && !is_of(host(address), domains)
            {
                elsewhere.push((format!("{pointer}/{key}"), domains[0], host(address)));
            }
        }
    }
    for (key, domains) in ADDRESSES {
        let pointer = format!("/global/{key}");
        let Some(address) = global[key].as_str() else {
            continue;
        };
        let host = host(address);
        if !is_of(host, domains) && !stack.is_said_for_all(&pointer) {
            elsewhere.push((pointer, domains[0], host));
        }
    }
    found.extend(elsewhere.into_iter().map(|(pointer, usual, host)| {
        place::at(
            &notifications.file.path,
            pointer,
            format!("what is for {usual} is told at `{host}`, and the catalog says none"),
            "leave it out; a gateway of your own belongs with `[extra]` into an Alertmanager configuration of your own",
        )
    }));
    found
}

/// Whether a host is in one of these domains.
fn is_of(host: &str, domains: &[&str]) -> bool {
    let mut domains = domains.iter();
    domains.any(|domain| host == *domain || host.ends_with(&format!(".{domain}")))
}

/// Where the Alertmanager asks an integration for which no key of the catalog says it, and whose names those hosts have.
const ADDRESSES: [(&str, &[&str]); 6] = [
    ("pagerduty_url", &["pagerduty.com"]),
    ("opsgenie_api_url", &["opsgenie.com", "atlassian.com"]),
    ("victorops_api_url", &["victorops.com"]),
    ("telegram_api_url", &["telegram.org"]),
    ("webex_api_url", &["webexapis.com", "webex.com"]),
    ("wechat_api_url", &["weixin.qq.com"]),
];

/// Programs that know no notifications.
const SERVERS: [&str; 3] = ["prometheus", "alertmanager", "blackbox_exporter"];

/// Addresses in the Alertmanager's own container; who else can be reached is said of every connection.
fn at_home(stack: &Stack, notifications: &Notifications) -> Vec<Diagnostic> {
    let routes = notifications.tree.iter().flat_map(|tree| tree.all());
    let used: BTreeSet<&str> = routes.map(|route| route.receiver()).collect();
    let receivers = notifications.receivers.iter();
    let mut connects: Vec<(String, String)> = receivers
        .filter(|receiver| used.contains(receiver.name))
        .flat_map(|receiver| receiver.connects())
        .collect();
    connects.extend(for_all(&notifications.file.value));
    let mut named: BTreeSet<String> = BTreeSet::new();
    for integrations in stack.catalog.receivers.values() {
        for (_, settings) in integrations.entries() {
            let addresses = settings.entries().filter_map(|(_, value)| value.as_str());
            named.extend(addresses.map(|address| host(address).to_string()));
        }
    }
    let prometheus = &stack.catalog.prometheus;
    let opened = [
        &prometheus.external_url,
        &stack.catalog.alertmanager.external_url,
        &stack.catalog.grafana.external_url,
    ];
    let own: BTreeSet<&str> = opened
        .into_iter()
        .chain(&prometheus.alertmanagers)
        .map(|address| authority(address))
        .collect();
    let mut found = Vec::new();
    for (pointer, address) in connects {
        let host = host(&address);
        if own.contains(authority(&address)) {
            found.push(place::at(
                &notifications.file.path,
                pointer,
                format!(
                    "{} is where a server of the monitoring itself listens: it takes no notifications",
                    authority(&address)
                ),
                "write the address of whoever is to be told",
            ));
            continue;
        }
        let other = TAKES_NO_MAIL.iter().find(|(port, _)| {
            pointer.ends_with("smarthost")
                && address
                    .rsplit_once(':')
                    .is_some_and(|(_, own)| own == *port)
        });
        if let Some((port, protocol)) = other {
            found.push(place::at(
                &notifications.file.path,
                pointer,
                format!("port {port} is that of {protocol}: no mail is taken there"),
                "write the port at which it takes mail: 587, 465 or 25",
            ));
            continue;
        }
        let mut servers = SERVERS
            .iter()
            .flat_map(|server| stack.containers.running(server))
            .filter(|container| container.name == host);
        if let Some(server) = servers.next() {
            found.push(place::at(
                &notifications.file.path,
                pointer,
                format!("`{}` takes no notifications: it refuses each", server.name),
                "write the address of whoever is to be told",
            ));
            continue;
        }
        let loopback = host == "localhost"
            || host.starts_with("127.")
            || ipv6(host).is_some_and(|address| address.is_loopback());
        if loopback && !named.contains(host) {
            found.push(place::at(
                &notifications.file.path,
                pointer,
                format!(
                    "`{host}` is the Alertmanager's own container, where nobody takes notifications"
                ),
                "write host.docker.internal for this machine, or the name of a container",
            ));
        }
    }
    found
}
