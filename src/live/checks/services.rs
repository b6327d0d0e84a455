//! The services: health, metrics and the contract, all of them at once.

use super::counters::Falls;
use super::reads::{self, Since};
use super::stored::{Exposed, Stored};
use super::targets::{Scrapes, target};
use super::{CheckContext, Checked, clocks};
use crate::catalog::{Metric, Service};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::live::exposed::{Declared, Kept, backwards, open_ended, readers, sample_names};
use crate::live::probe::{Instance, ProbeStage, Scrape, Unhealthy, health, scrape};
use crate::live::prometheus::{Running, query};
use crate::live::workers::{self, each};
use crate::value::Value;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A scrape that takes longer is not made twice: Prometheus has read the counters more often.
const QUICK: Duration = Duration::from_secs(1);

/// Nor is one with more samples.
const MANY: usize = 20_000;

/// What was seen of one service. Findings stand at the link of the way at which they are.
pub(crate) struct Visit<'a> {
    pub service: &'a Service,
    /// It said that it is healthy.
    pub healthy: bool,
    /// Its metrics could be read.
    pub scraped: bool,
    /// Prometheus reads it, and this machine cannot.
    pub elsewhere: bool,
    /// When this machine began to ask it.
    asked: DateTime<Utc>,
    /// Some instance said itself that something is wrong with it.
    ill: bool,
    /// Instances whose metrics could be read.
    read: usize,
    /// Samples of one scrape, of all instances together.
    pub samples: usize,
    /// Declared metrics that it does not expose.
    pub missing: Vec<&'a Metric>,
    /// Where some are missing, what it exposes that is not declared: name and type.
    others: BTreeSet<(String, String)>,
    /// What all its instances expose together.
    pub exposed: Exposed<'a>,
    /// What ends the way to its metrics, and where.
    pub way: Vec<(ProbeStage, Diagnostic)>,
    /// What is odd about the answers.
    pub http: Vec<Diagnostic>,
    pub health: Vec<Diagnostic>,
    /// What is wrong with what it exposes.
    pub contract: Vec<Diagnostic>,
    /// What it does not expose, or Prometheus does not have.
    pub absent: Vec<Diagnostic>,
}

impl<'a> Visit<'a> {
    fn of(service: &'a Service) -> Visit<'a> {
        Visit {
            service,
            healthy: false,
            scraped: false,
            elsewhere: false,
            asked: Utc::now(),
            ill: false,
            read: 0,
            samples: 0,
            missing: Vec::new(),
            others: BTreeSet::new(),
            exposed: Vec::new(),
            way: Vec::new(),
            http: Vec::new(),
            health: Vec::new(),
            contract: Vec::new(),
            absent: Vec::new(),
        }
    }

    /// One that nobody has waited for.
    fn unasked(context: &CheckContext, service: &'a Service) -> Visit<'a> {
        let said = format!(
            "it was not asked: {ENOUGH} others in a row gave no answer within {:.1?}",
            context.client.waits()
        );
        let place = Place::Key(format!("/services/{}", service.name));
        let message = format!("{}: {said}", service.name);
        let found = Diagnostic::error("service-unreachable", place, message)
            .common(said)
            .help("where all are silent it may be this machine: a firewall or a VPN between it and them; say with `--services-address` where it reaches them");
        let mut visit = Visit::of(service);
        visit.way.push((ProbeStage::Reachable, found));
        visit
    }

    /// Whether Prometheus can read its metrics too, as far as was seen from here.
    pub(crate) fn readable(&self) -> bool {
        self.scraped && !self.http.iter().any(Diagnostic::stops)
    }

    /// All but what it does not expose.
    fn findings(&mut self) -> Vec<Diagnostic> {
        let way = std::mem::take(&mut self.way).into_iter();
        let mut all: Vec<Diagnostic> = way.map(|(_, finding)| finding).collect();
        all.append(&mut self.http);
        all.append(&mut self.contract);
        all.append(&mut self.health);
        all
    }

    fn each_finding(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        let way = self.way.iter_mut().map(|(_, finding)| finding);
        way.chain(&mut self.http)
            .chain(&mut self.health)
            .chain(&mut self.contract)
            .chain(&mut self.absent)
    }
}

/// One service in a report.
pub(crate) struct Row {
    pub service: String,
    /// As Prometheus sees it: `up`, `down`, `unknown` or `none`.
    pub target: &'static str,
    pub healthy: bool,
    pub scraped: bool,
    pub samples: usize,
    pub declared: usize,
    /// Names of declared metrics that it does not expose.
    pub missing: Vec<String>,
}

impl Visit<'_> {
    /// What a report says of it.
    pub(crate) fn row(&self, context: &CheckContext, running: &Running) -> Row {
        let seen = target(running, self.service);
        Row {
            service: self.service.name.clone(),
            target: match seen.map(|target| target.health.as_str()) {
                Some("up") => "up",
                Some("down") => "down",
                Some(_) => "unknown",
                None => "none",
            },
            healthy: self.healthy,
            scraped: self.scraped,
            samples: self.samples,
            declared: emitted(context, self.service),
            missing: self
                .missing
                .iter()
                .map(|metric| metric.name.clone())
                .collect(),
        }
    }
}

/// What a service has counted, of all its instances; nothing where it cannot be read.
pub(crate) fn read_counters<'a>(context: &CheckContext<'a>, service: &Service) -> Exposed<'a> {
    let declared = Declared::new(context.catalog, context.rendered);
    let instances = context.instances(service).unwrap_or_default();
    let mut all = Exposed::new();
    let scrapes = each(&instances, workers::INSTANCES, scrape).into_iter();
    for scraped in scrapes.flatten() {
        let kept = declared.check(service, &scraped.exposition);
        add(&mut all, kept.exposed);
    }
    all
}

/// Everything that is found about services, of all of them or of one: from this machine, and by what Prometheus has.
pub(crate) fn visit<'a>(
    context: &CheckContext<'a>,
    running: &Running,
    services: &[&'a Service],
) -> Vec<Visit<'a>> {
    let declared = Declared::new(context.catalog, context.rendered);
    let silence = Silence::default();
    let mut visits = each(services, workers::SERVICES, |service| {
        if silence.is_everywhere() {
            return Visit::unasked(context, service);
        }
        let begun = Instant::now();
        let visit = one(context, running, &declared, service);
        silence.heard(visit.read > 0, begun.elapsed(), context);
        visit
    });
    let only = match services {
        [one] => Some(one.name.as_str()),
        _ => None,
    };
    settle(context, running, &mut visits, only);
    let stored = Stored::ask(context, only).ok();
    let falls = Falls::ask(context, services);
    for visit in &mut visits {
        let service = visit.service;
        let known = visit.contract.iter();
        if !known.clone().any(|one| one.code == "counter-backwards") {
            visit.contract.extend(falls.of(service));
        }
        let Some(stored) = &stored else { continue };
        if visit.elsewhere {
            visit.missing = stored.missing(context, service);
        }
        let up = target(running, service).is_some_and(|target| target.health == "up");
        if visit.scraped && up {
            visit
                .absent
                .extend(stored.lost(context, service, &visit.exposed));
        }
    }
    absent(context, &mut visits);
    for visit in &mut visits {
        let service = visit.service;
        let doors = context.reach.doors(service);
        for finding in visit.each_finding() {
            *finding = finding.clone().of(&service.name);
            for door in &doors {
                finding.common = finding
                    .common
                    .replace(&door.metrics, &service.metrics_path)
                    .replace(&door.health, &service.health_path);
            }
        }
    }
    visits
}

/// Where so many in a row say nothing at all, nobody waits for the others too.
const ENOUGH: usize = 2 * workers::SERVICES;

/// How many services have taken all the time there was without an answer since one last gave some.
#[derive(Default)]
struct Silence(AtomicUsize);

impl Silence {
    fn is_everywhere(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= ENOUGH
    }

    fn heard(&self, read: bool, took: Duration, context: &CheckContext) {
        // A connection has less time than its whole answer.
        if read {
            self.0.store(0, Ordering::Relaxed);
        } else if took >= context.client.waits().mul_f64(0.75) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What one instance answered.
struct Look<'a> {
    scraped: Result<Read<'a>, (ProbeStage, Diagnostic)>,
    health: Result<(), Unhealthy>,
}

/// A scrape that worked.
struct Read<'a> {
    samples: usize,
    ahead: Option<f64>,
    newest: Option<f64>,
    notes: Vec<Diagnostic>,
    kept: Kept<'a>,
    falling: Option<Diagnostic>,
}

/// Metrics and health at the same time: a service that is slow is waited for once.
fn look<'a>(declared: &Declared<'a>, instance: &Instance) -> Look<'a> {
    let begun = Instant::now();
    let (scraped, healthy) = std::thread::scope(|scope| {
        let healthy = scope.spawn(|| health(instance));
        let scraped = scrape(instance).map(|scrape| read(declared, instance, scrape));
        let healthy = healthy.join();
        (
            scraped,
            healthy.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    // Some answer one request at a time, and the scrape was before it.
    let health = match healthy {
        Err(_) if scraped.is_ok() && begun.elapsed() > QUICK => health(instance),
        healthy => healthy,
    };
    Look { scraped, health }
}

fn read<'a>(declared: &Declared<'a>, instance: &Instance, scrape: Scrape) -> Read<'a> {
    let kept = declared.check(instance.service, &scrape.exposition);
    let again = (scrape.took < QUICK && scrape.exposition.samples.len() < MANY)
        .then(|| self::scrape(instance).ok())
        .flatten();
    let falling =
        again.and_then(|again| backwards(instance.service, &scrape.exposition, &again.exposition));
    Read {
        samples: scrape.exposition.samples.len(),
        ahead: scrape.ahead,
        newest: scrape.exposition.newest,
        notes: scrape.notes,
        kept,
        falling,
    }
}

fn one<'a>(
    context: &CheckContext<'a>,
    running: &Running,
    declared: &Declared<'a>,
    service: &'a Service,
) -> Visit<'a> {
    let mut visit = Visit::of(service);
    let instances = match context.instances(service) {
        Ok(instances) => instances,
        Err(finding) => {
            visit.way.push((ProbeStage::Reachable, finding));
            return visit;
        }
    };
    let (mut scraped, mut healthy) = (0, 0);
    let mut missing: Option<Vec<&Metric>> = None;
    let looks = each(&instances, workers::INSTANCES, |instance| {
        look(declared, instance)
    });
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (look, instance) in looks.into_iter().zip(&instances) {
        let ended = match look.scraped {
            Ok(read) => {
                scraped += 1;
                visit.samples += read.samples;
                add(&mut visit.exposed, read.kept.exposed);
                for metric in &read.kept.missing {
                    let without = lacking.entry(&metric.key).or_default();
                    without.push(&instance.door.metrics);
                }
                visit.others.extend(read.kept.others);
                // What one of the instances exposes has series.
                missing = Some(match missing.take() {
                    None => read.kept.missing,
                    Some(known) => known
                        .into_iter()
                        .filter(|metric| {
                            let mut others = read.kept.missing.iter();
                            others.any(|other| other.key == metric.key)
                        })
                        .collect(),
                });
                let notes = read.notes.into_iter();
                visit.http.extend(notes.map(|note| taken(running, note)));
                visit.contract.extend(read.kept.findings);
                visit.contract.extend(read.falling);
                let (ahead, newest) = (read.ahead, read.newest);
                let clocks = clocks::of_service(context, running, service, ahead, newest);
                visit.contract.extend(clocks);
                None
            }
            Err((stage, finding)) => {
                let code = finding.code;
                visit.way.push((stage, finding));
                Some(code)
            }
        };
        match look.health {
            Ok(()) => healthy += 1,
            // A port that is closed is one finding, not two, and so is one that speaks something else.
            Err(Unhealthy { finding, .. })
                if ended == Some(finding.code)
                    || (ended.is_some() && instance.door.health == instance.door.metrics)
                    || (ended == Some("wrong-scheme") && finding.code == "service-unreachable") => {
            }
            Err(Unhealthy { finding, ill }) => {
                visit.ill |= ill;
                visit.health.push(finding);
            }
        }
    }
    visit.read = scraped;
    visit.scraped = scraped == instances.len();
    visit.healthy = healthy == instances.len();
    visit.missing = missing.unwrap_or_default();
    let some = |metric: &&Metric| visit.missing.iter().all(|one| one.key != metric.key);
    for metric in context.catalog.exposed().filter(some) {
        let without = lacking.get(metric.key.as_str());
        let found = without.map(|without| in_part(context, service, metric, without, scraped));
        visit.contract.extend(found);
    }
    visit
}

/// A metric that some of the instances do not expose.
fn in_part(
    context: &CheckContext,
    service: &Service,
    metric: &Metric,
    without: &[&str],
    read: usize,
) -> Diagnostic {
    let readers: Vec<&str> = readers(context.catalog, service, metric).collect();
    let blind = match readers.is_empty() {
        true => String::new(),
        false => format!("; {} cannot see what happens there", readers.join(", ")),
    };
    let message = format!(
        "{}: {} is exposed by {} of {read} instances, and not by {}{blind}",
        service.name,
        metric.name,
        read - without.len(),
        without.join(", ")
    );
    Diagnostic::warning("metric-missing", Place::Key(format!("/metrics/{}", metric.key)), message)
        .help("look whether that instance runs another release; where only some of them have it on purpose, accept this")
}

/// Of services that this machine cannot read and Prometheus is said to: whose fault that is.
fn settle(context: &CheckContext, running: &Running, visits: &mut [Visit], only: Option<&str>) {
    let up = |visit: &&mut Visit| {
        let seen = target(running, visit.service);
        // What cannot be parsed was let out: it is the same for everybody.
        let mut way = visit.way.iter();
        let refused = visit.read == 0 && way.all(|(stage, _)| *stage < ProbeStage::Parsed);
        refused && seen.is_some_and(|target| target.health == "up")
    };
    let mut open: Vec<&mut Visit> = visits.iter_mut().filter(up).collect();
    if open.is_empty() {
        return;
    }
    let asked: Vec<(&str, DateTime<Utc>)> = open
        .iter()
        .map(|visit| (visit.service.name.as_str(), visit.asked))
        .collect();
    let seen = reads::since(context, running, &asked);
    let failed = Scrapes::failed(context, only);
    // Where both ask from one machine, and one of them gets no answer, it has ended since the other did.
    let together = on_this_machine(&context.prometheus.url) && context.reach.address.is_none();
    let unsettled = open.iter_mut().zip(seen).filter_map(|(visit, seen)| {
        let mut way = visit.way.iter();
        let unanswered = way.all(|(stage, _)| *stage == ProbeStage::Reachable);
        match seen {
            Since::Failed => None,
            Since::Nothing(_) if unanswered && together => None,
            Since::Nothing(at) => Some((visit, at)),
            Since::Read(at) => Some((visit, Some(at))),
        }
    });
    let unsettled: Vec<(&mut &mut Visit, Option<DateTime<Utc>>)> = unsettled.collect();
    let services: Vec<&Service> = unsettled.iter().map(|(visit, _)| visit.service).collect();
    let silence = Silence::default();
    let again = each(&services, workers::SERVICES, |service| {
        if silence.is_everywhere() {
            return false;
        }
        let begun = Instant::now();
        let instances = context.instances(service).unwrap_or_default();
        let read = instances.iter().any(|instance| scrape(instance).is_ok());
        silence.heard(read, begun.elapsed(), context);
        read
    });
    for ((visit, at), again) in unsettled.into_iter().zip(again) {
        match again {
            true => visit.answers_sometimes(failed.get(&visit.service.name)),
            false => visit.cut_off(context, at),
        }
    }
}

impl Visit<'_> {
    fn answers_sometimes(&mut self, scrapes: Option<&Scrapes>) {
        let counted = scrapes.map_or_else(String::new, |one| format!("; {}", one.described()));
        for (_, finding) in &mut self.way {
            let said = "; asked again, it answered";
            *finding = finding.clone().of(&self.service.name);
            finding.common += said;
            finding.message += &format!("{said}{counted}");
        }
    }

    /// It is this machine that is refused: a note, and what Prometheus has of the service says the rest.
    fn cut_off(&mut self, context: &CheckContext, at: Option<DateTime<Utc>>) {
        self.elsewhere = true;
        let read =
            |last: &str| format!("; Prometheus reads it{last}, so it is this machine that may not");
        let last = at.map_or_else(String::new, |at| {
            format!(" (last at {})", at.format("%T UTC"))
        });
        let help = match context.reach.address {
            Some(_) => "correct `--services-address`, or ask from a machine that may read it",
            None => {
                "nothing is wrong with its metrics: ask from a machine that may read it, or say with `--services-address` where this one reaches it"
            }
        };
        for (_, finding) in &mut self.way {
            *finding = finding.clone().of(&self.service.name);
            finding.severity = Severity::Warning;
            finding.common += &read("");
            finding.message += &read(&last);
            // What can be done about a certificate is said already.
            if !finding.message.contains("TLS fails") {
                finding.help = help.to_string();
            }
        }
        // A service that says that something is wrong says it to everybody.
        if !self.ill {
            self.health.clear();
        }
    }
}

/// A note about a scrape, as far as the Prometheus that runs minds.
fn taken(running: &Running, mut note: Diagnostic) -> Diagnostic {
    let version = running.version.split('.').next();
    let major = version.and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < 3) && note.code == "content-type" {
        note.severity = Severity::Warning;
        note.message += &format!("; {} takes it", running.version);
    }
    note
}

/// Whether a server has an address of this machine, which it sees services from as this machine does.
fn on_this_machine(url: &str) -> bool {
    let names = ["127.0.0.1", "localhost", "[::1]"];
    names.iter().any(|name| url.contains(&format!("//{name}")))
}

/// The series of one more instance.
fn add<'a>(all: &mut Exposed<'a>, more: Exposed<'a>) {
    for series in more {
        match all.iter_mut().find(|known| known.name == series.name) {
            Some(known) => {
                known.count += series.count;
                known.events += series.events;
            }
            None => all.push(series),
        }
    }
}

/// The summary of the services, and of the contract.
pub(crate) fn checked(context: &CheckContext, mut visits: Vec<Visit>) -> [Checked; 2] {
    let elsewhere = visits.iter().filter(|visit| visit.elsewhere).count();
    let total = visits.len() - elsewhere;
    let healthy = visits
        .iter()
        .filter(|visit| visit.healthy && visit.readable())
        .count();
    let expected: usize = context
        .catalog
        .metrics
        .iter()
        .map(|metric| metric.services.len())
        .sum();
    let unseen: usize = visits
        .iter()
        .filter(|visit| !visit.scraped && !visit.elsewhere)
        .map(|visit| emitted(context, visit.service))
        .sum();
    let missing: usize = visits.iter().map(|visit| visit.missing.len()).sum();
    let absent = visits
        .iter_mut()
        .flat_map(|visit| std::mem::take(&mut visit.absent));
    let absent = absent.collect();
    let findings = visits.iter_mut().flat_map(Visit::findings).collect();
    let note = if unseen > 0 {
        format!("declared metrics exposed; {unseen} could not be asked for")
    } else {
        "declared metrics exposed".into()
    };
    let refused = match elsewhere {
        0 => String::new(),
        1 => "; 1 more is read by Prometheus and not from here".to_string(),
        more => format!("; {more} more are read by Prometheus and not from here"),
    };
    [
        Checked::new(
            "services",
            format!("{healthy}/{total}"),
            format!("healthy, and their metrics can be read{refused}"),
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
fn absent(context: &CheckContext, visits: &mut [Visit]) {
    let mut missing: BTreeMap<&str, &Metric> = BTreeMap::new();
    for metric in visits.iter().flat_map(|visit| &visit.missing) {
        missing.insert(&metric.key, metric);
    }
    let metrics: Vec<&Metric> = missing.into_values().collect();
    let asked = each(&metrics, workers::QUERIES, |metric| seen(context, metric));
    let ever: BTreeMap<&str, Option<BTreeSet<String>>> = metrics
        .iter()
        .map(|metric| metric.key.as_str())
        .zip(asked)
        .collect();
    for visit in visits {
        let missing = visit.missing.iter();
        let all = missing.len() > 1 && missing.len() == emitted(context, visit.service);
        let found: Vec<Diagnostic> = match all {
            true if visit.scraped => vec![nothing(context, visit)],
            _ => missing
                .map(|metric| {
                    let ever = ever[metric.key.as_str()].as_ref();
                    renamed(absence(visit.service, metric, ever), metric, &visit.others)
                })
                .collect(),
        };
        visit.absent.splice(0..0, found);
    }
}

/// Nothing of what a service declares is there: it may be another program that answers.
fn nothing(context: &CheckContext, visit: &Visit) -> Diagnostic {
    let service = visit.service;
    let names: Vec<String> = visit.others.iter().map(|(name, _)| name.clone()).collect();
    let instead = match names.is_empty() {
        true => String::new(),
        false => format!("; what answers exposes {}", super::first(&names, 3)),
    };
    let message = format!(
        "{}: none of its {} declared metrics is exposed{instead}",
        service.name,
        emitted(context, service)
    );
    let place = Place::Key(format!("/services/{}", service.name));
    Diagnostic::error("metric-missing", place, message).help("is it another program that answers there? Then correct the port or `metrics_path`; if it is the service, see whether its release dropped them all, or its endpoint exposes another registry")
}

/// What a metric may be called now, of what is exposed and nobody knows.
fn renamed(
    finding: Diagnostic,
    metric: &Metric,
    others: &BTreeSet<(String, String)>,
) -> Diagnostic {
    let words = |name: &str| -> BTreeSet<String> {
        let usual = ["total", "seconds", "bytes", "count"];
        let words = name.split('_').filter(|word| !usual.contains(word));
        words.map(str::to_string).collect()
    };
    let own = words(&metric.name);
    let alike = |(name, r#type): &&(String, String)| {
        let shared = words(name).intersection(&own).count();
        *r#type == metric.r#type && shared * 2 >= own.len() && shared > 0
    };
    let Some((name, _)) = others.iter().find(alike) else {
        return finding;
    };
    Diagnostic {
        help: format!(
            "it exposes the {} {name}, which the catalog does not know: if that is its new name, write it as `name` of this metric; else {}",
            metric.r#type, finding.help
        ),
        ..finding
    }
}

/// The jobs of which Prometheus has had the metric within the last days; None: it does not say.
fn seen(context: &CheckContext, metric: &Metric) -> Option<BTreeSet<String>> {
    let name = sample_names(metric).swap_remove(0);
    let asked = format!("count by (job) (last_over_time({name}[7d]))");
    let series = query(&context.prometheus, &context.client, &asked).ok()?;
    let job = |one: &Value| one["metric"]["job"].as_str().map(str::to_string);
    Some(series.iter().filter_map(job).collect())
}

fn absence(service: &Service, metric: &Metric, ever: Option<&BTreeSet<String>>) -> Diagnostic {
    let place = Place::Key(format!("/metrics/{}", metric.key));
    let (who, name) = (&service.name, &metric.name);
    let exported = metric.profile.is_some() || !service.profiles.is_empty();
    let code = match open_ended(metric) {
        _ if exported => {
            "see in the exporter's log and flags whether it is told to collect it, and can read what it reports"
        }
        // Of a pattern nobody can list the values, and without labels there are none.
        _ if metric.labels.is_empty() => {
            "create it when the service starts, and increment it in the endpoint's handler"
        }
        true => "create it when the service starts, and increment it in the endpoint's handler",
        false => "increment it in the endpoint's handler, and initialise its label values at start",
    };
    let Some(ever) = ever else {
        let message = format!("{who}: {name} is not exposed");
        return Diagnostic::error("metric-missing", place, message)
            .help(format!("{code}; or name its services in the contract"));
    };
    if ever.is_empty() {
        let message = format!("{who}: {name} was never seen");
        Diagnostic::error("metric-never-seen", place, message)
            .help(format!("{code}; or correct the name in the contract"))
    } else if ever.contains(who) {
        let message = format!("{who}: {name} was there within the last 7 days, and is not now");
        Diagnostic::error("metric-vanished", place, message)
            .help(format!("look for a release that dropped it; {code}"))
    } else {
        let others: Vec<String> = ever.iter().cloned().collect();
        let message = format!(
            "{who}: {name} has no series from there; it comes from {}",
            super::first(&others, 3)
        );
        Diagnostic::error("metric-missing", place, message)
            .help(format!("{code}; or name its services in the contract"))
    }
}
