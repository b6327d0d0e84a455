//! Grafana's variables filled in: those of the dashboard with what it opens with, its own with the time shown.

use crate::catalog::Duration;
use crate::promql::variables::{Filling, fill};
use crate::value::Value;
use std::collections::BTreeMap;

/// Name → value, and how a person reads it.
pub(crate) struct ShownVariables {
    values: BTreeMap<String, String>,
    /// `Job: All` and the like, for the head of the dashboard.
    pub shown: Vec<(String, String)>,
}

/// A dashboard's time range in seconds: `now-1h` to `now`.
pub(crate) fn seconds(dashboard: &Value) -> i64 {
    let from = dashboard["time"]["from"]
        .as_str()
        .and_then(|from| from.strip_prefix("now-"));
    from.and_then(Duration::parse)
        .map_or(3600, |range| (range.0 / 1000).max(60) as i64)
}

impl ShownVariables {
    /// The variables of a dashboard over a range in steps, in seconds; `service` is shown where it shows one service, and `chosen` wins.
    pub(crate) fn of(
        dashboard: &Value,
        (range, step): (i64, i64),
        scrape: Duration,
        service: &str,
        chosen: &BTreeMap<String, String>,
    ) -> ShownVariables {
        let scrape = (scrape.0 / 1000).max(1) as i64;
        let rate = i64::max(4 * scrape, step + scrape);
        let mut variables = ShownVariables {
            values: BTreeMap::new(),
            shown: Vec::new(),
        };
        for (name, value) in [
            ("__range", range),
            ("__interval", step),
            ("__rate_interval", rate),
        ] {
            variables
                .values
                .insert(name.to_string(), format!("{value}s"));
            variables
                .values
                .insert(format!("{name}_s"), value.to_string());
            variables
                .values
                .insert(format!("{name}_ms"), (value * 1000).to_string());
        }
        for variable in dashboard["templating"]["list"].items() {
            variables.add(variable, service, chosen);
        }
        variables
    }

    fn add(&mut self, variable: &Value, service: &str, chosen: &BTreeMap<String, String>) {
        let name = variable["name"].as_str().unwrap_or_default();
        let first = |value: &Value| {
            value[0]
                .as_str()
                .or(value.as_str())
                .unwrap_or_default()
                .to_string()
        };
        let current = first(&variable["current"]["value"]);
        let (value, text) = match chosen.get(name) {
            Some(value) => (value.clone(), value.clone()),
            None if current == "$__all" => (
                variable["allValue"].as_str().unwrap_or(".*").to_string(),
                first(&variable["current"]["text"]),
            ),
            None if ["job", "service"].contains(&name) && !service.is_empty() => {
                (service.to_string(), service.to_string())
            }
            None => (current, first(&variable["current"]["text"])),
        };
        if variable["hide"] != 2 && variable["type"] != "datasource" {
            let label = variable["label"]
                .as_str()
                .filter(|label| !label.is_empty())
                .unwrap_or(name);
            self.shown.push((label.to_string(), text));
        }
        self.values.insert(name.to_string(), value);
    }

    /// `$name`, `${name}` and `${name:format}` replaced.
    pub(crate) fn filled(&self, text: &str) -> String {
        fill(text, |variable| {
            let value = self.values.get(variable.name).cloned();
            value.map_or(Filling::Unknown, Filling::Text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn variables_are_filled_in() {
        let dashboard = json!({"time": {"from": "now-6h"}, "templating": {"list": [
            {"name": "job", "label": "Job", "allValue": ".+", "current": {"value": ["$__all"], "text": ["All"]}},
        ]}});
        let variables = ShownVariables::of(
            &dashboard,
            (seconds(&dashboard), 60),
            Duration(15_000),
            "shop",
            &BTreeMap::new(),
        );
        assert_eq!(
            variables.filled("rate(x{job=~\"$job\",i=\"${job:regex}\"}[$__rate_interval]) $other"),
            "rate(x{job=~\".+\",i=\".+\"}[75s]) $other"
        );
        assert_eq!(variables.filled("[$__range]"), "[21600s]");
        assert_eq!(variables.shown, [("Job".to_string(), "All".to_string())]);
    }
}
