//! One node of an expression, with what is known of it.

use super::series::SeriesSet;
use super::values::{Bounds, Unit};
use crate::promql::{Expr, ValueType};

/// One node of an expression.
pub struct Node<'a> {
    pub expr: &'a Expr,
    /// What it can return; empty for scalars and strings, and for vectors that are always empty.
    pub series: Vec<SeriesSet>,
    /// Indices of its operands in the list of nodes, before its own.
    pub operands: Vec<usize>,
    /// What its values measure, where that is known.
    pub(crate) unit: Option<Unit>,
    /// Between what its values are, where that is known.
    pub(crate) bounds: Option<Bounds>,
}

impl Node<'_> {
    /// Whether it is a vector that can never hold anything.
    pub(crate) fn empty(&self) -> bool {
        self.vector() && self.series.is_empty()
    }

    /// Whether it is a vector of any sort.
    pub(crate) fn vector(&self) -> bool {
        matches!(
            self.expr.value_type(),
            ValueType::Vector | ValueType::Matrix
        )
    }
}
