//! `diff` says what changes in behaviour between another catalog, with its templates, and this one.

mod base;

use super::{Cli, Report};
use crate::artifacts::ARTIFACTS;
use crate::catalog::Catalog;
use crate::catalog::extra::patterns;
use crate::diagnostic::{Diagnostic, Format, Place, plural};
use crate::diff::print::Printer;
use crate::diff::{At, Change, Class, Explained, Side, compare, compare_rendered};
use crate::editing::tree::Tree;
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG, Outcome};
use crate::render::{self, Rendered};
use crate::source::Source;
use anyhow::Result;
use base::Base;

/// What to compare with.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// A catalog, a folder with one, or a git revision [default: HEAD; with --environment, the catalog without it]
    base: Option<String>,
}

/// Proves the catalog as it is, reads the other, compares what both say and what is rendered of them, prints.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let Outcome {
        source,
        catalog,
        rendered,
        diagnostics,
    } = pipeline::run(cli.place())?;
    let errors: Vec<Diagnostic> = diagnostics.into_iter().filter(Diagnostic::stops).collect();
    // Of a catalog that does not load nothing can be compared.
    let Some(catalog) = catalog else {
        return Ok(Report::new(source, errors).reading());
    };
    let base = match (&args.base, &cli.environment) {
        (Some(base), _) => base::read(base, cli)?,
        (None, None) => base::read("HEAD", cli)?,
        (None, Some(_)) => match pipeline::read(&cli.root) {
            Ok(texts) => {
                let files = texts.files().map(|file| file.text.as_str());
                let patterns: Vec<String> = files.flat_map(patterns).collect();
                Base {
                    name: CATALOG.to_string(),
                    label: CATALOG.to_string(),
                    texts,
                    prefix: String::new(),
                    templates: base::texts(&cli.root, &patterns)?,
                }
            }
            Err(unreadable) => {
                return Ok(Report::new(unreadable.source, unreadable.diagnostics).reading());
            }
        },
    };
    let (before_source, before, refused) = pipeline::understood(&base.texts, &base.templates);
    let Some(before) = before else {
        return Ok(Report::new(before_source, refused).reading());
    };

    let mut limits = limits(&errors, &base, &refused);
    let lists = catalog.extra.lists();
    let patterns: Vec<String> = lists.iter().flat_map(|(_, list)| list.to_vec()).collect();
    let own = base::texts(&cli.root, &patterns)?;
    let sides = [
        Side {
            source: &before_source,
            catalog: &before,
        },
        Side {
            source: &source,
            catalog: &catalog,
        },
    ];
    let mut changes = compare(sides[0], sides[1]);
    let new = New {
        catalog: &catalog,
        source: &source,
        before: &before_source,
        templates: &own,
        rendered,
    };
    let explained = Explained::by(&changes, sides[0], sides[1]);
    changes.extend(new.against(&base, &before, &explained, &mut limits)?);
    changes.sort_by_key(|change| change.class);

    let printer = Printer {
        changes: &changes,
        before: sides[0],
        after: sides[1],
        base: &base.label,
        before_prefix: &base.prefix,
        limits: &limits,
    };
    // The new side first; a report shows the lines of one catalog.
    let (shown, findings) = if errors.is_empty() {
        (&before_source, refused)
    } else {
        (&source, errors)
    };
    let found = Report::new(shown.clone(), findings).reading();
    Ok(report(&printer, cli.format, found))
}

/// What the comparison does not cover, as far as that is known before it.
fn limits(errors: &[Diagnostic], base: &Base, refused: &[Diagnostic]) -> Vec<String> {
    let mut limits = Vec::new();
    if !errors.is_empty() {
        limits.push(format!(
            "{CATALOG} is not proved: {}. `monstack render` refuses it as it is",
            plural(errors.len(), "error")
        ));
    }
    if !refused.is_empty() {
        limits.push(format!(
            "{} does not load today ({}): what is refused is compared as if it were not there",
            base.name,
            plural(refused.len(), "error")
        ));
    }
    limits
}

/// The side as it is now.
struct New<'a> {
    catalog: &'a Catalog,
    source: &'a Source,
    before: &'a Source,
    templates: &'a Overlay,
    rendered: Option<Rendered>,
}

impl New<'_> {
    /// What the templates change, and what the catalogs change without a sentence of theirs.
    ///
    /// Old templates with the new catalog, against new templates with it: what differs is the templates' doing. Old templates
    /// with both catalogs: what differs comes from the catalogs, and of that, what their own sentences do not explain is reported.
    fn against(
        self,
        base: &Base,
        before: &Catalog,
        explained: &Explained,
        limits: &mut Vec<String>,
    ) -> Result<Vec<Change>> {
        let same = base.templates.same(self.templates);
        let same_files = base.templates.same_extra(self.templates);
        if same && same_files && self.source.same(self.before) {
            return Ok(Vec::new());
        }
        let now = match self.rendered {
            Some(rendered) => rendered,
            None => match render::with(self.catalog, self.templates, ARTIFACTS)? {
                Ok(rendered) => rendered,
                Err(_) => {
                    limits.push(
                        "the rendered files are not compared: this side cannot be rendered"
                            .to_string(),
                    );
                    return Ok(Vec::new());
                }
            },
        };
        let renamed = renamed(base, before, self.catalog);
        let before = renamed.as_ref().unwrap_or(before);
        let then = match render::with(before, &base.templates, ARTIFACTS)? {
            Ok(then) => then,
            Err(errors) => {
                limits.push(unrendered(&base.name, &errors));
                return Ok(Vec::new());
            }
        };
        if same {
            return Ok(of_catalog(compare_rendered(
                &then,
                &now,
                self.catalog,
                Some(explained),
            )));
        }
        Ok(
            match render::with(self.catalog, &base.templates, ARTIFACTS)? {
                Ok(middle) => {
                    let of_templates = compare_rendered(&middle, &now, self.catalog, None);
                    of_templates
                        .into_iter()
                        .chain(of_catalog(compare_rendered(
                            &then,
                            &middle,
                            self.catalog,
                            Some(explained),
                        )))
                        .collect()
                }
                // The old templates may not know what is new in the catalog: then both sides as a whole.
                Err(_) => compare_rendered(&then, &now, self.catalog, None),
            },
        )
    }
}

/// The catalog of before under the slug of now: the slug is in the name of everything that is recorded, and what follows from
/// another one is said in a line of its own. None: it is the same, or more than it differs in the names.
fn renamed(base: &Base, before: &Catalog, now: &Catalog) -> Option<Catalog> {
    let (was, is) = (&before.platform, &now.platform);
    if was.slug == is.slug || was.prefixed != is.prefixed {
        return None;
    }
    let steps = ["platform".to_string(), "slug".to_string()];
    let mut texts = base.texts.clone();
    let mut overlay = texts.overlay.take();
    for file in texts.files_mut().chain(&mut overlay) {
        if let Some(mut tree) = Tree::of(&file.text).filter(|tree| tree.has(&steps)) {
            tree.set(&steps, is.slug.as_str().into());
            file.text = tree.text();
        }
    }
    texts.overlay = overlay;
    pipeline::understood(&texts, &base.templates).1
}

/// Changes that the same templates render: their cause is the catalog, whose line is not known, or a file of the user's own.
fn of_catalog(mut changes: Vec<Change>) -> Vec<Change> {
    let rendered = |change: &&mut Change| match &change.at {
        At::Line { file, .. } => file.starts_with("templates/"),
        _ => true,
    };
    changes
        .iter_mut()
        .filter(rendered)
        .for_each(|change| change.at = At::After(String::new()));
    changes
}

fn unrendered(name: &str, errors: &[Diagnostic]) -> String {
    let first = errors
        .first()
        .map(|error| format!(": {}", error.message))
        .unwrap_or_default();
    format!("the rendered files are not compared: {name} cannot be rendered today{first}")
}

fn report(printer: &Printer, format: Format, mut report: Report) -> Report {
    if format == Format::Markdown {
        report.block(&printer.markdown());
    } else {
        printer
            .lines()
            .iter()
            .for_each(|(style, line)| report.styled(*style, line));
    }
    report.data.extend(printer.json());
    if matches!(format, Format::Github | Format::Sarif | Format::Junit) {
        // One annotation each for what a reviewer must look at; the text that follows has all.
        let annotations = printer
            .changes
            .iter()
            .filter_map(|change| annotation(printer, change));
        annotations.for_each(|annotation| report.push(annotation));
    }
    // What could not be compared may hide what is dangerous.
    let dangerous = printer
        .changes
        .iter()
        .any(|change| change.class == Class::Dangerous);
    if dangerous || !printer.limits.is_empty() {
        report.found()
    } else {
        report
    }
}

/// What is gone has no line in the files as they are, so it is shown at the catalog's top.
fn annotation(printer: &Printer, change: &Change) -> Option<Diagnostic> {
    let (file, line) = match &change.at {
        At::After(_) | At::Line { before: false, .. } => printer.place(change),
        At::Before(_) | At::Line { before: true, .. } => (CATALOG.to_string(), 1),
    };
    let place = Place::Line {
        file,
        line,
        text: String::new(),
    };
    let message = printer.message(change);
    match change.class {
        Class::Dangerous => Some(
            Diagnostic::error("dangerous-change", place, message)
                .help("make sure that this is meant, and that those who rely on it know"),
        ),
        Class::Warning => Some(
            Diagnostic::warning("changed-behaviour", place, message)
                .help("make sure that this is meant, and tell those affected"),
        ),
        Class::Notice => Some(
            Diagnostic::notice("changed-behaviour", place, message).help("tell those affected"),
        ),
        Class::Safe => None,
    }
}
