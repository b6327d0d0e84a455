//! A dashboard's JSON → sections of panels, each with the answers to its queries.

use super::annotations::{self, Annotation};
use super::answers::{Answers, Axis};
use super::body::Body;
use super::dashboard::{Dashboard, Panel, Place, Query, Section};
use super::variables::{ShownVariables, seconds};
use super::{page, story};
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::Diagnostic;
use crate::render::{File, Rendered};
use crate::stack::files::Files;
use crate::value::Value;
use std::collections::BTreeMap;

/// Instants of a panel's time axis; more cannot be distinguished on a screen this wide.
const INSTANTS: i64 = 60;

/// What all panels of a dashboard share.
pub(super) struct Shown<'a> {
    pub(super) variables: &'a ShownVariables,
    pub(super) annotations: &'a [Annotation],
    pub(super) axis: Axis,
}

/// What dashboards are made from.
pub(crate) struct Maker<'a> {
    pub answers: &'a dyn Answers,
    pub catalog: &'a Catalog,
    /// Finds the template behind a panel.
    pub rendered: &'a Rendered,
    /// Values of variables that the user chose.
    pub chosen: &'a BTreeMap<String, String>,
}

impl Maker<'_> {
    /// Reads one dashboard and asks all its queries.
    pub(crate) fn dashboard(&self, file: &File) -> Dashboard {
        let value = &file.value;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
        let range = self.answers.span().unwrap_or_else(|| seconds(value));
        let step = (range / INSTANTS).max(1);
        let axis = Axis {
            end: self.answers.now(),
            step,
            count: (range / step + 1) as usize,
        };
        let service = self
            .catalog
            .services
            .get(story::richest(self.catalog))
            .map_or("", |service| service.name.as_str());
        let scrape = Files::of(&self.rendered.files)
            .scrape_interval()
            .unwrap_or(self.catalog.prometheus.scrape_interval);
        let variables = ShownVariables::of(value, (range, step), scrape, service, self.chosen);
        let time = (
            super::units::clock(axis.at(0)),
            super::units::clock(axis.end),
        );
        let mut made = Dashboard {
            anchor: text("uid"),
            title: text("title"),
            description: text("description"),
            variables: Vec::new(),
            annotations: Vec::new(),
            time,
            sections: Vec::new(),
            diagnostics: Vec::new(),
        };
        let annotations = self.annotations(&mut made, file, &variables, &axis);
        let shown = Shown {
            variables: &variables,
            annotations: &annotations,
            axis,
        };
        self.sections(&mut made, file, &shown);
        made.sections.iter_mut().for_each(lifted);
        made.variables = variables.shown;
        made
    }

    /// A section for each row, with its panels.
    fn sections(&self, made: &mut Dashboard, file: &File, shown: &Shown) {
        for (index, panel) in file.value["panels"].items().enumerate() {
            let pointer = format!("/panels/{index}");
            if panel["type"] == "row" {
                let title = shown
                    .variables
                    .filled(panel["title"].as_str().unwrap_or_default());
                made.sections.push(Section {
                    title,
                    anchor: anchor(&made.anchor, panel),
                    collapsed: panel["collapsed"] == true,
                    panels: Vec::new(),
                });
                for (inner, panel) in panel["panels"].items().enumerate() {
                    self.add(
                        made,
                        file,
                        &format!("{pointer}/panels/{inner}"),
                        panel,
                        shown,
                    );
                }
            } else {
                self.add(made, file, &pointer, panel, shown);
            }
        }
    }

    fn annotations(
        &self,
        made: &mut Dashboard,
        file: &File,
        variables: &ShownVariables,
        axis: &Axis,
    ) -> Vec<Annotation> {
        let mut all = Vec::new();
        for (index, entry) in file.value["annotations"]["list"].items().enumerate() {
            match annotations::annotations(entry, variables, self.answers, axis) {
                Ok(found) => all.extend(found),
                Err(reason) => made.diagnostics.push(self.undrawn(
                    file,
                    &format!("/annotations/list/{index}"),
                    entry["name"].as_str(),
                    &made.title,
                    &reason,
                )),
            }
        }
        made.annotations = all.iter().map(|one| one.words(axis)).collect();
        all
    }

    fn add(&self, made: &mut Dashboard, file: &File, pointer: &str, panel: &Value, shown: &Shown) {
        if made.sections.is_empty() {
            made.sections.push(Section {
                title: String::new(),
                anchor: format!("{}-top", made.anchor),
                collapsed: false,
                panels: Vec::new(),
            });
        }
        let (body, queries) = self.body(panel, shown);
        let text = |key: &str| {
            shown
                .variables
                .filled(panel[key].as_str().unwrap_or_default())
        };
        if let Body::Refused { reason } = &body {
            made.diagnostics.push(self.undrawn(
                file,
                pointer,
                Some(&text("title")),
                &made.title,
                reason,
            ));
        }
        let number = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_default();
        let place = Place {
            x: number("x").min(23),
            y: number("y"),
            w: number("w").clamp(1, 24),
            h: number("h").max(1),
        };
        let span = shown.axis.step * (shown.axis.count - 1) as i64;
        let period = match of_the_time_shown(panel) {
            true => format!("last {}", Duration(span.unsigned_abs() * 1000)),
            false => String::new(),
        };
        let queries = queries.into_iter().map(|text| Query {
            href: self.answers.link(&text, span),
            text,
        });
        let queries = queries.collect();
        let links = panel["links"].items();
        let links = links
            .map(|link| {
                (
                    link["title"].as_str().unwrap_or_default().to_string(),
                    page::href(link["url"].as_str().unwrap_or_default()),
                )
            })
            .collect();
        let sort = panel["type"].as_str().unwrap_or_default().to_string();
        let panel = Panel {
            anchor: anchor(&made.anchor, panel),
            title: text("title"),
            period,
            description: text("description"),
            sort,
            place,
            body,
            queries,
            links,
        };
        if let Some(section) = made.sections.last_mut() {
            section.panels.push(panel);
        }
    }

    fn undrawn(
        &self,
        file: &File,
        pointer: &str,
        what: Option<&str>,
        dashboard: &str,
        reason: &str,
    ) -> Diagnostic {
        let message = format!(
            "`{}` of `{dashboard}` cannot be previewed: {reason}",
            what.unwrap_or_default()
        );
        Diagnostic::warning("preview", self.rendered.place(&file.path, pointer), message)
            .help("look at it in Grafana: the preview knows fewer panels and functions")
    }
}

/// Whether its numbers are of all of the time that is shown; a chart has its times below it.
fn of_the_time_shown(panel: &Value) -> bool {
    let chart = ["timeseries", "graph", "state-timeline", "status-history"];
    let targets = panel["targets"].items();
    let mut asked = targets.filter_map(|target| target["expr"].as_str());
    !chart.contains(&panel["type"].as_str().unwrap_or_default())
        && asked.any(|query| query.contains("$__range") || query.contains("${__range"))
}

fn anchor(dashboard: &str, panel: &Value) -> String {
    format!("{dashboard}-{}", panel["id"].as_i64().unwrap_or_default())
}

/// Rows counted from the top of the section.
fn lifted(section: &mut Section) {
    let top = section
        .panels
        .iter()
        .map(|panel| panel.place.y)
        .min()
        .unwrap_or(0);
    section
        .panels
        .iter_mut()
        .for_each(|panel| panel.place.y -= top);
}
