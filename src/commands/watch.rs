//! `--watch`: the same run again after every save, until it is interrupted. Folders are watched, not files: most editors write
//! beside a file and rename over it.

use super::{Cli, Report, explain, interrupted, report};
use crate::pipeline::{self, CATALOG, PARTS, environment_of};
use crate::source::Source;
use anyhow::{Context, Result};
use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// An editor that saves touches several files at once: what comes so shortly behind is the same save.
const QUIET: Duration = Duration::from_millis(10);

/// Folders of the root that a run reads whole.
pub(super) const WHOLE: [&str; 2] = ["templates", "profiles"];

/// Runs once, and again after each change of what a run reads; what a run says stays on the screen until the next one.
pub(super) fn watch(cli: &Cli, mut once: impl FnMut() -> Result<Report>) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut stop = std::pin::pin!(interrupted());
        loop {
            // What is saved while a run is under way is seen too.
            let (_watcher, mut saved) = watched(cli)?;
            report::clear();
            match once() {
                Ok(report) => drop(report.print(cli.format, explain::doc)),
                Err(error) => drop(report::failure(&error, cli.format)),
            }
            report::say("watching; stop with Ctrl-C");
            tokio::select! {
                stopped = &mut stop => {
                    stopped?;
                    return Ok(Report::text("").reading());
                }
                _ = saved.recv() => {}
            }
            while let Ok(Some(())) = tokio::time::timeout(QUIET, saved.recv()).await {}
        }
    })
}

/// A watcher of everything that a run reads, and what it sees.
fn watched(cli: &Cli) -> Result<(notify::RecommendedWatcher, mpsc::UnboundedReceiver<()>)> {
    let (tell, told) = mpsc::unbounded_channel();
    let root = cli.root.canonicalize().unwrap_or_else(|_| cli.root.clone());
    let folders = folders(cli, &root);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // An event that is lost may have been a save.
        let matters = event.map_or(true, |event| {
            !matches!(event.kind, EventKind::Access(_))
                && event.paths.iter().any(|path| matters(path, &root))
        });
        if matters {
            let _ = tell.send(());
        }
    })
    .context("cannot watch files")?;
    for (folder, mode) in folders {
        watcher
            .watch(&folder, mode)
            .with_context(|| format!("cannot watch {}", folder.display()))?;
    }
    Ok((watcher, told))
}

/// Of the root itself only the catalog matters, what `[extra]` may name, and folders that come and go; elsewhere all but what editors leave.
fn matters(path: &Path, root: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.parent() == Some(root) {
        let own = [CATALOG, PARTS].contains(&&*name) || WHOLE.contains(&&*name);
        let of_extra = ["yml", "yaml", "json", "tmpl"].map(std::ffi::OsStr::new);
        let of_extra = path
            .extension()
            .is_some_and(|ending| of_extra.contains(&ending));
        return own || of_extra || environment_of(&name).is_some();
    }
    !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".swp")
}

/// The folders of everything that a run reads.
fn folders(cli: &Cli, root: &Path) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut found = BTreeMap::from([
        (root.to_path_buf(), RecursiveMode::NonRecursive),
        (root.join(PARTS), RecursiveMode::NonRecursive),
    ]);
    // Behind a link, the catalog is saved elsewhere.
    if let Some(folder) = (root.join(CATALOG).canonicalize().ok())
        .and_then(|catalog| catalog.parent().map(Path::to_path_buf))
    {
        found.entry(folder).or_insert(RecursiveMode::NonRecursive);
    }
    if let Ok(texts) = pipeline::read(cli.place()) {
        let extra = &Source::of(&texts).0.value["extra"];
        for pattern in extra.entries().flat_map(|(_, files)| files.texts()) {
            let before = pattern.split(['*', '?', '[']).next().unwrap_or_default();
            let folder = before.rfind('/').map_or("", |slash| &before[..slash]);
            let mode = match folder.is_empty() {
                true => RecursiveMode::NonRecursive,
                false => RecursiveMode::Recursive,
            };
            found.entry(root.join(folder)).or_insert(mode);
        }
    }
    for folder in WHOLE {
        found.insert(root.join(folder), RecursiveMode::Recursive);
    }
    found.retain(|folder, _| folder.is_dir());
    found
}
