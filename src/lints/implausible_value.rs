//! Numbers that were written in another unit.

use super::{Lint, set_at};
use crate::catalog::{Alert, Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "implausible-value",
    doc: "A number of another unit is a number too: with buckets in milliseconds every event is in the first one, a limit of 100 cores is never reached, and a container with a tenth of the memory that its server needs does not start.",
    bad: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [100, 500, 1000]\n",
    good: "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\nbuckets = [0.1, 0.5, 1]\n",
    check: |catalog, source| {
        let mut found = metrics(catalog);
        found.extend(cores(catalog, source));
        found.extend(memory(catalog));
        found.extend(offset(catalog));
        found.extend(kept(catalog));
        found.extend(percentages(catalog, source));
        found
    },
};

fn said(place: Place, message: String, help: &str) -> Diagnostic {
    Diagnostic::warning("implausible-value", place, message).help(help)
}

/// What the end of a metric's name says, and words in which its help would say something else.
const UNITS: [(&str, &[&str]); 3] = [
    (
        "_seconds",
        &[
            "in milliseconds",
            "in minutes",
            "in hours",
            "in days",
            "in percent",
            "in bytes",
        ],
    ),
    (
        "_bytes",
        &[
            "in kilobytes",
            "in megabytes",
            "in gigabytes",
            "in seconds",
            "in percent",
        ],
    ),
    (
        "_ratio",
        &["in percent", "0 to 100", "in seconds", "in bytes"],
    ),
];

fn metrics(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for metric in catalog.declared() {
        let at = |key: &str| Place::Value(format!("/metrics/{}/{key}", step(&metric.key)));
        let base = metric.name.trim_end_matches("_total");
        let Some((unit, others)) = UNITS.iter().find(|(unit, _)| base.ends_with(unit)) else {
            continue;
        };
        let unlike = metric.unit.as_deref().filter(|other| *other != &unit[1..]);
        if let Some(other) = unlike {
            let message = format!(
                "`{}` ends in `{unit}`, and its unit is `{other}`",
                metric.name
            );
            found.push(
                Diagnostic::error("implausible-value", at("unit"), message)
                    .help("one of the two is wrong: whoever reads the name takes its values for what that says"),
            );
        }
        let help = metric.help.to_lowercase();
        if let Some(other) = others.iter().find(|other| help.contains(*other)) {
            found.push(said(
                at("help"),
                format!(
                    "`{}` ends in `{unit}`, and its help says \"{other}\"",
                    metric.name
                ),
                "one of the two is wrong: panels and alerts go by the name",
            ));
        }
        // Jobs of hours have buckets of minutes, and a few below.
        let least = metric.buckets.iter().copied().fold(f64::INFINITY, f64::min);
        let minutes = metric.buckets.iter().all(|bound| bound % 60.0 == 0.0);
        if *unit == "_seconds" && metric.buckets.len() > 1 && least >= 60.0 && !minutes {
            found.push(said(
                at("buckets"),
                format!("whatever takes less than {least} seconds is in the first bucket"),
                "buckets of `_seconds` are in seconds: of milliseconds write a thousandth",
            ));
        }
    }
    found
}

/// From here on a number of cores is taken for a percentage.
const CORES: f64 = 100.0;

fn cores(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut places: Vec<Place> = Vec::new();
    let mut found = Vec::new();
    for service in catalog.services.iter().filter(|one| one.cpu_limit >= CORES) {
        let place = set_at(source, service, "cpu_limit");
        if !places.contains(&place) {
            let message = format!("`{}` may use {} cores", service.name, service.cpu_limit);
            found.push(said(
                place.clone(),
                message,
                "`cpu_limit` is in cores: 1.0 is one; accept it with `allow` where there are as many",
            ));
            places.push(place);
        }
    }
    found
}

/// How far back Prometheus looks for the last sample of a series, `--query.lookback-delta`.
const LOOKBACK: Duration = Duration(300_000);

/// What rules record is as old as they look back: past the lookback nobody sees it, and every alert is as late.
fn offset(catalog: &Catalog) -> Option<Diagnostic> {
    let offset = catalog.prometheus.rule_query_offset?;
    (offset >= LOOKBACK).then(|| {
        said(
            Place::Value("/prometheus/rule_query_offset".to_string()),
            format!("every alert is {offset} late, and what rules record is too old to be found"),
            "write as long as remote samples are on their way: 30s to 2m",
        )
    })
}

/// For so long an alert that has ended may be shown as one that has not.
const KEPT: Duration = Duration(24 * 3_600_000);

fn kept(catalog: &Catalog) -> Vec<Diagnostic> {
    let too_long = catalog.written_alerts().filter_map(|alert| {
        let keep = alert.keep_firing_for.filter(|keep| *keep > KEPT)?;
        Some(said(
            Place::Value(format!("{}/keep_firing_for", alert.written_table())),
            format!("for {keep} nobody sees that the alert has ended"),
            "write as long as its condition comes and goes: some minutes, or hours",
        ))
    });
    too_long.collect()
}

/// From here on a threshold of a ratio is taken for a percentage, up to all of it.
const PERCENT: std::ops::RangeInclusive<f64> = 2.0..=100.0;

/// `below = 20` of a ratio, for 20 %.
fn percentages(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let of_ratio = |alert: &&Alert| alert.unit.as_deref() == Some("ratio");
    let numbers = catalog.written_alerts().filter(of_ratio).flat_map(|alert| {
        let key = alert.threshold.clone().unwrap_or_default();
        let of_metric = alert.kind.says(&key, "unit_of").is_some();
        let place = format!("{}/{}", alert.table(), step(&key));
        let written = source.value.pointer(&place).filter(|_| of_metric);
        let levels = written.into_iter().flat_map(Value::entries);
        let levels = levels.map(|(level, number)| (format!("{place}/{}", step(level)), number));
        let all = written.map(|number| (place.clone(), number)).into_iter();
        all.chain(levels).collect::<Vec<_>>()
    });
    let percentages = numbers.filter_map(|(place, number)| {
        let number = number.as_f64().filter(|number| PERCENT.contains(number))?;
        Some(said(
            Place::Value(place),
            format!("{number} of a ratio is {} %", number * 100.0),
            "write a percentage, as in `\"20%\"`, or the ratio; accept it with `allow` where it is as many times as much",
        ))
    });
    percentages.collect()
}

/// What the process of a server takes when it has just started and watches nothing, in MiB: the resident memory of Debian's
/// Prometheus 2.42 and Alertmanager 0.25 without any configuration of use, measured.
const PROMETHEUS: u64 = 40;
const ALERTMANAGER: u64 = 30;

fn memory(catalog: &Catalog) -> Vec<Diagnostic> {
    let (prometheus, alertmanager) = (&catalog.prometheus, &catalog.alertmanager);
    let servers = [
        (
            "prometheus",
            PROMETHEUS,
            prometheus.memory_limit,
            &prometheus.runs_on,
        ),
        (
            "alertmanager",
            ALERTMANAGER,
            alertmanager.memory_limit,
            &alertmanager.runs_on,
        ),
    ];
    let short = servers
        .into_iter()
        .filter(|(_, least, limit, place)| *place == "compose" && limit.0 < least << 20);
    short
        .map(|(table, least, limit, _)| {
            said(
                Place::Value(format!("/{table}/memory_limit")),
                format!("{table} may use {limit} of memory, and takes {least}MiB to start"),
                "give it more, and some for each series",
            )
        })
        .collect()
}
