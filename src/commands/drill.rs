//! `drill` sees every alert fire.

use super::servers::{drawn, on_disk, stale};
use super::{Cli, Report};
use crate::catalog::{Alert, Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place, Severity, suggestion};
use crate::drill::{Drill, Row, Verdict, run as drill};
use crate::render::File;
use crate::stack::files::Files;
use crate::value::{Value, json};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// `drill` and its flags.
#[derive(Clone, clap::Args)]
#[command(
    after_help = "It starts a Prometheus, an Alertmanager and, where health is probed, a blackbox exporter of its own on free loopback ports,\n\
                        in a temporary folder, with stand-ins for the services; nothing that runs already is touched, and nobody is notified."
)]
pub(crate) struct Args {
    /// Drill this alert; may be given several times
    #[arg(long, value_name = "ALERT")]
    only: Vec<String>,
    /// Drill what services.toml renders to, instead of what is in its output folder
    #[arg(long)]
    fresh: bool,
    /// How much faster than written everything happens: 100 makes 5m 3s
    #[arg(long, default_value_t = 100.0, value_name = "N", value_parser = scale)]
    time_scale: f64,
    /// The Prometheus to drill with
    #[arg(long, default_value = "prometheus", value_name = "FILE")]
    prometheus_bin: PathBuf,
    /// The Alertmanager to drill with [default: prometheus-alertmanager or alertmanager, whichever is on PATH]
    #[arg(long, value_name = "FILE")]
    alertmanager_bin: Option<PathBuf>,
    /// The blackbox exporter to drill with, where health is probed [default: prometheus-blackbox-exporter or blackbox_exporter, whichever is on PATH]
    #[arg(long, value_name = "FILE")]
    blackbox_bin: Option<PathBuf>,
}

fn scale(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|scale| (1.0..=1000.0).contains(scale))
        .ok_or_else(|| format!("`{text}` is not a number from 1 to 1000"))
}

/// Breaks one thing at a time, and says what was seen.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let (outcome, drawn) = drawn(cli)?;
    let Some((catalog, rendered)) = drawn else {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    };
    let chosen = chosen(&catalog, &args.only)?;
    let (files, told) = match drilled(args, cli, &catalog, rendered)? {
        Ok(drilled) => drilled,
        Err(unreadable) => {
            let mut report = Report::new(outcome.source, outcome.diagnostics).reading();
            unreadable
                .into_iter()
                .for_each(|finding| report.push(finding));
            return Ok(report);
        }
    };
    let files = Files::of(&files);
    let there = |alert: &&Alert| {
        let mut rules = files.alerts();
        rules.any(|(_, _, rule)| rule["alert"] == alert.name.as_str())
    };
    let (alerts, lacking): (Vec<&Alert>, Vec<&Alert>) = chosen.into_iter().partition(there);
    let plan = Drill {
        catalog: &catalog,
        rendered: files,
        alerts,
        time_scale: args.time_scale,
        prometheus: args.prometheus_bin.clone(),
        alertmanager: args
            .alertmanager_bin
            .clone()
            .unwrap_or_else(|| on_path("prometheus-alertmanager", "alertmanager")),
        blackbox: args
            .blackbox_bin
            .clone()
            .unwrap_or_else(|| on_path("prometheus-blackbox-exporter", "blackbox_exporter")),
        progress: super::report::say,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let mut rows = runtime.block_on(drill(&plan, super::interrupted()))?;
    rows.extend(lacking.into_iter().map(|alert| {
        let service = alert.covers.first().map_or("", String::as_str);
        let mut row = Row::new(&alert.name, service, "-", "-");
        row.fail(format!("{}/ does not have it", catalog.platform.output));
        row
    }));
    let mut report = Report::new(outcome.source, outcome.diagnostics)
        .reading()
        .without_notices();
    told.into_iter().for_each(|finding| report.push(finding));
    tell(&mut report, &rows);
    Ok(report)
}

/// The files to drill, with what is to be said of them; or what of the output folder cannot be read.
type Drilled = Result<(Vec<File>, Option<Diagnostic>), Vec<Diagnostic>>;

/// What is on disk, as that is what is deployed; where there is nothing, or with --fresh, what the catalog renders to.
fn drilled(args: &Args, cli: &Cli, catalog: &Catalog, rendered: Vec<File>) -> Result<Drilled> {
    let stale = match args.fresh {
        true => None,
        false => stale(cli, catalog, &rendered)?,
    };
    let Some(stale) = stale else {
        return Ok(Ok((rendered, None)));
    };
    let found = on_disk(cli, catalog)?;
    if !found.unreadable.is_empty() {
        return Ok(Err(found.unreadable));
    }
    let mut told = stale.finding;
    told.severity = Severity::Warning;
    let files = found.rendered.files;
    let files = match Files::of(&files).config() {
        Some(_) => {
            told.message += "; drilled is what is on disk";
            told.help = format!(
                "{}, or drill what services.toml says with --fresh",
                told.help
            );
            files
        }
        None => {
            let output = &catalog.platform.output;
            told.message = format!(
                "{output}/ holds nothing to drill; drilled is what services.toml renders to"
            );
            rendered
        }
    };
    super::report::say(&told.message);
    Ok(Ok((files, Some(told))))
}

fn chosen<'a>(catalog: &'a Catalog, names: &[String]) -> Result<Vec<&'a Alert>> {
    if names.is_empty() {
        return Ok(catalog.alerts.iter().collect());
    }
    let find = |name: &String| catalog.alerts.iter().find(|alert| alert.name == *name);
    let known: Vec<&str> = catalog
        .alerts
        .iter()
        .map(|alert| alert.name.as_str())
        .collect();
    names
        .iter()
        .map(|name| {
            find(name).with_context(|| {
                format!(
                    "there is no alert `{name}`: {}",
                    suggestion(name, known.iter().copied())
                )
            })
        })
        .collect()
}

/// Debian's name of a program, or its makers'.
fn on_path(debian: &str, makers: &str) -> PathBuf {
    let there = |name: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(name).is_file())
    };
    if !there(debian) && there(makers) {
        makers.into()
    } else {
        debian.into()
    }
}

fn tell(report: &mut Report, rows: &[Row]) {
    let time = |at: Option<Duration>| at.map_or("-".to_string(), |at| at.to_string());
    report.line(format!(
        "{:<26} {:<22} {:<16} {:>8} {:>8} {:>9} {:>8}  result",
        "alert", "service", "fault", "pending", "firing", "delivered", "resolved"
    ));
    for row in rows {
        let result = result(row);
        let times = [row.pending, row.firing, row.delivered, row.resolved].map(time);
        let fault = if row.receiver == "-" {
            "-"
        } else {
            row.fault.split(':').next().unwrap_or_default()
        };
        let subject = match row.subject.as_str() {
            "" => "all of it",
            subject => subject,
        };
        report.line(format!(
            "{:<26} {:<22} {:<16} {:>8} {:>8} {:>9} {:>8}  {result}",
            row.alert, subject, fault, times[0], times[1], times[2], times[3]
        ));
    }
    let passed = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Passed)
        .count();
    report.line(format!(
        "{passed} of {} passed; times are the catalog's, from the fault (resolved: from its end)",
        rows.len()
    ));
    report.data.insert(
        "drill".into(),
        rows.iter().map(document).collect::<Vec<Value>>().into(),
    );
    for row in rows {
        let place = Place::Key(format!("/alerts/{}", row.alert));
        match &row.verdict {
            Verdict::Failed(reason) => report.push(
                Diagnostic::error("drill-failed", place, format!("{} ({}): {reason}", row.called(), row.fault))
                    .help(row.help.clone()),
            ),
            Verdict::NotDrilled(reason) => report.push(
                Diagnostic::warning("not-drilled", place, format!("{} was not drilled: {reason}", row.called()))
                    .help("`render` ran its tests; a test that gives only what services expose is played here too"),
            ),
            Verdict::Passed => {}
        }
    }
}

/// The last column: who was notified, or what went wrong.
fn result(row: &Row) -> String {
    match &row.verdict {
        Verdict::Passed if row.receiver == "-" => "ok".to_string(),
        Verdict::Passed if row.receiver == "null" => "ok, but no one is notified".to_string(),
        Verdict::Passed if row.receiver.contains(", ") => {
            format!("ok, {} are notified", row.receiver)
        }
        Verdict::Passed => format!("ok, {} is notified", row.receiver),
        Verdict::NotDrilled(_) => "not drilled".to_string(),
        Verdict::Failed(reason) => format!("FAIL: {reason}"),
    }
}

fn document(row: &Row) -> Value {
    let seconds = |at: Option<Duration>| at.map(Duration::seconds);
    let (result, reason) = match &row.verdict {
        Verdict::Passed => ("passed", None),
        Verdict::NotDrilled(reason) => ("not drilled", Some(reason)),
        Verdict::Failed(reason) => ("failed", Some(reason)),
    };
    json!({
        "alert": row.alert, "service": row.subject, "fault": row.fault, "receiver": row.receiver, "result": result, "reason": reason,
        "pending_seconds": seconds(row.pending), "firing_seconds": seconds(row.firing),
        "delivered_seconds": seconds(row.delivered), "resolved_seconds": seconds(row.resolved),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_null_receiver_notifies_no_one() {
        assert_eq!(
            result(&Row::new("A", "a", "down", "null")),
            "ok, but no one is notified"
        );
        assert_eq!(
            result(&Row::new("A", "a", "down", "pager")),
            "ok, pager is notified"
        );
    }
}
