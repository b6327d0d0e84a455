//! Prometheus keeps, looks back and evaluates what the catalog says.

use super::{place, url};
use crate::catalog::{Duration, Size};
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::stack::Stack;
use crate::stack::containers::Container;

/// A Prometheus without the flag by which it asks for native histograms, where its configuration cannot say so.
fn without_natives(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    const FEATURE: &str = "native-histograms";
    let catalog = stack.catalog;
    let native = catalog.declared().find(|metric| metric.native)?;
    let flags = container.process.flags.iter();
    let mut features = flags.filter(|flag| flag.name == "enable-feature");
    let asked = features.any(|flag| flag.value.split(',').any(|one| one.trim() == FEATURE));
    (!catalog.prometheus.at_least(3, 8) && !asked).then(|| {
        place::in_container(container, "command",
            format!(
                "`{}` asks for no native histograms, and of `{}` it has no series that a rule reads",
                container.name, native.name
            ),
            "start it with `--enable-feature=native-histograms`",
        )
    })
}

pub(super) fn of(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let catalog = &stack.catalog.prometheus;
    let mut found: Vec<Diagnostic> = url(container, &catalog.external_url).into_iter().collect();
    let process = &container.process;
    let flag = process
        .flag("storage.tsdb.retention.time")
        .or_else(|| process.flag("storage.tsdb.retention"));
    let in_file = stack.files.config().and_then(|config| {
        config
            .pointer("/storage/tsdb/retention/time")?
            .as_str()
            .map(str::to_string)
    });
    // The file, from the version on that reads it there, wins over the flag.
    let config = stack
        .files
        .prometheus()
        .next()
        .filter(|_| in_file.is_some());
    let said = in_file.or(flag.map(|flag| flag.value.clone()));
    let sized = process.flag("storage.tsdb.retention.size").is_some();
    // What Prometheus does when nothing is said, and no size either.
    let kept = said.clone().unwrap_or_else(|| "15d".to_string());
    if Duration::parse(&kept) != Some(catalog.retention) && (said.is_some() || !sized) {
        let in_command = flag.map_or_else(
            || container.at("command"),
            |flag| container.argument(flag.index),
        );
        let (file, pointer) = match config {
            Some(config) => (config, "/storage/tsdb/retention/time".to_string()),
            None => (container.file, in_command),
        };
        found.push(place::at(
            &file.path,
            pointer,
            format!(
                "`{}` keeps samples for {kept}, the catalog says {}",
                container.name, catalog.retention
            ),
            "give it the catalog's `prometheus.retention`",
        ));
    }
    let slow = process.flag("scrape.discovery-reload-interval");
    let slow = slow.and_then(|flag| Some((flag, Duration::parse(&flag.value)?)));
    if let Some((flag, every)) = slow.filter(|(_, every)| every.0 > 5 * 60_000) {
        found.push(place::of_flag(container, flag,
            format!(
                "`{}` looks every {every} for what is to be scraped: after a start, and after every change, it scrapes nothing for so long",
                container.name
            ),
            "leave it out: 5s is the default",
        ));
    }
    found.extend(reload(stack, container));
    found.extend(without_natives(stack, container));
    found.extend(sized_for(stack, container));
    let agent = process
        .flag("enable-feature")
        .is_some_and(|flag| flag.value.split(',').any(|name| name == "agent"));
    if agent || process.switched("agent") {
        found.push(place::in_container(
            container,
            "command",
            format!(
                "`{}` is an agent: it evaluates no rules and keeps no samples",
                container.name
            ),
            "start it as a server",
        ));
    }
    if let Some(flag) = process.flag("query.lookback-delta")
        && let Some(back) = Duration::parse(&flag.value)
    {
        let slowest = stack
            .contract
            .targets
            .list
            .iter()
            .map(|target| target.interval)
            .max();
        if slowest.is_some_and(|slowest| slowest >= back) {
            found.push(place::of_flag(
                container,
                flag,
                format!(
                    "a query looks back for {back}, and some service is scraped every {}",
                    slowest.unwrap_or_default()
                ),
                "let it look back over several scrapes; 5m is the default",
            ));
        }
    }
    found
}

/// A size at which Prometheus deletes samples long before the catalog's retention is over. What a target exposes beside what
/// its profile says is not known, so that the estimate is far too low rather than too high.
fn sized_for(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let flag = container.process.flag("storage.tsdb.retention.size");
    let written = match flag {
        Some(flag) => flag.value.clone(),
        None => {
            let config = stack.files.config()?;
            plain(config.pointer("/storage/tsdb/retention/size")?)
        }
    };
    let binary = written.trim_end_matches('B').trim_end_matches('i');
    let size = Size::parse(&format!("{binary}iB")).or_else(|| Size::parse(&written))?;
    let retention = stack.catalog.prometheus.retention;
    let targets = stack.contract.targets.list.iter();
    let samples: f64 = targets
        .map(|target| {
            let series = if target.params.contains_key("target") {
                PROBE
            } else {
                PROCESS
            };
            series * retention.0 as f64 / target.interval.0.max(1) as f64
        })
        .sum();
    let needed = samples * BYTES;
    let pointer = flag.map_or_else(
        || container.at("command"),
        |flag| container.argument(flag.index),
    );
    (size.0 > 0 && (size.0 as f64) < needed).then(|| {
        place::at(
            &container.file.path,
            pointer,
            format!(
                "`{}` keeps {written}, and the samples of {retention} take {:.0} MB at least: the older ones are deleted before",
                container.name,
                needed / 1e6
            ),
            "let the size be several times as much, or leave it to `prometheus.retention`",
        )
    })
}

/// https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects: one to two bytes for a sample.
const BYTES: f64 = 1.0;

/// The series of a probe over HTTP,
const PROBE: f64 = 15.0;

/// and of the smallest process with a client library that serves anything.
const PROCESS: f64 = 60.0;

/// Where people are told to reload by HTTP, Prometheus must allow it.
fn reload(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    if container.process.switched("web.enable-lifecycle") {
        return None;
    }
    let port = stack.catalog.prometheus.port;
    let advised =
        |text: &str| text.contains(&format!(":{port}/-/reload")) || text.contains(":9090/-/reload");
    let file = stack
        .files
        .documents()
        .chain(stack.files.compose())
        .find(|file| advised(&file.text))?;
    Some(place::in_container(
        container,
        "command",
        format!(
            "{} advises a reload by HTTP, which `{}` answers with 403",
            file.path, container.name
        ),
        "start it with `--web.enable-lifecycle`, or advise SIGHUP",
    ))
}
