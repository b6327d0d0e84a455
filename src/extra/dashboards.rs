//! Own dashboards: what Grafana asks of whoever imports one is answered by the catalog.

use super::{Own, Sort};
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::json::{self, Parts};
use serde_json::Value;
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
            map.shift_remove("__inputs");
            map.shift_remove("__requires");
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
