//! Texts that an editor has and the disk has not yet: they are read in the place of the files.

use super::read::{LIMIT, Unreadable, names, read, too_large};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The texts of open files, by their absolute paths; a copy is cheap.
#[derive(Clone, Debug, Default)]
pub struct Unsaved(Arc<BTreeMap<PathBuf, Arc<str>>>);

impl Unsaved {
    /// A file as the editor shows it from now on.
    pub fn open(&mut self, path: PathBuf, text: String) {
        Arc::make_mut(&mut self.0).insert(path, text.into());
    }

    /// A file is again what the disk says.
    pub fn close(&mut self, path: &Path) {
        Arc::make_mut(&mut self.0).remove(path);
    }

    /// The text of an open file.
    pub(crate) fn text(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(AsRef::as_ref)
    }

    /// The paths of open files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// Whether there is such a file, here or on disk.
    pub fn is_file(&self, path: &Path) -> bool {
        self.text(path).is_some() || path.is_file()
    }

    /// The text of a file without its byte order mark, open or on disk.
    pub fn read(&self, path: &Path) -> Result<String, Unreadable> {
        match self.text(path) {
            None => read(path),
            Some(text) if text.len() as u64 > LIMIT => Err(too_large()),
            Some(text) => Ok(text.trim_start_matches('\u{feff}').to_string()),
        }
    }

    /// What a folder holds, with the open files that are not on disk yet, in the order of the names.
    pub(crate) fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let new: Vec<String> = self
            .paths()
            .filter(|path| path.parent() == Some(folder))
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_string()))
            .collect();
        let mut all = match names(folder) {
            Err(_) if !new.is_empty() => Vec::new(),
            named => named?,
        };
        all.extend(new);
        all.sort();
        all.dedup();
        Ok(all)
    }
}
