//! Makes the disk what was rendered: each file whole at every moment, and readable for the containers.

use super::ownership::{part, part_of};
use super::{Comparison, FileStatus};
use crate::diagnostic::plural;
use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, test_kill_process};
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Everybody reads a file: the containers do not run as the user who rendered it.
pub(crate) const FILE: u32 = 0o644;
/// Everybody reads and enters a folder.
pub(crate) const FOLDER: u32 = 0o755;

/// Makes the changes. Orphans go first: one may be where a folder must be. The list of what is ours comes before what it names.
pub fn write(root: &Path, output: &str, comparison: &Comparison) -> Result<()> {
    let folder = root.join(output);
    let (orphans, contents): (Vec<_>, Vec<_>) = comparison
        .changes
        .iter()
        .partition(|change| change.kind == FileStatus::Orphaned);
    let all = comparison.changes.len() + comparison.modes.len();
    let mut done = 0;
    let mut steps = || -> Result<()> {
        for change in &orphans {
            remove(&folder, &folder.join(&change.exact))?;
            done += 1;
        }
        for change in &contents {
            let path = folder.join(&change.exact);
            place(root, &path, &change.after)
                .with_context(|| format!("cannot write {}", path.display()))?;
            done += 1;
        }
        for mode in &comparison.modes {
            let path = folder.join(&mode.exact);
            readable(&path, mode.wanted).with_context(|| {
                format!(
                    "cannot give {} the mode {:04o}",
                    path.display(),
                    mode.wanted
                )
            })?;
            done += 1;
        }
        Ok(())
    };
    steps().map_err(|error| {
        let left = match done {
            0 => format!("{output}/ is as it was"),
            _ => format!("{output}/ is half new, {done} of {} made, each file whole; the next `monstack render` writes the rest", plural(all, "change")),
        };
        anyhow!("{error:#}; {left}")
    })
}

fn remove(folder: &Path, path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => {
            remove_empty(folder, path.parent());
            Ok(())
        }
    }
}

/// Folders that the last orphan left empty, up to the output folder itself.
fn remove_empty(root: &Path, folder: Option<&Path>) {
    let mut folder = folder;
    while let Some(path) = folder.filter(|path| *path != root && path.starts_with(root)) {
        if fs::remove_dir(path).is_err() {
            return;
        }
        folder = path.parent();
    }
}

/// One rendered file, with the folders that it needs.
fn place(root: &Path, path: &Path, text: &str) -> io::Result<()> {
    make_folders(root, path.parent().unwrap_or(root))?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        remove_folders(path)?;
    }
    let old = fs::symlink_metadata(path)
        .ok()
        .filter(Metadata::is_file)
        .map(|old| old.permissions().mode() & 0o777);
    rename_over(
        path,
        text,
        Some(old.map_or(FILE, |old| {
            if old & 0o444 == 0o444 {
                old
            } else {
                FILE | old
            }
        })),
    )
}

/// Folders that are not there yet, readable whatever the umask.
fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder == root || folder.is_dir() {
        return Ok(());
    }
    make_folders(root, folder.parent().unwrap_or(root))?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => readable(folder, FOLDER),
    }
}

/// Folders with nothing in them but folders; Docker makes one where it does not find what it mounts.
fn remove_folders(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        remove_folders(&entry?.path())?;
    }
    fs::remove_dir(path)
}

/// Gives a mode, and keeps what else is allowed; where a file system knows no modes, what can be read is enough.
fn readable(path: &Path, wanted: u32) -> io::Result<()> {
    let old = fs::symlink_metadata(path)?.permissions().mode() & 0o7777;
    let set = fs::set_permissions(path, Permissions::from_mode(old | wanted));
    if old & 0o444 == 0o444 { Ok(()) } else { set }
}

/// Writes a file that is not there yet, with the folders that it needs.
pub fn create(root: &Path, name: &str, text: &str) -> Result<()> {
    place(root, &root.join(name), text).with_context(|| format!("cannot write {name}"))
}

/// The same of a secret, which nobody else may read, nor look into its folder where that is new.
pub fn create_secret(root: &Path, name: &str, text: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        rename_over(&path, text, Some(0o600))
    };
    write().with_context(|| format!("cannot write {name}"))
}

/// Writes beside the file and renames over it: a reader, or a kill, finds the old text or the new. Its mode stays.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let mode = fs::symlink_metadata(path)
        .ok()
        .filter(Metadata::is_file)
        .map(|old| old.permissions().mode() & 0o7777);
    rename_over(path, text, mode).with_context(|| format!("cannot write {}", path.display()))
}

fn rename_over(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    let beside = part(path);
    let write = || -> io::Result<()> {
        // Never through a link that somebody put there.
        let _ = fs::remove_file(&beside);
        let mut file = fs::File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        if let Some(mode) = mode.filter(|mode| {
            file.metadata()
                .is_ok_and(|new| new.permissions().mode() & 0o7777 != *mode)
        }) {
            let set = file.set_permissions(Permissions::from_mode(mode));
            // Where a file system knows no modes, what can be read is enough.
            if file.metadata()?.permissions().mode() & 0o444 != 0o444 {
                set?;
            }
        }
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Removes what killed runs left beside a file. `alone`: no other run can be at work on it, whatever its number is used for now.
pub fn sweep(path: &Path, alone: bool) {
    let entries = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let Some((_, process)) = part_of(&entry.path()).filter(|(whole, _)| whole == path) else {
            continue;
        };
        let regular = entry.file_type().is_ok_and(|kind| kind.is_file());
        let gone = || {
            Pid::from_raw(process)
                .is_none_or(|process| test_kill_process(process) == Err(rustix::io::Errno::SRCH))
        };
        if regular && (alone || gone()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
