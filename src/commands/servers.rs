//! Flags of the verbs that ask running servers.

use super::Cli;
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::checks::CheckContext;
use crate::live::endpoint::{Endpoint, Login};
use crate::live::http::Client;
use crate::live::probe::Reach;
use crate::live::secret;
use crate::pipeline::Outcome;
use crate::render::File;
use crate::stack::files::Files;
use anyhow::{Context, Result, anyhow, bail};
use std::env::var;
use std::path::{Path, PathBuf};

/// Where Prometheus is, and who asks.
#[derive(clap::Args)]
pub struct PrometheusFlags {
    /// Prometheus; or PROMETHEUS_URL [default: where the catalog publishes it, http://127.0.0.1:9090]
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
}

/// How Prometheus lets in.
#[derive(clap::Args)]
#[command(next_help_heading = "Servers")]
pub struct PrometheusLogin {
    /// A file with the bearer token of Prometheus; or PROMETHEUS_TOKEN
    #[arg(long, value_name = "FILE")]
    prometheus_token_file: Option<PathBuf>,
    /// The user whom Prometheus asks for; or PROMETHEUS_USER
    #[arg(long, value_name = "NAME")]
    prometheus_user: Option<String>,
    /// A file with that user's password; or PROMETHEUS_PASSWORD
    #[arg(long, value_name = "FILE")]
    prometheus_password_file: Option<PathBuf>,
}

impl PrometheusLogin {
    /// The same with an address.
    pub fn at<'a>(&'a self, url: Option<&'a str>) -> Given<'a> {
        let (token_file, user, password_file) = (
            self.prometheus_token_file.as_deref(),
            self.prometheus_user.as_deref(),
            self.prometheus_password_file.as_deref(),
        );
        Given {
            name: "Prometheus",
            url,
            token_file,
            user,
            password_file,
        }
    }
}

/// Where the servers are. Tokens and passwords come from files or the environment, and go to their own server only.
#[derive(clap::Args)]
#[command(next_help_heading = "Servers")]
pub struct Servers {
    #[command(flatten)]
    prometheus: PrometheusFlags,
    /// The Alertmanager; or ALERTMANAGER_URL [default: where the catalog publishes it, http://127.0.0.1:9093]
    #[arg(long, value_name = "URL")]
    alertmanager_url: Option<String>,
    /// A file with the bearer token of the Alertmanager; or ALERTMANAGER_TOKEN
    #[arg(long, value_name = "FILE")]
    alertmanager_token_file: Option<PathBuf>,
    /// The user whom the Alertmanager asks for; or ALERTMANAGER_USER
    #[arg(long, value_name = "NAME")]
    alertmanager_user: Option<String>,
    /// A file with that user's password; or ALERTMANAGER_PASSWORD
    #[arg(long, value_name = "FILE")]
    alertmanager_password_file: Option<PathBuf>,
    /// Grafana, which is not asked without it; or GRAFANA_URL
    #[arg(long, value_name = "URL")]
    grafana_url: Option<String>,
    /// A file with a service account token of Grafana; or GRAFANA_TOKEN
    #[arg(long, value_name = "FILE")]
    grafana_token_file: Option<PathBuf>,
    /// The user whom Grafana asks for; or GRAFANA_USER
    #[arg(long, value_name = "NAME")]
    grafana_user: Option<String>,
    /// A file with that user's password; or GRAFANA_PASSWORD
    #[arg(long, value_name = "FILE")]
    grafana_password_file: Option<PathBuf>,
    /// A PEM certificate to trust instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Where this machine reaches all services, instead of the catalog's hosts
    #[arg(long, value_name = "ADDRESS")]
    services_address: Option<String>,
    /// Added to every service's port
    #[arg(
        long,
        default_value_t = 0,
        value_name = "N",
        allow_negative_numbers = true
    )]
    port_offset: i32,
    /// How long one answer may take
    #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = duration)]
    timeout: Duration,
}

/// A duration as everywhere: 500ms, 60s, 5m.
pub fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
        .filter(|duration| duration.0 > 0)
        .ok_or_else(|| format!("`{text}` is not a duration such as 5s or 500ms"))
}

/// What the command line says of one server.
pub struct Given<'a> {
    name: &'static str,
    url: Option<&'a str>,
    token_file: Option<&'a Path>,
    user: Option<&'a str>,
    password_file: Option<&'a Path>,
}

impl Given<'_> {
    fn flag(&self, what: &str) -> String {
        format!("--{}-{what}", self.name.to_lowercase())
    }

    /// A variable of the environment that says something.
    fn variable(&self, what: &str) -> Option<String> {
        var(format!("{}_{what}", self.name.to_uppercase()))
            .ok()
            .filter(|value| !value.is_empty())
    }

    /// The server: at the address of its flag, of the environment, or `default`; None: nobody says where it is.
    fn endpoint(&self, default: Option<&str>) -> Result<Option<Endpoint>> {
        let url = self
            .url
            .map(str::to_string)
            .or_else(|| self.variable("URL"))
            .or(default.map(str::to_string));
        url.map(|url| Endpoint::new(self.name, &url, self.login()?))
            .transpose()
    }

    /// The server at the address of its flag, and nowhere else; what lets in is of no use without it.
    pub fn named(&self) -> Result<Option<Endpoint>> {
        let alone = [
            (self.token_file.is_some(), "token-file"),
            (self.user.is_some(), "user"),
            (self.password_file.is_some(), "password-file"),
        ];
        match (self.url, alone.iter().find(|(given, _)| *given)) {
            (Some(url), _) => Endpoint::new(self.name, url, self.login()?).map(Some),
            (None, Some((_, what))) => bail!("{} needs {}", self.flag(what), self.flag("url")),
            (None, None) => Ok(None),
        }
    }

    /// What flags say goes before what the environment says.
    fn login(&self) -> Result<Login> {
        let line = |what: &str, path: &Path| secret::line(&self.flag(what), path);
        let password = || {
            self.password_file
                .map(|path| line("password-file", path))
                .transpose()
                .map(|read| read.or_else(|| self.variable("PASSWORD")))
        };
        let user = || {
            self.user
                .map(str::to_string)
                .or_else(|| self.variable("USER"))
        };
        match (
            self.token_file,
            self.user.is_some() || self.password_file.is_some(),
        ) {
            (Some(_), true) => bail!(
                "{} and {}: give one of them",
                self.flag("token-file"),
                self.flag("password-file")
            ),
            (Some(path), false) => match line("token-file", path)?.trim() {
                "" => bail!(secret::SECRET.refusal(
                    &self.flag("token-file"),
                    path,
                    "it holds nothing but blanks"
                )),
                token => Ok(Login::Token(token.to_string())),
            },
            (None, true) => Ok(Login::Password(user(), password()?)),
            (None, false) => match (self.variable("TOKEN"), user()) {
                (Some(token), _) if token.trim().chars().any(char::is_control) => {
                    bail!("the token of {} is not one line of text", self.name)
                }
                (Some(token), _) if !token.trim().is_empty() => {
                    Ok(Login::Token(token.trim().to_string()))
                }
                (_, Some(user)) => Ok(Login::Password(Some(user), password()?)),
                _ => Ok(Login::Address),
            },
        }
    }

    /// What every user of this machine can read in the list of processes.
    pub fn exposed(&self) -> Option<Diagnostic> {
        let (_, rest) = self.url?.split_once("://")?;
        let (user, _) = rest.rsplit_once('@')?;
        let (url, file, variable) = (
            self.flag("url"),
            self.flag("password-file"),
            format!("{}_PASSWORD", self.name.to_uppercase()),
        );
        let message = format!(
            "the password in {url} can be read by every user of this machine, in the list of processes"
        );
        user.contains(':').then(|| {
            Diagnostic::warning("password-on-command-line", Place::File(url), message)
                .help(format!("give the user with {} and the password in a file with {file}, or in {variable}", self.flag("user")))
        })
    }
}

impl Servers {
    fn given(&self) -> [Given<'_>; 3] {
        [
            self.prometheus
                .login
                .at(self.prometheus.prometheus_url.as_deref()),
            Given {
                name: "Alertmanager",
                url: self.alertmanager_url.as_deref(),
                token_file: self.alertmanager_token_file.as_deref(),
                user: self.alertmanager_user.as_deref(),
                password_file: self.alertmanager_password_file.as_deref(),
            },
            Given {
                name: "Grafana",
                url: self.grafana_url.as_deref(),
                token_file: self.grafana_token_file.as_deref(),
                user: self.grafana_user.as_deref(),
                password_file: self.grafana_password_file.as_deref(),
            },
        ]
    }

    /// What is worth a warning about the flags themselves.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.given().iter().filter_map(Given::exposed).collect()
    }

    /// Everything that is needed to ask.
    pub fn context<'a>(&self, catalog: &'a Catalog, files: &'a [File]) -> Result<CheckContext<'a>> {
        let authority = self
            .ca_file
            .as_ref()
            .map(|path| secret::read("--ca-file", path, &secret::CERTIFICATES))
            .transpose()?;
        let timeout = std::time::Duration::from_millis(self.timeout.0);
        let client =
            Client::new(timeout, authority.as_deref()).map_err(|failure| match &self.ca_file {
                Some(path) => secret::CERTIFICATES.refusal("--ca-file", path, &failure.to_string()),
                None => anyhow!("{failure}"),
            })?;
        let [prometheus, alertmanager, grafana] = self.given();
        let published = |port: u16| match catalog.compose.monitoring_address.as_str() {
            "0.0.0.0" => format!("http://127.0.0.1:{port}"),
            address => format!("http://{address}:{port}"),
        };
        let needed = |given: &Given, port| {
            given
                .endpoint(Some(&published(port)))?
                .context("a server without an address")
        };
        if self
            .services_address
            .as_ref()
            .is_some_and(|address| address.contains(['/', '@', '?', '#']))
        {
            bail!(
                "--services-address is a host name or an IP address, without `://`, a path, a user or a password"
            );
        }
        for service in &catalog.services {
            crate::simulation::shifted(service.port, self.port_offset).context("--port-offset")?;
        }
        Ok(CheckContext {
            catalog,
            rendered: Files::of(files),
            client,
            reach: Reach {
                address: self.services_address.clone(),
                port_offset: self.port_offset,
            },
            prometheus: needed(&prometheus, catalog.prometheus.port)?,
            alertmanager: needed(&alertmanager, catalog.alertmanager.port)?,
            grafana: grafana.endpoint(None)?,
        })
    }
}

/// A catalog and its files.
type Drawn = (Catalog, Vec<File>);

/// What came of a catalog, and it with its files; None: its own mistakes come first.
pub fn drawn(cli: &Cli) -> Result<(Outcome, Option<Drawn>)> {
    let mut outcome = crate::pipeline::render_unproved(&cli.root)?;
    let failed = outcome.failed();
    let both = outcome
        .catalog
        .take()
        .zip(outcome.rendered.take().map(|rendered| rendered.files))
        .filter(|_| !failed);
    Ok((outcome, both))
}
