//! What became of each part, in words.

use super::alerts::{Recognised, Stays};
use super::{Adopted, JOBS};
use crate::commands::init::jobs;
use crate::commands::{Cli, Report};
use crate::diagnostic::{Severity, plural};
use crate::pipeline::{CATALOG, Outcome};
use crate::value::json;
use std::collections::{BTreeMap, BTreeSet};

impl Adopted {
    pub(super) fn report(mut self, outcome: Outcome, cli: &Cli) -> Report {
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
