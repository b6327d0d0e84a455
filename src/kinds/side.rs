//! The threshold of a kind: which key it is written as, and on which side of it an alert fires.

use super::Kind;
use serde::{Deserialize, Serialize};

/// On which side of its threshold an alert fires.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// When what it compares is larger.
    #[default]
    Above,
    /// When what it compares is smaller.
    Below,
}

impl Side {
    /// As people and keys say it.
    pub(crate) fn word(self) -> &'static str {
        self.word_of(false)
    }

    /// The same; `includes`: the alert fires at its threshold too.
    pub fn word_of(self, includes: bool) -> &'static str {
        match (self, includes) {
            (Side::Above, false) => "above",
            (Side::Below, false) => "below",
            (Side::Above, true) => "at least",
            (Side::Below, true) => "at most",
        }
    }

    /// Whether `value` is further on this side than `threshold`: an alert with it as its threshold fires later.
    pub fn beyond(self, value: f64, threshold: f64) -> bool {
        match self {
            Side::Above => value > threshold,
            Side::Below => value < threshold,
        }
    }
}

impl Kind {
    /// The keys that a threshold can be written as, with their sides; of several, an alert has exactly one.
    pub(crate) fn thresholds(&self) -> impl Iterator<Item = (&str, Side)> {
        self.keys.iter().filter_map(|(key, said)| {
            let side = match key.as_str() {
                "above" => Side::Above,
                "below" => Side::Below,
                _ => Side::deserialize(said.get("side")?).ok()?,
            };
            Some((key.as_str(), side))
        })
    }
}
