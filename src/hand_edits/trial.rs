//! A catalog with something else in it, rendered: what a change would do is seen, not thought out. Nothing is proved here.

use crate::artifacts::Artifact;
use crate::catalog::schema::{Schema, with_defaults};
use crate::diagnostic::Diagnostic;
use crate::editing::names::at;
use crate::editing::tree::{Tree, dotted};
use crate::editing::values::value;
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::pipeline;
use crate::render::{self, Rendered};
use crate::source::{Source, Texts};
use crate::value::Value;
use anyhow::Result;
use std::collections::BTreeMap;

/// What may be changed so that a file is rendered otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// One key; several, where none of them says it without the others.
    Keys(Vec<KeyChange>),
    Template(TemplateChange),
}

impl Change {
    /// The keys that are written; none of a change of a template.
    pub(crate) fn keys(&self) -> &[KeyChange] {
        match self {
            Change::Keys(keys) => keys,
            Change::Template(_) => &[],
        }
    }
}

/// A key of the catalog with another value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyChange {
    pub(crate) steps: Vec<String>,
    /// The file that it is written into.
    pub(crate) file: String,
    /// What holds now: what is written, or what is inherited or the default.
    pub(crate) before: Value,
    /// Whether it is written already.
    pub(crate) written: bool,
    /// The new value, as a word on the command line of `set`; None: it is taken away.
    pub(crate) word: Option<String>,
}

/// Tables that are no lists of entries: what is two steps down in them is a key.
pub(super) const SINGLE: [&str; 7] = [
    "platform",
    "prometheus",
    "alertmanager",
    "grafana",
    "blackbox",
    "compose",
    "defaults",
];

/// A text that stands in a template, and another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TemplateChange {
    /// Under templates/.
    pub(crate) path: String,
    /// The line of the text, from 1.
    pub(crate) line: usize,
    pub(crate) old: String,
    pub(crate) new: String,
    /// The whole template with it.
    pub(crate) text: String,
}

impl KeyChange {
    /// The key as TOML writes it.
    pub(crate) fn key(&self) -> String {
        dotted(&self.steps)
    }

    /// Writes it into its file; false: something else is in the way.
    pub(crate) fn write(&self, tree: &mut Tree, schema: &Value) -> bool {
        let Some(word) = &self.word else {
            return self.take_away(tree);
        };
        let nodes = at(schema, &self.steps);
        let new = value(schema, &nodes, std::slice::from_ref(word));
        match new.as_str() {
            // Between the quotes that it has.
            Some(text) if tree.has(&self.steps) => tree.set_text(&self.steps, text),
            _ => tree.set(&self.steps, new),
        }
    }

    /// What it writes, in words: `alerts.Slow.for = 10m`.
    pub(crate) fn said(&self) -> String {
        match &self.word {
            Some(word) => format!("{} = {word}", self.key()),
            None => format!("{} taken away", self.key()),
        }
    }

    /// Whether a whole entry goes: a service, an alert.
    pub(crate) fn removes_entry(&self) -> bool {
        self.word.is_none()
            && matches!(self.steps[0].as_str(), "alerts" | "services")
            && self.steps.len() == 2
    }

    /// A table of an entry in which nothing is left then goes too.
    fn take_away(&self, tree: &mut Tree) -> bool {
        if !tree.has(&self.steps) || !tree.remove(&self.steps) {
            return false;
        }
        for length in (2..self.steps.len()).rev() {
            let around = &self.steps[..length];
            let entry = length == 2 && !SINGLE.contains(&around[0].as_str());
            if entry || !tree.is_empty(around) || !tree.remove(around) {
                break;
            }
        }
        true
    }
}

/// A catalog and its templates, and what is rendered of them.
pub(crate) struct Stand {
    pub(crate) texts: Texts,
    overlay: Overlay,
    pub(crate) source: Source,
    pub(crate) schema: Schema,
    /// What the catalog says, with the schema's defaults where it is silent.
    pub(crate) filled: Value,
    pub(crate) rendered: Rendered,
}

/// Why nothing is rendered.
pub(crate) struct Refusal {
    pub(crate) source: Source,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Stand {
    /// Renders some artifacts; an error is one of the machine.
    pub(crate) fn of(
        texts: Texts,
        overlay: Overlay,
        artifacts: &[Artifact],
    ) -> Result<Result<Stand, Refusal>> {
        let (source, catalog, mut diagnostics) = pipeline::understood(&texts, &overlay);
        let refused = diagnostics.iter().any(Diagnostic::stops);
        let (Some(catalog), Ok(kinds), false) = (catalog, Kinds::of(&overlay), refused) else {
            return Ok(Err(Refusal {
                source,
                diagnostics,
            }));
        };
        let rendered = match render::with(&catalog, &overlay, artifacts)? {
            Ok(rendered) => rendered,
            Err(more) => {
                diagnostics.extend(more);
                return Ok(Err(Refusal {
                    source,
                    diagnostics,
                }));
            }
        };
        let schema = Schema::of(&kinds);
        let filled = with_defaults(&source, &[], &schema);
        Ok(Ok(Stand {
            texts,
            overlay,
            source,
            schema,
            filled,
            rendered,
        }))
    }

    /// The same with a change; None: it cannot be written.
    pub(crate) fn with(
        &self,
        change: &Change,
        artifacts: &[Artifact],
    ) -> Result<Option<Result<Stand, Refusal>>> {
        let mut texts = self.texts.clone();
        let mut overlay = self.overlay.clone();
        match change {
            Change::Keys(keys) => {
                for key in keys {
                    if !written(&mut texts, key, &self.schema.value) {
                        return Ok(None);
                    }
                }
            }
            Change::Template(template) => {
                let new = (template.path.clone(), template.text.clone());
                overlay = overlay.with_changed(BTreeMap::from([new]));
            }
        }
        Stand::of(texts, overlay, artifacts).map(Some)
    }

    /// The same catalog with fewer artifacts; None: they cannot be rendered without the others.
    pub(crate) fn again(&self, artifacts: &[Artifact]) -> Option<Stand> {
        Stand::of(self.texts.clone(), self.overlay.clone(), artifacts)
            .ok()?
            .ok()
    }

    /// A template as it is read.
    pub(crate) fn template(&self, path: &str) -> Option<String> {
        self.overlay.text(path).ok().flatten()
    }

    /// The text of a file that is rendered.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.rendered.file(path).map(|file| file.text.as_str())
    }
}

/// Writes a key into its file; false: that is no TOML, or something else is in the way.
fn written(texts: &mut Texts, key: &KeyChange, schema: &Value) -> bool {
    let own = texts.overlay.clone();
    let file = match own.filter(|file| file.name == key.file) {
        Some(_) => texts.overlay.as_mut(),
        None => texts.files_mut().find(|file| file.name == key.file),
    };
    let Some(file) = file else { return false };
    let Some(mut tree) = Tree::of(&file.text) else {
        return false;
    };
    let done = key.write(&mut tree, schema);
    file.text = tree.text();
    done
}
