//! The files of a catalog, changed in memory: all of it is proved, for every environment, and only then written.

use super::{Cli, Report, render};
use crate::catalog::schema;
use crate::diagnostic::{Diagnostic, Place};
use crate::editing::tree::Tree;
use crate::generated::{create, replace};
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::pipeline::{self, Root, environments};
use crate::source::{Source, Text, Texts};
use crate::value::Value;
use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::rc::Rc;

/// services.toml, its parts, and what each environment says otherwise; until they are dropped nobody else edits them.
#[derive(Clone)]
pub(super) struct Files {
    _held: Rc<Option<File>>,
    catalog: Texts,
    overlays: Vec<(String, Text)>,
    before: Vec<Text>,
    /// Path under templates/ → text: templates of the root that are changed with it.
    templates: BTreeMap<String, String>,
}

/// What is proved, and may be written.
pub(super) struct Proved {
    files: Files,
    prepared: render::Prepared,
}

impl Files {
    /// As they are on disk; a report on what cannot be read.
    pub(super) fn read(cli: &Cli) -> Result<Files, Box<Report>> {
        Files::of(cli.place(), render::lock_root(&cli.root))
    }

    /// The same for who does not write them, with what an editor has of them.
    pub(super) fn shared(cli: &Cli) -> Result<Files, Box<Report>> {
        Files::of(cli.place(), None)
    }

    fn of(place: Root, held: Option<File>) -> Result<Files, Box<Report>> {
        let unreadable = |outcome: Box<pipeline::Outcome>| {
            Box::new(Report::new(outcome.source, outcome.diagnostics))
        };
        let catalog = pipeline::read(Root {
            environment: None,
            ..place
        })
        .map_err(unreadable)?;
        let mut overlays = Vec::new();
        for environment in environments(place) {
            let root = Root {
                environment: Some(&environment),
                ..place
            };
            let texts = pipeline::read(root).map_err(unreadable)?;
            overlays.extend(texts.overlay.map(|overlay| (environment, overlay)));
        }
        let mut files = Files {
            _held: Rc::new(held),
            catalog,
            overlays,
            before: Vec::new(),
            templates: BTreeMap::new(),
        };
        files.before = files.all().cloned().collect();
        Ok(files)
    }

    /// The same, with the schema of the kinds that the root has.
    pub(super) fn with_schema(cli: &Cli) -> Result<(Files, Value), Box<Report>> {
        let files = Files::read(cli)?;
        match Kinds::of(&Overlay::of(&cli.root)) {
            Ok(kinds) => Ok((files, schema::with(&kinds))),
            Err(findings) => Err(Box::new(Report::new(Source::parse("", "").0, findings))),
        }
    }

    /// Each file as it is now, by itself.
    pub(super) fn sources(&self) -> Vec<Source> {
        self.all()
            .map(|file| Source::parse(&file.name, &file.text).0)
            .collect()
    }

    /// Every file, those of environments last.
    pub(super) fn all(&self) -> impl Iterator<Item = &Text> {
        let overlays = self.overlays.iter().map(|(_, text)| text);
        self.catalog.files().chain(overlays)
    }

    /// The same, to be changed.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        let overlays = self.overlays.iter_mut().map(|(_, text)| text);
        self.catalog.files_mut().chain(overlays)
    }

    /// The file of this name; a part that is not there yet is begun.
    pub(super) fn named(&mut self, name: &str) -> &mut Text {
        if !self.all().any(|file| file.name == name) {
            let parts = &mut self.catalog.parts;
            let at = parts.partition_point(|part| part.name.as_str() < name);
            let new = Text {
                name: name.to_string(),
                text: String::new(),
            };
            parts.insert(at, new);
        }
        self.all_mut()
            .find(|file| file.name == name)
            .expect("it was begun above")
    }

    /// The texts of the catalog, or of an environment, as they are now.
    pub(super) fn texts(&self, environment: Option<&str>) -> Texts {
        let mut texts = self.catalog.clone();
        let overlay = self
            .overlays
            .iter()
            .find(|(name, _)| Some(name.as_str()) == environment);
        if let Some((name, text)) = overlay {
            texts.environment = Some(name.clone());
            texts.overlay = Some(text.clone());
        }
        texts
    }

    /// Changes one file; what `change` answers. None: the file is not TOML, which the proofs then say.
    pub(super) fn edit<T>(&mut self, name: &str, change: impl FnOnce(&mut Tree) -> T) -> Option<T> {
        let file = self.named(name);
        let mut tree = Tree::of(&file.text)?;
        let answer = change(&mut tree);
        file.text = tree.text();
        Some(answer)
    }

    /// Changes one template of the root.
    pub(super) fn edit_template(&mut self, path: &str, text: &str) {
        self.templates.insert(path.to_string(), text.to_string());
    }

    /// The text that a template of the root gets; None: it stays.
    pub(super) fn template(&self, path: &str) -> Option<&str> {
        self.templates.get(path).map(String::as_str)
    }

    /// The templates of the root, with those that are changed.
    fn overlay(&self, cli: &Cli) -> Overlay {
        Overlay::of(&cli.root).with_changed(self.templates.clone())
    }

    /// Proves what the files now say, for every environment, writes them and what is rendered of them. `opening` is said first.
    pub(super) fn write(self, cli: &Cli, opening: &[String]) -> Result<Report> {
        match self.prove(cli)? {
            Ok(proved) => proved.write(cli, opening),
            Err(report) => Ok(*report),
        }
    }

    /// Proves what the files now say, for every environment; the report on why that must not be written.
    pub(super) fn prove(self, cli: &Cli) -> Result<Result<Proved, Box<Report>>> {
        let own = cli.environment.as_deref();
        let overlay = self.overlay(cli);
        let mut prepared =
            render::prepare(pipeline::prove_with(self.texts(own), &overlay)?, cli, false)?;
        if prepared.refused() {
            return Ok(Err(Box::new(prepared.report)));
        }
        let mut failed = false;
        let others = self.overlays.iter().map(|(name, _)| Some(name.as_str()));
        for environment in others.filter(|other| *other != own) {
            let outcome = pipeline::prove_with(self.texts(environment), &overlay)?;
            if !outcome.failed() {
                continue;
            }
            // What was wrong there before is no reason against this change.
            let known = self.wrong_before(environment, cli)?;
            let mut new = outcome.diagnostics;
            new.retain(|found| {
                found.stops() && !known.contains(&(found.code, found.message.clone()))
            });
            if !new.is_empty() {
                failed = true;
                prepared.report.and(Report::new(outcome.source, new));
            }
        }
        Ok(match failed {
            true => Err(Box::new(prepared.report)),
            false => Ok(Proved {
                files: self,
                prepared,
            }),
        })
    }

    fn wrong_before(
        &self,
        environment: Option<&str>,
        cli: &Cli,
    ) -> Result<HashSet<(&'static str, String)>> {
        let mut texts = self.texts(environment);
        texts
            .parts
            .retain(|part| self.before.iter().any(|old| old.name == part.name));
        for file in texts.files_mut() {
            if let Some(old) = self.before.iter().find(|old| old.name == file.name) {
                file.text.clone_from(&old.text);
            }
        }
        if let Some(overlay) = &mut texts.overlay
            && let Some(old) = self.before.iter().find(|old| old.name == overlay.name)
        {
            overlay.text.clone_from(&old.text);
        }
        let outcome = pipeline::prove(&texts, &cli.root)?;
        let found = outcome.diagnostics.into_iter();
        Ok(found.map(|found| (found.code, found.message)).collect())
    }
}

impl Proved {
    /// Of rendered files, by path, what is written instead; one of which that is what is on disk is left alone.
    pub(super) fn keep(&mut self, texts: &BTreeMap<String, String>) {
        self.prepared.keep(texts);
    }

    /// Writes the files of the catalog, and what is rendered of them. `opening` is said first.
    pub(super) fn write(self, cli: &Cli, opening: &[String]) -> Result<Report> {
        let Proved { files, prepared } = self;
        let own = cli.environment.as_deref();
        let mut written = Vec::new();
        for file in files.all() {
            let old = files.before.iter().find(|old| old.name == file.name);
            if old.is_some_and(|old| old.text == file.text) {
                continue;
            }
            let one = match old {
                None => create(&cli.root, &file.name, &file.text),
                Some(_) => {
                    let path = cli.root.join(&file.name);
                    // A link stays a link: what it leads to is the catalog.
                    path.canonicalize()
                        .with_context(|| format!("cannot write {}", path.display()))
                        .and_then(|path| replace(&path, &file.text))
                }
            };
            one.map_err(|error| match written.as_slice() {
                [] => error,
                _ => anyhow!(
                    "{} is written, but the rest is not: {error:#}",
                    written.join(", ")
                ),
            })?;
            written.push(file.name.clone());
        }
        for (path, text) in &files.templates {
            let name = format!("templates/{path}");
            let path = cli.root.join(&name);
            let path = path
                .canonicalize()
                .with_context(|| format!("cannot write {name}"))?;
            replace(&path, text)?;
            written.push(name);
        }
        let said = opening.first().cloned().unwrap_or_default();
        let mut report = prepared
            .finish(cli, false)
            .map_err(|error| anyhow!("{said}, but the rest is not written: {error:#}"))?;
        report = report.without_notices();
        for line in opening.iter().rev() {
            report.opening(line);
        }
        for (environment, _) in files
            .overlays
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != own)
        {
            let command = cli.within(environment).command("render");
            report.line(format!(
                "next: {command}, which proves and is not written here"
            ));
        }
        report.data.insert("edited".into(), written.into());
        Ok(report)
    }
}

/// Where a key stands in one file: `services.toml:14`.
pub(super) fn location(source: &Source, pointer: &str) -> String {
    let (name, line) = source.at(pointer);
    format!("{name}:{line}")
}

/// A key of one file, as the place of a finding.
pub(super) fn place(source: &Source, pointer: &str) -> Place {
    let (name, line) = source.at(pointer);
    let written = source.text.lines().nth(line - 1);
    Place::Line {
        file: name,
        line,
        text: written.unwrap_or_default().to_string(),
    }
}

/// A report with nothing but this finding.
pub(super) fn refused(source: Source, finding: Diagnostic) -> Report {
    Report::new(source, vec![finding])
}
