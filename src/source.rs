//! A TOML file as text: key path → bytes → line and column.
//!
//! Paths are JSON pointers (`/services/search/port`), because that is what schema errors speak.

mod layers;
pub mod read;
mod texts;
mod unsaved;

use crate::value::{Map, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
pub use texts::{Text, Texts};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
pub use unsaved::Unsaved;

/// A catalog, of one file or of several: its text, its content as JSON, and where each key and value stands.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path of its first file as the user would write it; it opens most diagnostics.
    pub name: String,
    /// All files one behind the other; bytes are counted through them.
    pub text: String,
    /// The content, tables in file order.
    pub value: Value,
    /// The environment that it is for; None: the catalog itself.
    pub environment: Option<String>,
    /// Where two files contradict each other, and what cannot be.
    pub(crate) contradictions: Vec<Contradiction>,
    /// Metrics that nobody emits in the environment, which leaves their services out.
    pub(crate) silent: HashSet<String>,
    /// Files that stand where parts are looked for, and are not read.
    pub(crate) unread: Vec<String>,
    spans: HashMap<String, Span>,
    files: Vec<File>,
    /// Tables that nobody wrote: they follow from what is written elsewhere.
    derived: HashMap<String, Derived>,
    /// The first byte of what only the environment says.
    differs: usize,
    /// The byte at which each line starts.
    lines: Vec<usize>,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    /// Its first byte.
    start: usize,
}

/// Where a table that nobody wrote comes from.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    /// The table that it follows from.
    pub(crate) from: String,
    /// What its keys are called there; the others are called the same.
    pub(crate) keys: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Span {
    key: Range<usize>,
    value: Range<usize>,
}

/// A key that two files give, or that one takes away where it is not.
#[derive(Clone, Debug)]
pub(crate) enum Contradiction {
    /// Where it is given first, and where again.
    Twice {
        name: String,
        first: Range<usize>,
        again: Range<usize>,
    },
    /// `enabled = false` for what is not there: its table, its name, those that are.
    NothingToDisable {
        table: String,
        name: String,
        at: Range<usize>,
        known: Vec<String>,
    },
    /// `enabled` that is neither true nor false.
    NotAFlag { at: Range<usize> },
    /// `unset` that is no list of keys.
    NoList { at: Range<usize> },
    /// An environment whose alerts say that they are of another one.
    SameLabel { at: Range<usize>, label: String },
    /// An environment that is rendered into the folder of the catalog itself.
    SameFolder { at: Range<usize> },
}

/// Where the text is not TOML, and why.
#[derive(Debug)]
pub struct SyntaxError {
    /// The bytes at fault.
    pub span: Range<usize>,
    pub reason: String,
}

impl Source {
    /// Reads `text`; syntax errors come all at once, and the content is then only what could be recovered.
    pub fn parse(name: &str, text: &str) -> (Source, Vec<SyntaxError>) {
        Source::of(&Texts::one(name, text))
    }

    /// The same of several files: parts are put together, and what an environment says comes over them.
    pub fn of(texts: &Texts) -> (Source, Vec<SyntaxError>) {
        let mut source = Source {
            name: texts.catalog.name.clone(),
            text: String::new(),
            value: Value::Object(Map::new()),
            environment: texts.environment.clone(),
            contradictions: Vec::new(),
            silent: HashSet::new(),
            unread: texts.unread.clone(),
            spans: HashMap::new(),
            files: Vec::new(),
            derived: HashMap::new(),
            differs: usize::MAX,
            lines: Vec::new(),
        };
        let mut errors = Vec::new();
        let (root, spans) = source.read(&texts.catalog, &mut errors);
        (source.value, source.spans) = (root, spans);
        for part in &texts.parts {
            let (root, spans) = source.read(part, &mut errors);
            source.join(root, spans);
        }
        if let Some(overlay) = &texts.overlay {
            let (root, spans) = source.read(overlay, &mut errors);
            source.differs = source.files.last().map_or(0, |file| file.start);
            source.cover(root, spans);
        }
        source.lines = std::iter::once(0)
            .chain(
                source
                    .text
                    .match_indices('\n')
                    .map(|(newline, _)| newline + 1),
            )
            .collect();
        (source, errors)
    }

    /// One more file: its content and its spans, counted through all.
    fn read(
        &mut self,
        file: &Text,
        errors: &mut Vec<SyntaxError>,
    ) -> (Value, HashMap<String, Span>) {
        // A file begins on a line of its own.
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.files.push(File {
            name: file.name.clone(),
            start,
        });
        self.text.push_str(&file.text);
        let (root, found) = DeTable::parse_recoverable(&file.text);
        let mut spans = HashMap::new();
        let value = table(root.get_ref(), "", &mut spans);
        let moved = |span: &Range<usize>| span.start + start..span.end + start;
        for span in spans.values_mut() {
            (span.key, span.value) = (moved(&span.key), moved(&span.value));
        }
        errors.extend(found.into_iter().map(|error| SyntaxError {
            span: moved(&error.span().unwrap_or(0..0)),
            reason: error.message().to_string(),
        }));
        (value, spans)
    }

    /// The file that a byte is in.
    fn file_at(&self, byte: usize) -> Option<&File> {
        let index = self.files.partition_point(|file| file.start <= byte);
        self.files.get(index.checked_sub(1)?)
    }

    /// The name of the file that a byte is in.
    pub fn file(&self, byte: usize) -> &str {
        self.file_at(byte).map_or(&self.name, |file| &file.name)
    }

    /// The bytes of the file that a byte is in.
    pub fn extent(&self, byte: usize) -> Range<usize> {
        let start = self.file_at(byte).map_or(0, |file| file.start);
        let next = self.files.iter().find(|file| file.start > start);
        start..next.map_or(self.text.len(), |file| file.start)
    }

    /// The file and the line of a key, from 1.
    pub fn at(&self, pointer: &str) -> (String, usize) {
        let byte = self.key(pointer).start;
        (self.file(byte).to_string(), self.line_column(byte).0)
    }

    /// Says of a table that nobody wrote what it follows from: a pointer into it then leads there.
    pub(crate) fn derive(&mut self, table: String, derived: Derived) {
        self.derived.insert(table, derived);
    }

    /// The table that this one, or the one that a key is in, follows from; None: it is written.
    pub fn derived_from(&self, pointer: &str) -> Option<&str> {
        let (derived, _) = self.derived(pointer)?;
        Some(derived.from.as_str())
    }

    /// What the table follows from that a pointer is in, and what of the pointer is behind it: tables are two steps down, and where
    /// a service differs from an alert four.
    fn derived<'a>(&self, pointer: &'a str) -> Option<(&Derived, &'a str)> {
        let ends = pointer.match_indices('/').skip(2).map(|(end, _)| end);
        let mut ends = ends.take(3).chain([pointer.len()]);
        ends.find_map(|end| {
            let derived = self.derived.get(&pointer[..end])?;
            Some((derived, pointer[end..].trim_start_matches('/')))
        })
    }

    /// The pointer to what is written, where the one to what follows from it is given.
    fn written<'a>(&self, pointer: &'a str) -> Cow<'a, str> {
        // A part of such a table may be written all the same.
        let derived = match self.spans.contains_key(pointer) {
            true => None,
            false => self.derived(pointer),
        };
        let Some((derived, rest)) = derived else {
            return Cow::Borrowed(pointer);
        };
        let mut keys = derived.keys.iter();
        let called = keys.find(|(key, _)| {
            let behind = rest.strip_prefix(key.as_str());
            behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('/'))
        });
        let rest = called.map_or(rest.to_string(), |(key, name)| {
            format!("{name}{}", &rest[key.len()..])
        });
        Cow::Owned(
            format!("{}/{rest}", derived.from)
                .trim_end_matches('/')
                .to_string(),
        )
    }

    /// Whether two catalogs are of the same text, for the same environment.
    pub fn same(&self, other: &Source) -> bool {
        self.text == other.text && self.environment == other.environment
    }

    /// Whether the environment itself says this key.
    pub(crate) fn differs(&self, pointer: &str) -> bool {
        self.spans
            .get(self.written(pointer).as_ref())
            .is_some_and(|span| span.key.start >= self.differs)
    }

    /// Whether the catalog itself says this key.
    pub fn contains(&self, pointer: &str) -> bool {
        self.spans.contains_key(self.written(pointer).as_ref())
    }

    /// The bytes of a key, or of its nearest parent that is there: a missing `port` is shown at its table.
    pub fn key(&self, pointer: &str) -> Range<usize> {
        self.nearest(&self.written(pointer))
            .map_or(0..0, |(_, span)| span.key.clone())
    }

    /// The bytes of a key's value; for a key that is not there, its nearest parent's name.
    pub fn value(&self, pointer: &str) -> Range<usize> {
        let pointer = self.written(pointer);
        match self.nearest(&pointer) {
            Some((found, span)) if found == pointer => span.value.clone(),
            Some((_, span)) => span.key.clone(),
            None => 0..0,
        }
    }

    /// The innermost key, or value that is no table, at a byte or right before it: its pointer, whether it is the key, its bytes.
    pub fn innermost(&self, byte: usize) -> Option<(&str, bool, Range<usize>)> {
        let around = |bytes: &Range<usize>| bytes.start <= byte && byte <= bytes.end;
        let sides = self.spans.iter().flat_map(|(pointer, span)| {
            let of = |pointer: &str| self.value.pointer(pointer);
            let table = || of(pointer).is_some_and(Value::is_object);
            // An item of a list has no key of its own.
            let item = || {
                let list = pointer.rfind('/').and_then(|end| of(&pointer[..end]));
                list.is_some_and(Value::is_array)
            };
            let key =
                (around(&span.key) && !item()).then(|| (pointer.as_str(), true, span.key.clone()));
            let value = (around(&span.value) && !table())
                .then(|| (pointer.as_str(), false, span.value.clone()));
            key.into_iter().chain(value)
        });
        sides.min_by_key(|(pointer, _, bytes)| (bytes.len(), pointer.len()))
    }

    fn nearest<'a>(&'a self, pointer: &'a str) -> Option<(&'a str, &'a Span)> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return Some((pointer, span));
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(crate) fn line_column(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.file_at(byte).map_or(0, |file| file.start);
        let before = self.lines.partition_point(|line| *line < start);
        (
            line - before,
            self.text[self.lines[line - 1].max(start)..byte]
                .chars()
                .count()
                + 1,
        )
    }
}

/// One step of a JSON pointer, escaped.
pub fn step(key: &str) -> Cow<'_, str> {
    match key.contains(['~', '/']) {
        true => key.replace('~', "~0").replace('/', "~1").into(),
        false => key.into(),
    }
}

/// A JSON pointer of these steps.
pub fn pointer<S: AsRef<str>>(steps: &[S]) -> String {
    steps
        .iter()
        .map(|key| format!("/{}", step(key.as_ref())))
        .collect()
}

/// The steps of a JSON pointer, as they were before they were escaped.
pub fn steps(pointer: &str) -> impl Iterator<Item = String> + '_ {
    let steps = pointer.split('/').skip(1);
    steps.map(|step| step.replace("~1", "/").replace("~0", "~"))
}

fn table(table: &DeTable, pointer: &str, spans: &mut HashMap<String, Span>) -> Value {
    let mut map = Map::new();
    for (key, value) in table {
        let pointer = format!("{pointer}/{}", step(key.get_ref()));
        let content = content(value, &pointer, spans);
        spans.insert(
            pointer,
            Span {
                key: key.span(),
                value: value.span(),
            },
        );
        map.insert(key.get_ref().to_string(), content);
    }
    Value::Object(map)
}

fn content(value: &Spanned<DeValue>, pointer: &str, spans: &mut HashMap<String, Span>) -> Value {
    match value.get_ref() {
        // A text over several lines is the same text in a checkout with other line ends.
        DeValue::String(text) => Value::String(text.replace("\r\n", "\n")),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(digits) => digits.as_str().parse().map_or(Value::Null, number),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
        DeValue::Table(inner) => table(inner, pointer, spans),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let pointer = format!("{pointer}/{index}");
                let content = content(item, &pointer, spans);
                spans.insert(
                    pointer,
                    Span {
                        key: item.span(),
                        value: item.span(),
                    },
                );
                content
            })
            .collect(),
    }
}

/// JSON knows one kind of number: 80.0 is the integer 80.
fn number(float: f64) -> Value {
    if float.fract() == 0.0 && float.abs() < 9e15 {
        Value::from(float as i64)
    } else {
        Value::from(float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_shown_at_its_table() {
        let (source, errors) = Source::parse(
            "services.toml",
            "[services.search]\ngroup = \"é\"\nport = 80\n",
        );
        assert!(errors.is_empty());
        assert_eq!(&source.text[source.value("/services/search/port")], "80");
        assert_eq!(
            &source.text[source.value("/services/search/runtime")],
            "search"
        );
        assert_eq!(
            source.line_column(source.value("/services/search/port").start),
            (3, 8)
        );
        assert_eq!(
            source.line_column(source.text.find("\"\n").unwrap()),
            (2, 11)
        );
    }

    #[test]
    fn what_nobody_wrote_is_shown_where_it_comes_from() {
        let text = "[slos.paying]\nobjective = 99.9\nerrors = { metric = \"requests_total\" }\n";
        let (mut source, _) = Source::parse("services.toml", text);
        let keys = [("errors", "errors/metric"), ("kind", "")];
        let keys = keys
            .map(|(key, name)| (key.to_string(), name.to_string()))
            .to_vec();
        let from = "/slos/paying".to_string();
        source.derive("/alerts/PayingFastBurn".to_string(), Derived { from, keys });
        let shown = |pointer: &str| &source.text[source.value(pointer)];
        assert_eq!(shown("/alerts/PayingFastBurn/errors"), "\"requests_total\"");
        assert_eq!(shown("/alerts/PayingFastBurn/objective"), "99.9");
        assert_eq!(
            &source.text[source.key("/alerts/PayingFastBurn/kind")],
            "paying"
        );
        assert!(source.contains("/alerts/PayingFastBurn"));
        assert!(!source.contains("/alerts/PayingFastBurn/for"));
        assert!(!source.contains("/alerts/PayingSlowBurn"));
        assert_eq!(
            source.derived_from("/alerts/PayingFastBurn/for"),
            Some("/slos/paying")
        );
    }

    #[test]
    fn all_syntax_errors_come_at_once() {
        let (_, errors) = Source::parse("services.toml", "a = \nb = 1\nb = 2\n[c\n");
        assert!(errors.len() >= 3, "{errors:?}");
    }
}
