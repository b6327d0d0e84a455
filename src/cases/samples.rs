//! Numbers for generated unit tests: samples just below, exactly at and just above a threshold.

use super::refuse;
use crate::catalog::Duration;
use crate::catalog::filters::Filter;
use crate::contract::domain::Domain;
use crate::contract::exposed::openmetrics;
use crate::contract::filtered;
use crate::contract::status::{answers, outcomes};
use crate::kinds::Side;
use crate::value::to_value;
use minijinja::value::{Serde, Value};
use minijinja::{Error, context};

fn milliseconds(text: &str) -> Result<u64, Error> {
    Duration::parse(text)
        .map(|duration| duration.0)
        .ok_or_else(|| refuse(format!("{text:?} is not a duration")))
}

/// Of a duration.
pub(crate) fn seconds(duration: &str) -> Result<f64, Error> {
    Ok(milliseconds(duration)? as f64 / 1000.0)
}

/// Of alerts that look back over hours at the least, in milliseconds.
const LONG_STEPS: [u64; 4] = [1_200_000, 600_000, 300_000, 120_000];

/// Steps that are easy to read in a test, in milliseconds.
const STEPS: [u64; 17] = [
    60_000, 30_000, 20_000, 15_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1,
];

/// The time between samples and evaluations in the tests of one alert. Each of its windows holds at least ten, and `range`, which
/// bridges failed scrapes, five: promtool evaluates every rule at every step, so twice as many cost twice the time. Where one of the
/// steps allows it, it divides them all and every `for`, which is otherwise five steps long or no longer than an evaluation of Prometheus.
pub(crate) fn test_step(
    alert: &Value,
    range: &str,
    evaluation_interval: &str,
) -> Result<String, Error> {
    let range = milliseconds(range)?;
    let (mut ranges, mut waits, mut most) = (vec![range], Vec::new(), range / 5);
    let mut steps = STEPS.to_vec();
    let reads_back = alert
        .get_attr("kind")
        .and_then(|kind| kind.get_attr("reads_back"))
        .is_ok_and(|key| key.is_true());
    // What only compares ratios that are recorded over ranges of their own bridges nothing.
    let coarse = !alert.get_attr("slo")?.is_none() || reads_back || is_long(alert, range)?;
    if coarse {
        (ranges, most) = (Vec::new(), u64::MAX);
        steps.splice(0..0, LONG_STEPS);
    }
    let one_event_a_step = alert
        .get_attr("kind")
        .and_then(|kind| kind.get_attr("one_event_a_step"))
        .is_ok_and(|said| said.is_true());
    for branch in alert.get_attr("branches")?.try_iter()? {
        let burn = branch.get_attr("burn")?;
        if !burn.is_none() {
            let window = milliseconds(&burn.get_attr("window")?.to_string())?;
            ranges.push(window);
            most = most.min(window / 5);
        }
        waits.push(milliseconds(&branch.get_attr("for")?.to_string())?);
        let window = branch.get_attr("window")?;
        if !window.is_none() {
            let window = milliseconds(&window.to_string())?;
            ranges.push(window);
            most = most.min(window / 5);
            if one_event_a_step {
                let events = f64::try_from(branch.get_attr("above")?).unwrap_or(0.0);
                most = most.min(window / (2 * events.max(0.0) as u64 + 6));
            }
        }
    }
    let most = most.max(1);
    let evaluation = milliseconds(evaluation_interval)?;
    let seen = |step: u64| {
        waits
            .iter()
            .all(|wait| wait.is_multiple_of(step) || *wait >= step * 5 || *wait <= evaluation)
    };
    let divides = |step: u64| ranges.iter().all(|range| range.is_multiple_of(step));
    let allowed = || {
        let steps = steps.iter().copied();
        steps.filter(|step| *step <= most && seen(*step))
    };
    let largest = allowed().next().unwrap_or(1);
    // A step that is much smaller only to divide would make the tests many times as long.
    let even = allowed().find(|step| divides(*step) && step * 4 >= largest);
    Ok(Duration(even.unwrap_or(largest)).to_string())
}

/// Whether an alert looks back so far that steps in which failed scrapes are bridged would be a hundred thousand.
fn is_long(alert: &Value, range: u64) -> Result<bool, Error> {
    for branch in alert.get_attr("branches")?.try_iter()? {
        let window = branch.get_attr("window")?;
        if window.is_none() || milliseconds(&window.to_string())? < 100 * range {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When a branch fires whose condition holds from the tick `start` on: `pending` is the first tick at which the alert is
/// active, `fires` the first at which it fires, `before` its state one tick earlier, and `gap` how many ticks without the
/// condition make the wait begin again.
pub(crate) fn wait(
    branch: &Value,
    shortest_for: &str,
    start: u64,
    step: &str,
) -> Result<Value, Error> {
    let tick = milliseconds(step)?;
    let hold = branch.get_attr("hold")?;
    let (mut pending, mut gap) = (start, 1);
    if !hold.is_none() {
        let beat = milliseconds(&hold.get_attr("step")?.to_string())?;
        let samples = u64::try_from(hold.get_attr("samples")?)?;
        // The subquery looks at multiples of its step, and each of its samples must have seen the condition.
        pending = ((start * tick).next_multiple_of(beat) + (samples - 1) * beat).div_ceil(tick);
        // Prometheus 2 lets a subquery look one sample further back than 3 does: two without the condition end it in both.
        gap = (2 * beat).div_ceil(tick);
    }
    let fires = pending + milliseconds(shortest_for)?.div_ceil(tick);
    Ok(
        context! { pending, fires, gap, before => if fires > pending { "pending" } else { "inactive" } },
    )
}

/// How the requests of a metric tell errors from other answers, by its label for that; none where they do not.
pub(crate) fn answers_of(metric: &Value) -> Result<Value, Error> {
    let table =
        |key: &str| to_value(metric.get_attr(key)?).map_err(|error| refuse(error.to_string()));
    let labels = table("labels")?.as_object().cloned().unwrap_or_default();
    let errors = table("errors")?;
    let errors = errors
        .entries()
        .filter_map(|(label, pattern)| Some((label.clone(), pattern.as_str()?.to_string())));
    let found = answers(&labels, &errors.collect());
    Ok(found.map_or(Value::from(()), |found| Value::from(Serde(found))))
}

/// How the declared values of a status tell server errors from other answers; none where they do not.
pub(crate) fn outcomes_of(declared: &Value) -> Result<Value, Error> {
    let declared = to_value(declared).map_err(|error| refuse(error.to_string()))?;
    Ok(outcomes(&Domain::declared(&declared))
        .map_or(Value::from(()), |outcomes| Value::from(Serde(outcomes))))
}

/// Labels of events that a filter picks (`failed`), and of some that it leaves (`answered`): what the declared values of the
/// labels allow, one of each; `like` is the filter as patterns. `among`: which events there are at all, as a filter of the catalog's.
/// None: it picks nothing, or everything.
pub(crate) fn sides_of(
    declared: &Value,
    filter: &Value,
    among: Option<Value>,
) -> Result<Value, Error> {
    let read = |value: &Value| to_value(value).map_err(|error| refuse(error.to_string()));
    let among = among.filter(|among| !among.is_undefined());
    let among = among.map_or(Ok(Filter::default()), |among| {
        read(&among).map(|it| Filter::of(&it))
    })?;
    Ok(filtered::sides(&read(declared)?, &read(filter)?, &among)
        .map_or(Value::from(()), |sides| Value::from(Serde(sides))))
}

/// The value of `le` that a bound has.
pub(crate) fn bucket_of(bound: f64) -> String {
    openmetrics(bound)
}

/// How many steps a duration takes, rounded up.
pub(crate) fn ticks(duration: &str, step: &str) -> Result<u64, Error> {
    Ok(milliseconds(duration)?.div_ceil(milliseconds(step)?))
}

/// The time of a tick.
pub(crate) fn moment(tick: u64, step: &str) -> Result<String, Error> {
    Ok(Duration(tick * milliseconds(step)?).to_string())
}

/// Prometheus' rate of a counter that grows by `increment` each step, over a full window, all in milliseconds: 2.x sees a
/// sample at the window's left edge, 3.x does not; both extrapolate to the edge.
fn rate(increment: f64, window: u64, step: u64, left_open: bool) -> f64 {
    let steps = window / step - u64::from(left_open && window.is_multiple_of(step));
    let sampled = (steps * step) as f64 / 1000.0;
    let edge = (window - steps * step) as f64 / 1000.0;
    let factor = (sampled + edge) / sampled / (window as f64 / 1000.0);
    increment * steps as f64 * factor
}

/// Increments per step of two counters, `errors` of `total`: below, at and above the threshold. `at` is none when no
/// pair gives the threshold exactly in the arithmetic of Prometheus 2 and 3.
pub(crate) fn ratio(above: f64, window: &str, step: &str) -> Result<Value, Error> {
    let (window, step) = (milliseconds(window)?, milliseconds(step)?);
    let exact = |errors: f64, total: f64| {
        [false, true].into_iter().all(|left_open| {
            let part = rate(errors, window, step, left_open);
            let rest = rate(total - errors, window, step, left_open);
            part / (rest + part) == above && part / rate(total, window, step, left_open) == above
        })
    };
    // Of a thousand failures one more is so little that a single step without any brings the ratio below the threshold.
    let least = 1000.0 * (1.0 / above).ceil();
    let fits = |total: &f64| {
        let errors = (above * total).round();
        errors < *total
            && written_alike((errors + 1.0) / total)
            && errors / total == above
            && exact(errors, *total)
    };
    let at = (1..=400).map(|factor| f64::from(factor) * least).find(fits);
    // A product that is whole but for its rounding is whole: one more is then above, and not the same again.
    let edge = |total: f64| {
        let (exact, whole) = (above * total, (above * total).round());
        if (exact - whole).abs() < 1e-9 * total {
            whole
        } else {
            exact
        }
    };
    // Without such a pair: of the larger totals one whose ratio, which the annotations write out, has no digit that rounds either way.
    let loose = |total: &f64| {
        edge(*total).floor() + 1.0 < *total && written_alike((edge(*total).floor() + 1.0) / total)
    };
    let total = at
        .or_else(|| {
            (100..=400)
                .map(|factor| f64::from(factor) * least)
                .find(loose)
        })
        .unwrap_or(400.0 * least);
    let whole = edge(total).fract() == 0.0 || at.is_some();
    let below = if whole {
        edge(total).round() - 1.0
    } else {
        edge(total).floor()
    };
    Ok(
        context! { total, below, at => at.map(|total| edge(total).round()), above => below + if whole { 2.0 } else { 1.0 } },
    )
}

/// Whether a ratio reads the same as a percentage of four digits when its last bits differ: no digit that rounds either way.
pub(super) fn written_alike(share: f64) -> bool {
    let percent = share * 100.0;
    let digits = percent * 10f64.powf(3.0 - percent.log10().floor());
    (digits.fract() - 0.5).abs() > 1e-3
}

/// Increments per step of a counter whose rate is compared with `above`, over `divisor`: below, at, above, and twice the
/// level; `share` is the ratio that `above` gives, `climbs` the tick at which its rate, which grows until the window is
/// full, exceeds the level, and `climbs_double` the same of twice the level.
pub(crate) fn rate_samples(
    above: f64,
    divisor: f64,
    window: &str,
    step: &str,
) -> Result<Value, Error> {
    let (window, step) = (milliseconds(window)?, milliseconds(step)?);
    let seconds = step as f64 / 1000.0;
    let level = above * divisor * seconds;
    // Values of twenty bits add up without rounding, whatever their size.
    let unit = 2f64.powi(level.log2().floor() as i32 - 20);
    let grain = |value: f64| (value / unit).round() * unit;
    // Exact for Prometheus 2, which sees both edges of the window, and not above for Prometheus 3.
    let exact = |increment: &f64| {
        rate(*increment, window, step, false) / divisor == above
            && rate(*increment, window, step, true) / divisor <= above
    };
    let mut near = (0..64).map(|dust| grain(level) - f64::from(dust) * unit / (1u64 << 18) as f64);
    let at = near.find(exact);
    let share = |increment: f64| increment / seconds / divisor;
    // So little above that one step without growth brings it below.
    let margin = (0.5 * step as f64 / window as f64).min(0.005);
    let higher = (0..200).map(|more| grain(level * (1.0 + margin)) - f64::from(more) * unit);
    let high = higher
        .filter(|high| *high > level)
        .find(|high| written_alike(share(*high)))
        .unwrap_or(grain(level * (1.0 + margin)));
    let (below, double) = (grain(level * 0.995), grain(level * 2.0));
    let climbs = |increment: f64| {
        (1..=window.div_ceil(step))
            .find(|tick| (tick * step) as f64 / window as f64 * increment > level)
            .unwrap_or(window.div_ceil(step))
    };
    Ok(
        context! { below, at, above => high, double, half => grain(level * 0.5), value => share(high), climbs => climbs(high), climbs_double => climbs(double) },
    )
}

/// Values of a gauge that is compared with `limit` as a ratio of `divisor`: just below it, at it, just above it, twice and half as
/// much, and the ratio with which an alert fires on one side of it. `whole`: whole numbers, where the limit is one.
pub(crate) fn gauge_samples(limit: f64, divisor: f64, side: Side, whole: bool) -> Value {
    let edge = limit * divisor;
    if edge == 0.0 {
        let fires = if side == Side::Above { 1.0 } else { -1.0 };
        return context! { below => -1.0, at => 0.0, above => 1.0, double => 2.0, half => -2.0, value => fires / divisor };
    }
    let near = [
        edge,
        edge.round(),
        edge.floor(),
        f64::from_bits(edge.to_bits() + 1),
        f64::from_bits(edge.to_bits() - 1),
    ];
    let at = near.into_iter().find(|value| value / divisor == limit);
    // Whole numbers, unless the limit is so small that one more is much.
    let grain = if edge.abs() >= 100_000.0 || whole && edge.fract() == 0.0 {
        1.0
    } else {
        edge.abs() / 100_000.0
    };
    let (lower, upper) = if edge > 0.0 {
        (edge * 0.999, edge * 1.001)
    } else {
        (edge * 1.001, edge * 0.999)
    };
    let (most, least) = (
        (lower / grain).floor() * grain,
        (upper / grain).ceil() * grain,
    );
    let readable = |from: f64, grain: f64| {
        (0..200)
            .map(|more| from + f64::from(more) * grain)
            .find(|value| written_alike((value / divisor).abs()))
            .unwrap_or(from)
    };
    let (below, above) = match side {
        Side::Above => (most, readable(least, grain)),
        Side::Below => (readable(most, -grain), least),
    };
    let value = if side == Side::Above { above } else { below } / divisor;
    // Further away from the limit than it, on whichever side of zero that is.
    let (double, half) = (
        (edge + edge.abs()).ceil().max(above),
        ((edge - 0.5 * edge.abs()) / grain).floor() * grain,
    );
    context! { below, at, above, double, half => half.min(below), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_met_exactly() {
        for above in [0.05, 0.1, 0.2, 0.25, 0.07, 0.8, 0.999] {
            let samples = ratio(above, "5m", "15s").unwrap();
            let number = |key: &str| f64::try_from(samples.get_attr(key).unwrap()).unwrap();
            assert!(
                number("below") / number("total") < above
                    && above < number("above") / number("total"),
                "{above}"
            );
            assert_eq!(number("at") / number("total"), above);
        }
    }

    #[test]
    fn a_step_suits_the_durations_of_its_alert() {
        let alert = |branches: &[(&str, &str)]| {
            let branches: Vec<Value> =
                branches.iter().map(|(window, r#for)| context! { window => (!window.is_empty()).then_some(*window), for => *r#for, burn => () }).collect();
            context! { branches, slo => () }
        };
        for (branches, step) in [
            (&[("5m", "5m"), ("10m", "0s")][..], "1m"),
            (&[("1h", "1h")], "1m"),
            (&[("40s", "7s")], "5s"),
            // None divides 61 s or 7m13s but 1s: the tests do not become fifteen times as long for that.
            (&[("5m", "61s")], "10s"),
            (&[("5m", "1s")], "1m"),
            (&[("7m13s", "5m")], "1m"),
            (&[("", "100ms")], "1m"),
            (&[("1m", "1d")], "10s"),
        ] {
            let range = if branches[0].0.is_empty() {
                "5m"
            } else {
                "20m"
            };
            assert_eq!(
                test_step(&alert(branches), range, "15s").unwrap(),
                step,
                "{branches:?}"
            );
        }
    }

    #[test]
    fn a_wait_counts_what_the_subquery_sees() {
        let number =
            |value: &Value, key: &str| u64::try_from(value.get_attr(key).unwrap()).unwrap();
        let plain = context! { hold => () };
        let waited = wait(&plain, "61s", 3, "10s").unwrap();
        assert_eq!(
            (number(&waited, "pending"), number(&waited, "fires")),
            (3, 10)
        );
        let held = context! { hold => context! { step => "15s", samples => 5 } };
        // From 30 s on: the samples of 30 s to 90 s, then a minute.
        let waited = wait(&held, "1m", 3, "10s").unwrap();
        assert_eq!(
            (
                number(&waited, "pending"),
                number(&waited, "fires"),
                number(&waited, "gap")
            ),
            (9, 15, 3)
        );
    }
}
