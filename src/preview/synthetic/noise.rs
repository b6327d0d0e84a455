//! Numbers that look random and are the same on every machine.

use crate::preview::answers::Labels;

/// Of a whole set of labels.
pub(crate) fn seed(labels: &Labels) -> u64 {
    labels.iter().fold(17, |seed, (label, value)| {
        seed ^ hash(label).wrapping_mul(31) ^ hash(value).rotate_left(9)
    })
}

/// FNV-1a, with its bits mixed once more.
pub(crate) fn hash(text: &str) -> u64 {
    let folded = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mixed(folded)
}

fn mixed(seed: u64) -> u64 {
    let once = (seed ^ (seed >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    twice ^ (twice >> 33)
}

/// 0 to 1.
pub(crate) fn fraction(seed: u64) -> f64 {
    (mixed(seed) >> 40) as f64 / (1u64 << 24) as f64
}

/// 0 to 1, moving smoothly: random heights every few minutes with a little noise on top.
pub(crate) fn wave(seed: u64, time: i64) -> f64 {
    let height = |period: i64| {
        let (cell, within) = (
            time.div_euclid(period),
            time.rem_euclid(period) as f64 / period as f64,
        );
        let eased = within * within * (3.0 - 2.0 * within);
        let at = |cell: i64| fraction(seed ^ mixed(cell as u64 ^ period as u64));
        at(cell) + (at(cell + 1) - at(cell)) * eased
    };
    0.65 * height(1080) + 0.25 * height(360) + 0.1 * height(90)
}
