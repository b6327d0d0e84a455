//! `explain` shows every resolved value of a service or an alert with the line that set it, and what a finding means.

mod alerts;
pub(super) mod candidates;
mod codes;
mod findings;
mod held_back;
mod labelled;
mod levels;
mod listed;
mod metrics;
mod objective;
mod rendered;
mod services;

pub(super) use alerts::alert_at;
pub(super) use findings::doc;

use super::keys::{self, Key};
use super::{Cli, Report};
use crate::catalog::{Catalog, Group, Owner, Scope, Subject, schema};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::json::plain;
use crate::kinds::Kinds;
use crate::lints::{LINTS, no_one_notified};
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::profiles::Profiles;
use crate::proofs::PROOFS;
use crate::source::{Source, step};
use crate::value::{Value, json};
use alerts::alert_rows;
use anyhow::Result;
use metrics::{exposed_rows, metric_rows, rule_rows};
use services::service_rows;
use std::sync::Arc;

/// What to explain.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// A service, an alert, ALERT@SERVICE, an objective, a group, a metric, an owner, a receiver, a kind of alert, a profile, a key such as services.NAME.port, or the code of a finding
    #[arg(required_unless_present = "list", add = candidates::names(&["service", "alert", "objective", "group", "metric", "owner", "receiver", "recording rule", "kind", "profile", "finding"]))]
    what: Option<String>,
    /// List everything that can be explained
    #[arg(long, conflicts_with = "what")]
    list: bool,
}

/// What is said, its value, and the file and the line that set it.
pub(super) type Row = (String, String, Option<(String, usize)>);

/// Finds what is meant and prints its rows.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let Some(what) = args.what.as_deref() else {
        return Ok(list(cli));
    };
    if let Some(report) = findings::explained(what)? {
        return Ok(report);
    }
    let outcome = pipeline::run(cli.place())?;
    let Some(catalog) = outcome.catalog else {
        return Ok(of_every_catalog(what, cli)
            .unwrap_or_else(|| Report::new(outcome.source, outcome.diagnostics)));
    };
    let source = outcome.source;
    let rendered = || rendered::rows(what, outcome.rendered.as_ref()?, &catalog, &source);
    let Some(rows) = of_catalog(what, &catalog, &source).or_else(rendered) else {
        return Ok(match of_every_catalog(what, cli) {
            Some(report) => report,
            None => unknown(what, &catalog, source),
        });
    };
    let fires = what.split('@').all(|part| {
        let mut alerts = catalog.alerts.iter();
        catalog.service(part).is_some()
            || alerts.any(|alert| alert.written_name() == part || alert.name == part)
    });
    let mut report = table(what, rows, source);
    if !fires {
        return Ok(report);
    }
    // Whatever is explained, nobody would hear of it.
    let unheard = outcome.diagnostics.into_iter();
    unheard
        .filter(|found| found.code == no_one_notified::LINT.code)
        .for_each(|found| report.push(found));
    Ok(report)
}

/// What a catalog says of a name: of a service, an alert, ALERT@SERVICE, an objective, a recording rule, and the rest of its tables.
fn of_catalog(what: &str, catalog: &Catalog, source: &Source) -> Option<Vec<Row>> {
    let (alert, service) = what
        .split_once('@')
        .map_or((what, what), |(alert, service)| (alert, service));
    let written = alert;
    let alert = catalog.alert(alert);
    let service = catalog.service(service);
    // Of one with several levels each is an alert.
    if let (None, Some(service), true) = (alert, service, what.contains('@')) {
        let levels = catalog.alerts.iter();
        let levels = levels.filter(|level| level.written_name() == written);
        let rows: Vec<Row> = levels
            .flat_map(|level| {
                let name = ("alert".to_string(), level.name.clone(), None);
                std::iter::once(name).chain(alert_at(level, service, catalog, source))
            })
            .collect();
        return Some(rows).filter(|rows| !rows.is_empty());
    }
    let slo = catalog.slos.iter().find(|slo| slo.name == what);
    let objective = slo.map(|slo| objective::rows(slo, catalog, source));
    let mut rows = match (alert, service, what.contains('@')) {
        (Some(alert), Some(service), true) if alert.about == Scope::Service => {
            alert_at(alert, service, catalog, source)
        }
        (Some(alert), _, true) if alert.about == Scope::Group => {
            let (_, key) = what.split_once('@')?;
            let group = catalog.groups.iter().find(|group| group.key == key)?;
            alert_at(alert, Subject::Group(group), catalog, source)
        }
        (Some(alert), Some(service), true) => alert_at(alert, service, catalog, source),
        (Some(alert), None, false) => alert_rows(alert, catalog, source),
        (None, Some(service), false) => service_rows(service, catalog, source),
        _ => {
            let neither = alert.is_none() && service.is_none();
            let tables = [
                "rules",
                "groups",
                "metrics",
                "owners",
                "receivers",
                "times",
                "inhibit",
            ];
            let levels = catalog.levels.iter().find(|levels| levels.name == what);
            let levels = levels.map(|levels| levels::rows(levels, catalog, source));
            let first = objective.or(levels).filter(|_| neither);
            let mut others = tables.into_iter();
            return first.or_else(|| others.find_map(|table| entry(table, what, catalog, source)));
        }
    };
    rows.extend(objective.into_iter().flatten());
    Some(rows)
}

/// The same of an entry of one table; None: it has no such entry, or nothing else is known of it.
pub(super) fn entry(
    table: &str,
    name: &str,
    catalog: &Catalog,
    source: &Source,
) -> Option<Vec<Row>> {
    match table {
        "services" => catalog
            .service(name)
            .map(|service| service_rows(service, catalog, source)),
        "alerts" => {
            let levels = catalog.levels.iter().find(|levels| levels.name == name);
            match (catalog.alert(name), levels) {
                (Some(alert), _) => Some(alert_rows(alert, catalog, source)),
                (None, levels) => levels.map(|levels| levels::rows(levels, catalog, source)),
            }
        }
        "slos" => (catalog.slos.iter().find(|slo| slo.name == name))
            .map(|slo| objective::rows(slo, catalog, source)),
        "rules" => (catalog.rules.iter().find(|rule| rule.name == name))
            .map(|rule| rule_rows(rule, catalog, source)),
        "groups" => (catalog.groups.iter().find(|group| group.key == name))
            .map(|group| group_rows(group, source)),
        "metrics" => (catalog.declared())
            .find(|metric| metric.key == name || metric.name == name)
            .map(|metric| metric_rows(metric, catalog, source))
            .or_else(|| exposed_rows(name, catalog)),
        "owners" => (catalog.owners.iter().find(|owner| owner.name == name))
            .map(|owner| owner_rows(owner, source)),
        "receivers" => {
            (catalog.receivers.get(name)).map(|receiver| receiver_rows(name, receiver, source))
        }
        "times" | "inhibit" => {
            let written = source.value[table].get(name)?;
            let at = format!("/{table}/{}", step(name));
            let keys = written.entries();
            let rows = keys.map(|(key, value)| {
                row(
                    key,
                    plain(value),
                    source,
                    Some(format!("{at}/{}", step(key))),
                )
            });
            Some(rows.collect())
        }
        _ => None,
    }
}

/// Everything that there is to explain, a line each.
fn list(cli: &Cli) -> Report {
    let (kinds, profiles) = beside(&cli.place().overlay());
    let lint = pipeline::lint(cli.place());
    let all = listed::all(
        lint.catalog.as_ref(),
        &kinds,
        &profiles,
        &schema::with(&kinds),
    );
    let mut report = Report::text("");
    let width = all
        .iter()
        .map(|one| one.name.len())
        .filter(|width| *width < 48)
        .max();
    let width = width.unwrap_or(0);
    for one in &all {
        let doc = one
            .doc
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim_end();
        let line = format!("{:<14}  {:<width$}  {doc}", one.sort, one.name);
        report.line(line.trim_end());
    }
    let all = all
        .into_iter()
        .map(|one| json!({"sort": one.sort, "name": one.name, "doc": one.doc, "key": one.key}));
    report
        .data
        .insert("list".into(), all.collect::<Vec<Value>>().into());
    report
}

/// The kinds and the profiles of the root; the built-in ones, where those cannot be read.
pub(super) fn beside(overlay: &Overlay) -> (Arc<Kinds>, Arc<Profiles>) {
    (
        Kinds::of(overlay).unwrap_or_else(|_| Kinds::built_in()),
        Profiles::of(overlay).unwrap_or_else(|_| Profiles::built_in()),
    )
}

/// A kind of alert, a profile, or a key: what every catalog may say.
fn of_every_catalog(what: &str, cli: &Cli) -> Option<Report> {
    let (kinds, profiles) = beside(&cli.place().overlay());
    let keys = keys::all(&schema::with(&kinds));
    let source = || Source::parse("", "").0;
    let plain = |key: &str, value: String| -> Row { (key.to_string(), value, None) };
    if let Some(kind) = kinds.get(what) {
        let mut rows = vec![plain("kind of alert", kind.description.clone())];
        let end = format!(" (kind {what})");
        for key in &keys {
            if let Some(path) = key.path.strip_suffix(&end) {
                let name = path.rsplit('.').next().unwrap_or_default();
                rows.push(plain(name, described(key)));
            }
        }
        return Some(table(what, rows, source()));
    }
    if profiles.get(what).is_some() {
        let mut rows = vec![plain(
            "profile",
            format!("`profiles = [\"{what}\"]` on a service that exposes it"),
        )];
        let names = profiles.metrics(what);
        rows.extend(names.map(|name| plain("exposes", name.to_string())));
        return Some(table(what, rows, source()));
    }
    let found = keys::called(&keys, &what.split('.').collect::<Vec<_>>());
    if found.is_empty() {
        return None;
    }
    let mut rows: Vec<Row> = found
        .iter()
        .map(|key| plain(&key.path, described(key)))
        .collect();
    let inside = keys.iter().filter(|key| {
        let rest = key.path.strip_prefix(&found[0].path);
        rest.is_some_and(|rest| rest.starts_with('.'))
    });
    rows.extend(inside.map(|key| plain(&key.path, described(key))));
    Some(table(what, rows, source()))
}

/// What a key takes, its default and what it is for, on one line.
fn described(key: &Key) -> String {
    let mut text = key.takes.clone();
    if key.required {
        text += ", required";
    }
    if let Some(default) = &key.default {
        text += &format!(", by default {default}");
    } else if let Some(example) = key.examples.first() {
        text += &format!(", as {example}");
    }
    format!("{text}: {}", key.description)
}

fn group_rows(group: &Group, source: &Source) -> Vec<Row> {
    let at = format!("/groups/{}", step(&group.key));
    vec![
        row("group", &group.title, source, Some(at)),
        row("services", group.services.join(", "), source, None),
    ]
}

fn owner_rows(owner: &Owner, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/owners/{}/{key}", step(&owner.name)));
    let severities = owner.receivers.iter();
    let mut rows: Vec<Row> = severities
        .map(|(severity, receivers)| row(severity, receivers.join(", "), source, at(severity)))
        .collect();
    let default = owner.default.join(", ");
    rows.push(row("default", default, source, at("default")));
    rows
}

fn receiver_rows(name: &str, receiver: &Value, source: &Source) -> Vec<Row> {
    let integrations = receiver.entries().map(|(integration, said)| {
        let at = Some(format!("/receivers/{}/{integration}", step(name)));
        let said: Vec<String> = said
            .entries()
            .map(|(key, value)| format!("{key} = {}", plain(value)))
            .collect();
        row(integration, said.join(", "), source, at)
    });
    integrations.collect()
}

fn table(what: &str, rows: Vec<Row>, source: Source) -> Report {
    let mut report = Report::new(source, Vec::new());
    report.line(what);
    let width = rows.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    let values = rows
        .iter()
        .map(|(_, value, _)| value.len())
        .filter(|length| *length <= 48)
        .max()
        .unwrap_or(0);
    for (key, value, line) in &rows {
        let set = line
            .as_ref()
            .map_or(String::new(), |(file, line)| format!("  {file}:{line}"));
        report.line(format!("  {key:<width$}  {value:<values$}{set}").trim_end());
    }
    let values = rows.into_iter().map(|(key, value, set)| {
        let (file, line) = set.unzip();
        json!({"key": key, "value": value, "file": file, "line": line})
    });
    report.data.insert("explained".into(), what.into());
    report
        .data
        .insert("values".into(), values.collect::<Vec<Value>>().into());
    report
}

fn unknown(what: &str, catalog: &Catalog, source: Source) -> Report {
    let services = catalog.services.iter().map(|service| service.name.as_str());
    let alerts = catalog.alerts.iter().map(|alert| alert.name.as_str());
    let codes = LINTS
        .iter()
        .map(|lint| lint.code)
        .chain(PROOFS.iter().map(|proof| proof.code))
        .chain(codes::CODES.iter().map(|(code, _)| *code));
    let rules = catalog.rules.iter().map(|rule| rule.name.as_str());
    let slos = catalog.slos.iter().map(|slo| slo.name.as_str());
    let levels = catalog.levels.iter().map(|levels| levels.name.as_str());
    let known = services
        .chain(alerts)
        .chain(levels)
        .chain(slos)
        .chain(rules);
    let at = what.split_once('@');
    let at = at.and_then(|(alert, _)| catalog.alert(alert));
    let at_service = at.is_some();
    let known: Vec<&str> = match at_service {
        true if at.is_some_and(|alert| alert.about == Scope::Group) => catalog
            .groups
            .iter()
            .map(|group| group.key.as_str())
            .chain(what.split('@').take(1))
            .collect(),
        true => catalog
            .services
            .iter()
            .map(|service| service.name.as_str())
            .chain(what.split('@').take(1))
            .collect(),
        false => known.chain(codes).collect(),
    };
    let wrong = what
        .split('@')
        .find(|part| !known.contains(part))
        .unwrap_or(what);
    let message = format!(
        "there is no service, alert, objective or finding called `{wrong}`; `explain --list` shows every name"
    );
    Report::new(
        source,
        vec![
            Diagnostic::error("unknown-name", Place::File(CATALOG.into()), message).help(
                suggestion(
                    wrong,
                    known
                        .iter()
                        .copied()
                        .filter(|name| !(at_service && catalog.alert(name).is_some())),
                ),
            ),
        ],
    )
}

fn row(key: &str, value: impl ToString, source: &Source, pointer: Option<String>) -> Row {
    let line = pointer
        .filter(|pointer| source.contains(pointer))
        .map(|pointer| source.at(&pointer));
    (key.to_string(), value.to_string(), line)
}
