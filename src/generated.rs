//! The output folder on disk: what is ours in it; compare, then write.

mod compare;
mod disk;
mod ownership;
mod write;

use crate::diagnostic::visible;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use compare::compare;
pub use disk::{MANIFEST, texts};
pub use write::{create, create_secret, replace, sweep, write};

/// How a file on disk differs from its rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    Modified,
    /// Its lines end in CRLF, and it differs in nothing else.
    LineEndings,
    Missing,
    /// It is ours, and nothing generates it.
    Orphaned,
}

/// One difference between the output folder and the rendering.
#[derive(Debug)]
pub struct FileChange {
    /// Under the output folder, with slashes; lossy where the name on disk is not UTF-8.
    pub path: String,
    pub kind: FileStatus,
    /// What is on disk, with the line ends of the rendering; lossy where it is not UTF-8.
    pub before: String,
    pub after: String,
    /// The same path, exactly as the disk has it.
    exact: PathBuf,
}

/// A file or folder of ours that the containers cannot read.
#[derive(Debug)]
pub struct Mode {
    /// Under the output folder; a folder's ends with a slash.
    pub path: String,
    pub mode: u32,
    pub wanted: u32,
    exact: PathBuf,
}

/// Something of others where a rendered file must be.
#[derive(Debug)]
pub struct Obstacle {
    /// Under the output folder.
    pub path: String,
    /// What is wrong, after the path: `is a link …`.
    pub what: String,
}

/// What the output folder holds, held against what was rendered.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By path.
    pub changes: Vec<FileChange>,
    /// By path.
    pub modes: Vec<Mode>,
    /// What is not ours and is left alone: a path, or a folder with a slash, and how many files it covers.
    pub foreign: BTreeMap<String, usize>,
    /// What must be moved before anything can be written.
    pub obstacles: Vec<Obstacle>,
    /// Whether the folder is one of others: it holds something, and nothing of it is ours.
    pub of_others: bool,
}

impl Comparison {
    /// Whether the folder is what was rendered.
    pub fn is_current(&self) -> bool {
        self.changes.is_empty() && self.modes.is_empty()
    }
}

/// A unified diff from disk to rendering; at most `limit` lines, then how many more.
pub fn diff(output: &str, change: &FileChange, limit: usize) -> String {
    // A name is a line of the difference, whatever it holds.
    let path = visible::line(&change.path);
    let (old, new) = (format!("a/{output}/{path}"), format!("b/{output}/{path}"));
    let (old, new) = match change.kind {
        FileStatus::Modified | FileStatus::LineEndings => (old.as_str(), new.as_str()),
        FileStatus::Missing => ("/dev/null", new.as_str()),
        FileStatus::Orphaned => (old.as_str(), "/dev/null"),
    };
    let text = TextDiff::from_lines(change.before.as_str(), change.after.as_str())
        .unified_diff()
        .context_radius(3)
        .header(old, new)
        .to_string();
    let lines = text.lines().count();
    if lines <= limit {
        return text;
    }
    let shown: String = text
        .lines()
        .take(limit)
        .map(|line| format!("{line}\n"))
        .collect();
    format!("{shown}… {} more lines\n", lines - limit)
}
