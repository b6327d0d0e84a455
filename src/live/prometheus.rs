//! The running Prometheus: what it loaded, what it scrapes, what it evaluates.

use super::endpoint::{Endpoint, Refusal, encoded};
use super::http::{Client, apart};
use super::loaded::THIS_HOST;
use super::secret::without_user;
use crate::catalog;
use crate::value::Value;
use crate::yaml;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use ureq::http::Uri;

/// Everything that is asked of it at once.
pub(crate) struct Running {
    /// As in `2.42.0`.
    pub version: String,
    /// The configuration in force, defaults filled in.
    pub config: Value,
    /// Rule groups, each rule with its health.
    pub groups: Vec<Value>,
    pub targets: Vec<Target>,
    /// Job → the place of a target of it, one that is not up before others.
    of_job: HashMap<String, usize>,
    /// The places of targets whose label `job` is not the job that scrapes them.
    pub strangers: Vec<usize>,
    /// The addresses of the Alertmanagers that it sends to.
    pub alertmanagers: Vec<String>,
    /// Whether its last reload worked.
    pub reloaded: bool,
    /// When that was, as it says it.
    pub loaded_at: String,
    /// When it was started.
    pub started: Option<DateTime<Utc>>,
    /// How long it keeps samples; None: as long as they have room.
    pub retention: Option<catalog::Duration>,
    /// What alerts link to, as it was told; empty: whatever it takes its own address for.
    pub external_url: String,
    /// How far its clock is ahead of this machine's, in seconds; 0 where the two cannot be told apart.
    pub ahead: f64,
}

pub(crate) struct Target {
    pub job: String,
    /// The job that scrapes it, which need not be its label `job`.
    pub pool: String,
    /// Its label `service`; empty when it has none.
    pub service: String,
    pub url: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why the last scrape failed; empty when it did not.
    pub error: String,
    /// When that was, by its own clock.
    pub scraped: Option<DateTime<Utc>>,
    pub interval: Duration,
}

impl Running {
    /// Asks for it all; the first refusal ends it.
    pub(crate) fn ask(endpoint: &Endpoint, client: &Client) -> Result<Running, Refusal> {
        let get = |path: &str| data(endpoint, client, path);
        let build = get("/api/v1/status/buildinfo")?;
        let runtime = get("/api/v1/status/runtimeinfo")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let yaml = text(&get("/api/v1/status/config")?["yaml"]);
        let config = yaml::parse(&yaml).map_err(|error| Refusal::Stranger(error.reason))?;
        // It says `15d`, `15d or 10GB`, or a size alone.
        let kept = runtime["storageRetention"].as_str().unwrap_or_default();
        let kept = kept.split(" or ").next().unwrap_or_default();
        // Who is asked may be one that has no such page.
        let flags = get("/api/v1/status/flags").unwrap_or_default();
        let targets = targets(endpoint, client)?;
        let mut of_job: HashMap<String, usize> = HashMap::new();
        for (index, target) in targets.iter().enumerate() {
            let known = of_job.entry(target.job.clone()).or_insert(index);
            if targets[*known].health == "up" && target.health != "up" {
                *known = index;
            }
        }
        // An older server does not say which job it is.
        let stranger = |target: &Target| !target.pool.is_empty() && target.pool != target.job;
        let strangers = targets.iter().enumerate();
        let strangers = strangers.filter(|(_, target)| stranger(target));
        let strangers = strangers.map(|(index, _)| index).collect();
        Ok(Running {
            strangers,
            version: text(&build["version"]),
            config,
            groups: get("/api/v1/rules")?["groups"].items().cloned().collect(),
            targets,
            of_job,
            alertmanagers: get("/api/v1/alertmanagers")?["activeAlertmanagers"]
                .items()
                .map(|one| without_user(&text(&one["url"])))
                .collect(),
            reloaded: runtime["reloadConfigSuccess"].as_bool().unwrap_or(true),
            loaded_at: text(&runtime["lastConfigTime"]),
            started: time(&text(&runtime["startTime"])),
            retention: catalog::Duration::parse(kept),
            external_url: text(&flags["web.external-url"]),
            ahead: clock(endpoint, client),
        })
    }

    /// How far its clock is ahead of this machine's.
    pub(crate) fn lead(&self) -> TimeDelta {
        TimeDelta::milliseconds((self.ahead * 1000.0) as i64)
    }

    /// The time of its clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.lead()
    }

    /// When it read its configuration, by its own clock.
    pub(crate) fn loaded(&self) -> Option<DateTime<Utc>> {
        time(&self.loaded_at)
    }

    /// Seconds since it read its configuration, or was started, while it may still be looking for what that names.
    pub(crate) fn settling(&self) -> Option<i64> {
        Some(self.age()).filter(|age| *age < STARTS)
    }

    /// Seconds since it read its configuration, or was started.
    pub(crate) fn age(&self) -> i64 {
        let last = self.loaded().max(self.started);
        last.map_or(i64::MAX, |last| (self.now() - last).num_seconds())
    }

    /// A target of a job, one that is not up if there is such a one.
    pub(crate) fn target(&self, job: &str) -> Option<&Target> {
        self.of_job.get(job).map(|index| &self.targets[*index])
    }

    /// The jobs that it loaded.
    pub(crate) fn jobs(&self) -> Vec<&str> {
        self.config["scrape_configs"]
            .items()
            .filter_map(|job| job["job_name"].as_str())
            .collect()
    }

    /// Whether an address may be that of an Alertmanager it sends to: one that has another name there than here may be any.
    pub(crate) fn sends_to(&self, url: &str) -> bool {
        let asked = at(url);
        let mut known = self.alertmanagers.iter().map(|known| at(known));
        known.any(|known| match (&known, &asked) {
            (Some((there, port)), Some((here, asked))) => {
                (there != here && !(local(there) && local(here))) || port == asked
            }
            _ => true,
        })
    }

    /// Every rule that it loaded.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Value> {
        self.groups.iter().flat_map(|group| group["rules"].items())
    }
}

/// A time as servers write it.
pub(super) fn time(written: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(written).ok()?;
    Some(time.to_utc())
}

/// So long it may take to look for its targets, and for where it sends alerts. Seconds.
const STARTS: i64 = 30;

/// What it scrapes now.
pub(super) fn targets(endpoint: &Endpoint, client: &Client) -> Result<Vec<Target>, Refusal> {
    let all = data(endpoint, client, "/api/v1/targets?state=active")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let target = |target: &Value| {
        let interval = target["scrapeInterval"].as_str();
        let interval = interval.and_then(catalog::Duration::parse);
        Target {
            job: text(&target["labels"]["job"]),
            pool: text(&target["scrapePool"]),
            service: text(&target["labels"]["service"]),
            url: without_user(&text(&target["scrapeUrl"])),
            health: text(&target["health"]),
            error: text(&target["lastError"]),
            // Before its first scrape it says the year 1.
            scraped: time(&text(&target["lastScrape"])).filter(|at| at.timestamp() > 0),
            interval: Duration::from_millis(interval.unwrap_or_default().0),
        }
    };
    Ok(all["activeTargets"].items().map(target).collect())
}

/// Host and port of an address.
fn at(url: &str) -> Option<(String, u16)> {
    let url = url.parse::<Uri>().ok()?;
    let usual = match url.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    Some((url.host()?.to_string(), url.port_u16().unwrap_or(usual)))
}

fn local(host: &str) -> bool {
    THIS_HOST.contains(&host)
}

/// The addresses at which it scrapes a job now.
pub(super) fn found(
    endpoint: &Endpoint,
    client: &Client,
    job: &str,
) -> Result<Vec<String>, Refusal> {
    let targets = data(endpoint, client, "/api/v1/targets?state=active")?;
    let own = targets["activeTargets"].items();
    let own = own.filter(|target| target["scrapePool"] == job || target["labels"]["job"] == job);
    let urls = own.filter_map(|target| target["scrapeUrl"].as_str());
    Ok(urls.map(without_user).collect())
}

/// The addresses that a job finds and drops.
pub(super) fn relabelled_away(endpoint: &Endpoint, client: &Client, job: &str) -> Vec<String> {
    let targets = data(endpoint, client, "/api/v1/targets?state=dropped").unwrap_or_default();
    let all = targets["droppedTargets"].items();
    let found = all.map(|target| &target["discoveredLabels"]);
    let own = found.filter(|labels| labels["job"] == job);
    let addresses = own.filter_map(|labels| labels["__address__"].as_str());
    addresses.map(without_user).collect()
}

/// How far its clock is ahead, in seconds; 0 where it does not say.
fn clock(endpoint: &Endpoint, client: &Client) -> f64 {
    let asked = Instant::now();
    let answer = query(endpoint, client, "time()").unwrap_or_default();
    let said = answer.first().and_then(|pair| pair[1].as_str());
    let said = said.and_then(|said| said.parse::<f64>().ok());
    said.map_or(0.0, |said| apart(said, said, asked.elapsed()))
}

/// When it last read its files, as it counts it itself; None where its own metrics are not served.
pub(super) fn reload_time(endpoint: &Endpoint, client: &Client) -> Option<DateTime<Utc>> {
    let answer = endpoint.get(client, "/metrics").ok()?;
    let text = String::from_utf8(answer.body).ok()?;
    let name = "prometheus_config_last_reload_success_timestamp_seconds ";
    let seconds = text.lines().find_map(|line| line.strip_prefix(name))?;
    DateTime::from_timestamp_micros((seconds.parse::<f64>().ok()? * 1e6) as i64)
}

/// The series that an expression gives now; `Err` holds Prometheus' own words.
pub(crate) fn query(
    endpoint: &Endpoint,
    client: &Client,
    expression: &str,
) -> Result<Vec<Value>, Refusal> {
    let result = data(
        endpoint,
        client,
        &format!("/api/v1/query?query={}", encoded(expression)),
    )?;
    Ok(match &result["result"] {
        // A scalar is [time, value].
        Value::Array(pair) if result["resultType"] == "scalar" => vec![Value::Array(pair.clone())],
        Value::Array(series) => series.clone(),
        _ => Vec::new(),
    })
}

pub(super) fn data(endpoint: &Endpoint, client: &Client, path: &str) -> Result<Value, Refusal> {
    let mut answer = endpoint.json(client, path)?;
    match answer["status"].as_str() {
        Some("success") => Ok(answer["data"].take()),
        _ => Err(Refusal::Stranger(
            answer.to_string().chars().take(60).collect(),
        )),
    }
}
