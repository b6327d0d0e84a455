//! What the disk holds, found without following a link and without waiting for a device.

use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The list of what `render` wrote, in the output folder. It is compared and written like every other file.
pub const MANIFEST: &str = ".monstack-files";

/// What lies below the output folder; every path is seen from there.
#[derive(Default)]
pub(crate) struct Contents {
    /// Everything that is not a folder.
    pub files: BTreeMap<PathBuf, FileType>,
    /// Every folder that was looked into, the output folder itself as the empty path.
    pub folders: BTreeSet<PathBuf>,
    /// Folders of others that are not looked into: a repository, the root of another catalog, what may not be read.
    pub closed: BTreeSet<PathBuf>,
}

/// Lists the output folder. A link on the way to it is refused: nobody expects to write what it leads to.
/// `wanted` are the folders of what is rendered, which must be looked into.
pub(crate) fn contents(root: &Path, output: &str, wanted: &BTreeSet<PathBuf>) -> Result<Contents> {
    let mut found = Contents::default();
    let mut folder = root.to_path_buf();
    for part in Path::new(output) {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", folder.display()));
            }
            Ok(kind) if kind.is_symlink() => bail!(
                "{} is a link, and render would write what it leads to: make it a folder",
                folder.display()
            ),
            Ok(kind) if !kind.is_dir() => bail!(
                "{} is in the way: make it a folder, or remove it",
                folder.display()
            ),
            Ok(_) => {}
        }
    }
    list(&folder, Path::new(""), wanted, &mut found)?;
    Ok(found)
}

/// Everything below a folder; links are listed, never followed.
fn list(root: &Path, under: &Path, wanted: &BTreeSet<PathBuf>, found: &mut Contents) -> Result<()> {
    let cannot = || format!("cannot list {}", root.join(under).display());
    let needed = wanted.contains(under);
    let entries = match fs::read_dir(root.join(under)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !needed => {
            found.closed.insert(under.into());
            return Ok(());
        }
        entries => entries.and_then(|entries| {
            entries
                .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
                .collect::<Result<Vec<_>, _>>()
        }),
    };
    let entries = entries.with_context(cannot)?;
    let other_root = entries
        .iter()
        .any(|(name, _)| name == MANIFEST || name == "services.toml");
    if other_root && !needed {
        found.closed.insert(under.into());
        return Ok(());
    }
    found.folders.insert(under.into());
    for (name, kind) in entries {
        let path = under.join(&name);
        if kind.is_dir()
            && [".git", ".hg", ".svn", ".jj"]
                .iter()
                .any(|repository| name == *repository)
        {
            found.closed.insert(path);
        } else if kind.is_dir() {
            list(root, &path, wanted, found)?;
        } else {
            found.files.insert(path, kind);
        }
    }
    Ok(())
}

/// A path as it is printed, with slashes; lossy where it is not UTF-8.
pub(crate) fn shown(path: &Path) -> String {
    path.iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// The texts below a folder by their paths there; what is not UTF-8, links and devices are left out.
pub fn texts(folder: &Path) -> Result<Vec<(String, String)>> {
    let wanted = BTreeSet::from([PathBuf::new()]);
    let mut found = Contents::default();
    list(folder, Path::new(""), &wanted, &mut found)?;
    let mut texts = Vec::new();
    for (path, kind) in found.files {
        if !kind.is_file() || path == Path::new(MANIFEST) {
            continue;
        }
        let bytes = fs::read(folder.join(&path))
            .with_context(|| format!("cannot read {}", folder.join(&path).display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            texts.push((shown(&path), text));
        }
    }
    Ok(texts)
}
