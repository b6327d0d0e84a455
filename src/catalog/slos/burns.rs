//! How fast a budget burns before somebody is told: the pairs of ranges of Google's SRE workbook.
//!
//! https://sre.google/workbook/alerting-on-slos/, "Multiwindow, Multi-Burn-Rate Alerts", table 5-8.

use super::{Budget, quotient};
use crate::catalog::units::Duration;
use serde::Serialize;

/// A burn that is told: as much of the budget in the long range, and still going on in the short one.
pub(super) struct Spec {
    /// The key of the severity with which it is told.
    pub(super) key: &'static str,
    /// Percent of the budget of a window that it spends in the long range.
    percent: u64,
    pub(super) long: Duration,
    pub(super) short: Duration,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub(super) const BURNS: [Spec; 4] = [
    spec("page", 2, HOUR, 5 * MINUTE),
    spec("page", 5, 6 * HOUR, 30 * MINUTE),
    spec("ticket", 10, DAY, 2 * HOUR),
    spec("ticket", 10, 3 * DAY, 6 * HOUR),
];

const fn spec(key: &'static str, percent: u64, long: u64, short: u64) -> Spec {
    Spec {
        key,
        percent,
        long: Duration(long),
        short: Duration(short),
    }
}

/// One of them, for an objective.
#[derive(Clone, Debug, Serialize)]
pub struct Burn {
    /// How many times faster the budget burns than one that lasts for the whole window.
    pub factor: f64,
    /// The ratio of failures that burns it so.
    pub above: f64,
    pub long: Duration,
    pub short: Duration,
}

impl Burn {
    /// Those of one alert over a window. Another window than 30 days has other factors, so that the same share of the budget is
    /// spent; a factor below 1 never spends it, so 1 is the least. What can never be, because even if everything fails the budget
    /// burns more slowly, is left out, and so is what another one tells earlier.
    pub(super) fn all(key: &str, window: Duration, budget: &Budget) -> Vec<Burn> {
        let mut burns: Vec<Burn> = Vec::new();
        for spec in BURNS.iter().filter(|spec| spec.key == key) {
            let part = u128::from(spec.percent) * u128::from(window.0);
            let whole = 100 * u128::from(spec.long.0);
            let (part, whole) = if part < whole { (1, 1) } else { (part, whole) };
            let burn = Burn {
                factor: quotient(part, whole),
                above: budget.times(part, whole),
                long: spec.long,
                short: spec.short,
            };
            let told = burns.iter().any(|known| known.factor <= burn.factor);
            if !told && burn.above < 1.0 && burn.long <= window {
                burns.push(burn);
            }
        }
        burns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(key: &str, days: u64, objective: f64) -> Vec<(f64, f64, String)> {
        Burn::all(key, Duration(days * DAY), &Budget::of(objective))
            .into_iter()
            .map(|burn| (burn.factor, burn.above, burn.long.to_string()))
            .collect()
    }

    #[test]
    fn the_factors_are_those_of_the_workbook() {
        let hours = |factor, above, long: &str| (factor, above, long.to_string());
        assert_eq!(
            told("page", 30, 99.9),
            [hours(14.4, 0.0144, "1h"), hours(6.0, 0.006, "6h")]
        );
        assert_eq!(
            told("ticket", 30, 99.9),
            [hours(3.0, 0.003, "1d"), hours(1.0, 0.001, "3d")]
        );
    }

    #[test]
    fn another_window_spends_the_same_share() {
        let factors = |key, days, objective| -> Vec<f64> {
            told(key, days, objective)
                .into_iter()
                .map(|(factor, ..)| factor)
                .collect()
        };
        assert_eq!(factors("page", 28, 99.9), [13.44, 5.6]);
        // 28/30 would never spend the budget.
        assert_eq!(factors("ticket", 28, 99.9), [2.8, 1.0]);
        assert_eq!(factors("ticket", 90, 99.9), [9.0, 3.0]);
        // Three days are told by one.
        assert_eq!(factors("ticket", 7, 99.9), [1.0]);
        // Of 90 % even an outage burns the budget ten times as fast, and no more.
        assert_eq!(factors("page", 30, 90.0), [6.0]);
        assert!(factors("page", 30, 80.0).is_empty());
    }
}
