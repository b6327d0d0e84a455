//! `adopt` writes a first catalog of a stack that is kept by hand: jobs that a catalog can say become services, everything else is
//! kept as it is, in [extra]. What changes, and what is lost, is said.

mod alerts;
mod compared;
mod files;
mod inferred;
mod played;
mod receivers;
mod silence;
mod told;

use super::init::draft::{Draft, SCRAPED, UNKNOWN};
use super::init::jobs::{self, Job};
use super::{Cli, Report, render};
use crate::allow::never;
use crate::diagnostic::{Diagnostic, Place, Severity, location, plural};
use crate::generated::{create, create_secret};
use crate::json::{Parts, plain};
use crate::overlay::{Overlay, glob};
use crate::pipeline::{self, CATALOG, Outcome};
use crate::source::read;
use crate::stack::Stack;
use crate::stack::notifications::matchers::Labels;
use crate::yaml;
use alerts::{Recognised, Stays};
use anyhow::{Context, Result, bail, ensure};
use files::Sort;
use inferred::Inferred;
use played::Differs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use told::{Known, Told};

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

/// Where files are written that are not kept as they are.
const MADE: &str = "adopted/";

/// Where jobs are kept that no service can say.
const JOBS: &str = "adopted/jobs.yml";

/// A stack that is kept by hand, and what becomes of each part.
struct Adopted {
    draft: Draft,
    /// Those that become services have no reason against it.
    jobs: Vec<(Job, Option<String>)>,
    /// Path → key of [extra], and what it is.
    files: BTreeMap<String, (&'static str, String)>,
    texts: BTreeMap<String, String>,
    /// Rule files as they are, by path.
    rules: BTreeMap<String, Value>,
    /// Alerts that unit tests of the user's name.
    tested: BTreeSet<String>,
    /// Alerts of the rule files that are alerts of the catalog,
    recognised: Vec<Recognised>,
    /// and those that are none.
    stay: Vec<Stays>,
    /// What those read that only rules tell of.
    metrics: BTreeMap<String, Inferred>,
    /// `[metrics]` with all that only rules tell of.
    declared: String,
    /// Keys of [prometheus] as TOML, each with where it comes from.
    settings: BTreeMap<&'static str, (String, String)>,
    /// Stores of `remote_write`, each with the file that names it.
    stores: Vec<(String, Value)>,
    /// What is found in the files, code → the first of it.
    accepted: BTreeMap<String, String>,
    /// The same of what [prometheus] names.
    accepted_settings: BTreeMap<String, String>,
    /// The alertmanager.yml, and the configuration of Prometheus as it is.
    alertmanager: Option<(String, Value)>,
    prometheus: Value,
    /// Who is told, where a catalog can say it,
    told: Option<Told>,
    /// and why not.
    untold: Option<String>,
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
    ensure!(
        !cli.root.join(MADE).exists(),
        "there is a folder {MADE} already: move it elsewhere"
    );
    let mut adopted = Adopted::read(args, &cli.root)?;
    let mut outcome = adopted.settled(&cli.root)?;
    let as_rules = (adopted.draft.text(), adopted.overlay(&cli.root));
    let recognised = !outcome.failed() && adopted.recognise(&cli.root);
    let before = adopted.firing(&outcome, as_rules);
    if recognised {
        outcome = adopted.settled(&cli.root)?;
        while !outcome.failed() && adopted.take_back(&outcome) {
            outcome = adopted.settled(&cli.root)?;
        }
    }
    if outcome.failed() {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    }
    if let Some(told) = adopted.who_is_told(&cli.root, &before)? {
        outcome = told;
    }
    let differ = compared::targets(&adopted.prometheus, &outcome);
    adopted.changed.extend(differ);
    adopted.compare(&outcome, &before);
    adopted.secrets(&cli.root)?;
    let jobs = adopted.kept_jobs();
    let jobs = jobs.map(|text| (JOBS.to_string(), text));
    let kept = adopted.texts.iter();
    let made = kept.filter(|(path, _)| path.starts_with(MADE) && adopted.files.contains_key(*path));
    let made = made.map(|(path, text)| (path.clone(), text.clone()));
    for (path, text) in made.chain(jobs) {
        create(&cli.root, &path, &text)?;
    }
    create(&cli.root, CATALOG, &adopted.draft.text())?;
    Ok(adopted.report(outcome, cli))
}

impl Adopted {
    fn read(args: &Args, root: &Path) -> Result<Adopted> {
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
                match yaml::parse(&text) {
                    Ok(value) => values.push((path.clone(), value)),
                    // Grafana takes dashboards that say a key twice, and what is no dashboard is none of a stack.
                    Err(error) if path.ends_with(".json") => {
                        adopted.lost.push(format!(
                            "{path}:{}: {}: correct it, and name the file in [extra]",
                            error.line, error.reason
                        ));
                        continue;
                    }
                    Err(error) => bail!("{file}:{}: it is not YAML: {}", error.line, error.reason),
                }
            }
            adopted.texts.insert(path, text);
        }
        for (path, value) in &values {
            if matches!(files::sort(value, false), Sort::Jobs) {
                adopted.configuration(path, value, &args.files);
            }
        }
        let listed: Vec<String> = adopted
            .jobs
            .iter()
            .flat_map(|(job, _)| job.lists())
            .collect();
        for (path, value) in &values {
            if value["dashboard"]["panels"].is_array() {
                adopted.unwrapped(path, &value["dashboard"]);
                continue;
            }
            match files::sort(value, listed.iter().any(|pattern| glob(pattern, path))) {
                Sort::Jobs => {}
                Sort::Kept(key) => {
                    let named = files::rules(value).filter_map(|rule| rule["alert"].as_str());
                    adopted.draft.taken.extend(named.map(str::to_string));
                    let content = files::content(key, value);
                    if key == "alertmanager" {
                        // Of two, each with routes, no catalog could say which.
                        adopted.alertmanager = match adopted.alertmanager.take() {
                            None => Some((path.clone(), value.clone())),
                            Some(_) => None,
                        };
                    }
                    if key == "rules" {
                        adopted.rules.insert(path.clone(), value.clone());
                    }
                    let tests = value["tests"].items();
                    let tests = tests.flat_map(|test| test["alert_rule_test"].items());
                    let tested = tests.filter_map(|test| test["alertname"].as_str());
                    adopted.tested.extend(tested.map(str::to_string));
                    adopted.files.insert(path.clone(), (key, content));
                }
                Sort::Left(why) => adopted.lost.push(format!("{path}: {why}")),
            }
        }
        adopted.severities();
        for rule in adopted.rules.values().flat_map(files::rules) {
            match alerts::of_targets(rule) {
                Some(None) => adopted.draft.targets_watched = true,
                Some(Some(job)) => drop(adopted.draft.watched.insert(job)),
                None => {}
            }
        }
        for (job, _) in &mut adopted.jobs {
            let lists = job.lists();
            let given = values
                .iter()
                .filter(|(path, _)| lists.iter().any(|pattern| glob(pattern, path)));
            let groups = given.flat_map(|(_, list)| list.items());
            let labels = groups.flat_map(|group| group["labels"].entries());
            job.listed = labels.map(|(label, _)| label.clone()).collect();
        }
        let longer = |rule: &Value| rule.get("keep_firing_for").is_some();
        if adopted.rules.values().flat_map(files::rules).any(longer) {
            let since = "`keep_firing_for` is read since Prometheus 2.42".to_string();
            let setting = (r#""2.42""#.to_string(), since.clone());
            adopted.settings.insert("minimum_version", setting);
            adopted.changed.push(since);
        }
        let all: Vec<Job> = std::mem::take(&mut adopted.jobs)
            .into_iter()
            .map(|(job, _)| job)
            .collect();
        let on_host = jobs::on_host(&all);
        if on_host {
            let here = "jobs on this machine: Prometheus runs on it, without a container";
            let setting = (r#""host""#.to_string(), here.to_string());
            adopted.settings.insert("runs_on", setting);
            adopted.changed.push(here.to_string());
        }
        adopted.written_to(on_host);
        for job in all {
            let found = match adopted.draft.has(&job.name) {
                true => Err("there is another job of this name".to_string()),
                false => job.service(match on_host {
                    true => jobs::Reach::OnHost,
                    false => jobs::Reach::Kept,
                }),
            };
            let why = match found {
                Ok(found) => {
                    let services = &mut adopted.draft.services;
                    services.push((found.name.clone(), found));
                    None
                }
                Err(why) => Some(why),
            };
            adopted.jobs.push((job, why));
        }
        Ok(adopted)
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

    /// Finds the alerts that a kind says; whether there are any.
    fn recognise(&mut self, root: &Path) -> bool {
        let profiles = jobs::profiles(&self.kept());
        let kept = self.kept();
        let beside: Vec<alerts::Beside> = kept
            .iter()
            .map(|job| (job.name.as_str(), profiles.get(&job.name).copied()))
            .collect();
        let rules = self.rules.values().flat_map(files::rules);
        let rules: Vec<Value> = rules.cloned().collect();
        let draft = self.draft.without_alerts();
        let overlay = Overlay::of(root);
        let all = alerts::recognised(&draft, &overlay, &rules, &self.tested, &beside);
        (self.recognised, self.stay, self.metrics) = (all.found, all.stay, all.metrics);
        self.declared = all.declared;
        self.without_recognised();
        !self.recognised.is_empty()
    }

    /// How alerts of the rule files differ in the stack that the draft becomes: each is run in both.
    fn differ(&self, outcome: &Outcome) -> Vec<(String, Differs)> {
        let (Some(catalog), Some(rendered)) = (&outcome.catalog, &outcome.rendered) else {
            return Vec::new();
        };
        let stack = Stack::read(catalog, rendered);
        let profiles = jobs::profiles(&self.kept());
        let kept = self.kept();
        let exposes = |job: &str, name: &str| {
            if name == "up" || name.starts_with("scrape_") {
                return Some(true);
            }
            match kept.iter().any(|one| one.name == job) {
                true => {
                    let profile = catalog.profiles.get(profiles.get(job)?)?;
                    Some(alerts::lists(profile, name))
                }
                false => alerts::service_exposes(catalog, catalog.service(job)?, name),
            }
        };
        let stage = played::Stage {
            old: played::read(self.rules.values().flat_map(files::rules)),
            new: stack.rules.iter().map(|one| &one.rule).collect(),
            targets: compared::called(&self.prometheus, &stack),
            flags: self
                .recognised
                .iter()
                .filter_map(|one| one.flag.as_deref())
                .collect(),
            exposes: &exposes,
        };
        stage.differ()
    }

    /// Takes back what was taken for an alert of a kind, and does something else in the stack as a whole; whether there is any.
    fn take_back(&mut self, outcome: &Outcome) -> bool {
        let before = self.recognised.len();
        for (name, differs) in self.differ(outcome) {
            let Differs::Fires(how) = differs else {
                continue;
            };
            if let Some(at) = self.recognised.iter().position(|one| one.name == name) {
                let one = self.recognised.remove(at);
                self.draft.taken.insert(name.clone());
                self.stay.push(Stays {
                    why: format!("as an alert of the kind {} it {how}", one.kind),
                    name,
                    because: None,
                });
            }
        }
        self.without_recognised();
        self.recognised.len() < before
    }

    /// Says what differs between the stack as it was and as it is: which alerts fire, and which hold back others.
    fn compare(&mut self, outcome: &Outcome, before: &[Labels]) {
        for (name, differs) in self.differ(outcome) {
            match differs {
                Differs::Lost => self.lost.push(format!("alert {name}")),
                Differs::Said(how) => self.changed.push(format!("alert {name}: {how}")),
                Differs::Fires(how) => self.changed.push(format!("alert {name}: it {how}")),
            }
        }
        if let Some((_, old)) = &self.alertmanager {
            let held = compared::held_back(old, before, outcome);
            self.changed.extend(held);
        }
    }

    /// Writes what is left of the rule files, and gives the draft its alerts.
    fn without_recognised(&mut self) {
        let names: BTreeSet<&str> = self
            .recognised
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        for (path, file) in &self.rules {
            let made = made_of(path);
            self.files.remove(path);
            self.files.remove(&made);
            let left = files::without(file, &names);
            let count = |file: &Value| files::rules(file).count();
            match count(&left) {
                0 => {}
                some if some == count(file) => {
                    let content = files::content("rules", file);
                    self.files.insert(path.clone(), ("rules", content));
                }
                _ => {
                    let content = files::content("rules", &left);
                    let text = format!(
                        "# What is left of {path}: yours to edit.\n{}",
                        yaml::print(&left)
                    );
                    self.texts.insert(made.clone(), text);
                    self.files.insert(made, ("rules", content));
                }
            }
        }
        self.draft
            .taken
            .retain(|name| !names.contains(name.as_str()));
        let own = self.recognised.iter();
        self.draft.own = own
            .map(|one| (one.name.clone(), one.says.clone()))
            .collect();
    }

    /// The jobs that are kept, as a file of their own.
    fn kept_jobs(&self) -> Option<String> {
        let kept: Vec<Value> = self.kept().iter().map(|job| job.moved()).collect();
        (!kept.is_empty()).then(|| {
            format!(
                "# Jobs that no service of {CATALOG} says: yours to edit.\n{}",
                yaml::print(&json!({ "scrape_configs": kept }))
            )
        })
    }

    fn kept(&self) -> Vec<&Job> {
        let kept = self.jobs.iter().filter(|(_, why)| why.is_some());
        kept.map(|(job, _)| job).collect()
    }

    /// The alerts of the rule files, as their Alertmanager got them. `outcome`: all of them are rules, beside the draft as it was then.
    fn firing(&self, outcome: &Outcome, (draft, overlay): (String, Overlay)) -> Vec<Labels> {
        let rules = self.rules.values().flat_map(files::rules);
        let own: BTreeSet<&str> = rules.filter_map(|rule| rule["alert"].as_str()).collect();
        // What nobody is known to expose would have no labels.
        let known = format!("{draft}{}", self.declared);
        let known = pipeline::lint_with(&known, &overlay).catalog;
        compared::firing((outcome, known.as_ref()), &own, &self.prometheus)
    }

    /// Says in the catalog who is told, where that is the same for every alert; what it proves to then.
    fn who_is_told(&mut self, root: &Path, before: &[Labels]) -> Result<Option<Outcome>> {
        let Some((path, config)) = self.alertmanager.clone() else {
            return Ok(None);
        };
        let Some(kept) = self.files.remove(&path) else {
            return Ok(None);
        };
        let services = self.draft.names();
        let services: BTreeSet<&str> = services.iter().map(String::as_str).collect();
        let names: Vec<String> = self.recognised.iter().map(|one| one.name.clone()).collect();
        let of_catalog: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let severities = match self.draft.severities.as_slice() {
            [] => ["critical", "warning", "info"].map(str::to_string).to_vec(),
            own => own.to_vec(),
        };
        let jobs = self.prometheus["scrape_configs"].clone();
        let labelled = |job: &str, label: &str| {
            let mut jobs = jobs.items().filter(|one| one["job_name"] == job);
            let groups = jobs
                .next()
                .into_iter()
                .flat_map(|one| one["static_configs"].items());
            groups
                .clone()
                .any(|group| group["labels"].get(label).is_some())
        };
        let known = Known {
            alerts: before,
            labelled: &labelled,
            severities: &severities,
            of_catalog: &of_catalog,
            services: &services,
            on_host: self.settings.contains_key("runs_on"),
        };
        let draft = self.draft.clone();
        let mut why = None;
        for with_owners in [true, false] {
            let told = match Told::of(&config, &known, with_owners) {
                Ok(told) => told,
                Err(reason) => {
                    why.get_or_insert(reason);
                    continue;
                }
            };
            for (service, found) in &mut self.draft.services {
                let owner = told.of_services.get(service);
                let owner = owner.map(|owner| format!("owner = \"{owner}\""));
                found.more.extend(owner);
            }
            for (alert, says) in &mut self.draft.own {
                if let (Some(owner), Some(inside)) =
                    (told.of_alerts.get(alert), says.strip_suffix('}'))
                {
                    *says = format!("{}, owner = \"{owner}\" }}", inside.trim_end());
                }
            }
            let waits = told.waits.iter().cloned();
            self.draft
                .servers
                .extend(waits.map(|line| ("alertmanager", line)));
            let mut told = told;
            let accepted = std::mem::take(&mut self.accepted);
            let outcome = loop {
                self.told = Some(told.clone());
                // What is left out takes what was found in it along.
                self.accepted.clear();
                let outcome = self.proved_but_for_own(root)?;
                let refused = outcome.diagnostics.iter().filter(|found| found.stops());
                let mut left_out = false;
                for found in refused {
                    if let Place::Key(pointer) | Place::Value(pointer) = &found.place {
                        left_out |= told.receivers.without(pointer, &found.message);
                    } else if found.code == "notification-text" {
                        left_out |= told.receivers.without_words(&found.message);
                    }
                }
                if !left_out {
                    break outcome;
                }
            };
            let refused = outcome.diagnostics.iter().find(|found| found.stops());
            let reason = match refused {
                Some(refused) => Some(refused.message.clone()),
                None => compared::told(&told, &config, before, &outcome),
            };
            match reason {
                None => return Ok(Some(outcome)),
                Some(reason) => drop(why.get_or_insert(reason)),
            }
            self.told = None;
            self.accepted = accepted;
            self.draft = draft.clone();
        }
        self.files.insert(path, kept);
        self.untold = why;
        Ok(None)
    }

    /// What the draft proves to once what is wrong with the files that are kept is accepted.
    fn proved_but_for_own(&mut self, root: &Path) -> Result<Outcome> {
        loop {
            let outcome = self.proved(root)?;
            let before = self.accepted.len();
            for found in outcome.diagnostics.iter().filter(|found| found.stops()) {
                let own = found.owners.iter().any(|owner| owner == "/extra");
                if own && never(found.code).is_none() {
                    let code = found.code.to_string();
                    self.accepted.entry(code).or_insert(found.message.clone());
                }
            }
            if self.accepted.len() == before {
                return Ok(outcome);
            }
        }
    }

    /// Writes the secrets that a configuration held, for nobody else to read.
    fn secrets(&mut self, root: &Path) -> Result<()> {
        let Some(told) = &self.told else {
            return Ok(());
        };
        let on_host = self.settings.contains_key("runs_on");
        for (path, text) in &told.receivers.secrets {
            if root.join(path).exists() {
                self.changed.push(format!(
                    "{path} is there already: compare it with what your alertmanager.yml holds"
                ));
                continue;
            }
            create_secret(root, path, text)?;
            let read = match on_host {
                true => format!(
                    ", and put it where the Alertmanager reads it, at {}",
                    receivers::read_at(path)
                ),
                false => String::new(),
            };
            self.changed.push(format!(
                "{path} holds what stands in your alertmanager.yml: keep it out of version control{read}"
            ));
        }
        Ok(())
    }

    /// That no job became a service, and what to begin with instead.
    fn nothing(&self) -> String {
        let reasons = self.jobs.iter();
        let reasons: Vec<String> = reasons
            .filter_map(|(job, why)| Some(format!("{}: {}", job.name, why.as_ref()?)))
            .collect();
        let because = match reasons.is_empty() {
            true => {
                "there is none but those of the servers themselves, which monstack scrapes anyway"
                    .to_string()
            }
            false => reasons.join("; "),
        };
        format!(
            "no job becomes a service, and a catalog is of services: {because}; begin with one that you watch, `monstack init --service NAME:PORT`, and name these files under [extra]"
        )
    }

    /// Proves the draft until nothing is left that leaving a part of it as it is, or accepting what is wrong with it, would help.
    fn settled(&mut self, root: &Path) -> Result<Outcome> {
        loop {
            if self.draft.services.is_empty() {
                bail!(self.nothing());
            }
            let made = self.kept_jobs();
            let outcome = self.proved(root)?;
            let errors: Vec<&Diagnostic> = outcome
                .diagnostics
                .iter()
                .filter(|found| found.stops())
                .collect();
            // From the last on: those before keep their places.
            let (unused, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) = errors
                .iter()
                .partition(|error| error.code == "unused-allow");
            let mut settled = false;
            for error in unused.into_iter().rev() {
                settled |= self.no_longer_found(error);
            }
            for error in others {
                settled |= self.settle(error, &outcome, made.as_deref());
            }
            if errors.is_empty() {
                return Ok(outcome);
            }
            if !settled {
                let Some(first) = errors.first().filter(|_| !self.draft.targets_watched) else {
                    return Ok(outcome);
                };
                // What an adopted rule does not go with is better left out than the whole refused.
                self.changed.push(format!(
                    "no alert is added for what is not reached, because of yours: {}",
                    first.message
                ));
                self.draft.targets_watched = true;
            }
        }
    }

    /// The files of the root, with those that are not written yet.
    fn overlay(&self, root: &Path) -> Overlay {
        let mut texts = self.texts.clone();
        texts.retain(|path, _| self.files.contains_key(path));
        texts.extend(self.kept_jobs().map(|text| (JOBS.to_string(), text)));
        Overlay::of(root).with_extra(texts)
    }

    /// What the draft proves to.
    fn proved(&mut self, root: &Path) -> Result<Outcome> {
        self.draft
            .servers
            .retain(|(server, _)| *server != "prometheus");
        let settings = self.settings.iter();
        let settings = settings.map(|(key, (value, _))| ("prometheus", format!("{key} = {value}")));
        self.draft.servers.extend(settings);
        if !self.accepted_settings.is_empty() {
            let allow = format!("allow = [\n{}]", allowed(&self.accepted_settings));
            self.draft.servers.push(("prometheus", allow));
        }
        self.draft.more = self.tables(!self.kept().is_empty());
        pipeline::prove_with(&self.draft.text(), &self.overlay(root))
    }

    /// Takes back an `allow` that nothing is found for any more; whether the error is about one.
    fn no_longer_found(&mut self, error: &Diagnostic) -> bool {
        let (Place::Key(pointer) | Place::Value(pointer)) = &error.place else {
            return false;
        };
        let entry = |table: &str| {
            let rest = pointer.strip_prefix(table)?;
            rest.split('/').next()?.parse::<usize>().ok()
        };
        let (accepted, entry) = match (entry("/extra/allow/"), entry("/prometheus/allow/")) {
            (Some(entry), _) => (&mut self.accepted, entry),
            (None, Some(entry)) => (&mut self.accepted_settings, entry),
            (None, None) => return false,
        };
        let code = accepted.keys().nth(entry).cloned();
        code.is_some_and(|code| accepted.remove(&code).is_some())
    }

    /// Does something about an error: a setting or a file is lost, a job is kept, a finding in an own file is accepted.
    fn settle(&mut self, error: &Diagnostic, outcome: &Outcome, made: Option<&str>) -> bool {
        let why = &error.message;
        if error.owners.iter().any(|owner| owner == "/extra") && never(error.code).is_none() {
            let known = self.accepted.insert(error.code.to_string(), why.clone());
            return known.is_none();
        }
        let of_settings = |owner: &String| owner.split('/').nth(1) == Some("prometheus");
        let rendered = matches!(error.place, Place::Line { .. } | Place::File(_));
        if rendered
            && error.owners.iter().any(of_settings)
            && !self.settings.is_empty()
            && never(error.code).is_none()
        {
            let known = &mut self.accepted_settings;
            return known.insert(error.code.to_string(), why.clone()).is_none();
        }
        match &error.place {
            Place::Key(pointer) | Place::Value(pointer) => {
                let mut steps = pointer.split('/').skip(1);
                match (steps.next(), steps.next()) {
                    (Some("services"), Some(name)) => self.keep(name, why),
                    (Some("alerts"), Some(name)) => {
                        let before = self.recognised.len();
                        self.recognised.retain(|one| one.name != name);
                        self.stay.push(Stays {
                            name: name.to_string(),
                            why: format!("as an alert of the catalog it is refused: {why}"),
                            because: None,
                        });
                        self.draft.taken.insert(name.to_string());
                        self.without_recognised();
                        self.recognised.len() < before
                    }
                    (Some("prometheus"), Some(key)) => match self.settings.remove(key) {
                        Some((_, from)) => {
                            self.lost.push(format!("{from}: {why}"));
                            true
                        }
                        None => false,
                    },
                    _ => false,
                }
            }
            Place::Line { file, line, .. } if file == JOBS => {
                let lines = yaml::Lines::read(made.unwrap_or_default());
                // As they were written: of those some may be lost by now.
                let written = yaml::parse(made.unwrap_or_default()).unwrap_or_default();
                let kept = written["scrape_configs"].items();
                let kept: Vec<String> = kept.map(|job| plain(&job["job_name"])).collect();
                let begins = |at: usize| lines.line(&format!("/scrape_configs/{at}"));
                let before = |at: &usize| begins(*at).is_some_and(|begin| begin <= *line);
                let Some(job) = (0..kept.len()).rfind(before) else {
                    return false;
                };
                let before = self.jobs.len();
                self.jobs
                    .retain(|(one, why)| one.name != kept[job] || why.is_none());
                let lost = self.jobs.len() < before;
                if lost {
                    self.lost.push(format!("job {}: {why}", kept[job]));
                }
                lost
            }
            Place::Line { file, .. } | Place::File(file) => match self.files.remove(file) {
                Some((key, _)) => {
                    self.rules
                        .retain(|path, _| path != file && made_of(path) != *file);
                    let (at, line, _) = location(&error.place, &outcome.source);
                    self.lost.push(format!(
                        "{at}:{line}: {why}: correct it, and name the file in `{key}` of [extra]"
                    ));
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    /// Whether only services read it, which find their targets in it where it is.
    fn is_found(&self, path: &str) -> bool {
        let reads = |job: &Job| job.lists().iter().any(|pattern| glob(pattern, path));
        let mut of_services = self.jobs.iter().filter(|(_, why)| why.is_none());
        let of_services = of_services.any(|(job, _)| reads(job));
        of_services && !self.kept().into_iter().any(reads)
    }

    /// Takes a service back: its job is kept as it is.
    fn keep(&mut self, name: &str, because: &str) -> bool {
        let mut jobs = self.jobs.iter_mut();
        let Some((_, why)) = jobs.find(|(job, why)| job.name == name && why.is_none()) else {
            return false;
        };
        *why = Some(because.to_string());
        self.draft.services.retain(|(known, _)| known != name);
        true
    }

    /// What stands behind the services, as TOML.
    fn tables(&self, jobs: bool) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut text = String::new();
        if let Some(told) = &self.told {
            text += &told.receivers.says();
            text += &told.tables;
        }
        let read = |name: &str| {
            let names = ["", "_bucket", "_sum", "_count"].map(|end| format!("{name}{end}"));
            let mut all = self.recognised.iter().flat_map(|one| &one.reads);
            all.any(|read| names.contains(read))
        };
        let metrics = self.metrics.iter().filter(|(name, _)| read(name));
        let metrics: String = metrics.filter_map(|(name, one)| one.says(name)).collect();
        if !metrics.is_empty() {
            text += &format!("\n[metrics]\n{metrics}");
        }
        let mut lists: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let read = self.files.iter().filter(|(path, _)| !self.is_found(path));
        for (path, (key, _)) in read {
            lists.entry(key).or_default().insert(path);
        }
        if jobs {
            lists.entry("scrape").or_default().insert(JOBS);
        }
        if lists.is_empty() {
            return text;
        }
        text += "\n[extra]\n";
        for (key, paths) in lists {
            let paths: Vec<String> = paths.into_iter().map(quoted).collect();
            text += &format!("{key} = [{}]\n", paths.join(", "));
        }
        if !self.accepted.is_empty() {
            text += &format!("allow = [\n{}]\n", allowed(&self.accepted));
        }
        for (job, profile) in jobs::profiles(&self.kept()) {
            text += &format!(
                "\n[extra.jobs.{}]\nprofiles = [{}]\n",
                quoted(&job),
                quoted(profile)
            );
        }
        text
    }

    fn report(mut self, outcome: Outcome, cli: &Cli) -> Report {
        for lines in [&mut self.changed, &mut self.lost] {
            let mut known = BTreeSet::new();
            lines.retain(|line| known.insert(line.clone()));
        }
        let (mut services, mut extra) = (Vec::new(), Vec::new());
        let mut kinds = Vec::new();
        for one in &self.recognised {
            let name = &one.name;
            kinds.push(format!(
                "{name}: {}, of {}",
                one.kind,
                one.covers.join(", ")
            ));
            let lost = one.lost.iter();
            self.lost
                .extend(lost.map(|key| format!("alert {name}: its annotation {key}")));
        }
        type Differs = fn(&Recognised) -> bool;
        let differences: [(Differs, &str); 4] = [
            (
                |one| one.steadier,
                "still firing while scrapes fail, and briefly after the value recovers",
            ),
            (
                |one| one.below_zero,
                "firing below 0 too, where the rule wants exactly 0",
            ),
            (
                |one| one.flag.is_some(),
                "silent while its `unless` is not 0, where the rule wants exactly 1",
            ),
            (
                |one| one.assumed,
                "about the services that are known to expose what it reads, where the rule has no `job`",
            ),
        ];
        for (differs, what) in differences {
            let names = self.recognised.iter().filter(|one| differs(one));
            let names: Vec<&str> = names.map(|one| one.name.as_str()).collect();
            if !names.is_empty() {
                self.changed.push(format!("{}: {what}", names.join(", ")));
            }
        }
        for (job, why) in &self.jobs {
            let name = &job.name;
            let found = self.draft.services.iter().find(|(known, _)| known == name);
            match (why, found) {
                (None, Some((_, found))) => {
                    let guessed = found.guessed.iter();
                    self.changed
                        .extend(guessed.map(|guessed| format!("{name}: {guessed}")));
                    services.push(match found.profile {
                        Some(profile) => format!("job {name}, with the profile {profile}"),
                        None => format!("job {name}"),
                    });
                }
                (why, _) => {
                    let why = why.as_deref().unwrap_or_default();
                    extra.push(format!("job {name}, in {JOBS}: {why}"));
                }
            }
        }
        if !services.is_empty() {
            self.changed.push(
                "the series of every service get the labels service and component".to_string(),
            );
        }
        let metrics = self.metrics.iter();
        self.changed
            .extend(metrics.map(|(name, one)| one.words(name)));
        for (job, profile) in jobs::profiles(&self.kept()) {
            self.changed.push(format!(
                "job {job}: it is taken to expose what the profile {profile} lists"
            ));
        }
        let kept = self.files.iter().filter(|(path, _)| !self.is_found(path));
        let untold = self.alertmanager.as_ref().zip(self.untold.as_ref());
        extra.extend(kept.map(|(path, (_, what))| match untold {
            Some(((own, _), why)) if own == path => format!("{path}: {what}: {why}"),
            _ => format!("{path}: {what}"),
        }));
        extra.extend(reasons(&self.stay));
        self.changed.extend(self.draft.notes.iter().cloned());
        let catalog = outcome.catalog.iter().flat_map(|catalog| &catalog.alerts);
        for alert in
            catalog.filter(|alert| !self.recognised.iter().any(|one| one.name == alert.name))
        {
            let severities: BTreeSet<&str> = alert
                .branches
                .iter()
                .map(|branch| branch.severity.as_str())
                .collect();
            let severities: Vec<&str> = severities.into_iter().collect();
            let alone = match alert.kind.holds_back_others {
                true => "; while it fires, nobody is told of the other alerts of that service",
                false => "",
            };
            self.changed.push(format!(
                "alert {} is new, of the kind {}, {}{alone}: take it out with `{} alert {}` if another one of yours is about the same",
                alert.name,
                alert.kind.name,
                severities.join(" or "),
                cli.command("remove"),
                alert.name
            ));
        }
        let warnings = outcome
            .diagnostics
            .into_iter()
            .filter(|found| found.severity == Severity::Warning);
        let mut told = Vec::new();
        if let Some(one) = self.told.take() {
            told = one.became;
            self.changed.extend(one.changed);
            self.changed.extend(one.receivers.changed);
            self.lost.extend(one.lost);
        }
        let mut said = Report::new(outcome.source, warnings.collect()).reading();
        let kept = self.files.keys().filter(|path| !self.is_found(path));
        let kept = kept.count() + usize::from(!self.kept().is_empty());
        said.line(format!(
            "wrote {CATALOG}: {}{}, proved",
            plural(self.draft.services.len(), "service"),
            match kept {
                0 => String::new(),
                kept => format!(", and {} as they are", plural(kept, "file")),
            }
        ));
        for (title, key, lines) in [
            ("became services", "services", &services),
            ("became alerts of a kind", "alerts", &kinds),
            ("became owners and routes", "told", &told),
            ("kept in [extra]", "extra", &extra),
            ("changed", "changed", &self.changed),
            ("lost", "lost", &self.lost),
        ] {
            if !lines.is_empty() {
                said.line(format!("{title}:"));
                lines.iter().for_each(|line| said.line(format!("  {line}")));
            }
            said.data.insert(key.into(), json!(lines));
        }
        for (table, accepted) in [
            ("[extra]", &self.accepted),
            ("[prometheus]", &self.accepted_settings),
        ] {
            if accepted.is_empty() {
                continue;
            }
            said.line(format!(
                "found in your files, and accepted in {table} with `allow`, to be fixed one by one:"
            ));
            for (code, message) in accepted {
                said.line(format!("  {code}, such as: {message}"));
            }
        }
        self.accepted.append(&mut self.accepted_settings);
        said.data.insert("accepted".into(), json!(self.accepted));
        let routed = self.files.values().any(|(key, _)| *key == "alertmanager") || !told.is_empty();
        let who = match routed {
            true => "",
            false => "say who is told (`receivers` and [alertmanager.routes]), and ",
        };
        said.line(format!(
            "next: {who}write the stack: {}",
            cli.command("render")
        ));
        said
    }
}

/// The entries of an `allow`.
fn allowed(accepted: &BTreeMap<String, String>) -> String {
    let entries = accepted.keys().map(|code| {
        let code = toml::Value::from(code.as_str());
        format!("  {{ check = {code}, reason = \"it was so when this was adopted\" }},\n")
    });
    entries.collect()
}

/// So many alerts are named behind one reason.
const NAMED: usize = 12;

/// Why alerts stay as they are: a line for each reason, most alerts first.
fn reasons(stay: &[Stays]) -> Vec<String> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in stay {
        let name = match &one.because {
            Some(because) => format!("{} ({because})", one.name),
            None => one.name.clone(),
        };
        found.entry(&one.why).or_default().push(name);
    }
    let mut found: Vec<(&str, Vec<String>)> = found.into_iter().collect();
    found.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let line = |(why, names): (&str, Vec<String>)| {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {}", plural(more, "more alert")),
        };
        let names = &names[..names.len().min(NAMED)];
        format!("stay rules, {why}: {}{more}", names.join(", "))
    };
    found.into_iter().map(line).collect()
}

/// Where what is kept of a file is written, where that is not the whole file.
fn made_of(path: &str) -> String {
    format!("{MADE}{}", path.replace('/', "-"))
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
