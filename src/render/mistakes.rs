//! What is wrong with a template, at its line.

use crate::diagnostic::{Diagnostic, Place};
use crate::source::read::Unreadable;
use crate::templates::UnreadableTemplate;
use crate::templates::checked::Refused;
use minijinja::Environment;

/// minijinja's innermost error at its line; never with the variables it could see, which are the whole catalog.
pub(crate) fn template_error(
    environment: &Environment,
    template: &str,
    error: &minijinja::Error,
) -> Diagnostic {
    if let Some(unreadable) =
        causes(error).find_map(|cause| cause.downcast_ref::<UnreadableTemplate>())
    {
        return unreadable_template(environment, unreadable, error);
    }
    let mut innermost = error;
    while let Some(inner) = std::error::Error::source(innermost)
        .and_then(|cause| cause.downcast_ref::<minijinja::Error>())
    {
        innermost = inner;
    }
    let name = innermost.name().or(error.name()).unwrap_or(template);
    let line = innermost.line().or(error.line()).unwrap_or(1);
    let text = environment
        .get_template(name)
        .map(|loaded| loaded.source().to_string())
        .ok()
        .or_else(|| innermost.template_source().map(str::to_string));
    let refused = causes(innermost).find_map(|cause| cause.downcast_ref::<Refused>());
    let line = match (refused, &text) {
        (Some(refused), Some(text)) => refused.line(text, line),
        _ => line,
    };
    let place = text.map_or_else(
        || Place::File(format!("templates/{name}")),
        |text| line_place(name, line, &text),
    );
    let reason = innermost.detail().map_or_else(
        || innermost.kind().to_string(),
        |detail| format!("{}: {detail}", innermost.kind()),
    );
    let missing = innermost.kind() == minijinja::ErrorKind::TemplateNotFound;
    let help = match refused {
        Some(refused) => &refused.help,
        None if missing => {
            "write that file below `templates/`, or include it with `ignore missing`"
        }
        None => "fix this line of the template",
    };
    Diagnostic::error("template", place, reason).help(help)
}

/// An error and what lies behind it, outermost first.
fn causes<'a>(
    error: &'a minijinja::Error,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}

/// A template that cannot be read, at the wrong byte when there is one, and the line that includes it.
fn unreadable_template(
    environment: &Environment,
    unreadable: &UnreadableTemplate,
    error: &minijinja::Error,
) -> Diagnostic {
    let name = &unreadable.name;
    let file = || Place::File(format!("templates/{name}"));
    let (place, reason, help) = match &unreadable.reason {
        Unreadable::Missing => (file(), "it is not there".to_string(), "write it"),
        Unreadable::Refused(reason, help) => (file(), reason.clone(), *help),
        Unreadable::NotText {
            text,
            at,
            reason,
            help,
        } => (
            line_place(name, text[..*at].matches('\n').count() + 1, text),
            reason.clone(),
            *help,
        ),
    };
    let found = Diagnostic::error(
        "template",
        place,
        format!("cannot read templates/{name}: {reason}"),
    )
    .help(help);
    let includer = error
        .name()
        .filter(|includer| includer != name)
        .and_then(|includer| Some((includer, environment.get_template(includer).ok()?)));
    match includer {
        Some((includer, loaded)) => found.also(
            line_place(includer, error.line().unwrap_or(1), loaded.source()),
            "it is included here",
        ),
        None => found,
    }
}

pub(crate) fn line_place(name: &str, line: usize, text: &str) -> Place {
    Place::Line {
        file: format!("templates/{name}"),
        line,
        text: text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .to_string(),
    }
}
