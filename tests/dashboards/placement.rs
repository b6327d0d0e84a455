//! Ids and the grid.

use crate::catalogs::STACKS;
use crate::{all_panels, name};
use monstack::value::Value;
use std::collections::BTreeSet;

fn place(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|key| {
        panel["gridPos"][key]
            .as_u64()
            .unwrap_or_else(|| panic!("no {key} in {panel}"))
    })
}

fn overlap(a: &Value, b: &Value) -> bool {
    let ([ax, ay, aw, ah], [bx, by, bw, bh]) = (place(a), place(b));
    ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah
}

#[test]
fn ids_are_unique_and_fit_grafanas_numbers() {
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            let mut seen = BTreeSet::new();
            for panel in all_panels(dashboard) {
                let id = panel["id"].as_u64().unwrap_or_default();
                assert!(
                    (1..=0x7fff_ffff).contains(&id) && seen.insert(id),
                    "{catalog}: id {id} of {}",
                    name(dashboard, panel)
                );
            }
        }
    }
}

#[test]
fn panels_stay_inside_the_grid_and_apart_also_inside_collapsed_rows() {
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            let top: Vec<&Value> = dashboard["panels"]
                .as_array()
                .expect("panels")
                .iter()
                .collect();
            apart(catalog, dashboard, &top);
            for row in top.iter().filter(|panel| panel["type"] == "row") {
                let children: Vec<&Value> = row["panels"]
                    .as_array()
                    .expect("a row has panels")
                    .iter()
                    .collect();
                assert_eq!(
                    row["collapsed"].as_bool(),
                    Some(!children.is_empty()),
                    "{catalog}: {}",
                    name(dashboard, row)
                );
                assert!(
                    children.iter().all(|child| place(child)[1] > place(row)[1]),
                    "{catalog}: above its row: {}",
                    name(dashboard, row)
                );
                apart(catalog, dashboard, &children);
            }
        }
    }
}

fn apart(catalog: &str, dashboard: &Value, panels: &[&Value]) {
    for (index, panel) in panels.iter().enumerate() {
        let [x, _, w, h] = place(panel);
        assert!(
            x + w <= 24 && w >= 3 && h >= 1,
            "{catalog}: {}",
            name(dashboard, panel)
        );
        if let Some(other) = panels[..index].iter().find(|other| overlap(panel, other)) {
            panic!(
                "{catalog}: {} lies on {}",
                name(dashboard, panel),
                name(dashboard, other)
            );
        }
    }
}

#[test]
fn every_line_is_filled_from_edge_to_edge() {
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            for panel in all_panels(dashboard) {
                let [_, y, _, _] = place(panel);
                let width: u64 = all_panels(dashboard)
                    .iter()
                    .filter(|other| place(other)[1] == y && same_row(dashboard, panel, other))
                    .map(|p| place(p)[2])
                    .sum();
                assert_eq!(
                    width,
                    24,
                    "{catalog}: the line of {}",
                    name(dashboard, panel)
                );
            }
        }
    }
}

/// Whether both are on the dashboard itself, or inside the same collapsed row.
fn same_row(dashboard: &Value, a: &Value, b: &Value) -> bool {
    let row = |panel: &Value| {
        dashboard["panels"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|row| {
                row["panels"]
                    .as_array()
                    .is_some_and(|list| list.contains(panel))
            })
    };
    row(a).map(|row| &row["id"]) == row(b).map(|row| &row["id"])
}
