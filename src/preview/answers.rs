//! Who answers a panel's queries.

pub(crate) use crate::promql::evaluate::{Axis, Labels, Series};

/// Whoever answers a panel's queries; a refusal is a sentence.
pub trait Answers {
    /// The time that is "now", in Unix seconds.
    fn now(&self) -> i64;
    /// The values of an expression at every instant of an axis that ends now.
    fn range(&self, expression: &str, axis: &Axis) -> Result<Vec<Series>, String>;
    /// Its values now; each series has one.
    fn instant(&self, expression: &str) -> Result<Vec<Series>, String>;
}
