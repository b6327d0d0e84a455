//! Panels of single numbers: tiles and bars.

use super::body::{Body, Number, percent};
use super::subject::{Named, Subject};

/// `stat`: one tile for each series.
pub(crate) fn tiles(subject: &Subject) -> Option<Body> {
    let options = &subject.panel["options"];
    let all = subject.named();
    let numbers: Vec<Number> = all
        .iter()
        .map(|named| number(named, subject.axis.end, 0.0, Vec::new()))
        .collect();
    let mode = options["textMode"].as_str().unwrap_or("auto");
    let names = ["value_and_name", "name"].contains(&mode) || (mode == "auto" && numbers.len() > 1);
    let background = options["colorMode"]
        .as_str()
        .is_some_and(|mode| mode.starts_with("background"));
    (!numbers.is_empty()).then_some(Body::Stat {
        numbers,
        names,
        background,
    })
}

/// `bargauge` and `gauge`: one bar for each series.
pub(crate) fn bars(subject: &Subject) -> Option<Body> {
    let all = subject.named();
    let largest = all
        .iter()
        .filter_map(|named| reduced(named))
        .fold(0.0, f64::max);
    let numbers: Vec<Number> = all
        .iter()
        .map(|named| {
            let low = named.field.number("/min").unwrap_or(0.0);
            let high = named.field.number("/max").unwrap_or(largest);
            // Halves, so that the span of the largest numbers is still one.
            let part = |value: f64| {
                if high > low {
                    ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
                } else {
                    0.0
                }
            };
            let steps = named.field.steps();
            let marks = steps
                .iter()
                .filter_map(|step| step.from)
                .filter(|from| (low..=high).contains(from))
                .map(|from| percent(part(from)))
                .collect();
            number(
                named,
                subject.axis.end,
                reduced(named).map_or(0.0, part),
                marks,
            )
        })
        .collect();
    (!numbers.is_empty()).then_some(Body::Bars { numbers })
}

fn number(named: &Named, now: i64, part: f64, marks: Vec<String>) -> Number {
    let shown = reduced(named).map_or_else(
        || named.field.missing(),
        |value| named.field.shown(value, now),
    );
    Number {
        name: named.name.clone(),
        shown,
        part: percent(part),
        marks,
    }
}

/// Panels of numbers ask for values now; of a range the last one counts.
fn reduced(named: &Named) -> Option<f64> {
    named.series.last()
}
