//! `absorb` takes hand edits of generated files over into the catalog, where a key says them, and renders.

use super::edited::Files;
use super::edits::{data, edited, look, not_rendered, place, written};
use super::{Cli, Report, shell};
use crate::artifacts::ARTIFACTS;
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::generated::compare;
use crate::hand_edits::{
    Change, Chosen, Edited, Found, KeyChange, Says, Shape, Stand, TemplateChange, Told, merged,
    reordered,
};
use crate::json::plain;
use crate::overlay::Overlay;
use crate::pipeline::{self, Root, environments};
use crate::source::{Source, pointer};
use crate::value::Value;
use crate::yaml;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which files.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Files of the output folder that were edited by hand [default: all that were]
    files: Vec<PathBuf>,
}

/// So many changes are rendered to see what they do.
const TRIALS: usize = 400;

/// Finds what says each edit, proves the whole with it, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let mut environment = cli.environment.clone();
    let mut named: Option<BTreeSet<String>> = None;
    let mut foreign = Vec::new();
    if !args.files.is_empty() {
        let folders = folders(cli);
        let mut of = BTreeMap::new();
        for file in &args.files {
            match within(file, &folders, cli)? {
                Some((folder, path)) => {
                    of.insert(file, folder.clone());
                    named.get_or_insert_default().insert(path);
                }
                None => foreign.push(not_generated(file)),
            }
        }
        let environments: BTreeSet<&Option<String>> = of.values().collect();
        ensure!(
            environments.len() < 2,
            "these files are of several environments: absorb those of one after the other"
        );
        environment = environments
            .first()
            .cloned()
            .cloned()
            .unwrap_or(environment);
        named.get_or_insert_default();
    }
    let cli = match environment {
        Some(environment) => &cli.within(&environment),
        None => cli,
    };
    absorb(named.as_ref(), foreign, cli)
}

/// The output folder of the catalog and of each of its environments; of the one that is asked for alone, if one is.
fn folders(cli: &Cli) -> Vec<(Option<String>, PathBuf)> {
    let all = match &cli.environment {
        Some(environment) => vec![Some(environment.clone())],
        None => std::iter::once(None)
            .chain(environments(&cli.root).into_iter().map(Some))
            .collect(),
    };
    let folder = |environment: Option<String>| {
        let root = Root {
            path: &cli.root,
            environment: environment.as_deref(),
            unsaved: None,
        };
        let catalog = pipeline::lint(root).catalog?;
        let folder = cli.root.join(&catalog.platform.output);
        Some((environment, folder.canonicalize().ok()?))
    };
    all.into_iter().filter_map(folder).collect()
}

/// Which folder a file is in, and its path there; None: it is in none of them.
fn within(
    file: &Path,
    folders: &[(Option<String>, PathBuf)],
    cli: &Cli,
) -> Result<Option<(Option<String>, String)>> {
    let here = [file.to_path_buf(), cli.root.join(file)];
    let below = folders.iter().map(|(_, folder)| folder.join(file));
    let found = here.into_iter().chain(below).find(|path| path.is_file());
    let found = found.with_context(|| format!("there is no file {}", file.display()))?;
    let found = found
        .canonicalize()
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(folders.iter().find_map(|(environment, folder)| {
        let path = found.strip_prefix(folder).ok()?.to_str()?;
        Some((environment.clone(), path.to_string()))
    }))
}

fn not_generated(file: &Path) -> Diagnostic {
    let name = file.display().to_string();
    let message = format!("{name} is not generated, so that no catalog says it");
    Diagnostic::error("not-generated", Place::File(name), message)
        .help("edit it as it is; `absorb` takes files of the output folder")
}

fn absorb(
    named: Option<&BTreeSet<String>>,
    mut against: Vec<Diagnostic>,
    cli: &Cli,
) -> Result<Report> {
    let files = match Files::read(cli) {
        Ok(files) => files,
        Err(report) => return Ok(*report),
    };
    let own = cli.environment.as_deref();
    let overlay = Overlay::of(&cli.root);
    let texts = match own {
        // Says what is wrong with the name, or reads it.
        Some(_) => match pipeline::read(cli.place()) {
            Ok(_) => files.texts(own),
            Err(outcome) => return Ok(Report::new(outcome.source, outcome.diagnostics)),
        },
        None => files.texts(None),
    };
    let stand = match Stand::of(texts, overlay, ARTIFACTS)? {
        Ok(stand) => stand,
        Err(refusal) => return Ok(Report::new(refusal.source, refusal.diagnostics)),
    };
    let output = stand.rendered.output.clone();
    let comparison = compare(&cli.root, &output, &stand.rendered.files)?;
    for path in named.into_iter().flatten() {
        if stand.text(path).is_none() {
            against.push(not_generated(&Path::new(&output).join(path)));
        }
    }
    let edited = edited(&comparison, |path| {
        named.is_none_or(|named| named.contains(path))
    });
    let found = look(&stand, &edited, cli, TRIALS)?;
    let since = not_rendered(&found, &stand, &edited, cli);
    if named.is_none() && !since.is_empty() {
        return Ok(stale(&stand, &since, cli));
    }
    let absorbing = Absorbing {
        stand: &stand,
        output: &output,
        edited: &edited,
        cli,
    };
    absorbing.write(files, found, against)
}

/// The folder is as a catalog of before renders it: what was edited is the catalog.
fn stale(stand: &Stand, since: &[String], cli: &Cli) -> Report {
    let output = &stand.rendered.output;
    let message = format!(
        "{output}/ is as a catalog with {} renders it, in every file that this changes: the catalog was edited and not rendered since",
        since.join(", ")
    );
    let help = format!(
        "write what the catalog says now, with `{}`; or, if {output}/ is what is meant, name the files: `{} FILE`",
        cli.command("render"),
        cli.command("absorb")
    );
    let found = Diagnostic::error("stale", Place::File(output.clone()), message).help(help);
    Report::new(stand.source.clone(), vec![found])
}

struct Absorbing<'a> {
    stand: &'a Stand,
    output: &'a str,
    edited: &'a [Edited],
    cli: &'a Cli,
}

impl Absorbing<'_> {
    /// Writes what can be written, and says what is left.
    fn write(
        &self,
        files: Files,
        mut found: Found,
        mut against: Vec<Diagnostic>,
    ) -> Result<Report> {
        let mut refused: BTreeMap<usize, Report> = BTreeMap::new();
        let mut kept: Vec<usize> = (0..found.changes.len()).collect();
        let mut proved = None;
        while !kept.is_empty() {
            match self.with(&files, &found, &kept).prove(self.cli)? {
                Ok(sound) => {
                    proved = Some(sound);
                    break;
                }
                // One alone is the reason; of several, those that are refused alone.
                Err(report) if kept.len() == 1 => {
                    refused.insert(kept.remove(0), *report);
                }
                Err(report) => {
                    let before = kept.len();
                    for index in kept.clone() {
                        if let Err(report) = self.with(&files, &found, &[index]).prove(self.cli)? {
                            refused.insert(index, *report);
                            kept.retain(|kept| *kept != index);
                        }
                    }
                    if kept.len() == before {
                        refused.insert(kept.remove(0), *report);
                        kept.clear();
                    }
                }
            }
        }
        let absorbed: Vec<Chosen> = kept.iter().map(|at| found.changes[*at].clone()).collect();
        found.after = self.after(&absorbed)?;
        let mut laid_out: BTreeSet<&str> = BTreeSet::new();
        for told in &found.told {
            // Of a file that means the same, one place is enough.
            let same = matches!(told.says, Says::Line { .. })
                && self.means_the_same(told, &found) == Some(true);
            if !same || laid_out.insert(&told.path) {
                against.extend(self.left(told, &found, &kept, &refused));
            }
        }
        let quiet = self.edited.iter().filter(|edited| edited.asked);
        let quiet = quiet.filter(|edited| !found.told.iter().any(|told| told.path == edited.path));
        against.extend(quiet.map(|edited| self.laid_out(edited)));
        let mut report = match proved {
            Some(mut proved) => {
                let (keep, beside) = self.kept(&found);
                proved.keep(&keep);
                let lines = self.lines(&files, &found, &kept);
                let mut report = proved.write(self.cli, &lines)?.reading();
                for path in beside {
                    report.line(format!(
                        "  left      {}/{path}: it is edited where it would change; render it when that is settled",
                        self.output
                    ));
                }
                report
            }
            None => Report::new(self.stand.source.clone(), Vec::new()),
        };
        let nothing = against.is_empty() && kept.is_empty();
        if found.exhausted && !against.is_empty() {
            report.line("not every key was tried: there were too many with these values");
        }
        for finding in against {
            report.push(finding);
        }
        for (_, other) in refused {
            report.and(other);
        }
        if nothing {
            report.line(format!(
                "nothing to absorb: {} says what the catalog says",
                match self.edited.is_empty() {
                    true => format!("{}/", self.output),
                    false => "what was named".to_string(),
                }
            ));
        }
        let told = found
            .told
            .iter()
            .map(|told| data(told, &found, self.output, &self.stand.source));
        report
            .data
            .insert("edits".into(), told.collect::<Vec<Value>>().into());
        Ok(report)
    }

    /// The files of the catalog with some of the changes.
    fn with(&self, files: &Files, found: &Found, some: &[usize]) -> Files {
        let mut files = files.clone();
        for index in some {
            match &found.changes[*index].change {
                Change::Keys(keys) => {
                    for key in keys {
                        files.edit(&key.file, |tree| key.write(tree, &self.stand.schema.value));
                    }
                }
                Change::Template(template) => {
                    let text = match files.template(&template.path) {
                        // Another change of the same template was first.
                        Some(text) => text.replacen(&template.old, &template.new, 1),
                        None => template.text.clone(),
                    };
                    files.edit_template(&template.path, &text);
                }
            }
        }
        files
    }

    /// Everything rendered with the changes that are written.
    fn after(&self, changes: &[Chosen]) -> Result<Option<Stand>> {
        let mut after: Option<Stand> = None;
        for one in changes {
            let from = after.as_ref().unwrap_or(self.stand);
            match from.with(&one.change, ARTIFACTS)? {
                Some(Ok(stand)) => after = Some(stand),
                _ => return Ok(None),
            }
        }
        Ok(after)
    }

    /// Of edited files, what is written: what is rendered, with what is left of the edits in it. Where both change the same place,
    /// the file stays as it is: these are named.
    fn kept(&self, found: &Found) -> (BTreeMap<String, String>, Vec<String>) {
        let (mut keep, mut beside) = (BTreeMap::new(), Vec::new());
        let Some(after) = &found.after else {
            return (keep, beside);
        };
        for edited in self.edited {
            let texts = [&self.stand, &after].map(|stand| stand.text(&edited.path));
            let [Some(before), Some(after)] = texts else {
                continue;
            };
            let shape = |text: &str| Shape::of(&edited.path, text);
            let disk = shape(&edited.text);
            let text = match reordered(after, &edited.text) {
                true => Some(after.to_string()),
                false => merged(&shape(before).text, &shape(after).text, &disk.text)
                    .and_then(|text| disk.written(text)),
            };
            if text.is_none() {
                beside.push(edited.path.clone());
            }
            keep.insert(edited.path.clone(), text.unwrap_or(edited.text.clone()));
        }
        (keep, beside)
    }

    /// What is said of the changes that are written.
    fn lines(&self, files: &Files, found: &Found, kept: &[usize]) -> Vec<String> {
        let with = self.with(files, found, kept);
        let mut lines = Vec::new();
        for index in kept {
            let Chosen {
                change, instead, ..
            } = &found.changes[*index];
            match change {
                Change::Keys(keys) => lines.extend(keys.iter().map(|key| {
                    let mut texts = with.all();
                    let text = texts.find(|file| file.name == key.file);
                    let source = text.map(|file| Source::parse(&file.name, &file.text).0);
                    let at = source.map_or(key.file.clone(), |source| place(&source, key));
                    let before = match (key.written, &key.before) {
                        (true, before) => plain(before),
                        (false, Value::Null) => "not written there".to_string(),
                        (false, before) => format!("{}, not written there,", plain(before)),
                    };
                    let word = key.word.as_deref().unwrap_or("taken away");
                    format!("absorbed as {} at {at}: {before} → {word}", key.key())
                })),
                Change::Template(TemplateChange {
                    path,
                    line,
                    old,
                    new,
                    ..
                }) => lines.push(format!(
                    "absorbed in templates/{path}:{line}: `{old}` → `{new}`"
                )),
            }
            for told in &found.told {
                if matches!(told.says, Says::Change(of) if of == *index) {
                    lines.push(format!(
                        "  edit      {}/{}:{}",
                        self.output, told.path, told.line
                    ));
                }
            }
            if !instead.is_empty() {
                let all: Vec<String> = instead.iter().map(written).collect();
                lines.push(format!(
                    "  rather than {}, which would say it too",
                    all.join(", ")
                ));
            }
        }
        lines
    }

    /// What is left of an edit; None: it is absorbed.
    fn left(
        &self,
        told: &Told,
        found: &Found,
        kept: &[usize],
        refused: &BTreeMap<usize, Report>,
    ) -> Option<Diagnostic> {
        let place = Place::Line {
            file: format!("{}/{}", self.output, told.path),
            line: told.line,
            text: told.text.clone(),
        };
        let render = self.cli.command("render");
        let back = format!("or put the file back with `{render}`");
        let set = |change: &Change| {
            let all = change.keys().iter().map(|key| self.command(key));
            all.collect::<Vec<_>>().join(" and ")
        };
        let known = |found: Diagnostic, change: &Change| {
            let written = change.keys().iter().filter(|key| key.written);
            written.fold(found, |found, key| {
                found.also(Place::Key(pointer(&key.steps)), "it is said here")
            })
        };
        Some(match &told.says {
            Says::Change(index) if kept.contains(index) => return None,
            Says::Change(index) => {
                let change = &found.changes[*index].change;
                let why = match refused.contains_key(index) {
                    true => "is refused, as the findings below say",
                    false => "is not written, because something with it is refused",
                };
                let message = format!("this edit is {}, which {why}", written(change));
                known(
                    Diagnostic::error("refused-edit", place, message)
                        .help(format!("choose another value, {back}")),
                    change,
                )
            }
            Says::Refused(change, refusal) => {
                let why = refusal.diagnostics.iter().find(|found| found.stops());
                let why = why.map_or(String::new(), |found| {
                    let help = match found.help.is_empty() {
                        true => String::new(),
                        false => format!(" ({})", found.help),
                    };
                    format!(": {}{help}", found.message)
                });
                let message = format!("this edit is {}, which is refused{why}", written(change));
                known(
                    Diagnostic::error("refused-edit", place, message)
                        .help(format!("choose another value, {back}")),
                    change,
                )
            }
            Says::Several(changes) => {
                let all: Vec<String> = changes.iter().map(written).collect();
                let message = format!(
                    "this edit may be {}: each of them renders it, and nothing is for one of them",
                    all.join(", or ")
                );
                let all: Vec<String> = changes.iter().map(set).collect();
                let help = format!("say which: {}; {back}", all.join(", or "));
                let found = Diagnostic::error("ambiguous-edit", place, message).help(help);
                changes.iter().fold(found, known)
            }
            Says::Contradicted(change) => {
                let message = format!(
                    "this edit is {}, and another edit wants something else there",
                    written(change)
                );
                let help = format!("say which is meant, as with {}; {back}", set(change));
                known(
                    Diagnostic::error("contradictory-edit", place, message).help(help),
                    change,
                )
            }
            Says::Without(change) => {
                let entries: Vec<String> = change.keys().iter().map(KeyChange::key).collect();
                let message = format!(
                    "{}: the catalog without {} renders that",
                    what(told),
                    entries.join(" and ")
                );
                let help = format!(
                    "{}, which takes all that belongs to it along; {back}",
                    set(change)
                );
                known(
                    Diagnostic::error("not-absorbed", place, message).help(help),
                    change,
                )
            }
            Says::Line {
                place: line,
                change,
            } => {
                let what = what(told);
                let same = self.means_the_same(told, found);
                let message = match same {
                    Some(true) => format!(
                        "{what}: only comments or the layout differ in this file, which no key of the catalog says"
                    ),
                    _ if found.exhausted => {
                        format!("{what}: no key of the catalog was found that says that")
                    }
                    _ => format!("{what}: no key of the catalog says that"),
                };
                let own = match told.old.trim().is_empty() && same == Some(false) {
                    true => {
                        "; rules, jobs, routes and dashboards of your own stand in files that [extra] names"
                    }
                    false => "",
                };
                let help = self.advice(line, change.as_ref(), &back) + own;
                let there = match told.old.trim().is_empty() {
                    true => "it is added at what this line says",
                    false => "this line says it",
                };
                Diagnostic::error("not-absorbed", place, message)
                    .also(line.clone(), there)
                    .help(help)
            }
        })
    }

    /// The command that writes a key as an edit says it.
    fn command(&self, key: &KeyChange) -> String {
        let (name, steps) = (shell(&key.key()), &key.steps);
        match &key.word {
            Some(word) => format!("`{} {name} {}`", self.cli.command("set"), shell(word)),
            None if key.removes_entry() => {
                let table = steps[0].trim_end_matches('s');
                format!(
                    "`{} {table} {}`",
                    self.cli.command("remove"),
                    shell(&steps[1])
                )
            }
            None => format!("`{} {name} --unset`", self.cli.command("set")),
        }
    }

    /// What to do about an edit that a line says.
    fn advice(&self, line: &Place, change: Option<&Change>, back: &str) -> String {
        let Place::Line { file, .. } = line else {
            return format!("change its template, {back}");
        };
        let Some(path) = file.strip_prefix("templates/") else {
            return format!("it is a copy of what {file} says: change it there, {back}");
        };
        if self.cli.root.join(file).is_file() {
            return format!("change that line of the template, {back}");
        }
        let eject = self.cli.command("templates eject");
        match change {
            Some(_) => format!(
                "it is a text of that template: `{eject} {path}`, and `absorb` writes it there; {back}"
            ),
            None => format!("`{eject} {path}`, and change it there; {back}"),
        }
    }

    /// Whether a file means what it is rendered to mean, but for what is absorbed; None: it cannot be read.
    fn means_the_same(&self, told: &Told, found: &Found) -> Option<bool> {
        let stand = found.after.as_ref().unwrap_or(self.stand);
        let edited = self.edited.iter().find(|edited| edited.path == told.path)?;
        let rendered = stand.rendered.file(&told.path)?;
        let value = yaml::parse(&edited.text).ok()?;
        (!rendered.value.is_null()).then(|| value == *rendered.value)
    }

    /// A file that differs, and in no place: the layout of JSON, or the list of what is rendered.
    fn laid_out(&self, edited: &Edited) -> Diagnostic {
        let path = format!("{}/{}", self.output, edited.path);
        let message = match self.stand.text(&edited.path) {
            Some(_) => format!("{path} is laid out otherwise, and says the same"),
            None => format!("{path} is the list of what is rendered, which nobody else writes"),
        };
        let help = format!("write it as it is rendered: {}", self.cli.command("render"));
        Diagnostic::error("not-absorbed", Place::File(path), message).help(help)
    }
}

/// What was done to lines, in words.
fn what(told: &Told) -> String {
    let quoted = |text: &str| {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default().trim();
        match lines.count() {
            0 => format!("`{first}`"),
            more => format!("`{first}` with {} behind it", plural(more, "line")),
        }
    };
    match (told.old.trim().is_empty(), told.new.trim().is_empty()) {
        (false, false) => format!("{} became {}", quoted(&told.old), quoted(&told.new)),
        (false, true) => format!("{} is gone", quoted(&told.old)),
        (true, false) => format!("{} is added", quoted(&told.new)),
        (true, true) => "blank lines differ".to_string(),
    }
}
