//! `man` prints manual pages: of monstack, and of each verb.

use super::{Cli, Report};
use crate::diagnostic::suggestion;
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::collections::BTreeMap;

/// Whose page.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// As in: monstack man add alert | man -l -  [default: the page of monstack itself]
    verb: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Report> {
    let mut pages = BTreeMap::new();
    let mut command = <Cli as CommandFactory>::command();
    command.build();
    write(command, "monstack", &mut pages)?;
    let name = std::iter::once("monstack")
        .chain(args.verb.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("-");
    let page = pages.get(&name).with_context(|| {
        let names = pages.keys().map(String::as_str);
        format!("there is no page {name}: {}", suggestion(&name, names))
    })?;
    let mut report = Report::text(page);
    // All of them, for who packs monstack.
    report
        .data
        .insert("pages".into(), serde_json::to_value(&pages)?);
    Ok(report)
}

/// The pages of a verb and of those below it, by their names.
fn write(command: Command, name: &str, pages: &mut BTreeMap<String, String>) -> Result<()> {
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            write(
                below.clone(),
                &format!("{name}-{}", below.get_name()),
                pages,
            )?;
        }
    }
    let mut page = Vec::new();
    Man::new(command.name(name.to_string()).disable_help_subcommand(true))
        .source(format!("monstack {}", env!("CARGO_PKG_VERSION")))
        .manual("monstack")
        .render(&mut page)?;
    pages.insert(
        name.to_string(),
        String::from_utf8_lossy(&page).into_owned(),
    );
    Ok(())
}
