//! What dashboards hold.

use crate::catalog::Group;
use crate::value::Value;
use std::collections::HashMap;

/// The panels of a dashboard with their pointers, those inside collapsed rows too, in the order in which they are seen: Grafana
/// sorts them by their places.
pub fn panels(dashboard: &Value) -> Vec<(String, &Value)> {
    fn inside<'a>(pointer: &str, list: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        let mut panels: Vec<(usize, &Value)> = list.items().enumerate().collect();
        let at = |panel: &Value, key| panel["gridPos"][key].as_i64();
        panels.sort_by_cached_key(|(_, panel)| (at(panel, "y"), at(panel, "x")));
        for (index, panel) in panels {
            let pointer = format!("{pointer}/panels/{index}");
            found.push((pointer.clone(), panel));
            inside(&pointer, &panel["panels"], found);
        }
    }
    let mut found = Vec::new();
    inside("", &dashboard["panels"], &mut found);
    found
}

/// The panels that are no rows, each with the group in whose row it stands: such a row bears the group's title, and ends at the next.
pub(crate) fn panels_in_groups<'a>(
    dashboard: &'a Value,
    groups: &'a [Group],
) -> Vec<(String, &'a Value, Option<&'a Group>)> {
    let mut group = None;
    let mut found = Vec::new();
    for (pointer, panel) in panels(dashboard) {
        if panel["type"] == "row" {
            let title = panel["title"].as_str().unwrap_or_default();
            group = groups.iter().find(|group| group.title == title);
        } else {
            found.push((pointer, panel, group));
        }
    }
    found
}

/// The variables that have one value at a time in a panel, by its pointer: it is repeated for them, or the row in which it stands is.
pub(crate) fn repeated(dashboard: &Value) -> HashMap<String, Vec<&str>> {
    let mut of_row = None;
    let mut found = HashMap::new();
    for (pointer, panel) in panels(dashboard) {
        let own = panel["repeat"].as_str().filter(|name| !name.is_empty());
        if panel["type"] == "row" {
            of_row = own;
        } else if own.or(of_row).is_some() {
            found.insert(pointer, own.into_iter().chain(of_row).collect());
        }
    }
    found
}
