//! How a metric's events are spread over its series, and over time.

use super::noise::{fraction, hash};
use super::{STATUS, Source};
use crate::preview::answers::Labels;
use crate::preview::story::Part;
use crate::simulation::shape::{Level, MetricPlan};

/// How much of a metric's events one label set has: little of what failed, unequal parts of the rest.
pub(crate) fn share(labels: &Labels, motion: Option<&MetricPlan>, job: u64, part: Part) -> f64 {
    let own = labels.iter().filter(|(label, _)| {
        !["__name__", "job", "instance", "service", "component", "le"].contains(&label.as_str())
    });
    own.fold(1.0, |share, (label, value)| {
        share
            * match (label.as_str(), value.as_bytes().first()) {
                (label, Some(b'5')) if STATUS.contains(&label) => {
                    motion.map_or(0.002, |motion| failed(motion, job, part))
                }
                (label, Some(b'4')) if STATUS.contains(&label) => 0.02,
                (label, _) if STATUS.contains(&label) => 0.95,
                _ => 0.15 + 0.5 * fraction(hash(value)),
            }
    })
}

/// Answers with 5xx beside the others: far below the lowest threshold, or nearly twice the highest.
fn failed(motion: &MetricPlan, job: u64, part: Part) -> f64 {
    let Some(apart) = motion.apart() else {
        return 0.002;
    };
    let healthy = apart.healthy.unwrap_or(0.0) / motion.rest().healthy.unwrap_or(1.0);
    let wanted = if part == Part::Failing {
        f64::min(1.8 * apart.above.max(0.02), 0.9)
    } else {
        healthy * (0.1 + 0.7 * fraction(job ^ 3))
    };
    0.97 * wanted / (1.0 - wanted)
}

/// Whether a fault makes more of it: failures, and not the attempts that are counted beside them.
pub(crate) fn grows(level: &Level) -> bool {
    let mut values = level.faulty.iter().map(|(.., value)| *value);
    values.any(|value| value > level.healthy)
}

/// How busy a service is, around one.
pub(crate) fn busy(source: &Source, index: usize) -> f64 {
    (0.3 + 1.6 * source.own) * (0.75 + 0.5 * source.waves[index])
}
