//! An exporter is told to expose what alerts and rules read.

use super::mistaken_exporter::said;
use super::{Lint, set_at};
use crate::catalog::{Alert, Catalog, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::profiles::Chooses;
use crate::profiles::images::{Version, parted};
use crate::promql::engine::metric;
use crate::promql::{self, walk::selectors};
use crate::source::step;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const LINT: Lint = Lint {
    code: "uncollected-metric",
    doc: "Exporters expose what their collectors find, and some are off unless they are asked for: an alert on what none of them collects, or on what only another version has, can never fire, and the exporter is up.",
    bad: "[services.machine]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\nimage = \"prom/node-exporter:v1.11.1\"\nprofiles = [\"node_exporter\"]\n\n[alerts.UnitFailed]\nkind = \"threshold\"\nmetric = { metric = \"node_systemd_unit_state\", where = { state = \"failed\" } }\nabove = 0\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[services.machine]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\nimage = \"prom/node-exporter:v1.11.1\"\nprofiles = [\"node_exporter\"]\ncommand = [\"--collector.systemd\"]\n\n[alerts.UnitFailed]\nkind = \"threshold\"\nmetric = { metric = \"node_systemd_unit_state\", where = { state = \"failed\" } }\nabove = 0\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let started = catalog.services.iter().filter(|service| service.container);
        for service in started {
            for lost in uncollected(catalog, service) {
                let place = match lost.place {
                    Some(pointer) => {
                        Place::Value(format!("/services/{}/{pointer}", step(&service.name)))
                    }
                    None => set_at(source, service, "image"),
                };
                found.push(
                    Diagnostic::error("uncollected-metric", place, lost.message)
                        .also(Place::Key(lost.reader), "it is read here")
                        .help(lost.help),
                );
            }
        }
        found
    },
};

/// A metric that an exporter leaves out, and that is read.
pub(crate) struct Uncollected {
    /// Below the table of its service, where that says it.
    pub(crate) place: Option<String>,
    pub(crate) message: String,
    pub(crate) help: String,
    /// What reads it.
    pub(crate) reader: String,
}

/// What alerts and rules read of an exporter that it leaves out, as the catalog says it or as its container has it: one metric for each reason.
pub(crate) fn uncollected(catalog: &Catalog, service: &Service) -> Vec<Uncollected> {
    // Which profile an image has is known of all only when all are read.
    let image = service.image.as_deref();
    let Some((profile, exporter)) = image.and_then(|image| catalog.profiles.of_image(image)) else {
        return Vec::new();
    };
    let names = read(catalog, service, profile);
    let image = image.unwrap_or_default();
    let mut found = Vec::new();
    for (name, reader) in &names {
        if let Some((why, help)) = of_another_version(catalog, profile, name, image) {
            found.push(Uncollected {
                place: None,
                message: format!("`{}` does not expose `{name}`: {why}", service.name),
                help,
                reader: reader.clone(),
            });
        }
    }
    let Some(chooses) = &exporter.chooses else {
        return found;
    };
    // What stands in a file, or comes from outside, nobody here knows.
    let mut words = service.command.iter();
    if words.any(|word| word.starts_with('@') || from_outside(word)) {
        return found;
    }
    let mut told = BTreeSet::new();
    for (name, reader) in names {
        let collector = catalog.profiles.collector(profile, &name);
        let Some((place, off, help)) = missing(service, chooses, &name, collector) else {
            continue;
        };
        if told.insert(off.clone()) {
            found.push(Uncollected {
                place,
                message: format!("`{}` does not expose `{name}`: {off}", service.name),
                help,
                reader,
            });
        }
    }
    found
}

/// Whether a variable is filled into a word. Before a letter or a brace it is one: elsewhere it is the end of a regular expression.
fn from_outside(word: &str) -> bool {
    let mut behind = word.split('$').skip(1);
    let begins = |c: char| c == '{' || c == '_' || c.is_ascii_alphabetic();
    behind.any(|rest| rest.starts_with(begins))
}

/// What alerts and rules read of a service, by its profile, and which of them does.
fn read(catalog: &Catalog, service: &Service, profile: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let alerts = catalog.written_alerts();
    let alerts: Vec<&Alert> = alerts
        .filter(|alert| alert.covers_service(&service.name))
        .collect();
    // Its memory, its CPU time and its start are of its runtime, and the exporter may leave them out too.
    for alert in &alerts {
        let roles = alert.kind.roles().into_iter();
        for role in roles.filter_map(|role| service.roles.get(role)) {
            let reader = || alert.written_table();
            found.entry(role.metric.clone()).or_insert_with(reader);
        }
    }
    let mut know = |name: &str, reader: String| {
        // What only expressions read of a profile is not among the catalog's metrics.
        let exposes = || {
            let mut names = service.profiles.iter();
            let known = catalog.profiles.get(profile);
            names.any(|name| catalog.profiles.first_name(name) == profile)
                && known.is_some_and(|known| known.metrics.contains_key(name))
        };
        let own = match catalog.metric(name) {
            Some(metric) => {
                metric.profile.as_deref() == Some(profile)
                    && metric.services.contains(&service.name)
            }
            None => exposes(),
        };
        if own {
            found.entry(name.to_string()).or_insert(reader);
        }
    };
    let asked = |text: &str| {
        let expr = promql::parse(text).ok();
        let names = expr.iter().flat_map(|expr| selectors(expr));
        let names: Vec<String> = names
            .filter_map(|selector| metric(selector).map(str::to_string))
            .collect();
        names
    };
    for alert in alerts {
        for (_, name, _) in alert.named_metrics() {
            know(name, alert.written_table());
        }
        for name in alert.expression().map_or(Vec::new(), asked) {
            know(&name, alert.written_table());
        }
    }
    for rule in &catalog.rules {
        for name in asked(&rule.expr) {
            know(&name, format!("/rules/{}", step(&rule.name)));
        }
    }
    found
}

/// Why the version of an image has no metric of this name, and what to do; None: it has it, or nobody knows.
fn of_another_version(
    catalog: &Catalog,
    profile: &str,
    name: &str,
    image: &str,
) -> Option<(String, String)> {
    let exposed = catalog.profiles.get(profile)?.metrics.get(name)?;
    let version = Version::of(parted(image).1)?;
    if let Some(since) = exposed.since.as_ref().filter(|since| version < **since) {
        return Some((
            format!("it is there since version {since}, and the image is {version}"),
            "take a newer image, or read something else".to_string(),
        ));
    }
    let before = exposed.before.as_ref();
    let before = before.filter(|before| version >= **before)?;
    Some((
        format!("version {before} has it no more, and the image is {version}"),
        "read what has taken its place".to_string(),
    ))
}

/// Where it is said, if anywhere, that an exporter leaves a metric out, why it does, and what to do.
fn missing(
    service: &Service,
    chooses: &Chooses,
    metric: &str,
    collector: Option<&str>,
) -> Option<(Option<String>, String, String)> {
    let given = |name: &str| said(service, name);
    for (name, begins) in &chooses.drops {
        // A variable may say that it does not.
        let Some((at, _)) = given(name).filter(|(at, value)| {
            !at.starts_with("environment") || !["false", "0", ""].contains(&value.as_str())
        }) else {
            continue;
        };
        if begins
            .iter()
            .any(|begin| metric.starts_with(begin.as_str()))
        {
            return Some((
                Some(at),
                format!("it is told `{name}`"),
                "remove it, or read something else".to_string(),
            ));
        }
    }
    let collector = collector?;
    if let Some(prefix) = &chooses.prefix {
        let (on, off) = (
            format!("{prefix}{collector}"),
            format!("no-{prefix}{collector}"),
        );
        let help = format!("add `--{on}` to its `command`");
        let index = |(at, _): (String, String)| -> Option<usize> {
            at.strip_prefix("command/")?.parse().ok()
        };
        let together = chooses.together.iter();
        let with_others = together
            .filter(|(_, collectors)| collectors.iter().any(|one| one == collector))
            .find_map(|(flag, _)| given(flag));
        let turned_on = given(&on).or(with_others).and_then(index);
        match (turned_on, given(&off).and_then(index)) {
            (on, Some(off)) if on.is_none_or(|on| on < off) => {
                let why = format!("its collector `{collector}` is turned off");
                return Some((
                    Some(format!("command/{off}")),
                    why,
                    "remove this flag".to_string(),
                ));
            }
            (Some(_), _) => return None,
            _ => {}
        }
        if let Some((at, _)) = chooses.nothing_else.as_deref().and_then(given) {
            let why = format!("only what it is asked for is collected, and `{collector}` is not");
            return Some((Some(at), why, help));
        }
        let asked_for = chooses.asked_for.iter().any(|known| known == collector);
        return asked_for.then(|| {
            let why = format!("its collector `{collector}` is off unless it is asked for");
            (None, why, help)
        });
    }
    let listed = |value: &str| value.split(',').any(|one| one.trim() == collector);
    if let Some((at, value)) = chooses.only.as_deref().and_then(given) {
        let why = format!("only what is listed is collected, and `{collector}` is not");
        return (!listed(&value))
            .then(|| (Some(at), why, format!("add `{collector}` to the list")));
    }
    let without = chooses.without.as_deref()?;
    match given(without) {
        Some((at, value)) => listed(&value).then(|| {
            let why = format!("`{collector}` is left out");
            (Some(at), why, format!("take `{collector}` out of the list"))
        }),
        None => {
            let asked_for = chooses.asked_for.iter().any(|known| known == collector);
            let others = chooses.asked_for.iter().filter(|known| *known != collector);
            let others: Vec<&str> = others.map(String::as_str).collect();
            asked_for.then(|| {
                let why = format!("`{collector}` is left out unless another list is given");
                let list = others.join(",");
                (
                    None,
                    why,
                    format!("add `--{without}={list}` to its `command`"),
                )
            })
        }
    }
}
