//! Which line of a template wrote a line of a file.

use super::mistakes::line_place;
use crate::diagnostic::Place;
use crate::yaml;
use minijinja::Environment;
use minijinja::value::Value as TemplateValue;

/// Where each part of a file's output comes from: rendered once more, when something is wrong.
pub(crate) struct Origin {
    output: String,
    spans: Vec<minijinja::OutputSpan>,
    pub lines: yaml::Lines,
    /// The byte at which each line starts.
    starts: Vec<usize>,
}

impl Origin {
    pub(crate) fn read(
        environment: &Environment,
        template: &str,
        context: &TemplateValue,
    ) -> Option<Origin> {
        let (output, spans) = environment
            .get_template(template)
            .ok()?
            .render_with_spans(context)
            .ok()?;
        let starts = std::iter::once(0)
            .chain(output.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        Some(Origin {
            lines: yaml::Lines::read(&output),
            starts,
            output,
            spans,
        })
    }

    /// The template line that wrote a line of the output.
    pub(crate) fn place(&self, environment: &Environment, line: usize) -> Option<Place> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let text = self.output[start..].lines().next()?;
        let first = start + (text.len() - text.trim_start().len());
        let span = self
            .spans
            .iter()
            .rfind(|span| span.output_range().start <= first)?;
        let loaded = environment.get_template(span.name()).ok()?;
        let within = match span.kind() {
            minijinja::OutputSpanKind::Raw => self.output[span.output_range().start..first]
                .matches('\n')
                .count(),
            // A macro's output belongs to its call. One of several lines is known by its title.
            _ => loaded
                .source()
                .get(span.source_range())
                .and_then(|call| call.lines().position(|line| line.contains("title=")))
                .unwrap_or(0),
        };
        Some(line_place(
            span.name(),
            span.line() + within,
            loaded.source(),
        ))
    }
}
