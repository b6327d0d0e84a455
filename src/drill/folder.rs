//! The folder of a drill: one for each, gone with it, and cleared by the next where it was killed.

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The beginning of its name; the id of the process follows.
const NAME: &str = "monstack-drill-";

/// Held for as long as the drill lives, however it ends.
const LOCK: &str = "lock";

/// Removed when it is dropped.
pub(crate) struct Folder {
    pub path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Clears what drills have left that were killed, and makes a new one that nobody else may read.
    pub(crate) fn new() -> Result<Folder> {
        let temporary = std::env::temp_dir();
        clear(&temporary);
        let path = temporary.join(format!("{NAME}{}", std::process::id()));
        let cannot = || format!("cannot create {}", path.display());
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(cannot)?;
        let lock = File::create(path.join(LOCK)).with_context(cannot)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).with_context(cannot)?;
        Ok(Folder { path, _lock: lock })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Folders of others cannot be removed, and are left.
fn clear(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let Some(process) = ours.filter(|id| folder && id.parse::<u32>().is_ok()) else {
            continue;
        };
        let path = entry.path();
        let left = match File::open(path.join(LOCK)) {
            Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
            // It has just been made, or its process ended before the lock was there.
            Err(_) => !Path::new("/proc").join(process).exists() || process == own(),
        };
        if left {
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn own() -> String {
    std::process::id().to_string()
}
