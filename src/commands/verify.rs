//! `verify` asks what is running whether it is what the catalog says.

mod serve;
mod watch;

use super::report::Waiting;
use super::results::{Results, SCHEMA, html, junit};
use super::servers::{Servers, drawn, duration};
use super::{Cli, Report};
use crate::catalog::{Duration, Service};
use crate::diagnostic::Format;
use crate::live::checks::{
    CheckContext, Checked, alertmanager, generated, grafana, panels, probes, prometheus, rules,
    running, services, silent, targets, told, traffic,
};
use crate::pipeline::Outcome;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::time::Instant;

/// `verify` and its flags.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: Servers,
    /// Send every service some requests, to its health path and to paths that the contract lists; they must be counted, and stored
    #[arg(long)]
    traffic: bool,
    /// Ask again until everything is right, at most so long
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
    /// Ask again and again, and say what comes and goes, until it is interrupted
    #[arg(long, conflicts_with_all = ["wait", "traffic", "serve"])]
    watch: bool,
    /// Ask again and again, and serve what is found as metrics at this address, as in :9119, for Prometheus to alert on
    #[arg(long, value_name = "ADDRESS", value_parser = serve::address, conflicts_with_all = ["wait", "traffic"])]
    serve: Option<SocketAddr>,
    /// With --watch and --serve: how often
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    every: Duration,
    /// Print the JSON Schema of what --format json writes, and ask nobody
    #[arg(long)]
    report_schema: bool,
}

/// Asks everything once, or until it is right, or for ever.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    if args.report_schema {
        return Ok(Report::text(SCHEMA));
    }
    let (outcome, drawn) = drawn(cli)?;
    let Some((catalog, rendered)) = drawn else {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    };
    let context = args.servers.context(cli, &catalog, &rendered)?;
    if args.watch || args.serve.is_some() {
        if cli.format != Format::Text {
            bail!(
                "--watch and --serve write lines for people, and --serve metrics: leave out --format"
            );
        }
        return forever(args, &context);
    }
    let waiting = Waiting::begin(&format!(
        "asking {} and {}",
        context.prometheus.name,
        crate::diagnostic::plural(catalog.services.len(), "service")
    ));
    let results = asked(args, &context, &waiting)?;
    drop(waiting);
    tell(args, cli, &context, outcome, results)
}

/// Once, or until it is right; then the traffic, and what it has changed.
fn asked(args: &Args, context: &CheckContext, waiting: &Waiting) -> Result<Results> {
    let start = Instant::now();
    let limit = std::time::Duration::from_millis(args.wait.unwrap_or_default().0);
    let once_more = |start: Instant| start.elapsed() < limit;
    let mut asked = (args.wait.is_some() || !args.traffic).then(|| ask(context));
    while asked
        .as_ref()
        .is_some_and(|asked| !asked.as_ref().is_ok_and(Results::right))
        && once_more(start)
    {
        let left = limit.saturating_sub(start.elapsed());
        waiting.say(&match &asked {
            Some(Ok(results)) => waited_for(results),
            Some(Err(error)) => format!("{error:#}"),
            None => String::new(),
        });
        std::thread::sleep(std::time::Duration::from_millis(500).min(left));
        asked = Some(ask(context));
    }
    if !args.traffic {
        return asked.context("nothing was asked")?;
    }
    running(context)?;
    let sent = traffic::checked(context, &|line| waiting.say(line));
    waiting.say("asking again, with the traffic");
    let mut results = ask(context)?;
    results.checks.push(sent);
    Ok(results)
}

/// What is not right yet: how many errors, and the first.
fn waited_for(results: &Results) -> String {
    let mut errors = results.findings().filter(|finding| finding.stops());
    let first = errors.next().map_or("", |first| first.message.as_str());
    match errors.count() {
        0 => format!("waiting for 1 error to end: {first}"),
        more => format!("waiting for {} errors to end, first: {first}", more + 1),
    }
}

/// Until it is interrupted.
fn forever(args: &Args, context: &CheckContext) -> Result<Report> {
    let every = std::time::Duration::from_millis(args.every.0);
    if let Some(address) = args.serve {
        let said = |address: SocketAddr| {
            let line = format!(
                "what is found is served at http://{address}/metrics, every {}; Ctrl-C ends it",
                args.every
            );
            Ok(super::report::announce(&[line])?)
        };
        serve::run(address, every, said, super::interrupted(), || ask(context))?;
        return Ok(Report::text(""));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("cannot start")?;
    let mut watched = watch::Watched::default();
    loop {
        let asked = ask(context);
        super::report::announce(&watched.look(&asked))?;
        let over = runtime.block_on(async {
            tokio::select! {
                told = super::interrupted() => told.map(|()| true),
                () = tokio::time::sleep(every) => Ok(false),
            }
        })?;
        if over {
            let report = Report::text("");
            let right = asked.is_ok_and(|results| results.right());
            return Ok(if right { report } else { report.found() });
        }
    }
}

/// Services and dashboards at once: neither waits for the other.
fn ask(context: &CheckContext) -> Result<Results> {
    let running = running(context)?;
    let services: Vec<&Service> = context.catalog.services.iter().collect();
    let (visits, panels) = std::thread::scope(|scope| {
        let panels = scope.spawn(|| panels::checked(context, &running));
        let visits = services::visit(context, &running, &services);
        let panels = panels.join();
        (
            visits,
            panels.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let rows = visits
        .iter()
        .map(|visit| visit.row(context, &running))
        .collect();
    let answering: Vec<&str> = visits
        .iter()
        .filter(|visit| visit.readable() || visit.elsewhere)
        .map(|visit| visit.service.name.as_str())
        .collect();
    let healthy: Vec<&str> = visits
        .iter()
        .filter(|visit| visit.healthy)
        .map(|visit| visit.service.name.as_str())
        .collect();
    let probed = probes::checked(context, &running, &healthy);
    let mut checks = vec![
        generated::checked(context),
        prometheus::checked(context, &running),
        rules::checked(context, &running),
        targets::checked(context, &running, &answering),
    ];
    checks.extend(services::checked(context, visits));
    checks.extend(probed);
    checks.push(alertmanager::checked(context, &running));
    checks.push(told::checked(context, &running));
    checks.extend(panels);
    let grafana = context.grafana.as_ref();
    checks.extend(grafana.map(|endpoint| grafana::checked(context, endpoint)));
    checks[1].findings.extend(silent(context));
    Ok(Results {
        checks,
        services: rows,
    })
}

/// One line for each thing that was looked at, then what to do next; or all of it as a document.
fn tell(
    args: &Args,
    cli: &Cli,
    context: &CheckContext,
    outcome: Outcome,
    mut results: Results,
) -> Result<Report> {
    let warnings = args.servers.warnings();
    let document = match cli.format {
        Format::Junit => Some(junit::document(&results)),
        Format::Html => Some(html::page(
            &results,
            &outcome.source,
            &context.catalog.platform.name,
            &context.prometheus.url,
        )?),
        _ => None,
    };
    let mut report = Report::new(outcome.source, outcome.diagnostics).reading();
    report.about_services();
    warnings
        .into_iter()
        .for_each(|warning| report.push(warning));
    for Checked {
        what, state, note, ..
    } in &results.checks
    {
        report.line(format!("{what:<13} {state:<9} {note}"));
    }
    let broken = results
        .findings()
        .filter(|finding| finding.stops())
        .find_map(|finding| finding.service.clone());
    let steps = results.steps();
    if !steps.is_empty() {
        report.line("what to do, in this order:");
        steps.into_iter().for_each(|step| report.line(step));
    }
    if let Some(service) = broken {
        report.line(format!("next: {} {service}", cli.command("why")));
    }
    report.data = results.data();
    for check in &mut results.checks {
        for finding in std::mem::take(&mut check.findings) {
            report.push(finding);
        }
    }
    if let Some(document) = document {
        report.whole(document);
    }
    Ok(report)
}
