//! Series on a time axis.

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
