//! Bounds that the programs have and a type does not show: what lies beyond them is refused, or silently cut, at their start.

mod asked;

use super::{ADDRESSES, Lint, set_at};
use crate::catalog::{Catalog, Duration, Metric, Size};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};

/// Prometheus limits a longer retention to this (`--storage.tsdb.retention.time`), and says so in its log only.
const RETENTION: Duration = Duration(100 * 365 * 86_400_000);

/// How long the Alertmanager remembers what it has sent (`--data.retention`).
const REMEMBERED: Duration = Duration(120 * 3_600_000);

/// Docker refuses to start a container with less.
const MEMORY: u64 = 6 << 20;

/// What a server has in memory once it has started and does nothing, measured with Debian's packages; of Grafana an eighth of what
/// its documentation asks for (setup-grafana/installation, "Minimum recommended memory: 512 MB").
const STARTED: [(&str, u64); 4] = [
    ("prometheus", 40 << 20),
    ("alertmanager", 30 << 20),
    ("blackbox", 12 << 20),
    ("grafana", 64 << 20),
];

/// With less of a core a server of these is late with all that it does.
const SERVER_CORES: f64 = 0.05;

/// A dashboard over a shorter time than so many scrapes has no line to draw.
const DRAWN: u64 = 4;

/// The kernel's quota is a millisecond of every hundred at the least.
const CORES: f64 = 0.01;

pub(crate) const LINT: Lint = Lint {
    code: "beyond-limit",
    doc: "Prometheus, the Alertmanager, Docker and the clients refuse such a value when they start, or take it for another without a word.",
    bad: "[prometheus]\nalertmanagers = [\"alertmanager:99999\"]\n",
    good: "[prometheus]\nalertmanagers = [\"alertmanager:9093\"]\n",
    check: |catalog, source| {
        let mut found = ports(catalog);
        found.extend(asked::at_no_port(source));
        found.extend(durations(catalog));
        found.extend(containers(catalog, source));
        found.extend(buckets(catalog));
        found.extend(scrapes(catalog, source));
        found.extend(samples(catalog, source));
        let least = Duration(catalog.prometheus.scrape_interval.0 * DRAWN);
        if catalog.grafana.range < least {
            found.push(beyond(
                "/grafana/range",
                format!(
                    "dashboards show {}, in which there is hardly a sample: scrapes are {} apart",
                    catalog.grafana.range, catalog.prometheus.scrape_interval
                ),
                format!("write {least} at least, as in `1h`"),
            ));
        }
        found
    },
};

/// In this time no scrape over a network ends for sure.
const SCRAPE: Duration = Duration(100);

fn beyond(
    pointer: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::error("beyond-limit", Place::Value(pointer.into()), message).help(help)
}

/// Every host:port and every address that names a port.
fn ports(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut written: Vec<(String, String)> = vec![
        (
            "/prometheus/address".into(),
            catalog.prometheus.address.clone(),
        ),
        (
            "/prometheus/external_url".into(),
            catalog.prometheus.external_url.clone(),
        ),
        (
            "/alertmanager/external_url".into(),
            catalog.alertmanager.external_url.clone(),
        ),
    ];
    written.extend(
        catalog
            .prometheus
            .alertmanagers
            .iter()
            .enumerate()
            .map(|(index, one)| (format!("/prometheus/alertmanagers/{index}"), one.clone())),
    );
    let (blackbox, grafana) = (&catalog.blackbox, &catalog.grafana);
    written.extend([
        ("/blackbox/address".to_string(), blackbox.address.clone()),
        (
            "/grafana/external_url".to_string(),
            grafana.external_url.clone(),
        ),
        (
            "/grafana/datasource_url".to_string(),
            grafana.datasource_url.clone(),
        ),
    ]);
    for (receiver, integrations) in &catalog.receivers {
        for (pointer, key) in ADDRESSES {
            if let Some(address) = integrations[pointer][key].as_str() {
                written.push((
                    format!("/receivers/{}/{pointer}/{key}", step(receiver)),
                    address.to_string(),
                ));
            }
        }
    }
    let wrong = written.into_iter().filter_map(|(pointer, address)| {
        let host = address
            .split_once("://")
            .map_or(address.as_str(), |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        // The colons of an IPv6 address stand in brackets.
        let (_, port) = host
            .rsplit(']')
            .next()
            .unwrap_or_default()
            .rsplit_once(':')?;
        let fits = port.parse::<u16>().is_ok_and(|port| port > 0);
        (!fits).then(|| {
            beyond(
                pointer,
                format!("`{address}` names port {port}"),
                "a TCP port is a number from 1 to 65535",
            )
        })
    });
    wrong.collect()
}

fn durations(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let retention = catalog.prometheus.retention;
    if retention > RETENTION {
        found.push(beyond(
            "/prometheus/retention",
            format!("a retention of {retention}: Prometheus cuts it to 100y"),
            "write 100y or less",
        ));
    }
    let (repeat, group) = (
        catalog.alertmanager.repeat_interval,
        catalog.alertmanager.group_interval,
    );
    let place = || Place::Value("/alertmanager/repeat_interval".to_string());
    if repeat < group {
        let message = format!(
            "a repeat interval of {repeat} is not kept: a group is looked at every {group}"
        );
        let found_here = Diagnostic::warning("beyond-limit", place(), message).also(
            Place::Value("/alertmanager/group_interval".to_string()),
            "the group interval",
        );
        found.push(found_here.help("make the repeat interval a multiple of the group interval"));
    }
    if repeat > REMEMBERED {
        let message = format!(
            "a repeat interval of {repeat} is not kept: the Alertmanager remembers for {REMEMBERED} what it has sent"
        );
        found.push(
            Diagnostic::warning("beyond-limit", place(), message)
                .help(format!("write {REMEMBERED} or less, or start the Alertmanager with a longer --data.retention")),
        );
    }
    found
}

/// Scrapes that Prometheus gives up, each of them.
fn scrapes(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for service in &catalog.services {
        let mut report = |key: &str, message: String, help: String| {
            let place = set_at(source, service, key);
            found.push(Diagnostic::error("beyond-limit", place, message).help(help));
        };
        if service.scrape_timeout <= SCRAPE {
            report(
                "scrape_timeout",
                format!(
                    "a scrape of `{}` may take {}, in which hardly one ends",
                    service.name, service.scrape_timeout
                ),
                "give it a second or more".to_string(),
            );
        }
        // Not every server has all that its profile lists.
        let profiles = service.profiles.iter();
        let listed = profiles.flat_map(|profile| catalog.profiles.metrics(profile));
        let listed = listed.count() as u64;
        if let Some(limit) = service.sample_limit.filter(|limit| limit * 2 < listed) {
            report(
                "sample_limit",
                format!(
                    "a scrape of `{}` may have {limit} samples, and its profiles list {listed} metrics: every scrape fails",
                    service.name
                ),
                format!("write at least {}, and as much again for labels", listed),
            );
        }
    }
    found
}

/// Scrapes that are refused for what the catalog itself says that they bring, with one value for each label that is open.
fn samples(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let limited = catalog
        .services
        .iter()
        .filter_map(|service| Some((service, service.sample_limit?)));
    let limited = limited.filter_map(|(service, limit)| {
        let own = catalog
            .declared()
            .filter(|metric| metric.services.contains(&service.name));
        let least: u64 = own.map(series).sum();
        // Series come and go with what is asked: a limit that everything just fits into is reached by the next label value.
        let (refused, least) = match (limit < least, limit < least + least / 4) {
            (true, _) => (true, least),
            (false, true) if least > 0 => (false, least),
            _ => return None,
        };
        let place = set_at(source, service, "sample_limit");
        let message = format!(
            "a scrape of `{}` may have {limit} samples, and the metrics that the catalog declares of it are {least} at least: {}",
            service.name,
            if refused { "every scrape fails" } else { "a few label values more, and every scrape fails" }
        );
        let finding = match refused {
            true => Diagnostic::error("beyond-limit", place, message),
            false => Diagnostic::warning("beyond-limit", place, message),
        };
        Some(finding.help(format!("write several times {least}: what is limited is what runs away")))
    });
    limited.collect()
}

/// How many series a declared metric has at least.
fn series(metric: &Metric) -> u64 {
    let values = metric.labels.values();
    let values = values.map(|values| values.as_array().map_or(1, |all| all.len().max(1) as u64));
    let combined: u64 = values.product();
    let each = match metric.r#type.as_str() {
        "histogram" if metric.native => 1,
        // Its buckets, the last of which is without a bound, its sum and its count.
        "histogram" => metric.buckets.len() as u64 + 3,
        "summary" => 2,
        _ => 1,
    };
    combined * each
}

fn containers(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let services = catalog
        .services
        .iter()
        .filter(|service| ["host", "compose"].contains(&service.runs_on.as_str()))
        .filter(|service| service.through.is_none())
        // Where a limit was set is looked up of those alone for which it is told.
        .filter(|service| service.memory_limit.0 < MEMORY || service.cpu_limit < CORES);
    let services = services.map(|service| {
        (
            service.memory_limit,
            service.cpu_limit,
            ["memory_limit", "cpu_limit"].map(|key| set_at(source, service, key)),
        )
    });
    let (prometheus, alertmanager) = (&catalog.prometheus, &catalog.alertmanager);
    let (blackbox, grafana) = (&catalog.blackbox, &catalog.grafana);
    let servers = [
        ("prometheus", prometheus.memory_limit, prometheus.cpu_limit),
        (
            "alertmanager",
            alertmanager.memory_limit,
            alertmanager.cpu_limit,
        ),
        ("blackbox", blackbox.memory_limit, blackbox.cpu_limit),
        ("grafana", grafana.memory_limit, grafana.cpu_limit),
    ];
    let weak = servers.iter().filter(|_| catalog.monitors_in_containers());
    let weak: Vec<(Place, String, String)> = weak
        .flat_map(|(table, memory, cores)| {
            let least = STARTED.iter().find(|(known, _)| known == table);
            let least = Size(least.map_or(0, |(_, least)| *least));
            let small = (MEMORY..least.0).contains(&memory.0).then(|| {
                let message =
                    format!("{memory} of memory are less than it has when it has just started");
                let at = Place::Value(format!("/{table}/memory_limit"));
                (
                    at,
                    message,
                    format!("give it more than {least}, and several times that for its work"),
                )
            });
            let slow = (CORES..SERVER_CORES).contains(cores).then(|| {
                let message =
                    format!("{cores} of a core are too little for all that it does in time");
                let at = Place::Value(format!("/{table}/cpu_limit"));
                (at, message, "give it a tenth of a core or more".to_string())
            });
            small.into_iter().chain(slow)
        })
        .collect();
    let servers = servers.into_iter().map(|(table, memory, cores)| {
        (
            memory,
            cores,
            ["memory_limit", "cpu_limit"].map(|key| Place::Value(format!("/{table}/{key}"))),
        )
    });
    let mut found = Vec::new();
    let mut report = |place: Place, message: String, help: String| {
        found.push(Diagnostic::error("beyond-limit", place, message).help(help))
    };
    for (place, message, help) in weak {
        report(place, message, help);
    }
    for (memory, cores, [memory_place, cores_place]) in services.chain(servers) {
        if memory.0 < MEMORY {
            report(
                memory_place,
                format!("Docker does not start a container with {memory} of memory"),
                "give it at least 6MiB".to_string(),
            );
        }
        if cores < CORES {
            report(
                cores_place,
                format!("Docker does not start a container with {cores} of a core"),
                format!("give it at least {CORES}"),
            );
        }
    }
    found
}

/// The order is put right in what is rendered; a bound that is there twice is a bucket too many.
fn buckets(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for metric in catalog.declared() {
        let mut bounds = metric.buckets.clone();
        bounds.sort_by(f64::total_cmp);
        if let Some(twice) = bounds.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("the bucket {} of `{}` is duplicated", twice[0], metric.key);
            found.push(beyond(
                format!("/metrics/{}/buckets", metric.key),
                message,
                "remove one: clients refuse to start with both",
            ));
        }
    }
    found
}
