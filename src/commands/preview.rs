//! `preview` writes the dashboards as one HTML page.

use super::report::Waiting;
use super::servers::{PrometheusLogin, duration};
use super::watch::watch;
use super::{Cli, Report};
use crate::diagnostic::{Diagnostic, Place, plural, suggestion};
use crate::generated::{replace, sweep};
use crate::live::http::Client;
use crate::pipeline;
use crate::preview::prometheus::{At, Prometheus, Shown};
use crate::preview::{Data, Preview, preview};
use crate::render::Rendered;
use crate::source::read::sort;
use anyhow::{Context, Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// `preview` and its flags.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Run the panels' queries against this Prometheus; without it the data is simulated
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
    /// How much of the past is shown, as in 6h, instead of what the dashboards open with
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "prometheus_url")]
    range: Option<crate::catalog::Duration>,
    /// Until when: a time (2026-11-27T03:00:00Z), or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "prometheus_url")]
    at: Option<At>,
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
    /// Draw it again after every save, until it is interrupted; the page reloads itself every second
    #[arg(long)]
    watch: bool,
}

/// A moment as people write it.
fn moment(text: &str) -> Result<At, String> {
    let time = chrono::DateTime::parse_from_rfc3339(text).map(|time| time.timestamp());
    let time = time.ok().or_else(|| text.parse().ok()).map(At::Time);
    time.or_else(|| {
        duration(text)
            .ok()
            .map(|ago| At::Ago((ago.0 / 1000) as i64))
    })
    .ok_or_else(|| {
        format!("`{text}` is neither a time such as 2026-11-27T03:00:00Z nor a duration such as 2h")
    })
}

fn assignment(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .ok_or_else(|| "write it as NAME=VALUE".to_string())
}

/// Renders, asks or simulates, draws, writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    if !args.watch {
        return once(args, cli, args.open, false);
    }
    let mut first = args.open;
    watch(cli, || once(args, cli, std::mem::take(&mut first), true))?;
    // The page that is left behind stays as it is.
    once(args, cli, false, false)
}

/// The names of all variables that dashboards have.
fn variables(rendered: &Rendered) -> BTreeSet<String> {
    let files = rendered.files.iter();
    let lists = files.flat_map(|file| file.value["templating"]["list"].items());
    let names = lists.filter_map(|one| one["name"].as_str());
    names.map(str::to_string).collect()
}

fn once(args: &Args, cli: &Cli, shown: bool, reloads: bool) -> Result<Report> {
    let mut outcome = pipeline::run(cli.place())?;
    let failed = outcome.failed();
    let rendered = outcome.rendered.take();
    let mut report = Report::new(outcome.source, outcome.diagnostics).without_notices();
    let (Some(catalog), Some(rendered)) = (&outcome.catalog, rendered.filter(|_| !failed)) else {
        return Ok(report);
    };
    let path = cli.root.join(&args.output);
    let target = target(&path, &cli.root, &catalog.platform.output)?;
    let chosen: BTreeMap<String, String> = args.variable.iter().cloned().collect();
    let variables = variables(&rendered);
    let mut unknown = chosen.keys().filter(|name| !variables.contains(*name));
    if let Some(name) = unknown.next() {
        let known = suggestion(name, variables.iter().map(String::as_str));
        bail!("no dashboard has a variable `{name}`: {known}");
    }
    let given = args.login.at(args.prometheus_url.as_deref());
    given
        .exposed()
        .into_iter()
        .for_each(|warning| report.push(warning));
    let page = match given.named()? {
        None => preview(catalog, &rendered, &Data::Simulated, &chosen)?,
        Some(endpoint) => {
            let name = endpoint.url.clone();
            let client = Client::new(Duration::from_secs(args.timeout.max(1)), None)
                .map_err(|failure| anyhow!("{failure}"))?;
            let shown = Shown {
                at: args.at,
                span: args.range.map(|range| (range.0 / 1000).max(60) as i64),
            };
            let _waiting = Waiting::begin(&format!("asking {name} for the panels' data"));
            let prometheus =
                Prometheus::connect(endpoint, client, shown).map_err(|reason| anyhow!(reason))?;
            preview(catalog, &rendered, &Data::Live(&prometheus, name), &chosen)?
        }
    };
    sweep(&target, false);
    match reloads {
        true => replace(
            &target,
            &page
                .html
                .replacen(CHARSET, &format!("{CHARSET}\n{RELOAD}"), 1),
        )?,
        false => replace(&target, &page.html)?,
    }
    tell(&mut report, page, &path, args.prometheus_url.is_some());
    if shown {
        open(&path)?;
    }
    Ok(report)
}

/// Where a page says that it reloads itself; no script may run in it, and none is needed.
const CHARSET: &str = "<meta charset=\"utf-8\">";
const RELOAD: &str = "<meta http-equiv=\"refresh\" content=\"1\">";

/// What every page begins with, and what those of the first version began with.
const MARKS: [&str; 2] = [
    "<!DOCTYPE html>\n<!-- Drawn by monstack preview, which writes over it. -->\n",
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-",
];

/// The file that an output means, links and `..` followed. It may be new, empty, or a page that `preview` wrote; nothing else is
/// replaced, and nothing is put into the output folder of `render`.
fn target(asked: &Path, root: &Path, output: &str) -> Result<PathBuf> {
    let shown = asked.display();
    let another = "name another file with --output";
    let found = match asked.canonicalize() {
        Ok(real) => real,
        Err(_) if asked.is_symlink() => bail!("{shown} is a link to nothing: {another}"),
        Err(_) => {
            let name = asked
                .file_name()
                .with_context(|| format!("{shown} is not a file: {another}"))?;
            let folder = asked
                .parent()
                .filter(|folder| *folder != Path::new(""))
                .unwrap_or(Path::new("."));
            folder
                .canonicalize()
                .with_context(|| {
                    format!("cannot write {shown}: {} is not a folder", folder.display())
                })?
                .join(name)
        }
    };
    if root
        .join(output)
        .canonicalize()
        .is_ok_and(|generated| found.starts_with(generated))
    {
        bail!("{shown} is in {output}/, which belongs to `render`: {another}");
    }
    // What the shell has opened already, or a device, is not replaced but lost.
    let special = ["/dev", "/proc"].iter().any(|folder| {
        found.starts_with(folder)
            || std::path::absolute(asked).is_ok_and(|asked| asked.starts_with(folder))
    });
    let Ok(metadata) = found.symlink_metadata() else {
        return if special {
            Err(anyhow!("{shown} is not a place for a file: {another}"))
        } else {
            Ok(found)
        };
    };
    if let Some(sort) = sort(metadata.file_type()) {
        bail!("{shown} is {sort}, not a file: {another}");
    }
    let longest = MARKS
        .iter()
        .map(|mark| mark.len())
        .max()
        .unwrap_or_default();
    let mut start = Vec::new();
    let read = std::fs::File::open(&found)
        .and_then(|file| file.take(longest as u64).read_to_end(&mut start));
    read.with_context(|| format!("cannot see whether {shown} may be replaced"))?;
    let own = start.is_empty() || MARKS.iter().any(|mark| start.starts_with(mark.as_bytes()));
    if special || !own {
        bail!("{shown} was not written by `preview`, which never replaces such a file: {another}");
    }
    Ok(found)
}

fn tell(report: &mut Report, page: Preview, path: &Path, live: bool) {
    let data = if live { "live" } else { "simulated" };
    report.line(format!(
        "wrote {}: {}, {}, {data} data",
        path.display(),
        plural(page.dashboards, "dashboard"),
        plural(page.panels, "panel")
    ));
    for panel in &page.quiet {
        report.line(format!("  nothing to show   {panel}"));
    }
    for panel in &page.empty {
        report.push(
            Diagnostic::warning(
                "empty-panel",
                Place::File(path.display().to_string()),
                format!("`{panel}` has no data"),
            )
            .help(if live {
                "run its query in Prometheus; `monstack why SERVICE` finds the broken link"
            } else {
                "nothing that is simulated fits its query: the values are made up, and go back a few hours at most"
            }),
        );
    }
    report
        .data
        .insert("page".into(), path.display().to_string().into());
    report.data.insert("panels".into(), page.panels.into());
    report.data.insert("empty".into(), page.empty.into());
    report.data.insert("quiet".into(), page.quiet.into());
    page.diagnostics
        .into_iter()
        .for_each(|diagnostic| report.push(diagnostic));
}

/// Hands the page to the desktop; what the browser then says is its own business.
fn open(path: &Path) -> Result<()> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let path = std::path::absolute(path).context("finding the page")?;
    let quiet = Command::new(program)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    quiet.with_context(|| format!("cannot open {} with {program}", path.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_ages() {
        assert_eq!(moment("1970-01-01T01:00:00Z"), Ok(At::Time(3600)));
        assert_eq!(moment("3600"), Ok(At::Time(3600)));
        assert_eq!(moment("2h"), Ok(At::Ago(7200)));
        assert!(moment("yesterday").is_err());
    }
}
