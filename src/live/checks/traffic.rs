//! `--traffic`: some requests, and whether they are counted and get to Prometheus.

use super::services::read_counters;
use super::{CheckContext, Checked, first};
use crate::catalog::{Duration, Metric, Service};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::live::exposed::Series;
use crate::live::probe::Instance;
use crate::live::prometheus::query;
use crate::live::workers::{self, each};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Requests that each instance is sent.
const REQUESTS: usize = 20;

/// So many of them at once.
const AT_ONCE: usize = 4;

/// One that answers slowly is sent fewer: after so long no more begin.
const BUSY: std::time::Duration = std::time::Duration::from_secs(2);

/// So long a service may take to count what it has answered.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Endpoints of the contract that are asked beside the health path.
const ENDPOINTS: usize = 5;

/// Names that the label with a request's path goes by.
const PATHS: [&str; 7] = [
    "endpoint",
    "path",
    "route",
    "handler",
    "uri",
    "url",
    "http_route",
];

/// No longer than that is waited for Prometheus to have read what was counted. Milliseconds.
const LONGEST: u64 = 90_000;

/// Events that a service has counted, by the name of the counter.
type Counts = BTreeMap<String, f64>;

/// What was sent to one service and what became of it.
struct Sent<'a> {
    service: &'a Service,
    answered: usize,
    /// Whether paths of the contract were asked, and not only its health.
    endpoints: bool,
    before: Counts,
    after: Counts,
}

impl Sent<'_> {
    /// A counter that has moved, and how far it is.
    fn moved(&self) -> Option<(&str, f64)> {
        let grown = |(name, after): &(&String, &f64)| {
            **after > self.before.get(*name).copied().unwrap_or(0.0)
        };
        let found = self.after.iter().find(grown);
        found.map(|(name, after)| (name.as_str(), *after))
    }

    fn at(&self) -> Place {
        Place::Key(format!("/services/{}", self.service.name))
    }
}

/// Sends requests to every service; then its counters must have moved, and Prometheus must have it.
pub(crate) fn checked(context: &CheckContext, tell: &(dyn Fn(&str) + Sync)) -> Checked {
    tell("sending requests to every service");
    let sent = each(&context.catalog.services, workers::SERVICES, |service| {
        send(context, service)
    });
    let answered: usize = sent.iter().map(|one| one.answered).sum();
    let asked: Vec<&Sent> = sent
        .iter()
        .filter(|one| one.answered > 0 && !one.after.is_empty())
        .collect();
    let mut findings = Vec::new();
    for one in asked.iter().filter(|one| one.moved().is_none()) {
        findings.push(not_counted(one).of(&one.service.name));
    }
    let moved: Vec<&Sent> = asked
        .iter()
        .copied()
        .filter(|one| one.moved().is_some())
        .collect();
    let late = stored(context, &moved, tell);
    for (one, (counter, wanted, there)) in &late {
        let message = format!(
            "{}: it has counted {counter} up to {wanted}, and Prometheus still has {there}",
            one.service.name
        );
        findings.push(
            Diagnostic::error("traffic-not-stored", one.at(), message)
                .common(format!("it has counted {counter} up, and Prometheus does not see it"))
                .help("look at its target in Prometheus: whether it is the same instance, and its last scrape is of now")
                .of(&one.service.name),
        );
    }
    let note = format!(
        "counted and stored; {} answered by {}",
        plural(answered, "request"),
        plural(
            sent.iter().filter(|one| one.answered > 0).count(),
            "service"
        )
    );
    let state = format!("{}/{}", moved.len() - late.len(), asked.len());
    Checked::new("traffic", state, note, findings)
}

fn not_counted(one: &Sent) -> Diagnostic {
    let counters: Vec<String> = one.after.keys().cloned().collect();
    let message = format!(
        "{}: {} answered, and none of its counters moved: {}",
        one.service.name,
        match one.answered {
            1 => "1 request was".to_string(),
            many => format!("{many} requests were"),
        },
        first(&counters, 3)
    );
    let code = "traffic-not-counted";
    match one.endpoints {
        true => Diagnostic::error(code, one.at(), message)
            .help("count requests where every one of them passes, in a middleware, and not in single handlers"),
        // Many leave their health path out on purpose.
        false => Diagnostic::warning(code, one.at(), message)
            .help("only its health path was asked, which may be left out on purpose: list paths that may be asked as values of a label such as `endpoint`, as in `endpoint = [\"/items\"]`"),
    }
}

fn send<'a>(context: &CheckContext, service: &'a Service) -> Sent<'a> {
    let instances = context.instances(service).unwrap_or_default();
    let before = counts(context, service);
    let declared = endpoints(context, service);
    let paths: Vec<&str> = std::iter::once(service.health_path.as_str())
        .chain(declared.iter().map(String::as_str))
        .collect();
    let ask = |instance: &Instance| {
        let began = Instant::now();
        let refused = AtomicBool::new(false);
        let round: Vec<&str> = paths.iter().copied().cycle().take(REQUESTS).collect();
        let answers = each(&round, AT_ONCE, |path| {
            if began.elapsed() > BUSY || refused.load(Ordering::Relaxed) {
                return false;
            }
            let answered = instance.status(path).is_ok_and(|status| status < 500);
            refused.fetch_or(!answered, Ordering::Relaxed);
            answered
        });
        answers.into_iter().filter(|answered| *answered).count()
    };
    let answered = each(&instances, workers::INSTANCES, ask).into_iter().sum();
    let mut sent = Sent {
        service,
        answered,
        endpoints: !declared.is_empty(),
        before,
        after: counts(context, service),
    };
    // Some count when the answer is long out, or all at once every second.
    let began = Instant::now();
    while sent.answered > 0 && sent.moved().is_none() && began.elapsed() < PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(500));
        sent.after = counts(context, service);
    }
    sent
}

fn counts(context: &CheckContext, service: &Service) -> Counts {
    let mut counts = Counts::new();
    for series in read_counters(context, service) {
        let Series { metric, events, .. } = series;
        if let Some(name) = counted(metric) {
            *counts.entry(name).or_default() += events;
        }
    }
    counts
}

/// The counter of a metric.
fn counted(metric: &Metric) -> Option<String> {
    match metric.r#type.as_str() {
        "counter" => Some(metric.name.clone()),
        "histogram" | "summary" => Some(format!("{}_count", metric.name)),
        _ => None,
    }
}

/// Paths that the contract of a service lists as values of a label, and that can be asked as they are.
fn endpoints(context: &CheckContext, service: &Service) -> Vec<String> {
    let metrics = context.catalog.exposed();
    let emitted = metrics.filter(|metric| metric.services.contains(&service.name));
    let asked = emitted.filter(|metric| {
        let methods = metric.labels.get("method").map(|methods| methods.texts());
        methods.is_none_or(|methods| {
            let methods: Vec<&str> = methods.collect();
            methods.is_empty() || methods.contains(&"GET")
        })
    });
    let labels = asked.flat_map(|metric| &metric.labels);
    let paths = labels.filter(|(label, _)| PATHS.contains(&label.as_str()));
    let values = paths.flat_map(|(_, values)| values.texts());
    let plain =
        values.filter(|path| path.starts_with('/') && !path.contains(['{', '<', '*', ':', ' ']));
    let plain: BTreeSet<&str> = plain.collect();
    plain
        .into_iter()
        .take(ENDPOINTS)
        .map(str::to_string)
        .collect()
}

/// Waits until Prometheus has what was counted, and returns what it still has not: the counter, how far it is, what Prometheus has.
fn stored<'s, 'a>(
    context: &CheckContext,
    moved: &[&'s Sent<'a>],
    tell: &(dyn Fn(&str) + Sync),
) -> Vec<(&'s Sent<'a>, (String, f64, f64))> {
    let slowest = moved.iter().map(|one| one.service.scrape_interval.0).max();
    let limit = Duration((slowest.unwrap_or(0) * 2 + 5_000).min(LONGEST));
    let began = Instant::now();
    loop {
        let names: BTreeSet<&str> = moved
            .iter()
            .filter_map(|one| Some(one.moved()?.0))
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let found = each(&names, workers::QUERIES, |name| {
            let asked = format!("sum by (job) ({name})");
            query(&context.prometheus, &context.client, &asked).unwrap_or_default()
        });
        let there = |name: &str, job: &str| {
            let index = names.iter().position(|known| *known == name)?;
            let one = found[index]
                .iter()
                .find(|one| one["metric"]["job"] == job)?;
            one["value"][1].as_str()?.parse::<f64>().ok()
        };
        let late: Vec<_> = moved
            .iter()
            .filter_map(|one| {
                let (name, wanted) = one.moved()?;
                let there = there(name, &one.service.name).unwrap_or(0.0);
                (there < wanted).then(|| (*one, (name.to_string(), wanted, there)))
            })
            .collect();
        if late.is_empty() || began.elapsed().as_millis() as u64 > limit.0 {
            return late;
        }
        tell(&format!(
            "waiting until Prometheus has what {} counted",
            plural(late.len(), "service")
        ));
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}
