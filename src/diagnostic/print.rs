//! How diagnostics are written: for people, as JSON, as annotations on a pull request.

use super::cut::cut;
use super::{Diagnostic, Place, Severity, visible};
use crate::source::Source;
use crate::value::{Value, json};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use clap::ValueEnum;
use std::borrow::Cow;
use std::ops::Range;

/// How results and diagnostics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// Annotations that GitHub shows on the lines of a pull request.
    Github,
    /// One document of SARIF 2.1.0, which code hosts show beside the lines.
    Sarif,
    /// One document of JUnit's XML, which CI systems show as failed tests; of `verify` a test for each check and each service.
    Junit,
    /// Ready for a pull request; only `diff` has it.
    Markdown,
    /// One page for a ticket; only `verify` has it.
    Html,
}

/// File, line and column of a place, the last two from 1.
pub fn location(place: &Place, source: &Source) -> (String, usize, usize) {
    match place {
        Place::Line { file, line, .. } => (file.clone(), *line, 1),
        Place::File(file) | Place::Rendered { file, .. } => (file.clone(), 1, 1),
        Place::Key(_) | Place::Value(_) | Place::Bytes(_) => {
            let start = bytes(place, source).map_or(0, |bytes| bytes.start);
            let (line, column) = source.line_column(start);
            (source.file(start).to_string(), line, column)
        }
    }
}

/// The bytes of the catalog that a place is; None: it is in another file.
fn bytes(place: &Place, source: &Source) -> Option<Range<usize>> {
    match place {
        Place::Key(pointer) => Some(source.key(pointer)),
        Place::Value(pointer) => Some(source.value(pointer)),
        Place::Bytes(bytes) => Some(bytes.clone()),
        Place::Line { .. } | Place::File(_) | Place::Rendered { .. } => None,
    }
}

/// The same as they are underlined.
pub fn underlined(place: &Place, source: &Source) -> Option<Range<usize>> {
    bytes(place, source).map(|bytes| visible_part(bytes, &source.text))
}

/// All diagnostics as one text, in the order given, harmless to a terminal and a CI system; `styled` adds colours.
pub fn print(diagnostics: &[Diagnostic], source: &Source, format: Format, styled: bool) -> String {
    let diagnostics: Vec<Diagnostic> = diagnostics.iter().map(cut).collect();
    match format {
        Format::Text | Format::Markdown | Format::Sarif | Format::Junit | Format::Html => {
            diagnostics
                .iter()
                .map(|diagnostic| text(diagnostic, source, styled) + "\n\n")
                .collect()
        }
        Format::Json => diagnostics
            .iter()
            .map(|diagnostic| {
                visible::json(&json(diagnostic, source).to_string()).into_owned() + "\n"
            })
            .collect(),
        Format::Github => diagnostics
            .iter()
            .map(|diagnostic| github(diagnostic, source) + "\n")
            .collect(),
    }
}

/// The picture: title, place, line and caret, other places, help.
pub(super) fn text(diagnostic: &Diagnostic, source: &Source, styled: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Notice => Level::INFO.with_name(Severity::Notice.word()),
    };
    let title = visible::line(&diagnostic.message);
    let mut group = level
        .primary_title(title)
        .id(diagnostic.code)
        .elements(snippets(diagnostic, source));
    if !diagnostic.help.is_empty() {
        group = group.element(Level::HELP.message(visible::line(&diagnostic.help)));
    }
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let picture = renderer.render(&[group]);
    picture
        .split('\n')
        .map(visible::without_commands)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A file's text as it is printed, and where its bytes are then.
struct Shown<'a> {
    written: &'a str,
    text: Cow<'a, str>,
}

impl<'a> Shown<'a> {
    fn new(written: &'a str) -> Shown<'a> {
        Shown {
            written,
            text: harmless(written),
        }
    }

    fn span(&self, bytes: Range<usize>) -> Range<usize> {
        match self.text {
            Cow::Borrowed(_) => bytes,
            Cow::Owned(_) => {
                harmless(&self.written[..bytes.start]).len()
                    ..harmless(&self.written[..bytes.end]).len()
            }
        }
    }
}

/// Lines of a file, whose own end of line is no part of them.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(visible::lines(&text.replace("\r\n", "\n")).into_owned())
    } else {
        visible::lines(text)
    }
}

/// Places in one file of the catalog share one snippet; every line of another file has its own.
fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    source: &'a Source,
) -> Vec<annotate_snippets::Element<'a>> {
    let mut elements = Vec::new();
    let mut catalog: Vec<Part> = Vec::new();
    let all = std::iter::once((
        &diagnostic.place,
        &diagnostic.label,
        AnnotationKind::Primary,
    ))
    .chain(
        diagnostic
            .others
            .iter()
            .map(|(place, text)| (place, text, AnnotationKind::Context)),
    );
    for (place, label, kind) in all {
        let label = visible::line(label);
        let bytes = match place {
            Place::Key(_) | Place::Value(_) | Place::Bytes(_) => {
                underlined(place, source).unwrap_or_default()
            }
            Place::Line { file, line, text } => {
                let shown = Shown::new(text);
                let annotation = kind
                    .span(shown.span(text.len() - text.trim_start().len()..text.trim_end().len()));
                let annotation = if label.is_empty() {
                    annotation
                } else {
                    annotation.label(label)
                };
                elements.push(
                    Snippet::source(shown.text)
                        .line_start(*line)
                        .path(visible::line(file))
                        .annotation(annotation)
                        .into(),
                );
                continue;
            }
            Place::File(file) | Place::Rendered { file, .. } => {
                elements.push(annotate_snippets::Origin::path(visible::line(file)).into());
                continue;
            }
        };
        let extent = source.extent(bytes.start);
        let part = match catalog.iter().position(|part| part.extent == extent) {
            Some(index) => index,
            None => {
                let lines = shown(diagnostic, source, &extent);
                let written = Shown::new(&source.text[lines.clone()]);
                catalog.push(Part {
                    snippet: Snippet::source(written.text.clone())
                        .line_start(source.line_column(lines.start).0)
                        .path(visible::line(source.file(lines.start))),
                    extent,
                    lines,
                    written,
                });
                catalog.len() - 1
            }
        };
        let part = &mut catalog[part];
        let start = part.lines.start;
        let annotation = kind.span(part.written.span(bytes.start - start..bytes.end - start));
        part.snippet = part.snippet.clone().annotation(if label.is_empty() {
            annotation
        } else {
            annotation.label(label)
        });
    }
    let first = matches!(
        diagnostic.place,
        Place::Key(_) | Place::Value(_) | Place::Bytes(_)
    );
    for (index, part) in catalog.into_iter().enumerate() {
        elements.insert(
            if first { index } else { elements.len() },
            part.snippet.into(),
        );
    }
    elements
}

/// A file of the catalog in a picture.
struct Part<'a> {
    /// Its bytes.
    extent: Range<usize>,
    /// Those that are shown.
    lines: Range<usize>,
    written: Shown<'a>,
    snippet: Snippet<'a, annotate_snippets::Annotation<'a>>,
}

/// The lines of a file of the catalog that the diagnostic speaks of, and what lies between them: of a large catalog with many mistakes
/// each looks at its own lines only.
fn shown(diagnostic: &Diagnostic, source: &Source, extent: &Range<usize>) -> Range<usize> {
    let places =
        std::iter::once(&diagnostic.place).chain(diagnostic.others.iter().map(|(place, _)| place));
    let spans = places.filter_map(|place| underlined(place, source));
    let whole = spans
        .filter(|span| source.extent(span.start) == *extent)
        .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
        .unwrap_or(extent.start..extent.start);
    let start = source.text[extent.start..whole.start]
        .rfind('\n')
        .map_or(extent.start, |newline| extent.start + newline + 1);
    let end = source.text[whole.end..extent.end]
        .find('\n')
        .map_or(extent.end, |newline| whole.end + newline + 1);
    start..end
}

/// A caret shows the first line of a span only, and never nothing.
fn visible_part(bytes: Range<usize>, text: &str) -> Range<usize> {
    let start = bytes.start.min(text.len());
    let end = bytes.end.clamp(start, text.len());
    let end = text[start..end]
        .find('\n')
        .map_or(end, |newline| start + newline);
    start..end
}

/// One diagnostic as a JSON object with stable keys.
pub fn json(diagnostic: &Diagnostic, source: &Source) -> Value {
    let diagnostic = &cut(diagnostic);
    let (file, line, column) = location(&diagnostic.place, source);
    let others: Vec<Value> = diagnostic
        .others
        .iter()
        .map(|(place, text)| {
            let (file, line, column) = location(place, source);
            json!({"file": file, "line": line, "column": column, "message": text})
        })
        .collect();
    let mut document = json!({
        "severity": diagnostic.severity.word(),
        "code": diagnostic.code, "message": diagnostic.message,
        "file": file, "line": line, "column": column, "help": diagnostic.help, "related": others,
    });
    if let Some(service) = &diagnostic.service {
        document["service"] = service.clone().into();
    }
    document
}

/// GitHub's workflow command; `%` is escaped as it asks.
fn github(diagnostic: &Diagnostic, source: &Source) -> String {
    let (file, line, column) = location(&diagnostic.place, source);
    let level = diagnostic.severity.word();
    let property = |text: &str| github_escaped(text).replace(':', "%3A").replace(',', "%2C");
    let message = format!(
        "{}%0Ahelp: {}",
        github_escaped(&diagnostic.message),
        github_escaped(&diagnostic.help)
    );
    let file = property(&file);
    format!(
        "::{level} file={file},line={line},col={column},title={}::{message}",
        diagnostic.code
    )
}

/// A line of text for one of GitHub's workflow commands.
pub fn github_escaped(text: &str) -> String {
    visible::without_commands(&visible::line(text)).replace('%', "%25")
}

/// `1 file`, `2 files`.
pub fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
