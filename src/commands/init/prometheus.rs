//! The jobs of a Prometheus, of its configuration or as it scrapes them, and what is behind an address of metrics.

use super::draft::{Draft, Found, SCRAPED, exporter_of, is_target};
use super::jobs::{Job, Reach};
use crate::catalog::Duration;
use crate::commands::servers::PrometheusLogin;
use crate::json::plain;
use crate::live::http::Client;
use crate::value::Value;
use crate::yaml;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// Names of this machine.
const HERE: [&str; 4] = ["localhost", "127.0.0.1", "host.docker.internal", "[::1]"];

/// Takes the jobs of a configuration that name their targets.
pub(super) fn read(draft: &mut Draft, file: &str, text: &str) -> Result<()> {
    let value = match yaml::parse(text) {
        Ok(value) => value,
        Err(error) => bail!("{file}:{}: it is not YAML: {}", error.line, error.reason),
    };
    ensure!(
        value["scrape_configs"].is_array(),
        "{file} has no `scrape_configs`: it is no configuration of Prometheus"
    );
    for job in value["scrape_configs"].items() {
        let name = job["job_name"].as_str().unwrap_or_default();
        if name.is_empty() {
            draft
                .notes
                .push("a job without a job_name is left out".to_string());
            continue;
        }
        if SCRAPED.contains(&name) {
            own(draft, name);
            continue;
        }
        match service(draft, &value, job, file) {
            Ok(found) => drop(draft.add(found)),
            Err(why) => draft.notes.push(format!(
                "{name} is left out: {why}; `monstack adopt {file}` keeps such a job as it is, under `scrape` of [extra]"
            )),
        }
    }
    Ok(())
}

/// A job as a service, as `adopt` reads it; what is no address is left out.
fn service(draft: &mut Draft, config: &Value, job: &Value, file: &str) -> Result<Found, String> {
    let mut job = job.clone();
    let name = plain(&job["job_name"]);
    let https = job["scheme"] == "https";
    // What relabels says with its targets something else than where they are.
    let plainly = job.get("relabel_configs").is_none();
    let groups = job.get_mut("static_configs").and_then(Value::as_array_mut);
    let mut odd = Vec::new();
    for group in groups.into_iter().flatten().filter(|_| plainly) {
        let Some(targets) = group.get_mut("targets").and_then(Value::as_array_mut) else {
            continue;
        };
        for target in targets.iter_mut() {
            let text = with_port(&plain(target), https);
            let local = text
                .rsplit_once(':')
                .filter(|(host, _)| HERE.contains(host));
            *target = match local {
                Some((_, port)) => format!("localhost:{port}").into(),
                None => text.into(),
            };
        }
        targets.retain(|target| {
            let text = plain(target);
            let fine = is_target(&text);
            odd.extend((!fine).then_some(text));
            fine
        });
    }
    if !odd.is_empty() {
        draft.notes.push(format!(
            "{name}: {} is no host:port and is left out",
            odd.join(", ")
        ));
    }
    let job = Job::of(config, &job, file).ok_or("it has no name")?;
    if job.targets().is_empty() && !job.looks() {
        return Err("it names no target".to_string());
    }
    job.service(Reach::FromContainers)
}

/// How a job asks.
struct Asked<'a> {
    https: bool,
    path: Option<&'a str>,
    interval: Option<&'a str>,
    from: &'a str,
}

fn own(draft: &mut Draft, name: &str) {
    draft.notes.push(format!(
        "{name} is left out: monstack scrapes its own {name} anyway"
    ));
}

fn take(draft: &mut Draft, name: &str, mut targets: Vec<String>, asked: Asked) {
    if SCRAPED.contains(&name) {
        return own(draft, name);
    }
    let odd: Vec<String> = targets
        .iter()
        .filter(|one| !is_target(one))
        .cloned()
        .collect();
    targets.retain(|one| is_target(one));
    targets.dedup();
    if !odd.is_empty() {
        draft.notes.push(format!(
            "{name}: {} is no host:port and is left out",
            odd.join(", ")
        ));
    }
    if targets.is_empty() {
        draft
            .notes
            .push(format!("{name} is left out: it names no target"));
        return;
    }
    let mut found = Found {
        name: name.to_string(),
        from: asked.from.to_string(),
        https: asked.https,
        metrics_path: asked
            .path
            .filter(|path| *path != "/metrics")
            .map(str::to_string),
        scrape_interval: asked
            .interval
            .filter(|interval| Duration::parse(interval).is_some())
            .map(str::to_string),
        profile: exporter_of(name, &targets),
        ..Found::default()
    };
    let here = |target: &str| {
        let (host, port) = target.rsplit_once(':')?;
        port.parse().ok().filter(|_| HERE.contains(&host))
    };
    match targets.as_slice() {
        [only] if here(only).is_some() => found.port = here(only),
        _ => found.targets = targets,
    }
    if let Some(profile) = found.profile {
        found.runtime = Some("go");
        found
            .guessed
            .push(format!("it exposes what the profile {profile} lists"));
    }
    draft.add(found);
}

/// A target with the port that its scheme has by default.
fn with_port(target: &str, https: bool) -> String {
    let ends = target
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match (ends, https) {
        (true, _) => target.to_string(),
        (false, true) => format!("{target}:443"),
        (false, false) => format!("{target}:80"),
    }
}

/// Takes the jobs of a running Prometheus, with the targets that it scrapes now.
pub(super) fn ask(draft: &mut Draft, url: &str, login: &PrometheusLogin) -> Result<()> {
    let endpoint = login
        .at(Some(url))
        .named()?
        .context("there is no Prometheus to ask")?;
    let client = Client::new(std::time::Duration::from_secs(10), None)
        .map_err(|failure| anyhow!("{failure}"))?;
    let answer = endpoint
        .json(&client, "/api/v1/targets?state=active")
        .map_err(|refusal| anyhow!("{}", endpoint.sentence(&refusal)))?;
    let mut jobs: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let targets = match answer.get("activeTargets") {
        Some(targets) => targets,
        None => &answer["data"]["activeTargets"],
    };
    for target in targets.items() {
        let job = plain(&target["labels"]["job"]);
        jobs.entry(job).or_default().push(target);
    }
    ensure!(!jobs.is_empty(), "the Prometheus at {url} scrapes nothing");
    for (job, targets) in jobs {
        let first = targets[0];
        let discovered = &first["discoveredLabels"];
        let scraped = |target: &&Value| {
            let url = target["scrapeUrl"].as_str().unwrap_or_default();
            let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            with_port(host, scheme == "https")
        };
        let url = first["scrapeUrl"].as_str().unwrap_or_default();
        // A prober is asked for each of its targets with another query.
        let queries: BTreeSet<&str> = targets
            .iter()
            .filter_map(|target| target["scrapeUrl"].as_str()?.split_once("://"))
            .map(|(_, rest)| rest.find('/').map_or("", |at| &rest[at..]))
            .collect();
        if queries.len() > 1 || url.contains("target=") {
            draft.notes.push(format!(
                "{job} is left out: its targets are asked in different ways; keep the job as it is, under `scrape` of [extra]"
            ));
            continue;
        }
        let path = url.split_once("://").and_then(|(_, rest)| {
            let at = rest.find('/')?;
            Some(rest[at..].to_string())
        });
        take(
            draft,
            &job,
            targets.iter().map(scraped).collect(),
            Asked {
                https: url.starts_with("https://"),
                path: path.as_deref(),
                interval: discovered["__scrape_interval__"].as_str(),
                from: endpoint.url.as_str(),
            },
        );
    }
    Ok(())
}

/// The service behind an address of metrics, called after its host, or its port on this machine.
pub(super) fn exposing(url: &str) -> Result<Found> {
    let (scheme, rest) = url
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].contains(scheme))
        .with_context(|| format!("`{url}` is no address, as http://localhost:8001/metrics is"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    ensure!(
        !host.contains('@'),
        "an address with a password can be read in the list of processes: write the service with `auth`, and run `monstack declare`"
    );
    let target = with_port(host, scheme == "https");
    ensure!(is_target(&target), "`{host}` in `{url}` is no host:port");
    let (name, port) = target.rsplit_once(':').unwrap_or((&target, ""));
    let here = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
    let mut found = Found {
        name: match here {
            true => format!("service-{port}"),
            false => name.split('.').next().unwrap_or(name).to_string(),
        },
        from: url.to_string(),
        https: scheme == "https",
        metrics_path: Some(path.to_string())
            .filter(|path| !["", "/metrics"].contains(&path.as_str())),
        ..Found::default()
    };
    found
        .guessed
        .push(format!("its name, of what answers at {target}"));
    match here {
        true => found.port = port.parse().ok(),
        false => found.targets = vec![target],
    }
    Ok(found)
}
