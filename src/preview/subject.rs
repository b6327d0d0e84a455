//! What a panel is drawn from: its JSON, and the answers to its queries by name.

use super::annotations::Annotation;
use super::answers::{Axis, Series};
use super::field::Field;
use super::legend::legend;
use crate::value::Value;

/// The answer to one query of a panel.
pub(crate) struct Found {
    pub reference: String,
    /// How its series are named.
    pub legend: String,
    pub series: Vec<Series>,
}

/// One series of a panel with its name and what the configuration says of it.
pub(crate) struct Named<'a> {
    pub name: String,
    pub series: &'a Series,
    pub field: Field,
}

/// Everything that a panel is drawn from.
pub(crate) struct Subject<'a> {
    pub panel: &'a Value,
    /// The answers to its queries.
    pub found: &'a [Found],
    /// What is marked on charts.
    pub annotations: &'a [Annotation],
    pub axis: Axis,
}

impl<'a> Subject<'a> {
    /// All series in the order of the queries.
    pub(crate) fn named(&self) -> Vec<Named<'a>> {
        let panel = self.panel;
        let one = |found: &'a Found, series: &'a Series| {
            let name = legend(&found.legend, &series.labels);
            Named {
                field: Field::of(panel, &name, &found.reference),
                name,
                series,
            }
        };
        self.found
            .iter()
            .flat_map(|found| found.series.iter().map(move |series| one(found, series)))
            .collect()
    }
}
