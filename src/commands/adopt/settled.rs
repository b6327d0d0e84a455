//! Until the draft is proved: what it is refused for is accepted, kept as it is, or lost.

use super::alerts::Stays;
use super::{Adopted, JOBS, allowed, made_of};
use crate::allow::never;
use crate::diagnostic::{Diagnostic, Place, location};
use crate::json::plain;
use crate::pipeline::{self, Outcome};
use crate::yaml;
use anyhow::{Result, bail};
use std::path::Path;

impl Adopted {
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

    /// What the draft proves to once what is wrong with the files that are kept is accepted.
    pub(super) fn proved_but_for_own(&mut self, root: &Path) -> Result<Outcome> {
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

    /// Proves the draft until nothing is left that leaving a part of it as it is, or accepting what is wrong with it, would help.
    pub(super) fn settled(&mut self, root: &Path) -> Result<Outcome> {
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
        let Some(pointer) = error.place.pointer() else {
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
}
