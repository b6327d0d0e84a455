//! `add` writes a service into services.toml or one of its parts, keeping comments and order, and renders.

pub(super) mod text;

use super::{Cli, Report, render};
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::{create, replace};
use crate::pipeline::{self, CATALOG, PARTS, is_part};
use crate::source::{Source, Text, step};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use text::with_service;

/// The service.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The service's name: lower-case letters, digits and dashes
    name: String,
    /// The key of its group
    #[arg(long)]
    group: String,
    /// The TCP port that it listens on
    #[arg(long)]
    port: u32,
    /// The file that it is written into: services.toml, or a part such as services.d/web.toml; by default where the
    /// group's services are
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
}

/// Edits in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "a service is added to the catalog itself: run this without --environment; what an environment does not have is written there as `enabled = false`"
    );
    let _held = render::lock_root(&cli.root);
    let mut texts = match pipeline::read(&cli.root) {
        Ok(texts) => texts,
        Err(unreadable) => return Ok(Report::new(unreadable.source, unreadable.diagnostics)),
    };
    let before = pipeline::prove(&texts, &cli.root)?;
    if before
        .source
        .contains(&format!("/services/{}", step(&args.name)))
    {
        return Ok(taken(&args.name, before.source));
    }
    // A catalog without services is wrong only until this one is in it.
    let first = before.source.value.get("services").is_none_or(|services| {
        services
            .as_object()
            .is_some_and(|services| services.is_empty())
    });
    if before.failed() && !first {
        return Ok(render::prepare(before, cli, false)?.report);
    }
    let name = match &args.file {
        Some(file) => named(file)?,
        None => beside(&before.source, &args.group),
    };
    let new = !texts.files().any(|file| file.name == name);
    if new {
        let at = texts.parts.partition_point(|part| part.name < name);
        texts.parts.insert(
            at,
            Text {
                name: name.clone(),
                text: String::new(),
            },
        );
    }
    let mut edited = String::new();
    for file in texts.files_mut().filter(|file| file.name == name) {
        file.text = with_service(&file.text, &args.name, &args.group, args.port);
        if new {
            file.text = file.text.trim_start().to_string();
        }
        edited.clone_from(&file.text);
    }
    let outcome = pipeline::prove(&texts, &cli.root)?;
    let (_, line) = outcome.source.at(&format!("/services/{}", args.name));
    let prepared = render::prepare(outcome, cli, false)?;
    if prepared.refused() {
        return Ok(prepared.report);
    }
    if new {
        create(&cli.root, &name, &edited)?;
    } else {
        let path = cli.root.join(&name);
        // A link stays a link: what it leads to is the catalog.
        replace(
            &path
                .canonicalize()
                .with_context(|| format!("cannot write {}", path.display()))?,
            &edited,
        )?;
    }
    let added = format!("added {} at {name}:{line}", args.name);
    let mut report = prepared
        .finish(cli, false)
        .map_err(|error| anyhow!("{added}, but the rest is not written: {error:#}"))?;
    report.opening(&added);
    report.data.insert(
        "added".into(),
        json!({"service": args.name, "file": name, "line": line}),
    );
    Ok(report)
}

/// The file that was asked for, as the catalog's files are called.
pub(super) fn named(file: &str) -> Result<String> {
    let name = file.strip_prefix("./").unwrap_or(file);
    let part = name
        .strip_prefix(PARTS)
        .and_then(|name| name.strip_prefix('/'));
    ensure!(
        name == CATALOG || part.is_some_and(|part| is_part(part) && !part.contains('/')),
        "`{file}` is no file of the catalog: choose {CATALOG}, or a part such as {PARTS}/web.toml, seen from its folder"
    );
    Ok(name.to_string())
}

/// Where the last of the group's services is, else the group itself, else services.toml.
fn beside(source: &Source, group: &str) -> String {
    let services = source.value.get("services").and_then(Value::as_object);
    let mut known = services.into_iter().flatten();
    let last = known.rfind(|(_, service)| service["group"] == group);
    let pointer = match last {
        Some((name, _)) => format!("/services/{}", step(name)),
        None => format!("/groups/{}", step(group)),
    };
    match source.contains(&pointer) {
        true => source.at(&pointer).0,
        false => CATALOG.to_string(),
    }
}

fn taken(name: &str, source: Source) -> Report {
    let place = Place::Key(format!("/services/{}", step(name)));
    let message = format!("there is a service `{name}` already");
    Report::new(
        source,
        vec![
            Diagnostic::error("taken-name", place, message)
                .help("choose another name, or edit this one"),
        ],
    )
}
