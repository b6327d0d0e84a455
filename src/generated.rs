//! generated/ on disk: compare, then write.

mod disk;

use crate::diagnostic::visible;
use crate::render::File;
use anyhow::{Context, Result};
use disk::{contents, read};
use similar::TextDiff;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How a file on disk differs from its rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads differently.
    Modified,
    /// It is not there.
    Missing,
    /// Nothing generates it.
    Orphaned,
}

/// One difference between generated/ and the rendering.
#[derive(Debug)]
pub struct Change {
    /// Under generated/, with slashes; lossy where the name on disk is not UTF-8.
    pub path: String,
    /// In which way.
    pub kind: Kind,
    /// What is on disk; lossy where it is not UTF-8.
    pub before: String,
    /// What was rendered.
    pub after: String,
    /// The same path, exactly as the disk has it.
    exact: PathBuf,
}

/// Everything in which `folder` differs from `files`, by path; an error is an unreadable folder or file.
pub fn compare(folder: &Path, files: &[File]) -> Result<Vec<Change>> {
    let mut found = contents(folder)?;
    let mut changes = Vec::new();
    for file in files {
        let exact = PathBuf::from(&file.path);
        let (kind, before) = match found.remove(&exact) {
            Some(kind) => (Kind::Modified, read(&folder.join(&exact), kind)?),
            None => (Kind::Missing, Vec::new()),
        };
        if kind == Kind::Missing || before != file.text.as_bytes() {
            changes.push(Change { path: file.path.clone(), kind, before: lossy(&before), after: file.text.clone(), exact });
        }
    }
    for (exact, kind) in found {
        let path = exact.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        let before = read(&folder.join(&exact), kind).unwrap_or_default();
        changes.push(Change { path, kind: Kind::Orphaned, before: lossy(&before), after: String::new(), exact });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Makes the changes, each file whole at every moment. Orphans go first: one may stand where a folder must be.
pub fn write(folder: &Path, changes: &[Change]) -> Result<()> {
    let (orphans, contents): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.kind == Kind::Orphaned);
    for change in &orphans {
        let path = folder.join(&change.exact);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
            _ => remove_empty(folder, path.parent()),
        }
    }
    for change in contents {
        let path = folder.join(&change.exact);
        // Its files were orphans, so only empty folders are left in it.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove the folder {}", path.display()))?;
        }
        replace(&path, &change.after)?;
    }
    Ok(())
}

/// Folders that the last orphan left empty, up to generated/ itself.
fn remove_empty(root: &Path, folder: Option<&Path>) {
    let mut folder = folder;
    while let Some(path) = folder.filter(|path| *path != root && path.starts_with(root)) {
        if fs::remove_dir(path).is_err() {
            return;
        }
        folder = path.parent();
    }
}

/// Writes beside the file and renames over it: a reader, or a kill, finds the old text or the new.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().context("a file without a folder")?;
    let beside = temporary(path);
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Some(old) = fs::symlink_metadata(path).ok().filter(Metadata::is_file) {
            fs::set_permissions(&beside, old.permissions())?;
        }
        fs::rename(&beside, path)
    };
    let written = fs::create_dir_all(parent).and_then(|()| {
        write().inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// A hidden name beside the file; what a killed run leaves is an orphan, so the next run removes it.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// A unified diff from disk to rendering; at most `limit` lines, then how many more.
pub fn diff(change: &Change, limit: usize) -> String {
    // A name is a line of the difference, whatever it holds.
    let path = visible::line(&change.path);
    let (old, new) = (format!("a/generated/{path}"), format!("b/generated/{path}"));
    let (old, new) = match change.kind {
        Kind::Modified => (old.as_str(), new.as_str()),
        Kind::Missing => ("/dev/null", new.as_str()),
        Kind::Orphaned => (old.as_str(), "/dev/null"),
    };
    let text = TextDiff::from_lines(change.before.as_str(), change.after.as_str()).unified_diff().context_radius(3).header(old, new).to_string();
    let lines = text.lines().count();
    if lines <= limit {
        return text;
    }
    let shown: String = text.lines().take(limit).map(|line| format!("{line}\n")).collect();
    format!("{shown}… {} more lines\n", lines - limit)
}
