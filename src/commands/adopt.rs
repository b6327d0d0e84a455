//! `adopt` writes a first catalog of a stack that is kept by hand: jobs that a catalog can say become services, everything else is
//! kept as it is, in [extra]. What changes, and what is lost, is said.

mod alerts;
mod became;
mod compared;
mod files;
mod given;
mod inferred;
mod played;
mod receivers;
mod settled;
mod silence;
mod told;

use super::init::draft::Draft;
use super::init::jobs::{self, Job};
use super::{Cli, Report, render};
use crate::generated::{create, create_secret};
use crate::overlay::{Overlay, glob};
use crate::pipeline::{self, CATALOG, Outcome};
use crate::stack::Stack;
use crate::stack::notifications::matchers::Labels;
use crate::value::{Value, json};
use crate::yaml;
use alerts::{Recognised, Stays};
use anyhow::{Result, ensure};
use inferred::Inferred;
use played::Differs;
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
                    if let Some(pointer) = found.place.pointer() {
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

    /// The files of the root, with those that are not written yet.
    fn overlay(&self, root: &Path) -> Overlay {
        let mut texts = self.texts.clone();
        texts.retain(|path, _| self.files.contains_key(path));
        texts.extend(self.kept_jobs().map(|text| (JOBS.to_string(), text)));
        Overlay::of(root).with_extra(texts)
    }

    /// Whether only services read it, which find their targets in it where it is.
    fn is_found(&self, path: &str) -> bool {
        let reads = |job: &Job| job.lists().iter().any(|pattern| glob(pattern, path));
        let mut of_services = self.jobs.iter().filter(|(_, why)| why.is_none());
        let of_services = of_services.any(|(job, _)| reads(job));
        of_services && !self.kept().into_iter().any(reads)
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
}

/// The entries of an `allow`.
fn allowed(accepted: &BTreeMap<String, String>) -> String {
    let entries = accepted.keys().map(|code| {
        let code = toml::Value::from(code.as_str());
        format!("  {{ check = {code}, reason = \"it was so when this was adopted\" }},\n")
    });
    entries.collect()
}

/// Where what is kept of a file is written, where that is not the whole file.
fn made_of(path: &str) -> String {
    format!("{MADE}{}", path.replace('/', "-"))
}
