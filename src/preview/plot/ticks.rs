//! The round numbers along a scale.

/// Round numbers from below `low` to above `high`, about as many as asked for; powers of two where bytes are counted.
/// Beyond `LARGEST`, nearer to each other than `SMALLEST` or than the numbers between them, values are drawn at the edge.
pub(crate) fn ticks(low: f64, high: f64, wanted: usize, binary: bool) -> Vec<f64> {
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    // A step that numbers of this size still tell apart.
    let least = SMALLEST.max(low.abs().max(high.abs()) * 1e-14);
    let span = if high > low { high - low } else { 1.0 };
    let rough = (span / wanted.max(1) as f64).max(least);
    let mut unit = 1.0;
    let (factor, steps): (f64, &[f64]) = if binary {
        (2.0, &[1.0, 2.0])
    } else {
        (10.0, &[1.0, 2.0, 2.5, 5.0, 10.0])
    };
    while unit > rough {
        unit /= factor;
    }
    while unit * factor <= rough {
        unit *= factor;
    }
    let step = unit
        * steps
            .iter()
            .copied()
            .find(|step| unit * step >= rough * 0.999)
            .unwrap_or(factor);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    (0..=(last - first) as usize)
        .map(|index| (first + index as f64) * step)
        .collect()
}

/// The range of a scale: with room to the limits of a float, so that spans and steps do not leave them.
const LARGEST: f64 = 1e300;

const SMALLEST: f64 = 1e-300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose() {
        assert_eq!(
            ticks(0.0, 0.2, 4, false),
            [0.0, 0.05, 0.1, 0.15000000000000002, 0.2]
        );
        assert_eq!(ticks(0.0, 37.0, 4, false), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(
            ticks(0.0, 3.0 * 1024.0, 3, true),
            [0.0, 1024.0, 2048.0, 3072.0]
        );
    }

    #[test]
    fn every_scale_comes_to_an_end() {
        let values = [
            f64::MIN,
            -1e308,
            -1e300,
            -1e17,
            -1.0,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1e-300,
            1e-9,
            1.0,
            1.0 + f64::EPSILON,
            1e15,
            1e17,
            1e300,
            1e308,
            f64::MAX,
        ];
        for (low, high) in values
            .iter()
            .flat_map(|low| values.iter().map(move |high| (*low, *high)))
        {
            for binary in [false, true] {
                let ticks = ticks(low, high, 4, binary);
                assert!(
                    (2..=20).contains(&ticks.len()),
                    "{low} to {high}: {ticks:?}"
                );
                assert!(
                    ticks.windows(2).all(|pair| pair[0] < pair[1])
                        && ticks.iter().all(|tick| tick.is_finite()),
                    "{low} to {high}: {ticks:?}"
                );
            }
        }
    }
}
