//! The links that are in the servers, each with its cause and remedy when it is broken.

use super::lately;
use crate::catalog::{Branch, Scope, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::checks::delivery::{Delivery, called, on_its_way, possible, told as last_told};
use crate::live::checks::prometheus::{Difference, config_differences, reload_help};
use crate::live::checks::schedule::again;
use crate::live::checks::targets::{dropped, taken, target};
use crate::live::checks::{CheckContext, alertmanager, rules, told};
use crate::live::prometheus::{Running, time};
use crate::live::rules::{Concern, loaded_rule, rendered_rules};
use crate::stack::notifications::alerts::{Way, labels};
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::routes::Route;
use crate::value::Value;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn at(service: &Service) -> Place {
    Place::Key(format!("/services/{}", service.name))
}

/// Whether Prometheus runs the rendered configuration.
pub(crate) fn loaded(
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> Result<String, Diagnostic> {
    let found = config_differences(context, running);
    let relabeled = relabeled(context, running, service);
    let own = |difference: &&Difference| {
        difference.concerns(&service.name) && (relabeled.is_some() || !difference.relabels)
    };
    let mine = found.iter().find(own).map(|one| match &relabeled {
        Some(how) if one.relabels => format!("{}; so {how}", one.text),
        _ => one.text.clone(),
    });
    let others = found.iter().filter(|one| !one.foreign && !own(one)).count();
    let (wanted, there) = (
        context.catalog.services.len(),
        running
            .jobs()
            .iter()
            .filter(|job| context.catalog.service(job).is_some())
            .count(),
    );
    match mine {
        None if running.reloaded => Ok(format!(
            "{there} of {wanted} jobs, loaded {}{}",
            running.loaded_at,
            match others {
                0 => String::new(),
                1 => "; 1 difference that does not concern it".to_string(),
                _ => format!("; {others} differences that do not concern it"),
            }
        )),
        difference => {
            let what = difference.unwrap_or_else(|| "its last reload failed".into());
            let message = format!(
                "Prometheus runs another configuration ({there} of {wanted} jobs, loaded {}): {what}",
                running.loaded_at
            );
            Err(Diagnostic::error("config-not-loaded", at(service), message)
                .help(reload_help(context, running)))
        }
    }
}

/// An alert of a service that the running Prometheus sends otherwise than the rendered one would, and how.
fn relabeled(context: &CheckContext, running: &Running, service: &Service) -> Option<String> {
    let rendered = Way::of(context.rendered.config().unwrap_or(&Value::Null));
    let way = Way::of(&running.config);
    let mut made = possible(context, Some(&service.name));
    made.find_map(|(_, labels)| {
        let (wanted, there) = (rendered.sent(&labels), way.sent(&labels));
        if wanted == there {
            return None;
        }
        let name = called(&labels);
        let (Some(wanted), Some(there)) = (wanted, there) else {
            return Some(format!("{name} is not sent, or only there"));
        };
        let mut keys = wanted.keys().chain(there.keys());
        let key = keys.find(|key| wanted.get(*key) != there.get(*key))?;
        let value = |labels: &Labels| {
            let value = labels.get(key);
            value.map_or_else(|| format!("no {key}"), |value| format!("{key}={value:?}"))
        };
        Some(format!(
            "{name} is sent with {}, rendered is {}",
            value(&there),
            value(&wanted)
        ))
    })
}

/// Whether the service is a target.
pub(crate) fn discovered(
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> Result<String, Diagnostic> {
    if let Some(found) = taken(context, running, service) {
        return Err(found);
    }
    match target(running, service) {
        Some(target) => Ok(target.url.clone()),
        None => Err(dropped(context, running, service)),
    }
}

/// Alerts about its group or the platform that are active: what is wrong with the service may be why.
fn wide(context: &CheckContext, running: &Running, service: &Service) -> String {
    let mut active = Vec::new();
    for alert in &context.catalog.alerts {
        let about = match alert.about {
            Scope::Service => continue,
            Scope::Group => "its group",
            Scope::Platform => "the platform",
        };
        let rules = running.rules();
        let named = rules.filter(|rule| rule["name"] == alert.name.as_str());
        for one in named.flat_map(|rule| rule["alerts"].items()) {
            let group = one["labels"]["component"].as_str();
            if alert.about == Scope::Platform || group == Some(service.group.as_str()) {
                let state = one["state"].as_str().unwrap_or_default();
                active.push(format!("{} of {about} {state}", alert.name));
            }
        }
    }
    match active.is_empty() {
        true => String::new(),
        false => format!("; beside them {}", active.join(", ")),
    }
}

/// When an alert that is pending has been so for as long as its rule says.
fn fires_at(alert: &Value, rule: &Value) -> Option<DateTime<Utc>> {
    let held = rule["duration"].as_f64()?;
    Some(time(alert["activeAt"].as_str()?)? + TimeDelta::milliseconds((held * 1000.0) as i64))
}

/// Whether the alerts that cover the service are loaded and evaluated, and what else was found about rules.
pub(crate) fn alerts(
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> (Vec<Diagnostic>, String) {
    let covering: Vec<_> = context
        .catalog
        .alerts
        .iter()
        .filter(|alert| alert.covers_service(&service.name))
        .collect();
    let rendered = rendered_rules(context.rendered);
    let concern = Concern::of(&rendered, context.catalog, &service.name);
    let mut active = Vec::new();
    for alert in &covering {
        let not_loaded = |message: String| {
            let place = Place::Key(format!("/alerts/{}", alert.name));
            let found = Diagnostic::error("rules-not-loaded", place, message)
                .help(reload_help(context, running));
            (vec![found], String::new())
        };
        let wanted = rendered
            .iter()
            .find(|rule| rule.alert && rule.name == alert.name);
        let differs =
            |raw: &Value| wanted.and_then(|wanted| concern.difference(wanted, &loaded_rule(raw)));
        // A rule of somebody else's may have the same name.
        let named = running
            .rules()
            .filter(|rule| rule["name"] == alert.name.as_str());
        let Some(raw) = named.min_by_key(|raw| differs(raw).is_some()) else {
            return not_loaded(format!("the alert {} is not loaded", alert.name));
        };
        if let Some(how) = differs(raw) {
            return not_loaded(format!("the alert {} is an older one: {how}", alert.name));
        }
        if raw["health"] == "err" {
            let failing = rules::failing(context, &alert.name, raw);
            return (vec![failing], String::new());
        }
        let of_it = |raw: &'_ Value| {
            let all = raw["alerts"].items();
            all.filter(|one| one["labels"]["job"] == service.name.as_str())
                .count()
        };
        let namesakes = running.rules().filter(|rule| {
            rule["name"] == alert.name.as_str() && !std::ptr::eq(*rule, raw) && of_it(rule) > 0
        });
        active.extend(
            namesakes.map(|_| format!("{} active by another rule of that name", alert.name)),
        );
        let own = raw["alerts"]
            .items()
            .filter(|one| one["labels"]["job"] == service.name.as_str());
        active.extend(own.map(|one| {
            let state = one["state"].as_str().unwrap_or_default();
            let fires = (state == "pending")
                .then(|| fires_at(one, raw))
                .flatten()
                .map(|at| format!(", fires at {} at the earliest", at.format("%T UTC")));
            let over = one["keepFiringSince"].as_str().and_then(time);
            let over = over.filter(|at| at.timestamp() > 0).map(|at| {
                let at = at.format("%T UTC");
                format!(", though its condition is over since {at} (`keep_firing_for`)")
            });
            let more = fires.or(over).unwrap_or_default();
            format!("{} {state}{more}", alert.name)
        }));
    }
    let found = rules::about(context, running, Some(&concern)).findings;
    let state = if active.is_empty() {
        "none active".to_string()
    } else {
        active.join(", ")
    };
    let wide = wide(context, running, service);
    let lately = lately::said(context, running, service);
    let fine = format!("{} cover it, {state}{wide}{lately}", covering.len());
    (found, fine)
}

/// Whether its alerts reach who is to be told: everything found, what is about the service itself first, and what is fine.
pub(crate) fn route(
    context: &CheckContext,
    running: &Running,
    service: &Service,
) -> (Vec<Diagnostic>, String) {
    let Ok(delivery) = Delivery::ask(context) else {
        // Why it cannot be asked is said by the check of the Alertmanager itself.
        return (
            alertmanager::checked(context, running).findings,
            String::new(),
        );
    };
    let routes = routes(context, service);
    let receivers: BTreeSet<String> = routes.values().flatten().cloned().collect();
    let through = told::integrations(context, |name| receivers.contains(name));
    let mut found = told::of_service(context, running, &delivery, &service.name, &through);
    let service_name = Some(service.name.as_str());
    found.extend(alertmanager::about(context, running, service_name).findings);
    let routes: Vec<String> = routes
        .into_iter()
        .map(|(severity, receivers)| {
            let receivers: Vec<String> = receivers.into_iter().collect();
            format!("{severity} to {}", receivers.join(" and "))
        })
        .collect();
    let missing = on_its_way(running, &delivery, &service.name);
    let there = match delivery.names_of(&service.name) {
        none if none.is_empty() => "none of its alerts".to_string(),
        there => there.join(", "),
    };
    let told = last_told(context, &through);
    let told = told
        .iter()
        .map(|(integration, told)| format!("; {}", told.described(integration)));
    let again = again(&delivery, &service.name).map(|again| format!("; {again}"));
    let fine = format!(
        "{}; the Alertmanager has {there}{missing}{}{}",
        routes.join(", "),
        told.collect::<String>(),
        again.unwrap_or_default()
    );
    (found, fine)
}

/// Severity → everyone who gets some alert of it about a service.
fn routes<'c>(
    context: &CheckContext<'c>,
    service: &Service,
) -> BTreeMap<&'c str, BTreeSet<String>> {
    let tree = context.rendered.alertmanager();
    let tree = tree.and_then(|file| Route::of(&file.value));
    let receivers = |labels: &Labels| {
        let ends = tree.iter().flat_map(|tree| tree.ends(labels));
        ends.map(|route| named(route.receiver()).to_string())
            .collect::<BTreeSet<String>>()
    };
    let mut routes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let way = Way::of(context.rendered.config().unwrap_or(&Value::Null));
    for alert in &context.catalog.alerts {
        let own = |branch: &&Branch| branch.services.contains(&service.name);
        for branch in alert.branches.iter().filter(own) {
            let made = labels(alert, branch, service);
            let labels = way.sent(&made);
            let known = routes.entry(&branch.severity).or_default();
            known.extend(labels.iter().flat_map(receivers));
        }
    }
    routes
}

fn named(receiver: &str) -> &str {
    if receiver == "null" {
        "no one (seen in the Alertmanager only)"
    } else {
        receiver
    }
}
