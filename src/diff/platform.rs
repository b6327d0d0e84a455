//! What holds for all services: names and uids, Prometheus, Grafana, compose, and the findings that are accepted.

use super::Class::{self, Dangerous, Notice, Safe, Warning};
use super::{At, Comparison, listed, weight};
use crate::allow::{Allow, entries};
use crate::catalog::{Catalog, Duration, Size};
use crate::json::plain;
use serde_json::{Value, json};

/// Every change that is not about one service or one alert.
pub fn inspect(comparison: &mut Comparison) {
    slug(comparison);
    retention(comparison);
    alertmanagers(comparison);
    passwords(comparison);
    let (before, after) = (
        tables(comparison.before.catalog),
        tables(comparison.after.catalog),
    );
    for (pointer, class, lead) in SETTINGS {
        let value = |tables: &Value| {
            tables
                .pointer(pointer)
                .map(plain)
                .filter(|text| !text.is_empty())
                .unwrap_or_default()
        };
        let (was, is) = (value(&before), value(&after));
        if was != is {
            let at = comparison.at_key(pointer);
            let class = match (
                pointer.ends_with("_interval"),
                Duration::parse(&was),
                Duration::parse(&is),
            ) {
                (true, Some(was), Some(is)) => weight::longer(was, is),
                // What is killed for want of memory, or starved, tells later or not at all.
                _ if pointer.ends_with("_limit")
                    && number(&is)
                        .zip(number(&was))
                        .is_some_and(|(is, was)| is < was) =>
                {
                    Warning
                }
                _ => *class,
            };
            let message = match (was.is_empty(), is.is_empty()) {
                (true, _) => format!("{lead} {is}; `{}` was not set", key(pointer)),
                (_, true) => format!("`{}` is no longer set; it was {was}", key(pointer)),
                _ => format!("{lead} {is} instead of {was}"),
            };
            comparison.say(class, message, at);
        }
    }
    accepted(comparison);
}

/// The setting without its table.
fn key(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

fn number(text: &str) -> Option<f64> {
    Size::parse(text)
        .map(|size| size.0 as f64)
        .or_else(|| text.parse().ok())
}

/// Single values: the key, its class, and the sentence before the new value.
const SETTINGS: &[(&str, Class, &str)] = &[
    ("/platform/name", Safe, "titles begin with"),
    (
        "/platform/runbook_url",
        Notice,
        "alerts link to the runbook at",
    ),
    (
        "/platform/output",
        Notice,
        "everything is rendered into the folder",
    ),
    (
        "/prometheus/scrape_interval",
        Notice,
        "jobs without an interval of their own are scraped every",
    ),
    (
        "/prometheus/evaluation_interval",
        Notice,
        "rules are evaluated every",
    ),
    (
        "/prometheus/address",
        Warning,
        "Prometheus scrapes itself at",
    ),
    (
        "/prometheus/minimum_version",
        Notice,
        "the oldest Prometheus that must load the output is",
    ),
    (
        "/prometheus/external_url",
        Notice,
        "alerts link to Prometheus at",
    ),
    ("/prometheus/image", Notice, "the image of Prometheus is"),
    (
        "/prometheus/port",
        Notice,
        "Prometheus is published at the port",
    ),
    (
        "/prometheus/memory_limit",
        Notice,
        "the bytes of memory that Prometheus may use are",
    ),
    (
        "/prometheus/cpu_limit",
        Notice,
        "the cores that Prometheus may use are",
    ),
    (
        "/alertmanager/port",
        Notice,
        "the Alertmanager is published at the port",
    ),
    (
        "/alertmanager/memory_limit",
        Notice,
        "the bytes of memory that the Alertmanager may use are",
    ),
    (
        "/alertmanager/cpu_limit",
        Notice,
        "the cores that the Alertmanager may use are",
    ),
    (
        "/blackbox/address",
        Warning,
        "health is probed through the blackbox exporter at",
    ),
    (
        "/blackbox/image",
        Notice,
        "the image of the blackbox exporter is",
    ),
    (
        "/blackbox/memory_limit",
        Notice,
        "the bytes of memory that the blackbox exporter may use are",
    ),
    (
        "/blackbox/cpu_limit",
        Notice,
        "the cores that the blackbox exporter may use are",
    ),
    (
        "/grafana/datasource_uid",
        Dangerous,
        "links, and dashboards made by hand, lose the data source: its uid is",
    ),
    (
        "/grafana/datasource_url",
        Warning,
        "Grafana reaches Prometheus at",
    ),
    ("/grafana/external_url", Notice, "people open Grafana at"),
    ("/grafana/image", Notice, "the image of Grafana is"),
    ("/grafana/port", Notice, "Grafana is published at the port"),
    (
        "/grafana/memory_limit",
        Notice,
        "the bytes of memory that Grafana may use are",
    ),
    (
        "/grafana/cpu_limit",
        Notice,
        "the cores that Grafana may use are",
    ),
    ("/compose/build_context", Notice, "services are built in"),
    (
        "/compose/package",
        Notice,
        "the applications are looked for in the package",
    ),
    ("/compose/publish", Notice, "the services are published at"),
    (
        "/compose/monitoring_address",
        Notice,
        "Prometheus, Alertmanager and Grafana are published at",
    ),
    (
        "/compose/pids_limit",
        Notice,
        "the processes and threads that a container may have are",
    ),
];

fn tables(catalog: &Catalog) -> Value {
    json!({"platform": catalog.platform, "prometheus": catalog.prometheus, "alertmanager": catalog.alertmanager, "blackbox": catalog.blackbox, "grafana": catalog.grafana, "compose": catalog.compose})
}

fn slug(comparison: &mut Comparison) {
    let (was, is) = (
        &comparison.before.catalog.platform.slug,
        &comparison.after.catalog.platform.slug,
    );
    if was != is {
        let message = format!(
            "the dashboards' uids are {is}-overview and {is}-service instead of {was}-overview and {was}-service: links and stars of the old ones end, and the compose project of that name starts with empty volumes"
        );
        let at = comparison.at_key("/platform/slug");
        comparison.say(Dangerous, message, at);
    }
}

fn retention(comparison: &mut Comparison) {
    let (was, is) = (
        comparison.before.catalog.prometheus.retention,
        comparison.after.catalog.prometheus.retention,
    );
    let at = comparison.at_key("/prometheus/retention");
    match is.cmp(&was) {
        std::cmp::Ordering::Less => comparison.say(
            Dangerous,
            format!("samples are kept {is} instead of {was}: older ones are deleted for good"),
            at,
        ),
        std::cmp::Ordering::Greater => comparison.say(
            Notice,
            format!("samples are kept {is} instead of {was}: they need more disk"),
            at,
        ),
        std::cmp::Ordering::Equal => {}
    }
}

fn alertmanagers(comparison: &mut Comparison) {
    let (was, is) = (
        &comparison.before.catalog.prometheus.alertmanagers,
        &comparison.after.catalog.prometheus.alertmanagers,
    );
    let gone: Vec<&String> = was.iter().filter(|address| !is.contains(address)).collect();
    let new: Vec<&String> = is.iter().filter(|address| !was.contains(address)).collect();
    let message = match (gone.is_empty(), new.is_empty()) {
        (true, true) => return,
        (true, false) => format!(
            "alerts are also sent to the Alertmanager at {}",
            listed(&new)
        ),
        (false, true) => format!(
            "alerts are no longer sent to the Alertmanager at {}",
            listed(&gone)
        ),
        (false, false) => format!(
            "alerts are sent to the Alertmanager at {} instead of {}: silences do not move with them",
            listed(&new),
            listed(&gone)
        ),
    };
    // As long as one of them stays, its silences and its routes do.
    let class = match gone.len() {
        0 => Notice,
        count if count == was.len() => Dangerous,
        _ => Warning,
    };
    let at = comparison.at_key("/prometheus/alertmanagers");
    comparison.say(class, message, at);
}

/// Whether the servers ask who is there.
fn passwords(comparison: &mut Comparison) {
    for (name, table) in [
        ("Prometheus", "prometheus"),
        ("the Alertmanager", "alertmanager"),
    ] {
        let user = |catalog: &Catalog| match table {
            "prometheus" => catalog.prometheus.basic_auth_user.clone(),
            _ => catalog.alertmanager.basic_auth_user.clone(),
        };
        let (class, message) = match (
            user(comparison.before.catalog),
            user(comparison.after.catalog),
        ) {
            (was, is) if was == is => continue,
            (Some(_), None) => (
                Dangerous,
                format!("{name} no longer asks for a password: whoever reaches its port is let in"),
            ),
            (was, is) => {
                let before = was
                    .map(|was| format!(" instead of {was}"))
                    .unwrap_or_default();
                (
                    Notice,
                    format!(
                        "{name} lets in {}{before}, with a password",
                        is.unwrap_or_default()
                    ),
                )
            }
        };
        let at = comparison.at_key(&format!("/{table}/basic_auth_user"));
        comparison.say(class, message, at);
    }
}

/// Entries of `allow`: the finding that is accepted, the table it stands in, and until when.
fn accepted(comparison: &mut Comparison) {
    let (was, is) = (
        entries(&comparison.before.source.value),
        entries(&comparison.after.source.value),
    );
    let known = |list: &[Allow], wanted: &Allow| {
        list.iter().any(|one| {
            (&one.table, &one.check, &one.until) == (&wanted.table, &wanted.check, &wanted.until)
        })
    };
    for one in is.iter().filter(|one| !known(&was, one)) {
        let until = one
            .until
            .as_ref()
            .map(|day| format!(" until {day}"))
            .unwrap_or_default();
        comparison.say(
            Notice,
            format!(
                "the finding `{}` is accepted at {}{until}: {}",
                one.check,
                named(one),
                one.reason
            ),
            At::After(one.pointer.clone()),
        );
    }
    for one in was.iter().filter(|one| {
        !is.iter()
            .any(|new| (&new.table, &new.check) == (&one.table, &one.check))
    }) {
        comparison.say(
            Safe,
            format!(
                "the finding `{}` is no longer accepted at {}",
                one.check,
                named(one)
            ),
            At::Before(one.pointer.clone()),
        );
    }
}

/// The table as TOML writes it.
fn named(entry: &Allow) -> String {
    format!(
        "[{}]",
        entry.table.trim_start_matches('/').replace('/', ".")
    )
}
