//! `remove` takes a service, an alert, a receiver or whatever else is declared by name out of the catalog, and says what still
//! names it.

use super::edited::{Files, location, place};
use super::explain::candidates::names;
use super::rename::{NAMED, What, declared, in_order, key};
use super::{Cli, Report, shell};
use crate::catalog::{Catalog, alerts_of, schema};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::diff::Side;
use crate::editing::names::{Mention, mentions};
use crate::editing::tree::dotted;
use crate::source::{Source, pointer, steps};
use crate::value::{Value, json};
use crate::{diff, pipeline};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// What is to go.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// What is removed
    what: What,
    /// Its name; of a metric the key of its table
    #[arg(add = names(NAMED))]
    name: String,
    /// Remove what names it too: an entry of a list, or what makes no sense without it, such as an alert on a metric
    #[arg(long)]
    everywhere: bool,
}

/// Edits every file in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "what is removed is removed everywhere: run this without --environment; what an environment does not have is written there as `enabled = false`"
    );
    let found = match Files::read(cli) {
        Ok(files) => declared(args.what, &args.name, files, cli),
        Err(report) => return Ok(*report),
    };
    let (mut files, source, catalog) = match found {
        Ok(found) => found,
        Err(report) => return Ok(*report),
    };
    let schema = schema::with(&catalog.kinds);
    if !args.everywhere {
        let still = still_named(&files, &schema, (&source, &catalog), args, cli);
        if !still.is_empty() {
            return Ok(Report::new(source, still));
        }
    }
    let mut gone = vec![(args.what, args.name.clone())];
    let before = files.sources();
    let mut removed = Vec::new();
    let mut reasons: BTreeMap<String, &str> = BTreeMap::new();
    let mut next = 0;
    while let Some((what, name)) = gone.get(next).cloned() {
        next += 1;
        // A place is another one as soon as something before it is gone.
        loop {
            let sources = files.sources();
            let Some((file, mention)) = named(&sources, &schema, &catalog, what, &name).pop()
            else {
                break;
            };
            let unit = unit(&mention, file);
            // As the files were, where it still stands at the same key.
            let whole = pointer(&unit);
            let old = before.iter().find(|old| old.name == file.name);
            let indices = unit.iter().any(|step| step.parse::<usize>().is_ok());
            let at = old.filter(|old| !indices && old.contains(&whole));
            removed.push((location(at.unwrap_or(file), &whole), dotted(&unit)));
            let done = files.edit(&file.name, |tree| tree.remove(&unit));
            ensure!(
                done == Some(true),
                "cannot take {} out of {}: remove it by hand",
                dotted(&unit),
                file.name
            );
            empty_tables(&mut files, &file.name, &unit);
            if let [table, entry] = &unit[..]
                && let Some(what) = What::of_table(table)
                && !gone.contains(&(what, entry.clone()))
            {
                gone.push((what, entry.clone()));
            }
        }
        // An objective takes its alerts along, and what names them.
        if what == What::Objective {
            gone.extend(alerts_of(&name).map(|alert| (What::Alert, alert)));
        }
        // An alert is for nothing when nobody is left whom it covers.
        for (what, entry) in without_service(&source, &catalog, &gone) {
            reasons.insert(
                dotted(&[what.table().to_string(), entry.clone()]),
                NOTHING_LEFT,
            );
            gone.push((what, entry));
        }
        // An owner that tells nobody is none.
        for (owner, written) in Source::of(&files.texts(None)).0.value["owners"].entries() {
            let tells = |key: &String| !["mute", "active", "allow"].contains(&key.as_str());
            let new = (What::Owner, owner.clone());
            if what == What::Receiver
                && !written.entries().any(|(key, _)| tells(key))
                && !gone.contains(&new)
            {
                reasons.insert(
                    dotted(&["owners".to_string(), owner.clone()]),
                    "which tells nobody else",
                );
                gone.push(new);
            }
        }
        // A group that has no service left is none.
        if args.everywhere {
            let value = Source::of(&files.texts(None)).0.value;
            let services = &value["services"];
            for (group, _) in value["groups"].entries() {
                let mut members = services.entries().map(|(_, service)| &service["group"]);
                let new = (What::Group, group.clone());
                if !members.any(|of| of == group.as_str()) && !gone.contains(&new) {
                    gone.push(new);
                }
            }
        }
    }
    // What went with something larger is not said apart.
    let whole: Vec<String> = removed
        .iter()
        .map(|(_, key): &(String, String)| format!("{key}."))
        .collect();
    removed.retain(|(_, key)| !whole.iter().any(|whole| key.starts_with(whole)));
    in_order(&mut removed);
    let mut said = vec![format!(
        "removed the {} {}, in {}",
        args.what.word(),
        args.name,
        plural(removed.len(), "place")
    )];
    said.extend(removed.iter().map(|(at, key)| match reasons.get(key) {
        Some(why) => format!("  {at}  {key}, {why}"),
        None => format!("  {at}  {key}"),
    }));
    said.extend(told(&source, &catalog, &files, cli));
    let mut report = files.write(cli, &said)?;
    report.data.insert(
        "removed".into(),
        removed
            .iter()
            .map(|(at, key)| json!({"at": at, "key": key}))
            .collect::<Vec<Value>>()
            .into(),
    );
    Ok(report)
}

/// What is said of an alert that goes with a service.
const NOTHING_LEFT: &str = "which reads nothing that another service emits";

/// The alerts and objectives that cover none but services that are gone, and are not gone themselves.
fn without_service(
    source: &Source,
    catalog: &Catalog,
    gone: &[(What, String)],
) -> Vec<(What, String)> {
    let left = |name: &String| !gone.contains(&(What::Service, name.clone()));
    let mut found = Vec::new();
    for alert in &catalog.alerts {
        if alert.covers.is_empty() || alert.covers.iter().any(left) {
            continue;
        }
        // One with levels is several, and those of an objective are written nowhere.
        let own = pointer(&["alerts", alert.name.as_str()]);
        let written: Vec<String> = steps(source.derived_from(&own).unwrap_or(&own)).collect();
        let [table, name, ..] = &written[..] else {
            continue;
        };
        let Some(what) = What::of_table(table) else {
            continue;
        };
        let entry = (what, name.clone());
        if !gone.contains(&entry) && !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// Who is told of alerts in place of whom, a line for each.
fn told(source: &Source, catalog: &Catalog, files: &Files, cli: &Cli) -> Vec<String> {
    let (after, now, _) = pipeline::understood(&files.texts(None), &cli.place().overlay());
    let Some(now) = now else {
        return Vec::new();
    };
    let side = |source, catalog| Side { source, catalog };
    let changes = diff::told(side(source, catalog), side(&after, &now));
    let services: Vec<String> = now.services.iter().map(|one| one.name.clone()).collect();
    let lines = changes.iter();
    lines
        .map(|change| format!("  {}", change.message(&services)))
        .collect()
}

/// Every place that names it; the entries themselves come first.
fn named<'s>(
    sources: &'s [Source],
    schema: &Value,
    catalog: &Catalog,
    what: What,
    name: &str,
) -> Vec<(&'s Source, Mention)> {
    let named = what.named(Some(catalog), name, "");
    let own = pointer(&[what.table(), name]);
    let mut found = Vec::new();
    for written in sources {
        let meant = |mention: &Mention| match mention.names.as_str() {
            "promql" | "series" => named.is_in(&mention.text),
            names => names == what.table() && mention.text == name,
        };
        let all = mentions(schema, &written.value).into_iter();
        found.extend(all.filter(meant).map(|mention| (written, mention)));
    }
    found.sort_by_key(|(_, mention)| mention.pointer != own);
    found
}

/// What names it beside its own entries.
fn still_named(
    files: &Files,
    schema: &Value,
    (source, catalog): (&Source, &Catalog),
    args: &Args,
    cli: &Cli,
) -> Vec<Diagnostic> {
    let own = pointer(&[args.what.table(), args.name.as_str()]);
    let command = format!("remove {} {}", args.what.word(), shell(&args.name));
    let sources = files.sources();
    let found = named(&sources, schema, catalog, args.what, &args.name).into_iter();
    let others = found.filter(|(_, mention)| mention.pointer != own);
    let mut still: Vec<Diagnostic> = others
        .map(|(file, mention)| {
            let key = key(&mention.pointer);
            let message = format!("{key} names the {} `{}`", args.what.word(), args.name);
            let unit = dotted(&unit(&mention, file));
            let help = format!(
                "change it; or let {unit} go too: {} --everywhere",
                cli.command(&command)
            );
            Diagnostic::error("still-named", place(file, &mention.pointer), message).help(help)
        })
        .collect();
    for (what, name) in without_service(source, catalog, &[(args.what, args.name.clone())]) {
        let entry = [what.table().to_string(), name];
        let message = format!("{} reads only what {} emits", dotted(&entry), args.name);
        let help = format!(
            "remove it first; or let it go too: {} --everywhere",
            cli.command(&command)
        );
        let at = Place::Key(pointer(&entry));
        still.push(Diagnostic::error("still-named", at, message).help(help));
    }
    still
}

/// What has to go with a name: of a list with others the item, a key that says whose something is, else what the name is for.
fn unit(mention: &Mention, file: &Source) -> Vec<String> {
    let path: Vec<String> = steps(&mention.pointer).collect();
    if mention.key && mention.names != "series" {
        return path;
    }
    let around = mention
        .pointer
        .rsplit_once('/')
        .map_or("", |(around, _)| around);
    let items = file.value.pointer(around).and_then(Value::as_array);
    if items.is_some_and(|items| items.len() > 1) {
        return path;
    }
    let table = path.first().map_or("", String::as_str);
    // Whom an owner or a severity tells, and when: another key says who else is told.
    if mention.names == "times"
        || mention.names == "receivers" && ["owners", "alertmanager"].contains(&table)
    {
        return path;
    }
    if mention.names == "owners" && table != "routes" && table != "inhibit" {
        return path;
    }
    match path.iter().position(|key| key == "tests") {
        Some(tests) => path[..tests + 2].to_vec(),
        None => path[..path.len().min(2)].to_vec(),
    }
}

/// Tables inside an entry that nothing is left in.
fn empty_tables(files: &mut Files, file: &str, unit: &[String]) {
    // The receivers of severities are no entry.
    let least = match unit.first().is_some_and(|table| table == "alertmanager") {
        true => 2,
        false => 3,
    };
    for length in (least..unit.len()).rev() {
        let value = Source::parse(file, &files.named(file).text).0.value;
        let empty = match value.pointer(&pointer(&unit[..length])) {
            Some(Value::Object(table)) => table.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        if empty {
            files.edit(file, |tree| tree.remove(&unit[..length]));
        }
    }
}
