//! What a panel is drawn from: its JSON, and the answers to its queries by name.

use super::annotations::Annotation;
use super::answers::{Axis, Labels, Series};
use super::field::Field;
use serde_json::Value;

/// The answer to one query of a panel.
pub struct Found {
    pub reference: String,
    /// How its series are named.
    pub legend: String,
    pub series: Vec<Series>,
}

/// One series of a panel with its name and what the configuration says of it.
pub struct Named<'a> {
    pub name: String,
    pub series: &'a Series,
    pub field: Field,
}

/// Everything that a panel is drawn from.
pub struct Subject<'a> {
    /// The panel's JSON.
    pub panel: &'a Value,
    /// The answers to its queries.
    pub found: &'a [Found],
    /// What is marked on charts.
    pub annotations: &'a [Annotation],
    pub axis: Axis,
}

impl<'a> Subject<'a> {
    /// All series in the order of the queries.
    pub fn named(&self) -> Vec<Named<'a>> {
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

/// The legend of a series: `{{label}}` filled in; without a legend its labels.
pub fn legend(format: &str, labels: &Labels) -> String {
    if format.is_empty() || format == "__auto" {
        let own: Vec<String> = labels
            .iter()
            .filter(|(label, _)| label.as_str() != "__name__")
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        return format!(
            "{}{{{}}}",
            labels.get("__name__").map_or("", String::as_str),
            own.join(", ")
        );
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((label, after)) = behind.split_once("}}") else {
            break;
        };
        out.push_str(before);
        out.push_str(labels.get(label.trim()).map_or("", String::as_str));
        rest = after;
    }
    (out + rest).trim().to_string()
}
