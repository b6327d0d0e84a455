//! A dashboard's JSON → sections of panels, each with the answers to its queries.

use super::annotations::{self, Annotation};
use super::answers::{Answers, Axis};
use super::body::Body;
use super::dashboard::{Dashboard, Panel, Place, Section};
use super::field::Field;
use super::subject::{Found, Subject};
use super::variables::{Variables, seconds};
use super::{page, stat, story, table, timeline, timeseries};
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::render::{File, Rendered};
use crate::stack::files::Files;
use serde_json::Value;
use std::collections::BTreeMap;

/// Instants of a panel's time axis; more are not told apart on a screen this wide.
const INSTANTS: i64 = 60;

/// What all panels of a dashboard share.
struct Shown<'a> {
    variables: &'a Variables,
    annotations: &'a [Annotation],
    axis: Axis,
}

/// What dashboards are made from.
pub struct Maker<'a> {
    /// Who answers the queries.
    pub answers: &'a dyn Answers,
    /// Names the services.
    pub catalog: &'a Catalog,
    /// Finds the template behind a panel.
    pub rendered: &'a Rendered,
    /// Values of variables that the user chose.
    pub chosen: &'a BTreeMap<String, String>,
}

impl Maker<'_> {
    /// Reads one dashboard and asks all its queries.
    pub fn dashboard(&self, file: &File) -> Dashboard {
        let value = &file.value;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
        let range = seconds(value);
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
        let variables = Variables::of(value, step, scrape, service, self.chosen);
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
        for (index, panel) in value["panels"].as_array().into_iter().flatten().enumerate() {
            let pointer = format!("/panels/{index}");
            if panel["type"] == "row" {
                let title = variables.filled(panel["title"].as_str().unwrap_or_default());
                made.sections.push(Section {
                    title,
                    anchor: anchor(&made.anchor, panel),
                    collapsed: panel["collapsed"] == true,
                    panels: Vec::new(),
                });
                for (inner, panel) in panel["panels"].as_array().into_iter().flatten().enumerate() {
                    self.add(
                        &mut made,
                        file,
                        &format!("{pointer}/panels/{inner}"),
                        panel,
                        &shown,
                    );
                }
            } else {
                self.add(&mut made, file, &pointer, panel, &shown);
            }
        }
        made.sections.iter_mut().for_each(lifted);
        made.variables = variables.shown;
        made
    }

    fn annotations(
        &self,
        made: &mut Dashboard,
        file: &File,
        variables: &Variables,
        axis: &Axis,
    ) -> Vec<Annotation> {
        let mut all = Vec::new();
        for (index, entry) in file.value["annotations"]["list"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
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
        let links = panel["links"].as_array().into_iter().flatten();
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

    fn body(&self, panel: &Value, shown: &Shown) -> (Body, Vec<String>) {
        let Shown {
            variables,
            annotations,
            axis,
        } = *shown;
        let mut found = Vec::new();
        let mut queries = Vec::new();
        let mut refused = None;
        for target in panel["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|target| target["hide"] != true)
        {
            let Some(expression) = target["expr"]
                .as_str()
                .map(|expression| variables.filled(expression))
            else {
                continue;
            };
            let answer = if target["instant"] == true {
                self.answers.instant(&expression)
            } else {
                self.answers.range(&expression, &axis)
            };
            let text = |key: &str| target[key].as_str().unwrap_or_default().to_string();
            match answer {
                Ok(series) => found.push(Found {
                    reference: text("refId"),
                    legend: text("legendFormat"),
                    series,
                }),
                Err(reason) => {
                    refused = Some(format!(
                        "query {}: {}",
                        text("refId"),
                        reason.lines().next().unwrap_or_default()
                    ))
                }
            }
            queries.push(expression);
        }
        if let Some(reason) = refused {
            return (Body::Refused { reason }, queries);
        }
        let subject = Subject {
            panel,
            found: &found,
            annotations,
            axis,
        };
        let body = match panel["type"].as_str().unwrap_or_default() {
            "stat" => stat::tiles(&subject),
            "bargauge" | "gauge" => stat::bars(&subject),
            "timeseries" | "graph" => timeseries::lines(&subject),
            "state-timeline" | "status-history" => timeline::timeline(&subject),
            "table" => table::table(&subject),
            "text" => Some(Body::Text {
                text: variables.filled(panel["options"]["content"].as_str().unwrap_or_default()),
            }),
            other => Some(Body::Refused {
                reason: format!("panels of type `{other}` are not drawn here"),
            }),
        };
        let field = Field::of(panel, "", "");
        let expected = field
            .get("/noValue")
            .as_str()
            .is_some_and(|text| !text.is_empty());
        (
            body.unwrap_or_else(|| Body::Empty {
                text: field.missing().text,
                expected,
            }),
            queries,
        )
    }
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
