//! One service asked as Prometheus would ask it, and the cause when it does not answer like a service.

use super::endpoint::{basic, beginning};
use super::exposition::{Exposition, parse};
use super::http::{Answer, Client, Failure, SELF_SIGNED, Trust, Untrusted};
use super::secret::{self, Content, without_user};
use crate::catalog::access::parted;
use crate::catalog::{Service, ipv6};
use crate::diagnostic::{Diagnostic, Place};
use std::path::PathBuf;
use std::time::Duration;

/// What Prometheus accepts of a scrape.
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// The address at which this machine reaches services.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Instead of the host that the catalog means.
    pub address: Option<String>,
    pub port_offset: i32,
    /// The folder of services.toml: where the files of a login are.
    pub root: PathBuf,
}

/// Where this machine asks an instance: the whole addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Door {
    pub metrics: String,
    pub health: String,
}

/// An instance of a service, and what it takes to be let in.
pub(crate) struct Instance<'a> {
    pub service: &'a Service,
    pub door: Door,
    client: Client,
    authorization: Option<String>,
    /// The header Host that Prometheus sends, where this machine reaches it at another address: several services may share that.
    host: Option<String>,
}

impl Instance<'_> {
    fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let login = self.authorization.as_deref();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .copied()
            .chain(login.map(|login| ("authorization", login)))
            .chain(self.host.as_deref().map(|host| ("host", host)))
            .collect();
        let name = self
            .service
            .tls
            .as_ref()
            .and_then(|tls| tls.server_name.as_deref());
        match name {
            Some(name) => self.client.get(&url.replacen(host(url), name, 1), &headers),
            None => self.client.get(url, &headers),
        }
    }
}

impl Instance<'_> {
    /// The status with which a path of the instance is answered.
    pub(crate) fn status(&self, path: &str) -> Result<u16, Failure> {
        let url = &self.door.health;
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find('/').map_or(url.len(), |at| start + at);
        self.get(&format!("{}{path}", &url[..end]), &[])
            .map(|answer| answer.status)
    }
}

/// The host of an address, IPv6 in its brackets.
fn host(url: &str) -> &str {
    let authority = url.split("://").nth(1).unwrap_or(url);
    let authority = authority.split('/').next().unwrap_or(authority);
    parted(authority).0
}

/// How far the way to a service's metrics is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ProbeStage {
    /// No connection or no answer.
    Reachable,
    /// An answer, but not the metrics.
    Http,
    /// Metrics that cannot be read.
    Parsed,
}

impl ProbeStage {
    /// The link of `why` that breaks there.
    pub(crate) fn link(self) -> &'static str {
        match self {
            ProbeStage::Reachable => "reachable",
            ProbeStage::Http => "http",
            ProbeStage::Parsed => "parsed",
        }
    }
}

/// A scrape that worked, and what was odd about it.
pub(crate) struct Scrape {
    pub exposition: Exposition,
    pub notes: Vec<Diagnostic>,
    pub took: Duration,
    /// How far the service's clock is ahead of this machine's, in seconds, where it says it.
    pub ahead: Option<f64>,
}

impl Reach {
    /// host:port from here; `host` and `compose` services are on this machine.
    fn here(&self, service: &Service, address: &str) -> String {
        let here = matches!(service.runs_on.as_str(), "host" | "compose");
        let given = self.address.as_deref().map(|address| {
            ipv6(address).map_or_else(|| address.to_string(), |address| format!("[{address}]"))
        });
        let (host, port) = parted(address);
        let host = given.unwrap_or_else(|| {
            if here {
                "127.0.0.1".to_string()
            } else {
                host.to_string()
            }
        });
        format!("{host}:{}", i32::from(port) + self.port_offset)
    }

    /// Where the instances of a service are asked.
    pub fn doors(&self, service: &Service) -> Vec<Door> {
        let mut doors = Vec::new();
        for instance in &service.instances {
            let url = |address: &str, path: &str| {
                format!("{}://{}{path}", service.scheme, self.here(service, address))
            };
            let door = Door {
                metrics: url(&instance.asked, &instance.path),
                health: match service.through {
                    Some(_) => url(&instance.asked, &instance.path),
                    None => url(&instance.health, &service.health_path),
                },
            };
            if !doors.contains(&door) {
                doors.push(door);
            }
        }
        doors
    }

    /// The header `Authorization` that a service wants, if it wants one.
    pub(crate) fn login(&self, service: &Service) -> Result<Option<String>, Diagnostic> {
        let line = |key: &str, file: &str| {
            secret::line(key, &self.root.join(file))
                .map_err(|error| unreadable(service, key, &error.to_string()))
        };
        let Some(auth) = &service.auth else {
            return Ok(None);
        };
        Ok(
            match (&auth.bearer_file, &auth.username, &auth.password_file) {
                (Some(file), ..) => Some(format!("Bearer {}", line("auth/bearer_file", file)?)),
                (None, Some(user), Some(file)) => {
                    Some(basic(user.as_str(), line("auth/password_file", file)?))
                }
                _ => None,
            },
        )
    }

    /// The instances of a service that have an address of their own from here, each with what lets this machine in; a file
    /// that the catalog names for that may not be readable here.
    pub(crate) fn instances<'a>(
        &self,
        client: &Client,
        service: &'a Service,
    ) -> Result<Vec<Instance<'a>>, Diagnostic> {
        if service.discovery.is_some() {
            let message = format!(
                "{}: nothing here knows where it is: Prometheus asks {}",
                service.name,
                service.addresses()
            );
            return Err(Diagnostic::error("unknown-address", at(service), message)
                .help("give the address of one of its instances"));
        }
        self.behind(client, service, self.doors(service))
    }

    /// The same of instances whose addresses are known from elsewhere.
    pub(crate) fn behind<'a>(
        &self,
        client: &Client,
        service: &'a Service,
        doors: Vec<Door>,
    ) -> Result<Vec<Instance<'a>>, Diagnostic> {
        let authorization = self.login(service)?;
        let unreadable = |key: &str, reason: String| unreadable(service, key, &reason);
        let path = |file: &str| self.root.join(file);
        let pem = |key: &str, file: &Option<String>, content: &Content| {
            let read = file
                .as_ref()
                .map(|file| secret::read(key, &path(file), content));
            read.transpose()
                .map_err(|error| unreadable(key, error.to_string()))
        };
        let instance = |door: Door| {
            let client = match &service.tls {
                None => client.clone(),
                Some(tls) => {
                    let certificate = pem("tls/cert_file", &tls.cert_file, &secret::CERTIFICATES)?;
                    let key = pem("tls/key_file", &tls.key_file, &secret::SECRET)?;
                    let place = host(&door.metrics).to_string();
                    let trust = Trust {
                        authorities: pem("tls/ca_file", &tls.ca_file, &secret::CERTIFICATES)?,
                        own: certificate.zip(key),
                        anybody: tls.insecure_skip_verify,
                        instead: tls.server_name.clone().map(|name| (name, place)),
                    };
                    let made = client.with(trust);
                    made.map_err(|failure| unreadable("tls", failure.to_string()))?
                }
            };
            let asked = service.instances.iter().find(|one| {
                let address = self.here(service, &one.asked);
                let url = format!("{}://{address}{}", service.scheme, one.path);
                url == door.metrics
            });
            let elsewhere = self.address.is_some() && service.tls.is_none();
            Ok(Instance {
                service,
                door,
                client,
                authorization: authorization.clone(),
                host: asked.filter(|_| elsewhere).map(|one| one.asked.clone()),
            })
        };
        doors.into_iter().map(instance).collect()
    }
}

fn unreadable(service: &Service, key: &str, reason: &str) -> Diagnostic {
    let place = Place::Value(format!("/services/{}/{key}", service.name));
    let message = format!("{}: {reason}", service.name);
    Diagnostic::error("unreadable-login", place, message)
        .help("run this where the file is, or as somebody who may read it: this machine then asks as Prometheus does")
}

fn at(service: &Service) -> Place {
    Place::Key(format!("/services/{}", service.name))
}

/// Why a service is not healthy.
pub(crate) struct Unhealthy {
    pub finding: Diagnostic,
    /// It says so itself, and did not only refuse to answer.
    pub ill: bool,
}

/// Whether the service says that it is healthy.
pub(crate) fn health(instance: &Instance) -> Result<(), Unhealthy> {
    let (service, url) = (instance.service, &instance.door.health);
    let answer = instance.get(url, &[]).map_err(|failure| Unhealthy {
        finding: unreachable(service, url, &failure),
        ill: false,
    })?;
    let status = answer.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let message = format!(
        "{} is unhealthy: {url} answers {status}: {}",
        service.name,
        beginning(&answer.body)
    );
    Err(Unhealthy {
        finding: Diagnostic::error("health-fails", at(service), message)
            .help("look at the service's own log; `health_path` says where health is asked"),
        ill: status >= 500,
    })
}

/// How many redirects Go's client follows, and so Prometheus.
const REDIRECTS: usize = 9;

/// The metrics, or the first thing on the way to them that is broken.
pub(crate) fn scrape(instance: &Instance) -> Result<Scrape, (ProbeStage, Diagnostic)> {
    let (service, url) = (instance.service, &instance.door.metrics);
    let mut notes = Vec::new();
    let mut answer = ask(instance, url)?;
    let mut asked = url.clone();
    let mut passed = Vec::new();
    while (300..400).contains(&answer.status) {
        let target = redirected(&asked, &answer.location)
            .ok_or_else(|| (ProbeStage::Http, elsewhere(service, &asked, &answer)))?;
        passed.push(std::mem::replace(&mut asked, target));
        if passed.contains(&asked) || passed.len() > REDIRECTS {
            return Err((ProbeStage::Http, in_circles(service, url, &asked)));
        }
        answer = ask(instance, &asked)?;
    }
    if !passed.is_empty() {
        let path = asked.splitn(4, '/').nth(3).unwrap_or_default();
        notes.push(
            Diagnostic::warning(
                "scrape-redirect",
                at(service),
                format!(
                    "{}: every scrape of {url} is redirected to /{path}",
                    service.name
                ),
            )
            .help(format!(
                "write `metrics_path = \"/{path}\"`, or serve the metrics at {} without a redirect",
                service.metrics_path
            )),
        );
    }
    let url = &asked;
    let plain = String::from_utf8_lossy(&answer.body[..answer.body.len().min(400)]).into_owned();
    // Go and nginx say so in these words.
    if answer.status == 400 && plain.contains("HTTP request") && plain.contains("HTTPS") {
        return Err((ProbeStage::Http, wrong_scheme(service, url, "https")));
    }
    if answer.status != 200 {
        let mut found = wrong_status(service, url, &answer);
        if *url != instance.door.metrics {
            found.message += &format!(", where {} redirects to", instance.door.metrics);
        }
        return Err((ProbeStage::Http, found));
    }
    let (exposition, refused) = read(service, url, &answer)?;
    notes.extend(refused);
    if let Some(flaw) = exposition.flaws.first() {
        let message = format!(
            "{}: {url}, line {}: {}; Prometheus takes it, others do not",
            service.name, flaw.line, flaw.reason
        );
        notes.push(
            Diagnostic::warning("metrics-twice", at(service), message)
                .help("register the metric once: two collectors in one process write the same one"),
        );
    }
    if answer.took.as_secs_f64() > service.scrape_timeout.seconds() {
        let took = format!(
            "{}: a scrape takes {:.1?}, and Prometheus gives up after {}",
            service.name, answer.took, service.scrape_timeout
        );
        notes.push(
            Diagnostic::error("scrape-too-slow", at(service), took)
                .help("expose less, or raise `scrape_timeout`"),
        );
    }
    let (took, ahead) = (answer.took, answer.ahead);
    Ok(Scrape {
        exposition,
        notes,
        took,
        ahead,
    })
}

fn ask(instance: &Instance, url: &str) -> Result<Answer, (ProbeStage, Diagnostic)> {
    let service = instance.service;
    instance.get(url, &[("accept", ACCEPT)]).map_err(|failure| {
        let stage = if matches!(
            failure,
            Failure::TooLarge | Failure::NotHttp(_) | Failure::CutOff | Failure::Unfinished(_)
        ) {
            ProbeStage::Http
        } else {
            ProbeStage::Reachable
        };
        match other_scheme(instance, url, &failure) {
            Some(speaks) => (ProbeStage::Http, wrong_scheme(service, url, speaks)),
            None => (stage, unreachable(service, url, &failure)),
        }
    })
}

/// The scheme that is spoken there instead, where the failure looks like it and the other one is answered.
fn other_scheme(instance: &Instance, url: &str, failure: &Failure) -> Option<&'static str> {
    let (client, there, speaks) = match failure {
        Failure::Tls(_) | Failure::CutOff if url.starts_with("https://") => {
            let there = url.replacen("https://", "http://", 1);
            (instance.client.clone(), there, "http")
        }
        Failure::NotHttp(_) | Failure::CutOff if url.starts_with("http://") => {
            let trust = Trust {
                anybody: true,
                ..Trust::default()
            };
            let there = url.replacen("http://", "https://", 1);
            (instance.client.with(trust).ok()?, there, "https")
        }
        _ => return None,
    };
    client.get(&there, &[]).is_ok().then_some(speaks)
}

fn wrong_scheme(service: &Service, url: &str, speaks: &str) -> Diagnostic {
    let (says, help) = match speaks {
        "https" => (
            "speaks TLS",
            "write `scheme = \"https\"`, and `tls = { ca_file = \"…\" }` when its certificate is of an authority of your own",
        ),
        _ => (
            "speaks HTTP without TLS",
            "write `scheme = \"http\"`, or let the service serve its metrics over TLS",
        ),
    };
    let message = format!("{}: what listens at {url} {says}", service.name);
    Diagnostic::error("wrong-scheme", at(service), message).help(help)
}

fn unreachable(service: &Service, url: &str, failure: &Failure) -> Diagnostic {
    let own_authority = service
        .tls
        .as_ref()
        .is_some_and(|tls| tls.ca_file.is_some());
    let help = match failure {
        Failure::Refused if service.host == "localhost" => "start it, listening on this port".to_string(),
        Failure::Refused => "start it, listening on 0.0.0.0 and this port".to_string(),
        Failure::NoSuchHost => "correct `runs_on`, or say with `--services-address` where this machine reaches the services".to_string(),
        Failure::NoConnection(_) | Failure::Unreachable(_) => format!("let its port through the firewall of {}", service.host),
        Failure::NoAnswer(_) => "restart it, and see what blocks it: one worker that waits on another service answers nobody".to_string(),
        Failure::CutOff => "look at its log: it takes the connection and ends it without an answer, as a worker does that dies, or a program that speaks something else".to_string(),
        Failure::TooLarge | Failure::Unfinished(_) => "serve the metrics there and nothing else; labels without a bound make them grow".to_string(),
        Failure::Tls(reason) => untrusted(reason, own_authority),
        _ => STRANGER.to_string(),
    };
    Diagnostic::error(
        "service-unreachable",
        at(service),
        format!("{}: {url}: {failure}", service.name),
    )
    .help(help)
}

/// What to do about a service with which no encrypted connection can be made.
fn untrusted(reason: &str, own_authority: bool) -> String {
    let help = match Untrusted::of(reason) {
        Some(Untrusted::Stranger) if own_authority => {
            "who signed its certificate is not in the `ca_file` of `tls`: put that authority's certificate there"
        }
        Some(Untrusted::Stranger) => {
            "name the authority that signed its certificate: `tls = { ca_file = \"…\" }`"
        }
        Some(Untrusted::Authority) if own_authority => SELF_SIGNED,
        Some(Untrusted::Authority) => {
            "it signed its certificate itself: name that as its authority, `tls = { ca_file = \"…\" }`"
        }
        Some(Untrusted::Name) => "say which name its certificate has: `server_name` in `tls`",
        Some(Untrusted::Expired) => "renew its certificate",
        Some(Untrusted::Anonymous) => {
            "it wants a certificate of whoever asks: `cert_file` and `key_file` in `tls`"
        }
        None => STRANGER,
    };
    help.to_string()
}

/// What to do about something that speaks neither HTTP nor TLS as it is spoken here.
const STRANGER: &str = "see what listens there: it is not the service that the catalog means";

/// Where a redirect leads, as long as it stays at the same host: Prometheus follows it.
fn redirected(url: &str, location: &str) -> Option<String> {
    let end = url.find("://")? + 3;
    let host_end = url[end..].find('/').map_or(url.len(), |slash| end + slash);
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(format!("{}{location}", &url[..host_end]));
    }
    let rest = location.strip_prefix(&url[..host_end])?;
    rest.starts_with('/').then(|| location.to_string())
}

fn in_circles(service: &Service, url: &str, again: &str) -> Diagnostic {
    let message = format!(
        "{}: {url} redirects in circles, again and again to {}",
        service.name,
        beginning(without_user(again).as_bytes())
    );
    Diagnostic::error("scrape-redirect", at(service), message)
        .help("let the metrics be read without a redirect: a login that is never done, or a proxy and a service that each send to the other's address, redirect for ever")
}

fn elsewhere(service: &Service, url: &str, answer: &Answer) -> Diagnostic {
    let message = format!(
        "{}: {url} redirects ({}) to {}",
        service.name,
        answer.status,
        beginning(without_user(&answer.location).as_bytes())
    );
    Diagnostic::error("scrape-redirect", at(service), message)
        .help("serve the metrics there, to Prometheus too, without a redirect to another host")
}

fn wrong_status(service: &Service, url: &str, answer: &Answer) -> Diagnostic {
    let help = match answer.status {
        401 | 403 if service.auth.is_some() => {
            "it refuses the login that `auth` says: correct the file that holds it, on this machine and in the secrets of Prometheus"
        }
        401 | 403 => {
            "it wants a login: say in `auth` with which login it is scraped; or let Prometheus read the metrics without one"
        }
        404 => "mount the metrics there, or correct `metrics_path`",
        429 => {
            "it limits how often it is asked: let its metrics be read as often as `scrape_interval` says"
        }
        500..=599 => "look at the service's log: its metrics endpoint fails",
        _ => "serve the metrics with status 200",
    };
    Diagnostic::error(
        "scrape-status",
        at(service),
        format!("{}: {url} answers {}", service.name, answer.status),
    )
    .help(help)
}

/// Whether somebody is answered who looks at it in a browser.
fn web_page(body: &[u8]) -> bool {
    let begins = body.trim_ascii_start();
    let begins = begins[..begins.len().min(14)].to_ascii_lowercase();
    begins.starts_with(b"<!doctype html") || begins.starts_with(b"<html")
}

/// What an answer holds, and why Prometheus may refuse it all the same.
fn read(
    service: &Service,
    url: &str,
    answer: &Answer,
) -> Result<(Exposition, Option<Diagnostic>), (ProbeStage, Diagnostic)> {
    let found = |code, message: String, help: &str| {
        Diagnostic::error(code, at(service), format!("{}: {message}", service.name)).help(help)
    };
    let kind = answer
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Err((
            ProbeStage::Parsed,
            found(
                "blank-metrics",
                format!("{url} answers with nothing"),
                "register the metrics with the registry that the endpoint exposes",
            ),
        ));
    }
    if answer.body.starts_with(b"\"") {
        let message =
            format!("{url} sends its metrics as one JSON text in quotes (Content-Type {kind})");
        let help = "FastAPI turns `return generate_latest()` into JSON: return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)";
        return Err((
            ProbeStage::Parsed,
            found("json-quoted-metrics", message, help),
        ));
    }
    if web_page(&answer.body) {
        let message = format!("{url} answers with a web page: {}", beginning(&answer.body));
        return Err((
            ProbeStage::Http,
            found(
                "web-page",
                message,
                "correct `metrics_path`, or the port: another program may listen there; where it is a login page, say in `auth` with which login it is scraped",
            ),
        ));
    }
    let known = matches!(kind, "text/plain" | "application/openmetrics-text");
    let refused = (!known).then(|| {
        let shown = match kind {
            "" => "no Content-Type".to_string(),
            kind => format!("Content-Type {kind}"),
        };
        let message = format!(
            "{url} sends {shown}, which Prometheus 3 refuses: {}",
            beginning(&answer.body)
        );
        found(
            "content-type",
            message,
            "send `text/plain; version=0.0.4; charset=utf-8`, the client library's CONTENT_TYPE_LATEST",
        )
    });
    match parse(&answer.body, kind == "application/openmetrics-text") {
        Ok(exposition) => Ok((exposition, refused)),
        Err(error) => Err(match refused {
            Some(refused) => (ProbeStage::Http, refused),
            None => {
                let message = format!(
                    "{url} is not a valid metrics text: line {}, column {}: {}",
                    error.line, error.column, error.reason
                );
                (
                    ProbeStage::Parsed,
                    found(
                        "metrics-parse",
                        message,
                        "expose what the client library generates, unchanged; `promtool check metrics` reads it from a pipe",
                    ),
                )
            }
        }),
    }
}
