//! The rows, panels and variables of a dashboard, and how it is laid out.

use super::{Item, ItemKind, list, rest, without};
use crate::json::plain;
use crate::value::{Map, Value, json};
use std::collections::HashMap;

pub(crate) fn dashboard(value: &Value) -> Vec<Item> {
    let mut found = Vec::new();
    let mut layout = Map::new();
    let panels = crate::stack::dashboards::panels(value);
    let title = |panel: &Value| panel["title"].as_str().unwrap_or_default().to_string();
    let mut titles: HashMap<String, usize> = HashMap::new();
    let is_row = |panel: &Value| panel["type"] == "row";
    panels
        .iter()
        .filter(|(_, panel)| !is_row(panel))
        .for_each(|(_, panel)| *titles.entry(title(panel)).or_default() += 1);
    let mut row = String::new();
    for (pointer, panel) in panels {
        let mut name = format!("\"{}\"", title(panel));
        let kind = if is_row(panel) {
            ItemKind::Row
        } else {
            ItemKind::Panel
        };
        match kind {
            ItemKind::Row => row = title(panel),
            // Of those with one title, each has its row; two in one row are numbered.
            _ if titles[&title(panel)] > 1 && !row.is_empty() => name += &format!(" in \"{row}\""),
            _ => {}
        }
        layout.insert(
            format!("{name} {}", layout.len()),
            json!([panel["gridPos"], panel["id"]]),
        );
        let mut kept = without(panel, &["title", "gridPos", "id", "panels"]);
        if let Some(targets) = panel["targets"].as_array() {
            kept["targets"] = named_targets(panel, targets);
        }
        thresholds(&mut kept);
        found.push(Item {
            kind,
            name,
            pointer,
            value: kept,
        });
    }
    let pointer = "/panels".to_string();
    found.push(Item {
        kind: ItemKind::Layout,
        name: "panels".to_string(),
        pointer,
        value: Value::Object(layout),
    });
    let variables = list(&value["templating"], "list", "name", ItemKind::Variable);
    found.extend(variables.into_iter().map(|item| Item {
        pointer: format!("/templating{}", item.pointer),
        ..item
    }));
    found.extend(rest(value, &["panels", "templating"]));
    found
}

/// Queries by what their lines are called, whatever their order; by their letters where the panel speaks of those.
fn named_targets(panel: &Value, targets: &[Value]) -> Value {
    let around = format!(
        "{} {}",
        panel["fieldConfig"]["overrides"], panel["transformations"]
    );
    let legends = targets
        .iter()
        .all(|target| target["legendFormat"].is_string())
        && !around.contains("RefID")
        && !around.contains('#');
    let mut named = Map::new();
    for (index, target) in targets.iter().enumerate() {
        let name = target[if legends { "legendFormat" } else { "refId" }]
            .as_str()
            .map_or_else(|| index.to_string(), str::to_string);
        // Lines of one name stay in their order.
        let count = (2..).map(|count| format!("{name} ({count})"));
        let free = std::iter::once(name.clone())
            .chain(count)
            .find(|name| !named.contains_key(name));
        named.insert(free.unwrap_or(name), without(target, &["refId"]));
    }
    Value::Object(named)
}

/// Thresholds as one text, "green, red from 0.1"; that the axis reaches them is not a difference of its own.
fn thresholds(panel: &mut Value) {
    let Some(defaults) = panel["fieldConfig"]["defaults"].as_object_mut() else {
        return;
    };
    let Some(steps) = defaults
        .get("thresholds")
        .and_then(|thresholds| thresholds["steps"].as_array())
    else {
        return;
    };
    let from = |step: &Value| {
        step["value"]
            .as_f64()
            .map(|value| format!(" from {value}"))
            .unwrap_or_default()
    };
    let text = steps
        .iter()
        .map(|step| format!("{}{}", plain(&step["color"]), from(step)))
        .collect::<Vec<_>>()
        .join(", ");
    let highest = steps
        .iter()
        .filter_map(|step| step["value"].as_f64())
        .fold(f64::MIN, f64::max);
    defaults["thresholds"]["steps"] = text.into();
    if let Some(custom) = defaults.get_mut("custom").and_then(Value::as_object_mut)
        && custom.get("axisSoftMax").and_then(Value::as_f64) == Some(highest)
    {
        custom.remove("axisSoftMax");
    }
}
