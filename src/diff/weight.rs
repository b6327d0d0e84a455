//! How much a change weighs where that is a matter of degree: one place says what "much" means.

use super::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::catalog::Duration;
use crate::value::Map;

/// From this ratio on, later, rarer or looser is dangerous and not a warning. Values in use are tuned by a factor of two or
/// three (5m to 10m, 1GiB to 2GiB), which a reviewer who reads the line can judge. Four times as late is another promise to
/// the people on call, and every slip of a unit or a digit lies beyond it: seconds for minutes 60, a zero too many 10,
/// MiB for GiB 1024.
pub(crate) const MUCH: f64 = 4.0;

/// Shorter times count as this: nobody on call can tell 1s from 30s, though one is thirty times the other.
const UNFELT: Duration = Duration(30_000);

/// Of a value by which people are notified of less, or later, the larger it is.
pub(crate) fn larger(was: f64, is: f64) -> Class {
    if is <= was {
        Notice
    } else if was <= 0.0 || is / was >= MUCH {
        Dangerous
    } else {
        Warning
    }
}

/// Of a time after which people are notified, or between two evaluations or scrapes.
pub(crate) fn longer(was: Duration, is: Duration) -> Class {
    if is <= was {
        Notice
    } else {
        larger(was.max(UNFELT).seconds(), is.max(UNFELT).seconds()).min(Warning)
    }
}

/// Who is notified in other ways than before: `was` and `is` hold integrations with their settings.
pub(crate) fn elsewhere(critical: bool, was: &Map, is: &Map) -> Class {
    if was == is {
        return Notice;
    }
    if was.is_empty() {
        return Safe;
    }
    if was.keys().any(|kind| !is.contains_key(kind)) {
        return Dangerous;
    }
    if was.iter().all(|(kind, settings)| is[kind] == *settings) {
        return Safe;
    }
    if critical { Dangerous } else { Warning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Value, json};

    #[test]
    fn ratios_and_not_differences_decide() {
        let of = |was: &str, is: &str| {
            longer(Duration::parse(was).unwrap(), Duration::parse(is).unwrap())
        };
        for (was, is, class) in [
            ("5m", "30m", Dangerous),
            ("5m", "20m", Dangerous),
            ("5m", "10m", Warning),
            ("5m", "1m", Notice),
            ("30s", "9h", Dangerous),
            ("1s", "30s", Warning),
            ("0s", "1m", Warning),
            ("0s", "5m", Dangerous),
        ] {
            assert_eq!(of(was, is), class, "{was} → {is}");
        }
        assert_eq!(
            [
                larger(1.0, 8.0),
                larger(1.0, 2.0),
                larger(2.0, 1.0),
                larger(0.0, 1.0)
            ],
            [Dangerous, Warning, Notice, Dangerous]
        );
    }

    #[test]
    fn another_way_of_telling_weighs_by_what_is_lost() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let (pager, slack) = (
            map(json!({"pagerduty": {"key_file": "a"}})),
            map(json!({"slack": {"url_file": "b"}})),
        );
        let both = map(json!({"pagerduty": {"key_file": "a"}, "slack": {"url_file": "b"}}));
        let other = map(json!({"pagerduty": {"key_file": "c"}}));
        assert_eq!(elsewhere(false, &pager, &slack), Dangerous);
        assert_eq!(elsewhere(true, &pager, &pager), Notice);
        assert_eq!(elsewhere(true, &pager, &both), Safe);
        assert_eq!(elsewhere(true, &both, &pager), Dangerous);
        assert_eq!(elsewhere(false, &pager, &other), Warning);
        assert_eq!(elsewhere(true, &pager, &other), Dangerous);
        assert_eq!(elsewhere(true, &Map::new(), &pager), Safe);
    }
}
