//! Grafana's variables in an expression, each filled with a value that it can have.

use super::files::Files;
use crate::catalog::Duration;
use crate::promql::variables::{Filling, fill};
use crate::value::Value;
use std::collections::BTreeMap;

/// What a variable of a dashboard asks for; Grafana writes it as text, or as a table with it.
pub(crate) fn query(variable: &Value) -> Option<&str> {
    let query = &variable["query"];
    query.as_str().or(query["query"].as_str())
}

/// The label whose values a variable of a dashboard offers.
pub(crate) fn listed_label(variable: &Value) -> Option<&str> {
    let inside = query(variable)?
        .strip_prefix("label_values(")?
        .strip_suffix(')')?;
    Some(
        inside
            .rsplit_once(',')
            .map_or(inside, |(_, label)| label)
            .trim(),
    )
}

/// Name → value.
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    /// Whether nobody here has chosen them: what is saved with an own dashboard was chosen where it comes from.
    own: bool,
}

impl Variables {
    /// Grafana's own and those of the dashboard; the datasources among the files say how often is scraped.
    pub(super) fn of(dashboard: &Value, own: bool, files: Files) -> Variables {
        let scrape = files.scrape_interval().unwrap_or(Duration(15_000));
        let mut variables = BTreeMap::from([
            (
                "__rate_interval".to_string(),
                Duration(scrape.0 * 4).to_string(),
            ),
            ("__interval".to_string(), scrape.to_string()),
            ("__interval_ms".to_string(), scrape.0.to_string()),
            ("__range".to_string(), "1h".to_string()),
            ("__range_s".to_string(), "3600".to_string()),
            ("__range_ms".to_string(), "3600000".to_string()),
            ("__from".to_string(), "1735689600000".to_string()),
            ("__to".to_string(), "1735693200000".to_string()),
        ]);
        for variable in dashboard["templating"]["list"].items() {
            let value = variable["allValue"]
                .as_str()
                .or(variable["current"]["value"]
                    .as_str()
                    .filter(|_| !(own && variable["type"] == "query")))
                // The choice of everything, where nothing says what that is.
                .filter(|value| *value != "$__all")
                .unwrap_or(".+");
            variables.insert(
                variable["name"].as_str().unwrap_or_default().to_string(),
                value.to_string(),
            );
        }
        Variables {
            values: variables,
            own,
        }
    }

    /// The text with `$name`, `${name}` and `${name:format}` filled in; the name of the first that is not defined. one_each: whether
    /// what asks is repeated, for each value of a variable.
    pub(super) fn fill(&self, text: &str, one_each: bool) -> (String, Option<String>) {
        let mut unknown = None;
        let filled = fill(text, |variable| match self.values.get(variable.name) {
            Some(value) => Filling::Text(value.clone()),
            None => {
                unknown.get_or_insert(variable.name.to_string());
                Filling::Unknown
            }
        });
        // A variable that stands for everything is `=~".+"`, which is `!=""` without a regular expression to build each time.
        let filled = filled.replace("=~\".+\"", "!=\"\"");
        // And where one is chosen of what is there, it is one of those.
        let filled = match self.own || one_each {
            true => one_of_all(&filled),
            false => filled,
        };
        (filled, unknown)
    }
}

/// `="…"` of a variable that stands for everything.
fn one_of_all(text: &str) -> String {
    let mut parts = text.split("=\".+\"");
    let mut whole = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let how = match whole.ends_with('!') {
            true => "=\".+\"",
            false => "!=\"\"",
        };
        whole += how;
        whole += part;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_variable_ends_where_its_name_ends() {
        let list = json!({"templating": {"list": [{"name": "job", "allValue": ".+"}, {"name": "service", "current": {"value": "planner"}}]}});
        let variables = Variables::of(&list, false, Files::of(&[]));
        let filled = |text| variables.fill(text, false);
        assert_eq!(
            filled("up{job=~\"$job\", a=\"${service:regex}\"}"),
            ("up{job!=\"\", a=\"planner\"}".into(), None)
        );
        assert_eq!(
            filled("rate(x[$__rate_interval])"),
            ("rate(x[1m])".into(), None)
        );
        assert_eq!(
            filled("up{job=\"$jobs\"}"),
            ("up{job=\"$jobs\"}".into(), Some("jobs".into()))
        );
        assert_eq!(filled("up{a=~\"b$\"}"), ("up{a=~\"b$\"}".into(), None));
        let own = json!({"templating": {"list": [{"name": "node", "type": "query", "current": {"value": "theirs:9100"}}]}});
        let variables = Variables::of(&own, true, Files::of(&[]));
        assert_eq!(
            variables.fill("up{instance=\"$node\", a!=\".+\"}", false),
            ("up{instance!=\"\", a!=\".+\"}".into(), None)
        );
    }
}
