//! One connection that something rendered needs: whether it arrives, and whether who is there answers.

use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, nearest};
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::network::{GATEWAY, Reach, loopback};
use crate::stack::containers::{Container, Project};
use crate::value::Value;
use std::collections::{HashMap, HashSet};

/// A connection that something rendered needs.
pub(super) struct Ask<'q> {
    /// Where the address is written.
    pub(super) file: &'q File,
    pub(super) pointer: String,
    /// Who opens it.
    pub(super) asker: &'q Container<'q>,
    pub(super) scheme: &'q str,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: Path<'q>,
    /// Whether it comes with a password or a token.
    pub(super) known: bool,
}

/// Which paths are asked for.
pub(super) enum Path<'q> {
    /// Metrics at this one.
    Scraped(&'q str),
    /// Those of its interface, below this.
    Below(&'q str),
    /// Something else.
    Any,
}

pub(super) struct Judge<'s, 'a> {
    pub(super) stack: &'s Stack<'a>,
    pub(super) found: Vec<Diagnostic>,
    /// What has been said of a container and a name: once is enough.
    told: HashSet<(String, String)>,
    on_host: HashMap<u16, &'a Service>,
}

impl<'s, 'a> Judge<'s, 'a> {
    pub(super) fn of(stack: &'s Stack<'a>) -> Judge<'s, 'a> {
        Judge {
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
        }
    }

    pub(super) fn project(&self) -> &'s Project<'a> {
        &self.stack.containers
    }

    /// Whether the catalog says that a service serves its metrics at this port.
    pub(super) fn opens_for_metrics(&self, service: &str, port: u16) -> bool {
        let service = self.stack.catalog.service(service);
        service.is_some_and(|service| service.metrics_port == Some(port))
    }

    /// Judges one connection; the container at which it arrives.
    pub(super) fn ask(&mut self, ask: Ask) -> Option<String> {
        let project = self.project();
        let asker = ask.asker;
        let (own, host, port) = (asker.name.clone(), ask.host.as_str(), ask.port);
        let compose = asker.file.path.clone();
        match project.reach(asker, host, port) {
            Reach::Arrives(name) => {
                self.judge_answer(&ask, name);
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
                    self.say_once(
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
            Reach::Closed(name, _) if self.opens_for_metrics(name, port) => {}
            Reach::Closed(name, open) => {
                let message = format!(
                    "`{own}` asks `{name}` at port {port}, and it listens at {}",
                    ports_in_words(&open)
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
                self.say_once(
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
                self.say_once(
                    &own,
                    &name,
                    &compose,
                    key,
                    message,
                    "give both the same entry of `networks`".to_string(),
                );
            }
            Reach::Shared(name, other) => {
                let (name, other) = (name.to_string(), other.to_string());
                let taken = project.container(&other);
                let called = taken.is_some_and(|taken| !taken.value["container_name"].is_null());
                let key = if called { "container_name" } else { "networks" };
                let (file, at) = taken.map_or((compose, String::new()), |taken| {
                    (taken.file.path.clone(), taken.at(key))
                });
                self.say_once(
                    &own,
                    &name,
                    &file,
                    at,
                    format!(
                        "`{other}` is called `{host}` too: `{own}` asks now the one, now the other"
                    ),
                    "give it another name".to_string(),
                );
            }
            Reach::Absent(name) => {
                let wanted = project.container(name);
                let (file, at) = wanted.map_or((compose, String::new()), |wanted| {
                    (wanted.file.path.clone(), wanted.at("profiles"))
                });
                let name = name.to_string();
                self.say_once(
                    &own,
                    &name,
                    &file,
                    at,
                    format!("`{own}` asks `{name}`, which `docker compose up` does not start"),
                    "take its profile away".to_string(),
                );
            }
            Reach::Unknown => {
                let of_others = self.stack.catalog.services.iter();
                let mut of_others = of_others.filter(|other| other.foreign);
                if let Some(other) = of_others.find(|other| other.host == host) {
                    let mut networks = other.networks.iter();
                    if !networks.any(|network| asker.networks.joins(network)) {
                        let message = format!(
                            "`{own}` looks for `{host}`, and is not in {} with it",
                            other.networks.join(" or ")
                        );
                        let key = asker.at("networks");
                        let help = "let it join the network, which is `external`".to_string();
                        self.say_once(&own, host, &compose, key, message, help);
                    }
                    return None;
                }
                // A service elsewhere has been judged by its `runs_on`.
                if self.stack.catalog.services.iter().any(|service| {
                    let mut instances = service.instances.iter();
                    service.host == host || instances.any(|one| one.host() == host)
                }) {
                    return None;
                }
                let names = project
                    .containers
                    .iter()
                    .map(|container| container.name.as_str());
                let near = nearest(host, names);
                // Networks of others have short names too.
                if near.is_none() && self.stack.is_own(&ask.file.path, &ask.pointer) {
                    return None;
                }
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write the full name of a machine, as in NAME.example.org, or start such a container; accept it when your network knows the name".to_string(),
                };
                self.say_once(
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
                self.say_once(
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
                    "`{own}` asks {host}, and looks for its address where no name server is: in its own container, or at an address that nobody has"
                );
                self.say_once(
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
                self.say_once(
                    &own,
                    &name,
                    &compose,
                    asker.at("extra_hosts"),
                    message,
                    "take the line away: containers of one network know each other by name"
                        .to_string(),
                );
            }
            Reach::Nowhere(address) => {
                let message = format!(
                    "`{own}` is told that {host} is at {address}, an address that nobody has"
                );
                self.say_once(
                    &own,
                    host,
                    &compose,
                    asker.at("extra_hosts"),
                    message,
                    "take the line away, or write the address of a machine".to_string(),
                );
            }
            Reach::CutOff => {
                let message =
                    format!("`{own}` asks {host}, and its networks lead only to containers");
                self.say_once(
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

    fn say_once(
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
    fn judge_answer(&mut self, ask: &Ask, name: &str) {
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
pub(super) fn has_credentials(client: &Value) -> bool {
    ["basic_auth", "authorization", "oauth2", "bearer_token_file"]
        .iter()
        .any(|key| client.get(*key).is_some())
}

/// Ports in a sentence.
pub(super) fn ports_in_words(ports: &[u16]) -> String {
    match ports {
        [] => "no port".to_string(),
        ports => ports
            .iter()
            .map(u16::to_string)
            .collect::<Vec<_>>()
            .join(" and "),
    }
}
