//! `add` writes a service, an alert, a metric, a group, an owner or a receiver into services.toml or one of its parts,
//! keeping comments and order, and renders.

mod flags;

use super::edited::{Files, refused};
use super::rename::{What, article, unknown};
use super::{Cli, Report, shell};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::editing::entry::{Entry, with_entry};
use crate::editing::names::at;
use crate::editing::values::value;
use crate::pipeline::{CATALOG, PARTS, is_part};
use crate::source::{Source, pointer, step};
use crate::value::{Value, json};
use anyhow::{Result, ensure};
pub(crate) use flags::Args;
use toml_edit::InlineTable;

/// Edits in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "{} is added to the catalog itself: run this without --environment; what an environment does not have is written there as `enabled = false`",
        article(args.what)
    );
    let (mut files, schema) = match Files::with_schema(cli) {
        Ok(begun) => begun,
        Err(report) => return Ok(*report),
    };
    let source = Source::of(&files.texts(None)).0;
    let table = args.what.table();
    let name = declared(args, &source);
    if source.contains(&format!("/{table}/{}", step(&name))) {
        return Ok(taken(args.what, &name, source));
    }
    let mut fields = InlineTable::new();
    for (key, words) in &args.settings {
        let steps = [table.to_string(), name.clone(), key.clone()];
        fields.insert(key, value(&schema, &at(&schema, &steps), words));
    }
    let group = fields.get("group").and_then(|group| group.as_str());
    let group = group.map(str::to_string);
    if let Some(finding) =
        unused(args, &name, cli).or_else(|| homeless(args, &name, group.as_deref(), &source, cli))
    {
        return Ok(refused(source, finding));
    }
    let file = match &args.file {
        Some(file) => named(file)?,
        None => beside(&source, table, group.as_deref()),
    };
    if let (Some(group), Some(title)) = (&group, &args.group_title) {
        if source.contains(&format!("/groups/{}", step(group))) {
            return Ok(taken(What::Group, group, source));
        }
        let mut fields = InlineTable::new();
        fields.insert("title", title.as_str().into());
        let place = match &args.file {
            Some(_) => file.clone(),
            None => beside(&source, "groups", None),
        };
        let entry = Entry {
            table: "groups",
            name: group,
            fields,
            behind: None,
        };
        write(&mut files, &place, &entry);
    }
    let mut entry = Entry {
        table,
        name: &name,
        fields,
        behind: group.as_deref(),
    };
    let mut last = files.clone();
    write(&mut files, &file, &entry);
    for (named, by) in &args.named_by {
        if let Some(finding) = named.by.and_then(|what| unknown(what, by, &source)) {
            return Ok(refused(source, finding));
        }
        let steps = named.steps(by);
        let key = pointer(&steps);
        if let Some(other) = source.value.pointer(&key)
            && !named.replaces
        {
            let finding = Diagnostic::error(
                "taken-name",
                Place::Value(key),
                format!("{} goes to {other} already", steps.join(".")),
            )
            .help("write both there, as a list where it can be one, or name another severity or owner");
            return Ok(refused(source, finding));
        }
        let place = source.at(&key).0;
        files.edit(&place, |tree| tree.set(&steps, name.as_str().into()));
    }
    let own = format!("/{table}/{}", step(&name));
    let written = Source::parse(&file, &files.named(&file).text).0;
    let (at, line) = written.at(&own);
    let mut report = files.write(cli, &[format!("added {name} at {at}:{line}")])?;
    if report.says("duplicate-address") {
        // Of two at one address the one that was there is the first, wherever this one would stand.
        entry.behind = None;
        write(&mut last, &file, &entry);
        return last.write(cli, &[]);
    }
    if report.data.contains_key("edited") {
        report.data.insert(
            "added".into(),
            json!({args.what.word(): name, "file": file, "line": line}),
        );
    }
    Ok(report)
}

/// A group without a service and an owner of no alert are refused: what names them is added with them.
fn unused(args: &Args, name: &str, cli: &Cli) -> Option<Diagnostic> {
    if !args.named_by.is_empty() {
        return None;
    }
    let own = Place::File(CATALOG.to_string());
    let add = cli.command("add");
    let name = shell(name);
    Some(match args.what {
        What::Group => {
            let title = args.settings.iter().find(|(key, _)| key == "title");
            let title = title.map_or("TITLE".to_string(), |(_, words)| shell(&words.join(" ")));
            Diagnostic::error("empty-group", own, format!("no service is in the group `{name}`"))
                .help(format!(
                    "add it with its first service, as in `{add} NAME --group {name} --group-title {title} --port 8000`, or with one that moves into it: `--service NAME`"
                ))
        }
        What::Owner => {
            Diagnostic::error("unused-owner", own, format!("no alert belongs to `{name}`"))
                .help("say whose alerts are its own from now on: those of a group with `--group NAME`, of a service with `--service NAME`, or one alert with `--alert NAME`")
        }
        _ => return None,
    })
}

/// A service of a group that there is not, and that is not added with it.
fn homeless(
    args: &Args,
    name: &str,
    group: Option<&str>,
    source: &Source,
    cli: &Cli,
) -> Option<Diagnostic> {
    let group = group.filter(|_| args.what == What::Service && args.group_title.is_none())?;
    let groups = &source.value["groups"];
    if groups.get(group).is_some() {
        return None;
    }
    let known: Vec<&str> = groups.entries().map(|(name, _)| name.as_str()).collect();
    let other = match known.is_empty() {
        true => String::new(),
        false => format!("{}; or ", suggestion(group, known)),
    };
    let message = format!("there is no group `{group}`");
    let place = Place::Key("/groups".to_string());
    Some(
        Diagnostic::error("unknown-group", place, message).help(format!(
            "{other}let it be new: `{} {} --group {} --group-title TITLE`, with all that was given",
            cli.command("add"),
            shell(name),
            shell(group)
        )),
    )
}

/// The name of its table: that of a metric is written without the prefix.
fn declared(args: &Args, source: &Source) -> String {
    let prefix = source.value["platform"]["metric_prefix"].as_str();
    let spelled_out = args.settings.iter().any(|(key, _)| key == "name");
    let without = prefix.and_then(|prefix| args.name.strip_prefix(prefix)?.strip_prefix('_'));
    match without.filter(|_| args.what == What::Metric && !spelled_out) {
        Some(without) => without.to_string(),
        None => args.name.clone(),
    }
}

fn write(files: &mut Files, file: &str, entry: &Entry) {
    let text = files.named(file);
    let new = text.text.is_empty();
    text.text = with_entry(&text.text, entry);
    if new {
        text.text = text.text.trim_start().to_string();
    }
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

/// Where the last of its kind is, of a service the last of its group or the group itself; else services.toml.
fn beside(source: &Source, table: &str, group: Option<&str>) -> String {
    let mut known = source
        .value
        .get(table)
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let last = known.rfind(|(_, entry)| group.is_none_or(|group| entry["group"] == group));
    let pointer = match (last, group) {
        (Some((name, _)), _) => format!("/{table}/{}", step(name)),
        (None, Some(group)) => format!("/groups/{}", step(group)),
        (None, None) => return CATALOG.to_string(),
    };
    match source.contains(&pointer) {
        true => source.at(&pointer).0,
        false => CATALOG.to_string(),
    }
}

fn taken(what: What, name: &str, source: Source) -> Report {
    let place = Place::Key(format!("/{}/{}", what.table(), step(name)));
    let message = format!("there is {} `{name}` already", article(what));
    let finding = Diagnostic::error("taken-name", place, message)
        .help("choose another name, or edit this one with `monstack set`");
    refused(source, finding)
}
