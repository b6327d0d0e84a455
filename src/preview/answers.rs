//! Who answers a panel's queries.

use std::collections::BTreeMap;

/// A label's name → its value; `__name__` is the metric.
pub(crate) type Labels = BTreeMap<String, String>;

/// One line: as many values as its axis has instants; NaN where there is no sample.
#[derive(Clone, Debug)]
pub struct Series {
    /// What tells it from others.
    pub labels: Labels,
    /// In the order of the axis.
    pub values: Vec<f64>,
}

impl Series {
    /// The last value that there is.
    pub(crate) fn last(&self) -> Option<f64> {
        let mut latest = self.values.iter().rev().copied();
        latest.find(|value| !value.is_nan())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Unix time of the last instant, in seconds.
    pub end: i64,
    pub step: i64,
    pub count: usize,
}

impl Axis {
    /// Unix time of an instant, in seconds.
    pub(crate) fn at(&self, index: usize) -> i64 {
        self.end - (self.count - 1 - index) as i64 * self.step
    }
}

/// Whoever answers a panel's queries; a refusal is a sentence.
pub trait Answers {
    /// The time that is "now", in Unix seconds.
    fn now(&self) -> i64;
    /// The values of an expression at every instant of an axis that ends now.
    fn range(&self, expression: &str, axis: &Axis) -> Result<Vec<Series>, String>;
    /// Its values now; each series has one.
    fn instant(&self, expression: &str) -> Result<Vec<Series>, String>;
    /// The seconds to show, instead of those that a dashboard opens with.
    fn span(&self) -> Option<i64> {
        None
    }
    /// Where a reader asks the same over so many seconds; empty: nowhere.
    fn link(&self, _expression: &str, _seconds: i64) -> String {
        String::new()
    }
}
