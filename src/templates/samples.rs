//! Numbers for generated unit tests: samples just below, exactly at and just above a threshold.

use super::refuse;
use crate::catalog::Duration;
use minijinja::value::Value;
use minijinja::{Environment, Error, context};

/// Registers the functions.
pub fn add_to(environment: &mut Environment) {
    environment.add_function("test_step", test_step);
    environment.add_function("ratio_samples", ratio_samples);
    environment.add_function("rate_samples", rate_samples);
    environment.add_function("gauge_samples", gauge_samples);
    environment.add_function("series", series);
    environment.add_function("beside_series", beside_series);
    environment.add_filter("ticks", ticks);
    environment.add_filter("moment", moment);
}

fn milliseconds(text: &str) -> Result<u64, Error> {
    Duration::parse(text).map(|duration| duration.0).ok_or_else(|| refuse(format!("{text:?} is not a duration")))
}

/// The time between samples and evaluations: it divides every `for` and window, and a window holds at least twenty.
fn test_step(alerts: &Value) -> Result<String, Error> {
    let mut all = Vec::new();
    let mut shortest = 1_200_000;
    for alert in alerts.try_iter()? {
        for branch in alert.get_attr("branches")?.try_iter()? {
            all.push(milliseconds(&branch.get_attr("for")?.to_string())?);
            let window = branch.get_attr("window")?;
            if !window.is_none() {
                let window = milliseconds(&window.to_string())?;
                all.push(window);
                shortest = shortest.min(window);
            }
        }
    }
    let steps = [60_000, 30_000, 20_000, 15_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100];
    let fits = |step: &&u64| **step * 20 <= shortest && all.iter().all(|duration| duration.is_multiple_of(**step));
    Ok(Duration(*steps.iter().find(fits).unwrap_or(&100)).to_string())
}

/// How many steps a duration takes, rounded up.
fn ticks(duration: &str, step: &str) -> Result<u64, Error> {
    Ok(milliseconds(duration)?.div_ceil(milliseconds(step)?))
}

/// The time of a tick.
fn moment(tick: u64, step: &str) -> Result<String, Error> {
    Ok(Duration(tick * milliseconds(step)?).to_string())
}

/// A series as promtool's tests write it: the metric with its service's target labels, and more, which may replace them.
fn series(metric: &str, service: &Value, more: Option<&Value>) -> Result<String, Error> {
    let attribute = |key: &str| service.get_attr(key).map(|value| value.to_string());
    let mut labels = vec![
        ("job".to_string(), attribute("name")?),
        ("service".to_string(), attribute("name")?),
        ("component".to_string(), attribute("group")?),
        ("instance".to_string(), format!("{}:{}", attribute("host")?, attribute("port")?)),
    ];
    for key in more.map(Value::try_iter).transpose()?.into_iter().flatten() {
        let (name, value) = (key.to_string(), more.unwrap_or(&Value::UNDEFINED).get_item(&key)?.to_string());
        labels.retain(|(known, _)| *known != name);
        labels.push((name, value));
    }
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    Ok(format!("{metric}{{{}}}", labels.join(",")))
}

/// The series of every service but one, each with the same values.
fn beside_series(metric: &str, services: &Value, service: &str, values: &str) -> Result<Vec<Vec<String>>, Error> {
    let mut beside = Vec::new();
    for other in services.try_iter()? {
        if other.get_attr("name")?.as_str() != Some(service) {
            beside.push(vec![series(metric, &other, None)?, values.to_string()]);
        }
    }
    Ok(beside)
}

/// Prometheus' rate of a counter that grows by `increment` each step, over a full window: 2.x sees the sample at the
/// window's left edge, 3.x does not and extrapolates.
fn rate(increment: f64, window: f64, step: f64, left_open: bool) -> f64 {
    let steps = (window / step).floor() - if left_open { 1.0 } else { 0.0 };
    let factor = (window / (steps * step)) / window;
    increment * steps * factor
}

/// Increments per step of two counters, `errors` of `total`: below, at and above the threshold. `at` is none when no
/// pair gives the threshold exactly in the arithmetic of Prometheus 2 and 3.
fn ratio_samples(above: f64, window: &str, step: &str) -> Result<Value, Error> {
    let (window, seconds) = (milliseconds(window)? as f64 / 1000.0, milliseconds(step)? as f64 / 1000.0);
    let exact = |errors: f64, total: f64| {
        [false, true].into_iter().all(|left_open| {
            let part = rate(errors, window, seconds, left_open);
            let rest = rate(total - errors, window, seconds, left_open);
            part / (rest + part) == above && part / rate(total, window, seconds, left_open) == above
        })
    };
    let totals = (1..=400).map(|factor| f64::from(factor) * 1000.0);
    let fits = |total: &f64| {
        written_alike(((above * total).round() + 1.0) / total) && (above * total).round() / total == above && exact((above * total).round(), *total)
    };
    // Of a thousand failures one more is so little that a single step without any brings the share below the threshold.
    let at = totals.clone().filter(|total| above * total >= 1000.0).find(fits).or_else(|| totals.clone().find(fits));
    let total = at.unwrap_or(100_000.0);
    let edge = above * total;
    let below = if edge.fract() == 0.0 || at.is_some() { edge.round() - 1.0 } else { edge.floor() };
    Ok(context! { total, below, at => at.map(|total| (above * total).round()), above => below + if at.is_some() || edge.fract() == 0.0 { 2.0 } else { 1.0 } })
}

/// Whether a share reads the same as a percentage of four digits when its last bits differ: no digit that rounds either way.
fn written_alike(share: f64) -> bool {
    let percent = share * 100.0;
    let digits = percent * 10f64.powf(3.0 - percent.log10().floor());
    (digits.fract() - 0.5).abs() > 1e-3
}

/// Increments per step of a counter whose rate is compared with `level`, over `divisor`: below, at, above, and twice the level.
fn rate_samples(above: f64, divisor: f64, window: &str, step: &str) -> Result<Value, Error> {
    let (window, seconds) = (milliseconds(window)? as f64 / 1000.0, milliseconds(step)? as f64 / 1000.0);
    let level = above * divisor * seconds;
    // Multiples of 1/1024 add up without rounding.
    let grain = |value: f64| (value * 1024.0).round() / 1024.0;
    // Exact for Prometheus 2, which sees both edges of the window, and not above for Prometheus 3.
    let exact = |increment: &f64| rate(*increment, window, seconds, false) / divisor == above && rate(*increment, window, seconds, true) / divisor <= above;
    let mut near = (0..64).map(|dust| grain(level) - f64::from(dust) / (1u64 << 42) as f64);
    let at = near.find(exact);
    let share = |increment: f64| increment / seconds / divisor;
    let (below, high, double) = (grain(level * 0.995), grain(level * 1.005), grain(level * 2.0));
    Ok(context! { below, at, above => high, double, share => share(high) })
}

/// Values of a gauge that is compared with `above` as a share of `divisor`.
fn gauge_samples(above: f64, divisor: f64) -> Value {
    let edge = above * divisor;
    let near = [edge, edge.round(), edge.floor(), f64::from_bits(edge.to_bits() + 1), f64::from_bits(edge.to_bits() - 1)];
    let at = near.into_iter().find(|value| value / divisor == above);
    let (below, high) = ((edge * 0.999).floor(), (edge * 1.001).ceil());
    context! { below, at, above => high, double => (edge * 2.0).round(), share => high / divisor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_met_exactly() {
        for above in [0.05, 0.1, 0.2, 0.25, 0.07, 0.8, 0.999] {
            let samples = ratio_samples(above, "5m", "15s").unwrap();
            let number = |key: &str| f64::try_from(samples.get_attr(key).unwrap()).unwrap();
            assert!(number("below") / number("total") < above && above < number("above") / number("total"), "{above}");
            assert_eq!(number("at") / number("total"), above);
        }
    }

    #[test]
    fn a_step_divides_every_duration() {
        let branch = |window: &str, r#for: &str| context! { branches => vec![context! { window, for => r#for }] };
        assert_eq!(test_step(&Value::from(vec![branch("5m", "5m"), branch("10m", "0s")])).unwrap(), "15s");
        assert_eq!(test_step(&Value::from(vec![branch("40s", "7s")])).unwrap(), "1s");
        assert_eq!(test_step(&Value::from(vec![branch("1h", "1h")])).unwrap(), "1m");
    }
}
