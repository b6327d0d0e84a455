//! Panels have ids of their own and do not overlap.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use serde_json::Value;
use std::collections::HashMap;

/// A panel's place, title and pointer.
type Placed<'a> = ([i64; 4], &'a str, &'a str);

pub(crate) const PROOF: Proof = Proof {
    code: "panel-layout",
    doc: "Two panels with one id share links and settings; panels that overlap are moved by Grafana, so that the committed layout is not the one that people see.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/*/gridPos",
        bad: r#"{"h": 4, "w": 30, "x": 0, "y": 0}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            let all = crate::stack::dashboards::panels(&file.value);
            let mut ids = HashMap::new();
            for (pointer, panel) in &all {
                let title = panel["title"].as_str().unwrap_or_default();
                if let Some(other) = ids.insert(panel["id"].as_i64().unwrap_or_default(), title) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/id"),
                        format!("`{title}` has the id of `{other}`"),
                        "derive each panel's id from a key of its own",
                    ));
                }
                if let Some([_, _, w, x]) = place(panel)
                    .filter(|[h, w, x, _]| *h < 1 || *w < 1 || x + w > 24)
                    .map(|[h, w, x, y]| [h, y, w, x])
                {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/gridPos"),
                        format!("`{title}` leaves the grid: {w} wide at {x}"),
                        "a dashboard is 24 columns wide",
                    ));
                }
            }
            // Top-level panels share one grid; those of a collapsed row have it to themselves.
            let mut grids: HashMap<&str, Vec<Placed>> = HashMap::new();
            for (pointer, panel) in &all {
                let Some(place) = place(panel) else { continue };
                let parent = pointer
                    .rsplit_once("/panels/")
                    .map_or("", |(parent, _)| parent);
                let title = panel["title"].as_str().unwrap_or_default();
                let grid = grids.entry(parent).or_default();
                if let Some((_, other, _)) =
                    grid.iter().find(|(taken, _, _)| overlap(taken, &place))
                {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/gridPos"),
                        format!("`{title}` lies over `{other}`"),
                        "give each panel a place of its own",
                    ));
                }
                grid.push((place, title, pointer));
            }
        }
        found
    }),
};

/// Height, width, column, row.
fn place(panel: &Value) -> Option<[i64; 4]> {
    let number = |key: &str| panel["gridPos"][key].as_i64();
    Some([number("h")?, number("w")?, number("x")?, number("y")?])
}

fn overlap(a: &[i64; 4], b: &[i64; 4]) -> bool {
    a[2] < b[2] + b[1] && b[2] < a[2] + a[1] && a[3] < b[3] + b[0] && b[3] < a[3] + a[0]
}
