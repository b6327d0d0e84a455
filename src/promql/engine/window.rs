//! Functions of the samples in a window.

use super::{
    Axis, Engine, Evaluated, Failure, Millis, Range, Release, Sample, Series, existing,
    without_names,
};
use crate::promql::Expr;

/// The samples of one window.
pub(super) struct Window<'a> {
    /// Oldest first, at least one.
    samples: &'a [Sample],
    /// What a sample was from which the next one fell.
    falls: &'a [(usize, f64)],
    /// Where it begins and ends, by the clock of its samples.
    start: Millis,
    end: Millis,
    /// The instant of the evaluation: without the offset.
    now: Millis,
    release: Release,
}

/// What is asked of each window, at the instant of this index.
type Function = Box<dyn Fn(&Window, usize) -> Option<f64>>;

/// A function over windows by its name, with its other arguments at each instant. None: there is no such function here.
pub(super) fn function(name: &str, numbers: &[Vec<f64>]) -> Option<Function> {
    let numbers: Vec<Vec<f64>> = numbers.to_vec();
    let number = move |which: usize, index: usize| {
        numbers
            .get(which)
            .and_then(|values| values.get(index))
            .copied()
            .unwrap_or(f64::NAN)
    };
    Some(match name {
        "rate" => Box::new(|window, _| window.extrapolated(true, true)),
        "increase" => Box::new(|window, _| window.extrapolated(true, false)),
        "delta" => Box::new(|window, _| window.extrapolated(false, false)),
        "irate" => Box::new(|window, _| window.last_two(true)),
        "idelta" => Box::new(|window, _| window.last_two(false)),
        "deriv" => Box::new(|window, _| {
            let first = window.samples.first()?.time;
            window.regression(first).map(|(slope, _)| slope)
        }),
        "predict_linear" => Box::new(move |window, index| {
            let (slope, intercept) = window.regression(window.now)?;
            Some(slope * number(0, index) + intercept)
        }),
        "changes" => Box::new(|window, _| {
            window.count(|before, after| before != after && !(before.is_nan() && after.is_nan()))
        }),
        "resets" => Box::new(|window, _| Some(window.falls.len() as f64)),
        "avg_over_time" => Box::new(|window, _| Some(window.average())),
        "min_over_time" => Box::new(|window, _| {
            Some(window.fold(|least, value| {
                if value < least || least.is_nan() {
                    value
                } else {
                    least
                }
            }))
        }),
        "max_over_time" => Box::new(|window, _| {
            Some(window.fold(|most, value| {
                if value > most || most.is_nan() {
                    value
                } else {
                    most
                }
            }))
        }),
        "sum_over_time" => Box::new(|window, _| Some(sum(window.values()))),
        "count_over_time" => Box::new(|window, _| Some(window.samples.len() as f64)),
        "last_over_time" => Box::new(|window, _| window.values().last()),
        "first_over_time" => Box::new(|window, _| window.values().next()),
        "present_over_time" => Box::new(|_, _| Some(1.0)),
        "quantile_over_time" => Box::new(move |window, index| {
            Some(quantile(number(0, index), window.values().collect()))
        }),
        "mad_over_time" => Box::new(|window, _| {
            let median = quantile(0.5, window.values().collect());
            let distances = window.values().map(|value| (value - median).abs());
            Some(quantile(0.5, distances.collect()))
        }),
        "stddev_over_time" => Box::new(|window, _| Some(variance(window.values()).sqrt())),
        "stdvar_over_time" => Box::new(|window, _| Some(variance(window.values()))),
        "ts_of_first_over_time" => Box::new(|window, _| window.time_of(|_, _| false)),
        "ts_of_last_over_time" => Box::new(|window, _| window.time_of(|_, _| true)),
        "ts_of_min_over_time" => {
            Box::new(|window, _| window.time_of(|least, value| value <= least || least.is_nan()))
        }
        "ts_of_max_over_time" => {
            Box::new(|window, _| window.time_of(|most, value| value >= most || most.is_nan()))
        }
        "holt_winters" | "double_exponential_smoothing" => {
            Box::new(move |window, index| window.smoothed(number(0, index), number(1, index)))
        }
        _ => return None,
    })
}

/// Whether the result still is the metric that was read.
pub(super) fn keeps_name(function: &str) -> bool {
    matches!(function, "last_over_time" | "first_over_time")
}

/// A function of the windows of a range vector.
pub(super) fn over(
    engine: &Engine,
    range: &Expr,
    axis: Axis,
    keeps_name: bool,
    function: &dyn Fn(&Window, usize) -> Option<f64>,
) -> Evaluated<Vec<Series>> {
    let read = engine.range(range, axis)?;
    let found = existing(read.series.iter().map(|series| Series {
        labels: series.labels.clone(),
        values: windows(engine, &read, &series.samples, axis, function),
    }));
    match keeps_name {
        true => Ok(found),
        false => without_names(found),
    }
}

fn windows(
    engine: &Engine,
    range: &Range,
    samples: &[Sample],
    axis: Axis,
    function: &dyn Fn(&Window, usize) -> Option<f64>,
) -> Vec<Option<f64>> {
    let before = |sample: &Sample, start: Millis| match engine.release {
        Release::Two => sample.time < start,
        Release::Three => sample.time <= start,
    };
    // What no window reaches is passed over at once.
    let begin = range.ends.start - range.length;
    let first = samples.partition_point(|sample| before(sample, begin));
    let behind = samples.partition_point(|sample| sample.time <= range.ends.end());
    let samples = samples.get(first..behind).unwrap_or_default();
    let ended = samples.iter().any(Sample::is_stale);
    let kept: Vec<Sample>;
    let samples = if ended {
        kept = samples
            .iter()
            .filter(|sample| !sample.is_stale())
            .copied()
            .collect();
        &kept
    } else {
        samples
    };
    // Looked for once: a window of days is one of thousands.
    let falls: Vec<(usize, f64)> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1].value < pair[0].value)
        .map(|(index, pair)| (index + 1, pair[0].value))
        .collect();
    let (mut first, mut next) = (0, 0);
    let (mut left, mut fallen) = (0, 0);
    range
        .ends
        .instants()
        .enumerate()
        .map(|(index, end)| {
            let start = end - range.length;
            while next < samples.len() && samples[next].time <= end {
                next += 1;
            }
            while first < next && before(&samples[first], start) {
                first += 1;
            }
            while fallen < falls.len() && falls[fallen].0 < next {
                fallen += 1;
            }
            while left < fallen && falls[left].0 <= first {
                left += 1;
            }
            let window = Window {
                samples: &samples[first..next],
                falls: &falls[left..fallen],
                start,
                end,
                now: axis.at(index),
                release: engine.release,
            };
            (first < next).then(|| function(&window, index)).flatten()
        })
        .collect()
}

impl Window<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.value)
    }

    fn fold(&self, chosen: impl Fn(f64, f64) -> f64) -> f64 {
        self.values().reduce(chosen).unwrap_or(f64::NAN)
    }

    fn count(&self, counted: impl Fn(f64, f64) -> bool) -> Option<f64> {
        let pairs = self.samples.windows(2);
        Some(
            pairs
                .filter(|pair| counted(pair[0].value, pair[1].value))
                .count() as f64,
        )
    }

    /// The mean, as Prometheus adds it up: an overflow of the sum does not reach it.
    fn average(&self) -> f64 {
        let mut mean = 0.0;
        let mut lost = 0.0;
        for (index, value) in self.values().enumerate() {
            let count = (index + 1) as f64;
            if f64::is_infinite(mean) {
                let same = value.is_infinite() && (mean > 0.0) == (value > 0.0);
                let finite = !value.is_infinite() && !value.is_nan();
                if same || finite {
                    continue;
                }
            }
            (mean, lost) = added(value / count - mean / count, mean, lost);
        }
        if f64::is_infinite(mean) {
            mean
        } else {
            mean + lost
        }
    }

    /// `rate`, `increase` and `delta`: the difference over the samples, carried on to the ends of the window.
    fn extrapolated(&self, counter: bool, per_second: bool) -> Option<f64> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        if self.samples.len() < 2 {
            return None;
        }
        let mut result = last.value - first.value;
        if counter {
            result += self.falls.iter().map(|(_, before)| before).sum::<f64>();
        }
        let seconds = |from: Millis, to: Millis| (to - from) as f64 / 1000.0;
        let mut to_start = seconds(self.start, first.time);
        let mut to_end = seconds(last.time, self.end);
        let sampled = seconds(first.time, last.time);
        let between = sampled / (self.samples.len() - 1) as f64;
        let near = between * 1.1;
        // A counter does not begin below 0.
        let zero = (counter && result > 0.0 && first.value >= 0.0)
            .then(|| sampled * (first.value / result));
        if self.release == Release::Three && to_start >= near {
            to_start = between / 2.0;
        }
        to_start = zero.map_or(to_start, |zero| zero.min(to_start));
        if self.release == Release::Two && to_start >= near {
            to_start = between / 2.0;
        }
        if to_end >= near {
            to_end = between / 2.0;
        }
        let mut factor = (sampled + to_start + to_end) / sampled;
        if per_second {
            factor /= seconds(self.start, self.end);
        }
        Some(result * factor)
    }

    fn last_two(&self, rate: bool) -> Option<f64> {
        let [.., before, last] = self.samples else {
            return None;
        };
        let difference = if rate && last.value < before.value {
            last.value
        } else {
            last.value - before.value
        };
        let passed = last.time - before.time;
        if passed == 0 {
            return None;
        }
        Some(if rate {
            difference / (passed as f64 / 1000.0)
        } else {
            difference
        })
    }

    /// Slope per second, and the value at a time, of the line through the samples.
    fn regression(&self, at: Millis) -> Option<(f64, f64)> {
        if self.samples.len() < 2 {
            return None;
        }
        let first = self.samples[0].value;
        if self.values().all(|value| value == first) {
            return Some(if first.is_infinite() {
                (f64::NAN, f64::NAN)
            } else {
                (0.0, first)
            });
        }
        let count = self.samples.len() as f64;
        let seconds = |sample: &Sample| (sample.time - at) as f64 / 1000.0;
        let total = |of: &dyn Fn(&Sample) -> f64| sum(self.samples.iter().map(of));
        let x = total(&seconds);
        let y = total(&|sample| sample.value);
        let xy = total(&|sample| seconds(sample) * sample.value);
        let xx = total(&|sample| seconds(sample) * seconds(sample));
        let slope = (xy - x * y / count) / (xx - x * x / count);
        Some((slope, y / count - slope * x / count))
    }

    /// The time of the sample that `later` prefers over those before it, in seconds.
    fn time_of(&self, later: impl Fn(f64, f64) -> bool) -> Option<f64> {
        let chosen = self.samples.iter().reduce(|known, sample| {
            if later(known.value, sample.value) {
                sample
            } else {
                known
            }
        })?;
        Some(chosen.time as f64 / 1000.0)
    }

    /// Double exponential smoothing.
    fn smoothed(&self, smoothing: f64, trend: f64) -> Option<f64> {
        let [first, second, ..] = self.samples else {
            return None;
        };
        let (mut before, mut smooth, mut slope) = (0.0, first.value, second.value - first.value);
        for (index, sample) in self.samples.iter().enumerate().skip(1) {
            if index > 1 {
                slope = trend * (smooth - before) + (1.0 - trend) * slope;
            }
            let next = smoothing * sample.value + (1.0 - smoothing) * (smooth + slope);
            before = smooth;
            smooth = next;
        }
        Some(smooth)
    }
}

/// Neumaier's summation, which Prometheus uses: a small value is not lost beside a large one.
fn added(value: f64, sum: f64, lost: f64) -> (f64, f64) {
    let total = sum + value;
    let lost = if total.is_infinite() {
        0.0
    } else if sum.abs() >= value.abs() {
        lost + ((sum - total) + value)
    } else {
        lost + ((value - total) + sum)
    };
    (total, lost)
}

pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, lost) = values.fold((0.0, 0.0), |(sum, lost), value| added(value, sum, lost));
    if sum.is_infinite() { sum } else { sum + lost }
}

pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    squares / count
}

/// The quantile of values, between neighbours as Prometheus does it.
pub(super) fn quantile(wanted: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || wanted.is_nan() {
        return f64::NAN;
    }
    if wanted < 0.0 {
        return f64::NEG_INFINITY;
    }
    if wanted > 1.0 {
        return f64::INFINITY;
    }
    // NaN is the smallest.
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = wanted * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The refusal of a function that is not evaluated.
pub(super) fn unknown(name: &str) -> Failure {
    Failure::unknown(format!("`{name}` is not evaluated"))
}
