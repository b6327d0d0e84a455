//! `adopt` writes a first catalog of a stack that is kept by hand: jobs that a catalog can say become services, everything else is
//! kept as it is, in [extra]. What changes, and what is lost, is said.

use super::init::draft::{Draft, Found, exporter_of, is_target};
use super::{Cli, Report, render};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Severity, plural};
use crate::generated::create;
use crate::json::{Parts, plain};
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::source::read;
use crate::yaml;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is adopted.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// A prometheus.yml, rule files and their tests, an alertmanager.yml with its templates, dashboards: below the folder of the catalog
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The platform's name, which opens every title [default: that of the folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Where jobs are kept that no service can say.
const JOBS: &str = "adopted/jobs.yml";

/// What a job may say to become a service.
const SAID: [&str; 5] = [
    "job_name",
    "static_configs",
    "metrics_path",
    "scheme",
    "scrape_interval",
];

/// Jobs of a stack itself, which monstack scrapes anyway.
const SERVERS: [&str; 2] = ["prometheus", "alertmanager"];

/// What is kept of a set-up, and how.
#[derive(Default)]
struct Kept {
    /// Key of [extra] → files.
    files: BTreeMap<&'static str, BTreeSet<String>>,
    jobs: Vec<Value>,
    /// Job → the profile of what it exposes.
    profiles: BTreeMap<String, &'static str>,
    report: Said,
}

/// A line for each thing, by what became of it.
#[derive(Default)]
struct Said {
    services: Vec<String>,
    extra: Vec<String>,
    changed: Vec<String>,
    lost: Vec<String>,
}

/// Reads, drafts, proves, writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "a catalog begins without environments: run this without --environment"
    );
    let _held = render::lock_root(&cli.root);
    ensure!(
        !cli.root.join(CATALOG).exists(),
        "there is a {CATALOG} already: name what it lacks under [extra] in it"
    );
    let mut draft = Draft::new(args.name.as_deref(), &cli.root, None);
    let mut kept = Kept::default();
    let mut alerts = BTreeSet::new();
    for file in &args.files {
        let path = below(&cli.root, file)?;
        let text = read::read(&cli.root.join(&path))
            .map_err(|unreadable| anyhow::anyhow!("cannot read {file}: {}", reason(&unreadable)))?;
        if path.ends_with(".tmpl") {
            keep(&mut kept, "files", &path, "templates of notifications");
            continue;
        }
        let value = match yaml::parse(&text) {
            Ok(value) => value,
            Err(error) => bail!("{file}:{}: it is not YAML: {}", error.line, error.reason),
        };
        match sort(&value) {
            Some("scrape") => jobs(&mut draft, &mut kept, &path, &value),
            Some(key) => {
                let groups = value["groups"].items();
                let rules = groups.flat_map(|group| group["rules"].items());
                let named = rules.filter_map(|rule| rule["alert"].as_str());
                alerts.extend(named.map(str::to_string));
                keep(&mut kept, key, &path, &what(key, &value));
            }
            None => kept
                .report
                .lost
                .push(format!("{path}: nothing of it is recognised")),
        }
    }
    draft.taken = alerts;
    ensure!(
        !draft.services.is_empty(),
        "no job becomes a service, and a catalog is of services: a job does that says no more than {}, and whose targets are host:port",
        SAID.join(", ")
    );
    written(draft, kept, cli)
}

/// Proves the draft, with what is wrong with the files accepted as far as it can be, and writes it.
fn written(mut draft: Draft, kept: Kept, cli: &Cli) -> Result<Report> {
    let Kept {
        mut files,
        jobs,
        profiles,
        mut report,
    } = kept;
    let made = (!jobs.is_empty()).then(|| {
        files.entry("scrape").or_default().insert(JOBS.to_string());
        format!(
            "# Jobs that no service of {CATALOG} says: yours to edit.\n{}",
            yaml::print(&json!({ "scrape_configs": jobs }))
        )
    });
    ensure!(
        made.is_none() || !cli.root.join(JOBS).exists(),
        "there is a file {JOBS} already: move it elsewhere"
    );
    let on_disk = files.values().flatten().filter(|path| *path != JOBS);
    let mut texts = BTreeMap::new();
    for path in on_disk {
        let text = read::read(&cli.root.join(path));
        texts.extend(text.ok().map(|text| (path.clone(), text)));
    }
    texts.extend(made.clone().map(|text| (JOBS.to_string(), text)));
    let overlay = Overlay::of(&cli.root).with_extra(texts);
    let mut accepted: BTreeMap<String, String> = BTreeMap::new();
    let outcome = loop {
        draft.more = extra(&files, &profiles, &accepted);
        let outcome = pipeline::prove_with(&draft.text(), &overlay)?;
        let own = |found: &&Diagnostic| {
            found.stops() && found.owners.iter().any(|owner| owner == "/extra")
        };
        let new: Vec<(String, String)> = outcome
            .diagnostics
            .iter()
            .filter(own)
            .filter(|found| !accepted.contains_key(found.code))
            .map(|found| (found.code.to_string(), found.message.clone()))
            .collect();
        if new.is_empty() {
            break outcome;
        }
        accepted.extend(new);
    };
    if outcome.failed() {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    }
    if let Some(text) = &made {
        create(&cli.root, JOBS, text)?;
    }
    create(&cli.root, CATALOG, &draft.text())?;
    report.changed.extend(draft.notes.iter().cloned());
    let warnings = outcome
        .diagnostics
        .into_iter()
        .filter(|found| found.severity == Severity::Warning);
    let mut said = Report::new(outcome.source, warnings.collect()).reading();
    said.line(format!(
        "wrote {CATALOG}: {}, and {} as they are, proved",
        plural(draft.services.len(), "service"),
        plural(files.values().map(BTreeSet::len).sum(), "file")
    ));
    for (title, lines) in [
        ("became services", &report.services),
        ("kept in [extra]", &report.extra),
        ("changed", &report.changed),
        ("lost", &report.lost),
    ] {
        if !lines.is_empty() {
            said.line(format!("{title}:"));
            lines.iter().for_each(|line| said.line(format!("  {line}")));
        }
    }
    if !accepted.is_empty() {
        said.line("found in your files, and accepted in [extra] with `allow`, to be mended one after the other:");
        for (code, message) in &accepted {
            said.line(format!("  {code}, such as: {message}"));
        }
    }
    for (key, lines) in [
        ("services", &report.services),
        ("extra", &report.extra),
        ("changed", &report.changed),
        ("lost", &report.lost),
    ] {
        said.data.insert(key.into(), json!(lines));
    }
    let own_alerts: Vec<String> = draft.alerts().into_iter().map(|(name, _)| name).collect();
    said.data.insert("accepted".into(), json!(accepted));
    said.line(format!(
        "next: say who is told of the catalog's own alerts, {} (`receivers` and [alertmanager.routes]), and write the stack: {}",
        own_alerts.join(" and "),
        cli.command("render")
    ));
    Ok(said)
}

/// `[extra]` as TOML.
fn extra(
    files: &BTreeMap<&str, BTreeSet<String>>,
    profiles: &BTreeMap<String, &str>,
    accepted: &BTreeMap<String, String>,
) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = "\n[extra]\n".to_string();
    for (key, paths) in files {
        let paths: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
        text += &format!("{key} = [{}]\n", paths.join(", "));
    }
    if !accepted.is_empty() {
        text += "allow = [\n";
        for code in accepted.keys() {
            text += &format!(
                "  {{ check = {}, reason = \"it was so when this was adopted\" }},\n",
                quoted(code)
            );
        }
        text += "]\n";
    }
    for (job, profile) in profiles {
        text += &format!(
            "\n[extra.jobs.{}]\nprofiles = [{}]\n",
            quoted(job),
            quoted(profile)
        );
    }
    text
}

fn keep(kept: &mut Kept, key: &'static str, path: &str, what: &str) {
    kept.files.entry(key).or_default().insert(path.to_string());
    kept.report.extra.push(format!("{path}: {what}"));
}

/// The key of [extra] for what a file says; None: it says nothing that is known.
fn sort(value: &Value) -> Option<&'static str> {
    let has = |key: &str| value.get(key).is_some();
    if has("scrape_configs") {
        Some("scrape")
    } else if has("groups") {
        Some("rules")
    } else if has("tests") && has("rule_files") {
        Some("tests")
    } else if has("receivers") || has("route") {
        Some("alertmanager")
    } else if has("panels") || has("rows") {
        Some("dashboards")
    } else if value.items().any(|group| group.get("targets").is_some()) {
        Some("files")
    } else {
        None
    }
}

fn what(key: &str, value: &Value) -> String {
    match key {
        "rules" => {
            let groups = value["groups"].items();
            let rules: Vec<&Value> = groups.flat_map(|group| group["rules"].items()).collect();
            let alerts = rules.iter().filter(|rule| rule.get("alert").is_some());
            let alerts = alerts.count();
            format!(
                "{}, {}",
                plural(alerts, "alert"),
                plural(rules.len() - alerts, "recording rule")
            )
        }
        "tests" => plural(value["tests"].items().len(), "unit test"),
        "alertmanager" => format!(
            "{}, and their routes",
            plural(value["receivers"].items().len(), "receiver")
        ),
        "dashboards" => format!(
            "a dashboard of {}",
            plural(value["panels"].items().len(), "panel")
        ),
        _ => "a list of targets".to_string(),
    }
}

/// Takes the jobs of a configuration apart: services, and jobs that are kept.
fn jobs(draft: &mut Draft, kept: &mut Kept, path: &str, config: &Value) {
    let global = |key: &str| config["global"][key].as_str();
    for (key, _) in config.entries() {
        let line = match key.as_str() {
            "scrape_configs" => continue,
            "global" => {
                let keys: Vec<&str> = config["global"]
                    .entries()
                    .map(|(key, _)| key.as_str())
                    .filter(|key| !["scrape_interval", "scrape_timeout"].contains(key))
                    .collect();
                if keys.is_empty() {
                    continue;
                }
                format!(
                    "{path}: {} of `global`: write it into [prometheus]",
                    keys.join(", ")
                )
            }
            "rule_files" => continue,
            "alerting" => continue,
            key => format!("{path}: `{key}`"),
        };
        kept.report.lost.push(line);
    }
    for job in config["scrape_configs"].items() {
        let Some(name) = job["job_name"].as_str() else {
            kept.report
                .lost
                .push(format!("{path}: a job without a job_name"));
            continue;
        };
        if SERVERS.contains(&name) {
            kept.report.changed.push(format!(
                "job {name}: monstack scrapes its own {name} in its place"
            ));
            continue;
        }
        let interval = job["scrape_interval"]
            .as_str()
            .or(global("scrape_interval"))
            .unwrap_or("1m");
        match service(job, name, interval, path, draft) {
            Some(found) => {
                let profile = found.profile;
                draft.add(found);
                kept.report.services.push(match profile {
                    Some(profile) => format!("job {name}, with the profile {profile}"),
                    None => format!("job {name}"),
                });
                kept.report.changed.push(format!(
                    "job {name}: its series get the labels service and component"
                ));
            }
            None => {
                let mut own: Map<String, Value> = job.as_object().cloned().unwrap_or_default();
                // What it had of the configuration that it stood in.
                for key in ["scrape_interval", "scrape_timeout"] {
                    if let (false, Some(value)) = (own.contains_key(key), global(key)) {
                        own.insert(key.to_string(), value.into());
                    }
                }
                own.entry("scrape_interval").or_insert("1m".into());
                moved(&mut own, path);
                kept.jobs.push(Value::Object(own));
                let groups = job["static_configs"].items();
                let targets = groups.flat_map(|group| group["targets"].texts());
                let targets: Vec<String> = targets.map(str::to_string).collect();
                if let Some(profile) = exporter_of(name, &targets) {
                    kept.report.changed.push(format!(
                        "job {name}: it is taken to expose what the profile {profile} lists"
                    ));
                    kept.profiles.insert(name.to_string(), profile);
                }
                kept.report.extra.push(format!("job {name}, in {JOBS}"));
            }
        }
    }
}

/// A job as a service: one that says nothing else than a service can, under the same name, with the same targets.
fn service(job: &Value, name: &str, interval: &str, path: &str, draft: &Draft) -> Option<Found> {
    let slug = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let plain_keys = job.entries().all(|(key, _)| SAID.contains(&key.as_str()));
    let groups = job["static_configs"].items();
    let labelled = groups.clone().any(|group| group.get("labels").is_some());
    let targets: Vec<String> = groups
        .flat_map(|group| group["targets"].items())
        .map(plain)
        .collect();
    let distinct: BTreeSet<&String> = targets.iter().collect();
    let here = |target: &String| target.starts_with("localhost:") || target.starts_with("127.");
    let sound = !targets.is_empty()
        && distinct.len() == targets.len()
        && targets
            .iter()
            .all(|target| is_target(target) && !here(target));
    let taken = draft.has(name);
    if !(slug && plain_keys && !labelled && sound && !taken && Duration::parse(interval).is_some())
    {
        return None;
    }
    let profile = exporter_of(name, &targets);
    Some(Found {
        name: name.to_string(),
        from: path.to_string(),
        targets,
        https: job["scheme"] == "https",
        metrics_path: job["metrics_path"]
            .as_str()
            .filter(|path| *path != "/metrics")
            .map(str::to_string),
        scrape_interval: Some(interval.to_string()),
        runtime: profile.map(|_| "go"),
        profile,
        ..Found::default()
    })
}

/// Lists of targets are named from the file of the jobs on, which now is another, and secrets from the folder of the catalog on.
fn moved(job: &mut Map<String, Value>, path: &str) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for value in job.values_mut() {
        secrets(value, folder);
    }
    let lists = job.get_mut("file_sd_configs").and_then(Value::as_array_mut);
    for list in lists.into_iter().flatten() {
        let files = list.get_mut("files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten() {
            if let Some(text) = file.as_str().filter(|text| !text.starts_with('/')) {
                *file = match folder {
                    "" => format!("../{text}"),
                    folder => format!("../{folder}/{text}"),
                }
                .into();
            }
        }
    }
}

fn secrets(value: &mut Value, folder: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_str().filter(|_| key.ends_with("_file")) {
                    Some(text) if !text.starts_with('/') && !folder.is_empty() => {
                        *value = format!("{folder}/{}", text.trim_start_matches("./")).into();
                    }
                    Some(_) => {}
                    None => secrets(value, folder),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| secrets(value, folder)),
        _ => {}
    }
}

/// The path of a file from the root on.
fn below(root: &Path, file: &str) -> Result<String> {
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot read the folder {}", root.display()))?;
    let path = Path::new(file)
        .canonicalize()
        .with_context(|| format!("cannot read {file}"))?;
    let below = path.strip_prefix(&root).ok().and_then(Path::to_str);
    below.map(str::to_string).with_context(|| {
        format!(
            "{file} is not below {}: what is kept stands beside the catalog, so copy it there first",
            root.display()
        )
    })
}

fn reason(unreadable: &read::Unreadable) -> String {
    match unreadable {
        read::Unreadable::Missing => "it is not there".to_string(),
        read::Unreadable::Refused(reason, _) | read::Unreadable::NotText { reason, .. } => {
            reason.clone()
        }
    }
}
