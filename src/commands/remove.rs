//! `remove` takes a service, a metric, an alert, a group, an owner or a receiver out of the catalog, and says what still names it.

use super::edited::{Files, location, place};
use super::explain::candidates::names;
use super::rename::{What, declared, in_order, key};
use super::{Cli, Report, shell};
use crate::catalog::{Catalog, schema};
use crate::diagnostic::{Diagnostic, plural};
use crate::editing::names::{Mention, mentions};
use crate::editing::tree::dotted;
use crate::json::Parts;
use crate::source::{Source, pointer, steps};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// What is to go.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// What is removed
    what: What,
    /// Its name; of a metric the key of its table
    #[arg(add = names(&["service", "metric", "alert", "group", "owner", "receiver"]))]
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
        let still = still_named(&files, &schema, &catalog, args, cli);
        if !still.is_empty() {
            return Ok(Report::new(source, still));
        }
    }
    let mut gone = vec![(args.what, args.name.clone())];
    let mut removed = Vec::new();
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
            removed.push((location(file, &mention.pointer), dotted(&unit)));
            let done = files.edit(&file.name, |tree| tree.remove(&unit));
            ensure!(
                done == Some(true),
                "cannot take {} out of {}: remove it by hand",
                dotted(&unit),
                file.name
            );
            empty_tables(&mut files, &file.name, &unit);
            if let [table, entry] = &unit[..]
                && let Some(what) = what_of(table)
                && !gone.contains(&(what, entry.clone()))
            {
                gone.push((what, entry.clone()));
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
    said.extend(removed.iter().map(|(at, key)| format!("  {at}  {key}")));
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
    catalog: &Catalog,
    args: &Args,
    cli: &Cli,
) -> Vec<Diagnostic> {
    let own = pointer(&[args.what.table(), args.name.as_str()]);
    let command = format!("remove {} {}", args.what.word(), shell(&args.name));
    let sources = files.sources();
    let found = named(&sources, schema, catalog, args.what, &args.name).into_iter();
    let others = found.filter(|(_, mention)| mention.pointer != own);
    others
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
        .collect()
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
    for length in (3..unit.len()).rev() {
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

fn what_of(table: &str) -> Option<What> {
    use clap::ValueEnum;
    let mut all = What::value_variants().iter().copied();
    all.find(|what| what.table() == table)
}
