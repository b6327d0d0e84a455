//! Hand edits of the output folder: which they are, and what says each of them, in words.

use super::Cli;
use crate::diagnostic::location;
use crate::generated::{Comparison, FileStatus};
use crate::hand_edits::{Change, Edited, Found, KeyChange, Says, Stand, Told, search};
use crate::json::plain;
use crate::source::{Source, pointer};
use crate::value::{Value, json};
use anyhow::Result;
use std::fs;
use std::time::Duration;

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
    search(
        stand,
        edited,
        &|path| templates.join(path).is_file(),
        trials,
    )
}

/// The changes that undo what was edited in the catalog since it was last rendered. Files that were written after every file of the
/// catalog were edited themselves: one command changes several.
pub(super) fn not_rendered(
    found: &Found,
    stand: &Stand,
    edited: &[Edited],
    cli: &Cli,
) -> Vec<String> {
    let touched = |path: String| {
        fs::metadata(cli.root.join(path))
            .and_then(|data| data.modified())
            .ok()
    };
    let catalog = stand.texts.files().chain(&stand.texts.overlay);
    let catalog = catalog.filter_map(|file| touched(file.name.clone())).max();
    let output = &stand.rendered.output;
    let files = edited
        .iter()
        .map(|edited| touched(format!("{output}/{}", edited.path)));
    let first = files.min().flatten();
    if first
        .zip(catalog)
        .is_some_and(|(first, catalog)| first > catalog + MOMENT)
    {
        return Vec::new();
    }
    let changes = found.changes.iter();
    let since = changes.filter(|one| one.everywhere);
    since.map(|one| written(&one.change)).collect()
}

/// What writes a whole folder at once, as a checkout does, needs no longer.
const MOMENT: Duration = Duration::from_secs(2);

/// Whether the catalog, or a template of the root, can say an edit.
pub(super) fn can_be_said(told: &Told) -> bool {
    matches!(told.says, Says::Change(_))
}

/// Where a key is said today.
pub(super) fn place(source: &Source, key: &KeyChange) -> String {
    let (file, line) = source.at(&pointer(&key.steps));
    format!("{file}:{line}")
}

/// What a change would write: `alerts.Slow.for = 10m`.
pub(super) fn written(change: &Change) -> String {
    match change {
        Change::Keys(keys) => {
            let all = keys.iter().map(KeyChange::said);
            all.collect::<Vec<_>>().join(" with ")
        }
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
        Change::Keys(keys) => {
            let all = keys.iter().map(|key| match (key.written, &key.before) {
                (true, _) => format!("{}, at {}", key.said(), place(source, key)),
                (false, Value::Null) => format!("{}, which is not written yet", key.said()),
                (false, before) => format!(
                    "{}, which is not written yet: it is {}",
                    key.said(),
                    plain(before)
                ),
            });
            all.collect::<Vec<_>>().join(", with ")
        }
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
        Says::Without(change) => {
            let entries: Vec<String> = change.keys().iter().map(KeyChange::key).collect();
            format!("the catalog without {}", entries.join(" and "))
        }
        Says::Line { place, .. } => {
            let (file, line, _) = location(place, source);
            format!("no key, but {file}:{line}")
        }
    }
}

/// The same for machines.
pub(super) fn data(told: &Told, found: &Found, output: &str, source: &Source) -> Value {
    let all = |change: &Change| -> Vec<Value> {
        match change {
            Change::Keys(keys) => {
                let all = keys.iter();
                all.map(|key| json!({"key": key.key(), "file": key.file, "before": key.before, "value": key.word}))
                    .collect()
            }
            Change::Template(template) => {
                vec![
                    json!({"template": template.path, "line": template.line, "before": template.old, "value": template.new}),
                ]
            }
        }
    };
    let says = match &told.says {
        Says::Change(index) => json!({"said_by": all(&found.changes[*index].change)}),
        Says::Several(changes) => json!({"ambiguous": changes.iter().map(all).collect::<Vec<_>>()}),
        Says::Contradicted(change) => json!({"contradicted": all(change)}),
        Says::Refused(change, _) => json!({"refused": all(change)}),
        Says::Without(change) => json!({"without": all(change)}),
        Says::Line { place, .. } => {
            let (file, line, _) = location(place, source);
            json!({"line_of": {"file": file, "line": line}})
        }
    };
    let mut data = json!({"file": format!("{output}/{}", told.path), "line": told.line, "old": told.old, "new": told.new});
    if let (Some(data), Value::Object(says)) = (data.as_object_mut(), says) {
        data.extend(says);
    }
    data
}
