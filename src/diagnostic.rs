//! What is wrong with the catalog or a template, where, and what to do.

mod causes;
mod cut;
mod documents;
mod groups;
mod nearest;
mod print;
pub mod visible;

use crate::source::Source;
pub use causes::folded;
pub use cut::cut;
pub use documents::{junit, sarif, uri, with_help};
pub use groups::grouped;
pub use nearest::{mistyped, mistyped_part, nearest, suggestion, suggestion_or, surely_meant};
pub use print::underlined;
pub use print::{Format, github_escaped, json, location, plural, print};
use std::ops::Range;

/// How much a diagnostic weighs: an error stops the run, a warning or a notice is only said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// The run goes on, but something will probably not work.
    Warning,
    /// The run goes on: sound, and worth knowing.
    Notice,
}

impl Severity {
    /// `error`, `warning` or `notice`: the word for people, JSON, and GitHub's commands.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}

/// What a diagnostic points at.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The name of a key in the catalog, by JSON pointer.
    Key(String),
    /// The value of a key in the catalog, by JSON pointer.
    Value(String),
    /// Bytes of the catalog's text: syntax errors have no key.
    Bytes(Range<usize>),
    /// A line of another file, with its text: a template, or a rendered file.
    Line {
        /// Path under the root.
        file: String,
        /// From 1.
        line: usize,
        text: String,
    },
    /// A value of a rendered file, as a proof sees it; `proofs` turns it into the line that wrote the value before anybody
    /// reads it.
    Rendered {
        /// Path under the output folder.
        file: String,
        /// JSON pointer.
        pointer: String,
    },
    /// A whole file: missing, unreadable.
    File(String),
}

impl Place {
    /// The JSON pointer of a key or a value of the catalog.
    pub fn pointer(&self) -> Option<&str> {
        match self {
            Place::Key(pointer) | Place::Value(pointer) => Some(pointer),
            _ => None,
        }
    }
}

/// One mistake: what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error, warning or notice.
    pub severity: Severity,
    /// Stable; `monstack explain CODE` tells more.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where the user looks first.
    pub place: Place,
    /// Short text under the caret.
    pub label: String,
    /// Other places that take part, each with its text.
    pub others: Vec<(Place, String)>,
    pub help: String,
    /// The catalog's tables whose `allow` may accept it, beside those around its place.
    pub owners: Vec<String>,
    /// What is wrong when this is: a rule, an alert. Findings that name one of them in `follows` are its consequences.
    pub subjects: Vec<String>,
    /// What this may be a consequence of.
    pub follows: Vec<String>,
    /// The service of the running stack that it is about.
    pub service: Option<String>,
    /// The message without what only this service has: other services with the same are printed with it.
    pub common: String,
}

impl Diagnostic {
    /// An error at `place`.
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            place,
            label: String::new(),
            others: Vec::new(),
            help: String::new(),
            owners: Vec::new(),
            subjects: Vec::new(),
            follows: Vec::new(),
            service: None,
            common: String::new(),
        }
    }

    /// A warning at `place`.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, place, message)
        }
    }

    /// A notice at `place`: sound, and worth knowing.
    pub fn notice(code: &'static str, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Notice,
            ..Diagnostic::error(code, place, message)
        }
    }

    /// Whether it stops the run.
    pub fn stops(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Text under the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// What to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }

    /// It is about a service of the running stack. What other services have in common with it is the message without the
    /// service's name, unless `common` has been said already.
    pub fn of(mut self, service: &str) -> Diagnostic {
        if self.service.as_deref() == Some(service) {
            return self;
        }
        if self.common.is_empty() {
            let rest = self.message.strip_prefix(service);
            self.common = match rest.map(|rest| (rest.strip_prefix(": "), rest)) {
                Some((Some(rest), _)) => rest.to_string(),
                Some((None, rest)) if rest.starts_with(' ') => format!("it{rest}"),
                _ => self.message.clone(),
            };
        }
        self.service = Some(service.to_string());
        self
    }

    /// What the same finding of another service says too.
    pub fn common(mut self, message: impl Into<String>) -> Diagnostic {
        self.common = message.into();
        self
    }

    /// One more place, with its text.
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        self.others.push((place, text.into()));
        self
    }
}

/// Sorted by place, as a reader goes down the file; doubles are dropped.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>, source: &Source) -> Vec<Diagnostic> {
    diagnostics.sort_by_cached_key(|diagnostic| {
        let (file, line, column) = location(&diagnostic.place, source);
        (
            file != source.name,
            file,
            line,
            column,
            diagnostic.message.clone(),
        )
    });
    diagnostics.dedup();
    diagnostics
}
