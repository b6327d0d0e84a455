//! `preview` writes the dashboards as one HTML page.

use super::servers::PrometheusLogin;
use super::{Cli, Report};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::http::Client;
use crate::pipeline;
use crate::preview::prometheus::Prometheus;
use crate::preview::{Data, Preview, preview};
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// `preview` and its flags.
#[derive(clap::Args)]
pub struct Args {
    /// Run the panels' queries against this Prometheus; without it the data is simulated
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
    /// Seconds that one query may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    /// Set a variable of the dashboards, as in `--variable job=checkout`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    variable: Vec<(String, String)>,
    /// Where the page is written; under the root unless it begins with `/`
    #[arg(long, short, value_name = "FILE", default_value = "preview.html")]
    output: PathBuf,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_string(), value.to_string())).ok_or_else(|| "write it as NAME=VALUE".to_string())
}

/// Renders, asks or simulates, draws, writes.
pub fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let mut outcome = pipeline::run(&cli.root)?;
    let failed = outcome.failed();
    let rendered = outcome.rendered.take();
    let mut report = Report::new(outcome.source, outcome.diagnostics);
    let (Some(catalog), Some(rendered)) = (&outcome.catalog, rendered.filter(|_| !failed)) else { return Ok(report) };
    let path = cli.root.join(&args.output);
    refuse_generated(&path, &cli.root)?;
    let chosen: BTreeMap<String, String> = args.variable.iter().cloned().collect();
    let given = args.login.at(args.prometheus_url.as_deref());
    given.exposed().into_iter().for_each(|warning| report.push(warning));
    let page = match given.named()? {
        None => preview(catalog, &rendered, &Data::Simulated, &chosen)?,
        Some(endpoint) => {
            let name = endpoint.url.clone();
            let client = Client::new(Duration::from_secs(args.timeout.max(1)), None).map_err(|failure| anyhow!("{failure}"))?;
            let prometheus = Prometheus::connect(endpoint, client).map_err(|reason| anyhow!(reason))?;
            preview(catalog, &rendered, &Data::Live(&prometheus, name), &chosen)?
        }
    };
    std::fs::write(&path, &page.html).with_context(|| format!("cannot write {}", path.display()))?;
    tell(&mut report, page, &path, args.prometheus_url.is_some());
    if args.open {
        open(&path)?;
    }
    Ok(report)
}

/// `render` would remove the page from generated/ again.
fn refuse_generated(path: &Path, root: &Path) -> Result<()> {
    if path.starts_with(root.join("generated")) {
        return Err(anyhow!("{} is in generated/, which belongs to `render`: name another place with --output", path.display()));
    }
    Ok(())
}

fn tell(report: &mut Report, page: Preview, path: &Path, live: bool) {
    let data = if live { "live" } else { "simulated" };
    report.line(format!("wrote {}: {} dashboards, {} panels, {data} data", path.display(), page.dashboards, page.panels));
    for panel in &page.quiet {
        report.line(format!("  nothing to show   {panel}"));
    }
    for panel in &page.empty {
        report.push(Diagnostic::warning("empty-panel", Place::File(path.display().to_string()), format!("`{panel}` has no data")).help(if live {
            "run its query in Prometheus; `monstack why SERVICE` finds the broken link"
        } else {
            "its query picks no series of the metric contract"
        }));
    }
    report.data.insert("page".into(), path.display().to_string().into());
    report.data.insert("panels".into(), page.panels.into());
    report.data.insert("empty".into(), page.empty.into());
    report.data.insert("quiet".into(), page.quiet.into());
    page.diagnostics.into_iter().for_each(|diagnostic| report.push(diagnostic));
}

/// Hands the page to the desktop; what the browser then says is its own business.
fn open(path: &Path) -> Result<()> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let path = std::path::absolute(path).context("finding the page")?;
    let quiet = Command::new(program).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    quiet.with_context(|| format!("cannot open {} with {program}", path.display()))?;
    Ok(())
}
