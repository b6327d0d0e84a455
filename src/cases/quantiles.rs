//! Observations whose quantile is just short of a threshold or just past it, as the shares of them that are within each bucket.

use super::native::bounds_around;
use super::samples::{bucket_of, written_alike};
use crate::kinds::Side;
use minijinja::context;
use minijinja::value::Value;

/// Of the `quantile` of a histogram with these bounds: for each bound, and the infinite one, the share of the observations within
/// it, so that the quantile is just short of the limit (`short`), just past it (`past`), far past it (`far`) and far from it (`calm`);
/// `bounds` are the values of `le`, and `value` the quantile just past the limit. `scale`: what one of the limit is in the unit of the
/// bounds. A native histogram has narrow buckets of its own, and each version of Prometheus guesses otherwise where in them the
/// quantile is: its value is then none.
pub(super) fn samples(
    limit: f64,
    side: Side,
    quantile: f64,
    (bounds, native): (&[f64], bool),
    scale: f64,
) -> Value {
    let limit = limit * scale;
    let mut bounds = bounds.to_vec();
    bounds.sort_by(f64::total_cmp);
    if native {
        bounds = bounds_around(limit);
    } else if bounds.is_empty() {
        // Any will do that have the limit between them.
        bounds = [0.5, 1.0, 2.0].map(|times| times * limit).to_vec();
    }
    let shares = |value: f64| -> Vec<f64> { of_value(value, quantile, &bounds) };
    let (below, above) = (near(limit, -1.0, &bounds), near(limit, 1.0, &bounds));
    let (low, high) = (0.4 * limit, f64::INFINITY);
    let (short, past, calm, far) = match side {
        Side::Above => (below, above, low, high),
        Side::Below => (above, below, high, low),
    };
    let les: Vec<String> = bounds
        .iter()
        .map(|bound| bucket_of(*bound))
        .chain(["+Inf".to_string()])
        .collect();
    let value = match native {
        true => Value::from(()),
        false => Value::from(past / scale),
    };
    context! { bounds => les, short => shares(short), past => shares(past), calm => shares(calm), far => shares(far), value }
}

/// A value beside the limit, in `direction`, that is in the same bucket as whatever is nearer.
fn near(limit: f64, direction: f64, bounds: &[f64]) -> f64 {
    let next = if direction > 0.0 {
        bounds.iter().copied().find(|bound| *bound > limit)
    } else {
        bounds.iter().copied().rfind(|bound| *bound < limit)
    };
    let most = next.map_or(limit, |next| (next - limit).abs() / 2.0);
    let step = (limit * 0.001).min(most);
    let mut all = (0..200).map(|more| limit + direction * (step + f64::from(more) * step / 100.0));
    // Times of a minute and more are written out in whole seconds, which must not depend on the last bits.
    let readable = |value: &f64| {
        let apart = (value.fract() - 0.5).abs() < 0.4;
        written_alike(*value) && (*value < 60.0 || apart)
    };
    all.find(readable).unwrap_or(limit + direction * step)
}

/// The shares within each bound, and within the infinite one, whose quantile is the value as Prometheus interpolates it; beyond the last
/// bound there is nothing but the infinite one.
fn of_value(value: f64, quantile: f64, bounds: &[f64]) -> Vec<f64> {
    let Some(upper) = bounds.iter().position(|bound| value <= *bound) else {
        let mut all = vec![0.0; bounds.len()];
        all.push(1.0);
        return all;
    };
    let lower = upper.checked_sub(1).map_or(0.0, |index| bounds[index]);
    // How far into its bucket the value is.
    let part = (value - lower) / (bounds[upper] - lower);
    let (before, within) = if part <= quantile && upper > 0 {
        ((quantile - part) / (1.0 - part).max(f64::MIN_POSITIVE), 1.0)
    } else {
        (0.0, (quantile / part).min(1.0))
    };
    let share = |index: usize| match index.cmp(&upper) {
        std::cmp::Ordering::Less => before,
        std::cmp::Ordering::Equal => within,
        std::cmp::Ordering::Greater => 1.0,
    };
    (0..=bounds.len()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Prometheus works it out.
    fn quantile_of(shares: &[f64], quantile: f64, bounds: &[f64]) -> f64 {
        let index = shares.iter().position(|share| *share >= quantile).unwrap();
        if index == bounds.len() {
            return bounds[index - 1];
        }
        let (lower, before) = match index {
            0 => (0.0, 0.0),
            _ => (bounds[index - 1], shares[index - 1]),
        };
        lower + (bounds[index] - lower) * (quantile - before) / (shares[index] - before)
    }

    #[test]
    fn the_quantile_of_the_shares_is_the_value() {
        let bounds = [0.05, 0.1, 0.5, 1.0, 2.5];
        for quantile in [0.01, 0.5, 0.9, 0.99, 0.999] {
            for value in [0.04, 0.0999, 0.2, 0.5005, 0.999, 1.001, 2.4] {
                let shares = of_value(value, quantile, &bounds);
                assert!(
                    shares.is_sorted() && shares.iter().all(|share| (0.0..=1.0).contains(share))
                );
                let found = quantile_of(&shares, quantile, &bounds);
                // In the first bucket there is nothing below that part of it.
                if value > 0.05 || value >= quantile * 0.05 {
                    assert!((found - value).abs() < 1e-9, "{quantile} {value} {found}");
                }
            }
        }
        assert_eq!(of_value(f64::INFINITY, 0.5, &[1.0]), [0.0, 1.0]);
    }
}
