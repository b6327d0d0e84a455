//! Flags of the verbs that ask running servers.

mod given;

use super::Cli;
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{FileChange, FileStatus, compare, texts};
use crate::live::checks::{CheckContext, Stale};
use crate::live::http::Client;
use crate::live::probe::Reach;
use crate::live::secret;
use crate::pipeline::Outcome;
use crate::render::File;
use crate::render::found::Found;
use crate::stack::files::Files;
use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, Utc};
pub(crate) use given::Given;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where Prometheus is, and who asks.
#[derive(Clone, clap::Args)]
pub(crate) struct PrometheusFlags {
    /// Prometheus; or PROMETHEUS_URL [default: where the catalog publishes it, http://127.0.0.1:9090]
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
}

/// How Prometheus lets in.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Servers")]
pub(crate) struct PrometheusLogin {
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
    pub(crate) fn at<'a>(&'a self, url: Option<&'a str>) -> Given<'a> {
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
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Servers")]
pub(crate) struct Servers {
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
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
        .filter(|duration| duration.0 > 0)
        .ok_or_else(|| format!("`{text}` is not a duration such as 5s or 500ms"))
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
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        self.given().iter().filter_map(Given::exposed).collect()
    }

    /// Everything that is needed to ask.
    pub(crate) fn context<'a>(
        &self,
        cli: &Cli,
        catalog: &'a Catalog,
        files: &'a [File],
    ) -> Result<CheckContext<'a>> {
        let root = cli.root.as_path();
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
        for instance in catalog
            .services
            .iter()
            .flat_map(|service| &service.instances)
        {
            for port in instance.ports() {
                crate::simulation::shifted(port, self.port_offset).context("--port-offset")?;
            }
        }
        Ok(CheckContext {
            catalog,
            rendered: Files::of(files),
            written: written(root, catalog, Files::of(files)),
            stale: stale(cli, catalog, files)?,
            client,
            reach: Reach {
                address: self.services_address.clone(),
                port_offset: self.port_offset,
                root: root.to_path_buf(),
            },
            prometheus: needed(&prometheus, catalog.prometheus.port)?,
            alertmanager: needed(&alertmanager, catalog.alertmanager.port)?,
            grafana: grafana.endpoint(None)?,
        })
    }
}

/// When the newest of the files that Prometheus reads was written here.
fn written(root: &Path, catalog: &Catalog, rendered: Files) -> Option<DateTime<Utc>> {
    let output = root.join(&catalog.platform.output);
    let read = rendered.prometheus().chain(rendered.rule_files());
    let times = read.filter_map(|file| output.join(&file.path).metadata().ok()?.modified().ok());
    times.max().map(DateTime::from)
}

/// What is on disk, where it is not what servers should read; a folder that does not exist was not rendered either.
pub(crate) fn stale(cli: &Cli, catalog: &Catalog, rendered: &[File]) -> Result<Option<Stale>> {
    let output = &catalog.platform.output;
    let changes = compare(&cli.root, output, rendered)?.changes;
    let read = |change: &&FileChange| {
        let mut ends = [".yml", ".json"].iter();
        change.kind != FileStatus::LineEndings && ends.any(|end| change.path.ends_with(end))
    };
    let changes: Vec<&FileChange> = changes.iter().filter(read).collect();
    let Some(first) = changes.first() else {
        return Ok(None);
    };
    let how = match first.kind {
        FileStatus::Modified | FileStatus::LineEndings => {
            "is older than services.toml, or was edited"
        }
        FileStatus::Missing => "is missing",
        FileStatus::Orphaned => "is left over",
    };
    let path = format!("{output}/{}", first.path);
    let more = match changes.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more file differs".to_string(),
        many => format!(", and {many} more files differ"),
    };
    let message = format!("{path} {how}{more}");
    let finding =
        Diagnostic::error("stale", Place::File(path), message).help(cli.command("render"));
    let files = on_disk(cli, catalog)?.rendered.files;
    Ok(Some(Stale { finding, files }))
}

/// The files of the output folder as they are there, with the roles that their paths have.
pub(crate) fn on_disk(cli: &Cli, catalog: &Catalog) -> Result<Found> {
    let output = &catalog.platform.output;
    let folder = cli.root.join(output);
    let texts = match folder.is_dir() {
        true => texts(&folder)?,
        false => Vec::new(),
    };
    Found::of(catalog, &cli.root, output, texts, &BTreeMap::new())
}

/// A catalog and its files.
type Drawn = (Catalog, Vec<File>);

/// What came of a catalog, and it with its files; None: its own mistakes come first.
pub(crate) fn drawn(cli: &Cli) -> Result<(Outcome, Option<Drawn>)> {
    let mut outcome = crate::pipeline::render_unproved(cli.place())?;
    let failed = outcome.failed();
    let both = outcome
        .catalog
        .take()
        .zip(outcome.rendered.take().map(|rendered| rendered.files))
        .filter(|_| !failed);
    Ok((outcome, both))
}
