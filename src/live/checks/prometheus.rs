//! The configuration that Prometheus runs.

use super::{CheckContext, Checked, clocks, first};
use crate::diagnostic::{Diagnostic, Place, Severity, plural};
use crate::live::loaded::{THIS_HOST, differences};
use crate::live::prometheus::{Running, query, reload_time};
use crate::live::rules::{Rule, loaded_rule, places, rendered_rules, rule_difference};
use crate::promql::parse;
use crate::promql::walk::reach;
use crate::render::File;
use crate::stack::files::Files;
use crate::value::Value;
use chrono::TimeDelta;
use std::collections::{BTreeSet, HashMap};

/// Where the rendered configuration is.
pub(crate) fn config_place(context: &CheckContext) -> Place {
    let file = context.rendered.prometheus().next();
    Place::File(format!(
        "{}/{}",
        context.catalog.platform.output,
        file.map_or("", |file| file.path.as_str())
    ))
}

/// In what the loaded configuration is another one.
pub(crate) struct Difference {
    /// The job that it is about; None: all of them.
    pub job: Option<String>,
    /// It is only in what is loaded: somebody else's, who shares this Prometheus, or left over from before.
    pub foreign: bool,
    /// It is about what is done to alerts before they are sent, which may be the same for most of them.
    pub relabels: bool,
    pub text: String,
}

impl Difference {
    /// Whether it has to do with a service: it is about its job, or about all of them.
    pub(crate) fn concerns(&self, service: &str) -> bool {
        !self.foreign && self.job.as_ref().is_none_or(|job| job == service)
    }
}

/// In what the loaded configuration differs from the rendered one: jobs by name, everything else in place.
pub(crate) fn config_differences(context: &CheckContext, running: &Running) -> Vec<Difference> {
    against(context.rendered, &running.config, context.reach.port_offset)
}

/// The jobs of a configuration, in its order.
fn names(config: &Value) -> impl Iterator<Item = &str> {
    let jobs = config["scrape_configs"].items();
    jobs.filter_map(|job| job["job_name"].as_str())
}

/// The same by their names.
fn jobs(config: &Value) -> HashMap<&str, &Value> {
    let jobs = config["scrape_configs"].items();
    jobs.filter_map(|job| Some((job["job_name"].as_str()?, job)))
        .collect()
}

/// In what another configuration differs from that of some files.
pub(super) fn against(files: Files, config: &Value, port_offset: i32) -> Vec<Difference> {
    let Some(rendered) = files.config() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let of_job = |name: &str, foreign: bool, text: String| Difference {
        job: Some(name.to_string()),
        foreign,
        relabels: false,
        text,
    };
    let (wanted, loaded) = (jobs(rendered), jobs(config));
    let lost = names(rendered).filter(|name| !loaded.contains_key(name));
    found.extend(lost.map(|name| of_job(name, false, format!("the job {name} is not loaded"))));
    let more = names(config).filter(|name| !wanted.contains_key(name));
    found.extend(more.map(|name| of_job(name, true, format!("the job {name}"))));
    for name in names(rendered) {
        let (Some(a), Some(b)) = (wanted.get(name), loaded.get(name)) else {
            continue;
        };
        let all = differences(a, b, &format!("job {name}: "), port_offset);
        found.extend(
            all.into_iter()
                .map(|text| of_job(name, false, text.replace(": .", ": "))),
        );
    }
    let for_all = |foreign: bool, text: String| Difference {
        job: None,
        foreign,
        relabels: false,
        text,
    };
    let own = ["scrape_configs", "rule_files"];
    let rest = rendered.entries().map(|(key, _)| key.as_str());
    let rest = rest.filter(|key| !own.contains(key));
    for key in rest.chain(["alerting", "global"]).collect::<BTreeSet<_>>() {
        let all = differences(&rendered[key], &config[key], key, 0);
        found.extend(all.into_iter().map(|text| Difference {
            relabels: text.starts_with("alerting.alert_relabel_configs")
                || text.starts_with("global.external_labels"),
            ..for_all(false, text)
        }));
    }
    let stores = ["remote_read", "remote_write"].into_iter();
    let more = stores.filter(|key| rendered[key].is_null() && !config[key].is_null());
    found.extend(more.map(|key| for_all(true, key.to_string())));
    let files = |config: &Value| -> Vec<String> {
        config["rule_files"].texts().map(str::to_string).collect()
    };
    let (wanted, loaded) = (files(rendered), files(config));
    // Paths are of the folder in which each is read.
    let named = |all: &[String], file: &str| {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
        all.iter().any(|other| name(other) == name(file))
    };
    let lost = wanted.iter().filter(|file| !named(&loaded, file));
    found.extend(lost.map(|file| for_all(false, format!("the rules of {file} are not loaded"))));
    let more = loaded.iter().filter(|file| !named(&wanted, file));
    found.extend(more.map(|file| for_all(true, format!("the rules of {file}"))));
    found
}

/// What else is loaded, of whoever shares the server.
pub(super) fn foreign(place: Place, server: &str, all: &[String]) -> Option<Diagnostic> {
    let message = format!("{server} also has {}", first(all, 5));
    let help = "leave it, if it is somebody else's; what is left over from before goes when the rendered files are all that is loaded";
    let finding = Diagnostic::warning("foreign", place, message).help(help);
    (!all.is_empty()).then_some(Diagnostic {
        severity: Severity::Notice,
        ..finding
    })
}

/// What makes a server of the rendered stack read its files again. A signal, because a server that can be reloaded over
/// HTTP can be by every web page.
pub(crate) fn reload_command(context: &CheckContext, server: &str) -> String {
    let output = &context.catalog.platform.output;
    let mut compose = context.rendered.compose();
    let file = compose.find(|file| !file.value["services"][server].is_null());
    match file {
        Some(file) => format!(
            "`docker compose -f {output}/{} kill -s SIGHUP {server}`, or send SIGHUP to it where it runs",
            file.path
        ),
        None => format!("send SIGHUP to {server} where it runs"),
    }
}

/// What makes a running Prometheus load the files that are on disk: whether it was told to since they were written.
pub(crate) fn reload_help(context: &CheckContext, running: &Running) -> String {
    let reload = reload_command(context, "prometheus");
    if let Some(stale) = &context.stale {
        let runs = match runs(context, Files::of(&stale.files), running) {
            true => "Prometheus runs what is there",
            false => "and Prometheus does not run what is there either",
        };
        return format!(
            "not rendered: {}, {runs}; first {}, then {reload}",
            stale.finding.message, stale.finding.help
        );
    }
    if !running.reloaded {
        return format!(
            "its last reload failed and its log says why: `promtool check config` finds it too; then {reload}"
        );
    }
    // Files were written by the clock of this machine, and loaded by that of Prometheus.
    let ahead = running.lead();
    let second = TimeDelta::seconds(1);
    let loaded = running.loaded().map(|loaded| loaded - ahead);
    let loaded = match (context.written, loaded) {
        // It tells whole seconds there: `render` and a reload often follow each other within one.
        (Some(written), Some(loaded)) if (loaded..loaded + second).contains(&written) => {
            let exactly = reload_time(&context.prometheus, &context.client);
            Some(exactly.map_or(loaded + second, |exactly| exactly - ahead))
        }
        (_, loaded) => loaded,
    };
    match (context.written, loaded) {
        (Some(written), Some(loaded)) if loaded > written => format!(
            "not deployed: it was reloaded since the files here were written, and read others; copy them to where it reads, mount their folder and not single files, then {reload}"
        ),
        (Some(_), Some(_)) => format!("not reloaded since the files here were written: {reload}"),
        _ => reload,
    }
}

/// Whether Prometheus runs files: their configuration and their rules.
fn runs(context: &CheckContext, files: Files, running: &Running) -> bool {
    let port_offset = context.reach.port_offset;
    let mut differences = against(files, &running.config, port_offset).into_iter();
    let loaded: Vec<Rule> = running.rules().map(loaded_rule).collect();
    let rules = rendered_rules(files);
    let mut found = rules.iter().zip(places(&rules, &loaded));
    differences.all(|difference| difference.foreign)
        && found.all(|(rule, at)| at.is_some_and(|at| rule_difference(rule, &loaded[at]).is_none()))
}

/// Whether a rule fails because nothing can be written.
pub(super) fn cannot_store(raw: &Value) -> bool {
    let why = raw["lastError"].as_str().unwrap_or_default();
    why.contains(FULL) || why.contains("write to WAL")
}

/// In the words of Linux.
const FULL: &str = "no space left on device";

/// A Prometheus that can store nothing fails in as many ways as it has rules and targets.
pub(crate) fn full_disk(context: &CheckContext, running: &Running) -> Option<Diagnostic> {
    let rule = running.rules().find(|rule| cannot_store(rule))?;
    let why = rule["lastError"].as_str().unwrap_or_default();
    let (what, help) = match why.contains(FULL) {
        true => (
            "the disk of Prometheus is full".to_string(),
            "free or enlarge the disk of its storage, or lower `retention` or set `retention_size` under [prometheus]; then restart it",
        ),
        false => (
            format!(
                "Prometheus cannot write what it stores ({})",
                why.rsplit(": ").next().unwrap_or_default()
            ),
            "see that the folder of its storage can be written to: a disk that is read-only or fails, a quota, a limit of the size of files, another owner; then restart it",
        ),
    };
    let message = format!("{what}: it stores nothing, evaluates no rule, and no alert fires");
    Some(Diagnostic::error("disk-full", config_place(context), message).help(help))
}

/// Starts within an hour that nobody makes on purpose.
const MANY_STARTS: f64 = 3.0;

/// What a `for` must be longer than to go on behind a restart (`--rules.alert.for-grace-period`). Seconds.
const GRACE: f64 = 600.0;

/// A Prometheus that ends again and again: what is to be seen for some time is never seen for that long.
pub(crate) fn restarts(context: &CheckContext, running: &Running) -> Option<Diagnostic> {
    let asked =
        "max(changes(process_start_time_seconds[1h]) and on (job, instance) prometheus_build_info)";
    let found = query(&context.prometheus, &context.client, asked).ok()?;
    let times: f64 = found.first()?["value"][1].as_str()?.parse().ok()?;
    if times < MANY_STARTS {
        return None;
    }
    let began = running.started?;
    let lived = (running.now() - began).num_seconds() as f64;
    let rules = rendered_rules(context.rendered).into_iter();
    let waiting = rules.filter(|rule| rule.alert && rule.hold > lived && rule.hold <= GRACE);
    let names: BTreeSet<String> = waiting.map(|rule| rule.name).collect();
    let names: Vec<String> = names.into_iter().collect();
    let waiting = match names.is_empty() {
        true => String::new(),
        false => format!(", and it has not run long enough for {}", first(&names, 3)),
    };
    let message = format!(
        "Prometheus was started {times} times within the last hour, last at {}: after each start an alert waits for all of its `for` again{waiting}",
        began.format("%T UTC")
    );
    Some(Diagnostic::warning("restarts", config_place(context), message).help(
        "see in its log why it ends, and in what runs it: memory that it may not have, a disk that is full, a health check that restarts it",
    ))
}

/// What it was started with, where the catalog says something else: how long it keeps samples, and what alerts link to.
pub(crate) fn flags(context: &CheckContext, running: &Running) -> Vec<Diagnostic> {
    let wanted = &context.catalog.prometheus;
    let mut found = Vec::new();
    let place = |key: &str| Place::Key(format!("/prometheus/{key}"));
    if let Some(kept) = running.retention.filter(|kept| *kept != wanted.retention) {
        let reads = |(_, _, rule): (&File, String, &Value)| {
            let expr = parse(rule["expr"].as_str()?).ok()?;
            let name = rule["alert"].as_str().or(rule["record"].as_str())?;
            let blind = reach(&expr) > std::time::Duration::from_millis(kept.0);
            blind.then(|| name.to_string())
        };
        let mut blind: Vec<String> = context.rendered.rules().filter_map(reads).collect();
        blind.dedup();
        let message = format!(
            "Prometheus keeps samples for {kept}, and `retention` is {}",
            wanted.retention
        );
        let finding = match blind.is_empty() {
            true => Diagnostic::warning("other-flags", place("retention"), message),
            false => {
                let message = format!("{message}; these read further back: {}", first(&blind, 3));
                Diagnostic::error("other-flags", place("retention"), message)
            }
        };
        let then = match kept < wanted.retention {
            true => "what was deleted does not come back",
            false => "what is older is deleted then; or say in `retention` how long it is kept",
        };
        found.push(finding.help(format!(
            "start it with `--storage.tsdb.retention.time={}`: {then}",
            wanted.retention
        )));
    }
    let links = &running.external_url;
    let here = |url: &str| {
        THIS_HOST
            .iter()
            .any(|host| url.contains(&format!("//{host}")))
    };
    let plain = |url: &str| url.trim_end_matches('/').to_string();
    if plain(links) != plain(&wanted.external_url) && !here(&wanted.external_url) {
        let message = match links.as_str() {
            "" => format!(
                "Prometheus was not told its address {}, so alerts link to its host name",
                wanted.external_url
            ),
            _ => format!(
                "alerts link to {links}, and `external_url` is {}",
                wanted.external_url
            ),
        };
        found.push(
            Diagnostic::warning("other-flags", place("external_url"), message).help(format!(
                "start it with `--web.external-url={}`",
                wanted.external_url
            )),
        );
    }
    found
}

/// Whether the configuration in force is the rendered one.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
    let (foreign, found): (Vec<Difference>, Vec<Difference>) = config_differences(context, running)
        .into_iter()
        .partition(|difference| difference.foreign);
    let texts = |all: Vec<Difference>| all.into_iter().map(|one| one.text).collect::<Vec<_>>();
    let (foreign, found) = (texts(foreign), texts(found));
    let mut findings: Vec<Diagnostic> = full_disk(context, running).into_iter().collect();
    if !running.reloaded {
        let message = format!(
            "the last reload of Prometheus failed: it still runs the configuration of {}",
            running.loaded_at
        );
        findings.push(
            Diagnostic::error("reload-failed", config_place(context), message)
                .help(reload_help(context, running)),
        );
    }
    if !found.is_empty() {
        let message = format!(
            "Prometheus runs another configuration, loaded {}: {}",
            running.loaded_at,
            first(&found, 3)
        );
        findings.push(
            Diagnostic::error("config-not-loaded", config_place(context), message)
                .help(reload_help(context, running)),
        );
    }
    findings.extend(restarts(context, running));
    findings.extend(flags(context, running));
    let right = !findings.iter().any(Diagnostic::stops);
    let state = if right { "ok" } else { "differs" };
    findings.extend(self::foreign(config_place(context), "Prometheus", &foreign));
    findings.extend(clocks::of_prometheus(context, running));
    let note = if found.is_empty() {
        "its configuration is the rendered one".to_string()
    } else {
        plural(found.len(), "difference")
    };
    Checked::new(
        "prometheus",
        state,
        format!("{}, {note}", running.version),
        findings,
    )
}
