//! `man` prints manual pages: of monstack, and of each verb.

use super::{Cli, Report};
use crate::diagnostic::suggestion;
use crate::value::Value;
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
    add(command, String::new(), &mut pages)?;
    let verb = args.verb.join(" ");
    let page = pages.get(&verb).with_context(|| {
        let verbs = pages.keys().map(String::as_str);
        // The page of monstack itself has no verb.
        let verbs = verbs.filter(|verb| !verb.is_empty());
        format!("there is no verb `{verb}`: {}", suggestion(&verb, verbs))
    })?;
    let mut report = Report::text(page);
    // All of them, by the names of their files, for who packs monstack.
    let named = pages.iter();
    let all = named.map(|(verb, page)| (file(verb), page.as_str().into()));
    report
        .data
        .insert("pages".into(), Value::Object(all.collect()));
    Ok(report)
}

/// What the page of a verb is called.
fn file(verb: &str) -> String {
    format!("monstack {verb}").trim_end().replace(' ', "-")
}

/// Adds the pages of a verb and of those below it, by their words.
fn add(command: Command, verb: String, pages: &mut BTreeMap<String, String>) -> Result<()> {
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            let words = format!("{verb} {}", below.get_name());
            add(below.clone(), words.trim_start().to_string(), pages)?;
        }
    }
    let mut page = Vec::new();
    Man::new(command.name(file(&verb)).disable_help_subcommand(true))
        .source(format!("monstack {}", env!("CARGO_PKG_VERSION")))
        .manual("monstack")
        .render(&mut page)?;
    pages.insert(verb, String::from_utf8_lossy(&page).into_owned());
    Ok(())
}
