//! What becomes of alerts that fire: whether the Alertmanager has them, what keeps them from being told, and whether telling works.

use super::CheckContext;
use crate::catalog::{Alert, Duration};
use crate::diagnostic::{Diagnostic, Place, Severity, plural};
use crate::live::endpoint::Refusal;
use crate::live::prometheus::{Running, query, time};
use crate::promql::Expr;
use crate::promql::walk::{children_mut, selectors};
use crate::stack::notifications::alerts::{Way, labels};
use crate::stack::notifications::matchers::{Comparison, Labels, Matcher, pick};
use crate::stack::notifications::receivers;
use crate::stack::notifications::routes::Route;
use crate::stack::notifications::times::Intervals;
use crate::value::Value;
use crate::yaml;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// How long an alert may be on its way, or a server have been running, before something is made of it. Prometheus sends
/// again every minute (`--rules.alert.resend-delay`). Seconds.
const ON_ITS_WAY: i64 = 90;

/// What the Alertmanager has, and what it was told to keep quiet about.
pub(crate) struct Delivery {
    /// As its API has them.
    pub(super) alerts: Vec<Value>,
    silences: Vec<Silence>,
    /// What it runs.
    pub(super) config: Value,
    /// When it was started.
    began: Option<DateTime<Utc>>,
}

/// A silence in force.
pub(crate) struct Silence {
    id: String,
    by: String,
    comment: String,
    until: String,
    matchers: Vec<Matcher>,
}

impl Silence {
    /// None: one that the Alertmanager knows and this does not.
    fn of(written: &Value) -> Option<Silence> {
        let text = |key: &str| written[key].as_str().unwrap_or_default().to_string();
        let matcher = |matcher: &Value| {
            let comparison = match (matcher["isRegex"] == true, matcher["isEqual"] != false) {
                (false, true) => Comparison::Equal,
                (false, false) => Comparison::NotEqual,
                (true, true) => Comparison::Matches,
                (true, false) => Comparison::NotMatches,
            };
            let part = |key: &str| matcher[key].as_str().unwrap_or_default();
            Matcher::of(part("name"), comparison, part("value"))
        };
        Some(Silence {
            id: text("id"),
            by: text("createdBy"),
            comment: text("comment"),
            until: text("endsAt"),
            matchers: written["matchers"]
                .items()
                .map(matcher)
                .collect::<Option<_>>()?,
        })
    }

    /// Who, until when, what, why.
    fn described(&self) -> String {
        let matchers: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
        let comment = match self.comment.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.comment),
        };
        format!(
            "silenced by {} until {}: {}{comment}",
            self.by,
            self.until,
            matchers.join(", ")
        )
    }

    fn end(&self, context: &CheckContext) -> String {
        format!(
            "when it is no longer wanted, `amtool silence expire {} --alertmanager.url={}`, or expire it on the Alertmanager's page",
            self.id, context.alertmanager.url
        )
    }
}

impl Delivery {
    pub(crate) fn ask(context: &CheckContext) -> Result<Delivery, Refusal> {
        let get = |path: &str| context.alertmanager.json(&context.client, path);
        let alerts =
            get("/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true")?;
        let silences = get("/api/v2/silences")?;
        let status = get("/api/v2/status")?;
        let config = status["config"]["original"].as_str().unwrap_or_default();
        let in_force = silences
            .items()
            .filter(|silence| silence["status"]["state"] == "active");
        Ok(Delivery {
            alerts: alerts.items().cloned().collect(),
            silences: in_force.filter_map(Silence::of).collect(),
            config: yaml::parse(config).unwrap_or_default(),
            began: time(status["uptime"].as_str().unwrap_or_default()),
        })
    }

    fn has(&self, sent: &Labels) -> bool {
        self.alerts
            .iter()
            .any(|alert| texts(&alert["labels"]) == *sent)
    }

    /// The alerts that the Alertmanager has of a service, each once.
    pub(crate) fn names_of(&self, service: &str) -> Vec<&str> {
        let all = self.of_service(service);
        let names: BTreeSet<&str> = all
            .filter_map(|alert| alert["labels"]["alertname"].as_str())
            .collect();
        names.into_iter().collect()
    }

    /// What the Alertmanager has of a service; of none: what is about a group, or all of the platform.
    pub(super) fn of_service(&self, service: &str) -> impl Iterator<Item = &Value> {
        self.alerts
            .iter()
            .filter(move |alert| alert["labels"]["job"].as_str().unwrap_or_default() == service)
    }

    /// Services of which it has alerts; an empty name for those that are about none.
    pub(super) fn subjects(&self) -> BTreeSet<&str> {
        let jobs = self.alerts.iter().map(|alert| &alert["labels"]["job"]);
        jobs.map(|job| job.as_str().unwrap_or_default()).collect()
    }

    /// Silences in force.
    pub(super) fn silences(&self) -> usize {
        self.silences.len()
    }

    /// The name and the service of an alert by its fingerprint, as `inhibitedBy` has it, and who is told of it.
    fn named(&self, fingerprint: &str) -> (String, String) {
        let mut all = self.alerts.iter();
        let Some(alert) = all.find(|alert| alert["fingerprint"] == fingerprint) else {
            return ("another alert".to_string(), String::new());
        };
        let name = called(&texts(&alert["labels"]));
        let routed = alert["receivers"].items();
        let routed = routed.filter_map(|one| one["name"].as_str());
        let told: Vec<&str> = routed.filter(|name| self.tells(name)).collect();
        let silenced = alert["status"]["silencedBy"].items().next().is_some();
        let who = match told.is_empty() {
            _ if silenced => format!("{name} is silenced, so nobody is told of either"),
            true => format!("{name} is told to nobody, so neither is told"),
            false => format!("{} is told of {name}", told.join(" and ")),
        };
        (name, who)
    }

    /// Whether a receiver of the running Alertmanager tells somebody.
    pub(super) fn tells(&self, name: &str) -> bool {
        let all = receivers::all(&self.config);
        let mut own = all.iter().filter(|one| one.name == name);
        own.any(|one| !one.integrations().is_empty())
    }
}

/// `Down@cart`, as people ask `explain` for it.
pub(crate) fn called(labels: &Labels) -> String {
    let part = |label: &str| labels.get(label).map_or("", String::as_str);
    match part("job") {
        "" => part("alertname").to_string(),
        job => format!("{}@{job}", part("alertname")),
    }
}

pub(super) fn texts(labels: &Value) -> Labels {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let all = labels.entries();
    all.map(|(label, value)| (label.clone(), text(value)))
        .collect()
}

/// Why alerts of the service that fire are told to nobody now; silences are said by themselves.
pub(super) fn suppressed(delivery: &Delivery, service: &str, place: &Place) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in delivery.of_service(service) {
        let status = &alert["status"];
        let name = called(&texts(&alert["labels"]));
        if let Some(by) = status["inhibitedBy"].texts().next() {
            let (other, who) = delivery.named(by);
            let message = format!("{name} fires and is held back while {other} does (inhibited)");
            found.push(Diagnostic::error("inhibited", place.clone(), message).help(format!(
                "look at {other}: {who}; `inhibit_rules` in the Alertmanager's configuration say why"
            )));
        }
        if let Some(interval) = status["mutedBy"].texts().next() {
            let message =
                format!("{name} fires, and its route is muted now by the time interval {interval}");
            found.push(
                Diagnostic::error("muted", place.clone(), message)
                    .help("it is told when the interval ends, if it still fires then"),
            );
        }
    }
    found.extend(outside_hours(delivery, service, place));
    found
}

/// Silences in force over alerts that fire or may, of one service or of all.
pub(super) fn silences(
    context: &CheckContext,
    delivery: &Delivery,
    service: Option<&str>,
    place: &Place,
) -> Vec<Diagnostic> {
    let all = silenced(context, delivery, service).into_iter();
    let said = all.map(|(names, silence)| {
        let message = format!("{names} {} {}", be(&names), silence.described());
        Diagnostic::error("silenced", place.clone(), message).help(silence.end(context))
    });
    said.collect()
}

/// An alert that waits for the hours of its route: an Alertmanager before 0.28 does not say so itself.
fn outside_hours(delivery: &Delivery, service: &str, place: &Place) -> Option<Diagnostic> {
    let config = &delivery.config;
    let (tree, intervals) = (Route::of(config)?, Intervals::of(config));
    let (silent, zones) = delivery.of_service(service).find_map(|alert| {
        let labels = texts(&alert["labels"]);
        let routes = tree.ends(&labels);
        if !alert["status"]["mutedBy"].is_null() || routes.is_empty() {
            return None;
        }
        match intervals.silent_at(&routes, Utc::now()) {
            Ok(silent) => silent.then(|| (labels, String::new())),
            Err(zones) => Some((labels, zones.join(", "))),
        }
    })?;
    let name = called(&silent);
    if !zones.is_empty() {
        let message = format!(
            "{name} fires, and its routes have hours of {zones}: nobody is told where it is one of those now"
        );
        return Some(Diagnostic::warning("muted", place.clone(), message).help(
            "look what time it is there: this Alertmanager does not say it (one from 0.28 on does); `monstack explain ALERT@SERVICE` says who is told when",
        ));
    }
    let message = format!("{name} fires, and the hours of its routes let nobody be told now");
    Some(
        Diagnostic::error("muted", place.clone(), message)
            .help("it is told when they begin again, if it still fires then; `monstack explain ALERT@SERVICE` says who is told when"),
    )
}

/// An alert about a service that somebody else has sent to the Alertmanager: it is told, and may hold others back.
pub(super) fn foreign_alert(
    running: &Running,
    delivery: &Delivery,
    service: &str,
    place: &Place,
) -> Option<Diagnostic> {
    let fires = |name: &str| {
        let mut rules = running.rules().filter(|rule| rule["name"] == name);
        rules.any(|rule| rule["alerts"].items().next().is_some())
    };
    // About no service, others send what they like.
    let ours = |name: &str| !service.is_empty() || running.rules().any(|rule| rule["name"] == name);
    let foreign = delivery.names_of(service).into_iter();
    let foreign: Vec<&str> = foreign.filter(|name| ours(name) && !fires(name)).collect();
    let message = format!(
        "the Alertmanager has {}{}, which this Prometheus does not fire now",
        foreign.join(", "),
        if service.is_empty() { "" } else { " of it" }
    );
    (!foreign.is_empty()).then(|| {
        Diagnostic::warning("foreign", place.clone(), message)
            .help("it ends within minutes where it has just been resolved; else look for another Prometheus, or a test, that sends it")
    })
}

fn be(names: &str) -> &'static str {
    match names.contains(", ") {
        true => "are",
        false => "is",
    }
}

/// The silences in force with the alerts that they cover, of one service or of all.
fn silenced<'d>(
    context: &CheckContext,
    delivery: &'d Delivery,
    service: Option<&str>,
) -> Vec<(String, &'d Silence)> {
    let way = Way::of(context.rendered.config().unwrap_or(&Value::Null));
    let mut found: Vec<(String, &Silence)> = Vec::new();
    for silence in &delivery.silences {
        let mut names = BTreeSet::new();
        let mut services = BTreeSet::new();
        for (alert, made) in possible(context, service) {
            let labels = way.sent(&made);
            if labels.is_some_and(|labels| pick(&silence.matchers, &labels)) {
                names.insert(alert.name.as_str());
                services.extend(made.get("job").cloned());
            }
        }
        if !names.is_empty() {
            let names: Vec<&str> = names.into_iter().collect();
            let of = match service {
                Some(_) => String::new(),
                // Of alerts about no single service.
                None if services.is_empty() => String::new(),
                None => format!(" of {}", plural(services.len(), "service")),
            };
            found.push((names.join(", ") + &of, silence));
        }
    }
    found
}

/// The label sets that alerts of the catalog can have.
pub(crate) fn possible<'c>(
    context: &CheckContext<'c>,
    service: Option<&str>,
) -> impl Iterator<Item = (&'c Alert, Labels)> {
    let catalog = context.catalog;
    let named = service.map(str::to_string);
    catalog.alerts.iter().flat_map(move |alert| {
        let named = named.clone();
        let of_all = catalog.all_subjects(alert);
        let of_it = of_all.filter(move |(_, subject)| match &named {
            Some(named) => subject.service().is_some_and(|one| one.name == *named),
            None => true,
        });
        of_it.map(move |(branch, subject)| (alert, labels(alert, branch, subject)))
    })
}

/// What somebody else sends about a service under the name of an alert that this Prometheus sends too, with labels that tell them
/// apart: the Alertmanager takes both for alerts of their own.
pub(super) fn told_twice(
    running: &Running,
    delivery: &Delivery,
    service: &str,
    place: &Place,
) -> Option<Diagnostic> {
    let way = Way::of(&running.config);
    let made = running.rules().flat_map(|rule| rule["alerts"].items());
    let made = made.filter(|alert| alert["labels"]["job"].as_str().unwrap_or_default() == service);
    let sent: Vec<Labels> = made
        .filter_map(|alert| way.sent(&texts(&alert["labels"])))
        .collect();
    let outside = &running.config["global"]["external_labels"];
    let mut twice: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for alert in delivery.of_service(service) {
        let labels = texts(&alert["labels"]);
        let own = sent
            .iter()
            .filter(|one| one.get("alertname") == labels.get("alertname"));
        if sent.contains(&labels) {
            continue;
        }
        // Another instance, or another value that was seen before, is an alert of the same rule.
        let alike = own.clone().find(|own| own.keys().eq(labels.keys()));
        let Some(own) = alike.or(own.clone().next()) else {
            continue;
        };
        let more = labels
            .iter()
            .filter(|(label, value)| match own.get(*label) {
                None => true,
                Some(known) => known != *value && outside.get(label.as_str()).is_some(),
            });
        let more: Vec<String> = more
            .map(|(label, value)| format!("{label}={value:?}"))
            .collect();
        let fewer = own.keys().filter(|label| !labels.contains_key(*label));
        let fewer = fewer.map(|label| format!("no {label}"));
        let how: Vec<String> = more.into_iter().chain(fewer).collect();
        if !how.is_empty() {
            let names = twice.entry(how.join(", ")).or_default();
            names.insert(called(&labels));
        }
    }
    let (how, names) = twice.into_iter().next()?;
    let names: Vec<String> = names.into_iter().collect();
    let message = format!(
        "the Alertmanager has {} once more, with {how}: another Prometheus sends it too, and whoever is told is told of both",
        super::first(&names, 3)
    );
    Some(Diagnostic::warning("told-twice", place.clone(), message).help(
        "let both send the same labels: drop the one that tells them apart under `alert_relabel_configs` of each; where the other one is not meant to run these rules, take them out there",
    ))
}

/// What Prometheus fires about a service that the Alertmanager does not have, for people; empty: it has everything.
pub(crate) fn on_its_way(running: &Running, delivery: &Delivery, service: &str) -> String {
    let way = Way::of(&running.config);
    let made = running.rules().flat_map(|rule| rule["alerts"].items());
    let fired = made.filter(|alert| alert["state"] == "firing");
    let fired = fired.filter(|alert| alert["labels"]["job"] == service);
    let missing = fired.filter_map(|alert| way.sent(&texts(&alert["labels"])));
    let missing = missing.filter(|sent| !delivery.has(sent));
    let names: BTreeSet<String> = missing
        .filter_map(|sent| sent.get("alertname").cloned())
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            ", and not yet {}, which Prometheus sends again within a minute",
            names.join(", ")
        ),
    }
}

/// A silence over a service by the name of an alert that no rule has: an alert was renamed, or its name misspelt.
pub(super) fn idle_silences(
    context: &CheckContext,
    running: &Running,
    delivery: &Delivery,
    service: Option<&str>,
    place: &Place,
) -> Vec<Diagnostic> {
    let way = Way::of(context.rendered.config().unwrap_or(&Value::Null));
    let mut found = Vec::new();
    for silence in &delivery.silences {
        let named = |matcher: &&Matcher| matcher.name == "alertname";
        let name = silence.matchers.iter().find(named);
        let Some(name) = name.filter(|name| matches!(name.comparison, Comparison::Equal)) else {
            continue;
        };
        let mut rules = running.rules();
        let mut there = delivery.alerts.iter();
        let about = silence.matchers.iter().filter(|matcher| !named(matcher));
        let about: Vec<Matcher> = about.cloned().collect();
        if !about
            .iter()
            .any(|matcher| matcher.name == "job" || matcher.name == "service")
            || rules.any(|rule| rule["name"] == name.value.as_str())
            || there.any(|alert| alert["labels"]["alertname"] == name.value.as_str())
        {
            continue;
        }
        let mut possible = possible(context, service).filter_map(|(_, made)| way.sent(&made));
        if possible.any(|labels| pick(&about, &labels)) {
            let message = format!(
                "no rule has an alert {}, so this covers nothing: {}",
                name.value,
                silence.described()
            );
            found.push(
                Diagnostic::warning("silence-idle", place.clone(), message).help(format!(
                    "silence it anew under the name that it has now; {}",
                    silence.end(context)
                )),
            );
        }
    }
    found
}

/// What keeps any alert from being told.
pub(crate) fn broken(
    context: &CheckContext,
    running: &Running,
    delivery: &Delivery,
) -> Vec<Diagnostic> {
    let mut found = watched(context, running, delivery);
    found.splice(0..0, lost(context, running, delivery));
    found
}

/// What Prometheus fires and the Alertmanager that was asked does not have.
fn lost(context: &CheckContext, running: &Running, delivery: &Delivery) -> Option<Diagnostic> {
    let now = running.now();
    let began = (now - delivery.began?).num_seconds();
    if began.min(running.age()) <= ON_ITS_WAY {
        return None;
    }
    let way = Way::of(&running.config);
    let mut missing = BTreeSet::new();
    let mut fired = 0;
    for rule in running.rules() {
        for alert in rule["alerts"]
            .items()
            .filter(|alert| alert["state"] == "firing")
        {
            let held = rule["duration"].as_f64().unwrap_or(0.0);
            let since =
                time(alert["activeAt"].as_str()?)? + chrono::TimeDelta::seconds(held as i64);
            let Some(labels) = way.sent(&texts(&alert["labels"])) else {
                continue;
            };
            if (now - since).num_seconds() <= ON_ITS_WAY {
                continue;
            }
            fired += 1;
            if !delivery.has(&labels) {
                missing.insert(called(&texts(&alert["labels"])));
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let names: Vec<String> = missing.into_iter().collect();
    let message = format!(
        "{} in Prometheus, and the Alertmanager at {} does not have {}; Prometheus sends to {}",
        plural(fired, "alert") + if fired == 1 { " fires" } else { " fire" },
        context.alertmanager.url,
        super::first(&names, 3),
        super::first(&running.alertmanagers, 3)
    );
    Some(
        Diagnostic::error("alerts-not-received", Place::Key("/prometheus/alertmanagers".into()), message)
            .help("when that is the same one, Prometheus cannot reach it: its log says why; when it is another one, ask that with --alertmanager-url, or correct `alertmanagers` under [prometheus]"),
    )
}

/// Whether what a rule sees within minutes has not been so in the last few scrapes.
fn now_silent(context: &CheckContext, written: &str) -> bool {
    fn shorten(expr: &mut Expr, window: std::time::Duration) {
        if let Expr::MatrixSelector(matrix) = expr {
            matrix.range = matrix.range.min(window);
        }
        for child in children_mut(expr) {
            shorten(child, window);
        }
    }
    let Ok(mut expr) = crate::promql::parse(written) else {
        return false;
    };
    shorten(
        &mut expr,
        std::time::Duration::from_millis(scrapes(context).0),
    );
    let found = query(&context.prometheus, &context.client, &expr.to_string());
    found.is_ok_and(|series| series.is_empty())
}

/// The last few scrapes of the servers themselves.
fn scrapes(context: &CheckContext) -> Duration {
    Duration(context.catalog.prometheus.scrape_interval.0.max(15_000) * 4)
}

/// Whether the Alertmanager has everything that Prometheus fires, a watchdog at least.
fn arrives(running: &Running, delivery: &Delivery) -> bool {
    let way = Way::of(&running.config);
    let alerts = running.rules().flat_map(|rule| rule["alerts"].items());
    let fired = alerts.filter(|alert| alert["state"] == "firing");
    let mut sent = fired
        .filter_map(|alert| way.sent(&texts(&alert["labels"])))
        .peekable();
    sent.peek().is_some() && sent.all(|labels| delivery.has(&labels))
}

/// What the rules about the monitoring itself have found, and servers that Prometheus cannot scrape.
fn watched(context: &CheckContext, running: &Running, delivery: &Delivery) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let fails = |rule: &Value| rule["health"] == "err";
    let works = arrives(running, delivery) && !running.rules().any(fails);
    let catalog = context.catalog;
    let output = &catalog.platform.output;
    for target in &running.targets {
        let own = catalog.service(&target.job).is_none() && target.service.is_empty();
        if own && target.health == "down" {
            let message = format!(
                "{} cannot scrape {} at {}: {}",
                context.prometheus.name, target.job, target.url, target.error
            );
            let wrong = match target.error.contains("HTTP status") {
                true => format!(
                    "something answers there, and not with its metrics: correct the address of {}, and its route prefix if it has one",
                    target.job
                ),
                false => format!("start {}, or correct its address", target.job),
            };
            let help = format!(
                "{wrong}: what it says of itself, such as notifications that fail, is not seen now"
            );
            found.push(
                Diagnostic::error(
                    "server-not-scraped",
                    super::prometheus::config_place(context),
                    message,
                )
                .help(help),
            );
        }
    }
    for (file, _, rule) in context.rendered.alerts() {
        let name = rule["alert"].as_str().unwrap_or_default();
        let read = crate::promql::parse(rule["expr"].as_str().unwrap_or_default());
        let read = read.as_ref().map_or(Vec::new(), selectors);
        if catalog.alert(name).is_some() || read.is_empty() {
            continue;
        }
        let begins = |word: &str| {
            let mut names = read.iter().map(|series| series.name.as_deref());
            names.all(|name| name.is_some_and(|name| name.starts_with(word)))
        };
        let (own, sending) = (begins("prometheus_"), begins("prometheus_notifications_"));
        let over = || works && now_silent(context, rule["expr"].as_str().unwrap_or_default());
        let rules = running.rules().filter(|running| running["name"] == name);
        for alert in rules.flat_map(|rule| rule["alerts"].items()) {
            let said = |key: &str| alert["annotations"][key].as_str();
            let words = said("description").or(said("summary")).unwrap_or_default();
            let state = match alert["state"].as_str() {
                Some("firing") => "fires",
                _ => "is pending",
            };
            // What such a rule sees lasts for some minutes; whether Prometheus works now is known better.
            let age = running.age();
            let (severity, over) = match alert["state"].as_str() {
                _ if own && over() => (
                    Severity::Warning,
                    "; that is over: rules are evaluated, and the Alertmanager has what fires now"
                        .to_string(),
                ),
                Some("pending") if sending && age <= ON_ITS_WAY => (
                    Severity::Warning,
                    format!("; Prometheus was started or reloaded {age} s ago: wait a minute"),
                ),
                _ => (Severity::Error, String::new()),
            };
            let place = Place::File(format!("{output}/{}", file.path));
            found.push(
                Diagnostic {
                    severity,
                    ..Diagnostic::error(
                        "monitoring-alert",
                        place,
                        format!("{name} {state}: {words}{over}"),
                    )
                }
                .help(format!(
                    "the section of {name} in {output}/docs/RUNBOOK.md says what to do"
                )),
            );
        }
    }
    found
}

/// How an integration of receivers does.
#[derive(Default)]
pub(crate) struct Told {
    /// When a notification last went out, in seconds of Unix time.
    success: Option<f64>,
    /// When one last failed.
    failure: Option<f64>,
    /// Why, as far as the Alertmanager knows.
    reason: String,
}

/// How far back notifications are looked for.
const LATELY: &str = "6h";

/// How the integrations through which alerts are told have done lately, by their names; one that has told nothing is not there.
pub(crate) fn told(context: &CheckContext, through: &BTreeSet<String>) -> BTreeMap<String, Told> {
    let window = scrapes(context);
    let all = format!("increase(alertmanager_notifications_total[{window}])");
    let failed = format!("increase(alertmanager_notifications_failed_total[{window}])");
    let last = |counter: &str, some: &str| {
        let asked = format!(
            "max by (integration, reason) (max_over_time((timestamp({counter}) and {some})[{LATELY}:{window}]))"
        );
        query(&context.prometheus, &context.client, &asked).unwrap_or_default()
    };
    let succeeded = last(
        "alertmanager_notifications_total",
        &format!("({all} - sum without (reason) ({failed}) > 0)"),
    );
    let failed = last(
        "alertmanager_notifications_failed_total",
        &format!("({failed} > 0)"),
    );
    let mut found: BTreeMap<String, Told> = BTreeMap::new();
    for (series, succeeded) in [(succeeded, true), (failed, false)] {
        for one in series {
            let integration = one["metric"]["integration"].as_str().unwrap_or_default();
            let at = one["value"][1]
                .as_str()
                .and_then(|text| text.parse::<f64>().ok());
            if !through.contains(integration) {
                continue;
            }
            let told = found.entry(integration.to_string()).or_default();
            if succeeded {
                told.success = at;
            } else if told.failure < at {
                told.failure = at;
                told.reason = one["metric"]["reason"]
                    .as_str()
                    .unwrap_or_default()
                    .to_string();
            }
        }
    }
    found
}

impl Told {
    /// Nothing has gone out since the last failure.
    pub(crate) fn fails(&self) -> bool {
        self.failure.is_some() && self.failure > self.success
    }

    /// For people.
    pub(crate) fn described(&self, integration: &str) -> String {
        let at = |seconds: f64| {
            DateTime::from_timestamp(seconds as i64, 0)
                .map_or_else(String::new, |at| at.format("%H:%M:%S UTC").to_string())
        };
        let success = match self.success {
            Some(seconds) => format!("last told through {integration} at {}", at(seconds)),
            None => format!("nothing was told through {integration} in the last {LATELY}"),
        };
        let reason = match self.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        match self.failure {
            Some(seconds) => format!("{success}, last failure at {}{reason}", at(seconds)),
            None => success,
        }
    }
}
