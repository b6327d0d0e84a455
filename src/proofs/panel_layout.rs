//! Every panel is on the screen, where nothing else is: ids of their own, a place inside the grid, and no panel inside one that
//! does not show it.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::suggestion;
use crate::value::Value;
use std::collections::HashMap;

/// A panel's place, title and pointer.
type Placed<'a> = ([i64; 4], &'a str, &'a str);

pub(crate) const PROOF: Proof = Proof {
    code: "panel-layout",
    doc: "Two panels with one id share links and settings; panels that overlap are moved by Grafana, so that the committed layout is not the one that people see. Panels inside a panel are shown by a collapsed row alone.",
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
                let id = panel["id"].as_i64();
                if let Some(other) = id.and_then(|id| ids.insert(id, title)) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/id"),
                        format!("`{title}` has the id of `{other}`"),
                        "derive each panel's id from a key of its own",
                    ));
                }
                let kind = panel["type"].as_str().unwrap_or_default();
                if let Some(hidden) = hides(panel) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/panels"),
                        format!("{hidden}, so those inside `{title}` are never shown"),
                        "put the panels beside it, or let a row be collapsed",
                    ));
                }
                let mut inside = panel["panels"].items();
                if kind == "row" && panel["collapsed"] == true && inside.next().is_none() {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/collapsed"),
                        format!("the row `{title}` is collapsed, and holds no panels: those below it are not its"),
                        "put them into its `panels`, or let it be open",
                    ));
                }
                if kind != "row" && place(panel).is_none() {
                    found.push(place::at(
                        &file.path,
                        pointer.clone(),
                        format!("`{title}` has no place on the grid"),
                        "write its gridPos: h, w, x, y",
                    ));
                }
                let flat = place(panel).is_some_and(|[h, ..]| h == 1);
                if flat && !["row", "text", "stat", "news", "dashlist"].contains(&kind) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/gridPos/h"),
                        format!("`{title}` is as high as its title: nothing of it is seen"),
                        "make it 4 rows high or more",
                    ));
                }
                let repeat = panel["repeat"].as_str().filter(|name| !name.is_empty());
                let variables = || file.value["templating"]["list"].items();
                if let Some(name) = repeat
                    && !variables().any(|variable| variable["name"] == name)
                {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/repeat"),
                        format!(
                            "`{title}` is repeated for `{name}`, and there is no such variable"
                        ),
                        suggestion(name, variables().filter_map(|one| one["name"].as_str())),
                    ));
                }
                if let Some([_, _, w, x]) = place(panel)
                    .filter(|[h, w, x, y]| *h < 1 || *w < 1 || *x < 0 || *y < 0 || x + w > 24)
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

/// Why the panels inside a panel are not shown.
fn hides(panel: &Value) -> Option<&'static str> {
    let inside = panel["panels"].items().next()?;
    let row = panel["type"] == "row";
    match () {
        () if !row => Some("only a row holds panels"),
        () if panel["collapsed"] != true => Some("an open row holds no panels"),
        () if inside["type"] == "row" => Some("a row holds no row"),
        () => None,
    }
}

/// Height, width, column, row.
fn place(panel: &Value) -> Option<[i64; 4]> {
    let number = |key: &str| panel["gridPos"][key].as_i64();
    Some([number("h")?, number("w")?, number("x")?, number("y")?])
}

fn overlap(a: &[i64; 4], b: &[i64; 4]) -> bool {
    a[2] < b[2] + b[1] && b[2] < a[2] + a[1] && a[3] < b[3] + b[0] && b[3] < a[3] + a[0]
}
