//! Lines over time, with their scale, thresholds and legend.

use super::body::{Body, Key, Tick, percent, times};
use super::field::Field;
use super::plot::{Line, Mark, PlotArea, drawn, ticks};
use super::subject::{Named, Subject};

/// Horizontal lines of a panel, about.
const TICKS: usize = 4;

/// `timeseries`.
pub(crate) fn lines(subject: &Subject) -> Option<Body> {
    let all: Vec<Named> = subject
        .named()
        .into_iter()
        .filter(|named| named.series.last().is_some())
        .collect();
    if all.is_empty() {
        return None;
    }
    let panel = Field::of(subject.panel, "", "");
    let thresholds = thresholds(&panel);
    let (drawing, mut keys) = drawing(subject, &all);
    keys.extend(thresholds.iter().map(|(value, mark, side)| Key {
        mark: mark.classes(),
        name: format!("threshold, red {side}"),
        value: panel.formatted(*value, subject.axis.end),
    }));
    let scale = scale(&panel, &drawing);
    let (low, high) = (scale.first().copied()?, scale.last().copied()?);
    let marks: Vec<(f64, Mark)> = thresholds
        .iter()
        .map(|(value, mark, _)| (*value, *mark))
        .collect();
    let annotations: Vec<(usize, usize)> = subject
        .annotations
        .iter()
        .map(|one| (one.from, one.to))
        .collect();
    let area = PlotArea {
        ticks: &scale,
        thresholds: &marks,
        annotations: &annotations,
    };
    let svg = match drawn(&drawing, &area, (low, high)) {
        Ok(svg) => svg,
        Err(reason) => return Some(Body::Refused { reason }),
    };
    let row = |tick: &f64| Tick {
        text: panel.formatted(*tick, subject.axis.end),
        at: percent((high - tick) / (high - low)),
    };
    Some(Body::Lines {
        svg,
        rows: scale.iter().map(row).collect(),
        columns: times(&subject.axis),
        legend: subject.panel["options"]["legend"]["showLegend"] != false,
        words: words(&all, subject.axis.end),
        keys,
    })
}

/// The lines, stacked where the panel says so, and their keys in the legend.
fn drawing(subject: &Subject, all: &[Named]) -> (Vec<Line>, Vec<Key>) {
    let (mut lines, mut keys) = (Vec::new(), Vec::new());
    let mut fixed = 0;
    let mut stack = vec![0.0; subject.axis.count];
    for (index, named) in all.iter().enumerate() {
        let mark = match named.field.fixed() {
            Some(colour) => {
                fixed += 1;
                Mark::fixed(colour, fixed - 1)
            }
            None => Mark::line(index),
        };
        let fill = named.field.number("/custom/fillOpacity").unwrap_or(0.0) / 100.0;
        let stacked = named
            .field
            .get("/custom/stacking/mode")
            .as_str()
            .is_some_and(|mode| mode != "none");
        lines.push(line(named, mark, fill, stacked.then_some(&mut stack)));
        let value = named.series.last().map_or(String::new(), |value| {
            named.field.formatted(value, subject.axis.end)
        });
        keys.push(Key {
            mark: mark.classes(),
            name: named.name.clone(),
            value,
        });
    }
    (lines, keys)
}

fn line(named: &Named, mark: Mark, fill: f64, stack: Option<&mut Vec<f64>>) -> Line {
    let values = named.series.values.clone();
    let Some(stack) = stack else {
        return Line {
            mark,
            base: vec![0.0; values.len()],
            values,
            fill,
        };
    };
    let base = stack.clone();
    for (under, value) in stack.iter_mut().zip(&values) {
        *under += if value.is_nan() { 0.0 } else { *value };
    }
    Line {
        mark,
        values: values
            .iter()
            .zip(&base)
            .map(|(value, base)| value + base)
            .collect(),
        base,
        fill,
    }
}

/// Values at which a dashed line is drawn, and on which side red lies.
fn thresholds(panel: &Field) -> Vec<(f64, Mark, &'static str)> {
    if panel
        .get("/custom/thresholdsStyle/mode")
        .as_str()
        .is_none_or(|mode| mode == "off")
    {
        return Vec::new();
    }
    let steps = panel.steps();
    let under = |index: usize| steps[..index].last().map_or("text", |step| step.colour);
    let one = |(index, step): (usize, &super::field::Step)| {
        let below = under(index) == "red" && step.colour != "red";
        Some((
            step.from?,
            Mark::threshold(if below { "red" } else { step.colour }),
            if below { "below" } else { "from" },
        ))
    };
    steps.iter().enumerate().filter_map(one).collect()
}

/// The ticks from the lowest to the highest value, wide enough for what the configuration asks for.
fn scale(panel: &Field, lines: &[Line]) -> Vec<f64> {
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.values.iter().copied())
            .filter(|value| value.is_finite())
    };
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let dates = panel
        .get("/unit")
        .as_str()
        .is_some_and(|unit| unit.starts_with("dateTime"));
    let areas = lines.iter().any(|line| line.fill > 0.0);
    let soft = |pointer: &str, value: f64, pick: fn(f64, f64) -> f64| {
        panel
            .number(pointer)
            .map_or(value, |soft| pick(soft, value))
    };
    let low = panel.number("/min").unwrap_or_else(|| {
        soft(
            "/custom/axisSoftMin",
            // What is never below 0 is seen as what it is only above 0; a date is not.
            if least > 0.0 && (areas || !dates) {
                0.0
            } else {
                least
            },
            f64::min,
        )
    });
    let high = panel
        .number("/max")
        .unwrap_or_else(|| soft("/custom/axisSoftMax", most, f64::max));
    let flat = high - low <= 1e-12 * high.abs().max(1e-12);
    let (low, high) = match flat {
        true if low == 0.0 => (0.0, 1.0),
        true => (f64::min(low, 0.0), f64::max(high, 0.0)),
        false => (low, high),
    };
    ticks(low, high, TICKS, panel.get("/unit") == "bytes")
}

/// What a reader of the screen hears: every line from its lowest to its highest value, and where it ends.
fn words(all: &[Named], now: i64) -> String {
    let one = |named: &Named| {
        let values = || {
            named
                .series
                .values
                .iter()
                .copied()
                .filter(|value| !value.is_nan())
        };
        let text = |value: f64| named.field.formatted(value, now);
        let (least, most) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        format!(
            "{}: {} now, from {} to {}",
            named.name,
            named.series.last().map_or_else(String::new, text),
            text(least),
            text(most)
        )
    };
    all.iter().map(one).collect::<Vec<String>>().join("; ")
}
