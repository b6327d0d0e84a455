//! The links between Prometheus and the service: reachable, parsed, scraped, healthy, complete.

use super::Walk;
use super::links::{at, first_error};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::checks::stored::Stored;
use crate::live::checks::targets::{down, target};
use crate::live::checks::{CheckContext, probes::Probes};
use crate::live::exposed::Declared;
use crate::live::probe::{ProbeStage, Scrape, health, scrape};
use crate::live::prometheus::{Running, Target, query};

/// Reachable, http, parsed, scraped; the scrape where this machine comes through to the service.
pub(crate) fn way(
    walk: &mut Walk,
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> Option<Scrape> {
    let target = target(running, service)?;
    let up = target.health == "up";
    let probe = first_scrape(context, service, target);
    let here = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| context.prometheus.url.contains(&format!("//{name}")));
    let seen = match probe {
        Ok(scrape) => Some(scrape),
        // Prometheus is elsewhere and gets through: this machine is what is cut off.
        Err((ProbeStage::Reachable, _)) if up && !here => None,
        Err((stage, finding)) => {
            let stages = [ProbeStage::Reachable, ProbeStage::Http, ProbeStage::Parsed];
            for earlier in stages.into_iter().filter(|earlier| *earlier < stage) {
                walk.add(earlier.link(), Ok("yes".into()));
            }
            walk.add(stage.link(), Err(finding));
            return None;
        }
    };
    let from = if seen.is_some() {
        "from this machine"
    } else {
        "from Prometheus, though not from this machine"
    };
    walk.add("reachable", Ok(from.into()));
    let note = seen.as_ref().and_then(|scrape| scrape.notes.first());
    walk.add(
        "http",
        Ok(note.map_or("200".into(), |note| note.message.clone())),
    );
    let samples = seen.as_ref().map_or("by Prometheus".into(), |scrape| {
        format!("{} samples", scrape.exposition.samples.len())
    });
    walk.add("parsed", Ok(samples));
    let scraped = match target.health.as_str() {
        "up" => Ok("up".to_string()),
        "down" => Err(down(context, service, target)),
        _ => Err(
            Diagnostic::error("target-unknown", at(service), "it has not been scraped yet")
                .help(format!("wait {}", service.scrape_interval)),
        ),
    };
    walk.add("scraped", scraped);
    seen
}

/// A scrape of every instance; of those that fail the first, else that of the target which Prometheus speaks of.
fn first_scrape(
    context: &CheckContext,
    service: &Service,
    target: &Target,
) -> Result<Scrape, (ProbeStage, Diagnostic)> {
    let instances = context
        .instances(service)
        .map_err(|finding| (ProbeStage::Reachable, finding))?;
    let mut scrapes = Vec::new();
    for instance in &instances {
        scrapes.push((
            target.url.contains(&instance.door.metrics),
            scrape(instance)?,
        ));
    }
    let spoken_of = scrapes.iter().position(|(spoken_of, _)| *spoken_of);
    Ok(scrapes.swap_remove(spoken_of.unwrap_or(0)).1)
}

/// The health path, asked from this machine where it gets through, then what the blackbox exporter reported to Prometheus.
pub(crate) fn healthy(
    context: &CheckContext,
    running: &Running,
    service: &Service,
    through: bool,
) -> Result<String, Diagnostic> {
    let own = match through {
        true => {
            let instances = context.instances(service)?;
            instances.iter().try_for_each(health)?;
            let asked = instances
                .iter()
                .map(|instance| instance.door.health.as_str());
            asked.collect::<Vec<_>>().join(", ")
        }
        false => "not asked: only Prometheus reaches the service".into(),
    };
    if !service.health_probe {
        return Ok(own);
    }
    Ok(format!(
        "{own}; {}",
        Probes::ask(context).verdict(context, running, service)?
    ))
}

/// Whether everything declared is exposed, as it was declared.
pub(crate) fn metrics(
    context: &CheckContext,
    service: &Service,
    seen: Option<&Scrape>,
) -> Result<String, Diagnostic> {
    let declared: Vec<_> = context
        .catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name))
        .collect();
    let (missing, findings) = match seen {
        Some(scrape) => {
            let kept = Declared::new(context.catalog).check(service, &scrape.exposition);
            let stored = Stored::ask(context, Some(&service.name)).ok();
            let mut findings = kept.findings;
            // What one of its instances exposes is less than what Prometheus has of all.
            findings.extend(stored.and_then(|stored| stored.lost(context, service, &kept.exposed)));
            (kept.missing, findings)
        }
        None => {
            let series = query(
                &context.prometheus,
                &context.client,
                &format!("count by (__name__) ({{job={:?}}})", service.name),
            )
            .unwrap_or_default();
            let known = |name: &str| {
                series.iter().any(|one| {
                    one["metric"]["__name__"].as_str().is_some_and(|found| {
                        found == name || found.strip_suffix("_count") == Some(name)
                    })
                })
            };
            (
                declared
                    .iter()
                    .copied()
                    .filter(|metric| !known(&metric.name))
                    .collect(),
                Vec::new(),
            )
        }
    };
    if let Some(metric) = missing.first() {
        let message = format!(
            "{} of {} declared metrics are missing, first {}",
            missing.len(),
            declared.len(),
            metric.name
        );
        return Err(Diagnostic::error("metric-missing", Place::Key(format!("/metrics/{}", metric.key)), message)
            .help("create the MetricsCollector at start and increment the metric in the endpoint's handler; the service's log says what stops it"));
    }
    first_error(
        findings,
        format!(
            "{} declared, all exposed{}",
            declared.len(),
            idle(context, service, seen)
        ),
    )
}

/// Traffic that nothing counts: the handlers may not increment.
fn idle(context: &CheckContext, service: &Service, seen: Option<&Scrape>) -> String {
    let keys = context
        .catalog
        .alerts
        .iter()
        .filter(|alert| alert.covers_service(&service.name));
    let totals = keys.filter_map(|alert| {
        ["requests", "total"]
            .iter()
            .find_map(|key| alert.settings.get(*key)?.as_str())
    });
    let names = totals
        .filter_map(|key| context.catalog.metric(key))
        .map(|metric| &metric.name);
    let counted = |name: &String| {
        seen.is_none_or(|scrape| {
            scrape
                .exposition
                .samples
                .iter()
                .filter(|sample| sample.name == *name)
                .any(|sample| sample.value > 0.0)
        })
    };
    let silent: Vec<&str> = names
        .filter(|name| !counted(name))
        .map(String::as_str)
        .collect();
    if silent.is_empty() {
        String::new()
    } else {
        format!(
            "; {} has counted nothing: no requests yet, or no handler increments it",
            silent.join(", ")
        )
    }
}
