//! What the monitoring's own servers ask: Prometheus its targets, stores and Alertmanagers, the Alertmanager its receivers, Grafana its
//! data sources and its database.

use super::address::{authority, endpoint};
use super::connection::{Ask, Judge, Path, has_credentials};
use crate::promql::variables::{Filling, fill};
use crate::proofs::place;
use crate::render::File;
use crate::stack::containers::images::Version;
use crate::stack::containers::{Container, parts};
use crate::stack::document::walk;
use crate::value::Value;

/// Integrations of the Alertmanager whose address its own configuration knows, and where that is (config/config.go and
/// config/notifiers.go of the Alertmanager; of Slack, where its incoming webhooks are).
const HOSTS: [(&str, &str); 8] = [
    ("pagerduty_configs", "events.pagerduty.com"),
    ("slack_configs", "hooks.slack.com"),
    ("opsgenie_configs", "api.opsgenie.com"),
    ("victorops_configs", "alert.victorops.com"),
    ("pushover_configs", "api.pushover.net"),
    ("telegram_configs", "api.telegram.org"),
    ("webex_configs", "webexapis.com"),
    ("wechat_configs", "qyapi.weixin.qq.com"),
];

/// How Go's client speaks to a proxy (net/http/transport.go).
const THROUGH: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Variables that name a proxy.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Variables of Grafana with the address of a server that it asks itself, and the switch without which it does not. What browsers open is
/// none of them.
const ASKED_BY_GRAFANA: [(&str, Option<&str>); 6] = [
    ("GF_SMTP_HOST", Some("GF_SMTP_ENABLED")),
    ("GF_RENDERING_SERVER_URL", None),
    (
        "GF_AUTH_GENERIC_OAUTH_TOKEN_URL",
        Some("GF_AUTH_GENERIC_OAUTH_ENABLED"),
    ),
    (
        "GF_AUTH_GENERIC_OAUTH_API_URL",
        Some("GF_AUTH_GENERIC_OAUTH_ENABLED"),
    ),
    ("GF_UNIFIED_ALERTING_HA_REDIS_ADDRESS", None),
    ("GF_TRACING_OPENTELEMETRY_OTLP_ADDRESS", None),
];

/// A text with the variables of a container's environment filled in, as Grafana reads its provisioning; otherwise the name of one that it
/// is not given.
fn told(asker: &Container, text: &str) -> Result<String, String> {
    let mut lacking = None;
    let filled = fill(text, |variable| {
        let given = asker
            .environment
            .iter()
            .any(|(name, _)| name == variable.name);
        match asker.variable(variable.name) {
            Some(value) if !value.contains('$') => Filling::Text(value.to_string()),
            None if !given && !asker.told_elsewhere => {
                lacking.get_or_insert(variable.name.to_string());
                Filling::Unknown
            }
            _ => Filling::Unknown,
        }
    });
    match lacking {
        // Of another file, as `$__file{…}`, or of Grafana itself.
        Some(name) if !name.starts_with("__") => Err(name),
        _ => Ok(filled),
    }
}

impl Judge<'_, '_> {
    /// Targets, the Alertmanagers, and what the blackbox exporter is to ask.
    pub(super) fn prometheus(&mut self) {
        let stack = self.stack;
        let Some(config) = stack.files.prometheus().next() else {
            return;
        };
        let Some(asker) = self.project().readers(&config.path).next() else {
            return;
        };
        let mut odd = None;
        for target in &stack.contract.targets.list {
            if !["http", "https"].contains(&target.scheme.as_str()) {
                // What is written as the job's own is said where its values are.
                let own = &config.value["scrape_configs"][target.job]["scheme"];
                if own != target.scheme.as_str() && odd != Some(target.job) {
                    self.found.push(place::at(
                        &config.path,
                        target.pointer.clone(),
                        format!(
                            "{} is asked by the scheme `{}`, which Prometheus does not speak: no scrape of it succeeds",
                            target.address, target.scheme
                        ),
                        "relabel `__scheme__` to http or https",
                    ));
                }
                odd = Some(target.job);
                continue;
            }
            let Some((host, port)) = authority(&target.address, &target.scheme) else {
                continue;
            };
            // A catalog that says where Prometheus answers on its machine runs it there, and not in a container.
            let own = &stack.catalog.prometheus.address;
            if target.address == *own && own.starts_with("127.") {
                continue;
            }
            let job = &config.value["scrape_configs"][target.job];
            let scraped = Ask {
                file: config,
                pointer: target.pointer.clone(),
                asker,
                scheme: &target.scheme,
                host,
                port,
                path: Path::Scraped(&target.path),
                known: has_credentials(job),
            };
            let reached = self.ask(scraped);
            let prober = reached.and_then(|name| self.project().container(&name));
            let probed = target
                .params
                .get("target")
                .and_then(|targets| targets.first());
            if let (Some(prober), Some(url)) = (
                prober.filter(|one| one.process.name == Some("blackbox_exporter")),
                probed,
            ) && let Some((host, port, _)) = parts(url)
            {
                let scheme = url.split("://").next().unwrap_or_default();
                self.ask(Ask {
                    file: config,
                    pointer: target.pointer.clone(),
                    asker: prober,
                    scheme,
                    host,
                    port,
                    path: Path::Any,
                    known: true,
                });
            }
        }
        for (index, group) in config.value["alerting"]["alertmanagers"]
            .items()
            .enumerate()
        {
            let pointer = format!("/alerting/alertmanagers/{index}");
            if group.get("proxy_url").is_some() {
                self.found.push(place::at(
                    &config.path,
                    format!("{pointer}/proxy_url"),
                    "every alert goes through a proxy, of which the catalog says nothing",
                    "leave it out: the proxy of a network belongs into the container's environment",
                ));
            }
            let scheme = group["scheme"].as_str().unwrap_or("http");
            let prefix = group["path_prefix"].as_str().unwrap_or("/");
            for (at, targets) in group["static_configs"].items().enumerate() {
                for (number, target) in targets["targets"].texts().enumerate() {
                    let Some((host, port)) = authority(target, scheme) else {
                        continue;
                    };
                    let pointer = format!("{pointer}/static_configs/{at}/targets/{number}");
                    let reached = self.ask(Ask {
                        file: config,
                        pointer,
                        asker,
                        scheme,
                        host,
                        port,
                        path: Path::Below(prefix),
                        known: has_credentials(group),
                    });
                    self.interface_version(config, index, asker, group, reached);
                }
            }
        }
        for (index, write) in ["remote_write", "remote_read"].iter().flat_map(|key| {
            config.value[*key]
                .items()
                .enumerate()
                .map(move |(index, write)| (format!("/{key}/{index}/url"), write))
        }) {
            if let Some((scheme, host, port)) = write["url"].as_str().and_then(endpoint) {
                self.ask(Ask {
                    file: config,
                    pointer: index,
                    asker,
                    scheme,
                    host,
                    port,
                    path: Path::Any,
                    known: true,
                });
            }
        }
    }

    /// Whether both sides still have the version of the interface that alerts are sent over.
    fn interface_version(
        &mut self,
        config: &File,
        index: usize,
        asker: &Container,
        group: &Value,
        reached: Option<String>,
    ) {
        if group["api_version"] != "v1" {
            return;
        }
        let version = |container: &Container| container.image.and_then(|image| image.version);
        let old = |text: &str| Version::parse(text);
        let server = reached
            .and_then(|name| self.project().container(&name))
            .and_then(version);
        if version(asker) >= old("3.0") || server >= old("0.27") {
            self.found.push(place::at(
                &config.path,
                format!("/alerting/alertmanagers/{index}/api_version"),
                "alerts are sent over the interface `v1`, which Prometheus 3.0 and the Alertmanager 0.27 no longer have",
                "take `api_version` away: `v2` is the default",
            ));
        }
    }

    /// Receivers, as far as their hosts are written.
    pub(super) fn alertmanager(&mut self) {
        let stack = self.stack;
        let Some(routing) = stack.files.alertmanager() else {
            return;
        };
        let Some(asker) = self.project().readers(&routing.path).next() else {
            return;
        };
        let mut asks = Vec::new();
        walk(&routing.value, &mut |pointer, key, value| {
            let Some(text) = value.as_str().filter(|text| !text.contains("{{")) else {
                return;
            };
            let whole = match key {
                "url" | "api_url" | "webhook_url" | "slack_api_url" | "opsgenie_api_url"
                | "pagerduty_url" | "victorops_api_url" | "wechat_api_url" | "jira_api_url"
                | "rocketchat_api_url" | "proxy_url" => endpoint(text),
                "smarthost" | "smtp_smarthost" => {
                    authority(text, "smtp").map(|(host, port)| ("smtp", host, port))
                }
                _ => None,
            };
            asks.extend(
                whole.map(|(scheme, host, port)| {
                    (pointer.to_string(), scheme.to_string(), host, port)
                }),
            );
        });
        // Where no address is written, each integration has its own; it is asked once.
        // What goes through a proxy asks only that.
        let proxied = !routing.value["global"]["http_config"].is_null()
            || asker
                .environment
                .iter()
                .any(|(name, _)| PROXIES.contains(&name.to_uppercase().as_str()));
        let receivers = routing.value["receivers"].items().enumerate();
        for (index, receiver) in receivers.filter(|_| !proxied) {
            for (key, configs) in receiver.entries() {
                let Some((_, host)) = HOSTS.iter().find(|(known, _)| known == key) else {
                    continue;
                };
                for (at, config) in configs.items().enumerate() {
                    let addressed = |key: &&str| config.get(*key).is_some();
                    if !["url", "api_url", "http_config"].iter().any(addressed) {
                        let pointer = format!("/receivers/{index}/{key}/{at}");
                        asks.push((pointer, "https".to_string(), host.to_string(), 443));
                    }
                }
            }
        }
        let peers = asker
            .process
            .flags
            .iter()
            .filter(|flag| flag.name == "cluster.peer");
        for peer in peers {
            if let Some((host, port)) = authority(&peer.value, "tcp") {
                self.ask(Ask {
                    file: asker.file,
                    pointer: asker.argument(peer.index),
                    asker,
                    scheme: "tcp",
                    host,
                    port,
                    path: Path::Any,
                    known: true,
                });
            }
        }
        for (pointer, scheme, host, port) in &asks {
            self.ask(Ask {
                file: routing,
                pointer: pointer.clone(),
                asker,
                scheme,
                host: host.clone(),
                port: *port,
                path: Path::Any,
                known: true,
            });
        }
    }

    /// The data sources.
    pub(super) fn grafana(&mut self) {
        let stack = self.stack;
        let asker = self
            .project()
            .running("grafana")
            .next()
            .or_else(|| self.project().container("grafana"));
        for (file, pointer, source) in stack.files.datasources() {
            let url = source["url"].as_str().unwrap_or_default();
            let url = match asker.map_or(Ok(url.to_string()), |asker| told(asker, url)) {
                Ok(url) => url,
                Err(name) => {
                    self.found.push(place::at(
                        &file.path,
                        format!("{pointer}/url"),
                        format!("the address is to hold `{name}` of the environment, and Grafana's container has none"),
                        "set it there, or write the address",
                    ));
                    continue;
                }
            };
            let url = url.as_str();
            let Some((host, port, path)) = parts(url).filter(|(host, ..)| !host.contains('$'))
            else {
                continue;
            };
            let scheme = url.split("://").next().unwrap_or_default();
            if source["access"] == "direct" && self.project().container(&host).is_some() {
                self.found.push(place::at(
                    &file.path,
                    format!("{pointer}/access"),
                    format!("with `access: direct` the browser looks for `{host}`, which only containers know"),
                    "write `access: proxy`",
                ));
                continue;
            }
            let known = source["basicAuth"] == true || source["secureJsonData"].is_object();
            // Its client asks for everything at the proxy of its environment, where names of containers are unknown.
            let proxy = asker.and_then(|asker| Some((asker, asker.proxy(scheme, &host, false)?)));
            let here = |host: &str| self.project().container(host).is_some();
            if let Some((asker, proxy)) = proxy
                && here(&host)
                && !parts(proxy).is_some_and(|(proxy, ..)| here(&proxy))
            {
                self.found.push(place::at(
                    &asker.file.path,
                    asker.at("environment"),
                    format!(
                        "`{}` asks for `{host}` at the proxy {proxy}, which does not know the names of containers",
                        asker.name
                    ),
                    format!("name {host} in `NO_PROXY`"),
                ));
                continue;
            }
            if let Some(asker) = asker {
                self.ask(Ask {
                    file,
                    pointer: format!("{pointer}/url"),
                    asker,
                    scheme,
                    host,
                    port,
                    path: Path::Below(&path),
                    known,
                });
            }
        }
    }

    /// Where Grafana keeps its users and dashboards, when that is another server.
    pub(super) fn database(&mut self) {
        for asker in self.project().running("grafana") {
            let kind = asker.variable("GF_DATABASE_TYPE").unwrap_or("sqlite3");
            let default = match kind {
                "mysql" => "3306",
                "postgres" => "5432",
                _ => continue,
            };
            let address = asker.variable("GF_DATABASE_HOST").unwrap_or("127.0.0.1");
            let (host, port) = address.rsplit_once(':').unwrap_or((address, default));
            let Ok(port) = port.parse() else { continue };
            self.ask(Ask {
                file: asker.file,
                pointer: asker.at("environment"),
                asker,
                scheme: kind,
                host: host.to_string(),
                port,
                path: Path::Any,
                known: true,
            });
        }
    }

    /// Other servers that Grafana asks, as far as its variables name them.
    pub(super) fn asked_by_grafana(&mut self) {
        for asker in self.project().running("grafana") {
            let asked = ASKED_BY_GRAFANA.iter().filter(|(_, switch)| {
                let on = |switch: &&str| asker.variable(switch) == Some("true");
                switch.is_none_or(|switch| on(&switch))
            });
            for (name, _) in asked {
                let address = asker
                    .variable(name)
                    .filter(|address| !address.contains('$'));
                let Some(address) = address else { continue };
                let smtp = || authority(address, "smtp").map(|(host, port)| ("smtp", host, port));
                let Some((scheme, host, port)) = endpoint(address).or_else(smtp) else {
                    continue;
                };
                self.ask(Ask {
                    file: asker.file,
                    pointer: asker.at("environment"),
                    asker,
                    scheme,
                    host,
                    port,
                    path: Path::Any,
                    known: true,
                });
            }
        }
    }

    /// What a server goes through to reach the others.
    pub(super) fn proxies(&mut self) {
        let stack = self.stack;
        let files = stack.files.prometheus().chain(stack.files.blackbox());
        let mut asks = Vec::new();
        for file in files {
            walk(&file.value, &mut |pointer, key, value| {
                let proxy = value.as_str().filter(|_| key == "proxy_url");
                let spoken = |proxy: &str| {
                    let scheme = proxy.split_once("://").map(|(scheme, _)| scheme);
                    scheme.is_some_and(|scheme| THROUGH.contains(&scheme))
                };
                if let Some(proxy) = proxy.filter(|proxy| !proxy.is_empty() && !spoken(proxy)) {
                    self.found.push(place::at(
                        &file.path,
                        pointer.to_string(),
                        format!("`{proxy}` is not the address of a proxy: nothing gets through it"),
                        "begin it with http://, https:// or socks5://",
                    ));
                }
            });
            let Some(asker) = self.project().readers(&file.path).next() else {
                continue;
            };
            walk(&file.value, &mut |pointer, key, value| {
                let proxy = value.as_str().filter(|_| key == "proxy_url");
                if let Some((scheme, host, port)) = proxy.and_then(endpoint) {
                    asks.push((
                        file,
                        asker,
                        pointer.to_string(),
                        scheme.to_string(),
                        host,
                        port,
                    ));
                }
            });
        }
        // Go's and Grafana's clients take the proxy of the environment.
        for asker in self
            .project()
            .started()
            .filter(|one| one.serves(stack.files))
        {
            for (name, value) in &asker.environment {
                let name = name.to_uppercase();
                let proxy = value
                    .as_deref()
                    .filter(|_| PROXIES.contains(&name.as_str()));
                if let Some((scheme, host, port)) = proxy.and_then(endpoint) {
                    let pointer = asker.at("environment");
                    asks.push((asker.file, asker, pointer, scheme.to_string(), host, port));
                }
            }
        }
        for (file, asker, pointer, scheme, host, port) in asks {
            self.ask(Ask {
                file,
                pointer,
                asker,
                scheme: &scheme,
                host,
                port,
                path: Path::Any,
                known: true,
            });
        }
    }
}
