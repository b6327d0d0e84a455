//! Prometheus: its configuration, rules and targets, and what its dashboards would show.

use super::{Checked, Inquiry, first};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::endpoint::Refusal;
use crate::live::loaded::{self, Rule, differences, loaded_rule, prometheus_config, rendered_rules, rule_difference};
use crate::live::panels;
use crate::live::prometheus::{Running, Target, query};
use crate::live::workers::{self, each};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Where the rendered configuration is.
fn config_place(inquiry: &Inquiry) -> Place {
    let file = inquiry.rendered.iter().find(|file| file.value.get("scrape_configs").is_some());
    Place::File(format!("generated/{}", file.map_or("", |file| file.path.as_str())))
}

/// In what the loaded configuration differs from the rendered one: jobs by name, everything else in place.
pub fn config_differences(inquiry: &Inquiry, running: &Running) -> Vec<String> {
    let Some(rendered) = prometheus_config(inquiry.rendered) else { return Vec::new() };
    let mut found = Vec::new();
    let names = |config: &Value| -> Vec<String> {
        config["scrape_configs"].as_array().into_iter().flatten().filter_map(|job| job["job_name"].as_str().map(str::to_string)).collect()
    };
    let (wanted, loaded) = (names(rendered), names(&running.config));
    found.extend(wanted.iter().filter(|name| !loaded.contains(name)).map(|name| format!("the job {name} is not loaded")));
    found.extend(loaded.iter().filter(|name| !wanted.contains(name)).map(|name| format!("the job {name} is loaded and no longer rendered")));
    for name in wanted.iter().filter(|name| loaded.contains(name)) {
        let (Some(a), Some(b)) = (loaded::job(rendered, name), loaded::job(&running.config, name)) else { continue };
        found.extend(differences(a, b, &format!("job {name}: "), inquiry.reach.port_offset).into_iter().map(|text| text.replace(": .", ": ")));
    }
    for key in ["global", "rule_files", "alerting"] {
        found.extend(differences(&rendered[key], &running.config[key], key, 0));
    }
    found
}

/// What makes a running Prometheus load the files that are on disk.
pub fn reload_help(inquiry: &Inquiry, running: &Running) -> String {
    let url = &inquiry.prometheus.url;
    if running.reloaded {
        format!("`curl -X POST {url}/-/reload`; when that changes nothing, the container still sees an old file: mount its folder, and restart it")
    } else {
        format!("its last reload failed and its log says why: `promtool check config` finds it too; then `curl -X POST {url}/-/reload`")
    }
}

/// Whether the configuration in force is the rendered one.
pub fn config(inquiry: &Inquiry, running: &Running) -> Checked {
    let found = config_differences(inquiry, running);
    let mut findings = Vec::new();
    if !running.reloaded {
        let message = format!("the last reload of Prometheus failed: it still runs the configuration of {}", running.loaded_at);
        findings.push(Diagnostic::error("reload-failed", config_place(inquiry), message).help(reload_help(inquiry, running)));
    }
    if !found.is_empty() {
        let message = format!("Prometheus runs another configuration, loaded {}: {}", running.loaded_at, first(&found, 3));
        findings.push(Diagnostic::error("config-not-loaded", config_place(inquiry), message).help(reload_help(inquiry, running)));
    }
    let state = if findings.is_empty() { "ok" } else { "differs" };
    let note = if findings.is_empty() { "its configuration is the rendered one".to_string() } else { format!("{} differences", found.len()) };
    Checked::new("prometheus", state, format!("{}, {note}", running.version), findings)
}

/// Whether every rendered rule is loaded and evaluated.
pub fn rules(inquiry: &Inquiry, running: &Running) -> Checked {
    let loaded: HashMap<String, (Rule, &Value)> =
        running.rules().map(|rule| (loaded_rule(rule), rule)).map(|(rule, raw)| (rule.name.clone(), (rule, raw))).collect();
    let rendered = rendered_rules(inquiry.rendered);
    let (mut findings, mut fine) = (Vec::new(), 0);
    let mut stale = Vec::new();
    for rule in &rendered {
        match loaded.get(&rule.name) {
            None => stale.push(format!("{} is not loaded", rule.name)),
            Some((running, raw)) => {
                stale.extend(rule_difference(rule, running).map(|how| format!("{}: {how}", rule.name)));
                match raw["health"].as_str() {
                    Some("err") => findings.push(failing(inquiry, rule, raw)),
                    _ => fine += usize::from(rule.alert),
                }
            }
        }
    }
    let extra = loaded.values().filter(|(rule, _)| rule.alert && !rendered.iter().any(|wanted| wanted.name == rule.name));
    stale.extend(extra.map(|(rule, _)| format!("{} is loaded and no longer rendered", rule.name)));
    if !stale.is_empty() {
        stale.sort();
        let message = format!("Prometheus evaluates other rules than were rendered: {}", first(&stale, 3));
        findings.push(Diagnostic::error("rules-not-loaded", config_place(inquiry), message).help(reload_help(inquiry, running)));
    }
    let alerts = rendered.iter().filter(|rule| rule.alert).count();
    let note = format!("alerts loaded; {} rules in all", running.rules().count());
    Checked::new("rules", format!("{fine}/{alerts}"), note, findings)
}

fn failing(inquiry: &Inquiry, rule: &Rule, raw: &Value) -> Diagnostic {
    let message = format!("{} fails to evaluate: {}", rule.name, raw["lastError"].as_str().unwrap_or_default());
    let place =
        if inquiry.catalog.alerts.iter().any(|alert| alert.name == rule.name) { Place::Key(format!("/alerts/{}", rule.name)) } else { config_place(inquiry) };
    Diagnostic::error("rule-fails", place, message).help("two series where one is expected make it fail: look for a job that is scraped twice")
}

/// The target of a service.
pub fn target<'a>(running: &'a Running, service: &Service) -> Option<&'a Target> {
    let own = || running.targets.iter().filter(|target| target.job == service.name);
    own().find(|target| target.health != "up").or_else(|| own().next())
}

/// Why Prometheus cannot scrape a target, in its words, and what to do.
pub fn down(inquiry: &Inquiry, service: &Service, target: &Target) -> Diagnostic {
    let error = &target.error;
    let cause = [
        (
            "no such host",
            "Linux knows host.docker.internal only when compose says `extra_hosts: [\"host.docker.internal:host-gateway\"]`; the rendered file does",
        ),
        ("connection refused", "the service must listen on 0.0.0.0, not on 127.0.0.1: a container does not come in over the loopback interface"),
        ("context deadline exceeded", "a firewall drops the packets from the container network, or the scrape takes longer than scrape_timeout"),
        ("Content-Type", "send `text/plain; version=0.0.4; charset=utf-8`, the client library's CONTENT_TYPE_LATEST"),
        ("HTTP status", "serve the metrics at metrics_path with status 200, without a login"),
    ];
    let help = cause.iter().find(|(words, _)| error.contains(words)).map_or("compare with what this machine sees: `monstack why SERVICE`", |(_, help)| help);
    let place = Place::Key(format!("/services/{}", service.name));
    let from = &inquiry.prometheus.name;
    Diagnostic::error("target-down", place, format!("{}: {from} cannot scrape {}: {error}", service.name, target.url)).help(help)
}

/// Whether every service is scraped; services that do not answer here either are told apart from those that only Prometheus cannot reach.
pub fn targets(inquiry: &Inquiry, running: &Running, answering: &[&str]) -> Checked {
    let mut findings = Vec::new();
    let (mut up, mut waiting) = (0, 0);
    for service in &inquiry.catalog.services {
        match target(running, service) {
            Some(target) if target.health == "up" => up += 1,
            Some(target) if target.health == "unknown" => {
                waiting += 1;
                let message = format!("{}: {} has not been scraped yet", service.name, target.url);
                findings.push(
                    Diagnostic::error("target-unknown", Place::Key(format!("/services/{}", service.name)), message)
                        .help("wait for one scrape interval: --wait 60s"),
                );
            }
            Some(target) if answering.contains(&service.name.as_str()) => findings.push(down(inquiry, service, target)),
            Some(_) => {}
            None if running.jobs().contains(&service.name.as_str()) => {
                let message = format!("{}: its job is loaded but has no target", service.name);
                findings.push(
                    Diagnostic::error("target-dropped", Place::Key(format!("/services/{}", service.name)), message)
                        .help("just after its start Prometheus takes some seconds; later, relabelling drops the target or its service discovery is empty"),
                );
            }
            None => {}
        }
    }
    let note = if waiting > 0 { format!("up; {waiting} not scraped yet") } else { "up".into() };
    Checked::new("targets", format!("{up}/{}", inquiry.catalog.services.len()), note, findings)
}

/// Runs every query of every panel. A panel about alerts is empty while there are none.
pub fn panel_queries(inquiry: &Inquiry) -> Option<Checked> {
    let queries = panels::queries(inquiry.rendered, inquiry.catalog);
    if queries.is_empty() {
        return None;
    }
    let answers = each(&queries, workers::QUERIES, |panel| query(&inquiry.prometheus, &inquiry.client, &panel.expression));
    let mut findings = Vec::new();
    let mut late = None;
    let mut shows: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for (panel, answer) in queries.iter().zip(answers) {
        let something = match answer {
            Ok(series) => !series.is_empty() || panel.expression.contains("ALERTS"),
            Err(Refusal::Failed(failure)) => {
                late.get_or_insert((&panel.file, &panel.panel, failure));
                true
            }
            Err(refusal) => {
                let reason = if let Refusal::Status(_, reason) = &refusal { reason.clone() } else { inquiry.prometheus.sentence(&refusal) };
                let message = format!("panel `{}`: `{}`: {reason}", panel.panel, panel.expression);
                findings.push(
                    Diagnostic::error("panel-query-fails", Place::File(format!("generated/{}", panel.file)), message).help("mend the dashboard's template"),
                );
                true
            }
        };
        *shows.entry((&panel.file, &panel.panel)).or_default() |= something;
    }
    if let Some((file, panel, failure)) = late {
        let message = format!("the query of panel `{panel}` got no answer from Prometheus: {failure}");
        findings.push(Diagnostic::warning("panel-not-answered", Place::File(format!("generated/{file}")), message).help("give it more time with --timeout"));
    }
    let mut blank: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((file, panel), _) in shows.iter().filter(|(_, something)| !**something) {
        blank.entry(file).or_default().push(panel);
    }
    for (file, panels) in &blank {
        let message = format!("{} panels show nothing: {}", panels.len(), panels.join(", "));
        findings.push(
            Diagnostic::warning("panel-without-data", Place::File(format!("generated/{file}")), message)
                .help("rates need two scrapes, and counters that were counted: wait a minute, or generate requests with --traffic"),
        );
    }
    let full = shows.values().filter(|something| **something).count();
    Some(Checked::new("panels", format!("{full}/{}", shows.len()), format!("show something; {} queries ran", queries.len()), findings))
}
