//! What a container tells the runtime of its program, or its engine, of memory, processors and files: it fits the container's limits.

use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::text::{bytes, scalar};

/// Less than one part in so many of the limit is collected for all the time, and the rest of the memory is never used.
const LEAST: f64 = 4.0;

/// So many times the processors that a container has only wait for each other.
const MOST: f64 = 2.0;

/// With less of a core no server answers in time.
const LEAST_CORES: f64 = 0.1;

/// Below this a program of Go does little but collect.
const BUSY: u32 = 10;

/// Files that a server with a store and connections has open, and what answers requests alone.
const FILES: [u64; 2] = [1024, 128];

/// A segment of Prometheus' samples, in bytes (tsdb/chunks/chunks.go).
const SEGMENT: u64 = 512 * 1024 * 1024;

/// The names of Docker (github.com/docker/go-units, ulimit.go).
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

type Wrong = (String, String, &'static str);

pub(super) fn unsuited(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for container in stack.containers.started() {
        let server = container.serves(stack.files);
        if !server && stack.catalog.service(&container.name).is_none() {
            continue;
        }
        let mut wrong = memory(container);
        wrong.extend(processors(container));
        wrong.extend(quota(container));
        wrong.extend(collected(container));
        wrong.extend(ulimits(stack.catalog, container, server));
        found.extend(wrong.into_iter().map(|(pointer, message, help)| {
            let message = format!("`{}` {message}", container.name);
            place::at(&container.file.path, pointer, message, help)
        }));
    }
    found
}

/// https://pkg.go.dev/runtime#hdr-Environment_Variables: a number of bytes, or of B, KiB, MiB, GiB or TiB.
fn of_go(text: &str) -> Option<f64> {
    let units = ["KiB", "MiB", "GiB", "TiB", "B", ""];
    let (number, unit) = units
        .iter()
        .find_map(|unit| Some((text.strip_suffix(unit)?, *unit)))?;
    let power = ["KiB", "MiB", "GiB", "TiB"]
        .iter()
        .position(|known| *known == unit)
        .map_or(0, |index| index + 1);
    let number: u64 = number.parse().ok()?;
    Some(number as f64 * 1024_f64.powi(i32::try_from(power).ok()?))
}

fn memory(container: &Container) -> Vec<Wrong> {
    let mut found = Vec::new();
    let (written, _) = container.limit("memory", "mem_limit");
    let limit = written.as_deref().and_then(bytes);
    let environment = container.at("environment");
    if let Some(text) = container
        .variable("GOMEMLIMIT")
        .filter(|text| *text != "off" && !text.contains('$'))
    {
        let help = "leave it out, or write nine tenths of the container's memory, as in `1800MiB`";
        match (of_go(text), limit) {
            (None, _) => found.push((
                environment.clone(),
                format!("does not start: Go reads no size in `GOMEMLIMIT` {text}"),
                help,
            )),
            (Some(told), Some(limit)) if told > limit => found.push((
                environment.clone(),
                format!(
                    "collects from {text} on (`GOMEMLIMIT`), and is killed at {}",
                    written.as_deref().unwrap_or_default()
                ),
                help,
            )),
            (Some(told), Some(limit)) if told * LEAST < limit => found.push((
                environment.clone(),
                format!(
                    "collects all the time from {text} on (`GOMEMLIMIT`), and may use {}",
                    written.as_deref().unwrap_or_default()
                ),
                help,
            )),
            _ => {}
        }
    }
    if let Some(flag) = container.process.flag("auto-gomemlimit.ratio")
        && let Ok(ratio) = flag.value.parse::<f64>()
    {
        let message = if ratio <= 0.0 || ratio > 1.0 {
            format!(
                "does not start: `--auto-gomemlimit.ratio` is {}",
                flag.value
            )
        } else if ratio * LEAST < 1.0 {
            format!(
                "collects all the time: it may use {} of its memory (`--auto-gomemlimit.ratio`)",
                flag.value
            )
        } else {
            return found;
        };
        found.push((
            container.argument(flag.index),
            message,
            "leave it out: that is 0.9",
        ));
    }
    found
}

fn processors(container: &Container) -> Option<Wrong> {
    let told: f64 = container.variable("GOMAXPROCS")?.parse().ok()?;
    let (written, _) = container.limit("cpus", "cpus");
    let written = written?;
    let cores: f64 = written.parse().ok()?;
    (told > MOST * cores.ceil()).then(|| {
        (
            container.at("environment"),
            format!("runs on {told} processors at once (`GOMAXPROCS`), and has {written}: it is stopped again and again in the middle of its work"),
            "leave `GOMAXPROCS` out, or write as many as the container has",
        )
    })
}

/// A quota is a limit in other words: so many microseconds of each period, which is a tenth of a second unless it is written.
fn quota(container: &Container) -> Option<Wrong> {
    let number = |key: &str| scalar(&container.value[key])?.parse::<f64>().ok();
    let quota = number("cpu_quota").filter(|quota| *quota > 0.0)?;
    let cores = quota
        / number("cpu_period")
            .filter(|period| *period > 0.0)
            .unwrap_or(100_000.0);
    let (written, _) = container.limit("cpus", "cpus");
    let limit = written.and_then(|written| written.parse::<f64>().ok());
    let least = limit.unwrap_or(LEAST_CORES);
    (cores < least).then(|| {
        (
            container.at("cpu_quota"),
            format!("gets {cores} of a core (`cpu_quota`), and should have {least}"),
            "leave `cpu_quota` out: `cpus` is the limit",
        )
    })
}

fn collected(container: &Container) -> Option<Wrong> {
    let percent: u32 = container.variable("GOGC")?.parse().ok()?;
    (percent < BUSY).then(|| {
        (
            container.at("environment"),
            format!("collects each time that its memory has grown by {percent}% (`GOGC`), and does little else"),
            "leave `GOGC` out",
        )
    })
}

fn ulimits(catalog: &Catalog, container: &Container, server: bool) -> Vec<Wrong> {
    let mut found = Vec::new();
    let most = &container.value["ulimits"];
    for (name, limit) in most.entries() {
        let pointer = container.at(&format!("ulimits/{name}"));
        let number = |key: &str| scalar(&limit[key])?.parse::<i64>().ok();
        let both = scalar(limit).and_then(|both| both.parse::<i64>().ok());
        let (soft, hard) = (both.or(number("soft")), both.or(number("hard")));
        if !ULIMITS.contains(&name.as_str()) {
            let message = format!("is not started: Docker knows no ulimit `{name}`");
            found.push((pointer, message, "name one of setrlimit(2), as in `nofile`"));
            continue;
        }
        if let (Some(soft), Some(hard)) = (soft, hard)
            && hard >= 0
            && (soft < 0 || soft > hard)
        {
            let message = format!(
                "is not started: the soft limit of `{name}` is {soft}, and the hard one {hard}"
            );
            found.push((
                pointer,
                message,
                "make the soft limit no more than the hard one",
            ));
            continue;
        }
        let Some(soft) = soft.and_then(|soft| u64::try_from(soft).ok()) else {
            continue;
        };
        let message = match name.as_str() {
            "nofile" if soft < FILES[usize::from(!server)] => {
                format!("may have {soft} files and connections open: it refuses whoever comes then")
            }
            "nproc" if soft < u64::from(catalog.compose.pids_limit) => format!(
                "may start {soft} processes and threads together with all others of its user, the catalog says {}",
                catalog.compose.pids_limit
            ),
            "fsize" if soft < SEGMENT && container.process.name == Some("prometheus") => {
                format!("may write files of {soft} bytes, and those of its samples are larger")
            }
            _ => continue,
        };
        found.push((pointer, message, "leave it out, or make it far higher"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_go() {
        for (text, wanted) in [
            ("1800MiB", Some(1800.0 * 1024.0 * 1024.0)),
            ("2GiB", Some(2.0 * 1024.0 * 1024.0 * 1024.0)),
            ("512", Some(512.0)),
            ("512B", Some(512.0)),
            ("1g", None),
            ("1GB", None),
            ("GiB", None),
        ] {
            assert_eq!(of_go(text), wanted, "{text}");
        }
    }
}
