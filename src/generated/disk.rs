//! What the disk holds, found without following a link and without waiting for a device.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What lies below generated/. A link is refused, because everything that was not rendered is removed from what it leads to.
pub fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, FileType>> {
    let mut found = BTreeMap::new();
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
        Ok(kind) if kind.is_symlink() => bail!("{} is a link, and render would remove what it finds behind it: make it a folder", folder.display()),
        Ok(kind) if !kind.is_dir() => bail!("{} is in the way: make it a folder, or remove it", folder.display()),
        Ok(_) => list(folder, Path::new(""), &mut found)?,
    }
    Ok(found)
}

/// Everything below a folder that is no folder; links are listed, never followed.
fn list(root: &Path, under: &Path, found: &mut BTreeMap<PathBuf, FileType>) -> Result<()> {
    let cannot = || format!("cannot list {}", root.join(under).display());
    for entry in fs::read_dir(root.join(under)).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let (path, kind) = (under.join(entry.file_name()), entry.file_type().with_context(cannot)?);
        if kind.is_dir() {
            list(root, &path, found)?;
        } else {
            found.insert(path, kind);
        }
    }
    Ok(())
}

/// What a file holds; a link or a device is only named, because reading what is behind it may never end.
pub fn read(path: &Path, kind: FileType) -> Result<Vec<u8>> {
    if kind.is_symlink() {
        let target = fs::read_link(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(format!("(a link to {})\n", target.display()).into_bytes());
    }
    if !kind.is_file() {
        return Ok(b"(not a file)\n".to_vec());
    }
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
