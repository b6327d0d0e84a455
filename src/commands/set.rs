//! `set` writes one key of the catalog, keeping comments and order, and renders.

use super::edited::{Files, location, refused};
use super::rename::{What, unknown};
use super::{Cli, Report, render};
use crate::diagnostic::Diagnostic;
use crate::editing::names::at;
use crate::editing::tree::{dotted, path};
use crate::editing::values::value;
use crate::pipeline::overlay_name;
use crate::source::{Source, pointer};
use crate::value::{Value, json};
use anyhow::{Context, Result, ensure};

/// The key and its value.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The key with the tables around it: alerts.Slow.for, services.cart.port, rules."job:requests:rate5m".interval
    key: String,
    /// Its value: a word, several for a list, KEY=VALUE for each entry of a table, or TOML
    #[arg(required_unless_present = "unset", allow_negative_numbers = true)]
    value: Vec<String>,
    /// Take the key away, so that its default holds
    #[arg(long, conflicts_with = "value")]
    unset: bool,
}

/// Edits in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let steps = path(&args.key).with_context(|| {
        format!(
            "`{}` is no key: write the tables around it with dots between them, as in alerts.Slow.for",
            args.key
        )
    })?;
    let (mut files, schema) = match Files::with_schema(cli) {
        Ok(begun) => begun,
        Err(report) => return Ok(*report),
    };
    ensure!(
        steps.len() > 1
            || at(&schema, &steps)
                .iter()
                .any(|node| node["type"] == "string"),
        "`{}` is a table: name one of its keys, as in {}.KEY",
        args.key,
        args.key
    );
    let pointer = pointer(&steps);
    let own = cli.environment.as_deref();
    let (source, _) = Source::of(&files.texts(own));
    let before = source.value.pointer(&pointer).cloned();
    let file = match own {
        Some(environment) => overlay_name(environment),
        None => source.at(&pointer).0,
    };
    if own.is_some_and(|name| !files.all().any(|file| file.name == overlay_name(name))) {
        return Ok(render::prepare(crate::pipeline::run(cli.place())?, cli, false)?.report);
    }
    let key = dotted(&steps);
    if args.unset {
        let gone = files.edit(&file, |tree| tree.has(&steps) && tree.remove(&steps));
        ensure!(
            gone != Some(false),
            "{key} is not written in {file}, so that there is nothing to take away"
        );
    } else {
        let new = value(&schema, &at(&schema, &steps), &args.value);
        let done = files.edit(&file, |tree| tree.set(&steps, new));
        ensure!(
            done != Some(false),
            "{key} is a table, or in something that is none: name one of its keys"
        );
    }
    let shown = |value: Option<&Value>| value.map_or("nothing".to_string(), Value::to_string);
    let after = Source::of(&files.texts(own))
        .0
        .value
        .pointer(&pointer)
        .cloned();
    let place = match args.unset {
        true => {
            let (file, line) = source.at(&pointer);
            format!("{file}:{line}")
        }
        false => location(&Source::parse(&file, &files.named(&file).text).0, &pointer),
    };
    let said = match before == after {
        _ if args.unset && after.is_none() => format!("removed {key}, which stood at {place}"),
        true => format!("{key} is {} already", shown(after.as_ref())),
        false => format!(
            "set {key} at {place}: {} → {}",
            shown(before.as_ref()),
            shown(after.as_ref())
        ),
    };
    let opening = [said];
    let mut report = match files.prove(cli)? {
        Ok(proved) => proved.write(cli, &opening)?,
        // One key makes no service: a name that nothing has is the mistake, and not the keys that are missing.
        Err(report) => match new_entry(&steps, &source) {
            Some(finding) => return Ok(refused(source, finding)),
            None => return Ok(*report),
        },
    };
    report.data.insert(
        "set".into(),
        json!({"key": key, "before": before, "after": after, "file": file}),
    );
    Ok(report)
}

/// The finding that nothing is called so, where a key is of an entry that there is not.
fn new_entry(steps: &[String], source: &Source) -> Option<Diagnostic> {
    let (table, name) = (steps.first()?, steps.get(1)?);
    let what = What::of_table(table)?;
    let known = source.value[table]
        .as_object()
        .is_some_and(|table| !table.is_empty());
    unknown(what, name, source).filter(|_| known)
}
