//! Own dashboards: what Grafana asks of whoever imports one is answered by the catalog.

use super::{Own, OwnFile, Sort};
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::Diagnostic;
use crate::json;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Fills in the inputs of dashboards that were exported to be shared: nobody is asked for them when a file is provisioned.
pub(super) fn fill(own: &mut Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in &mut own.files {
        if file.sort != Sort::Dashboard {
            continue;
        }
        if file.value.get("panels").is_none() && file.value["dashboard"].is_object() {
            found.push(file.error(
                "/dashboard",
                format!(
                    "{} has its dashboard inside of `dashboard`, as Grafana's API answers",
                    file.source
                ),
                "keep what is inside of `dashboard` alone",
            ));
            continue;
        }
        let of_another = file.value["id"].is_number();
        if file.value["__inputs"].items().next().is_none() && !of_another {
            continue;
        }
        let mut answers = HashMap::new();
        for (index, input) in file.value["__inputs"].items().enumerate() {
            let name = input["name"].as_str().unwrap_or_default();
            let answer = match (input["type"].as_str(), input["pluginId"].as_str()) {
                (Some("datasource"), Some("prometheus")) => {
                    Some(catalog.grafana.datasource_uid.clone())
                }
                (Some("constant"), _) => Some(json::plain(&input["value"])),
                _ => None,
            };
            match answer {
                Some(answer) => drop(answers.insert(format!("${{{name}}}"), answer)),
                None => found.push(file.error(
                    &format!("/__inputs/{index}"),
                    format!(
                        "the input `{name}` is neither a data source of Prometheus nor a constant"
                    ),
                    "write its value into the dashboard, and remove the input",
                )),
            }
        }
        let mut value = (*file.value).clone();
        if let Some(map) = value.as_object_mut() {
            map.remove("__inputs");
            map.remove("__requires");
            // The number is that of the Grafana which it was exported from.
            map.insert("id".to_string(), Value::Null);
        }
        replace(&mut value, &answers);
        file.filled = Some(json::print(&value));
        file.value = Arc::new(value);
    }
    found
}

fn replace(value: &mut Value, answers: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            for (hole, answer) in answers {
                if text.contains(hole) {
                    *text = text.replace(hole, answer);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, answers)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, answers)),
        _ => {}
    }
}

/// What Grafana cannot show as dashboards say it.
pub(super) fn unshown(own: &Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let all = own.of(Sort::Dashboard);
    all.flat_map(|(_, file)| shown(file, catalog)).collect()
}

/// Columns of a dashboard.
const COLUMNS: u64 = 24;

/// Grafana asks no more often, unless it is told to.
const FASTEST: Duration = Duration(5_000);

/// What a dashboard asks of the screen, of the time and of its variables that Grafana cannot show.
fn shown(file: &OwnFile, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, panel) in file.value["panels"].items().enumerate() {
        let grid = |key: &str| panel["gridPos"][key].as_u64().unwrap_or(0);
        if grid("x") + grid("w") > COLUMNS {
            let message = format!(
                "`{}` reaches to column {}, and a dashboard has {COLUMNS}: Grafana puts it elsewhere",
                panel["title"].as_str().unwrap_or_default(),
                grid("x") + grid("w")
            );
            let pointer = format!("/panels/{index}/gridPos/w");
            found.push(file.error(&pointer, message, "make it narrower"));
        }
    }
    let refresh = file.value["refresh"].as_str().unwrap_or_default();
    if let Some(every) =
        Duration::parse(refresh).filter(|every| *every > Duration(0) && *every < FASTEST)
    {
        let message =
            format!("it is to refresh every {every}, and Grafana takes no less than {FASTEST}");
        found.push(file.error("/refresh", message, "write `30s`, or longer"));
    }
    let from = file.value["time"]["from"].as_str().unwrap_or_default();
    let ago = from.strip_prefix("now-").and_then(Duration::parse);
    let kept = catalog.prometheus.retention;
    if let Some(ago) = ago.filter(|ago| *ago > kept && catalog.prometheus.remote_write.is_empty()) {
        let message =
            format!("it opens at {ago} ago, and Prometheus keeps {kept}: most of it is empty");
        found.push(file.error(
            "/time/from",
            message,
            "begin later, or raise `retention` in [prometheus]",
        ));
    }
    for (index, variable) in file.value["templating"]["list"].items().enumerate() {
        let asks = variable["type"] == "query" && variable["refresh"] == 0;
        if asks && variable["options"].items().next().is_none() {
            let message = format!(
                "the variable `{}` is never asked for (`refresh` is 0), and has no values of its own",
                variable["name"].as_str().unwrap_or_default()
            );
            let pointer = format!("/templating/list/{index}/refresh");
            found.push(file.error(
                &pointer,
                message,
                "write `\"refresh\": 1`: it is asked for when the dashboard is opened",
            ));
        }
    }
    found
}
