//! services.toml → Catalog → lints → Files → proofs: what every verb does before its own work.

mod edits;

use crate::allow::Allows;
use crate::artifacts::{ARTIFACTS, Role};
use crate::catalog::Catalog;
use crate::catalog::requirement;
use crate::catalog::schema::Schema;
use crate::diagnostic::{Diagnostic, Place, Severity, folded, sorted, suggestion, suggestion_or};
use crate::kinds::Kinds;
use crate::overlay::{Overlay, built_in};
use crate::profiles::Profiles;
use crate::render::found::Found;
use crate::render::{self, Rendered};
use crate::source::read::Unreadable;
use crate::source::{Contradiction, Source, SyntaxError, Text, Texts, Unsaved};
use crate::templates::misspelt::misspelt;
use crate::{allow, lints, proofs};
use anyhow::Result;
use edits::Edited;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

/// The catalog's name under the root.
pub const CATALOG: &str = "services.toml";

/// The folder of its parts, beside it.
pub const PARTS: &str = "services.d";

/// How far a catalog came, and everything that was found on the way.
pub struct Outcome {
    pub source: Source,
    /// There unless its syntax or schema is wrong.
    pub catalog: Option<Catalog>,
    /// There unless an error came before the templates.
    pub rendered: Option<Rendered>,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Outcome {
    /// Whether nothing may be written.
    pub fn failed(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::stops)
    }

    fn in_order(mut self) -> Outcome {
        self.diagnostics = sorted(self.diagnostics, &self.source);
        self
    }
}

/// Where a catalog is, and for which environment it is read.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    pub path: &'a Path,
    /// None: the catalog itself.
    pub environment: Option<&'a str>,
    /// What an editor has of its files, and the disk has not. None: there is no editor.
    pub unsaved: Option<&'a Unsaved>,
}

impl Root<'_> {
    /// The templates, the profiles and the files of `[extra]` that it has.
    pub fn overlay(&self) -> Overlay {
        Overlay::of(self.path).with_unsaved(self.texts())
    }

    fn texts(&self) -> Unsaved {
        self.unsaved.cloned().unwrap_or_default()
    }
}

impl<'a, P: AsRef<Path> + ?Sized> From<&'a P> for Root<'a> {
    fn from(path: &'a P) -> Root<'a> {
        Root {
            path: path.as_ref(),
            environment: None,
            unsaved: None,
        }
    }
}

/// A text as a catalog of one file.
impl<T: AsRef<str> + ?Sized> From<&T> for Texts {
    fn from(text: &T) -> Texts {
        Texts::one(CATALOG, text.as_ref())
    }
}

/// What an environment's file is called.
pub fn overlay_name(environment: &str) -> String {
    format!("services.{environment}.toml")
}

/// The environment that a file is for, by its name.
pub fn environment_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix("services.")?.strip_suffix(".toml")?;
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// The environments of a root, by name.
pub fn environments<'a>(root: impl Into<Root<'a>>) -> Vec<String> {
    let root = root.into();
    let mut found: Vec<String> = (root.texts().names(root.path))
        .unwrap_or_default()
        .iter()
        .filter_map(|name| environment_of(name))
        .map(str::to_string)
        .collect();
    found.sort();
    found
}

/// Whether a file of PARTS is read: a TOML file that is no hidden one, such as an editor's.
pub fn is_part(name: &str) -> bool {
    name.ends_with(".toml") && !name.starts_with('.')
}

/// Files beside the catalog that are called nearly as its parts and its environments are, and are neither.
fn misnamed(root: Root) -> Vec<String> {
    let unsaved = root.texts();
    let beside = unsaved.names(root.path).unwrap_or_default().into_iter();
    let like = |name: &String| {
        let ends = name
            .strip_prefix("services")
            .or(name.strip_prefix("service"));
        let ends = ends.and_then(|rest| rest.strip_suffix(".toml"));
        ends.is_some_and(|rest| rest.starts_with(['-', '_', '.']))
            && name != CATALOG
            && environment_of(name).is_none()
    };
    let mut found: Vec<String> = beside.filter(like).collect();
    let folder = "service.d";
    let inside = unsaved.names(&root.path.join(folder)).unwrap_or_default();
    let parts = inside.iter().filter(|name| is_part(name));
    found.extend(parts.map(|name| format!("{folder}/{name}")));
    found
}

/// The texts of the catalog of `root`; what is missing, unreadable or not text is a finding, not an error.
pub fn read<'a>(root: impl Into<Root<'a>>) -> Result<Texts, Box<Outcome>> {
    let root = root.into();
    let unsaved = root.texts();
    let file = |name: &str| file(root.path, &unsaved, name);
    let mut texts = Texts::one(CATALOG, &file(CATALOG)?);
    let folder = root.path.join(PARTS);
    let begun = |path: &Path| path.parent() == Some(&*folder);
    if folder.is_dir() || unsaved.paths().any(begun) {
        let names = unsaved.names(&folder).map_err(|error| {
            let message = format!("cannot read {PARTS}: {error}");
            let place = Place::File(folder.display().to_string());
            refused(
                CATALOG,
                "",
                place,
                message,
                "make it a folder that you may read",
            )
        })?;
        for name in names {
            let path = format!("{PARTS}/{name}");
            if is_part(&name) {
                texts.parts.push(Text {
                    text: file(&path)?,
                    name: path,
                });
            } else if !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".md") {
                texts.unread.push(path);
            }
        }
    }
    texts.unread.extend(misnamed(root));
    if texts.files().all(|file| file.text.trim().is_empty()) {
        let help = "start with `[platform]`, one group and one service; the README shows ten lines that do";
        return Err(refused(
            CATALOG,
            &texts.catalog.text,
            Place::Bytes(0..0),
            format!("{CATALOG} is empty"),
            help,
        ));
    }
    if let Some(environment) = root.environment {
        let name = overlay_name(environment);
        if !unsaved.is_file(&root.path.join(&name)) {
            let known = environments(root);
            let help = match known.as_slice() {
                [] => format!("write what differs there into {name}, beside {CATALOG}"),
                _ => suggestion(environment, known.iter().map(String::as_str)),
            };
            return Err(refused(
                CATALOG,
                &texts.catalog.text,
                Place::File(root.path.join(&name).display().to_string()),
                format!("there is no environment `{environment}`: {name} is not here"),
                &help,
            ));
        }
        texts.overlay = Some(Text {
            text: file(&name)?,
            name,
        });
        texts.environment = Some(environment.to_string());
    }
    Ok(texts)
}

fn refused(name: &str, text: &str, place: Place, message: String, help: &str) -> Box<Outcome> {
    let found = Diagnostic::error("unreadable-catalog", place, message);
    stopped(name, text, found.help(help))
}

fn stopped(name: &str, text: &str, found: Diagnostic) -> Box<Outcome> {
    Box::new(Outcome {
        source: Source::parse(name, text).0,
        catalog: None,
        rendered: None,
        diagnostics: vec![found],
    })
}

/// One of the files.
fn file(root: &Path, unsaved: &Unsaved, name: &str) -> Result<String, Box<Outcome>> {
    let path = root.join(name);
    let whole = || Place::File(path.display().to_string());
    unsaved.read(&path).map_err(|unreadable| match unreadable {
        // Without any there is nothing to look at.
        Unreadable::Missing if name == CATALOG => stopped(
            name,
            "",
            Diagnostic::error("no-catalog", whole(), format!("there is no {name} here")).help(
                "write a first one with `monstack init`, or say with `--root DIR` where it is",
            ),
        ),
        Unreadable::Missing => refused(
            name,
            "",
            whole(),
            format!("there is no {name} here"),
            "run this where the catalog is, or say where with `--root DIR`",
        ),
        Unreadable::Refused(reason, help) => refused(
            name,
            "",
            whole(),
            format!("cannot read {name}: {reason}"),
            help,
        ),
        Unreadable::NotText {
            text,
            at,
            reason,
            help,
        } => {
            let place = Place::Bytes(at..at + '\u{fffd}'.len_utf8());
            refused(
                name,
                &text,
                place,
                format!("{name} is not UTF-8: {reason}"),
                help,
            )
        }
    })
}

/// A text that is no catalog, and everything that is wrong with it.
pub struct Refused {
    pub source: Source,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// The catalog of a text with alerts of the built-in kinds, or everything that syntax and schema have against it; nothing is rendered.
pub fn load(name: &str, text: &str) -> Result<(Source, Catalog), Box<Refused>> {
    let kinds = Kinds::built_in();
    let (mut source, errors) = Source::parse(name, text);
    let found = if errors.is_empty() {
        Schema::of(&kinds).check(&source)
    } else {
        syntax(errors, &source.text)
    };
    if !found.is_empty() {
        let diagnostics = sorted(found, &source);
        return Err(Box::new(Refused {
            source,
            diagnostics,
        }));
    }
    match Catalog::load(&source, &[], &kinds, &Profiles::built_in()) {
        Ok(catalog) => {
            catalog.derive(&mut source);
            Ok((source, catalog))
        }
        Err(diagnostic) => Err(Box::new(Refused {
            source,
            diagnostics: vec![*diagnostic],
        })),
    }
}

/// As much of a text as can be understood, and what syntax and schema have against the rest: an older catalog may hold keys
/// that are refused today.
pub fn understood(texts: &Texts, overlay: &Overlay) -> (Source, Option<Catalog>, Vec<Diagnostic>) {
    let (mut source, errors) = Source::of(texts);
    let kinds = match Kinds::of(overlay) {
        Ok(kinds) => kinds,
        Err(diagnostics) => return (source, None, diagnostics),
    };
    let profiles = match Profiles::of(overlay) {
        Ok(profiles) => profiles,
        Err(diagnostics) => return (source, None, diagnostics),
    };
    if !errors.is_empty() {
        let diagnostics = sorted(syntax(errors, &source.text), &source);
        return (source, None, diagnostics);
    }
    let mut refused = Schema::of(&kinds).check(&source);
    let catalog = Catalog::load(&source, &refused, &kinds, &profiles)
        .map_err(|diagnostic| refused.push(*diagnostic))
        .ok();
    if let Some(catalog) = &catalog {
        catalog.derive(&mut source);
    }
    refused.extend(contradictions(&source));
    let diagnostics = sorted(refused, &source);
    (source, catalog, diagnostics)
}

fn syntax(errors: Vec<SyntaxError>, text: &str) -> Vec<Diagnostic> {
    let help = |reason: &str| match reason {
        "duplicate key" => {
            "it stands further up already: give this one another name, or make one of the two"
        }
        extended if extended.contains("inline table") => {
            "further up the table stands in braces: write the key between them, as in `{ …, alerts.NAME = { … } }`, or write that one as a `[table]` too"
        }
        boolean if boolean.starts_with("invalid boolean") => {
            "text stands in quotes; without them there are numbers, `true` and `false`"
        }
        _ => "fix the TOML; see https://toml.io",
    };
    // The keys of a table that stands there twice are there twice with it.
    let mut copied: Option<Range<usize>> = None;
    let mut found = Vec::new();
    for error in errors {
        if error.reason == "duplicate key" {
            if (copied.as_ref()).is_some_and(|table| table.contains(&error.span.start)) {
                continue;
            }
            let line = text[..error.span.start]
                .rfind('\n')
                .map_or(0, |end| end + 1);
            let header = text[line..error.span.start].trim_start().starts_with('[');
            let end = text[error.span.end..].find("\n[");
            copied =
                header.then(|| error.span.end..end.map_or(text.len(), |end| error.span.end + end));
        }
        let help = help(&error.reason);
        let place = Place::Bytes(error.span);
        found.push(Diagnostic::error("syntax", place, error.reason).help(help));
    }
    found
}

/// What the files of a catalog say against each other.
fn contradictions(source: &Source) -> Vec<Diagnostic> {
    let one = |found: &Contradiction| {
        match found {
        Contradiction::Twice { name, first, again } => Diagnostic::error(
            "key-twice",
            Place::Bytes(again.clone()),
            format!("`{name}` stands in two files"),
        )
        .also(Place::Bytes(first.clone()), "it is here first")
        .help("one of the two is meant: remove the other, or give it another name"),
        Contradiction::NothingToDisable {
            table,
            name,
            at,
            known,
        } => Diagnostic::error(
            "nothing-to-disable",
            Place::Bytes(at.clone()),
            format!("there is no `{table}.{name}` that this environment could be without"),
        )
        .help(suggestion_or(
            name,
            known.iter().map(String::as_str),
            "remove it",
        )),
        Contradiction::NoList { at } => Diagnostic::error(
            "wrong-type",
            Place::Bytes(at.clone()),
            "`unset` is no list of keys",
        )
        .help("write the keys that this environment does not have, as in `unset = [\"owner\"]`"),
        Contradiction::SameFolder { at } => Diagnostic::error(
            "same-folder",
            Place::Bytes(at.clone()),
            "this is the folder of the catalog itself: whichever is rendered last overwrites the other",
        )
        .help("remove it, and this environment has a folder of its own; or name another one"),
        Contradiction::SameLabel { at, label } => Diagnostic::error(
            "same-environment",
            Place::Bytes(at.clone()),
            format!("alerts of this environment say that they are of `{label}`: nobody can tell the two apart"),
        )
        .help("leave `environment` out: it is the name of the environment then"),
        Contradiction::NotAFlag { at } => Diagnostic::error(
            "wrong-type",
            Place::Bytes(at.clone()),
            "`enabled` is neither true nor false",
        )
        .help("write `enabled = false` for what this environment does not have"),
    }
    };
    let unread = |path: &String| {
        let place = Place::File(path.clone());
        let message = format!("{path} is not read");
        if !path.starts_with(PARTS) {
            return Diagnostic::warning("unread-part", place, message).help(format!(
                "parts of the catalog are the files {PARTS}/*.toml, and environments are services.NAME.toml: rename it"
            ));
        }
        Diagnostic::notice("unread-part", place, message).help(format!(
            "parts of the catalog are the files {PARTS}/*.toml: rename it, or move it elsewhere"
        ))
    };
    source
        .contradictions
        .iter()
        .map(one)
        .chain(source.unread.iter().map(unread))
        .collect()
}

/// Reads, checks, renders and proves the catalog of `root`; an error is one of the machine, not of the catalog.
pub fn run<'a>(root: impl Into<Root<'a>>) -> Result<Outcome> {
    let root = root.into();
    match read(root) {
        Ok(texts) => prove_with(&texts, &root.overlay()),
        Err(unreadable) => Ok(*unreadable),
    }
}

/// The same without the proofs, for verbs that ask about what runs: `render` is where a stack is proved.
pub fn render_unproved<'a>(root: impl Into<Root<'a>>) -> Result<Outcome> {
    let root = root.into();
    let mut outcome = lint(root);
    let Some(catalog) = outcome.catalog.as_ref().filter(|_| !outcome.failed()) else {
        return Ok(outcome);
    };
    match render::render(catalog, root.path)? {
        Ok(rendered) => outcome.rendered = Some(rendered),
        Err(diagnostics) => outcome
            .diagnostics
            .extend(sorted(diagnostics, &outcome.source)),
    }
    Ok(outcome)
}

/// The catalog of `root` and its lints, nothing rendered.
pub fn lint<'a>(root: impl Into<Root<'a>>) -> Outcome {
    let root = root.into();
    match read(root) {
        Ok(texts) => linted(&texts, &root.overlay()).0.in_order(),
        Err(unreadable) => *unreadable,
    }
}

/// A text checked, rendered and proved as if it were the catalog of `root`; `add` proves what it will write.
pub fn prove(texts: impl Into<Texts>, root: &Path) -> Result<Outcome> {
    prove_with(texts, &Overlay::of(root))
}

/// The same with profiles, or files of `[extra]`, that are not on disk yet.
pub fn prove_with(texts: impl Into<Texts>, overlay: &Overlay) -> Result<Outcome> {
    let texts = texts.into();
    let (mut outcome, found) = proved(&texts, overlay)?;
    // A template that cannot be rendered is named by its line already.
    let found = match outcome.rendered.is_some() && found.iter().any(Diagnostic::stops) {
        true => {
            let judged = |templates: &edits::Texts| {
                let overlay = overlay.clone().with_changed(templates.clone());
                proved(&texts, &overlay).map_or_else(|_| Vec::new(), |(_, found)| found)
            };
            edited_templates(overlay).told(found, judged)
        }
        false => found,
    };
    outcome.diagnostics.extend(folded(found));
    Ok(outcome.in_order())
}

/// The built-in templates that the overlay replaces.
fn edited_templates(overlay: &Overlay) -> Edited {
    let own = |path: &String| Some((path.clone(), overlay.text(path).ok()??));
    let replaced = overlay.replaced();
    Edited {
        folder: "templates".to_string(),
        says: "the built-in template has",
        before: (replaced.iter())
            .filter_map(|path| Some((path.clone(), built_in(path)?.to_string())))
            .collect(),
        after: replaced.iter().filter_map(own).collect(),
    }
}

/// How far a text comes, and what is found when it is rendered and proved, as the catalog does not accept it.
fn proved(texts: &Texts, overlay: &Overlay) -> Result<(Outcome, Vec<Diagnostic>)> {
    let (mut outcome, mut allows) = linted(texts, overlay);
    let Some(catalog) = &outcome.catalog else {
        return Ok((outcome, Vec::new()));
    };
    if outcome.failed() {
        let mut found = apart(&outcome, catalog, overlay)?;
        found = allows.accept(found, &outcome.source);
        return Ok((outcome, found));
    }
    let (found, rendered) = match render::with(catalog, overlay, ARTIFACTS)? {
        Ok(rendered) => (proofs::inspect(catalog, &rendered), Some(rendered)),
        Err(diagnostics) => (diagnostics, None),
    };
    let left = allows.accept(found, &outcome.source);
    if rendered.is_some() {
        outcome.diagnostics.extend(allows.unused(&codes()));
    }
    outcome.rendered = rendered;
    Ok((outcome, left))
}

/// What the proofs find of a catalog that the lints refuse, and that does not follow from that: expressions of it that cannot be
/// read, and mistakes of other alerts where only alerts are refused.
fn apart(outcome: &Outcome, catalog: &Catalog, overlay: &Overlay) -> Result<Vec<Diagnostic>> {
    let Ok(rendered) = render::with(catalog, overlay, ARTIFACTS)? else {
        return Ok(Vec::new());
    };
    // The alerts that it is about; None: it is about something else too.
    let alerts = |found: &Diagnostic| -> Option<Vec<String>> {
        let owners = found.owners.iter().map(String::as_str);
        let mut tables = found.place.pointer().into_iter().chain(owners).peekable();
        tables.peek()?;
        tables
            .map(|table| {
                Some(
                    table
                        .strip_prefix("/alerts/")?
                        .split('/')
                        .next()?
                        .to_string(),
                )
            })
            .collect()
    };
    let errors = outcome.diagnostics.iter().filter(|found| found.stops());
    let refused: Option<Vec<Vec<String>>> = errors.map(alerts).collect();
    let refused = refused.map(|all| all.concat());
    let mut found = proofs::inspect(catalog, &rendered);
    found.retain(|found| {
        let unread = found.code == "invalid-promql" && found.place.pointer().is_some();
        let apart = || {
            let (refused, own) = (refused.as_ref()?, alerts(found)?);
            Some(!own.iter().any(|alert| refused.contains(alert)))
        };
        found.stops() && (unread || apart() == Some(true))
    });
    Ok(found)
}

/// The proofs for files as they are in a folder, paths and texts, beside a text as the catalog of `root`. `folder` is how messages
/// call it; the second part of the answer are the files that no role is known of, which nothing looks at.
pub fn prove_files(
    catalog: impl Into<Texts>,
    root: &Path,
    folder: &str,
    texts: Vec<(String, String)>,
    roles: &BTreeMap<String, Role>,
) -> Result<(Outcome, Vec<String>)> {
    let overlay = Overlay::of(root);
    let (mut outcome, mut allows) = linted(&catalog.into(), &overlay);
    let Some(catalog) = outcome.catalog.as_ref().filter(|_| !outcome.failed()) else {
        return Ok((outcome.in_order(), Vec::new()));
    };
    let judged = |texts: Vec<(String, String)>| -> Result<(Found, Vec<Diagnostic>)> {
        let mut found = Found::of(catalog, root, folder, texts, roles)?;
        let mut wrong = std::mem::take(&mut found.unreadable);
        if wrong.is_empty() {
            wrong = proofs::inspect(catalog, &found.rendered);
        }
        Ok((found, wrong))
    };
    let (found, wrong) = judged(texts.clone())?;
    let mut left = allows.accept(wrong, &outcome.source);
    if left.iter().any(Diagnostic::stops)
        && let Ok(sound) = render::with(catalog, &overlay, ARTIFACTS)?
    {
        let sound = sound.files.into_iter();
        let edited = Edited {
            folder: folder.to_string(),
            says: "the catalog renders",
            before: sound.map(|file| (file.path, file.text)).collect(),
            after: texts.iter().cloned().collect(),
        };
        left = edited.told(left, |changed| {
            let text = |(path, text): &(String, String)| {
                let text = changed.get(path).unwrap_or(text);
                (path.clone(), text.clone())
            };
            let texts = texts.iter().map(text).collect();
            judged(texts).map_or_else(|_| Vec::new(), |(_, wrong)| wrong)
        });
    }
    outcome.diagnostics.extend(folded(left));
    outcome.rendered = Some(found.rendered);
    Ok((outcome.in_order(), found.unknown))
}

/// Syntax, schema and lints, without what the catalog accepts of them.
fn linted(texts: &Texts, overlay: &Overlay) -> (Outcome, Allows) {
    let mut outcome = checked(texts, overlay);
    let mut allows = Allows::of(&outcome.source);
    let found = std::mem::take(&mut outcome.diagnostics);
    outcome.diagnostics = lints::leading(allows.accept(found, &outcome.source));
    outcome.diagnostics.extend(allows.mistakes(&codes()));
    (outcome, allows)
}

/// Syntax, schema and lints, without a look at what is rendered.
pub fn lint_with(texts: impl Into<Texts>, overlay: &Overlay) -> Outcome {
    linted(&texts.into(), overlay).0
}

/// Syntax, schema, lints; nothing is accepted yet.
fn checked(texts: &Texts, overlay: &Overlay) -> Outcome {
    let (source, errors) = Source::of(texts);
    let mut outcome = Outcome {
        source,
        catalog: None,
        rendered: None,
        diagnostics: Vec::new(),
    };
    if !errors.is_empty() {
        outcome.diagnostics = syntax(errors, &outcome.source.text);
        return outcome;
    }
    let version = requirement::unmet(&outcome.source);
    if version
        .as_ref()
        .is_some_and(|found| found.code == "other-version")
    {
        outcome.diagnostics.extend(version);
        return outcome;
    }
    let kinds = match Kinds::of(overlay) {
        Ok(kinds) => kinds,
        Err(diagnostics) => {
            outcome.diagnostics = diagnostics;
            return outcome;
        }
    };
    let profiles = match Profiles::of(overlay) {
        Ok(profiles) => profiles,
        Err(diagnostics) => {
            outcome.diagnostics = diagnostics;
            return outcome;
        }
    };
    let refused = Schema::of(&kinds).check(&outcome.source);
    match Catalog::load(&outcome.source, &refused, &kinds, &profiles) {
        Ok(catalog) => {
            catalog.derive(&mut outcome.source);
            outcome.diagnostics = lints::inspect(&catalog, &outcome.source);
            outcome.diagnostics.extend(kinds.weaker());
            outcome.diagnostics.extend(misspelt(overlay, &kinds));
            let named: BTreeSet<&str> = refused
                .iter()
                .filter_map(|refused| refused.place.pointer())
                .collect();
            outcome.diagnostics.retain(|found| {
                refused.is_empty() || !is_consequence(found, &named, &outcome.source)
            });
            // What is worth knowing of a sound catalog only hides the mistakes of another.
            outcome
                .diagnostics
                .retain(|found| refused.is_empty() || found.severity != Severity::Notice);
            outcome.catalog = refused.is_empty().then_some(catalog);
        }
        Err(diagnostic) => outcome.diagnostics.push(*diagnostic),
    }
    outcome.diagnostics.extend(refused);
    outcome.diagnostics.extend(version);
    outcome.diagnostics.extend(contradictions(&outcome.source));
    outcome
}

/// Every code of a lint or proof: what an `allow` may name.
fn codes() -> Vec<&'static str> {
    let lints = lints::LINTS.iter().map(|lint| lint.code);
    let proofs = proofs::PROOFS.iter().map(|proof| proof.code);
    lints.chain(proofs).collect()
}

/// Whether a lint only speaks of what the schema has refused: a key that is not there, or one around or inside it.
fn is_consequence(found: &Diagnostic, refused: &BTreeSet<&str>, source: &Source) -> bool {
    let Some(place) = found.place.pointer() else {
        return false;
    };
    let inside = format!("{place}/");
    // Whom the tests of an alert expect goes by what it is about.
    let about = place
        .split_once("/tests/")
        .map(|(alert, _)| format!("{alert}/about"));
    !source.contains(place)
        || about.is_some_and(|about| refused.contains(about.as_str()))
        || allow::upwards(place).any(|around| refused.contains(around))
        || refused
            .range(inside.as_str()..)
            .next()
            .is_some_and(|next| next.starts_with(&inside))
}
