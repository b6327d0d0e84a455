//! A threshold that is written as a time is compared with a time.

use super::Lint;
use crate::catalog::units::Quantity;
use crate::catalog::{Alert, Catalog, Duration};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "time-in-another-unit",
    doc: "A threshold of `5m` is 300 seconds, or 300000 of what is in milliseconds. Where what it is compared with is a number of something else, it means nothing.",
    bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_length\"\nabove = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.queue_age_seconds]\ntype = \"gauge\"\nhelp = \"Age of the oldest job that waits\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_age_seconds\"\nabove = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| misplaced(catalog, source, &[Quantity::Time], "time-in-another-unit"),
};

/// Thresholds in quotes whose metric is in a unit that they cannot be in.
pub(super) fn misplaced(
    catalog: &Catalog,
    source: &Source,
    wanted: &[Quantity],
    code: &'static str,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let alerts = catalog.written_alerts().filter(|alert| alert.slo.is_none());
    for alert in alerts {
        let Some(key) = alert.threshold.as_deref() else {
            continue;
        };
        let own = step(alert.written_name());
        let services = source.value["services"].entries();
        let tables = services
            .filter(|(_, service)| !service["alerts"].is_null())
            .map(|(name, _)| format!("/services/{}", step(name)));
        let places = std::iter::once(String::new()).chain(tables);
        for place in places.map(|table| format!("{table}/alerts/{own}/{key}")) {
            for (pointer, text) in texts(source, place) {
                let quantity = Quantity::of(text).filter(|one| wanted.contains(one));
                let fits = |quantity: &Quantity| {
                    let unit = alert.unit.as_deref();
                    unit.is_some_and(|unit| quantity.units().contains(&unit))
                };
                if let Some(quantity) = quantity.filter(|one| !fits(one)) {
                    found.push(said(
                        (code, catalog),
                        (alert, key),
                        (pointer, text),
                        quantity,
                    ));
                }
            }
        }
    }
    found
}

/// What is written as text in one place, or there for each level.
fn texts(source: &Source, pointer: String) -> Vec<(String, &str)> {
    match source.value.pointer(&pointer) {
        Some(Value::String(text)) => vec![(pointer, text)],
        Some(Value::Object(levels)) => levels
            .iter()
            .filter_map(|(level, text)| {
                Some((format!("{pointer}/{}", step(level)), text.as_str()?))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What the end of a name says its values are in, where that is no unit for a time in a catalog, and how many are a second.
fn of_name(metric: &str) -> Option<(&'static str, f64)> {
    let units = [
        ("_millis", "milliseconds", 1e3),
        ("_ms", "milliseconds", 1e3),
        ("_nanoseconds", "nanoseconds", 1e9),
        ("_minutes", "minutes", 1.0 / 60.0),
    ];
    let mut units = units.into_iter();
    let (_, unit, per) = units.find(|(end, ..)| metric.ends_with(end))?;
    Some((unit, per))
}

fn said(
    (code, catalog): (&'static str, &Catalog),
    (alert, key): (&Alert, &str),
    (pointer, text): (String, &str),
    quantity: Quantity,
) -> Diagnostic {
    let of = alert.kind.says(key, "unit_of");
    let metric = of.and_then(|of| alert.settings.get(of.as_str()?)?.as_str());
    let what = metric.map_or("what it compares".to_string(), |metric| {
        format!("`{metric}`")
    });
    let (is, help) = match (alert.unit.as_deref(), metric) {
        (Some("ratio"), _) => (
            "is a ratio".to_string(),
            "write a ratio, as in `0.05` or `\"5%\"`".to_string(),
        ),
        (Some(unit), _) => {
            let also = match unit {
                "seconds" | "milliseconds" | "microseconds" | "minutes" => {
                    ", or a time, as in `\"90s\"`"
                }
                "bytes" | "kilobytes" | "megabytes" => ", or a size, as in `\"10GiB\"`",
                "percent" => ", or a percentage, as in `\"90%\"`",
                _ => "",
            };
            (
                format!("is in {unit}"),
                format!("write a number of {unit}{also}"),
            )
        }
        // What is a name for people is none for the catalog, until it says so.
        (None, Some(metric)) if let Some((unit, per)) = of_name(metric) => {
            let number = Duration::parse(text).map(|time| time.seconds() * per);
            let number = number.map_or(String::new(), |number| format!(", here {number}"));
            (
                format!("is in {unit} by its name"),
                format!("write a number of {unit}{number}"),
            )
        }
        (None, Some(metric)) if catalog.rules.iter().any(|rule| rule.name == metric) => (
            "has no unit that its rule's expression or its name says".to_string(),
            format!(
                "write a number, or say of the rule what it records, as in `unit = \"{}\"`",
                quantity.units()[0]
            ),
        ),
        (None, Some(_)) => {
            let units: Vec<String> = quantity
                .units()
                .iter()
                .take(2)
                .map(|unit| format!("`unit = \"{unit}\"`"))
                .collect();
            (
                "has no unit that the catalog knows".to_string(),
                format!(
                    "write a number, or say of the metric {}",
                    units.join(" or ")
                ),
            )
        }
        (None, None) => ("has no unit".to_string(), "write a number".to_string()),
    };
    let message = format!(
        "`{key}` is the {} `{text}`, and {what} {is}",
        quantity.word()
    );
    Diagnostic::error(code, Place::Value(pointer), message).help(help)
}
