//! The command line as a user meets it: exit codes, what is written and what is not, and what happens when the disk disagrees.

#[path = "../referee/mod.rs"]
mod referee;

mod add;
mod at_once;
mod disk;
mod edit;
mod explain;
mod formats;
mod kill;
mod kit;
mod mutations;
mod own_tests;
mod ownership;
mod parts;
mod prove;
mod render;
mod templates;
mod watch;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A small catalog, with comments to lose.
const CATALOG: &str = r#"# top
[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://git.example.org/RUNBOOK.md"
[groups.web]
title = "Web"

# the shop itself
[services.checkout]
group = "web"
port = 8001 # taken

[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"

[alertmanager]
allow = [{ check = "no-one-notified", reason = "The shop is closed at night" }]
"#;

/// How a run ended, and what it said.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Run {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// monstack with these arguments, as it is when a person starts it.
fn monstack(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monstack"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CARGO");
    command
}

/// Run to its end on a root.
fn run(root: &Path, arguments: &[&str]) -> Run {
    monstack(arguments)
        .arg("--root")
        .arg(root)
        .output()
        .expect("monstack starts")
        .into()
}

/// That a run finds something, says it, and writes nothing.
fn refuses(root: &Path, arguments: &[&str], said: &str) {
    let before = tree(root);
    let refused = run(root, arguments);
    assert_eq!(
        refused.code,
        Some(1),
        "{arguments:?}: {}{}",
        refused.out,
        refused.err
    );
    assert!(
        refused.out.is_empty()
            && refused.err.contains(said)
            && refused.err.contains("nothing was written"),
        "{arguments:?}: {}{}",
        refused.out,
        refused.err
    );
    assert_eq!(tree(root), before, "{arguments:?} wrote something");
}

/// A folder with this catalog.
fn shop(name: &str, catalog: &str) -> PathBuf {
    let folder = referee::folder(&format!("cli-{name}"));
    fs::write(folder.join("services.toml"), catalog).unwrap();
    folder
}

/// The same with the small catalog, rendered.
fn rendered(name: &str) -> PathBuf {
    let folder = shop(name, CATALOG);
    let first = run(&folder, &["render"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    folder
}

/// Every file below a folder with its content; of a link, what it leads to.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match (path.is_symlink(), path.is_dir()) {
            (true, _) => found.push((
                path.clone(),
                fs::read_link(&path)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes(),
            )),
            (_, true) => found.extend(tree(&path)),
            _ if path.is_file() => found.push((path.clone(), fs::read(&path).unwrap())),
            _ => found.push((path.clone(), b"not a file".to_vec())),
        }
    }
    found.sort();
    found
}
