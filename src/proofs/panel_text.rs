//! Every panel says what it shows, in which unit, and which line is whose.

use super::panel_unit::of_some_unit;
use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::promql::variables::variables;
use crate::stack::dashboards::panels;
use crate::stack::grafana::GRAFANA;
use crate::stack::grafana::filled::left_as_written;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-text",
    doc: "At three in the morning a number without a unit or a title says nothing, and no line can be told from another whose legend names a label that the query has summed away.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/*/targets/*",
        bad: r#"{"refId": "A", "expr": "sum by (job) (up)", "legendFormat": "{{instance}}"}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            let list = file.value["templating"]["list"].items();
            let known: BTreeSet<&str> = list.filter_map(|one| one["name"].as_str()).collect();
            for (pointer, panel) in panels(&file.value) {
                let kind = panel["type"].as_str().unwrap_or_default();
                let asks = GRAFANA.panel(kind).is_some_and(|kind| kind.draws.is_some());
                if !asks && kind != "row" {
                    continue;
                }
                let title = panel["title"].as_str().unwrap_or_default();
                let fields = &panel["fieldConfig"];
                // The cells of a heatmap are colours; what they are at has its unit at the axis.
                let axis = &panel["options"]["yAxis"]["unit"];
                let axis = axis.as_str().filter(|_| panel["type"] == "heatmap");
                // A state that is written in words is no number.
                let worded = ["state-timeline", "status-history"].contains(&kind)
                    && fields["defaults"]["mappings"].items().next().is_some();
                let named = ["name", "none"]
                    .contains(&panel["options"]["textMode"].as_str().unwrap_or_default());
                let unit = worded
                    || named
                    || fields["defaults"]["unit"]
                        .as_str()
                        .or(axis)
                        .is_some_and(|unit| !unit.is_empty())
                    || fields["overrides"]
                        .items()
                        .flat_map(|change| change["properties"].items())
                        .any(|change| change["id"] == "unit")
                    // A number of things is what it is without one.
                    || !stack
                        .queries(&file.path, &pointer)
                        .into_iter()
                        .any(|one| of_some_unit(one, &stack.contract));
                let name = fields["defaults"]["displayName"].as_str();
                if let Some((written, help)) = name.and_then(left_as_written) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/fieldConfig/defaults/displayName"),
                        format!("the name of the fields holds `{written}`, for which Grafana fills in nothing"),
                        help,
                    ));
                }
                let unknown = variables(title)
                    .find(|(name, _)| !name.starts_with("__") && !known.contains(name));
                if let Some((_, written)) = unknown {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/title"),
                        format!(
                            "the title holds `{written}`, and the dashboard has no such variable"
                        ),
                        "write one that it has, or none",
                    ));
                }
                for (key, name, there) in [
                    ("/title", "title", !title.trim().is_empty()),
                    ("/fieldConfig/defaults/unit", "unit", unit || !asks),
                ] {
                    if !there {
                        found.push(place::at(
                            &file.path,
                            format!("{pointer}{key}"),
                            format!("the panel `{title}` has no {name}"),
                            "write what it shows, and in which unit",
                        ));
                    }
                }
            }
        }
        for expression in stack.used(Usage::Panel) {
            let legend = expression.target["legendFormat"]
                .as_str()
                .unwrap_or_default();
            let name = expression.owner["fieldConfig"]["defaults"]["displayName"]
                .as_str()
                .unwrap_or_default();
            let named = |text: &'static str, end: &'static str, of: &'_ str| -> Vec<String> {
                of.split(text)
                    .skip(1)
                    .filter_map(|rest| rest.split(end).next())
                    .map(|label| label.trim().to_string())
                    .collect()
            };
            let panel = expression.panel().unwrap_or_default();
            let mark = expression.pointer.strip_suffix("/expr");
            let mark = mark.filter(|mark| mark.starts_with("/annotations/"));
            let mut files = stack.files.dashboards();
            let file = mark.and_then(|_| files.find(|file| file.path == expression.path));
            let marks = ["titleFormat", "textFormat"].into_iter().filter_map(|key| {
                let pointer = format!("{}/{key}", mark?);
                let text = file?.value.pointer(&pointer)?.as_str()?;
                let labels = named("{{", "}}", text).into_iter();
                Some(labels.map(move |label| (label, pointer.clone())))
            });
            let legends = named("{{", "}}", legend)
                .into_iter()
                .map(|label| (label, expression.pointer.replace("/expr", "/legendFormat")));
            let names = named("${__field.labels.", "}", name)
                .into_iter()
                .map(|label| (label, format!("{panel}/fieldConfig/defaults/displayName")));
            let labels: Vec<(String, String)> =
                legends.chain(names).chain(marks.flatten()).collect();
            if labels.is_empty() {
                continue;
            }
            let series = expression.series(&stack.contract);
            if series.is_empty() {
                continue;
            }
            for (label, pointer) in labels {
                if !series.iter().any(|series| series.has(&label)) {
                    found.push(place::at(
                        expression.path,
                        pointer,
                        format!("the series have no label `{label}` for the legend"),
                        "name a label that the query keeps",
                    ));
                }
            }
        }
        found
    }),
};
