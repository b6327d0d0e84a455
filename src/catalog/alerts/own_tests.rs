//! The tests that the catalog brings for an expression of its own: an alert's, a recording rule's.

use super::Alert;
use crate::catalog::units::Duration;
use crate::value::{Map, Value};

/// What a test expects an alert to fire for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected<'a> {
    /// A service or a group.
    Named(&'a str),
    /// With these labels.
    Labelled(&'a Map),
    /// The platform.
    Whole,
}

/// One entry of `tests`.
pub struct OwnTest<'a> {
    /// Where it is written, as a JSON pointer.
    pub pointer: String,
    pub name: &'a str,
    /// When the alert is looked at.
    pub at: Duration,
    /// Between samples.
    pub every: Duration,
    /// What an alert is to fire for, in the order in which it is written.
    pub fires: Vec<Expected<'a>>,
    written: &'a Value,
}

/// Between samples of a test that does not say: the schema's default.
const EVERY: Duration = Duration(60_000);

impl<'a> OwnTest<'a> {
    /// Each series with its values, both as written.
    pub fn series(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.written["series"]
            .entries()
            .map(|(series, values)| (series.as_str(), values.as_str().unwrap_or_default()))
    }

    pub(crate) fn title(&self, rule: &str) -> String {
        format!("{rule}: {}", self.name)
    }
}

impl Alert {
    /// Its own tests, in their order; none for kinds that generate theirs.
    pub fn tests(&self) -> Vec<OwnTest<'_>> {
        let written = self.settings.get("tests").and_then(Value::as_array);
        own_tests(
            &format!("/alerts/{}/tests", self.name),
            written.map_or(&[], Vec::as_slice),
        )
    }
}

fn expected(fires: &Value) -> Vec<Expected<'_>> {
    match fires {
        Value::Bool(true) => vec![Expected::Whole],
        Value::Array(all) => all
            .iter()
            .filter_map(|one| match one {
                Value::String(name) => Some(Expected::Named(name)),
                Value::Object(labels) => Some(Expected::Labelled(labels)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Tests as they are written below a pointer.
pub fn own_tests<'a>(pointer: &str, written: &'a [Value]) -> Vec<OwnTest<'a>> {
    let duration = |value: &Value| value.as_str().and_then(Duration::parse);
    let one = |(index, written): (usize, &'a Value)| OwnTest {
        pointer: format!("{pointer}/{index}"),
        name: written["name"].as_str().unwrap_or_default(),
        at: duration(&written["at"]).unwrap_or_default(),
        every: duration(&written["every"]).unwrap_or(EVERY),
        fires: expected(&written["fires"]),
        written,
    };
    written.iter().enumerate().map(one).collect()
}
