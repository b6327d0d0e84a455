//! `add` writes a service into services.toml, keeping comments and order, and renders.

mod text;

use super::{Cli, Report, render};
use crate::diagnostic::{Diagnostic, Place};
use crate::generated::replace;
use crate::pipeline::{self, CATALOG};
use crate::source::{Source, step};
use anyhow::{Context, Result, anyhow};
use serde_json::json;
use text::with_service;

/// The service.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service's name: lower-case letters, digits and dashes
    name: String,
    /// The key of its group
    #[arg(long)]
    group: String,
    /// The TCP port that it listens on
    #[arg(long)]
    port: u32,
}

/// Edits in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let _held = render::lock_root(&cli.root);
    let text = match pipeline::read(&cli.root) {
        Ok(text) => text,
        Err(unreadable) => return Ok(Report::new(unreadable.source, unreadable.diagnostics)),
    };
    let before = pipeline::prove(&text, &cli.root)?;
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
    let edited = with_service(&text, &args.name, &args.group, args.port);
    let outcome = pipeline::prove(&edited, &cli.root)?;
    let line = outcome.source.line(&format!("/services/{}", args.name));
    let prepared = render::prepare(outcome, cli, false)?;
    if prepared.refused() {
        return Ok(prepared.report);
    }
    let path = cli.root.join(CATALOG);
    // A link stays a link: what it leads to is the catalog.
    replace(
        &path
            .canonicalize()
            .with_context(|| format!("cannot write {}", path.display()))?,
        &edited,
    )?;
    let added = format!("added {} at {CATALOG}:{line}", args.name);
    let mut report = prepared
        .finish(cli, false)
        .map_err(|error| anyhow!("{added}, but the rest is not written: {error:#}"))?;
    report.opening(&added);
    report.data.insert(
        "added".into(),
        json!({"service": args.name, "file": CATALOG, "line": line}),
    );
    Ok(report)
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
