//! The values of gauges, as their names suggest.

use super::Source;
use super::noise::{fraction, hash};
use crate::preview::story::Part;

pub(crate) fn gauge(source: &Source, wave: f64, time: i64) -> f64 {
    let motions = source.plan.iter().flat_map(|plan| &plan.motions);
    let said = motions
        .filter(|motion| motion.shape.metric.name == source.name && motion.steady)
        .find_map(|motion| motion.rest().shown(None, time as f64));
    let large = 10.0 + 40.0 * fraction(hash(source.name));
    if let Some(value) = said {
        value
    } else if source.name.ends_with("_ratio") {
        0.2 + 0.3 * wave
    } else if source.name.ends_with("_bytes") {
        4e6 * (large + 10.0 * wave)
    } else if source.name.ends_with("_timestamp_seconds") {
        (time - 60) as f64
    } else {
        (large * (0.7 + 0.6 * wave)).floor()
    }
}

/// A gauge that nobody declares: of a scrape, of a process, of a server.
pub(crate) fn built_in(source: &Source, wave: f64, time: i64, now: i64, part: Part) -> f64 {
    let own = source.own;
    if source.plan.and_then(|plan| plan.role_of(source.name)) == Some("memory") {
        // Where several series add up to it, each has its share.
        return resident(source, own, wave, part) * source.shares.0;
    }
    match source.name {
        "up" | "probe_success" => f64::from(u8::from(part != Part::Down)),
        "scrape_duration_seconds" => {
            if part == Part::Down {
                0.001
            } else {
                0.006 + 0.02 * own + 0.004 * wave
            }
        }
        name if name.starts_with("scrape_") => {
            if part == Part::Down {
                0.0
            } else {
                (90.0 + 200.0 * own).floor()
            }
        }
        "process_virtual_memory_bytes" => 2.1e9 + 1e9 * own,
        "process_open_fds" => (14.0 + 50.0 * own + 8.0 * wave).floor(),
        "process_max_fds" => 1024.0,
        name if name.ends_with("_start_time_seconds") => {
            (now - 3600 * (7 + (own * 90.0) as i64)) as f64
        }
        name if name.ends_with("_timestamp_seconds") => (time - 60) as f64,
        name if name.ends_with("_info")
            || name.contains("success")
            || name.contains("discovered") =>
        {
            1.0
        }
        name if name.ends_with("_capacity") => 10_000.0,
        name if name.ends_with("_bytes") => 1e8 * (1.0 + own + 0.2 * wave),
        name if name.ends_with("_seconds") => 0.05 + 0.1 * wave,
        name if fails(name) => 0.0,
        _ => (4.0 + 6.0 * own + 3.0 * wave).floor(),
    }
}

/// Resident memory: well under the limit, or growing past the alert's threshold without reaching it.
fn resident(source: &Source, own: f64, wave: f64, part: Part) -> f64 {
    let level = source.plan.and_then(|plan| plan.own.get(source.name));
    let Some(level) = level else {
        return 1.5e8 + 1e7 * wave;
    };
    let usual = level.healthy.unwrap_or(0.0) * (0.6 + 0.7 * own + 0.15 * wave);
    let faulty = level
        .faulty
        .iter()
        .filter_map(|(.., value)| *value)
        .reduce(f64::max);
    match (part, faulty) {
        // A fault is twice the threshold.
        (Part::Filling(progress), Some(faulty)) => usual + progress * (faulty / 2.0 * 1.05 - usual),
        _ => usual,
    }
}

/// Whether a name speaks of something that should not happen.
pub(crate) fn fails(name: &str) -> bool {
    [
        "error",
        "fail",
        "drop",
        "dead",
        "corrupt",
        "discard",
        "missed",
        "uncollectable",
    ]
    .iter()
    .any(|word| name.contains(word))
}
