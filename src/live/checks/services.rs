//! The services: health, metrics and the contract, all of them at once.

use super::stored::{Exposed, Stored};
use super::targets::target;
use super::{CheckContext, Checked};
use crate::catalog::{Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposed::{Declared, backwards, sample_names};
use crate::live::exposition::Exposition;
use crate::live::probe::{Instance, health, scrape};
use crate::live::prometheus::{Running, query};
use crate::live::workers::{self, each};
use std::collections::{BTreeMap, BTreeSet};

/// Scrapes in which no counter may fall.
const SCRAPES: usize = 2;

/// Requests that `--traffic` sends to each service.
const REQUESTS: usize = 20;

pub(crate) struct Visit<'a> {
    pub service: &'a Service,
    /// It said that it is healthy.
    pub healthy: bool,
    /// Its metrics could be read.
    pub scraped: bool,
    /// Declared metrics that it does not expose.
    pub missing: Vec<&'a Metric>,
    /// What all its instances expose together.
    exposed: Exposed<'a>,
    pub findings: Vec<Diagnostic>,
}

/// Asks the health path of every service again and again, so that there is something to measure; returns the answers.
pub(crate) fn traffic(context: &CheckContext) -> usize {
    let ask = |service: &Service| {
        let instances = context.instances(service).unwrap_or_default();
        let asked = |instance: &Instance| {
            (0..REQUESTS)
                .take_while(|_| health(instance).is_ok())
                .count()
        };
        instances.iter().map(asked).sum::<usize>()
    };
    each(&context.catalog.services, workers::SERVICES, ask)
        .into_iter()
        .sum()
}

pub(crate) fn visit<'a>(context: &CheckContext<'a>) -> Vec<Visit<'a>> {
    let declared = Declared::new(context.catalog);
    each(&context.catalog.services, workers::SERVICES, |service| {
        one(context, &declared, service)
    })
}

fn one<'a>(context: &CheckContext, declared: &Declared<'a>, service: &'a Service) -> Visit<'a> {
    let mut visit = Visit {
        service,
        healthy: false,
        scraped: false,
        missing: Vec::new(),
        exposed: Vec::new(),
        findings: Vec::new(),
    };
    let instances = match context.instances(service) {
        Ok(instances) => instances,
        Err(finding) => {
            visit.findings.push(finding);
            return visit;
        }
    };
    let (mut scraped, mut healthy) = (0, 0);
    let mut missing: Option<Vec<&Metric>> = None;
    for instance in &instances {
        let findings = &mut visit.findings;
        let before = findings.len();
        let answers = match scrape(instance) {
            Ok(scrape) => {
                let kept = declared.check(service, &scrape.exposition);
                scraped += 1;
                add(&mut visit.exposed, kept.exposed);
                // What one of the instances exposes has series.
                missing = Some(match missing.take() {
                    None => kept.missing,
                    Some(known) => known
                        .into_iter()
                        .filter(|metric| kept.missing.iter().any(|other| other.key == metric.key))
                        .collect(),
                });
                findings.extend(scrape.notes);
                findings.extend(kept.findings);
                findings.extend(falling(instance, scrape.exposition));
                true
            }
            Err((_, finding)) => {
                findings.push(finding);
                false
            }
        };
        match health(instance) {
            Ok(()) => healthy += 1,
            // A port that is closed is one finding, not two.
            Err(finding)
                if findings[before..]
                    .iter()
                    .any(|other| other.code == finding.code && !answers) => {}
            Err(finding) => findings.push(finding),
        }
    }
    visit.scraped = scraped == instances.len();
    visit.healthy = healthy == instances.len();
    visit.missing = missing.unwrap_or_default();
    visit
}

/// The series of one more instance.
fn add<'a>(all: &mut Exposed<'a>, more: Exposed<'a>) {
    for (metric, name, count) in more {
        match all.iter_mut().find(|(_, known, _)| *known == name) {
            Some((_, _, known)) => *known += count,
            None => all.push((metric, name, count)),
        }
    }
}

/// What services expose and Prometheus does not have; only of those that it scrapes.
fn dropped(context: &CheckContext, running: &Running, visits: &[Visit]) -> Vec<Diagnostic> {
    let Ok(stored) = Stored::ask(context, None) else {
        return Vec::new();
    };
    let scraped = |visit: &&Visit| {
        visit.scraped && target(running, visit.service).is_some_and(|target| target.health == "up")
    };
    let visits = visits.iter().filter(scraped);
    visits
        .filter_map(|visit| stored.lost(context, visit.service, &visit.exposed))
        .collect()
}

fn falling(instance: &Instance, first: Exposition) -> Option<Diagnostic> {
    let mut before = first;
    for _ in 1..SCRAPES {
        let after = scrape(instance).ok()?.exposition;
        if let Some(finding) = backwards(instance.service, &before, &after) {
            return Some(finding);
        }
        before = after;
    }
    None
}

/// The summary of the services, and of the contract.
pub(crate) fn checked(
    context: &CheckContext,
    running: &Running,
    visits: Vec<Visit>,
) -> [Checked; 2] {
    let total = visits.len();
    let healthy = visits
        .iter()
        .filter(|visit| visit.healthy && visit.scraped)
        .count();
    let expected: usize = context
        .catalog
        .metrics
        .iter()
        .map(|metric| metric.services.len())
        .sum();
    let unseen: usize = visits
        .iter()
        .filter(|visit| !visit.scraped)
        .map(|visit| emitted(context, visit.service))
        .sum();
    let missing: usize = visits.iter().map(|visit| visit.missing.len()).sum();
    let mut absent = absent(context, &visits);
    absent.extend(dropped(context, running, &visits));
    let findings = visits
        .into_iter()
        .flat_map(|visit| visit.findings)
        .collect();
    let note = if unseen > 0 {
        format!("declared metrics exposed; {unseen} could not be asked for")
    } else {
        "declared metrics exposed".into()
    };
    [
        Checked::new(
            "services",
            format!("{healthy}/{total}"),
            "healthy, and their metrics can be read",
            findings,
        ),
        Checked::new(
            "metrics",
            format!("{}/{expected}", expected - unseen - missing),
            note,
            absent,
        ),
    ]
}

fn emitted(context: &CheckContext, service: &Service) -> usize {
    context
        .catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name))
        .count()
}

/// A missing metric is a different matter when nobody ever had it, when others have it, and when it was there before.
fn absent(context: &CheckContext, visits: &[Visit]) -> Vec<Diagnostic> {
    let mut by_metric: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for visit in visits {
        for metric in &visit.missing {
            by_metric
                .entry(&metric.key)
                .or_default()
                .push(&visit.service.name);
        }
    }
    let missing: Vec<(&str, Vec<&str>)> = by_metric.into_iter().collect();
    each(&missing, workers::QUERIES, |(key, services)| {
        absence(context, key, services)
    })
    .into_iter()
    .flatten()
    .collect()
}

fn absence(context: &CheckContext, key: &str, services: &[&str]) -> Option<Diagnostic> {
    let metric = context.catalog.metric(key)?;
    let name = sample_names(metric).swap_remove(0);
    let jobs = |expression: String| -> BTreeSet<String> {
        let series = query(&context.prometheus, &context.client, &expression).unwrap_or_default();
        series
            .iter()
            .filter_map(|one| one["metric"]["job"].as_str().map(str::to_string))
            .collect()
    };
    let ever = jobs(format!("count by (job) (last_over_time({name}[7d]))"));
    let who = if services.len() > 3 {
        format!(
            "{} and {} more",
            services[..3].join(", "),
            services.len() - 3
        )
    } else {
        services.join(", ")
    };
    let place = Place::Key(format!("/metrics/{key}"));
    let code = "increment it in the endpoint's handler, and initialise its label values at start";
    Some(if ever.is_empty() {
        let message = format!("{} was never seen: {who} should expose it", metric.name);
        Diagnostic::error("metric-never-seen", place, message).help(format!(
            "create it in the service ({code}), or correct the name in the contract"
        ))
    } else if services.iter().any(|service| ever.contains(*service)) {
        Diagnostic::error(
            "metric-vanished",
            place,
            format!(
                "{who}: {} was there within the last 7 days, and is not now",
                metric.name
            ),
        )
        .help(format!("look for a release that dropped it; {code}"))
    } else {
        let others: Vec<String> = ever.into_iter().collect();
        let message = format!(
            "{who}: {} has no series from there; it comes from {}",
            metric.name,
            super::first(&others, 3)
        );
        Diagnostic::error("metric-missing", place, message)
            .help(format!("{code}; or name its services in the contract"))
    })
}
