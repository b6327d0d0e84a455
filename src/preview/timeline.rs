//! States over time, one line for each series.

use super::answers::Axis;
use super::body::{Body, States, Stretch, percent, times};
use super::subject::{Named, Subject};
use super::units::clock;

/// A stretch shorter than this part of the line has no room for its text.
const ROOM: f64 = 0.16;

/// `state-timeline` and `status-history`.
pub(crate) fn timeline(subject: &Subject) -> Option<Body> {
    let lines: Vec<States> = subject
        .named()
        .iter()
        .map(|named| states(named, &subject.axis))
        .collect();
    (!lines.is_empty()).then(|| Body::Timeline {
        lines,
        columns: times(&subject.axis),
    })
}

fn states(named: &Named, axis: &Axis) -> States {
    let shown = |index: usize| {
        let value = named.series.values[index];
        if value.is_nan() {
            None
        } else {
            Some(named.field.shown(value, axis.end))
        }
    };
    let span = (axis.count - 1).max(1) as f64;
    let mut stretches = Vec::new();
    let mut first = 0;
    for index in 1..=axis.count {
        if index < axis.count && shown(index) == shown(first) {
            continue;
        }
        if let Some(shown) = shown(first) {
            let end = index.min(axis.count - 1);
            let length = f64::max((end - first) as f64, 0.5) / span;
            let times = format!("{} to {}", clock(axis.at(first)), clock(axis.at(end)));
            stretches.push(Stretch {
                at: percent(f64::min(first as f64 / span, 1.0 - 0.5 / span)),
                length: percent(length),
                roomy: length >= ROOM,
                shown,
                times,
            });
        }
        first = index;
    }
    let words = stretches
        .iter()
        .map(|stretch| format!("{} {}", stretch.shown.text, stretch.times))
        .collect::<Vec<String>>()
        .join(", ");
    States {
        name: named.name.clone(),
        stretches,
        words,
    }
}
