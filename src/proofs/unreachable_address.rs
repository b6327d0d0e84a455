//! Everybody who is asked for something can be reached by who asks, and answers.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, nearest};
use crate::json::{Parts, plain};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::network::{GATEWAY, Reach, loopback};
use crate::stack::containers::{Container, Project, parts};
use crate::stack::document::walk;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "unreachable-address",
    doc: "A name that resolves nowhere, a container in another network, a port at which nobody listens, another scheme or path: a target that is down permanently, a data source that is a Bad Gateway, alerts that reach nobody. Docker on Linux knows host.docker.internal only with `extra_hosts`.",
    example: Example::Rendered {
        role: Role::Datasources,
        pointer: "/datasources/*/url",
        bad: r#""http://prometheus:9091""#,
    },
    check: Check::Stack(|stack| {
        if stack.containers.started().next().is_none() {
            return Vec::new();
        }
        let mut judge = Judge {
            stack,
            found: Vec::new(),
            told: HashSet::new(),
            on_host: stack
                .catalog
                .services
                .iter()
                .filter(|service| service.container && service.host == GATEWAY)
                .map(|service| (service.port, service))
                .collect(),
        };
        judge.prometheus();
        judge.alertmanager();
        judge.grafana();
        judge.proxies();
        judge.database();
        judge.services();
        judge.links();
        judge.people();
        judge.found
    }),
};

/// A connection that something rendered needs.
struct Ask<'q> {
    /// Where the address is written.
    file: &'q File,
    pointer: String,
    /// Who opens it.
    asker: &'q Container<'q>,
    scheme: &'q str,
    host: String,
    port: u16,
    path: Path<'q>,
    /// Whether it comes with a password or a token.
    known: bool,
}

/// Which paths are asked for.
enum Path<'q> {
    /// Metrics at this one.
    Scraped(&'q str),
    /// Those of its interface, below this.
    Below(&'q str),
    /// Something else.
    Any,
}

struct Judge<'s, 'a> {
    stack: &'s Stack<'a>,
    found: Vec<Diagnostic>,
    /// What has been said of a container and a name: once is enough.
    told: HashSet<(String, String)>,
    on_host: HashMap<u16, &'a Service>,
}

impl<'s, 'a> Judge<'s, 'a> {
    fn project(&self) -> &'s Project<'a> {
        &self.stack.containers
    }

    /// Whether the catalog says that a service serves its metrics at this port.
    fn opens(&self, service: &str, port: u16) -> bool {
        let service = self.stack.catalog.service(service);
        service.is_some_and(|service| service.metrics_port == Some(port))
    }

    /// Targets, the Alertmanagers, and what the blackbox exporter is to ask.
    fn prometheus(&mut self) {
        let stack = self.stack;
        let Some(config) = stack.files.prometheus().next() else {
            return;
        };
        let Some(asker) = self.project().readers(&config.path).next() else {
            return;
        };
        for target in &stack.contract.targets.list {
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
                known: credentials(job),
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
                        known: credentials(group),
                    });
                    self.interface(config, index, asker, group, reached);
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
    fn interface(
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
        let old = |text: &str| crate::stack::containers::images::Version::parse(text);
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
    fn alertmanager(&mut self) {
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

    /// What a server goes through to reach the others.
    fn proxies(&mut self) {
        let stack = self.stack;
        let files = stack.files.prometheus().chain(stack.files.blackbox());
        let mut asks = Vec::new();
        for file in files {
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

    /// Where Grafana keeps its users and dashboards, when that is another server.
    fn database(&mut self) {
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

    /// What services are told in their environment and their commands: there, localhost is the container itself.
    fn services(&mut self) {
        let catalog = self.stack.catalog;
        for service in &catalog.services {
            let Some(asker) = self.project().container(&service.name) else {
                continue;
            };
            let key = format!("/services/{}", crate::source::step(&service.name));
            let variables = service.environment.iter();
            let told = variables
                .map(|(name, value)| {
                    (
                        format!("{key}/environment/{}", crate::source::step(name)),
                        value,
                    )
                })
                .chain(
                    (service.command.iter().enumerate())
                        .map(|(index, word)| (format!("{key}/command/{index}"), word)),
                );
            for (pointer, text) in told {
                for (host, port, database) in addresses(text) {
                    let asked = (host.as_str(), port, database);
                    if let Some((message, help)) = self.misled(asker, service, asked) {
                        self.found
                            .push(place::in_catalog(pointer.clone(), message, help));
                    }
                }
            }
        }
    }

    /// Why a service does not find what it is told of; None also where it may be meant otherwise.
    fn misled(
        &self,
        asker: &Container,
        service: &Service,
        (host, port, database): (&str, u16, bool),
    ) -> Option<(String, String)> {
        let project = self.project();
        let listens = |container: &Container, port: u16| {
            let known = container.listens().unwrap_or_default();
            let said = self.stack.catalog.service(&container.name);
            known.iter().any(|one| one.port == port)
                || said.is_some_and(|said| said.instances[0].ports().contains(&port))
        };
        let own = &service.name;
        let itself = loopback(host.trim_matches(['[', ']'])) || host == own;
        match project.reach(asker, host, port) {
            // Who builds an image may start several programs in it, at ports that others have in theirs; not so where the port is
            // a database's, and an exporter is alone.
            Reach::Arrives(name) | Reach::Closed(name, _) if itself && !listens(asker, port) => {
                let image = service.image.as_deref().unwrap_or_default();
                let repository = image.rsplit('/').next().unwrap_or_default();
                let exporter = repository.contains("exporter");
                let meant = project
                    .started()
                    .find(|other| !project.shares(name, &other.name) && listens(other, port))
                    .filter(|_| exporter || database || !image.is_empty());
                let asks = format!("`{own}` asks {host}:{port}, which is its own container");
                match meant {
                    Some(meant) => Some((
                        format!("{asks}; at that port listens `{}`", meant.name),
                        format!("write {}:{port}", meant.name),
                    )),
                    None => exporter.then(|| {
                        (
                            format!("{asks}, and nothing else runs in it"),
                            format!("write the name of the container or of the machine; this one is {GATEWAY}"),
                        )
                    }),
                }
            }
            Reach::Closed(name, open) if !self.opens(name, port) => Some((
                format!(
                    "`{own}` asks `{name}` at port {port}, and it listens at {}",
                    listed(&open)
                ),
                "write the port at which it listens".to_string(),
            )),
            Reach::Deaf(name) => Some((
                format!("`{own}` asks `{name}` at port {port}, where it listens to itself alone"),
                format!("let `{name}` listen at 0.0.0.0"),
            )),
            _ => None,
        }
    }

    /// Addresses for people that only containers know, or at which nobody is.
    fn links(&mut self) {
        let catalog = self.stack.catalog;
        let links = [
            ("prometheus", &catalog.prometheus.external_url),
            ("alertmanager", &catalog.alertmanager.external_url),
            ("grafana", &catalog.grafana.external_url),
        ];
        for (program, url) in links {
            let Some((_, host, port)) = endpoint(url) else {
                continue;
            };
            if self.project().running(program).next().is_none() {
                continue;
            }
            let wrong = if self.project().container(&host).is_some() {
                Some(format!(
                    "links lead to `{host}`, a name that only containers know"
                ))
            } else if loopback(&host) && self.project().on_machine(port, |_| true).is_none() {
                Some(format!(
                    "links lead to {host}:{port}, and nothing is published at port {port} of the machine"
                ))
            } else {
                None
            };
            if let Some(message) = wrong {
                self.found.push(place::in_catalog(
                    format!("/{program}/external_url"),
                    message,
                    "write the address at which people open it in a browser",
                ));
            }
        }
    }

    fn grafana(&mut self) {
        let stack = self.stack;
        for (file, pointer, source) in stack.files.datasources() {
            let url = source["url"].as_str().unwrap_or_default();
            let Some((host, port, path)) = parts(url) else {
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
            let asker = self
                .project()
                .running("grafana")
                .next()
                .or_else(|| self.project().container("grafana"));
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

    /// What people reach: the servers where the catalog publishes them, and the services on the machine.
    fn people(&mut self) {
        let (stack, catalog) = (self.stack, self.stack.catalog);
        let servers = [
            ("prometheus", catalog.prometheus.port),
            ("alertmanager", catalog.alertmanager.port),
            ("grafana", catalog.grafana.port),
        ];
        let address = catalog.compose.monitoring_address.as_str();
        for (program, port) in servers {
            let Some(container) = self.project().running(program).next() else {
                continue;
            };
            let there = |published: Option<&str>| {
                published.is_none_or(|one| one == address || one == "0.0.0.0")
            };
            let reached = self.project().on_machine(port, there);
            let here = format!("`{}` at {address}:{port} of the machine", container.name);
            let why = match reached {
                Some(Reach::Arrives(name))
                    if name == container.name || self.project().shares(name, &container.name) =>
                {
                    None
                }
                Some(Reach::Arrives(name)) => {
                    Some(format!("`{name}` is published there instead of {here}"))
                }
                Some(Reach::Closed(_, open)) => Some(format!(
                    "nobody reaches {here}: it listens at {}, and another port of it is published",
                    listed(&open)
                )),
                Some(Reach::Deaf(_)) => {
                    Some(format!("nobody reaches {here}: it listens to itself alone"))
                }
                _ => Some(format!(
                    "nobody reaches {here}, where the catalog says that it is"
                )),
            };
            if let Some(message) = why {
                self.found.push(place::at(
                    &container.file.path,
                    container.at("ports"),
                    message,
                    "publish the port at which it listens under the catalog's",
                ));
                continue;
            }
            let wide = container.networks.published.iter().find(|one| {
                let wider = one.address.as_deref().is_none_or(|own| own == "0.0.0.0");
                wider && address != "0.0.0.0"
            });
            if let Some(one) = wide {
                self.found.push(place::at(
                    &container.file.path,
                    container.at(&one.pointer),
                    format!("`{}` is published at every address of the machine, the catalog says {address}", container.name),
                    "write the catalog's `monitoring_address` before the port",
                ));
            }
        }
        let mut addresses: Vec<&str> = catalog.compose.publish.iter().map(String::as_str).collect();
        if addresses.contains(&"0.0.0.0") {
            addresses = vec!["0.0.0.0"];
        }
        for service in stack
            .catalog
            .services
            .iter()
            .filter(|service| service.container && service.host == GATEWAY)
        {
            let Some(container) = self
                .project()
                .container(&service.name)
                .filter(|one| one.started)
            else {
                continue;
            };
            for (address, port) in addresses
                .iter()
                .flat_map(|address| service.instances[0].ports().map(|port| (address, port)))
            {
                let there = |published: Option<&str>| {
                    published.is_none_or(|one| one == *address || one == "0.0.0.0")
                };
                let why = match self.project().on_machine(port, there) {
                    Some(Reach::Arrives(_)) => continue,
                    Some(Reach::Closed(name, _)) if self.opens(name, port) => continue,
                    Some(Reach::Closed(name, open)) => format!(
                        "`{name}` listens at {}, and another port of it is published",
                        listed(&open)
                    ),
                    Some(Reach::Deaf(name)) => format!("`{name}` listens to itself alone"),
                    _ => format!("`{}` is not published at {address}:{port}", service.name),
                };
                self.found.push(place::at(
                    &container.file.path,
                    container.at("ports"),
                    why,
                    "publish the service's port at every address of `publish` in [compose]",
                ));
                break;
            }
        }
    }

    /// Judges one connection; the container at which it arrives.
    fn ask(&mut self, ask: Ask) -> Option<String> {
        let project = self.project();
        let asker = ask.asker;
        let (own, host, port) = (asker.name.clone(), ask.host.as_str(), ask.port);
        let compose = asker.file.path.clone();
        match project.reach(asker, host, port) {
            Reach::Arrives(name) => {
                self.answer(&ask, name);
                return Some(name.to_string());
            }
            Reach::Leaves => {
                let service = self.on_host.get(&port).copied().filter(|_| host == GATEWAY);
                // What a container publishes is judged once, with all its addresses.
                if let Some(service) =
                    service.filter(|service| project.container(&service.name).is_none())
                {
                    let message = format!(
                        "no container publishes port {port} of `{}`, which the catalog starts here",
                        service.name
                    );
                    self.once(
                        &own,
                        &service.name,
                        &ask.file.path,
                        ask.pointer,
                        message,
                        "render its container".to_string(),
                    );
                }
            }
            // That its code opens another port for its metrics is the catalog's word.
            Reach::Closed(name, _) if self.opens(name, port) => {}
            Reach::Closed(name, open) => {
                let message = format!(
                    "`{own}` asks `{name}` at port {port}, and it listens at {}",
                    listed(&open)
                );
                self.found.push(place::at(
                    &ask.file.path,
                    ask.pointer,
                    message,
                    "write the port at which it listens",
                ));
            }
            Reach::Deaf(name) => {
                let (name, container) = (name.to_string(), project.container(name));
                let listens = container.and_then(Container::listens).unwrap_or_default();
                let at = listens
                    .iter()
                    .find(|one| one.port == port)
                    .map(|one| one.pointer.clone());
                let file = container.map_or(compose, |container| container.file.path.clone());
                let message =
                    format!("`{name}` listens to itself alone at port {port}, and `{own}` asks it");
                self.once(
                    &own,
                    &name,
                    &file,
                    at.unwrap_or(ask.pointer),
                    message,
                    "let it listen at 0.0.0.0".to_string(),
                );
            }
            Reach::Apart(name) => {
                let message =
                    format!("`{own}` looks for `{host}`, and the two are in no network together");
                let (name, key) = (name.to_string(), asker.at("networks"));
                self.once(
                    &own,
                    &name,
                    &compose,
                    key,
                    message,
                    "give both the same entry of `networks`".to_string(),
                );
            }
            Reach::Absent(name) => {
                let wanted = project.container(name);
                let (file, at) = wanted.map_or((compose, String::new()), |wanted| {
                    (wanted.file.path.clone(), wanted.at("profiles"))
                });
                let name = name.to_string();
                self.once(
                    &own,
                    &name,
                    &file,
                    at,
                    format!("`{own}` asks `{name}`, which `docker compose up` does not start"),
                    "take its profile away".to_string(),
                );
            }
            Reach::Unknown => {
                // A service elsewhere has been judged by its `runs_on`.
                if self
                    .stack
                    .catalog
                    .services
                    .iter()
                    .any(|service| service.host == host)
                {
                    return None;
                }
                let names = project
                    .containers
                    .iter()
                    .map(|container| container.name.as_str());
                let help = match nearest(host, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write the full name of a machine, as in NAME.example.org, or start such a container; accept it when your network knows the name".to_string(),
                };
                self.once(
                    &own,
                    host,
                    &ask.file.path,
                    ask.pointer,
                    format!("no container is called `{host}`"),
                    help,
                );
            }
            Reach::Untold => {
                let message =
                    format!("`{own}` looks for {GATEWAY}, which Docker on Linux does not know");
                let key = format!("/services/{}", crate::source::step(&own));
                self.once(
                    &own,
                    host,
                    &compose,
                    key,
                    message,
                    format!("add `{GATEWAY}:host-gateway` to its `extra_hosts`"),
                );
            }
            Reach::PublishedElsewhere(name, address) => {
                // On Docker Desktop that is how a container reaches the machine.
                if self
                    .stack
                    .catalog
                    .compose
                    .publish
                    .iter()
                    .all(|address| loopback(address))
                {
                    return Some(name.to_string());
                }
                let message = format!(
                    "`{own}` asks {host}:{port}, and `{name}` is published at {address} alone, which containers do not reach"
                );
                let container = project.container(name);
                let (file, at) = container
                    .map_or((ask.file.path.clone(), ask.pointer), |container| {
                        (container.file.path.clone(), container.at("ports"))
                    });
                self.found.push(place::at(
                    &file,
                    at,
                    message,
                    "publish it at the address of Docker's bridge too",
                ));
            }
            Reach::Nameless => {
                let message = format!(
                    "`{own}` asks {host}, and looks for its address in its own container, where no name server is"
                );
                self.once(
                    &own,
                    "",
                    &compose,
                    asker.at("dns"),
                    message,
                    "take `dns` away, or name a server that answers".to_string(),
                );
            }
            Reach::Elsewhere(name, address) => {
                let message = format!(
                    "`{own}` is told that `{name}` is at {address}, where that container is not"
                );
                let name = name.to_string();
                self.once(
                    &own,
                    &name,
                    &compose,
                    asker.at("extra_hosts"),
                    message,
                    "take the line away: containers of one network know each other by name"
                        .to_string(),
                );
            }
            Reach::CutOff => {
                let message =
                    format!("`{own}` asks {host}, and its networks lead only to containers");
                self.once(
                    &own,
                    "",
                    &compose,
                    asker.at("networks"),
                    message,
                    "take `internal` or `network_mode: none` away, or add another network"
                        .to_string(),
                );
            }
        }
        None
    }

    fn once(
        &mut self,
        asker: &str,
        host: &str,
        file: &str,
        pointer: String,
        message: String,
        help: String,
    ) {
        if self.told.insert((asker.to_string(), host.to_string())) {
            self.found.push(place::at(file, pointer, message, help));
        }
    }

    /// Whether a program that is known answers to the scheme and the path, and without a password.
    fn answer(&mut self, ask: &Ask, name: &str) {
        let Some(container) = self.project().container(name) else {
            return;
        };
        let Some(program) = container.process.program else {
            return;
        };
        let web = program
            .web_config
            .as_ref()
            .and_then(|flag| container.process.flag(flag))
            .filter(|flag| !flag.value.is_empty());
        let encrypted = program
            .scheme_variable
            .as_ref()
            .and_then(|name| container.variable(name))
            .map(|scheme| scheme != "http");
        let speaks = match (encrypted, web) {
            (Some(true), _) => "https",
            // The file may say either.
            (_, Some(_)) => ask.scheme,
            _ => "http",
        };
        let mut say = |message: String, help: &str| {
            self.found.push(place::at(
                &ask.file.path,
                ask.pointer.clone(),
                message,
                help,
            ))
        };
        // Of a service, and of what else is asked, the catalog says the scheme.
        let known = ["prometheus", "alertmanager", "blackbox_exporter", "grafana"]
            .contains(&container.process.name.unwrap_or_default());
        if known && ["http", "https"].contains(&ask.scheme) && ask.scheme != speaks {
            say(
                format!(
                    "`{}` asks `{name}` over {}, and it speaks {speaks}",
                    ask.asker.name, ask.scheme
                ),
                "write the scheme that it speaks",
            );
        }
        let user = match container.process.name {
            Some("prometheus") => &self.stack.catalog.prometheus.basic_auth_user,
            Some("alertmanager") => &self.stack.catalog.alertmanager.basic_auth_user,
            _ => &None,
        };
        if web.is_some() && user.is_some() && !ask.known {
            say(
                format!(
                    "`{name}` wants a password, and `{}` sends none",
                    ask.asker.name
                ),
                "give it `basic_auth` with the password's file",
            );
        }
        let prefix = container.prefix();
        match ask.path {
            Path::Scraped(path) if known => {
                let fits = |known: &String| format!("{prefix}{known}") == path;
                if !program.scraped.iter().any(fits) {
                    let paths: Vec<String> = program
                        .scraped
                        .iter()
                        .map(|known| format!("{prefix}{known}"))
                        .collect();
                    say(
                        format!("`{name}` has no metrics at {path}"),
                        &format!("it has them at {}", paths.join(" and ")),
                    );
                }
            }
            Path::Below(path) if known && path.trim_end_matches('/') != prefix => {
                say(
                    format!(
                        "`{}` asks `{name}` below {path}, and it answers below {prefix}/",
                        ask.asker.name
                    ),
                    "write the path of its `--web.route-prefix`",
                );
            }
            _ => {}
        }
    }
}

/// Whether a job or a group of Alertmanagers comes with a password or a token.
fn credentials(client: &Value) -> bool {
    ["basic_auth", "authorization", "oauth2", "bearer_token_file"]
        .iter()
        .any(|key| client.get(*key).is_some())
}

/// Ports in a sentence.
fn listed(ports: &[u16]) -> String {
    match ports {
        [] => "no port".to_string(),
        ports => ports
            .iter()
            .map(u16::to_string)
            .collect::<Vec<_>>()
            .join(" and "),
    }
}

/// Host and port of `host:port`; without a port that of the scheme.
fn authority(address: &str, scheme: &str) -> Option<(String, u16)> {
    let (host, port, _) = parts(&format!("{scheme}://{}", plain(&address.into())))?;
    Some((host, port))
}

/// Host and port of every address in a text, as variables and arguments have them (a URL, a list of brokers, what follows a flag),
/// and whether its scheme is that of a database or a broker at its usual port.
fn addresses(text: &str) -> impl Iterator<Item = (String, u16, bool)> + '_ {
    let words = text.split([' ', ',', ';', '=', '"', '\'', '(', ')']);
    words.filter_map(|word| {
        let (scheme, rest) = word.split_once("://").unwrap_or(("", word));
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority
            .rsplit_once('@')
            .map_or(authority, |(_, address)| address);
        let usual = match scheme {
            "postgres" | "postgresql" => Some(5432),
            "mysql" | "mariadb" => Some(3306),
            "redis" | "rediss" => Some(6379),
            "mongodb" => Some(27017),
            "amqp" => Some(5672),
            "nats" => Some(4222),
            _ => None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, usual?),
        };
        Some((host.to_string(), port, usual == Some(port)))
    })
}

/// Scheme, host and port of a URL.
fn endpoint(url: &str) -> Option<(&str, String, u16)> {
    let (host, port, _) = parts(url)?;
    Some((url.split("://").next()?, host, port))
}
