//! The text of the catalog that is compared with: a file, a folder, or a revision that git keeps.

use crate::pipeline::CATALOG;
use anyhow::{Context, Result, bail, ensure};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

/// Its name in messages, and its text. A path that exists is a path; everything else is a revision.
pub fn read(base: &str, root: &Path) -> Result<(String, String)> {
    let path = Path::new(base);
    let (name, bytes) = match path.metadata() {
        Ok(found) => {
            let file = if found.is_dir() { path.join(CATALOG) } else { path.to_path_buf() };
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            (file.display().to_string(), bytes)
        }
        Err(_) => (format!("{base}:{CATALOG}"), revision(base, root)?),
    };
    let Ok(text) = String::from_utf8(bytes) else { bail!("{name} is not UTF-8, so it cannot be compared with") };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_string();
    Ok((name, text))
}

/// The catalog as a commit has it, beside the same folder as `root`.
fn revision(base: &str, root: &Path) -> Result<Vec<u8>> {
    let inside = git(root, &["rev-parse", "--is-inside-work-tree"])?;
    ensure!(inside.status.success(), "there is no file or folder `{base}`, and git knows no revision of it here: {}", reason(&inside));
    let commit = git(root, &["rev-parse", "--verify", "--end-of-options", &format!("{base}^{{commit}}")])?;
    ensure!(commit.status.success(), "`{base}` is no file, no folder and no revision that git knows: {}", reason(&commit));
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_string();
    let blob = git(root, &["cat-file", "blob", &format!("{commit}:./{CATALOG}")])?;
    ensure!(blob.status.success(), "revision `{base}` has no {CATALOG} here: {}", reason(&blob));
    Ok(blob.stdout)
}

fn git(root: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).env("LC_ALL", "C").output();
    output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("comparing with a revision needs git: install the package `git`, or name a file or a folder instead"),
        _ => anyhow::Error::new(error).context("cannot run git"),
    })
}

/// The first line of what git says.
fn reason(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines().next().unwrap_or("git gives no reason").trim_start_matches("fatal: ").to_string()
}
