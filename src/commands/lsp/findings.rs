//! What `render` finds, as an editor shows it.

use super::super::Cli;
use super::super::render::{added, against, known};
use super::text::{between, within};
use super::uri;
use crate::diagnostic::{self, Place, Severity, cut, underlined, visible, with_help};
use crate::pipeline::{self, Outcome};
use crate::source::Source;
use anyhow::Result;
use gen_lsp_types::{
    Code, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message,
    Range as Between,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a run over the texts of a root says.
#[derive(Default)]
pub(super) struct Checked {
    /// Findings by file.
    pub(super) found: BTreeMap<PathBuf, Vec<Diagnostic>>,
    /// The output folder and the files that are rendered into it; None: something prevents it.
    pub(super) rendered: Option<(String, Vec<String>)>,
}

/// The catalog as `render` sees it, and what these environments of it add.
pub(super) fn check(cli: &Cli, environments: &[String]) -> Result<Checked> {
    let mut checked = Checked::default();
    let outcome = pipeline::run(cli.place())?;
    let known = known(&outcome);
    let rendered = outcome.rendered.as_ref().filter(|_| !outcome.failed());
    checked.rendered = rendered.map(|rendered| {
        let files = rendered.files.iter().map(|file| file.path.clone());
        (rendered.output.clone(), files.collect())
    });
    checked.add(&outcome, cli);
    for environment in environments {
        let cli = cli.within(environment);
        if let Some(outcome) = added(pipeline::run(cli.place())?, &known) {
            checked.add(&outcome, &cli);
        }
    }
    Ok(checked)
}

impl Checked {
    fn add(&mut self, outcome: &Outcome, cli: &Cli) {
        let sound = outcome.rendered.as_ref().filter(|_| !outcome.failed());
        // A folder that cannot be read is no mistake of a text: `render` says it.
        let in_the_way = sound.and_then(|rendered| against(rendered, cli, false).ok());
        let in_the_way = in_the_way.map(|(_, found)| found).unwrap_or_default();
        for found in outcome.diagnostics.iter().chain(&in_the_way) {
            let (path, shown) = shown(&cut(found), &outcome.source, cli);
            self.found.entry(path).or_default().push(shown);
        }
    }
}

/// A finding, and the file that it is in.
fn shown(found: &diagnostic::Diagnostic, source: &Source, cli: &Cli) -> (PathBuf, Diagnostic) {
    let (path, range) = place(&found.place, source, cli);
    let related = found.others.iter().map(|(other, text)| {
        let (path, range) = place(other, source, cli);
        DiagnosticRelatedInformation {
            location: Location {
                uri: uri::of(&path),
                range,
            },
            message: visible::line(text).into_owned(),
        }
    });
    let severity = match found.severity {
        Severity::Error => DiagnosticSeverity::Error,
        Severity::Warning => DiagnosticSeverity::Warning,
        Severity::Notice => DiagnosticSeverity::Information,
    };
    let shown = Diagnostic {
        range,
        severity: Some(severity),
        code: Some(Code::String(found.code.to_string())),
        source: Some("monstack".to_string()),
        message: Message::String(with_help(found)),
        related_information: Some(related.collect::<Vec<_>>()).filter(|all| !all.is_empty()),
        ..Diagnostic::default()
    };
    (path, shown)
}

/// The file of a place, and where in it that is.
fn place(place: &Place, source: &Source, cli: &Cli) -> (PathBuf, Between) {
    let under = |file: &str| cli.root.join(file);
    match place {
        Place::Line { file, line, text } => {
            let said = text.trim();
            let before = &text[..text.len() - text.trim_start().len()];
            (under(file), within(line.saturating_sub(1), before, said))
        }
        Place::File(file) | Place::Rendered { file, .. } => (under(file), Between::default()),
        Place::Key(_) | Place::Value(_) | Place::Bytes(_) => {
            let bytes = underlined(place, source).unwrap_or_default();
            let extent = source.extent(bytes.start);
            let inside = bytes.start - extent.start..bytes.end - extent.start;
            let file = under(source.file(bytes.start));
            (file, between(&source.text[extent], inside))
        }
    }
}
