//! The links of the chain that are asked of servers, each with its cause and remedy when it is broken.

use super::Walk;
use crate::catalog::{Branch, Service};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::live::checks::prometheus::{config_differences, reload_help};
use crate::live::checks::targets::{down, target};
use crate::live::checks::{Inquiry, alertmanager, probes::Probes, rules};
use crate::live::exposed::Declared;
use crate::live::probe::{Scrape, Stage, health, scrape};
use crate::live::prometheus::{Running, query};
use crate::live::rules::{loaded_rule, rendered_rules, rule_difference};
use crate::stack::routes::{Labels, Route, labels};
use std::collections::{BTreeMap, BTreeSet};

fn at(service: &Service) -> Place {
    Place::Key(format!("/services/{}", service.name))
}

/// The finding that breaks a link, or what is fine.
pub fn first_error(findings: Vec<Diagnostic>, fine: String) -> Result<String, Diagnostic> {
    findings
        .into_iter()
        .find(|finding| finding.severity == Severity::Error)
        .map_or(Ok(fine), Err)
}

/// Whether Prometheus runs the rendered configuration.
pub fn loaded(
    inquiry: &Inquiry,
    running: &Running,
    service: &Service,
) -> Result<String, Diagnostic> {
    let found = config_differences(inquiry, running);
    let own = format!("job {}", service.name);
    let mine = found
        .iter()
        .find(|text| text.starts_with(&own) || text.starts_with(&format!("the {own} ")))
        .or(found.first());
    let (wanted, there) = (
        inquiry.catalog.services.len(),
        running
            .jobs()
            .iter()
            .filter(|job| inquiry.catalog.service(job).is_some())
            .count(),
    );
    match mine {
        None if running.reloaded => Ok(format!(
            "{there} of {wanted} jobs, loaded {}",
            running.loaded_at
        )),
        difference => {
            let what = difference
                .cloned()
                .unwrap_or_else(|| "its last reload failed".into());
            let message = format!(
                "Prometheus runs another configuration ({there} of {wanted} jobs, loaded {}): {what}",
                running.loaded_at
            );
            Err(Diagnostic::error("config-not-loaded", at(service), message)
                .help(reload_help(inquiry, running)))
        }
    }
}

/// Whether the service is a target.
pub fn discovered(running: &Running, service: &Service) -> Result<String, Diagnostic> {
    match target(running, service) {
        Some(target) => Ok(target.url.clone()),
        None => Err(Diagnostic::error("target-dropped", at(service), "its job is loaded but has no target")
            .help("just after its start Prometheus takes some seconds; later, relabelling drops the target or its service discovery is empty")),
    }
}

/// Reachable, http, parsed, scraped; None when one is broken, Some(None) when only Prometheus comes through to the service.
pub fn way(
    walk: &mut Walk,
    inquiry: &Inquiry,
    running: &Running,
    service: &Service,
) -> Option<Option<Scrape>> {
    let target = target(running, service)?;
    let up = target.health == "up";
    let probe = scrape(&inquiry.client, &inquiry.reach, service);
    let here = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| inquiry.prometheus.url.contains(&format!("//{name}")));
    let seen = match probe {
        Ok(scrape) => Some(scrape),
        // Prometheus is elsewhere and gets through: this machine is what is cut off.
        Err((Stage::Reachable, _)) if up && !here => None,
        Err((stage, finding)) => {
            let before = [Stage::Reachable, Stage::Http, Stage::Parsed]
                .into_iter()
                .filter(|earlier| *earlier < stage);
            for _ in before {
                walk.add(Ok("yes".into()));
            }
            walk.add(Err(finding));
            return None;
        }
    };
    let from = if seen.is_some() {
        "from this machine"
    } else {
        "from Prometheus, though not from this machine"
    };
    walk.add(Ok(from.into()));
    walk.add(Ok(seen
        .as_ref()
        .and_then(|scrape| scrape.notes.first())
        .map_or("200".into(), |note| note.message.clone())));
    walk.add(Ok(seen.as_ref().map_or("by Prometheus".into(), |scrape| {
        format!("{} samples", scrape.exposition.samples.len())
    })));
    let scraped = match target.health.as_str() {
        "up" => Ok("up".to_string()),
        "down" => Err(down(inquiry, service, target)),
        _ => Err(
            Diagnostic::error("target-unknown", at(service), "it has not been scraped yet")
                .help(format!("wait {}", service.scrape_interval)),
        ),
    };
    walk.add(scraped).then_some(seen)
}

/// The health path, asked from this machine where it gets through, then what the blackbox exporter told Prometheus of it.
pub fn healthy(
    inquiry: &Inquiry,
    running: &Running,
    service: &Service,
    through: bool,
) -> Result<String, Diagnostic> {
    let own = match through {
        true => health(&inquiry.client, &inquiry.reach, service)
            .map(|()| inquiry.reach.url(service, &service.health_path))?,
        false => "not asked: only Prometheus reaches the service".into(),
    };
    if !service.health_probe {
        return Ok(own);
    }
    Ok(format!(
        "{own}; {}",
        Probes::ask(inquiry).verdict(inquiry, running, service)?
    ))
}

/// Whether everything declared is exposed, as it was declared.
pub fn metrics(
    inquiry: &Inquiry,
    service: &Service,
    seen: Option<&Scrape>,
) -> Result<String, Diagnostic> {
    let declared: Vec<_> = inquiry
        .catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name))
        .collect();
    let (missing, findings) = match seen {
        Some(scrape) => {
            let kept = Declared::new(inquiry.catalog).check(service, &scrape.exposition);
            (kept.missing, kept.findings)
        }
        None => {
            let series = query(
                &inquiry.prometheus,
                &inquiry.client,
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
            idle(inquiry, service, seen)
        ),
    )
}

/// Traffic that nothing counts: the handlers may not increment.
fn idle(inquiry: &Inquiry, service: &Service, seen: Option<&Scrape>) -> String {
    let keys = inquiry
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
        .filter_map(|key| inquiry.catalog.metric(key))
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

/// Whether the alerts that cover the service are loaded and evaluated.
pub fn alerts(
    inquiry: &Inquiry,
    running: &Running,
    service: &Service,
) -> Result<String, Diagnostic> {
    let covering: Vec<_> = inquiry
        .catalog
        .alerts
        .iter()
        .filter(|alert| alert.covers_service(&service.name))
        .collect();
    let rendered = rendered_rules(inquiry.rendered);
    let mut active = Vec::new();
    for alert in &covering {
        let place = || Place::Key(format!("/alerts/{}", alert.name));
        let raw = running
            .rules()
            .find(|rule| rule["name"] == alert.name.as_str());
        let Some(raw) = raw else {
            return Err(Diagnostic::error(
                "rules-not-loaded",
                place(),
                format!("the alert {} is not loaded", alert.name),
            )
            .help(reload_help(inquiry, running)));
        };
        let wanted = rendered
            .iter()
            .find(|rule| rule.alert && rule.name == alert.name);
        if let Some(how) = wanted.and_then(|wanted| rule_difference(wanted, &loaded_rule(raw))) {
            return Err(Diagnostic::error(
                "rules-not-loaded",
                place(),
                format!("the alert {} is an older one: {how}", alert.name),
            )
            .help(reload_help(inquiry, running)));
        }
        if raw["health"] == "err" {
            return Err(rules::failing(inquiry, &alert.name, raw));
        }
        let own = raw["alerts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["labels"]["job"] == service.name.as_str());
        active.extend(own.map(|one| {
            format!(
                "{} {}",
                alert.name,
                one["state"].as_str().unwrap_or_default()
            )
        }));
    }
    first_error(rules::checked(inquiry, running).findings, String::new())?;
    let state = if active.is_empty() {
        "none active".to_string()
    } else {
        active.join(", ")
    };
    Ok(format!("{} cover it, {state}", covering.len()))
}

/// Where its alerts go.
pub fn route(
    inquiry: &Inquiry,
    running: &Running,
    service: &Service,
) -> Result<String, Diagnostic> {
    first_error(
        alertmanager::checked(inquiry, running).findings,
        String::new(),
    )?;
    let tree = inquiry.rendered.alertmanager();
    let tree = tree.and_then(|file| Route::of(&file.value));
    let receivers = |labels: &Labels| {
        let ends = tree.iter().flat_map(|tree| tree.ends(labels));
        ends.map(|route| named(route.receiver()).to_string())
            .collect::<BTreeSet<String>>()
    };
    // Severity → everyone who gets some alert of it.
    let mut routes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for alert in &inquiry.catalog.alerts {
        let own = |branch: &&Branch| branch.services.contains(&service.name);
        for branch in alert.branches.iter().filter(own) {
            let labels = labels(alert, branch, service);
            let known = routes.entry(&branch.severity).or_default();
            known.extend(receivers(&labels));
        }
    }
    let routes: Vec<String> = routes
        .into_iter()
        .map(|(severity, receivers)| {
            let receivers: Vec<String> = receivers.into_iter().collect();
            format!("{severity} to {}", receivers.join(" and "))
        })
        .collect();
    let job = format!(
        "/api/v2/alerts?active=true&filter=job%3D%22{}%22",
        service.name
    );
    let there = inquiry
        .alertmanager
        .json(&inquiry.client, &job)
        .ok()
        .and_then(|alerts| alerts.as_array().map(Vec::len))
        .unwrap_or(0);
    Ok(format!(
        "{}; {there} of its alerts are there now",
        routes.join(", ")
    ))
}

fn named(receiver: &str) -> &str {
    if receiver == "null" {
        "no one (seen in the Alertmanager only)"
    } else {
        receiver
    }
}
