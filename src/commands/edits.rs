//! Hand edits of the output folder: which they are, and what says each of them, in words.

use super::Cli;
use crate::generated::{Comparison, FileStatus};
use crate::hand_edits::{Change, Edited, Found, KeyChange, Says, Stand, Told, search};
use crate::source::{Source, pointer};
use anyhow::Result;
use serde_json::{Value, json};

/// The files that are ours and say something else than is rendered; `asked` are those whose edits are looked into.
pub(super) fn edited(comparison: &Comparison, asked: impl Fn(&str) -> bool) -> Vec<Edited> {
    let modified = comparison.changes.iter();
    let modified = modified.filter(|change| change.kind == FileStatus::Modified);
    modified
        .map(|change| Edited {
            path: change.path.clone(),
            text: change.before.clone(),
            asked: asked(&change.path),
        })
        .collect()
}

/// Looks for what says them; templates that the root has are changed too.
pub(super) fn look(stand: &Stand, edited: &[Edited], cli: &Cli, trials: usize) -> Result<Found> {
    let templates = cli.root.join("templates");
    search(stand, edited, &|path| templates.join(path).is_file(), trials)
}

/// Whether the folder is what the catalog with these changes renders, in several files at once: then it was the catalog that was
/// edited since, and no generated file.
pub(super) fn is_rendered_before(stand: &Stand, edited: &[Edited], found: &Found) -> bool {
    let Some(after) = &found.after else {
        return false;
    };
    let files = after.rendered.files.iter();
    let mut changed = files.filter(|file| stand.text(&file.path) != Some(&file.text));
    let is_on_disk = |path: &str, text: &str| {
        let mut edited = edited.iter();
        edited.any(|edited| edited.path == path && edited.text == text)
    };
    edited.len() > 1
        && changed.all(|file| is_on_disk(&file.path, &file.text))
        && edited
            .iter()
            .all(|edited| after.text(&edited.path) == Some(&edited.text))
}

/// Where a key is said today: its line, or that of the table that would have it.
pub(super) fn place(source: &Source, key: &KeyChange) -> String {
    let (file, line) = source.at(&pointer(&key.steps));
    format!("{file}:{line}")
}

/// What a change would write: `alerts.Slow.for = 10m`.
pub(super) fn written(change: &Change) -> String {
    match change {
        Change::Key(key) => format!("{} = {}", key.key(), key.word),
        Change::Template(template) => {
            format!(
                "`{}` instead of `{}` in templates/{}",
                template.new, template.old, template.path
            )
        }
    }
}

/// What says an edit, in a line of a list.
pub(super) fn said(told: &Told, found: &Found, source: &Source) -> String {
    let of = |change: &Change| match change {
        Change::Key(key) => format!("{}, at {}", written(change), place(source, key)),
        Change::Template(template) => format!("templates/{}:{}", template.path, template.line),
    };
    match &told.says {
        Says::Change(index) => of(&found.changes[*index].change),
        Says::Several(changes) => {
            let all: Vec<String> = changes.iter().map(written).collect();
            format!("either of {}", all.join(", "))
        }
        Says::Contradicted(change) => format!("{}, which another edit contradicts", of(change)),
        Says::Refused(change, _) => format!("{}, which is refused", of(change)),
        Says::Line { place, .. } => {
            let (file, line, _) = crate::diagnostic::location(place, source);
            format!("no key, but {file}:{line}")
        }
    }
}

/// The same for machines.
pub(super) fn data(told: &Told, found: &Found, output: &str) -> Value {
    let key = |change: &Change| match change {
        Change::Key(key) => json!({"key": key.key(), "file": key.file, "before": key.before, "value": key.word}),
        Change::Template(template) => {
            json!({"template": template.path, "line": template.line, "before": template.old, "value": template.new})
        }
    };
    let says = match &told.says {
        Says::Change(index) => json!({"absorbed": key(&found.changes[*index].change)}),
        Says::Several(changes) => json!({"ambiguous": changes.iter().map(key).collect::<Vec<_>>()}),
        Says::Contradicted(change) => json!({"contradicted": key(change)}),
        Says::Refused(change, _) => json!({"refused": key(change)}),
        Says::Line { .. } => json!({}),
    };
    let mut data = json!({"file": format!("{output}/{}", told.path), "line": told.line, "old": told.old, "new": told.new});
    if let (Some(data), Value::Object(says)) = (data.as_object_mut(), says) {
        data.extend(says);
    }
    data
}
