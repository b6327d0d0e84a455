//! A part of PromQL evaluated over whole columns at once: every node gives its values at every instant of one axis.
//! What it does not know it refuses with a sentence.

mod aggregate;
mod binary;
mod call;
mod series;
mod window;

use super::{AtModifier, Expr, Offset, VectorSelector};
pub(crate) use series::{Axis, Labels, Series};
use std::collections::HashMap;
use std::time::UNIX_EPOCH;

pub(crate) enum Outcome {
    /// A number for every instant.
    Scalar(Vec<f64>),
    Vector(Vec<Series>),
    Text,
}

/// Where selectors find their series.
pub(crate) type Select<'a> = &'a dyn Fn(&VectorSelector) -> Result<Vec<Series>, String>;

#[derive(Clone, Copy)]
pub(crate) struct Evaluation<'a> {
    /// The instants of every column.
    pub axis: Axis,
    /// The first instant whose value is asked for; windows before it are left out.
    pub from: usize,
    /// The first instant that is shown: `@ start()`.
    pub shown: usize,
    /// Seconds between samples as Prometheus would have them; the axis may be coarser.
    pub interval: i64,
    pub select: Select<'a>,
}

impl Evaluation<'_> {
    /// Evaluates an expression to series; a number becomes one series without labels.
    pub(crate) fn vector(&self, expr: &Expr) -> Result<Vec<Series>, String> {
        match self.outcome(expr)? {
            Outcome::Vector(series) => Ok(series),
            Outcome::Scalar(values) => Ok(vec![Series {
                labels: Labels::new(),
                values,
            }]),
            Outcome::Text => Err("a string is not a series".to_string()),
        }
    }

    fn outcome(&self, expr: &Expr) -> Result<Outcome, String> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Outcome::Scalar(vec![number.val; self.axis.count])),
            Expr::StringLiteral(_) => Ok(Outcome::Text),
            Expr::Paren(paren) => self.outcome(&paren.expr),
            Expr::Unary(unary) => Ok(match self.outcome(&unary.expr)? {
                Outcome::Scalar(values) => {
                    Outcome::Scalar(values.into_iter().map(|value| -value).collect())
                }
                Outcome::Vector(series) => Outcome::Vector(each(series, |value| -value)),
                Outcome::Text => return Err("a string has no sign".to_string()),
            }),
            Expr::VectorSelector(selector) => {
                let moved = self.moved((self.select)(selector)?, selector.offset.as_ref());
                Ok(Outcome::Vector(self.pinned(moved, selector.at.as_ref())?))
            }
            Expr::Aggregate(aggregate) => {
                aggregate::aggregated(self, aggregate).map(Outcome::Vector)
            }
            Expr::Binary(binary) => binary::combined(self, binary),
            Expr::Call(call) => call::evaluate_call(self, call),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err("a range is only evaluated inside a function".to_string())
            }
            Expr::Extension(_) => Err("this syntax is not simulated".to_string()),
        }
    }

    fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, String> {
        match self.outcome(expr)? {
            Outcome::Scalar(values) => Ok(values),
            _ => Err(format!("`{expr}` is not a number")),
        }
    }

    fn moved(&self, series: Vec<Series>, offset: Option<&Offset>) -> Vec<Series> {
        let steps = |seconds: u64| seconds.div_ceil(self.axis.step as u64) as usize;
        let (later, earlier) = match offset {
            Some(Offset::Pos(by)) => (steps(by.as_secs()), 0),
            Some(Offset::Neg(by)) => (0, steps(by.as_secs())),
            None => return series,
        };
        let count = self.axis.count;
        let at = |values: &[f64], index: usize| {
            (index + earlier)
                .checked_sub(later)
                .and_then(|from| values.get(from))
                .copied()
                .unwrap_or(f64::NAN)
        };
        series
            .into_iter()
            .map(|series| Series {
                values: (0..count).map(|index| at(&series.values, index)).collect(),
                ..series
            })
            .collect()
    }

    /// The instant that `@` names.
    fn pin(&self, at: &AtModifier) -> Result<usize, String> {
        match at {
            AtModifier::End => Ok(self.axis.count - 1),
            AtModifier::Start => Ok(self.shown),
            AtModifier::At(time) => {
                let seconds = time
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs() as i64);
                (0..self.axis.count)
                    .rfind(|index| self.axis.at(*index) <= seconds)
                    .ok_or_else(|| "`@` names a time that is not simulated".to_string())
            }
        }
    }

    /// The value at one instant, at all of them.
    fn pinned(&self, series: Vec<Series>, at: Option<&AtModifier>) -> Result<Vec<Series>, String> {
        let Some(at) = at else { return Ok(series) };
        let index = self.pin(at)?;
        Ok(series
            .into_iter()
            .map(|series| Series {
                values: vec![series.values[index]; self.axis.count],
                ..series
            })
            .collect())
    }
}

/// A function of each value; the result is no longer the metric.
fn each(series: Vec<Series>, function: impl Fn(f64) -> f64) -> Vec<Series> {
    series
        .into_iter()
        .map(|series| {
            unnamed(Series {
                values: series.values.into_iter().map(&function).collect(),
                ..series
            })
        })
        .collect()
}

fn unnamed(mut series: Series) -> Series {
    series.labels.remove("__name__");
    series
}

/// One series for each set of labels: where several have a value at one instant, the first wins.
pub(crate) fn coalesced(all: Vec<Series>) -> Vec<Series> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut merged: Vec<Series> = Vec::new();
    for series in all {
        match places.get(&series.labels) {
            Some(place) => {
                let known = &mut merged[*place].values;
                known
                    .iter_mut()
                    .zip(series.values)
                    .filter(|(own, _)| own.is_nan())
                    .for_each(|(own, value)| *own = value);
            }
            None => {
                places.insert(series.labels.clone(), merged.len());
                merged.push(series);
            }
        }
    }
    merged.retain(|series| series.values.iter().any(|value| !value.is_nan()));
    merged
}
