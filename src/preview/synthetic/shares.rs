//! How a metric's events are spread over its series, and over time.

use super::noise::{fraction, hash};
use super::{STATUS, Source};
use crate::preview::answers::Labels;
use crate::preview::story::Part;
use crate::simulation::shape::Motion;

/// How much of a metric's events one label set has: little of what failed, unequal parts of the rest.
pub fn share(labels: &Labels, motion: Option<&Motion>, job: u64, part: Part) -> f64 {
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
fn failed(motion: &Motion, job: u64, part: Part) -> f64 {
    // The plan's faulty level lies 0.7 of the way from the threshold to everything.
    let threshold = f64::max((motion.failed.faulty - 0.7) / 0.3, 0.02);
    let wanted = if part == Part::Failing {
        f64::min(1.8 * threshold, 0.9)
    } else {
        motion.failed.well * (0.1 + 0.7 * fraction(job ^ 3))
    };
    0.97 * wanted / (1.0 - wanted)
}

/// A counter that an alert wants to see growing: it is left alone, so that one thing goes wrong at a time.
pub fn stalls(motion: &Motion) -> bool {
    motion.rate.faulty == 0.0
}

/// How busy a service is, around one.
pub fn busy(source: &Source, index: usize) -> f64 {
    (0.3 + 1.6 * source.own) * (0.75 + 0.5 * source.waves[index])
}
