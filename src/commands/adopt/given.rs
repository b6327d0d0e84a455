//! What is given: every file is read and sorted, and a configuration of Prometheus taken apart.

use super::files::Sort;
use super::{Adopted, Args, alerts, files, made_of};
use crate::commands::init::draft::{Draft, SCRAPED, UNKNOWN};
use crate::commands::init::jobs::{self, Job};
use crate::json::plain;
use crate::overlay::glob;
use crate::source::read;
use crate::value::{Value, json};
use crate::yaml;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

impl Adopted {
    pub(super) fn read(args: &Args, root: &Path) -> Result<Adopted> {
        let mut adopted = Adopted {
            draft: Draft::new(args.name.as_deref(), root, Some(UNKNOWN)),
            jobs: Vec::new(),
            files: BTreeMap::new(),
            texts: BTreeMap::new(),
            rules: BTreeMap::new(),
            tested: BTreeSet::new(),
            recognised: Vec::new(),
            stay: Vec::new(),
            metrics: BTreeMap::new(),
            declared: String::new(),
            settings: BTreeMap::new(),
            stores: Vec::new(),
            accepted: BTreeMap::new(),
            accepted_settings: BTreeMap::new(),
            alertmanager: None,
            prometheus: Value::Null,
            told: None,
            untold: None,
            changed: Vec::new(),
            lost: Vec::new(),
        };
        let mut values = Vec::new();
        for file in &args.files {
            let path = below(root, file)?;
            let text = read::read(&root.join(&path)).map_err(|unreadable| {
                anyhow::anyhow!("cannot read {file}: {}", reason(&unreadable))
            })?;
            if path.ends_with(".tmpl") {
                let what = "templates of notifications".to_string();
                adopted.files.insert(path.clone(), ("files", what));
            } else {
                match yaml::of_file(&path, &text) {
                    Ok(value) => values.push((path.clone(), value)),
                    // Grafana takes dashboards that say a key twice, and what is no dashboard is none of a stack.
                    Err(error) if path.ends_with(".json") => {
                        adopted.lost.push(format!(
                            "{path}:{}: {}: correct it, and name the file in [extra]",
                            error.line, error.reason
                        ));
                        continue;
                    }
                    Err(error) => bail!("{file}:{}: {}", error.line, error.reason),
                }
            }
            adopted.texts.insert(path, text);
        }
        for (path, value) in &values {
            if matches!(files::sort(value, false), Sort::Jobs) {
                adopted.configuration(path, value, &args.files);
            }
        }
        adopted.sort(&values);
        adopted.severities();
        adopted.watched();
        adopted.listed(&values);
        adopted.oldest_release();
        adopted.services();
        Ok(adopted)
    }

    /// What becomes of every file that is no configuration of Prometheus.
    fn sort(&mut self, values: &[(String, Value)]) {
        let listed: Vec<String> = self.jobs.iter().flat_map(|(job, _)| job.lists()).collect();
        for (path, value) in values {
            if value["dashboard"]["panels"].is_array() {
                self.unwrapped(path, &value["dashboard"]);
                continue;
            }
            match files::sort(value, listed.iter().any(|pattern| glob(pattern, path))) {
                Sort::Jobs => {}
                Sort::Kept(key) => {
                    let named = files::rules(value).filter_map(|rule| rule["alert"].as_str());
                    self.draft.taken.extend(named.map(str::to_string));
                    let content = files::content(key, value);
                    if key == "alertmanager" {
                        // Of two, each with routes, no catalog could say which.
                        self.alertmanager = match self.alertmanager.take() {
                            None => Some((path.clone(), value.clone())),
                            Some(_) => None,
                        };
                    }
                    if key == "rules" {
                        self.rules.insert(path.clone(), value.clone());
                    }
                    let tests = value["tests"].items();
                    let tests = tests.flat_map(|test| test["alert_rule_test"].items());
                    let tested = tests.filter_map(|test| test["alertname"].as_str());
                    self.tested.extend(tested.map(str::to_string));
                    self.files.insert(path.clone(), (key, content));
                }
                Sort::Left(why) => self.lost.push(format!("{path}: {why}")),
            }
        }
    }

    /// What the rules watch already: of that the draft has no alert of its own.
    fn watched(&mut self) {
        for rule in self.rules.values().flat_map(files::rules) {
            match alerts::of_targets(rule) {
                Some(None) => self.draft.targets_watched = true,
                Some(Some(job)) => drop(self.draft.watched.insert(job)),
                None => {}
            }
        }
    }

    /// The labels that lists of targets give.
    fn listed(&mut self, values: &[(String, Value)]) {
        for (job, _) in &mut self.jobs {
            let lists = job.lists();
            let given = values
                .iter()
                .filter(|(path, _)| lists.iter().any(|pattern| glob(pattern, path)));
            let groups = given.flat_map(|(_, list)| list.items());
            let labels = groups.flat_map(|group| group["labels"].entries());
            job.listed = labels.map(|(label, _)| label.clone()).collect();
        }
    }

    /// The oldest release that reads the rules.
    fn oldest_release(&mut self) {
        let longer = |rule: &Value| rule.get("keep_firing_for").is_some();
        if self.rules.values().flat_map(files::rules).any(longer) {
            let since = "`keep_firing_for` is read since Prometheus 2.42".to_string();
            let setting = (r#""2.42""#.to_string(), since.clone());
            self.settings.insert("minimum_version", setting);
            self.changed.push(since);
        }
    }

    /// The jobs that a catalog can say become services.
    fn services(&mut self) {
        let all: Vec<Job> = std::mem::take(&mut self.jobs)
            .into_iter()
            .map(|(job, _)| job)
            .collect();
        let on_host = jobs::on_host(&all);
        if on_host {
            let here = "jobs on this machine: Prometheus runs on it, without a container";
            let setting = (r#""host""#.to_string(), here.to_string());
            self.settings.insert("runs_on", setting);
            self.changed.push(here.to_string());
        }
        self.written_to(on_host);
        for job in all {
            let found = match self.draft.has(&job.name) {
                true => Err("there is another job of this name".to_string()),
                false => job.service(match on_host {
                    true => jobs::Reach::OnHost,
                    false => jobs::Reach::Kept,
                }),
            };
            let why = match found {
                Ok(found) => {
                    let services = &mut self.draft.services;
                    services.push((found.name.clone(), found));
                    None
                }
                Err(why) => Some(why),
            };
            self.jobs.push((job, why));
        }
    }

    /// `[severities]`, where the rules have others than the usual ones.
    fn severities(&mut self) {
        const RANKS: [&[&str]; 4] = [
            &[
                "critical",
                "highest",
                "urgent",
                "page",
                "emergency",
                "fatal",
                "disaster",
                "sev1",
                "p1",
            ],
            &["error", "high", "major", "sev2", "p2"],
            &[
                "warning", "warn", "ticket", "medium", "average", "minor", "sev3", "p3",
            ],
            &[
                "info",
                "low",
                "lowest",
                "notice",
                "information",
                "sev4",
                "p4",
            ],
        ];
        let rank = |name: &str| {
            let name = name.to_lowercase();
            let mut ranks = RANKS.iter();
            ranks
                .position(|names| names.contains(&name.as_str()))
                .unwrap_or(2)
        };
        let schema = crate::catalog::schema::SCHEMA.pointer("/$defs/severity/pattern");
        let pattern = schema.and_then(Value::as_str).unwrap_or_default();
        let fits = fancy_regex::Regex::new(pattern);
        let rules = self.rules.values().flat_map(files::rules);
        let said = rules.filter_map(|rule| rule["labels"]["severity"].as_str());
        let said: BTreeSet<&str> = said.filter(|name| !name.contains("{{")).collect();
        let mut names: Vec<String> = said
            .into_iter()
            .filter(|name| {
                fits.as_ref()
                    .is_ok_and(|fits| fits.is_match(name).unwrap_or(false))
            })
            .map(str::to_string)
            .collect();
        let usual = ["critical", "warning", "info"];
        if names.iter().all(|name| usual.contains(&name.as_str())) {
            return;
        }
        let own = names.clone();
        // Those that alerts of a first catalog have.
        for name in &usual[..2] {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
        // Of equals those that somebody's routes know come first.
        names.sort_by_key(|name| (rank(name), !own.contains(name), name.clone()));
        self.changed.push(format!(
            "severities are taken to be as urgent as they stand here, the most urgent first: {}",
            names.join(", ")
        ));
        self.draft.severities = names;
    }

    /// A dashboard as Grafana's API answers it: what is inside is kept, in a file of its own.
    fn unwrapped(&mut self, path: &str, dashboard: &Value) {
        let made = made_of(path);
        self.changed.push(format!(
            "{path}: what is inside of `dashboard` is kept, in {made}"
        ));
        let content = files::content("dashboards", dashboard);
        self.texts.insert(made.clone(), format!("{dashboard:#}\n"));
        self.files.insert(made, ("dashboards", content));
    }

    /// Takes a configuration of Prometheus apart.
    fn configuration(&mut self, path: &str, config: &Value, given: &[String]) {
        self.scrapes(config);
        for (key, value) in config.entries() {
            match key.as_str() {
                "scrape_configs" => {}
                "global" => self.global(path, value),
                "alerting" => self.alerting(path, value),
                "remote_write" => {
                    let all = value
                        .items()
                        .cloned()
                        .map(|store| (path.to_string(), store));
                    self.stores.extend(all);
                }
                "rule_files" => {
                    for pattern in value.texts() {
                        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
                        if !given.iter().any(|file| glob(&last(pattern), &last(file))) {
                            self.lost.push(format!(
                                "{path}: rule_files names {pattern}, of which no file was given"
                            ));
                        }
                    }
                }
                key => self.lost.push(format!("{path}: `{key}`")),
            }
        }
        for job in config["scrape_configs"].items() {
            match Job::of(config, job, path) {
                Some(job) if SCRAPED.contains(&job.name.as_str()) => {
                    let name = &job.name;
                    self.changed.push(format!(
                        "job {name}: monstack scrapes its own {name} in its place"
                    ));
                }
                Some(job) => self.jobs.push((job, None)),
                None => self.lost.push(format!("{path}: a job without a job_name")),
            }
        }
    }

    /// Takes the jobs of a configuration for those that there were; of two with one name, the first.
    fn scrapes(&mut self, config: &Value) {
        if self.prometheus.is_null() {
            self.prometheus = config.clone();
            return;
        }
        let known = self.prometheus["scrape_configs"].items();
        let known: BTreeSet<String> = known.map(|job| plain(&job["job_name"])).collect();
        let more = config["scrape_configs"].items();
        let more = more.filter(|job| !known.contains(&plain(&job["job_name"])));
        let more: Vec<Value> = more
            .map(|job| {
                let mut job = job.clone();
                for key in ["scrape_interval", "scrape_timeout"] {
                    let usual = config["global"].get(key);
                    if let (Some(usual), None) = (usual, job.get(key)) {
                        job[key] = usual.clone();
                    }
                }
                job
            })
            .collect();
        if let Some(all) = self.prometheus["scrape_configs"].as_array_mut() {
            all.extend(more);
        }
    }

    fn global(&mut self, path: &str, global: &Value) {
        for (key, value) in global.entries() {
            let from = format!("{path}: {key} of `global`");
            let known = ["evaluation_interval", "external_labels"];
            match known.into_iter().find(|known| known == key) {
                _ if ["scrape_interval", "scrape_timeout"].contains(&key.as_str()) => {}
                Some(key) => match jobs::toml(value) {
                    Some(value) => {
                        self.settings.insert(key, (value, from));
                    }
                    None => self.lost.push(from),
                },
                None => self.lost.push(from),
            }
        }
    }

    /// Stores that get the samples too, as far as a catalog says them.
    fn written_to(&mut self, on_host: bool) {
        let mut kept = Vec::new();
        for (path, store) in std::mem::take(&mut self.stores) {
            let from = format!("{path}: remote_write to {}", plain(&store["url"]));
            let mut guessed = Vec::new();
            match jobs::store(&path, &store, on_host, &mut guessed) {
                Ok((value, unsaid)) => {
                    let guessed = guessed.iter();
                    self.changed
                        .extend(guessed.map(|guessed| format!("{from}: {guessed}")));
                    let tuned = unsaid.iter();
                    self.lost
                        .extend(tuned.map(|key| format!("{from}: its `{key}`")));
                    kept.push(value);
                }
                Err(why) => self.lost.push(format!("{from}: {why}")),
            }
        }
        if !kept.is_empty() {
            let from = "remote_write".to_string();
            let value = format!("[{}]", kept.join(", "));
            self.settings.insert("remote_write", (value, from));
        }
    }

    /// Where alerts are sent, where that is another Alertmanager than the one of the stack.
    fn alerting(&mut self, path: &str, alerting: &Value) {
        let groups = alerting["alertmanagers"].items();
        let groups = groups.flat_map(|one| one["static_configs"].items());
        let addresses: Vec<&str> = groups.flat_map(|group| group["targets"].texts()).collect();
        let own = |address: &&str| ["alertmanager:9093", "localhost:9093"].contains(address);
        if !addresses.iter().all(own) {
            let from = format!("{path}: where alerts are sent");
            let value = jobs::toml(&json!(addresses)).unwrap_or_default();
            self.settings.insert("alertmanagers", (value, from));
        }
        let others = alerting
            .entries()
            .filter(|(key, _)| *key != "alertmanagers");
        for (key, rules) in others {
            let dropped = rules.items().filter(|rule| rule["action"] == "labeldrop");
            let dropped: Vec<String> = dropped.map(|rule| plain(&rule["regex"])).collect();
            let follows = match dropped.is_empty() {
                true => "alerts are sent with the labels that they have, and routes and silences by changed ones end".to_string(),
                false => format!(
                    "alerts are sent with {} too: of two Prometheus that differ in it, each is told apart, and everybody is told twice. Send from one of them, or take the label out of `external_labels`",
                    dropped.join(" and ")
                ),
            };
            self.lost
                .push(format!("{path}: {key} of `alerting`: {follows}"));
        }
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
