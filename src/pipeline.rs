//! services.toml → Catalog → lints → Files → proofs: what every verb does before its own work.

use crate::allow::Allows;
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::catalog::schema::Schema;
use crate::diagnostic::{Diagnostic, Place, Severity, folded, sorted};
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::profiles::Profiles;
use crate::render::found::Found;
use crate::render::{Rendered, render};
use crate::source::read::Unreadable;
use crate::source::{Source, SyntaxError};
use crate::{allow, lints, proofs, source};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The catalog's name under the root.
pub const CATALOG: &str = "services.toml";

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

/// The text of the catalog of `root`; one that is missing, unreadable or not text is a finding, not an error.
pub(crate) fn read(root: &Path) -> Result<String, Box<Outcome>> {
    let path = root.join(CATALOG);
    let refused = |text: &str, place: Place, message: String, help: &str| {
        Box::new(Outcome {
            source: Source::parse(CATALOG, text).0,
            catalog: None,
            rendered: None,
            diagnostics: vec![Diagnostic::error("unreadable-catalog", place, message).help(help)],
        })
    };
    let whole = || Place::File(path.display().to_string());
    let text = source::read::read(&path).map_err(|unreadable| match unreadable {
        Unreadable::Missing => refused(
            "",
            whole(),
            format!("there is no {CATALOG} here"),
            "run this where the catalog is, or say where with `--root DIR`",
        ),
        Unreadable::Refused(reason, help) => refused(
            "",
            whole(),
            format!("cannot read {CATALOG}: {reason}"),
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
                &text,
                place,
                format!("{CATALOG} is not UTF-8: {reason}"),
                help,
            )
        }
    })?;
    if text.trim().is_empty() {
        let help = "start with `[platform]`, one group and one service; the README shows ten lines that do";
        return Err(refused(
            &text,
            Place::Bytes(0..0),
            format!("{CATALOG} is empty"),
            help,
        ));
    }
    Ok(text)
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
    let (source, errors) = Source::parse(name, text);
    let found = if errors.is_empty() {
        Schema::of(&kinds).check(&source)
    } else {
        syntax(errors)
    };
    if !found.is_empty() {
        let diagnostics = sorted(found, &source);
        return Err(Box::new(Refused {
            source,
            diagnostics,
        }));
    }
    match Catalog::load(&source, &[], &kinds, &Profiles::built_in()) {
        Ok(catalog) => Ok((source, catalog)),
        Err(diagnostic) => Err(Box::new(Refused {
            source,
            diagnostics: vec![*diagnostic],
        })),
    }
}

/// As much of a text as can be understood, and what syntax and schema have against the rest: an older catalog may hold keys
/// that are refused today.
pub fn understood(
    name: &str,
    text: &str,
    overlay: &Overlay,
) -> (Source, Option<Catalog>, Vec<Diagnostic>) {
    let (source, errors) = Source::parse(name, text);
    let kinds = match Kinds::of(overlay) {
        Ok(kinds) => kinds,
        Err(diagnostics) => return (source, None, diagnostics),
    };
    let profiles = match Profiles::of(overlay) {
        Ok(profiles) => profiles,
        Err(diagnostics) => return (source, None, diagnostics),
    };
    if !errors.is_empty() {
        let diagnostics = sorted(syntax(errors), &source);
        return (source, None, diagnostics);
    }
    let mut refused = Schema::of(&kinds).check(&source);
    let catalog = Catalog::load(&source, &refused, &kinds, &profiles)
        .map_err(|diagnostic| refused.push(*diagnostic))
        .ok();
    let diagnostics = sorted(refused, &source);
    (source, catalog, diagnostics)
}

fn syntax(errors: Vec<SyntaxError>) -> Vec<Diagnostic> {
    let help = |reason: &str| match reason {
        "duplicate key" => {
            "it stands further up already: give this one another name, or make one of the two"
        }
        _ => "fix the TOML; see https://toml.io",
    };
    let diagnose = |error: SyntaxError| {
        Diagnostic::error("syntax", Place::Bytes(error.span), error.reason.clone())
            .help(help(&error.reason))
    };
    errors.into_iter().map(diagnose).collect()
}

/// Reads, checks, renders and proves the catalog of `root`; an error is one of the machine, not of the catalog.
pub fn run(root: &Path) -> Result<Outcome> {
    match read(root) {
        Ok(text) => prove(&text, root),
        Err(unreadable) => Ok(*unreadable),
    }
}

/// The same without the proofs, for verbs that ask about what runs: `render` is where a stack is proved.
pub(crate) fn render_unproved(root: &Path) -> Result<Outcome> {
    let mut outcome = lint(root);
    let Some(catalog) = outcome.catalog.as_ref().filter(|_| !outcome.failed()) else {
        return Ok(outcome);
    };
    match render(catalog, root)? {
        Ok(rendered) => outcome.rendered = Some(rendered),
        Err(diagnostics) => outcome
            .diagnostics
            .extend(sorted(diagnostics, &outcome.source)),
    }
    Ok(outcome)
}

/// The catalog of `root` and its lints, nothing rendered.
pub(crate) fn lint(root: &Path) -> Outcome {
    match read(root) {
        Ok(text) => linted(&text, &Overlay::of(root)).0.in_order(),
        Err(unreadable) => *unreadable,
    }
}

/// A text checked, rendered and proved as if it were the catalog of `root`; `add` proves what it will write.
pub fn prove(text: &str, root: &Path) -> Result<Outcome> {
    let (mut outcome, mut allows) = linted(text, &Overlay::of(root));
    let Some(catalog) = outcome.catalog.as_ref().filter(|_| !outcome.failed()) else {
        return Ok(outcome.in_order());
    };
    let (found, rendered) = match render(catalog, root)? {
        Ok(rendered) => (proofs::inspect(catalog, &rendered), Some(rendered)),
        Err(diagnostics) => (diagnostics, None),
    };
    let left = allows.accept(found, &outcome.source);
    outcome.diagnostics.extend(folded(left));
    if rendered.is_some() {
        outcome.diagnostics.extend(allows.unused(&codes()));
    }
    outcome.rendered = rendered;
    Ok(outcome.in_order())
}

/// The proofs for files as they are in a folder, paths and texts, beside a text as the catalog of `root`. `folder` is how messages
/// call it; the second part of the answer are the files that no role is known of, which nothing looks at.
pub fn prove_files(
    text: &str,
    root: &Path,
    folder: &str,
    texts: Vec<(String, String)>,
    roles: &BTreeMap<String, Role>,
) -> Result<(Outcome, Vec<String>)> {
    let (mut outcome, mut allows) = linted(text, &Overlay::of(root));
    let Some(catalog) = outcome.catalog.as_ref().filter(|_| !outcome.failed()) else {
        return Ok((outcome.in_order(), Vec::new()));
    };
    let found = Found::of(catalog, root, folder, texts, roles)?;
    let mut diagnostics = found.unreadable;
    if diagnostics.is_empty() {
        diagnostics = proofs::inspect(catalog, &found.rendered);
    }
    let left = allows.accept(diagnostics, &outcome.source);
    outcome.diagnostics.extend(folded(left));
    outcome.rendered = Some(found.rendered);
    Ok((outcome.in_order(), found.unknown))
}

/// Syntax, schema and lints, without what the catalog accepts of them.
fn linted(text: &str, overlay: &Overlay) -> (Outcome, Allows) {
    let mut outcome = checked(text, overlay);
    let mut allows = Allows::of(&outcome.source);
    let found = std::mem::take(&mut outcome.diagnostics);
    outcome.diagnostics = allows.accept(found, &outcome.source);
    outcome.diagnostics.extend(allows.mistakes(&codes()));
    (outcome, allows)
}

/// Syntax, schema, lints; nothing is accepted yet.
fn checked(text: &str, overlay: &Overlay) -> Outcome {
    let (source, errors) = Source::parse(CATALOG, text);
    let mut outcome = Outcome {
        source,
        catalog: None,
        rendered: None,
        diagnostics: Vec::new(),
    };
    if !errors.is_empty() {
        outcome.diagnostics = syntax(errors);
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
            outcome.diagnostics = lints::inspect(&catalog, &outcome.source);
            let named: BTreeSet<&str> = refused
                .iter()
                .filter_map(|refused| pointer(&refused.place))
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
    outcome
}

/// Every code of a lint or proof: what an `allow` may name.
fn codes() -> Vec<&'static str> {
    let lints = lints::LINTS.iter().map(|lint| lint.code);
    let proofs = proofs::PROOFS.iter().map(|proof| proof.code);
    lints.chain(proofs).collect()
}

fn pointer(place: &Place) -> Option<&str> {
    match place {
        Place::Key(pointer) | Place::Value(pointer) => Some(pointer),
        _ => None,
    }
}

/// Whether a lint only speaks of what the schema has refused: a key that is not there, or one around or inside it.
fn is_consequence(found: &Diagnostic, refused: &BTreeSet<&str>, source: &Source) -> bool {
    let Some(place) = pointer(&found.place) else {
        return false;
    };
    let inside = format!("{place}/");
    !source.contains(place)
        || allow::upwards(place).any(|around| refused.contains(around))
        || refused
            .range(inside.as_str()..)
            .next()
            .is_some_and(|next| next.starts_with(&inside))
}
