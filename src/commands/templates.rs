//! `templates` lists, prints and writes the built-in templates, so that a repository can replace one of them.

use super::{Cli, Report};
use crate::diagnostic::suggestion;
use crate::generated::create;
use crate::overlay::{Overlay, built_in, paths};
use crate::value::json;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Component, Path};

/// What to do with them.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, clap::Subcommand)]
enum Action {
    /// List every built-in template, and which of them templates/ replaces
    List,
    /// Print a built-in template
    Show {
        /// Its path, as `list` writes it
        path: String,
    },
    /// Write built-in templates into templates/, to be edited there; an existing file is never replaced
    Eject {
        /// Their paths, as `list` writes them, or that of a folder: all in it
        #[arg(required = true)]
        paths: Vec<String>,
        /// Write a folder as another one, such as kinds/threshold as kinds/backlog: the beginning of a kind of your own
        #[arg(long = "as", value_name = "FOLDER")]
        renamed: Option<String>,
    },
}

pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    match &args.action {
        Action::List => Ok(list(cli)),
        Action::Show { path } => {
            let text = known(path)?;
            let mut report = Report::text(text);
            report
                .data
                .insert("template".into(), json!({"path": path, "text": text}));
            Ok(report)
        }
        Action::Eject { paths, renamed } => eject(paths, renamed.as_deref(), cli),
    }
}

fn list(cli: &Cli) -> Report {
    let mut report = Report::text("");
    let all = Overlay::of(&cli.root).all();
    for (path, replaced) in &all {
        report.line(if *replaced {
            format!("{path}  (replaced by templates/{path})")
        } else {
            path.clone()
        });
    }
    let entries: Vec<_> = all
        .iter()
        .map(|(path, replaced)| json!({"path": path, "replaced": replaced}))
        .collect();
    report.data.insert("templates".into(), entries.into());
    report
}

/// The text of a built-in template; `templates/` may precede its path.
fn known(path: &str) -> Result<&'static str> {
    let bare = bare(path);
    built_in(bare).with_context(|| {
        format!(
            "there is no built-in template `{path}`: {}",
            suggestion(bare, paths())
        )
    })
}

/// A path as it was given, without what may stand before and behind it.
fn bare(path: &str) -> &str {
    let path = path.strip_prefix("templates/").unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

/// A built-in template, or all of a folder: where each is written, and its text.
fn chosen(wanted: &[String], renamed: Option<&str>) -> Result<Vec<(String, &'static str)>> {
    let mut chosen = Vec::new();
    for path in wanted {
        let folder = format!("{}/", bare(path));
        let inside: Vec<&str> = paths().filter(|path| path.starts_with(&folder)).collect();
        if inside.is_empty() {
            ensure!(
                renamed.is_none(),
                "`{path}` is no folder of templates, and --as is for one: `monstack templates list` shows them"
            );
            chosen.push((bare(path).to_string(), known(path)?));
        }
        for path in inside {
            let name = match renamed.map(bare) {
                Some(other) => format!("{other}/{}", &path[folder.len()..]),
                None => path.to_string(),
            };
            ensure!(
                Path::new(&name)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_))),
                "--as takes a folder below templates/, as in kinds/backlog"
            );
            chosen.push((name, known(path)?));
        }
    }
    Ok(chosen)
}

/// All or none: each is looked at before the first is written.
fn eject(wanted: &[String], renamed: Option<&str>, cli: &Cli) -> Result<Report> {
    let mut files = Vec::new();
    for (path, text) in chosen(wanted, renamed)? {
        let name = format!("templates/{path}");
        ensure!(
            cli.root.is_dir(),
            "there is no folder {}",
            cli.root.display()
        );
        if cli.root.join(&name).symlink_metadata().is_ok() {
            bail!(
                "{name} exists already, so it replaces the built-in one; remove it first to start from the built-in one again"
            );
        }
        if !files.iter().any(|(known, _)| *known == name) {
            files.push((name, text));
        }
    }
    let mut report = Report::text("");
    for (name, text) in &files {
        create(&cli.root, name, text)?;
        report.line(format!("wrote {name}"));
    }
    report.line(format!("next: edit, then {}", cli.command("render")));
    report.data.insert(
        "written".into(),
        files
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .into(),
    );
    Ok(report)
}
