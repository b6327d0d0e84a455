//! generated/ on disk: compare, then write.

use crate::render::File;
use anyhow::{Context, Result};
use similar::TextDiff;
use std::collections::BTreeSet;
use std::fs;
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
    /// Under generated/, with slashes.
    pub path: String,
    /// In which way.
    pub kind: Kind,
    /// What is on disk; lossy where it is not UTF-8.
    pub before: String,
    /// What was rendered.
    pub after: String,
}

/// Everything in which `folder` differs from `files`, by path; an error is an unreadable folder or file.
pub fn compare(folder: &Path, files: &[File]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        let before = match fs::read(&path) {
            Ok(bytes) if bytes == file.text.as_bytes() => continue,
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory) => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let kind = if before.is_some() { Kind::Modified } else { Kind::Missing };
        changes.push(Change { path: file.path.clone(), kind, before: before.unwrap_or_default(), after: file.text.clone() });
    }
    let rendered: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for path in listing(folder, folder)?.into_iter().filter(|path| !rendered.contains(path.as_str())) {
        let before = fs::read(folder.join(&path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        changes.push(Change { path, kind: Kind::Orphaned, before, after: String::new() });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// Every file below `folder`; links are listed, never followed.
fn listing(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        if entry.file_type()?.is_dir() {
            paths.extend(listing(root, &entry.path())?);
        } else {
            let path = entry.path();
            let under = path.strip_prefix(root).unwrap_or(&path);
            paths.push(under.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"));
        }
    }
    Ok(paths)
}

/// Makes the changes: new content first, orphans last, each file whole at every moment.
pub fn write(folder: &Path, changes: &[Change]) -> Result<()> {
    let (orphans, contents): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.kind == Kind::Orphaned);
    // An orphan that stands where a folder must be, or a leftover folder where a file must be, goes first.
    for change in &orphans {
        let path = folder.join(&change.path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
            _ => {}
        }
        remove_empty(folder, path.parent());
    }
    for change in contents {
        let path = folder.join(&change.path);
        if path.is_dir() {
            fs::remove_dir(&path).with_context(|| format!("cannot remove the folder {}", path.display()))?;
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
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(parent)?;
        let beside = temporary(path);
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&beside, old.permissions())?;
        }
        fs::rename(&beside, path).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A hidden name beside the file; what a killed run leaves is an orphan, so the next run removes it.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// A unified diff from disk to rendering; at most `limit` lines, then how many more.
pub fn diff(change: &Change, limit: usize) -> String {
    let old = format!("a/generated/{}", change.path);
    let new = format!("b/generated/{}", change.path);
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
