//! What is compared with: the catalog of a file, a folder or a revision that git keeps, and the templates beside it.

use crate::catalog::extra::patterns;
use crate::commands::Cli;
use crate::overlay::{Overlay, glob, matching, profile_of};
use crate::pipeline::{CATALOG, PARTS, environment_of, is_part, overlay_name};
use crate::source::read::names;
use crate::source::{Text, Texts};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) struct Base {
    /// The catalog's name in messages.
    pub name: String,
    /// What it is called above the changes.
    pub label: String,
    pub texts: Texts,
    /// What names of its templates begin with in messages.
    pub prefix: String,
    pub templates: Overlay,
}

/// A path that exists is a path; everything else is a revision. A catalog that lies alone is rendered by the templates of
/// the root: the file says nothing of any.
pub(crate) fn read(base: &str, cli: &Cli) -> Result<Base> {
    let path = Path::new(base);
    let environment = cli.environment.as_deref();
    let (name, prefix, files, templates) = match path.metadata() {
        Ok(found) if found.is_dir() => {
            let prefix = format!("{}/", base.trim_end_matches('/'));
            let files = folder(path, environment)?;
            let templates = texts(path, &patterns_of(&files))?;
            (format!("{prefix}{CATALOG}"), prefix, files, templates)
        }
        Ok(_) => {
            let bytes =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let folder = path
                .parent()
                .filter(|folder| folder.join("templates").is_dir());
            let prefix = folder
                .map(|folder| folder.join("").display().to_string())
                .unwrap_or_default();
            let name = path.display().to_string();
            let files = vec![(name.clone(), bytes)];
            let templates = texts(folder.unwrap_or(&cli.root), &patterns_of(&files))?;
            (name, prefix, files, templates)
        }
        Err(_) => {
            let (files, templates) = revision(base, &cli.root, environment)?;
            (
                format!("{base}:{CATALOG}"),
                format!("{base}:"),
                files,
                templates,
            )
        }
    };
    let mut found = Vec::new();
    for (file, bytes) in files {
        let shown = match file == name {
            true => file.clone(),
            false => format!("{prefix}{file}"),
        };
        let Ok(text) = String::from_utf8(bytes) else {
            bail!("{shown} is not UTF-8, so it cannot be compared with")
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_string();
        found.push((file, Text { name: shown, text }));
    }
    let mut found = found.into_iter();
    let (_, catalog) = found.next().context("there is no catalog")?;
    let (overlay, parts): (Vec<_>, Vec<_>) =
        found.partition(|(file, _)| environment_of(file).is_some());
    let overlay = overlay.into_iter().next().map(|(_, text)| text);
    Ok(Base {
        name: name.clone(),
        label: base.to_string(),
        texts: Texts {
            catalog,
            parts: parts.into_iter().map(|(_, text)| text).collect(),
            environment: overlay
                .is_some()
                .then(|| environment.map(str::to_string))
                .flatten(),
            overlay,
            unread: Vec::new(),
        },
        prefix,
        templates,
    })
}

/// Files by their paths, the catalog first.
type Files = Vec<(String, Vec<u8>)>;

/// The catalog of a folder with its parts, and what an environment says, if it is there.
fn folder(folder: &Path, environment: Option<&str>) -> Result<Files> {
    let file = |name: &str| {
        let path = folder.join(name);
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok::<_, anyhow::Error>((name.to_string(), bytes))
    };
    let mut files = vec![file(CATALOG)?];
    if folder.join(PARTS).is_dir() {
        let parts = folder.join(PARTS);
        let names = names(&parts).with_context(|| format!("cannot read {}", parts.display()))?;
        for name in names.iter().filter(|name| is_part(name)) {
            files.push(file(&format!("{PARTS}/{name}"))?);
        }
    }
    let overlay = environment.map(overlay_name);
    if let Some(overlay) = overlay.filter(|name| folder.join(name).is_file()) {
        files.push(file(&overlay)?);
    }
    Ok(files)
}

/// What the files of a catalog name under `[extra]`.
fn patterns_of(files: &Files) -> Vec<String> {
    let texts = files
        .iter()
        .map(|(_, bytes)| String::from_utf8_lossy(bytes));
    texts.flat_map(|text| patterns(&text)).collect()
}

/// The templates of a folder with a catalog, and its own files of these patterns, read at once, so that those of two sides can be compared.
pub(crate) fn texts(root: &Path, patterns: &[String]) -> Result<Overlay> {
    fn inside(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) -> Result<()> {
        for entry in std::fs::read_dir(folder)
            .with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            let Some(name) = path
                .file_name()
                .and_then(|name| name.to_str())
                .map(|name| format!("{prefix}{name}"))
            else {
                continue;
            };
            if path.is_dir() {
                inside(&path, &format!("{name}/"), found)?;
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.insert(name, text);
            }
        }
        Ok(())
    }
    let all = |name: &str| -> Result<BTreeMap<String, String>> {
        let folder = root.join(name);
        let mut found = BTreeMap::new();
        if folder.is_dir() {
            inside(&folder, "", &mut found)?;
        }
        Ok(found)
    };
    let paths = patterns.iter().flat_map(|pattern| matching(root, pattern));
    let extra = paths
        .filter_map(|path| Some((path.clone(), std::fs::read_to_string(root.join(path)).ok()?)));
    Ok(Overlay::texts(all("templates")?)
        .with_profiles(profiles(all("profiles")?))
        .with_extra(extra.collect()))
}

/// Name → text, of files by their path under profiles/.
fn profiles(files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let named = |(path, text): (String, String)| Some((profile_of(&path)?.to_string(), text));
    files.into_iter().filter_map(named).collect()
}

/// The catalog and the templates as a commit has them, in the same folder as `root`; nothing is written to disk.
fn revision(base: &str, root: &Path, environment: Option<&str>) -> Result<(Files, Overlay)> {
    git_or(root, &["rev-parse", "--is-inside-work-tree"], || {
        format!("there is no file or folder `{base}`, and git knows no revision of it here")
    })?;
    let name = format!("{base}^{{commit}}");
    let commit = git_or(
        root,
        &["rev-parse", "--verify", "--end-of-options", &name],
        || format!("`{base}` is not a file, a folder or a revision that git knows"),
    )?;
    let commit = String::from_utf8_lossy(&commit).trim().to_string();
    let path = format!("{commit}:./{CATALOG}");
    let catalog = git_or(root, &["cat-file", "blob", &path], || {
        format!("revision `{base}` has no {CATALOG} here")
    })?;
    let mut list = vec!["ls-tree", "-r", "-z", "--name-only"];
    let overlay = environment.map(overlay_name);
    list.extend([&commit, "--", "templates", "profiles", PARTS]);
    list.extend(overlay.as_deref());
    let listed = git_or(root, &list, || {
        format!("cannot list the templates of revision `{base}`")
    })?;
    let names: Vec<String> = String::from_utf8_lossy(&listed)
        .split('\0')
        .filter(|name| {
            let part = name
                .strip_prefix(PARTS)
                .and_then(|name| name.strip_prefix('/'));
            name.starts_with("templates/")
                || name.starts_with("profiles/")
                || part.is_some_and(|name| !name.contains('/') && is_part(name))
                || Some(*name) == overlay.as_deref()
        })
        .map(str::to_string)
        .collect();
    let mut files = vec![(CATALOG.to_string(), catalog)];
    let blobs = blobs(root, &commit, &names)
        .with_context(|| format!("cannot read the templates of revision `{base}`"))?;
    let (mut templates, mut own_profiles) = (BTreeMap::new(), BTreeMap::new());
    for (name, bytes) in names.into_iter().zip(blobs) {
        let Some(bytes) = bytes else { continue };
        let texts = match name.split_once('/') {
            Some(("templates", path)) => Some((&mut templates, path)),
            Some(("profiles", path)) => Some((&mut own_profiles, path)),
            _ => None,
        };
        match texts {
            Some((texts, path)) => {
                if let Ok(text) = String::from_utf8(bytes) {
                    texts.insert(path.to_string(), text);
                }
            }
            None => files.push((name, bytes)),
        }
    }
    let overlay = Overlay::texts(templates).with_profiles(profiles(own_profiles));
    let extra = extra(root, &commit, &patterns_of(&files))
        .with_context(|| format!("cannot read the files of [extra] of revision `{base}`"))?;
    Ok((files, overlay.with_extra(extra)))
}

/// The user's own files of a commit, by their paths under the root.
fn extra(root: &Path, commit: &str, patterns: &[String]) -> Result<BTreeMap<String, String>> {
    if patterns.is_empty() {
        return Ok(BTreeMap::new());
    }
    let listed = git_or(
        root,
        &["ls-tree", "-r", "-z", "--name-only", commit],
        || "cannot list the files".to_string(),
    )?;
    let names: Vec<String> = String::from_utf8_lossy(&listed)
        .split('\0')
        .filter(|name| patterns.iter().any(|pattern| glob(pattern, name)))
        .map(str::to_string)
        .collect();
    let blobs = blobs(root, commit, &names)?;
    let texts = names.into_iter().zip(blobs);
    let texts = texts.filter_map(|(name, bytes)| Some((name, String::from_utf8(bytes?).ok()?)));
    Ok(texts.collect())
}

/// What git prints; where it fails, `what` failed, and why.
fn git_or(root: &Path, arguments: &[&str], what: impl Fn() -> String) -> Result<Vec<u8>> {
    let output = git(root, arguments)?;
    ensure!(output.status.success(), "{}: {}", what(), reason(&output));
    Ok(output.stdout)
}

/// The contents of files of a commit, by one process; links are followed inside the commit. None: a link that leads nowhere.
fn blobs(root: &Path, commit: &str, names: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
    let prefix = git(root, &["rev-parse", "--show-prefix"])?;
    let prefix = String::from_utf8_lossy(&prefix.stdout)
        .trim_end_matches('\n')
        .to_string();
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(root)
        .args(["cat-file", "--batch", "--follow-symlinks"])
        .env("LC_ALL", "C");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    let mut input = child.stdin.take().context("git takes no input")?;
    // A name with a line break would be read as two; no template has one.
    let asked: Vec<&String> = names.iter().filter(|name| !name.contains('\n')).collect();
    let request: String = asked
        .iter()
        .map(|name| format!("{commit}:{prefix}{name}\n"))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(request.as_bytes()));
    let output = child
        .wait_with_output()
        .context("cannot read what git says")?;
    let _ = writer.join();
    ensure!(output.status.success(), "{}", reason(&output));
    let mut rest = output.stdout.as_slice();
    let mut found = BTreeMap::new();
    for name in asked {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .context("git's answer is cut off")?;
        let header = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        // "HASH blob SIZE"; of a link that leads nowhere "dangling SIZE" and the like; of a missing file nothing follows.
        let words: Vec<&str> = header.split(' ').collect();
        let size = if header.ends_with(" missing") {
            None
        } else {
            words.last().and_then(|size| size.parse::<usize>().ok())
        };
        let Some(size) = size else { continue };
        ensure!(rest.len() > size, "git's answer is cut off");
        if words.len() == 3 && words[1] == "blob" {
            found.insert(name.clone(), rest[..size].to_vec());
        }
        rest = &rest[size + 1..];
    }
    Ok(names.iter().map(|name| found.remove(name)).collect())
}

fn git(root: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .env("LC_ALL", "C")
        .output();
    output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("comparing with a revision needs git: install the package `git`, or name a file or a folder instead"),
        _ => anyhow::Error::new(error).context("cannot run git"),
    })
}

/// The first line of what git says.
fn reason(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .next()
        .unwrap_or("git gives no reason")
        .trim_start_matches("fatal: ")
        .to_string()
}
