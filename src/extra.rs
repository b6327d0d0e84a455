//! The user's own files of `[extra]`: which are placed as they are, and what of them is merged into generated files.

mod alertmanager;
mod dashboards;
mod discovered;
mod jobs;
mod scrape;
mod secrets;
mod targets;

use crate::artifacts::{RULES, Role};
use crate::catalog::Catalog;
use crate::catalog::secrets::Secret;
use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::{Overlay, glob};
use crate::promql::variables::{Filling, fill};
use crate::source::read::Unreadable;
use crate::value::{Value, json};
use crate::yaml;
use alertmanager::Routing;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// What a file of `[extra]` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Rules,
    Tests,
    Scrape,
    Alertmanager,
    Dashboard,
    /// A list of targets, read by a job,
    Targets,
    /// or a template of notifications.
    Template,
    /// One of the two, of which nobody says which.
    Other,
}

/// One file as the user keeps it.
#[derive(Clone, Debug)]
pub(crate) struct OwnFile {
    /// Its path under the root.
    pub(crate) source: String,
    pub(crate) sort: Sort,
    pub(crate) text: String,
    /// Null where it is neither YAML nor JSON.
    pub(crate) value: Arc<Value>,
    /// What is placed, where that is not the text.
    filled: Option<String>,
    /// Read when something is wrong with it.
    lines: Arc<OnceLock<yaml::Lines>>,
}

impl OwnFile {
    /// What is placed: the text below a line that says whose it is, where the format has comments.
    pub(crate) fn written(&self) -> String {
        match self.source.rsplit('.').next() {
            Some("yml" | "yaml") => format!(
                "# Placed by monstack. Do not edit: edit {} and run `monstack render`.\n{}",
                self.source, self.text
            ),
            _ => self.filled.clone().unwrap_or_else(|| self.text.clone()),
        }
    }

    /// What the file is for, where it is placed.
    pub(crate) fn role(&self) -> Role {
        match self.sort {
            Sort::Rules => RULES,
            Sort::Tests => Role::RuleTests,
            Sort::Dashboard => Role::Dashboard,
            _ => Role::Plain,
        }
    }

    /// Where it is placed, under the output folder; None: it is merged into a generated file, or nobody reads it.
    pub(crate) fn placed(&self) -> Option<String> {
        let folder = match self.sort {
            Sort::Rules | Sort::Tests | Sort::Targets => "monitoring/extra",
            Sort::Dashboard => "monitoring/grafana/dashboards/extra",
            Sort::Template => "monitoring/alertmanager/extra",
            Sort::Scrape | Sort::Alertmanager | Sort::Other => return None,
        };
        Some(format!("{folder}/{}", self.source))
    }

    /// The line of a value, or the file where it has none.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        let lines = self.lines.get_or_init(|| yaml::Lines::read(&self.text));
        match lines.line(pointer) {
            Some(line) if line > 0 => self.line(line),
            _ => Place::File(self.source.clone()),
        }
    }

    /// A line of it, from 1.
    pub(crate) fn line(&self, line: usize) -> Place {
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        Place::Line {
            file: self.source.clone(),
            line,
            text: text.to_string(),
        }
    }

    fn error(&self, pointer: &str, message: String, help: impl Into<String>) -> Diagnostic {
        Diagnostic::error("extra-file", self.place(pointer), message).help(help)
    }
}

/// A value of an own file that stands in a generated one.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    /// The list that it is an entry of, as a JSON pointer into the generated file.
    pub(crate) list: &'static str,
    /// As it is rendered.
    pub(crate) value: Value,
    /// The index of its file.
    pub(crate) file: usize,
    /// Where it stands there.
    pub(crate) pointer: String,
}

impl Merged {
    /// What it is, for people.
    pub(crate) fn called(&self) -> String {
        let name = |key: &str| self.value[key].as_str().unwrap_or_default();
        match self.list {
            scrape::JOBS => format!("the job `{}`", name("job_name")),
            alertmanager::RECEIVERS => format!("the receiver `{}`", name("name")),
            alertmanager::ROUTES => "the route".to_string(),
            alertmanager::INHIBITIONS => "the inhibition".to_string(),
            _ => format!("the times `{}`", name("name")),
        }
    }

    /// What the generated file is for.
    pub(crate) fn role(&self) -> Role {
        match self.list {
            scrape::JOBS => Role::Prometheus,
            _ => Role::Alertmanager,
        }
    }
}

/// Everything that `[extra]` names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    pub(crate) files: Vec<OwnFile>,
    pub(crate) parts: Vec<Merged>,
    /// What Prometheus' container needs to ask the targets of own jobs.
    pub(crate) secrets: Vec<Secret>,
    routing: Routing,
    /// What is to be said of what can be placed.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Own {
    /// Says of the files that a pattern matches what they are, where nobody has said otherwise; whether there is one.
    fn take(&mut self, pattern: &str, sort: Sort) -> bool {
        let mut any = false;
        let files = self.files.iter_mut();
        for file in files.filter(|file| glob(pattern, &file.source)) {
            if file.sort == Sort::Other || file.sort == sort {
                file.sort = sort;
                any = true;
            }
        }
        any
    }

    /// The files of a catalog, or everything that is wrong with them.
    pub(crate) fn read(catalog: &Catalog, overlay: &Overlay) -> Result<Own, Vec<Diagnostic>> {
        let mut own = Own::default();
        let mut found = Vec::new();
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        for (key, patterns) in catalog.extra.lists() {
            for (index, pattern) in patterns.iter().enumerate() {
                let place = Place::Value(format!("/extra/{key}/{index}"));
                let output = format!("{}/", catalog.platform.output);
                let mut paths = overlay.matching(pattern);
                paths.retain(|path| !path.starts_with(&output));
                if paths.is_empty() {
                    found.push(
                        Diagnostic::error(
                            "extra-file",
                            place,
                            format!("`{pattern}` names no file"),
                        )
                        .help("write the path from the folder of services.toml on; * stays within a folder, and what is generated is not looked at"),
                    );
                    continue;
                }
                for path in paths {
                    if let Some(before) = known.insert(path.clone(), key) {
                        if before != key {
                            let message = format!("{path} is one of `{before}` too");
                            found.push(
                                Diagnostic::error("extra-file", place.clone(), message)
                                    .help("name it in one of the two"),
                            );
                        }
                        continue;
                    }
                    match file(&path, key, overlay, &place) {
                        Ok(file) => own.files.push(file),
                        Err(diagnostic) => found.push(*diagnostic),
                    }
                }
            }
        }
        if found.is_empty() {
            let names = own.names();
            found.extend(names.err().unwrap_or_default());
            found.extend(scrape::merge(&mut own, catalog));
            found.extend(targets::flaws(&mut own));
            found.extend(alertmanager::merge(&mut own, catalog));
            found.extend(dashboards::fill(&mut own, catalog));
            found.extend(own.taken(catalog));
            own.unread(catalog);
            let mut flaws = jobs::flaws(&own, catalog);
            flaws.extend(discovered::flaws(catalog, overlay));
            flaws.extend(secrets::misspelt(&own, catalog));
            flaws.extend(dashboards::unshown(&own, catalog));
            own.warnings.extend(flaws);
        }
        match found.is_empty() {
            true => Ok(own),
            false => Err(found),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files of one sort, each with its index.
    fn of(&self, sort: Sort) -> impl Iterator<Item = (usize, &OwnFile)> {
        let files = self.files.iter().enumerate();
        files.filter(move |(_, file)| file.sort == sort)
    }

    /// The groups of the rule files are lists of rules.
    fn names(&self) -> Result<(), Vec<Diagnostic>> {
        let mut found = Vec::new();
        for (_, file) in self.of(Sort::Rules) {
            if !file.value["groups"].is_array() {
                found.push(file.error(
                    "",
                    format!("{} has no `groups`: it is no rule file", file.source),
                    "name what it is: rules, tests, scrape, alertmanager or dashboards",
                ));
            }
        }
        match found.is_empty() {
            true => Ok(()),
            false => Err(found),
        }
    }

    /// Every rule with its file and pointer.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&OwnFile, String, &Value)> {
        self.of(Sort::Rules).flat_map(|(_, file)| {
            let groups = file.value["groups"].items().enumerate();
            groups.flat_map(move |(group, value)| {
                let rules = value["rules"].items().enumerate();
                rules.map(move |(rule, value)| {
                    (file, format!("/groups/{group}/rules/{rule}"), value)
                })
            })
        })
    }

    /// The file that a value below `global` of the Alertmanager's configuration is from.
    pub(crate) fn global(&self, pointer: &str) -> Option<&OwnFile> {
        pointer.strip_prefix("/global/")?;
        let mut files = self.of(Sort::Alertmanager);
        let (_, file) = files.find(|(_, file)| file.value.pointer(pointer).is_some())?;
        Some(file)
    }

    /// The names of its alerts.
    pub(crate) fn alerts(&self) -> BTreeSet<&str> {
        self.rules()
            .filter_map(|(_, _, rule)| rule["alert"].as_str())
            .collect()
    }

    /// Names that the catalog has already.
    fn taken(&self, catalog: &Catalog) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut say = |place: Place, what: &str, name: &str, help: &str| {
            let message = format!("there is {what} `{name}` in the catalog already");
            found.push(Diagnostic::error("extra-taken-name", place, message).help(help));
        };
        for (file, pointer, rule) in self.rules() {
            if let Some(name) = rule["alert"]
                .as_str()
                .filter(|name| catalog.alert(name).is_some())
            {
                say(
                    file.place(&format!("{pointer}/alert")),
                    "an alert",
                    name,
                    "remove one of the two, or give this one another name: silences and routes could not tell them apart",
                );
            }
        }
        for part in &self.parts {
            let file = &self.files[part.file];
            let name = |key: &str| part.value[key].as_str().unwrap_or_default().to_string();
            match part.list {
                scrape::JOBS => {
                    let name = name("job_name");
                    let place = || file.place(&format!("{}/job_name", part.pointer));
                    if catalog.service(&name).is_some() {
                        say(
                            place(),
                            "a service",
                            &name,
                            "remove one of the two: Prometheus does not start with two jobs of one name",
                        );
                    } else if ["prometheus", "alertmanager", "health-probe"].contains(&&*name) {
                        say(
                            place(),
                            "a job",
                            &name,
                            "remove this one: monstack scrapes its own servers, and probes health paths where `health_probe` says so",
                        );
                    }
                }
                alertmanager::RECEIVERS => {
                    let name = name("name");
                    if name == crate::catalog::NO_ONE || catalog.receivers.contains_key(&name) {
                        say(
                            file.place(&format!("{}/name", part.pointer)),
                            "a receiver",
                            &name,
                            "remove one of the two, or give this one another name",
                        );
                    }
                }
                _ => {}
            }
        }
        let jobs: BTreeSet<&str> = self.jobs().collect();
        for name in catalog.extra.jobs.keys() {
            let key = format!("/extra/jobs/{}", crate::source::step(name));
            if !jobs.contains(name.as_str()) {
                found.push(
                    Diagnostic::error(
                        "extra-file",
                        Place::Key(key.clone()),
                        format!("no file of `scrape` has a job `{name}`"),
                    )
                    .help(crate::diagnostic::suggestion(name, jobs.iter().copied())),
                );
            }
        }
        found
    }

    /// Says of files that nothing names.
    fn unread(&mut self, catalog: &Catalog) {
        let unread: Vec<Diagnostic> = self
            .of(Sort::Other)
            .map(|(_, file)| {
                let message = format!("nothing reads {}", file.source);
                Diagnostic::warning("extra-unread", Place::Key("/extra/files".into()), message)
                    .help("name it in file_sd_configs of a job of `scrape`, or under templates of a file of `alertmanager`, seen from the folder of that file")
            })
            .collect();
        self.warnings.extend(unread);
        if catalog.extra.tests.is_empty() {
            return;
        }
        if self.of(Sort::Rules).next().is_none() {
            let message = "there are tests, and no rules that they are of";
            self.warnings.push(
                Diagnostic::warning("extra-unread", Place::Key("/extra/tests".into()), message)
                    .help("name the rule files under `rules`"),
            );
        }
    }

    /// The names of its jobs.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter();
        let jobs = parts.filter(|part| part.list == scrape::JOBS);
        jobs.filter_map(|part| part.value["job_name"].as_str())
    }

    /// As templates see it: what is merged, and where the placed rule files are, seen from Prometheus' configuration.
    pub(crate) fn seen(&self) -> Value {
        let all = |list: &str| -> Vec<Value> {
            let parts = self.parts.iter().filter(|part| part.list == list);
            parts.map(|part| part.value.clone()).collect()
        };
        let rules: Vec<String> = self
            .of(Sort::Rules)
            .map(|(_, file)| format!("extra/{}", file.source))
            .collect();
        let said = |key: &str| -> Vec<&str> {
            let rules = self.rules();
            rules
                .filter_map(|(_, _, rule)| rule[key].as_str())
                .collect()
        };
        let mut drawn = Vec::new();
        let dashboards = self.of(Sort::Dashboard);
        dashboards.for_each(|(_, file)| queries(&file.value, &mut drawn));
        let expressions = said("expr").into_iter().map(str::to_string);
        json!({
            "rules": rules,
            "expressions": expressions.chain(drawn).collect::<Vec<_>>(),
            "records": said("record"),
            "jobs": all(scrape::JOBS),
            "receivers": all(alertmanager::RECEIVERS),
            "routes": all(alertmanager::ROUTES),
            "inhibitions": all(alertmanager::INHIBITIONS),
            "times": all(alertmanager::TIMES),
            "mute_times": all(alertmanager::MUTE_TIMES),
            "global": self.routing.global,
            "templates": self.routing.templates,
        })
    }
}

/// What the panels of a dashboard ask, with something in the place of each variable: of interest is what is read.
fn queries(value: &Value, found: &mut Vec<String>) {
    if let Some(asked) = value["expr"].as_str() {
        found.push(fill(asked, |variable| {
            let range = variable.is_range();
            Filling::Text(if range { "5m" } else { "1" }.to_string())
        }));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => value.entries().for_each(|(_, value)| queries(value, found)),
    }
}

/// A file read as what its key says that it is.
fn file(
    path: &str,
    key: &str,
    overlay: &Overlay,
    place: &Place,
) -> Result<OwnFile, Box<Diagnostic>> {
    let refused = |reason: String, help: &str| {
        let message = format!("cannot read {path}: {reason}");
        Box::new(Diagnostic::error("extra-file", place.clone(), message).help(help))
    };
    let text = overlay.extra(path).map_err(|unreadable| match unreadable {
        Unreadable::Missing => refused("it is not there".to_string(), "name a file that is"),
        Unreadable::Refused(reason, help) => refused(reason, help),
        Unreadable::NotText { reason, help, .. } => refused(reason, help),
    })?;
    let mut file = OwnFile {
        source: path.to_string(),
        sort: match key {
            "rules" => Sort::Rules,
            "tests" => Sort::Tests,
            "scrape" => Sort::Scrape,
            "alertmanager" => Sort::Alertmanager,
            "dashboards" => Sort::Dashboard,
            _ => Sort::Other,
        },
        text,
        value: Arc::new(Value::Null),
        filled: None,
        lines: Arc::default(),
    };
    if file.sort != Sort::Other {
        let value = yaml::of_file(path, &file.text).map_err(|error| {
            let place = file.line(error.line.max(1));
            Box::new(Diagnostic::error("extra-file", place, error.reason).help("fix this line"))
        })?;
        if !value.is_object() {
            let message = format!("{path} is empty, or no mapping");
            return Err(Box::new(file.error(
                "",
                message,
                "write what its key says, or take it out of [extra]",
            )));
        }
        file.value = Arc::new(value);
    }
    Ok(file)
}

/// The path of a file that another one names, seen from that one's folder.
fn beside(source: &str, named: &str) -> String {
    let mut parts: Vec<&str> = source.split('/').collect();
    parts.pop();
    for part in named.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
