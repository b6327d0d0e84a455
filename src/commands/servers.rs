//! Flags of the verbs that ask running servers.

use super::Cli;
use crate::catalog::{Catalog, Duration};
use crate::live::checks::Inquiry;
use crate::live::endpoint::Endpoint;
use crate::live::http::Client;
use crate::live::probe::Reach;
use crate::pipeline::Outcome;
use crate::render::File;
use anyhow::{Context, Result, anyhow};
use std::env::var;
use std::path::PathBuf;

/// Where the servers are. Tokens come from files or the environment, and go to their own server only.
#[derive(clap::Args)]
#[command(next_help_heading = "Servers")]
pub struct Servers {
    /// Prometheus; or PROMETHEUS_URL [default: where the catalog publishes it, http://127.0.0.1:9090]
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    /// A file with the bearer token of Prometheus; or PROMETHEUS_TOKEN
    #[arg(long, value_name = "FILE")]
    prometheus_token_file: Option<PathBuf>,
    /// The Alertmanager; or ALERTMANAGER_URL [default: where the catalog publishes it, http://127.0.0.1:9093]
    #[arg(long, value_name = "URL")]
    alertmanager_url: Option<String>,
    /// A file with the bearer token of the Alertmanager; or ALERTMANAGER_TOKEN
    #[arg(long, value_name = "FILE")]
    alertmanager_token_file: Option<PathBuf>,
    /// Grafana, which is not asked without it; or GRAFANA_URL
    #[arg(long, value_name = "URL")]
    grafana_url: Option<String>,
    /// A file with a service account token of Grafana; or GRAFANA_TOKEN
    #[arg(long, value_name = "FILE")]
    grafana_token_file: Option<PathBuf>,
    /// A PEM certificate to trust instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Where this machine reaches all services, instead of the catalog's hosts
    #[arg(long, value_name = "ADDRESS")]
    services_address: Option<String>,
    /// Added to every service's port
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    port_offset: i32,
    /// How long one answer may take
    #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = duration)]
    timeout: Duration,
}

/// A duration as everywhere: 500ms, 60s, 5m.
pub fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).filter(|duration| duration.0 > 0).ok_or_else(|| format!("`{text}` is not a duration such as 5s or 500ms"))
}

impl Servers {
    /// Everything that is needed to ask.
    pub fn inquiry<'a>(&self, catalog: &'a Catalog, rendered: &'a [File]) -> Result<Inquiry<'a>> {
        let authority = self.ca_file.as_ref().map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))).transpose()?;
        let timeout = std::time::Duration::from_millis(self.timeout.0);
        let client = Client::new(timeout, authority.as_deref()).map_err(|failure| anyhow!("--ca-file: {failure}"))?;
        let endpoint = |name, flag: &Option<String>, variable: &str, file: &Option<PathBuf>, default: Option<&str>| -> Result<Option<Endpoint>> {
            let url = flag.clone().or_else(|| var(format!("{variable}_URL")).ok().filter(|url| !url.is_empty())).or(default.map(str::to_string));
            let token = var(format!("{variable}_TOKEN")).ok();
            url.map(|url| Endpoint::new(name, &url, file.as_deref(), token)).transpose()
        };
        let published = |port: u16| match catalog.compose.monitoring_address.as_str() {
            "0.0.0.0" => format!("http://127.0.0.1:{port}"),
            address => format!("http://{address}:{port}"),
        };
        let (prometheus, alertmanager) = (published(catalog.prometheus.port), published(catalog.alertmanager.port));
        let needed = |endpoint: Result<Option<Endpoint>>| endpoint.and_then(|found| found.context("a server without an address"));
        for service in &catalog.services {
            crate::live::simulation::shifted(service.port, self.port_offset).context("--port-offset")?;
        }
        Ok(Inquiry {
            catalog,
            rendered,
            client,
            reach: Reach { address: self.services_address.clone(), port_offset: self.port_offset },
            prometheus: needed(endpoint("Prometheus", &self.prometheus_url, "PROMETHEUS", &self.prometheus_token_file, Some(&prometheus)))?,
            alertmanager: needed(endpoint("Alertmanager", &self.alertmanager_url, "ALERTMANAGER", &self.alertmanager_token_file, Some(&alertmanager)))?,
            grafana: endpoint("Grafana", &self.grafana_url, "GRAFANA", &self.grafana_token_file, None)?,
        })
    }
}

/// A catalog and its files.
type Drawn = (Catalog, Vec<File>);

/// What came of a catalog, and it with its files; None: its own mistakes come first.
pub fn drawn(cli: &Cli) -> Result<(Outcome, Option<Drawn>)> {
    let mut outcome = crate::pipeline::draw(&cli.root)?;
    let failed = outcome.failed();
    let both = outcome.catalog.take().zip(outcome.rendered.take().map(|rendered| rendered.files)).filter(|_| !failed);
    Ok((outcome, both))
}
