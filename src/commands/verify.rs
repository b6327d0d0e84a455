//! `verify` asks what is running whether it is what the catalog says.

use super::servers::{Servers, drawn, duration};
use super::{Cli, Report};
use crate::catalog::{Duration, Service};
use crate::diagnostic::{Severity, plural};
use crate::live::checks::{
    CheckContext, Checked, alertmanager, delivery, grafana, panels, probes, prometheus, rules,
    running, services, targets,
};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::time::Instant;

/// `verify` and its flags.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    servers: Servers,
    /// Send requests to every service's health path first
    #[arg(long)]
    traffic: bool,
    /// Ask again until everything is right, at most so long
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
}

/// Asks everything once, or until it is right.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let (outcome, drawn) = drawn(cli)?;
    let Some((catalog, rendered)) = drawn else {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    };
    let context = args.servers.context(&cli.root, &catalog, &rendered)?;
    if args.traffic {
        let sent = services::traffic(&context);
        super::report::say(&format!(
            "sent {} to {}",
            plural(sent, "request"),
            plural(catalog.services.len(), "service")
        ));
    }
    let start = Instant::now();
    let limit = std::time::Duration::from_millis(args.wait.unwrap_or_default().0);
    let checked = loop {
        let checked = ask(&context);
        let right = checked.as_ref().is_ok_and(|checked| {
            checked
                .iter()
                .flat_map(|one| &one.findings)
                .all(|finding| finding.severity != Severity::Error)
        });
        if right || start.elapsed() >= limit {
            break checked?;
        }
        std::thread::sleep(
            std::time::Duration::from_millis(500).min(limit.saturating_sub(start.elapsed())),
        );
    };
    let mut report = Report::new(outcome.source, outcome.diagnostics).reading();
    args.servers
        .warnings()
        .into_iter()
        .for_each(|warning| report.push(warning));
    tell(&mut report, checked, cli);
    Ok(report)
}

fn ask(context: &CheckContext) -> Result<Vec<Checked>> {
    let running = running(context)?;
    let services: Vec<&Service> = context.catalog.services.iter().collect();
    let visits = services::visit(context, &running, &services);
    let answering: Vec<&str> = visits
        .iter()
        .filter(|visit| visit.scraped)
        .map(|visit| visit.service.name.as_str())
        .collect();
    let healthy: Vec<&str> = visits
        .iter()
        .filter(|visit| visit.healthy)
        .map(|visit| visit.service.name.as_str())
        .collect();
    let probed = probes::checked(context, &running, &healthy);
    let mut checked = vec![
        prometheus::checked(context, &running),
        rules::checked(context, &running),
        targets::checked(context, &running, &answering),
    ];
    checked.extend(services::checked(context, visits));
    checked.extend(probed);
    checked.push(alertmanager::checked(context, &running));
    checked.push(delivery::checked(context, &running));
    checked.extend(panels::checked(context));
    checked.extend(
        context
            .grafana
            .as_ref()
            .map(|endpoint| grafana::checked(context, endpoint)),
    );
    Ok(checked)
}

/// One line for each thing that was looked at, then what to do next.
fn tell(report: &mut Report, checked: Vec<Checked>, cli: &Cli) {
    let mut checks = Map::new();
    let mut broken = Vec::new();
    for one in checked {
        report.line(format!("{:<13} {:<9} {}", one.what, one.state, one.note));
        checks.insert(
            one.what.into(),
            json!({"state": one.state, "note": one.note}),
        );
        for finding in one.findings {
            if finding.stops() {
                broken.extend(finding.service.clone());
            }
            report.push(finding);
        }
    }
    broken.dedup();
    report.data.insert("checks".into(), Value::Object(checks));
    if let Some(service) = broken.first() {
        report.line(format!("next: {} {service}", cli.command("why")));
    }
}
