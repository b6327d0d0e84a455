//! The output folder held against what was rendered; nothing is changed.

use super::disk::{Contents, MANIFEST, contents, shown};
use super::ownership::{Listed, file_says_so, manifest, part_of, says_so};
use super::write::{FILE, FOLDER};
use super::{Comparison, FileChange, FileStatus, Mode, Obstacle};
use crate::render::File;
use crate::source::read::sort;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Everything in which the output folder differs from `files`; an error is a folder or file that cannot be read.
pub fn compare(root: &Path, output: &str, files: &[File]) -> Result<Comparison> {
    let list = manifest(files);
    let rendered: BTreeMap<PathBuf, &str> = files
        .iter()
        .map(|file| (PathBuf::from(&file.path), file.text.as_str()))
        .chain([(PathBuf::from(MANIFEST), list.as_str())])
        .collect();
    let wanted: BTreeSet<PathBuf> = rendered
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .map(Path::to_path_buf)
        .collect();
    let folder = root.join(output);
    let found = contents(root, output, &wanted)?;
    let mut comparing = Comparing {
        listed: Listed::read(&folder),
        folder,
        rendered,
        wanted,
        found,
        ours: false,
        others: Vec::new(),
        result: Comparison::default(),
    };
    comparing.rendered()?;
    comparing.rest();
    comparing.obstacles();
    comparing.modes()?;
    Ok(comparing.finish())
}

/// A comparison that is being made.
struct Comparing<'a> {
    folder: PathBuf,
    rendered: BTreeMap<PathBuf, &'a str>,
    /// The folders of what is rendered.
    wanted: BTreeSet<PathBuf>,
    found: Contents,
    listed: Listed,
    /// Whether something is ours.
    ours: bool,
    /// Files and unopened folders that are not.
    others: Vec<PathBuf>,
    result: Comparison,
}

impl Comparing<'_> {
    /// Every rendered file: it is there, or reads differently, or something else is in its place.
    fn rendered(&mut self) -> Result<()> {
        for (exact, text) in &self.rendered {
            let Some(kind) = self.found.files.get(exact) else {
                self.result
                    .changes
                    .push(change(exact, FileStatus::Missing, &[], text));
                continue;
            };
            if let Some(sort) = sort(*kind) {
                self.result.obstacles.push(Obstacle {
                    path: shown(exact),
                    what: format!("is {sort}, not a file that monstack wrote"),
                });
                continue;
            }
            let path = self.folder.join(exact);
            let before =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let same = before == text.as_bytes();
            let own = same || self.listed.all.contains(exact) || says_so(&shown(exact), &before);
            self.ours |= own;
            match own || before.is_empty() {
                true if same => {}
                true if unified(&lossy(&before)) == unified(text) => self
                    .result
                    .changes
                    .push(change(exact, FileStatus::LineEndings, &before, text)),
                true => {
                    self.result
                        .changes
                        .push(change(exact, FileStatus::Modified, &before, text))
                }
                false => self.result.obstacles.push(Obstacle {
                    path: shown(exact),
                    what: "was not written by monstack".into(),
                }),
            }
        }
        Ok(())
    }

    /// What nothing renders: ours is an orphan, everything else is left alone.
    fn rest(&mut self) {
        for (exact, kind) in self
            .found
            .files
            .iter()
            .filter(|(exact, _)| !self.rendered.contains_key(*exact))
        {
            let left = part_of(exact).is_some_and(|(whole, _)| {
                self.rendered.contains_key(&whole) || self.listed.all.contains(&whole)
            });
            let own = kind.is_file()
                && (left || self.listed.bare.contains(exact) || file_says_so(&self.folder, exact));
            self.ours |= own;
            if own {
                let before = fs::read(self.folder.join(exact)).unwrap_or_default();
                self.result
                    .changes
                    .push(change(exact, FileStatus::Orphaned, &before, ""));
            } else {
                self.others.push(exact.clone());
            }
        }
        self.others.extend(self.found.closed.iter().cloned());
        self.result.changes.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Files of others where a folder must be, and folders with files of others where a file must be.
    fn obstacles(&mut self) {
        for other in &self.others {
            if self.wanted.contains(other) {
                let sort = self
                    .found
                    .files
                    .get(other)
                    .and_then(|kind| sort(*kind))
                    .unwrap_or("a file");
                self.result.obstacles.push(Obstacle {
                    path: shown(other),
                    what: format!("is {sort} of others, and must be a folder"),
                });
            }
            if let Some(above) = other
                .ancestors()
                .find(|above| self.rendered.contains_key(*above))
            {
                let what = "is a folder with files of others, and must be a file".to_string();
                self.result.obstacles.push(Obstacle {
                    path: shown(above),
                    what,
                });
            }
        }
        self.result.obstacles.sort_by(|a, b| a.path.cmp(&b.path));
        self.result.obstacles.dedup_by(|a, b| a.path == b.path);
    }

    /// What is there, is ours, and cannot be read by everybody.
    fn modes(&mut self) -> Result<()> {
        let kept = |path: &PathBuf| {
            !self
                .result
                .changes
                .iter()
                .any(|change| change.exact == *path)
        };
        let files = self
            .rendered
            .keys()
            .filter(|path| {
                self.found
                    .files
                    .get(*path)
                    .is_some_and(|kind| kind.is_file())
                    && kept(path)
            })
            .map(|path| (path, FILE));
        let folders = self
            .wanted
            .iter()
            .filter(|path| self.found.folders.contains(*path))
            .map(|path| (path, FOLDER));
        for (exact, wanted) in files.chain(folders) {
            let path = self.folder.join(exact);
            let mode = path
                .metadata()
                .with_context(|| format!("cannot read {}", path.display()))?
                .permissions()
                .mode()
                & 0o777;
            // The owner may write, or not; all must read, and enter a folder.
            let needed = wanted & 0o555;
            if mode & needed != needed {
                let path = if wanted == FOLDER {
                    format!("{}/", shown(exact))
                } else {
                    shown(exact)
                };
                self.result.modes.push(Mode {
                    path: path.trim_start_matches('/').into(),
                    mode,
                    wanted,
                    exact: exact.clone(),
                });
            }
        }
        Ok(())
    }

    /// Each file of others under the highest folder that is theirs alone.
    fn finish(mut self) -> Comparison {
        let orphans = self
            .result
            .changes
            .iter()
            .flat_map(|change| change.exact.ancestors().skip(1));
        let shared: BTreeSet<&Path> = self
            .wanted
            .iter()
            .map(PathBuf::as_path)
            .chain(orphans)
            .collect();
        let nothing = |path: &Path| {
            self.found
                .files
                .get(path)
                .is_some_and(|kind| kind.is_file())
                && self
                    .folder
                    .join(path)
                    .metadata()
                    .is_ok_and(|found| found.len() == 0)
        };
        // An empty file, such as .gitkeep, only keeps a folder.
        let content =
            !self.result.obstacles.is_empty() || self.others.iter().any(|path| !nothing(path));
        let blocked = |path: &Path| {
            self.result
                .obstacles
                .iter()
                .any(|obstacle| path.starts_with(&obstacle.path))
        };
        let mut foreign = BTreeMap::new();
        for path in self.others.iter().filter(|path| !blocked(path)) {
            let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
            above.reverse();
            let alone = above.into_iter().find(|above| !shared.contains(above));
            let name = match alone {
                Some(folder) => format!("{}/", shown(folder)),
                None if self.found.closed.contains(path) => format!("{}/", shown(path)),
                None => shown(path),
            };
            *foreign.entry(name).or_insert(0) += 1;
        }
        self.result.foreign = foreign;
        self.result.of_others = content && !self.ours;
        self.result
    }
}

fn change(exact: &Path, kind: FileStatus, before: &[u8], after: &str) -> FileChange {
    let before = lossy(before);
    let before = if after.contains("\r\n") {
        before
    } else {
        unified(&before)
    };
    FileChange {
        path: shown(exact),
        kind,
        before,
        after: after.to_string(),
        exact: exact.into(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// With the line ends of Unix.
fn unified(text: &str) -> String {
    text.replace("\r\n", "\n")
}
