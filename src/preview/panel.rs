//! What one panel shows: its queries asked, and drawn as its type says.

use super::body::Body;
use super::field::Field;
use super::maker::{Maker, Shown};
use super::subject::{Found, Subject};
use super::{stat, table, timeline, timeseries};
use crate::value::Value;

impl Maker<'_> {
    /// The body of a panel, and its queries as they were asked.
    pub(super) fn body(&self, panel: &Value, shown: &Shown) -> (Body, Vec<String>) {
        let (mut found, mut queries, mut refused) = (Vec::new(), Vec::new(), None);
        let asked = panel["targets"].items();
        for target in asked.filter(|target| target["hide"] != true) {
            let Some(written) = target["expr"].as_str() else {
                continue;
            };
            let expression = shown.variables.filled(written);
            match self.answer(target, &expression, shown) {
                Ok(answer) => found.push(answer),
                Err(reason) => refused = Some(reason),
            }
            queries.push(expression);
        }
        if let Some(reason) = refused {
            return (Body::Refused { reason }, queries);
        }
        let subject = Subject {
            panel,
            found: &found,
            annotations: shown.annotations,
            axis: shown.axis,
        };
        let body = drawn(&subject, shown).unwrap_or_else(|| {
            let field = Field::of(panel, "", "");
            let no_value = field.get("/noValue").as_str();
            Body::Empty {
                text: field.missing().text,
                expected: no_value.is_some_and(|text| !text.is_empty()),
            }
        });
        (body, queries)
    }

    fn answer(&self, target: &Value, expression: &str, shown: &Shown) -> Result<Found, String> {
        let text = |key: &str| target[key].as_str().unwrap_or_default().to_string();
        let answer = if target["instant"] == true {
            self.answers.instant(expression)
        } else {
            self.answers.range(expression, &shown.axis)
        };
        let series = answer.map_err(|reason| {
            let first = reason.lines().next().unwrap_or_default();
            format!("query {}: {first}", text("refId"))
        })?;
        Ok(Found {
            reference: text("refId"),
            legend: text("legendFormat"),
            series,
        })
    }
}

/// None: there is nothing to draw.
fn drawn(subject: &Subject, shown: &Shown) -> Option<Body> {
    let panel = subject.panel;
    match panel["type"].as_str().unwrap_or_default() {
        "stat" => stat::tiles(subject),
        "bargauge" | "gauge" => stat::bars(subject),
        "timeseries" | "graph" => timeseries::lines(subject),
        "state-timeline" | "status-history" => timeline::timeline(subject),
        "table" => table::table(subject),
        "text" => {
            let content = panel["options"]["content"].as_str().unwrap_or_default();
            let text = shown.variables.filled(content);
            Some(Body::Text { text })
        }
        other => Some(Body::Refused {
            reason: format!("panels of type `{other}` are not drawn here"),
        }),
    }
}
