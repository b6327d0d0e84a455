//! `explain` shows every resolved value of a service or an alert with the line that set it, and what a finding means.

pub(super) mod candidates;
mod codes;
mod levels;
mod listed;
mod objective;

use super::keys::{self, Key};
use super::{Cli, Report};
use crate::artifacts::{ARTIFACTS, Role};
use crate::catalog::rules::RecordingRule;
use crate::catalog::{
    Alert, Branch, Catalog, Group, Metric, NO_ONE, Owner, Scope, Service, Subject, Unless, origin,
    schema, with_unit,
};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::json::{self, Parts, plain};
use crate::kinds::Kinds;
use crate::lints::{LINTS, no_one_notified};
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::profiles::Profiles;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::proofs::{Example, PROOFS, example};
use crate::render;
use crate::source::{Source, step};
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
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

/// What the code of a finding means.
pub(super) fn doc(code: &str) -> Option<String> {
    let lints = LINTS.iter().map(|lint| (lint.code, lint.doc));
    let proofs = PROOFS.iter().map(|proof| (proof.code, proof.doc));
    let mut known = lints.chain(proofs).chain(codes::CODES.iter().copied());
    known
        .find(|(known, _)| *known == code)
        .map(|(_, doc)| doc.to_string())
}

/// What is said, its value, and the file and the line that set it.
pub(super) type Row = (String, String, Option<(String, usize)>);

/// Finds what is meant and prints its rows.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let Some(what) = args.what.as_deref() else {
        return Ok(list(cli));
    };
    if let Some(lint) = LINTS.iter().find(|lint| lint.code == what) {
        return Ok(code(lint.code, lint.doc, lint.bad, lint.good));
    }
    if let Some(proof) = PROOFS.iter().find(|proof| proof.code == what) {
        return Ok(match proof.example {
            Example::Condition { bad, good } | Example::Catalog { bad, good } => {
                code(proof.code, proof.doc, bad, good)
            }
            Example::Text { good, bad, .. } => code(proof.code, proof.doc, bad, good),
            Example::Rendered { role, pointer, bad } => {
                let (bad, good) = changed(role, pointer, bad)?;
                code(proof.code, proof.doc, &bad, &good)
            }
        });
    }
    if let Some(sentence) = codes::sentence(what) {
        return Ok(plainly(what, sentence));
    }
    let outcome = pipeline::run(cli.place())?;
    let Some(catalog) = outcome.catalog else {
        return Ok(of_every_catalog(what, cli)
            .unwrap_or_else(|| Report::new(outcome.source, outcome.diagnostics)));
    };
    let source = outcome.source;
    let Some(rows) = of_catalog(what, &catalog, &source) else {
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

fn metric_rows(metric: &Metric, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/metrics/{}/{key}", step(&metric.key)));
    let labels: Vec<String> = metric
        .labels
        .iter()
        .map(|(label, values)| format!("{label} {}", plain(values)))
        .collect();
    let reads = |alert: &&Alert| {
        let branches = alert.settings.values();
        branches
            .into_iter()
            .any(|value| plain(value).contains(&metric.key))
    };
    let alerts: Vec<&str> = catalog
        .alerts
        .iter()
        .filter(reads)
        .map(|alert| alert.name.as_str())
        .collect();
    let itself = Some(format!("/metrics/{}", step(&metric.key)));
    let services = metric.services.join(", ");
    let form = match (metric.native, metric.whole) {
        (true, true) => Some("native: all buckets in one sample"),
        (true, false) => Some("native and with buckets, which rules and panels read"),
        (false, _) => None,
    };
    let form = form.map(|form| row("form", form, source, at("native")));
    let first = [
        row("metric", &metric.name, source, itself),
        row("type", &metric.r#type, source, at("type")),
    ];
    let rest = [
        row("help", &metric.help, source, at("help")),
        row("labels", labels.join(", "), source, at("labels")),
        row("services", services, source, at("services")),
        row("alerts", alerts.join(", "), source, None),
    ];
    first.into_iter().chain(form).chain(rest).collect()
}

/// What a profile says of a metric that services expose.
fn exposed_rows(name: &str, catalog: &Catalog) -> Option<Vec<Row>> {
    let plainly = |key: &str, value: String| -> Row { (key.to_string(), value, None) };
    let has = |profile: &&String| {
        catalog
            .profiles
            .metrics(profile)
            .any(|metric| metric == name)
    };
    let exposing = |service: &&Service| service.exposes.iter().any(|profile| has(&profile));
    let services: Vec<&Service> = catalog.services.iter().filter(exposing).collect();
    let profile = services.first()?.exposes.iter().find(has)?;
    let listed = catalog.profiles.get(profile)?.metrics.get(name)?;
    let labels = listed.labels.iter();
    let labels: Vec<String> = labels
        .map(|(label, values)| format!("{label} {}", plain(values)))
        .collect();
    let names: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let reads = |alert: &&Alert| {
        let metrics = alert.metrics();
        let expr = alert.expression().is_some_and(|expr| expr.contains(name));
        expr || metrics.iter().any(|(_, read, _)| *read == name)
    };
    let alerts = catalog.alerts.iter().filter(reads);
    let alerts: Vec<&str> = alerts.map(|alert| alert.name.as_str()).collect();
    let mut rows = vec![
        plainly("metric", name.to_string()),
        plainly("type", listed.r#type.word().to_string()),
        plainly("help", listed.help.clone()),
        plainly("labels", labels.join(", ")),
        plainly("profile", profile.clone()),
        plainly("services", names.join(", ")),
        plainly("alerts", alerts.join(", ")),
    ];
    rows.retain(|(_, value, _)| !value.is_empty());
    Some(rows)
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

fn code(code: &str, doc: &str, bad: &str, good: &str) -> Report {
    let mut report = Report::text("");
    let indented = |text: &str| {
        text.trim_end()
            .lines()
            .map(|line| format!("    {line}").trim_end().to_string() + "\n")
            .collect::<String>()
    };
    report.block(
        format!(
            "{code}\n  {doc}\n\n  found in:\n{}\n  not in:\n{}",
            indented(bad),
            indented(good)
        )
        .trim_end(),
    );
    if let Some(reason) = crate::allow::never(code) {
        report.block(&format!("\n  no `allow` accepts it: {reason}"));
        report.data.extend([
            ("explained".to_string(), code.into()),
            ("doc".into(), doc.into()),
            ("bad".into(), bad.into()),
            ("good".into(), good.into()),
        ]);
        return report;
    }
    let allow = format!(
        "allow = [{{ check = \"{code}\", reason = \"why it is right here\", until = \"2027-03-31\" }}]"
    );
    report.block(&format!("\n  accepted by this line in the table of {CATALOG} that it is about, or in [platform] when it is about a template\n  (until is the last day, and may be left out):\n    {allow}"));
    report.data.extend([
        ("explained".to_string(), code.into()),
        ("doc".into(), doc.into()),
        ("bad".into(), bad.into()),
        ("good".into(), good.into()),
        ("allow".into(), allow.into()),
    ]);
    report
}

/// Lines of a value that are shown: a list of panels has hundreds.
const SHOWN: usize = 4;

/// A value in a generated file of the proofs' example, as it must not be and as it is rendered.
fn changed(role: Role, pattern: &str, bad: &str) -> Result<(String, String)> {
    let loaded = pipeline::load(CATALOG, &example::catalog());
    let (_, catalog) = loaded.map_err(|_| anyhow!("the catalog of the examples is refused"))?;
    let rendered = render::with(&catalog, &Overlay::default(), ARTIFACTS)?
        .map_err(|_| anyhow!("the catalog of the examples is not rendered"))?;
    let bad: Option<Value> = (!bad.is_empty())
        .then(|| serde_json::from_str(bad))
        .transpose()?;
    let (mut found, mut not) = (String::new(), String::new());
    for (index, pointer) in example::places(&rendered, role, pattern) {
        let file = &rendered.files[index];
        let name = format!("{}/{} of an example catalog:\n", rendered.output, file.path);
        found += &(name.clone() + &shown(&pointer, bad.as_ref()));
        not += &(name + &shown(&pointer, file.value.pointer(&pointer)));
    }
    Ok((found, not))
}

/// A value behind the path of its keys, `.scrape_configs[0].job_name`; or that there is none.
fn shown(pointer: &str, value: Option<&Value>) -> String {
    let steps = pointer.split('/').skip(1);
    let keys = steps.map(|step| match step.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{step}"),
    });
    let keys: String = keys.collect();
    let Some(value) = value else {
        return format!("  {keys} is not there\n");
    };
    let text = json::print(value);
    let mut lines: Vec<&str> = text.lines().take(SHOWN + 1).collect();
    if lines.len() > SHOWN {
        lines[SHOWN] = "…";
    }
    match lines.as_slice() {
        [line] if line.len() < 80 => format!("  {keys}: {line}\n"),
        lines => format!("  {keys}:\n    {}\n", lines.join("\n    ")),
    }
}

/// A finding that needs no example, and that no `allow` accepts.
fn plainly(code: &str, sentence: &str) -> Report {
    let mut report = Report::text("");
    report.block(&format!("{code}\n  {sentence}"));
    report.data.extend([
        ("explained".to_string(), code.into()),
        ("doc".into(), sentence.into()),
    ]);
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

fn service_rows(service: &Service, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/services/{}/{key}", service.name));
    let mut rows = vec![
        row("group", &service.group, source, at("group")),
        row("port", service.port, source, at("port")),
    ];
    if let Some(owner) = service.owner.as_ref().or(catalog.platform.owner.as_ref()) {
        let set = origin(source, service, "owner");
        let set = set.unwrap_or_else(|| "/platform/owner".to_string());
        rows.push(row("owner", owner, source, Some(set)));
    }
    let values = serde_json::to_value(service).unwrap_or_default();
    for (key, _) in schema::settings() {
        let value = match (key.as_str(), said(&values[key])) {
            // Its `targets` say that.
            ("runs_on", _) if !service.targets.is_empty() => continue,
            ("memory_limit", _) => service.memory_limit.to_string(),
            (_, Some(value)) => value,
            (_, None) => continue,
        };
        rows.push(row(key, value, source, origin(source, service, key)));
    }
    rows.extend(
        service
            .image
            .as_ref()
            .map(|image| row("image", image, source, at("image"))),
    );
    rows.push(row("target", service.addresses(), source, None));
    let emitted = catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name));
    rows.extend(emitted.map(|metric| {
        row(
            "emits",
            &metric.name,
            source,
            Some(format!("/metrics/{}", metric.key)),
        )
    }));
    // Which of its metrics alerts read as its memory, its CPU time, its start.
    rows.extend(service.roles.iter().map(|(role, known)| {
        let metric = match known.summed {
            true => format!("the sum of {}", known.metric),
            false => known.metric.clone(),
        };
        row(role, metric, source, origin(source, service, "runtime"))
    }));
    rows.extend(objective::of_service(service, catalog, source));
    for alert in &catalog.alerts {
        if alert.covers.contains(&service.name) {
            rows.push(row(
                "alert",
                &alert.name,
                source,
                Some(format!("/alerts/{}", alert.name)),
            ));
        } else if alert.excepts.contains(&service.name) {
            let why = service
                .overrides
                .get(&alert.name)
                .and_then(|differs| differs.reason.clone())
                .unwrap_or_default();
            rows.push(row(
                "no alert",
                format!("{}: {why}", alert.name),
                source,
                Some(format!("/services/{}/alerts/{}", service.name, alert.name)),
            ));
        }
    }
    rows
}

fn rule_rows(rule: &RecordingRule, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/rules/{}/{key}", rule.name));
    let interval = rule
        .interval
        .unwrap_or(catalog.prometheus.evaluation_interval);
    let set = match rule.interval {
        Some(_) => at("interval"),
        None => Some("/prometheus/evaluation_interval".to_string()),
    };
    let mut rows = vec![
        row("expr", rule.expr.trim(), source, at("expr")),
        row("interval", interval, source, set),
    ];
    rows.extend(
        rule.labels.iter().map(|(label, value)| {
            row(label, value, source, at(&format!("labels/{}", step(label))))
        }),
    );
    rows.extend(
        rule.help
            .iter()
            .map(|help| row("help", help, source, at("help"))),
    );
    let tests = rule.tests().into_iter();
    rows.extend(tests.map(|test| row("test", test.name, source, Some(test.pointer.clone()))));
    let reads = |expr: &str| {
        crate::promql::parse(expr).is_ok_and(|expr| {
            selectors(&expr)
                .into_iter()
                .any(|selector| metric(selector) == Some(rule.name.as_str()))
        })
    };
    let rules = catalog.rules.iter().filter(|other| reads(&other.expr));
    rows.extend(rules.map(|other| {
        row(
            "read by",
            &other.name,
            source,
            Some(format!("/rules/{}", other.name)),
        )
    }));
    let alerts = catalog
        .alerts
        .iter()
        .filter(|alert| alert.expression().is_some_and(reads));
    rows.extend(alerts.map(|alert| {
        row(
            "read by",
            &alert.name,
            source,
            Some(format!("/alerts/{}", alert.name)),
        )
    }));
    rows
}

/// A setting in a line; None: there is nothing to it.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(table) => {
            let entries = table.iter().filter(|(_, value)| **value != false);
            let entries =
                entries.filter_map(|(key, value)| Some(format!("{key} = {}", said(value)?)));
            let all = entries.collect::<Vec<_>>().join(", ");
            (!all.is_empty()).then_some(all)
        }
        other => Some(plain(other)),
    }
}

fn alert_rows(alert: &Alert, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/alerts/{}/{key}", alert.name));
    let mut rows = vec![row("kind", &alert.kind.name, source, at("kind"))];
    for (key, value) in &alert.asks() {
        rows.push(row(key, plain(value), source, at(key)));
    }
    rows.extend(said_in_words(alert, source));
    rows.extend(own_labels(alert, source));
    rows.push(row("severity", &alert.severity, source, at("severity")));
    rows.extend(levels::others(alert, catalog, source));
    // With owners and routes of the catalog it depends on the service.
    let by_severity = catalog.notices.is_empty();
    if by_severity {
        rows.push(receiver(&alert.severity, catalog, source));
    }
    let others = alert
        .branches
        .iter()
        .map(|branch| &branch.severity)
        .filter(|severity| by_severity && **severity != alert.severity);
    for severity in others.collect::<std::collections::BTreeSet<_>>() {
        let (key, value, line) = receiver(severity, catalog, source);
        rows.push((format!("{key} of {severity}"), value, line));
    }
    for (branch, subject) in catalog.all_subjects(alert) {
        let set = [
            branch.says_limit(alert.unit.as_deref()),
            branch.window.map(|window| format!("window {window}")),
            branch.burn.as_ref().map(objective::still),
            Some(format!("for {}", branch.r#for)),
            Some(branch.severity.clone()),
            (!by_severity)
                .then(|| catalog.about(alert, subject, &branch.severity))
                .map(|about| format!("to {}", catalog.addressees(&about))),
        ];
        let name = subject.name().unwrap_or("the platform");
        let value = set.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let own = format!("/services/{name}/alerts/{}", alert.name);
        let pointer = if source.contains(&own) {
            own
        } else {
            format!("/alerts/{}", alert.name)
        };
        rows.push(row(name, value, source, Some(pointer)));
    }
    // Of one about the platform there is no more to ask.
    if alert.about == Scope::Platform
        && let Some(branch) = alert.branches.first()
    {
        let told = told(alert, branch, Subject::Platform, catalog, source);
        let known: Vec<String> = rows.iter().map(|(key, ..)| key.clone()).collect();
        rows.extend(told.into_iter().filter(|(key, ..)| !known.contains(key)));
    }
    rows
}

/// The labels that the catalog gives it beside those that every alert has.
fn own_labels(alert: &Alert, source: &Source) -> Vec<Row> {
    let own = alert.labels.iter().map(|(label, value)| {
        let set = format!("/alerts/{}/labels/{}", alert.name, step(label));
        row(&format!("label {label}"), value, source, Some(set))
    });
    own.collect()
}

/// What the catalog says of it in its own words, as people read that where nothing has fired, and when it ends and is told.
fn said_in_words(alert: &Alert, source: &Source) -> Vec<Row> {
    let keep = alert.keep_firing_for.map(|keep| keep.to_string());
    let (mute, active) = (alert.hours.mute.join(", "), alert.hours.active.join(", "));
    let list = |names: String| Some(names).filter(|names| !names.is_empty());
    let texts = [
        ("summary", alert.spoken.summary.clone()),
        ("description", alert.spoken.description.clone()),
        ("runbook_url", alert.runbook_url.clone()),
        ("keep_firing_for", keep),
        ("unless", alert.unless.as_ref().map(Unless::words)),
        ("hours/mute", list(mute)),
        ("hours/active", list(active)),
    ];
    let own = texts
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_string(), text?)));
    let more = alert.own_annotations.iter();
    let more = more.map(|(name, text)| (format!("annotations/{}", step(name)), text.clone()));
    let at = |key: &str| Some(format!("{}/{key}", alert.written_table()));
    own.chain(more)
        .map(|(key, text)| row(&key.replace('/', "."), text, source, at(&key)))
        .collect()
}

/// The values of an alert for one service, or one group.
pub(super) fn alert_at<'c>(
    alert: &'c Alert,
    subject: impl Into<Subject<'c>>,
    catalog: &'c Catalog,
    source: &Source,
) -> Vec<Row> {
    let subject = subject.into();
    let of_service = subject.service();
    let name = subject.name().unwrap_or_default();
    let own = match of_service {
        Some(service) => format!("/services/{}/alerts/{}", service.name, alert.name),
        None => format!("/alerts/{}", alert.name),
    };
    let at = |key: &str| {
        Some(
            [
                format!("{own}/{key}"),
                format!("/alerts/{}/{key}", alert.name),
            ]
            .into_iter()
            .find(|pointer| source.contains(pointer))
            .unwrap_or_default(),
        )
    };
    let mut all = catalog.all_subjects(alert);
    let here = all.find(|(_, known)| {
        known.name() == subject.name() && known.service().is_some() == of_service.is_some()
    });
    let Some((branch, _)) = here else {
        let about = |service: &Service| alert.is_about(service);
        let why = if of_service.is_none() {
            "its group is not among those of the alert, or emits nothing of what it reads"
        } else if alert.about != Scope::Service {
            "it is about no single service"
        } else if alert.excepts.iter().any(|excepted| excepted == name) {
            "excepted"
        } else if !of_service.is_some_and(about) {
            "the alert names other services"
        } else {
            "the service does not emit what the alert reads"
        };
        return vec![row("covers", format!("no: {why}"), source, at("enabled"))];
    };
    let mut rows = vec![row("kind", &alert.kind.name, source, at("kind"))];
    rows.extend(
        alert
            .settings
            .iter()
            .map(|(key, value)| row(key, plain(value), source, at(key))),
    );
    let own = |branch: &&Branch| branch.services.iter().any(|service| service == name);
    for branch in alert.branches.iter().filter(own) {
        let key = alert.threshold.as_deref().unwrap_or("above");
        rows.extend(
            branch
                .limit()
                .map(|(_, limit)| with_unit(limit, alert.unit.as_deref()))
                .map(|limit| row(key, limit, source, at(key))),
        );
        rows.extend(
            branch
                .window
                .map(|window| row("window", window, source, at("window"))),
        );
        let still = branch.burn.as_ref().map(objective::still);
        rows.extend(still.map(|still| row("still", still, source, None)));
    }
    rows.push(row("for", branch.r#for, source, at("for")));
    let unless = alert.unless.as_ref().map(Unless::words);
    rows.extend(unless.map(|words| row("unless", words, source, at("unless"))));
    rows.push(row("severity", &branch.severity, source, at("severity")));
    rows.extend(told(alert, branch, subject, catalog, source));
    rows
}

/// Whose an alert of a service is, or of whatever else it is about, its labels, and who is told of it.
fn told(
    alert: &Alert,
    branch: &Branch,
    subject: Subject,
    catalog: &Catalog,
    source: &Source,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let about = catalog.about(alert, subject, &branch.severity);
    if !about.owner.is_empty() {
        let service = subject.service().map(|service| &service.name);
        let of_service = |key: String| service.map(|name| format!("/services/{name}/{key}"));
        let group = subject.group();
        let pointers = [
            of_service(format!("alerts/{}/owner", alert.name)),
            Some(format!("/alerts/{}/owner", alert.name)),
            Some(format!("/slos/{}/owner", alert.written_name())),
            of_service("owner".to_string()),
            group.map(|group| format!("/groups/{group}/owner")),
            Some("/platform/owner".to_string()),
        ];
        let set = pointers
            .into_iter()
            .flatten()
            .find(|pointer| source.contains(pointer));
        rows.push(row("owner", about.owner, source, set));
    }
    rows.extend(about.labels.iter().map(|(label, value)| {
        let own = format!("/alerts/{}/labels/{}", alert.name, step(label));
        let set = match source.contains(&own) {
            true => Some(own),
            false => subject
                .service()
                .and_then(|service| {
                    crate::catalog::origin(source, service, &format!("labels/{}", step(label)))
                })
                .or_else(|| Some(format!("/prometheus/external_labels/{}", step(label)))),
        };
        row(&format!("label {label}"), value, source, set)
    }));
    let told = catalog.told(&about);
    if told.is_empty() {
        rows.push(receiver(&branch.severity, catalog, source));
    }
    rows.extend(told.iter().map(|told| {
        let pointer = match told.by {
            Some(notice) => notice.pointer.clone(),
            None => format!("/alertmanager/routes/{}", branch.severity),
        };
        let value = catalog.addressee(told, &about);
        row("receiver", value, source, Some(pointer))
    }));
    rows
}

/// Who is notified of a severity.
fn receiver(severity: &str, catalog: &Catalog, source: &Source) -> Row {
    let receiver = match catalog.receiver(severity) {
        NO_ONE => "null (no one is notified)",
        receiver => receiver,
    };
    row(
        "receiver",
        receiver,
        source,
        Some(format!("/alertmanager/routes/{severity}")),
    )
}
