//! Single values of the tables that hold for all services.

use crate::catalog::{Catalog, Duration, Size};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::{Comparison, weight};
use crate::json::plain;
use crate::value::{Value, json};

/// Every value that is another one.
pub(crate) fn inspect(comparison: &mut Comparison) {
    let (before, after) = (
        tables(comparison.before.catalog),
        tables(comparison.after.catalog),
    );
    for (pointer, class, lead) in SETTINGS {
        let value = |tables: &Value| {
            tables
                .pointer(pointer)
                .map(plain)
                .filter(|text| !["null", "{}", "[]"].contains(&text.as_str()))
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
                // A server that runs out of memory or CPU time reports late or not at all.
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
        "/platform/owner",
        Notice,
        "what has no other owner belongs to",
    ),
    (
        "/platform/output",
        Notice,
        "everything is rendered into the folder",
    ),
    (
        "/alertmanager/aws_credentials_file",
        Notice,
        "the Alertmanager reads AWS profiles from",
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
    (
        "/prometheus/external_labels",
        Warning,
        "alerts, and samples that are written elsewhere, carry the labels",
    ),
    (
        "/prometheus/remote_write",
        Warning,
        "samples are written to the stores",
    ),
    (
        "/prometheus/rule_query_offset",
        Warning,
        "alerts see what was so long ago:",
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
    (
        "/grafana/folder",
        Notice,
        "the dashboards are in the folder",
    ),
    ("/grafana/home", Notice, "Grafana shows the overview first:"),
    (
        "/grafana/range",
        Notice,
        "dashboards show at first the last",
    ),
    ("/grafana/refresh", Notice, "open dashboards ask anew every"),
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
        "/compose/networks",
        Notice,
        "Prometheus is in the networks that are there already:",
    ),
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
